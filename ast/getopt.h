/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the script. */
#ifndef TRACE_GETOPT_H
#define TRACE_GETOPT_H

struct node;
struct unit;

/* A call of getopt() becomes the literal that was given, or its default. */
void getopt_resolve(struct unit *u, struct node *call);
/* Queues what is given and not known; -ECANCELED when the script's own help was printed. */
int getopt_check(struct unit *u);

#endif

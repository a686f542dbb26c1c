/* SPDX-License-Identifier: Apache-2.0 */
/* -l. */
#ifndef TRACE_LIST_H
#define TRACE_LIST_H

struct options;
struct unit;

/* 0, or a negative errno after saying why on stderr or as diagnostics of u. */
int list(struct unit *u, struct options *o);

#endif

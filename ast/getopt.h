/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the script. */
#ifndef TRACE_GETOPT_H
#define TRACE_GETOPT_H

#include <stdbool.h>

#include "runtime/script_option.h"

struct node;
struct unit;

/* One of those that getopt() asks for. */
struct asked_option {
	struct script_option opt; /* with its default */
	bool is_open; /* code reads it where the program runs */
	struct asked_option *next;
};

/*
 * A call of getopt() becomes the literal that was given, or its default. When the program is compiled
 * for later (open_options), what is not given becomes an N_OPTION, unless a constant has to stand
 * there.
 */
void getopt_resolve(struct unit *u, struct node *call, bool wants_constant);
/* Queues what is given and not known; -ECANCELED when the script's own help was printed. */
int getopt_check(struct unit *u);
/* The comment that the script begins with, without its marks: what it is for, and how to use it. */
const char *getopt_about(struct unit *u);

#endif

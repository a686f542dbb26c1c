/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program's text comes from. */
#ifndef TRACE_PROGRAM_H
#define TRACE_PROGRAM_H

#include <stddef.h>

struct options;
struct unit;

/* The main source of a compilation. 0, or a negative errno after a line on stderr; so add_source. */
int read_program(struct unit *u, const struct options *o);
int add_source(struct unit *u, const char *name, const char *text, size_t len);

#endif

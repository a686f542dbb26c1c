/* SPDX-License-Identifier: Apache-2.0 */
/* What the code of a probe wants to know of where it is attached. */
#ifndef TRACE_WANTS_H
#define TRACE_WANTS_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct unit;
struct wanted_field;

struct wants {
	bool ctx, uaddr;
	bool args; /* some fields, or all: args itself as a value */
	bool all_args;
	bool retval_type; /* not only the register */
	uint32_t words; /* bit N: argN; bit PROBE_ARGS_MAX: retval */
	struct wanted_field *fields;
};

void wants_of(struct unit *u, const struct node *probe, struct wants *w);
bool wants_field(const struct wants *w, const char *name);

#endif

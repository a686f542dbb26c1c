/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of check. */
#ifndef TRACE_CHECK_H
#define TRACE_CHECK_H

#include "ast/builtins.h"
#include "ast/type.h"
#include "ast/unit.h"

/* A call's arguments: how many, of what sort, literals in range, formats. */
void check_call(struct unit *u, struct node *n);

/* An expression that an earlier stage has told about. */
static inline bool check_is_bad(const struct node *n)
{
	return !n->type || n->type->kind == V_NONE;
}

#endif

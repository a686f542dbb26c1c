/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of check; infer shares the limits. */
#ifndef TRACE_CHECK_H
#define TRACE_CHECK_H

#include "ast/builtins.h"
#include "ast/type.h"
#include "ast/unit.h"

#define CHECK_LHIST_MAX 1000 /* buckets */
#define CHECK_TSERIES_KINDS "avg|max|min|sum" /* in the order of enum tseries_kind */

/* A call's arguments: how many, of what sort, literals in range, formats. */
void check_call(struct unit *u, struct node *n);

bool check_points_to_text(const struct type *t);

/* Programs that outlive us (check_pinned.c). Needs: no errors so far. */
void check_pinned(struct unit *u);

/* An expression that an earlier stage has told about. */
static inline bool check_is_bad(const struct node *n)
{
	return !n->type || n->type->kind == V_NONE;
}

#endif

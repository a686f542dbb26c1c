/* SPDX-License-Identifier: Apache-2.0 */
/* Constants. Literals are computed exactly in 128 bits, then have to fit 64, signed or unsigned. */
#include <errno.h>
#include <string.h>

#include "ast/builtins.h"
#include "ast/fold.h"
#include "ast/type.h"

typedef __int128 wide;

static bool is_number(const struct node *n)
{
	return n->kind == N_INT || n->kind == N_BOOL;
}

static wide number(const struct node *n)
{
	return n->num.is_unsigned ? (wide)n->num.value : (wide)(int64_t)n->num.value;
}

static void set_bool(struct unit *u, struct node *n, bool v)
{
	node_become_number(n, N_BOOL, v, false);
	n->type = type_bool(u->types);
}

static void set_number(struct unit *u, struct node *n, wide v)
{
	node_become_number(n, N_INT, (uint64_t)v, v > INT64_MAX);
	n->type = type_of_literal(u->types, n->num.value, n->num.is_unsigned);
}

static bool cannot(struct unit *u, struct node *n, bool report, enum diag_id why)
{
	if (report)
		diag(u->diags, n->span, why);
	n->type = type_plain(u->types, V_NONE);
	return true;
}

static bool compare(enum binary_op op, wide l, wide r)
{
	switch (op) {
	case OP_EQ: return l == r;
	case OP_NE: return l != r;
	case OP_LT: return l < r;
	case OP_LE: return l <= r;
	case OP_GT: return l > r;
	case OP_GE: return l >= r;
	case OP_LOR: return l || r;
	case OP_LAND: return l && r;
	case OP_NONE:
	case OP_BOR:
	case OP_BXOR:
	case OP_BAND:
	case OP_SHL:
	case OP_SHR:
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
	case OP_MOD: break;
	}
	return false;
}

/* Operands lie within 65 bits, so that only shifts and products need a look. */
static bool compute(enum binary_op op, wide l, wide r, wide *v)
{
	switch (op) {
	case OP_BOR: *v = l | r; return true;
	case OP_BXOR: *v = l ^ r; return true;
	case OP_BAND: *v = l & r; return true;
	case OP_SHL:
		if (r < 0 || r > 63)
			return false;
		return !__builtin_mul_overflow(l, (wide)1 << r, v);
	case OP_SHR:
		if (r < 0 || r > 63)
			return false;
		*v = l >> r;
		return true;
	case OP_ADD: *v = l + r; return true;
	case OP_SUB: *v = l - r; return true;
	case OP_MUL: return !__builtin_mul_overflow(l, r, v);
	case OP_DIV: *v = l / r; return true;
	case OP_MOD: *v = l % r; return true;
	case OP_NONE:
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
	case OP_LOR:
	case OP_LAND: break;
	}
	return false;
}

static bool is_comparison(enum binary_op op)
{
	return op == OP_LOR || op == OP_LAND || (op >= OP_EQ && op <= OP_GE);
}

static bool fold_strings(struct unit *u, struct node *n)
{
	const struct node *l = n->binary.l, *r = n->binary.r;
	uint32_t both = l->str.len < r->str.len ? l->str.len : r->str.len;
	int order = memcmp(l->str.text, r->str.text, both);

	if (!is_comparison(n->binary.op) || n->binary.op == OP_LOR || n->binary.op == OP_LAND)
		return false;
	if (!order)
		order = (l->str.len > r->str.len) - (l->str.len < r->str.len);
	set_bool(u, n, compare(n->binary.op, order, 0));
	return true;
}

static bool fold_binary(struct unit *u, struct node *n, bool report)
{
	enum binary_op op = n->binary.op;
	wide l, r, v = 0;

	if (n->binary.l->kind == N_STR && n->binary.r->kind == N_STR)
		return fold_strings(u, n);
	if (!is_number(n->binary.l) || !is_number(n->binary.r))
		return false;
	l = number(n->binary.l);
	r = number(n->binary.r);
	if (is_comparison(op)) {
		set_bool(u, n, compare(op, l, r));
		return true;
	}
	if ((op == OP_DIV || op == OP_MOD) && r == 0)
		return cannot(u, n, report, D_DIV_ZERO);
	if (!compute(op, l, r, &v) || v < INT64_MIN || v > UINT64_MAX)
		return cannot(u, n, report, D_FOLD_OVERFLOW);
	set_number(u, n, v);
	return true;
}

static bool fold_unary(struct unit *u, struct node *n, bool report)
{
	wide v;

	if (!is_number(n->unary.e))
		return false;
	v = number(n->unary.e);
	switch (n->unary.op) {
	case UN_NOT: set_bool(u, n, !v); return true;
	case UN_NEG: v = -v; break;
	case UN_PLUS:
	case UN_COMPTIME: break;
	case UN_BNOT: v = (wide)(uint64_t) ~(uint64_t)v; break;
	case UN_DEREF:
	case UN_ADDR: return false;
	}
	if (v < INT64_MIN || v > UINT64_MAX)
		return cannot(u, n, report, D_FOLD_OVERFLOW);
	set_number(u, n, v);
	return true;
}

/* The branch taken stands where the whole stood. */
static bool fold_ternary(struct node *n)
{
	struct node *pick = n->cond.cond, *next = n->next;

	if (!is_number(n->cond.cond))
		return false;
	if (!n->cond.cond->num.value)
		pick = n->cond.otherwise;
	else if (n->cond.then)
		pick = n->cond.then;
	*n = *pick;
	n->next = next;
	return true;
}

bool fold_literal(struct unit *u, struct node *n, bool report)
{
	if (n->kind == N_BINARY)
		return fold_binary(u, n, report);
	if (n->kind == N_UNARY)
		return fold_unary(u, n, report);
	return n->kind == N_TERNARY && fold_ternary(n);
}

/* ---- the pass: what needed types ---- */

static void fold_node(struct walker *w, struct node *n)
{
	struct unit *u = w->arg;

	if (n->kind == N_OFFSETOF && n->sizeof_.arg->type && type_is_kernel(n->sizeof_.arg->type)) {
		n->type = type_settled(u->types, n->type);
	} else if (n->kind == N_SIZEOF || n->kind == N_OFFSETOF) {
		set_number(u, n,
			   n->kind == N_SIZEOF ? node_stored_type(n->sizeof_.arg)->size
					       : n->sizeof_.off);
		n->type = type_settled(u->types, n->type);
	} else {
		const struct type *t = n->type;

		if (fold_literal(u, n, true) && t && type_is_int(t) && n->kind == N_INT)
			n->type = t; /* others were told this type */
		n->type = type_settled(u->types, n->type);
	}
}

/* Needs: types. Gives: no operator on literals, no sizeof. */
int fold(struct unit *u)
{
	struct walker w = { .post = fold_node, .arg = u };

	walk(&w, u->program);
	return diags_errors(u->diags) ? -EINVAL : 0;
}

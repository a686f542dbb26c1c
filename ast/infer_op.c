/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: integers are computed in 64 bits, signed when a side is or when subtracting. */
#include "ast/fold.h"
#include "ast/infer.h"

void infer_convert(struct infer *in, struct node *n, const struct type *from, const struct type *to)
{
	if (!in->report || from->kind != V_INT || to->kind != V_INT || n->kind == N_INT ||
	    n->kind == N_OPTION)
		return;
	if (from->size > to->size || (from->size == 8 && !from->is_signed && to->is_signed))
		diag(in->u->diags, n->span, D_CAST_LOSSY, infer_name(in, from), infer_name(in, to));
}

static const struct type *as_int(struct infer *in, const struct type *t)
{
	return t->kind == V_BOOL ? type_lit(in->ts, 1) : t;
}

static bool is_word(const struct type *t)
{
	return type_is_int(t) || t->kind == V_PTR;
}

/* Both are integers: the 64-bit type to compute in. */
static const struct type *wide(struct infer *in, const struct type *l, const struct type *r)
{
	const struct type *t = type_join(in->ts, as_int(in, l), as_int(in, r), NULL);

	return type_is_lit(t) ? type_lit(in->ts, 8) : type_int(in->ts, 8, t->is_signed);
}

static const struct type *ptr_arith(struct infer *in, enum binary_op op, const struct type *l,
				    const struct type *r)
{
	if (l->kind == V_PTR && l->elem)
		type_complete(in->ts, l->elem);
	if (r->kind == V_PTR && r->elem)
		type_complete(in->ts, r->elem);
	if (op == OP_ADD && l->kind == V_PTR && type_is_int(r))
		return l;
	if (op == OP_ADD && r->kind == V_PTR && type_is_int(l))
		return r;
	if (op == OP_SUB && l->kind == V_PTR && type_is_int(r))
		return l;
	if (op == OP_SUB && l->kind == V_PTR && l->elem == r->elem)
		return type_int(in->ts, 8, true);
	return NULL;
}

const struct type *infer_arith(struct infer *in, enum binary_op op, const struct type *l,
			       const struct type *r)
{
	if (!is_word(l) || !is_word(r))
		return NULL;
	if (l->kind == V_PTR || r->kind == V_PTR)
		return ptr_arith(in, op, l, r);
	return op == OP_SUB ? type_int(in->ts, 8, true) : wide(in, l, r);
}

/* What two sides of == or < have in common; NULL: they cannot be compared. */
static const struct type *comparable(struct infer *in, const struct type *l, const struct type *r)
{
	if (l->kind == V_BOOL && r->kind == V_BOOL)
		return l;
	if (type_is_int(l) && type_is_int(r))
		return type_join(in->ts, as_int(in, l), as_int(in, r), NULL);
	if (is_word(l) && is_word(r))
		return type_int(in->ts, 8, false);
	return type_join(in->ts, l, r, NULL);
}

static bool is_equality(enum binary_op op)
{
	return op == OP_EQ || op == OP_NE;
}

static const struct type *mismatch(struct infer *in, struct node *n, const struct type *l,
				   const struct type *r)
{
	const char *op = binary_op_text(n->binary.op);
	const char *ln = infer_name(in, l), *rn = infer_name(in, r);
	struct diag *d;

	if (!in->report)
		return in->bad;
	if (l->kind == r->kind && !(is_equality(n->binary.op) && l->kind == V_TUPLE)) {
		d = diag(in->u->diags, n->span, D_OP_TYPES, op, ln, rn);
		if (n->binary.op == OP_ADD && l->kind == V_STRING)
			diag_hint(d, "str_concat() joins texts");
		return in->bad;
	}
	d = diag(in->u->diags, n->span, D_OP_MISMATCH, op, ln, rn);
	diag_also(d, n->binary.l->span, "left (%s)", ln);
	diag_also(d, n->binary.r->span, "right (%s)", rn);
	return in->bad;
}

static const struct type *logical(struct infer *in, struct node *n)
{
	infer_cond(in, n->binary.l);
	infer_cond(in, n->binary.r);
	n->binary.common = NULL;
	return type_bool(in->ts);
}

static bool is_ordered(const struct type *l, const struct type *r)
{
	return is_word(l) && is_word(r);
}

static bool has_equality(const struct type *t)
{
	return t->kind != V_VOID && !type_is_agg(t) && t->kind != V_STRUCT && t->kind != V_UNION;
}

static const struct type *comparison(struct infer *in, struct node *n, const struct type *l,
				     const struct type *r)
{
	const struct type *t = comparable(in, l, r);

	if (!t || (is_equality(n->binary.op) ? !has_equality(t) : !is_ordered(l, r)))
		return mismatch(in, n, l, r);
	n->binary.common = t;
	if (type_is_int(l) && type_is_int(r)) {
		infer_convert(in, n->binary.l, l, t);
		infer_convert(in, n->binary.r, r, t);
	}
	return type_bool(in->ts);
}

static const struct type *arithmetic(struct infer *in, struct node *n, const struct type *l,
				     const struct type *r)
{
	const struct type *t = infer_arith(in, n->binary.op, l, r);

	if (!t)
		return mismatch(in, n, l, r);
	if (l->kind == V_PTR || r->kind == V_PTR) {
		n->binary.common = NULL;
		return t;
	}
	n->binary.common = t;
	/* Differences of unsigned values are what everybody means: no warning. */
	if (n->binary.op != OP_SUB || l->is_signed != r->is_signed) {
		if (!type_is_lit(l) && !type_is_lit(r)) {
			infer_convert(in, n->binary.l, l, t);
			infer_convert(in, n->binary.r, r, t);
		}
	}
	return t;
}

const struct type *infer_binary(struct infer *in, struct node *n)
{
	enum binary_op op = n->binary.op;
	const struct type *l, *r;

	if (op == OP_LAND || op == OP_LOR) {
		const struct type *t = logical(in, n);

		return fold_literal(in->u, n, in->report) ? n->type : t;
	}
	l = infer_value(in, n->binary.l);
	r = infer_value(in, n->binary.r);
	if (l == in->bad || r == in->bad)
		return in->bad;
	if (!l || !r)
		return NULL;
	if (fold_literal(in->u, n, in->report))
		return n->type == type_plain(in->ts, V_NONE) ? in->bad : n->type;
	switch (op) {
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE: return comparison(in, n, l, r);
	case OP_BOR:
	case OP_BXOR:
	case OP_BAND:
	case OP_SHL:
	case OP_SHR:
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
	case OP_MOD: return arithmetic(in, n, l, r);
	case OP_NONE:
	case OP_LAND:
	case OP_LOR: break;
	}
	return in->bad;
}

static const struct type *bad_operand(struct infer *in, struct node *n, const struct type *t)
{
	if (in->report)
		diag(in->u->diags, n->span, D_UNARY_TYPE, unary_op_text(n->unary.op),
		     infer_name(in, t));
	return in->bad;
}

/* A pointer behind a pointer points into the same memory, unless its own type says more. */
static const struct type *pointee(struct infer *in, const struct type *t)
{
	if (t->elem->kind == V_PTR && t->elem->as == AS_NONE)
		return type_ptr(in->ts, t->elem->elem, t->as);
	return t->elem;
}

static const struct type *deref(struct infer *in, struct node *n, const struct type *t)
{
	if (t->kind == V_PTR && t->elem && t->elem->kind != V_VOID)
		return pointee(in, t);
	if (t->kind == V_INT)
		return type_int(in->ts, 8, false);
	return bad_operand(in, n, t);
}

/* Variables and maps are in the kernel, as seen from the program. */
static enum addr_space space_of_place(const struct node *e)
{
	return e->kind == N_VAR || e->kind == N_MAP ? AS_KERNEL : infer_space(e);
}

const struct type *infer_unary(struct infer *in, struct node *n)
{
	const struct type *t;

	if (n->unary.op == UN_NOT) {
		t = infer_value(in, n->unary.e);
		if (infer_known(in, t) && !infer_is_truth(t))
			return bad_operand(in, n, t);
		return fold_literal(in->u, n, in->report) ? n->type : type_bool(in->ts);
	}
	if (n->unary.op == UN_COMPTIME)
		return infer_constant(in, n);
	t = n->unary.op == UN_DEREF ? infer_pointer(in, n->unary.e) : infer_value(in, n->unary.e);
	if (!infer_known(in, t))
		return t;
	if (t->kind == V_BOOL &&
	    n->unary.op != UN_ADDR) /* as in "~true", which a fold would take */
		return bad_operand(in, n, t);
	if (fold_literal(in->u, n, in->report))
		return n->type;
	switch (n->unary.op) {
	case UN_NEG:
	case UN_BNOT:
	case UN_PLUS:
		if (!type_is_int(t))
			return bad_operand(in, n, t);
		return type_int(in->ts, 8, t->kind == V_INT && t->is_signed);
	case UN_DEREF: return deref(in, n, t);
	case UN_ADDR: return type_ptr(in->ts, type_settled(in->ts, t), space_of_place(n->unary.e));
	case UN_COMPTIME:
	case UN_NOT: break;
	}
	return in->bad;
}

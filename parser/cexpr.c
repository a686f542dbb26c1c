/* SPDX-License-Identifier: Apache-2.0 */
/* Constant expressions in C definitions: array sizes, bit-fields, enumerators. */
#include "parse.h"

static struct node *ternary(struct parser *p);

/* As in C; 0: no binary operator. */
static int precedence(enum token_kind kind, enum binary_op *op)
{
	static const struct {
		enum token_kind kind;
		enum binary_op op;
		int level;
	} rows[] = {
		{ T_LOR, OP_LOR, 1 },	{ T_LAND, OP_LAND, 2 }, { T_BOR, OP_BOR, 3 },
		{ T_BXOR, OP_BXOR, 4 }, { T_BAND, OP_BAND, 5 }, { T_EQ, OP_EQ, 6 },
		{ T_NE, OP_NE, 6 },	{ T_LT, OP_LT, 7 },	{ T_LE, OP_LE, 7 },
		{ T_GT, OP_GT, 7 },	{ T_GE, OP_GE, 7 },	{ T_SHL, OP_SHL, 8 },
		{ T_SHR, OP_SHR, 8 },	{ T_ADD, OP_ADD, 9 },	{ T_SUB, OP_SUB, 9 },
		{ T_MUL, OP_MUL, 10 },	{ T_DIV, OP_DIV, 10 },	{ T_MOD, OP_MOD, 10 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].kind == kind) {
			*op = rows[i].op;
			return rows[i].level;
		}
	}
	return 0;
}

static struct node *sizeof_type(struct parser *p, struct span from)
{
	struct node *type;

	if (!cdef_take_if(p, T_LPAREN))
		return cdef_error(p, "expected '('");
	type = cdef_type_name(p);
	if (!type)
		return NULL;
	if (!cdef_take_if(p, T_RPAREN))
		return cdef_error(p, "expected ')'");
	return make_sizeof(p, type, span_join(from, type->span));
}

static struct node *primary(struct parser *p)
{
	const struct token *next = tokens_peek(p, 0);
	struct span from = next->span;
	struct node *n;

	switch ((int)next->kind) {
	case T_INT: return make_int(p, cdef_take(p));
	case T_IDENT: return make_name(p, N_IDENT, cdef_take(p));
	case T_SIZEOF: cdef_take(p); return sizeof_type(p, from);
	case T_LPAREN:
		cdef_take(p);
		n = ternary(p);
		if (n && !cdef_take_if(p, T_RPAREN))
			return cdef_error(p, "expected ')'");
		return n;
	default: return cdef_error(p, "expected a constant expression");
	}
}

static struct node *unary(struct parser *p)
{
	const struct token *next = tokens_peek(p, 0);
	struct span from = next->span;
	enum unary_op op;
	struct node *e;

	switch ((int)next->kind) {
	case T_SUB: op = UN_NEG; break;
	case T_ADD: op = UN_PLUS; break;
	case T_NOT: op = UN_NOT; break;
	case T_BNOT: op = UN_BNOT; break;
	default: return primary(p);
	}
	cdef_take(p);
	if (!cdef_enter(p))
		return NULL;
	e = unary(p);
	p->c_depth--;
	return e ? make_unary(p, op, e, span_join(from, e->span)) : NULL;
}

static struct node *binary(struct parser *p, int level)
{
	struct node *l = unary(p), *r;
	enum binary_op op;
	int mine;

	while (l && (mine = precedence(tokens_peek(p, 0)->kind, &op)) >= level && mine) {
		cdef_take(p);
		r = binary(p, mine + 1);
		l = r ? make_binary(p, op, l, r, span_join(l->span, r->span)) : NULL;
		if (p->stop)
			return NULL;
	}
	return l;
}

static struct node *ternary(struct parser *p)
{
	struct node *c, *a, *b;

	if (!cdef_enter(p))
		return NULL;
	c = binary(p, 1);
	if (c && cdef_take_if(p, T_QUESTION)) {
		a = ternary(p);
		if (a && !cdef_take_if(p, T_COLON))
			a = cdef_error(p, "expected ':'");
		b = a ? ternary(p) : NULL;
		c = b ? make_ternary(p, c, a, b, span_join(c->span, b->span)) : NULL;
	}
	p->c_depth--;
	return c;
}

struct node *cexpr_parse(struct parser *p)
{
	return ternary(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Constructors of expressions and of types as written. */
#include "parse.h"

#include <string.h>

struct node_list list_of(struct node *n)
{
	return (struct node_list){ n, n, n != NULL };
}

struct node_list list_add(struct node_list l, struct node *n)
{
	if (!n)
		return l;
	if (!l.first)
		return list_of(n);
	l.last->next = n;
	l.last = n;
	l.cnt++;
	return l;
}

struct node_list list_join(struct node_list a, struct node_list b)
{
	a.last->next = b.first;
	a.last = b.last;
	a.cnt += b.cnt;
	return a;
}

struct node *make(struct parser *p, enum node_kind kind, struct span sp)
{
	return node_new(p->arena, kind, sp);
}

struct node *made(struct parser *p, struct node *n)
{
	node_set_depth(n);
	if (n->depth > AST_DEPTH_MAX)
		nesting_error(p, n->span);
	return n;
}

/* ---- operands */

struct node *make_int(struct parser *p, struct token t)
{
	struct node *n = make(p, t.kind == T_POSITIONAL ? N_POSITIONAL : N_INT, t.span);

	n->num.value = t.value;
	n->num.is_unsigned = t.value > INT64_MAX;
	n->num.is_duration = t.is_duration;
	return n;
}

struct node *make_bool(struct parser *p, bool value, struct span sp)
{
	struct node *n = make(p, N_BOOL, sp);

	n->num.value = value;
	return n;
}

struct node *make_str(struct parser *p, struct token t)
{
	struct node *n = make(p, N_STR, t.span);

	n->str.text = t.text;
	n->str.len = t.len;
	return n;
}

struct node *make_name(struct parser *p, enum node_kind kind, struct token t)
{
	struct node *n = make(p, kind, t.span);

	if (kind == N_VAR)
		n->var.name = t.text;
	else if (kind == N_MAP)
		n->map.name = t.text;
	else
		n->ident.name = t.text;
	return n;
}

struct node *make_keyed(struct parser *p, struct token t, struct node_list keys, struct span sp)
{
	struct node *n = make_name(p, N_MAP, t);

	n->span = sp;
	n->map.key = keys.first;
	if (keys.cnt > 1)
		n->map.key =
			make_list(p, N_TUPLE, keys, span_join(keys.first->span, keys.last->span));
	return made(p, n);
}

/* ---- operators */

/* "-5" is a literal, so that -9223372036854775808 can be written. NULL: not this way. */
static struct node *negative(struct parser *p, struct node *e, struct span sp)
{
	uint64_t value = e->num.value;

	if (!e->num.is_unsigned && (int64_t)value <= 0)
		return NULL;
	if (value > (uint64_t)INT64_MAX + 1) {
		p->errors++;
		diag(p->unit->diags, sp, D_NEG_RANGE);
		return e;
	}
	e->span = sp;
	e->num.value = -value;
	e->num.is_unsigned = false;
	return e;
}

struct node *make_unary(struct parser *p, enum unary_op op, struct node *e, struct span sp)
{
	struct node *n = op == UN_NEG && e->kind == N_INT ? negative(p, e, sp) : NULL;

	if (n)
		return n;
	n = make(p, N_UNARY, sp);
	n->unary.op = op;
	n->unary.e = e;
	return made(p, n);
}

struct node *make_incdec(struct parser *p, struct node *target, struct token op, bool is_post,
			 struct span sp)
{
	struct node *n = make(p, N_INCDEC, sp);

	if (target->kind != N_VAR && target->kind != N_MAP) {
		p->errors++;
		diag(p->unit->diags, op.span, D_INCDEC_TARGET);
	}
	n->incdec.target = target;
	n->incdec.is_dec = op.kind == T_DEC;
	n->incdec.is_post = is_post;
	return made(p, n);
}

struct node *make_binary(struct parser *p, enum binary_op op, struct node *l, struct node *r,
			 struct span sp)
{
	struct node *n = make(p, N_BINARY, sp);

	n->binary.op = op;
	n->binary.l = l;
	n->binary.r = r;
	return made(p, n);
}

struct node *make_ternary(struct parser *p, struct node *c, struct node *a, struct node *b,
			  struct span sp)
{
	struct node *n = make(p, N_TERNARY, sp);

	n->cond.cond = c;
	n->cond.then = a;
	n->cond.otherwise = b;
	return made(p, n);
}

struct node *make_call(struct parser *p, struct token name, struct node_list args, struct span sp)
{
	struct node *n = make(p, N_CALL, sp);

	n->call.name = name.text;
	n->call.name_span = name.span;
	n->call.args = args.first;
	n->call.arg_cnt = args.cnt;
	return made(p, n);
}

struct node *make_field(struct parser *p, struct node *e, struct token name, struct span sp)
{
	struct node *n = make(p, N_FIELD, sp);

	n->field.e = e;
	n->field.name = name.text;
	n->field.name_span = name.span;
	return made(p, n);
}

struct node *make_element(struct parser *p, struct node *e, struct token idx, struct span sp)
{
	struct node *n = make(p, N_TUPLE_GET, sp);

	n->element.e = e;
	n->element.idx = idx.value > UINT32_MAX ? UINT32_MAX : (uint32_t)idx.value;
	return made(p, n);
}

struct node *make_index(struct parser *p, struct node *e, struct node *idx, struct span sp)
{
	struct node *n = make(p, N_INDEX, sp);

	n->index.e = e;
	n->index.idx = idx;
	return made(p, n);
}

struct node *make_cast(struct parser *p, struct node *to, struct node *e, struct span sp)
{
	struct node *n = make(p, N_CAST, sp);

	n->cast.to = to;
	n->cast.e = e;
	return made(p, n);
}

static void check_field_names(struct parser *p, const struct node_list *l)
{
	const struct node *a, *b;
	uint32_t i, j;

	/* Records are short; one that is not is left to the type's own check. */
	if (l->cnt > 256)
		return;
	for (a = l->first, i = 0; a; a = a->next, i++) {
		for (b = l->first, j = 0; j < i; b = b->next, j++) {
			if (strcmp(a->named.name, b->named.name) != 0)
				continue;
			p->errors++;
			diag(p->unit->diags, a->span, D_RECORD_DUP, a->named.name);
			break;
		}
	}
}

struct node *make_list(struct parser *p, enum node_kind kind, struct node_list l, struct span sp)
{
	struct node *n = make(p, kind, sp);

	if (kind == N_RECORD)
		check_field_names(p, &l);
	n->list.elems = l.first;
	n->list.cnt = l.cnt;
	return made(p, n);
}

struct node *make_named(struct parser *p, struct token name, struct node *e, struct span sp)
{
	struct node *n = make(p, N_NAMED, sp);

	n->named.name = name.text;
	n->named.e = e;
	return made(p, n);
}

/* ---- sizeof, offsetof, typeof: a type or an expression */

static struct node *type_or_expr(struct node *arg)
{
	return arg->kind == N_TYPE_ARG ? arg->type_of.arg : arg;
}

struct node *make_sizeof(struct parser *p, struct node *arg, struct span sp)
{
	struct node *n = make(p, N_SIZEOF, sp);

	n->sizeof_.arg = type_or_expr(arg);
	return made(p, n);
}

struct node *make_offsetof(struct parser *p, struct node *arg, struct node_list path,
			   struct span sp)
{
	struct node *n = make(p, N_OFFSETOF, sp), *part;
	const char **names = arena_array_of(p->arena, const char *, path.cnt);
	struct span *spans = arena_array_of(p->arena, struct span, path.cnt);
	uint32_t i = 0;

	for (part = path.first; part; part = part->next) {
		spans[i] = part->span;
		names[i++] = part->ident.name;
	}
	n->sizeof_.arg = type_or_expr(arg);
	n->sizeof_.path = names;
	n->sizeof_.path_spans = spans;
	n->sizeof_.path_cnt = i;
	return made(p, n);
}

struct node *make_type_of(struct parser *p, enum node_kind kind, struct node *arg, struct span sp)
{
	struct node *n = make(p, kind, sp);

	n->type_of.arg = type_or_expr(arg);
	return made(p, n);
}

/* ---- types */

struct node *make_type_name(struct parser *p, const char *name, struct span sp)
{
	struct node *n = make(p, N_TYPE_NAME, sp);

	n->type_name.name = name;
	return n;
}

static bool is_qualifier(const char *word)
{
	return !strcmp(word, "const") || !strcmp(word, "volatile");
}

/* "const unsigned long": words add up, qualifiers mean nothing here. */
struct node *type_word(struct parser *p, struct node *type, struct token word)
{
	if (!type)
		return make_type_name(p, word.text, word.span);
	type->span = span_join(type->span, word.span);
	if (is_qualifier(type->type_name.name))
		type->type_name.name = word.text;
	else if (!is_qualifier(word.text))
		type->type_name.name =
			arena_printf(p->arena, "%s %s", type->type_name.name, word.text);
	return type;
}

struct node *make_tagged(struct parser *p, const char *tag, struct token name, struct span sp)
{
	return make_type_name(p, arena_printf(p->arena, "%s %s", tag, name.text), sp);
}

struct node *make_ptr(struct parser *p, struct node *elem, struct span sp)
{
	struct node *n = make(p, N_TYPE_PTR, sp);

	n->type_deriv.elem = elem;
	return made(p, n);
}

struct node *make_array(struct parser *p, struct node *elem, struct node *cnt, struct span sp)
{
	struct node *n;

	if (elem->kind == N_TYPE_NAME && !elem->type_name.size && cnt &&
	    (!strcmp(elem->type_name.name, "string") || !strcmp(elem->type_name.name, "buffer"))) {
		elem->type_name.size = cnt;
		elem->span = sp;
		return made(p, elem);
	}
	n = make(p, N_TYPE_ARRAY, sp);
	n->type_deriv.elem = elem;
	n->type_deriv.count = cnt;
	return made(p, n);
}

struct node *make_type_tuple(struct parser *p, struct node_list l, struct span sp)
{
	struct node *n = make(p, N_TYPE_TUPLE, sp);

	n->type_tuple.elems = l.first;
	return made(p, n);
}

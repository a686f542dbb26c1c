/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions and types of --fmt. */
#include "ast/format.h"

#include <string.h>

/* ---- parentheses */

/* Parentheses of the author's that stand at the next token around the whole of n. */
static uint32_t parens_around(const struct formatter *f, const struct node *n)
{
	uint32_t cnt = 0;

	while (f->tokens[f->at + cnt].kind == T_LPAREN &&
	       f->tokens[f->at + cnt].span.from < n->span.from)
		cnt++;
	return cnt;
}

static void put_node(struct formatter *f, const struct node *n);

/* With its parentheses, as one pair or none. */
static void put_in_parens(struct formatter *f, const struct node *n, bool keep)
{
	uint32_t cnt = parens_around(f, n), i;

	if (!cnt) {
		put_node(f, n);
		return;
	}
	for (i = keep; i < cnt; i++)
		format_drop(f, T_LPAREN);
	if (keep) {
		format_token(f, T_LPAREN);
		doc_align(f->doc);
	}
	put_node(f, n);
	if (keep) {
		doc_outdent(f->doc);
		format_token(f, T_RPAREN);
	}
	for (i = keep; i < cnt; i++)
		format_drop(f, T_RPAREN);
}

/* Binds tighter than every operator. */
static bool is_atom(const struct node *n)
{
	switch (n->kind) {
	case N_BOOL:
	case N_STR:
	case N_IDENT:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_OPTION:
	case N_VAR:
	case N_MAP:
	case N_CALL:
	case N_FIELD:
	case N_TUPLE_GET:
	case N_INDEX:
	case N_TUPLE:
	case N_RECORD:
	case N_SIZEOF:
	case N_OFFSETOF: return true;
	case N_INT: return n->num.is_unsigned || (int64_t)n->num.value >= 0;
	case N_UNARY:
	case N_INCDEC:
	case N_BINARY:
	case N_TERNARY:
	case N_CAST:
	case N_NAMED:
	case N_TYPE_ARG:
	case N_BLOCK:
	case N_IF:
	case CASES_TOP_LEVEL:
	case CASES_TYPE:
	case CASES_STATEMENT: return false;
	}
	return false;
}

void format_expr(struct formatter *f, const struct node *n)
{
	put_in_parens(f, n, n->kind == N_IF || n->kind == N_BLOCK);
}

/* Where a statement begins "comptime" is a word like any other: the parentheses make it more. */
void format_stmt_expr(struct formatter *f, const struct node *n)
{
	if (n->kind == N_UNARY && n->unary.op == UN_COMPTIME)
		put_in_parens(f, n, true);
	else
		format_expr(f, n);
}

void format_operand(struct formatter *f, const struct node *n)
{
	put_in_parens(f, n, !is_atom(n));
}

/* An argument: "(x)" is an expression where "x" might be the name of a type. */
static void put_argument(struct formatter *f, const struct node *n)
{
	if (node_is_type(n))
		format_type(f, n);
	else
		put_in_parens(f, n,
			      n->kind == N_IF || n->kind == N_BLOCK ||
				      (n->kind == N_IDENT && !builtin_is_value(n->ident.name)));
}

/* ---- operators */

/* How tight an operator binds. */
static int precedence(enum binary_op op)
{
	switch (op) {
	case OP_NONE: return 0;
	case OP_LOR: return 1;
	case OP_LAND: return 2;
	case OP_BOR: return 3;
	case OP_BXOR: return 4;
	case OP_BAND: return 5;
	case OP_EQ:
	case OP_NE: return 6;
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE: return 7;
	case OP_SHL:
	case OP_SHR: return 8;
	case OP_ADD:
	case OP_SUB: return 9;
	case OP_MUL:
	case OP_DIV:
	case OP_MOD: return 10;
	}
	return 0;
}

static bool is_logic(int level)
{
	return level == 1 || level == 2;
}

static bool is_comparison(int level)
{
	return level == 6 || level == 7;
}

static bool is_arithmetic(int level)
{
	return level == 9 || level == 10;
}

/* Everybody knows that the inner operator comes first. */
static bool is_plain(enum binary_op outer, enum binary_op inner)
{
	int out = precedence(outer), in = precedence(inner);

	return (is_logic(out) && (is_comparison(in) || is_arithmetic(in))) ||
	       (is_comparison(out) && is_arithmetic(in)) || (out == 9 && in == 10);
}

static bool side_keeps_parens(const struct node *n, const struct node *side, bool is_left)
{
	switch ((int)side->kind) {
	case N_BINARY:
		return !is_plain(n->binary.op, side->binary.op) &&
		       !(is_left && side->binary.op == n->binary.op);
	case N_UNARY: return side->unary.op != UN_NOT && side->unary.op != UN_BNOT;
	case N_CAST: return false;
	default: return !is_atom(side);
	}
}

/* "a || b || c" is one list: the left sides are taken apart. */
static void put_chain(struct formatter *f, const struct node *n)
{
	const struct node *l = n->binary.l, *r = n->binary.r;
	int level = precedence(n->binary.op);
	uint32_t parens = parens_around(f, l), i;

	if (l->kind == N_BINARY && precedence(l->binary.op) == level &&
	    (!parens || !side_keeps_parens(n, l, true))) {
		for (i = 0; i < parens; i++)
			format_drop(f, T_LPAREN);
		put_chain(f, l);
		for (i = 0; i < parens; i++)
			format_drop(f, T_RPAREN);
	} else {
		put_in_parens(f, l, side_keeps_parens(n, l, true));
	}
	doc_space(f->doc);
	format_any(f);
	format_break(f, " ", !is_logic(level));
	put_in_parens(f, r, side_keeps_parens(n, r, false));
}

static void put_binary(struct formatter *f, const struct node *n)
{
	doc_open(f->doc);
	doc_align(f->doc);
	put_chain(f, n);
	doc_outdent(f->doc);
	doc_close(f->doc);
}

static void put_unary(struct formatter *f, const struct node *n)
{
	enum token_kind op = format_next(f), next;

	format_any(f);
	next = format_next(f);
	if (n->unary.op == UN_COMPTIME)
		doc_space(f->doc);
	/* "- -x" and "& &x" are not "--x" and "&&x" */
	else if (next == op || (op == T_SUB && next == T_DEC) || (op == T_ADD && next == T_INC))
		doc_space(f->doc);
	put_in_parens(f, n->unary.e, !is_atom(n->unary.e));
}

/* "-5" is one node, and so is "-(5)". */
static void put_int(struct formatter *f)
{
	uint32_t parens = 0;

	if (format_next(f) == T_SUB)
		format_token(f, T_SUB);
	while (format_drop_if(f, T_LPAREN))
		parens++;
	format_token(f, T_INT);
	while (parens--)
		format_drop(f, T_RPAREN);
}

static void put_incdec(struct formatter *f, const struct node *n)
{
	if (!n->incdec.is_post)
		format_any(f);
	format_operand(f, n->incdec.target);
	if (n->incdec.is_post)
		format_any(f);
}

static void put_ternary(struct formatter *f, const struct node *n)
{
	doc_open(f->doc);
	format_operand(f, n->cond.cond);
	doc_indent(f->doc);
	doc_indent(f->doc);
	format_break(f, " ", false);
	format_token(f, T_QUESTION);
	if (n->cond.then) {
		doc_space(f->doc);
		format_operand(f, n->cond.then);
		format_break(f, " ", false);
	}
	format_token(f, T_COLON);
	doc_space(f->doc);
	format_operand(f, n->cond.otherwise);
	doc_outdent(f->doc);
	doc_outdent(f->doc);
	doc_close(f->doc);
}

/* ---- lists */

/* From the opening token to the closing one; each element by put. */
static void put_list(struct formatter *f, enum token_kind open, const struct node *elems,
		     enum token_kind close, void (*put)(struct formatter *, const struct node *))
{
	const struct node *n;
	bool only = elems && !elems->next;

	doc_open(f->doc);
	format_token(f, open);
	doc_align(f->doc);
	for (n = elems; n; n = n->next) {
		put(f, n);
		if (n->next) {
			format_token(f, T_COMMA);
			format_break(f, " ", true);
		}
	}
	/* "(1,)" is a tuple; behind several elements a comma means nothing. */
	if (only && elems->kind != N_NAMED && format_next(f) == T_COMMA)
		format_token(f, T_COMMA);
	else
		format_drop_if(f, T_COMMA);
	doc_outdent(f->doc);
	format_token(f, close);
	doc_close(f->doc);
}

static void put_named(struct formatter *f, const struct node *n)
{
	format_token(f, T_IDENT);
	format_token(f, T_ASSIGN);
	format_expr(f, n->named.e);
}

static void put_list_node(struct formatter *f, const struct node *n)
{
	put_list(f, T_LPAREN, n->list.elems, T_RPAREN,
		 n->kind == N_RECORD ? put_named : format_expr);
}

/* Several keys: a comma stands inside the brackets, outside of all others. */
static bool has_key_list(const struct formatter *f)
{
	uint32_t i = f->at, level = 0;

	for (; i < f->cnt; i++) {
		switch ((int)f->tokens[i].kind) {
		case T_LPAREN:
		case T_LBRACKET:
		case T_LBRACE: level++; break;
		case T_RPAREN:
		case T_RBRACKET:
		case T_RBRACE:
			if (--level == 0)
				return false;
			break;
		case T_COMMA:
			if (level == 1)
				return true;
			break;
		default: break;
		}
	}
	return false;
}

static void put_map(struct formatter *f, const struct node *n)
{
	const struct node *key = n->map.key;

	format_token(f, T_MAP);
	if (!key)
		return;
	if (key->kind == N_TUPLE && has_key_list(f))
		put_list(f, T_LBRACKET, key->list.elems, T_RBRACKET, format_expr);
	else
		put_list(f, T_LBRACKET, key, T_RBRACKET, format_expr);
}

static void put_call(struct formatter *f, const struct node *n)
{
	format_token(f, T_IDENT);
	put_list(f, T_LPAREN, n->call.args, T_RPAREN, put_argument);
}

/* sizeof, offsetof, typeof */
static void put_about(struct formatter *f, const struct node *arg)
{
	format_any(f);
	format_token(f, T_LPAREN);
	put_argument(f, arg);
	if (format_next(f) == T_COMMA) {
		format_any(f);
		doc_space(f->doc);
	}
	while (!f->lost && format_next(f) != T_RPAREN)
		format_any(f);
	format_token(f, T_RPAREN);
}

/* What stands before '.' or '['. */
static void put_base(struct formatter *f, const struct node *n, bool is_index)
{
	bool keep = !is_atom(n) || n->kind == N_INT;

	/* "(@m)[1]" indexes the value, "@m[1]" is an element of the map. */
	put_in_parens(f, n, keep || (is_index && n->kind == N_MAP && !n->map.key));
}

static void put_field(struct formatter *f, const struct node *e)
{
	put_base(f, e, false);
	format_any(f);
	format_any(f);
}

static void put_index(struct formatter *f, const struct node *n)
{
	put_base(f, n->index.e, true);
	format_token(f, T_LBRACKET);
	format_expr(f, n->index.idx);
	format_token(f, T_RBRACKET);
}

static void put_cast(struct formatter *f, const struct node *n)
{
	const struct node *e = n->cast.e;

	format_token(f, T_LPAREN);
	format_type(f, n->cast.to);
	format_token(f, T_RPAREN);
	put_in_parens(f, e, !is_atom(e) && e->kind != N_CAST);
}

static void put_node(struct formatter *f, const struct node *n)
{
	switch (n->kind) {
	case N_BOOL:
	case N_STR:
	case N_IDENT:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_OPTION:
	case N_VAR: format_any(f); break;
	case N_INT: put_int(f); break;
	case N_MAP: put_map(f, n); break;
	case N_UNARY: put_unary(f, n); break;
	case N_INCDEC: put_incdec(f, n); break;
	case N_BINARY: put_binary(f, n); break;
	case N_TERNARY: put_ternary(f, n); break;
	case N_CALL: put_call(f, n); break;
	case N_FIELD: put_field(f, n->field.e); break;
	case N_TUPLE_GET: put_field(f, n->element.e); break;
	case N_INDEX: put_index(f, n); break;
	case N_CAST: put_cast(f, n); break;
	case N_TUPLE:
	case N_RECORD: put_list_node(f, n); break;
	case N_SIZEOF:
	case N_OFFSETOF: put_about(f, n->sizeof_.arg); break;
	case N_TYPE_ARG: format_type(f, n->type_of.arg); break;
	case N_BLOCK:
	case N_IF: format_body(f, n); break;
	case N_NAMED: /* put_named */
	case CASES_TOP_LEVEL:
	case CASES_TYPE:
	case CASES_STATEMENT: f->lost = true; break;
	}
}

/* ---- types */

static bool is_type_word(enum token_kind kind)
{
	return kind == T_IDENT || kind == T_STRUCT || kind == T_UNION || kind == T_ENUM;
}

static void put_type_name(struct formatter *f, const struct node *n)
{
	format_any(f);
	while (!f->lost && is_type_word(format_next(f))) {
		doc_space(f->doc);
		format_any(f);
	}
	if (n->type_name.size) {
		format_token(f, T_LBRACKET);
		format_any(f);
		format_token(f, T_RBRACKET);
	}
}

/* "struct foo *", "const char *", but "int32*" */
static bool has_words(const struct node *base)
{
	const char *name = base->type_name.name;

	return base->kind == N_TYPE_NAME && !base->type_name.size &&
	       (strchr(name, ' ') || strlen(name) != base->span.to - base->span.from);
}

static void put_star(struct formatter *f, const struct node *base)
{
	if (has_words(base))
		doc_space(f->doc);
	/* "let $x: int8*= e" has one token for what is two. */
	if (format_next(f) == T_MUL_ASSIGN) {
		f->tokens[f->at].kind = T_ASSIGN;
		f->tokens[f->at].span.from++;
		doc_str(f->doc, "*");
		return;
	}
	format_token(f, T_MUL);
}

static void put_bounds(struct formatter *f)
{
	format_token(f, T_LBRACKET);
	if (format_next(f) != T_RBRACKET)
		format_any(f);
	format_token(f, T_RBRACKET);
}

void format_type(struct formatter *f, const struct node *n)
{
	switch ((int)n->kind) {
	case N_TYPE_NAME: put_type_name(f, n); break;
	case N_TYPE_PTR:
		format_type(f, n->type_deriv.elem);
		put_star(f, n->type_deriv.elem);
		break;
	case N_TYPE_ARRAY:
		format_type(f, n->type_deriv.elem);
		put_bounds(f);
		break;
	case N_TYPE_OF: put_about(f, n->type_of.arg); break;
	case N_TYPE_TUPLE: put_list(f, T_LPAREN, n->type_tuple.elems, T_RPAREN, format_type); break;
	default: f->lost = true;
	}
}

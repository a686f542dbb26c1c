/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C definitions of --fmt. The tree has no more of them than the types that they make, so here the
 * tokens alone lead: C's declarations can be laid out without knowing what they mean.
 */
#include "ast/format.h"

struct c_state {
	enum token_kind last; /* T_SEMI: nothing on this line yet */
	bool after_binary; /* last is a binary operator */
	bool in_value; /* after '=' or ':' */
	uint32_t brackets; /* [ ] open */
	bool on_lines; /* the author gave members lines of their own */
};

static bool is_word(enum token_kind kind)
{
	switch ((int)kind) {
	case T_IDENT:
	case T_INT:
	case T_STRUCT:
	case T_UNION:
	case T_ENUM:
	case T_TYPEDEF:
	case T_SIZEOF: return true;
	default: return false;
	}
}

static bool is_operator(enum token_kind kind)
{
	return kind >= T_LOR && kind <= T_BNOT;
}

static bool ends_operand(enum token_kind kind)
{
	return is_word(kind) || kind == T_RPAREN || kind == T_RBRACKET;
}

static bool in_expr(const struct c_state *s)
{
	return s->in_value || s->brackets;
}

/* In an expression: binary operators stand between blanks, others at their operand. */
static bool space_in_expr(const struct c_state *s, enum token_kind next)
{
	if (is_operator(next) && ends_operand(s->last))
		return true;
	if (is_operator(s->last))
		return s->after_binary || s->last == next; /* "- -1" */
	return is_word(s->last) && is_word(next);
}

/* In a declaration: "struct foo *(*f)(int, char *)". */
static bool space_in_decl(const struct c_state *s, enum token_kind next, enum token_kind after)
{
	bool ends_type = is_word(s->last) || s->last == T_RBRACE;

	if (next == T_LPAREN)
		return s->last == T_RBRACE || (ends_type && after == T_MUL);
	if (next == T_MUL)
		return ends_type;
	return is_word(next) && (ends_type || s->last == T_RPAREN || s->last == T_RBRACKET);
}

static bool wants_space(const struct c_state *s, enum token_kind next, enum token_kind after)
{
	switch ((int)s->last) {
	case T_SEMI:
	case T_LPAREN:
	case T_LBRACKET: return false;
	case T_COMMA:
	case T_ASSIGN:
	case T_COLON:
	case T_QUESTION: return true;
	default: break;
	}
	switch ((int)next) {
	case T_SEMI:
	case T_COMMA:
	case T_RPAREN:
	case T_LBRACKET:
	case T_RBRACKET: return false;
	case T_ASSIGN:
	case T_COLON:
	case T_QUESTION:
	case T_LBRACE: return true;
	case T_ELLIPSIS: return true;
	default: return in_expr(s) ? space_in_expr(s, next) : space_in_decl(s, next, after);
	}
}

static void put_word(struct formatter *f, struct c_state *s)
{
	enum token_kind next = format_next(f);

	if (wants_space(s, next, next == T_END ? next : f->tokens[f->at + 1].kind))
		doc_space(f->doc);
	s->after_binary = is_operator(next) && ends_operand(s->last);
	s->in_value = next == T_ASSIGN || next == T_COLON || (s->in_value && next != T_COMMA);
	s->brackets += next == T_LBRACKET;
	s->brackets -= next == T_RBRACKET && s->brackets;
	s->last = next;
	format_any(f);
}

static void put_body(struct formatter *f, struct c_state *s, bool is_enum);

/* Up to what ends it: ';', in an enum ',', or the '}' of the body, which is left. */
static void put_member(struct formatter *f, struct c_state *s, bool is_enum)
{
	uint32_t parens = 0;
	enum token_kind kind;
	bool has_enum = false;

	s->last = T_SEMI;
	while (!f->lost && (kind = format_next(f)) != T_RBRACE) {
		if (kind == T_LBRACE) {
			put_body(f, s, has_enum);
			continue;
		}
		has_enum = kind == T_ENUM || (has_enum && kind != T_SEMI);
		parens += kind == T_LPAREN;
		parens -= kind == T_RPAREN && parens;
		put_word(f, s);
		if (kind == T_SEMI || (is_enum && !parens && kind == T_COMMA))
			break;
	}
	s->in_value = false;
}

static void put_body(struct formatter *f, struct c_state *s, bool is_enum)
{
	bool first;

	doc_space(f->doc);
	format_token(f, T_LBRACE);
	doc_indent(f->doc);
	for (first = true; !f->lost && format_next(f) != T_RBRACE; first = false) {
		if (s->on_lines)
			format_line(f, first ? GAP_NONE : GAP_KEPT);
		else
			format_break(f, " ", false);
		put_member(f, s, is_enum);
	}
	if (s->on_lines)
		format_last_line(f);
	else
		format_break(f, " ", false);
	doc_outdent(f->doc);
	format_token(f, T_RBRACE);
	s->last = T_RBRACE;
}

/* A definition that has one line keeps to it while there is room. */
void format_cdef(struct formatter *f, const struct node *n)
{
	struct c_state s = { .on_lines = false };
	const char *text = f->src->text + (n->span.from - f->src->base);

	for (uint32_t i = 0; i < n->span.to - n->span.from; i++)
		s.on_lines = s.on_lines || text[i] == '\n';
	doc_open(f->doc);
	put_member(f, &s, false);
	doc_close(f->doc);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C definitions, by recursive descent over the same tokens. C declarators read inside out: the type
 * of "int (*f[3])(void)" is built around a place holder for what stands outside the parentheses, and
 * that is filled in last.
 */
#include "parse.h"

#include <string.h>

struct attributes {
	bool is_packed;
	uint32_t aligned;
};

static struct node *declarator(struct parser *p, struct node *base, struct token *name);
static struct node *specifiers(struct parser *p);

struct token cdef_take(struct parser *p)
{
	struct token t = tokens_take(p);

	if (t.kind == T_LBRACE)
		p->c_braces++;
	else if (t.kind == T_RBRACE && p->c_braces)
		p->c_braces--;
	return t;
}

bool cdef_take_if(struct parser *p, enum token_kind kind)
{
	if (tokens_peek(p, 0)->kind != kind)
		return false;
	cdef_take(p);
	return true;
}

static bool next_is(struct parser *p, enum token_kind kind)
{
	return tokens_peek(p, 0)->kind == kind;
}

static bool next_is_word(struct parser *p, const char *word)
{
	const struct token *t = tokens_peek(p, 0);

	return t->kind == T_IDENT && !strcmp(t->text, word);
}

/* NULL: what the lexer told is the cause of this too. */
static struct diag *complain(struct parser *p, const char *expected)
{
	if (!p->stop && lexer_errors(p->lexer) == p->lexer_errors)
		return syntax_message(p, tokens_peek(p, 0)->span, expected);
	p->errors++;
	return NULL;
}

void *cdef_error(struct parser *p, const char *expected)
{
	complain(p, expected);
	return NULL;
}

bool cdef_enter(struct parser *p)
{
	if (++p->c_depth <= AST_DEPTH_MAX)
		return true;
	nesting_error(p, tokens_peek(p, 0)->span);
	p->c_depth--;
	return false;
}

/* ---- attributes */

static bool is_attribute(const char *text, const char *name)
{
	size_t len = strlen(name);

	if (!strncmp(text, "__", 2) && strlen(text) == len + 4)
		return !strncmp(text + 2, name, len) && !strcmp(text + 2 + len, "__");
	return !strcmp(text, name);
}

/* After the name: "(8)", or nothing for the largest alignment. */
static bool aligned(struct parser *p, struct attributes *at)
{
	struct token t;

	at->aligned = 16;
	if (!cdef_take_if(p, T_LPAREN))
		return true;
	t = cdef_take(p);
	if (t.kind != T_INT || !t.value || (t.value & (t.value - 1)) || t.value > 4096) {
		p->errors++;
		diag(p->unit->diags, t.span, D_CDEF_ALIGN);
		return false;
	}
	at->aligned = (uint32_t)t.value;
	return cdef_take_if(p, T_RPAREN) || cdef_error(p, "expected ')'");
}

static bool skip_parens(struct parser *p)
{
	uint32_t depth = 0;
	enum token_kind kind;

	do {
		kind = tokens_peek(p, 0)->kind;
		if (kind == T_END || kind == T_SEMI)
			return cdef_error(p, "expected ')'");
		cdef_take(p);
		depth += kind == T_LPAREN;
		depth -= kind == T_RPAREN;
	} while (depth);
	return true;
}

static bool attribute(struct parser *p, struct attributes *at)
{
	struct token t = cdef_take(p);

	if (t.kind != T_IDENT)
		return cdef_error(p, "expected attribute name");
	if (is_attribute(t.text, "packed")) {
		at->is_packed = true;
	} else if (is_attribute(t.text, "aligned")) {
		return aligned(p, at);
	} else {
		diag(p->unit->diags, t.span, D_CDEF_ATTR, t.text);
		if (next_is(p, T_LPAREN))
			return skip_parens(p);
	}
	return true;
}

/* Any number of "__attribute__((a, b(1)))". */
static bool attributes(struct parser *p, struct attributes *at)
{
	while (next_is_word(p, "__attribute__")) {
		cdef_take(p);
		if (!cdef_take_if(p, T_LPAREN) || !cdef_take_if(p, T_LPAREN))
			return cdef_error(p, "expected '(('");
		do {
			if (!next_is(p, T_RPAREN) && !attribute(p, at))
				return false;
		} while (cdef_take_if(p, T_COMMA));
		if (!cdef_take_if(p, T_RPAREN) || !cdef_take_if(p, T_RPAREN))
			return cdef_error(p, "expected ')'");
	}
	return true;
}

/* ---- struct, union, enum */

/* The base of the second declarator on: a type belongs to one place of the tree only. */
static struct node *base_again(struct parser *p, struct node *base)
{
	if (base->kind != N_TYPE_RECORD && base->kind != N_TYPE_ENUM)
		return node_clone(p->arena, base);
	if (!base->type_def.name)
		base->type_def.name = arena_printf(p->arena, "%s <anonymous %u>",
						   base->kind == N_TYPE_ENUM ? "enum"
						   : base->type_def.is_union ? "union"
									     : "struct",
						   ++p->anon_cnt);
	return make_type_name(p, base->type_def.name, base->span);
}

static struct node *field(struct parser *p, struct node *base)
{
	struct span from = tokens_peek(p, 0)->span;
	struct node *n = make(p, N_CFIELD, base->span);
	struct attributes at = { false, 0 };
	struct token name = { 0 };

	if (next_is(p, T_COLON)) {
		n->cfield.type = base;
	} else {
		n->cfield.type = declarator(p, base, &name);
		if (!n->cfield.type)
			return NULL;
		n->cfield.name = name.text;
		n->cfield.name_span = name.span;
		n->span = span_join(from, n->cfield.type->span);
	}
	if (cdef_take_if(p, T_COLON)) {
		n->cfield.bits = cexpr_parse(p);
		if (!n->cfield.bits)
			return NULL;
	}
	if (!attributes(p, &at))
		return NULL;
	n->cfield.aligned = at.aligned;
	return made(p, n);
}

/* "type a, *b, c[3];" of a body, or the declarators of a typedef. The ';' is left. */
static bool fields(struct parser *p, struct node *base, struct node_list *l)
{
	struct node *n = field(p, base);

	while (n) {
		*l = list_add(*l, n);
		if (!cdef_take_if(p, T_COMMA))
			return true;
		n = field(p, base_again(p, base));
	}
	return false;
}

/* "strct foo *x", "unsigned lng x": a word with another behind it. */
static void hint_word(struct diag *d, const struct node *base, const struct node *field)
{
	static const char *const words[] = { "struct", "union", "enum",	 "unsigned", "signed",
					     "long",   "short", "const", "volatile" };
	const char *base_name = base->kind == N_TYPE_NAME ? base->type_name.name : "";
	const char *name = field ? field->cfield.name : NULL;
	struct nearest near;

	nearest_init(&near, is_base_type(base_name) && name ? name : base_name);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_feed(&near, words[i]);
	if (near.best && near.distance)
		diag_hint(d, "Did you mean '%s'?", near.best);
}

static bool member_end(struct parser *p, const struct node *base, const struct node *field)
{
	bool is_word = next_is(p, T_IDENT) || next_is(p, T_MUL);
	struct diag *d;

	if (cdef_take_if(p, T_SEMI) || next_is(p, T_RBRACE))
		return true;
	d = complain(p, "expected ';'");
	if (d && is_word)
		hint_word(d, base, field);
	return false;
}

static bool member(struct parser *p, struct node_list *l)
{
	struct node *base = specifiers(p), *n;

	if (!base)
		return false;
	if (next_is(p, T_SEMI) && base->kind == N_TYPE_RECORD) {
		n = make(p, N_CFIELD, base->span);
		n->cfield.type = base;
		*l = list_add(*l, made(p, n));
	} else if (!next_is(p, T_SEMI) && !fields(p, base, l)) {
		return false;
	}
	return member_end(p, base, l->last);
}

/* To the next member. False: there is none, or a brace too few: what follows is something else. */
static bool skip_member(struct parser *p)
{
	while (!next_is(p, T_LBRACE) && !next_is(p, T_END)) {
		if (next_is(p, T_RBRACE) || cdef_take_if(p, T_SEMI))
			return true;
		cdef_take(p);
	}
	return false;
}

static bool record_body(struct parser *p, struct node_list *l)
{
	while (!next_is(p, T_RBRACE)) {
		if (next_is(p, T_END))
			return cdef_error(p, "expected '}'");
		if (!member(p, l) && !skip_member(p))
			return false;
	}
	return true;
}

static bool enum_body(struct parser *p, struct node_list *l)
{
	struct token t;
	struct node *n;

	while (!next_is(p, T_RBRACE)) {
		if (!next_is(p, T_IDENT))
			return cdef_error(p, "expected enumerator");
		t = cdef_take(p);
		n = make(p, N_ENUMERATOR, t.span);
		n->enumerator.name = t.text;
		add_value_name(p, t.text);
		if (cdef_take_if(p, T_ASSIGN)) {
			n->enumerator.value = cexpr_parse(p);
			if (!n->enumerator.value)
				return false;
			n->span = span_join(n->span, n->enumerator.value->span);
		}
		*l = list_add(*l, made(p, n));
		if (!cdef_take_if(p, T_COMMA) && !next_is(p, T_RBRACE))
			return cdef_error(p, "expected ',' or '}'");
	}
	return true;
}

/* At the '{': the body of what has been named. */
static struct node *body(struct parser *p, struct token tag, const char *name,
			 struct span name_span, struct attributes *at)
{
	bool is_enum = tag.kind == T_ENUM;
	struct node *n = make(p, is_enum ? N_TYPE_ENUM : N_TYPE_RECORD, tag.span);
	struct node_list l = list_of(NULL);

	cdef_take(p);
	if (!cdef_enter(p))
		return NULL;
	if (!(is_enum ? enum_body(p, &l) : record_body(p, &l)))
		return NULL;
	p->c_depth--;
	n->span = span_join(n->span, cdef_take(p).span);
	if (!attributes(p, at))
		return NULL;
	n->type_def.name = name;
	n->type_def.name_span = name_span;
	n->type_def.is_union = tag.kind == T_UNION;
	n->type_def.is_packed = at->is_packed;
	n->type_def.aligned = at->aligned;
	n->type_def.fields = l.first;
	return made(p, n);
}

static struct node *tagged(struct parser *p)
{
	struct token tag = cdef_take(p), t;
	struct attributes at = { false, 0 };
	const char *name = NULL;
	struct span sp = tag.span;

	if (!attributes(p, &at))
		return NULL;
	if (next_is(p, T_IDENT)) {
		t = cdef_take(p);
		sp = span_join(sp, t.span);
		name = arena_printf(p->arena, "%s %s", tag.text, t.text);
	}
	if (next_is(p, T_LBRACE))
		return body(p, tag, name, sp, &at);
	if (!name)
		return cdef_error(p, "expected a name or '{'");
	return make_type_name(p, name, sp);
}

/* ---- types */

static bool is_qualifier(const char *word)
{
	static const char *const words[] = { "const",	 "volatile",	 "restrict", "__restrict",
					     "register", "static",	 "extern",   "inline",
					     "_Atomic",	 "__extension__" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static void skip_qualifiers(struct parser *p)
{
	while (next_is(p, T_IDENT) && is_qualifier(tokens_peek(p, 0)->text))
		cdef_take(p);
}

/* Words that add up to one type: "unsigned long int". */
static bool is_part(const char *word)
{
	static const char *const words[] = { "unsigned", "signed", "long",   "short", "int",
					     "char",	 "float",  "double", "_Bool", "__int128" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static struct node *words(struct parser *p)
{
	struct token t = cdef_take(p);
	struct node *n = make_type_name(p, t.text, t.span);

	if (!is_part(t.text))
		return n;
	for (;;) {
		skip_qualifiers(p);
		if (!next_is(p, T_IDENT) || !is_part(tokens_peek(p, 0)->text))
			return n;
		n = type_word(p, n, cdef_take(p));
	}
}

static struct node *specifiers(struct parser *p)
{
	struct node *n;

	skip_qualifiers(p);
	switch ((int)tokens_peek(p, 0)->kind) {
	case T_STRUCT:
	case T_UNION:
	case T_ENUM: n = tagged(p); break;
	case T_IDENT: n = words(p); break;
	default: return cdef_error(p, "expected type name");
	}
	if (n)
		skip_qualifiers(p);
	return n;
}

/* What follows the name: "[3][4]", "(int, char *)". */
static struct node *suffix(struct parser *p, struct node *base)
{
	struct node *n = base, *cnt = NULL;
	struct span from = tokens_peek(p, 0)->span;

	if (!cdef_enter(p))
		return NULL;
	if (cdef_take_if(p, T_LBRACKET)) {
		if (!next_is(p, T_RBRACKET)) {
			cnt = cexpr_parse(p);
			if (!cnt)
				return NULL;
		}
		if (!cdef_take_if(p, T_RBRACKET))
			return cdef_error(p, "expected ']'");
		n = suffix(p, base);
		if (n)
			n = make_array(p, n, cnt, from);
	} else if (next_is(p, T_LPAREN)) {
		if (!skip_parens(p))
			return NULL;
		n = make(p, N_TYPE_FUNC, from);
		n->type_deriv.elem = base;
		n = made(p, n);
	}
	p->c_depth--;
	return n;
}

static struct node *nested_declarator(struct parser *p, struct node *base, struct token *name)
{
	struct node *hole = make_type_name(p, "", SPAN_NONE), *inner, *outer;

	cdef_take(p);
	if (!cdef_enter(p))
		return NULL;
	inner = declarator(p, hole, name);
	if (!inner)
		return NULL;
	p->c_depth--;
	if (!cdef_take_if(p, T_RPAREN))
		return cdef_error(p, "expected ')'");
	outer = suffix(p, base);
	if (!outer)
		return NULL;
	/* "int (a)" has nothing around the name: inner is the hole itself. */
	*hole = *outer;
	return inner;
}

static struct node *declarator(struct parser *p, struct node *base, struct token *name)
{
	while (next_is(p, T_MUL)) {
		base = make_ptr(p, base, span_join(base->span, cdef_take(p).span));
		skip_qualifiers(p);
		if (p->stop)
			return NULL;
	}
	if (next_is(p, T_LPAREN))
		return nested_declarator(p, base, name);
	if (next_is(p, T_IDENT) && !next_is_word(p, "__attribute__")) {
		*name = cdef_take(p);
		if (!base->span.from)
			base->span = name->span;
	}
	return suffix(p, base);
}

struct node *cdef_type_name(struct parser *p)
{
	struct node *base = specifiers(p);
	struct token name = { 0 };

	return base ? declarator(p, base, &name) : NULL;
}

/* ---- an item */

static struct node *definition(struct parser *p)
{
	struct node *n = make(p, N_CDEF, tokens_peek(p, 0)->span);
	struct node_list l = list_of(NULL);

	n->cdef.is_typedef = cdef_take_if(p, T_TYPEDEF);
	n->cdef.type = specifiers(p);
	if (!n->cdef.type)
		return NULL;
	if (n->cdef.is_typedef && !fields(p, base_again(p, n->cdef.type), &l))
		return NULL;
	if (!next_is(p, T_SEMI))
		return cdef_error(p, "expected ';'");
	n->span = span_join(n->span, cdef_take(p).span);
	n->cdef.decls = l.first;
	return made(p, n);
}

struct node *cdef_parse(struct parser *p)
{
	struct node *n;

	p->c_braces = p->c_depth = 0;
	n = definition(p);
	if (n)
		return n;
	/* The lexer is in C up to the ';' outside of all braces. */
	while (!p->stop && !next_is(p, T_END))
		if (cdef_take(p).kind == T_SEMI && !p->c_braces)
			break;
	return NULL;
}

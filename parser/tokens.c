/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the lexer and the grammar. What one token of lookahead cannot tell is decided here, where
 * any number of them can be seen: whether a '(' begins a cast, whether an argument is a type, whether
 * a '{' or an 'if' is an operand. After a syntax error it skips to where the grammar can go on.
 */
#include "parse.h"

#include <string.h>

#define TYPEOF_TOKENS_MAX 4096 /* of lookahead: keeps hostile input linear */

/* ---- the buffer */

static void ahead_grow(struct parser *p)
{
	struct token *grown;

	if (p->ahead_at) {
		memmove(p->ahead, p->ahead + p->ahead_at,
			(p->ahead_cnt - p->ahead_at) * sizeof(*p->ahead));
		p->ahead_cnt -= p->ahead_at;
		p->ahead_at = 0;
	}
	if (p->ahead_cnt < p->ahead_cap / 2)
		return;
	p->ahead_cap = p->ahead_cap ? p->ahead_cap * 2 : 32;
	grown = arena_array_of(p->arena, struct token, p->ahead_cap);
	if (p->ahead_cnt)
		memcpy(grown, p->ahead, p->ahead_cnt * sizeof(*grown));
	p->ahead = grown;
}

/* Between items, in the rest of a broken one, what the lexer does not know follows from what was told. */
static void scan(struct parser *p, struct token *t)
{
	struct diag *unsaid = NULL, **before;
	bool is_rest = p->recovering && !p->recover_braces && !p->braces;

	if (is_rest)
		before = diags_hold(p->unit->diags, &unsaid);
	lexer_next(p->lexer, t);
	if (is_rest)
		diags_hold(p->unit->diags, before);
}

static void ahead_scan(struct parser *p)
{
	struct token *t;

	if (p->ahead_cnt == p->ahead_cap)
		ahead_grow(p);
	if (token_after(p->scanned) == AFTER_STMT)
		p->lexer_errors = lexer_errors(p->lexer);
	t = &p->ahead[p->ahead_cnt++];
	scan(p, t);
	p->scanned = t->kind;
	if (!p->stop && p->errors + lexer_errors(p->lexer) > SYNTAX_ERRORS_MAX) {
		diag(p->unit->diags, t->span, D_TOO_MANY);
		p->stop = true;
	}
	/* Whoever loops over tokens ends at the end of the text. */
	if (p->stop)
		t->kind = T_END;
}

const struct token *tokens_peek(struct parser *p, uint32_t idx)
{
	while (p->ahead_cnt - p->ahead_at <= idx)
		ahead_scan(p);
	return &p->ahead[p->ahead_at + idx];
}

struct token tokens_take(struct parser *p)
{
	struct token t = *tokens_peek(p, 0);

	p->ahead_at++;
	if (p->ahead_at == p->ahead_cnt)
		p->ahead_at = p->ahead_cnt = 0;
	return t;
}

static void put_back(struct parser *p, struct token t)
{
	if (!p->ahead_at) {
		if (p->ahead_cnt == p->ahead_cap)
			ahead_grow(p);
		memmove(p->ahead + 1, p->ahead, p->ahead_cnt * sizeof(t));
		p->ahead_cnt++;
		p->ahead_at = 1;
	}
	p->ahead[--p->ahead_at] = t;
}

/* ---- types ahead */

enum type_look {
	NO_TYPE,
	TYPE_PERHAPS, /* a name: a type or a value */
	TYPE_KNOWN, /* the name of a type of the language */
	TYPE_SURE, /* cannot be an expression */
};

bool is_base_type(const char *name)
{
	static const char *const names[] = {
		"bool",	  "int8",     "int16",	"int32",  "int64", "uint8",    "uint16",
		"uint32", "uint64",   "string", "buffer", "char",  "short",    "int",
		"long",	  "unsigned", "signed", "void",	  "const", "volatile",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i][0] == name[0] && !strcmp(names[i], name))
			return true;
	return false;
}

/* The '(' after "typeof" stands at idx: past its ')'; 0: never closed. */
static uint32_t skip_parens(struct parser *p, uint32_t idx)
{
	uint32_t depth = 0, end = idx + TYPEOF_TOKENS_MAX;

	for (; idx < end; idx++) {
		switch ((int)tokens_peek(p, idx)->kind) {
		case T_LPAREN: depth++; break;
		case T_RPAREN:
			if (depth <= 1)
				return depth ? idx + 1 : 0;
			depth--;
			break;
		case T_END: return 0;
		default:
			if (!depth)
				return 0;
		}
	}
	return 0;
}

static enum type_look base_ahead(struct parser *p, uint32_t *idx)
{
	enum type_look look = TYPE_PERHAPS;

	switch ((int)tokens_peek(p, *idx)->kind) {
	case T_STRUCT:
	case T_UNION:
	case T_ENUM:
		*idx += 2;
		return tokens_peek(p, *idx - 1)->kind == T_IDENT ? TYPE_SURE : NO_TYPE;
	case T_TYPEOF: *idx = skip_parens(p, *idx + 1); return *idx ? TYPE_SURE : NO_TYPE;
	case T_IDENT:
		if (is_base_type(tokens_peek(p, (*idx)++)->text)) {
			look = TYPE_KNOWN;
			for (; tokens_peek(p, *idx)->kind == T_IDENT; ++*idx)
				look = TYPE_SURE;
		}
		return look;
	default: return NO_TYPE;
	}
}

/* Is there a type at *idx? Moves *idx past it. */
static enum type_look type_ahead(struct parser *p, uint32_t *idx)
{
	enum type_look look = base_ahead(p, idx);
	enum token_kind kind;

	while (look != NO_TYPE) {
		kind = tokens_peek(p, *idx)->kind;
		if (kind == T_MUL) {
			/* "a * b" is told from "a *)" by what must follow a type */
			look = TYPE_SURE;
			++*idx;
			continue;
		}
		if (kind != T_LBRACKET)
			break;
		kind = tokens_peek(p, ++*idx)->kind;
		if (kind == T_RBRACKET)
			look = TYPE_SURE;
		else if (kind == T_INT || kind == T_IDENT || kind == T_POSITIONAL)
			++*idx;
		if (tokens_peek(p, (*idx)++)->kind != T_RBRACKET)
			return NO_TYPE;
	}
	return look;
}

static struct value_name **value_bucket(struct parser *p, const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return &p->values[hash % VALUE_HASH_CNT];
}

static bool is_value_name(struct parser *p, const char *name)
{
	const struct value_name *v;

	for (v = *value_bucket(p, name); v; v = v->next)
		if (!strcmp(v->name, name))
			return true;
	return builtin_is_value(name);
}

void add_value_name(struct parser *p, const char *name)
{
	struct value_name **bucket = value_bucket(p, name);
	struct value_name *v;

	if (is_value_name(p, name))
		return;
	v = arena_new_of(p->arena, struct value_name);
	v->name = name;
	v->next = *bucket;
	*bucket = v;
}

static bool cast_operand(struct parser *p, uint32_t idx, bool *is_ambiguous)
{
	enum token_kind kind = tokens_peek(p, idx)->kind;

	*is_ambiguous = false;
	switch ((int)kind) {
	case T_INT:
	case T_STR:
	case T_TRUE:
	case T_FALSE:
	case T_VAR:
	case T_MAP:
	case T_IDENT:
	case T_POSITIONAL:
	case T_POS_COUNT:
	case T_SIZEOF:
	case T_OFFSETOF:
	case T_NOT:
	case T_BNOT: return true;
	case T_SUB:
	case T_ADD:
	case T_MUL:
	case T_BAND:
	case T_LPAREN: *is_ambiguous = true; return true;
	case T_INC:
	case T_DEC: kind = tokens_peek(p, idx + 1)->kind; return kind == T_VAR || kind == T_MAP;
	default: return false;
	}
}

/* The '(' has been taken: does it begin a cast? */
static bool is_cast(struct parser *p)
{
	uint32_t idx = 0;
	enum type_look look;
	bool is_ambiguous, is_name;

	switch ((int)p->last.kind) {
	case T_IDENT:
	case T_VAR:
	case T_MAP:
	case T_RBRACKET:
	case T_SIZEOF:
	case T_OFFSETOF:
	case T_TYPEOF: return false;
	default: break;
	}
	look = type_ahead(p, &idx);
	if (look == NO_TYPE || tokens_peek(p, idx)->kind != T_RPAREN ||
	    !cast_operand(p, idx + 1, &is_ambiguous))
		return false;
	if (look != TYPE_PERHAPS)
		return true;
	is_name = tokens_peek(p, 1)->kind == T_RPAREN;
	/* a macro's parameter may stand for a type: "(T)300" */
	if (is_value_name(p, tokens_peek(p, 0)->text))
		return !is_ambiguous && !builtin_is_value(tokens_peek(p, 0)->text);
	return is_name || !is_ambiguous;
}

/* At the start of an argument: is it a type? */
static bool is_type_argument(struct parser *p)
{
	uint32_t idx = 0;
	enum type_look look = type_ahead(p, &idx);
	enum token_kind kind;

	if (look < TYPE_KNOWN)
		return false;
	kind = tokens_peek(p, idx)->kind;
	return kind == T_RPAREN || kind == T_COMMA;
}

/* ---- what the grammar gets */

static bool at_top(const struct parser *p)
{
	return !p->braces && !p->in_pred;
}

static bool opens(enum token_kind kind)
{
	return kind == T_LBRACE || kind == T_ACT_OPEN;
}

/* A '}' does not close an action that '<' has opened. */
static bool closes(const struct parser *p, enum token_kind kind)
{
	return kind == T_ACT_CLOSE || (kind == T_RBRACE && !(p->in_angle && p->braces == 1));
}

static void count(struct parser *p, enum token_kind kind)
{
	if (opens(kind)) {
		p->in_angle = kind == T_ACT_OPEN || (p->in_angle && p->braces);
		p->braces++;
	} else if (closes(p, kind)) {
		p->braces -= p->braces > 0;
		if (!p->braces && !p->in_pred)
			p->parens = 0;
	} else if (kind == T_LPAREN || kind == T_LBRACKET) {
		p->parens++;
	} else if (kind == T_RPAREN || kind == T_RBRACKET) {
		p->parens -= p->parens > 0;
	} else if (kind == T_PRED_OPEN || kind == T_PRED_CLOSE) {
		p->in_pred = kind == T_PRED_OPEN;
		p->parens = 0;
	}
}

/* "#define NAME ..." */
static void add_define(struct parser *p, const char *line)
{
	const char *name = strstr(line, "define");
	size_t len;

	if (!name)
		return;
	name += strlen("define");
	name += strspn(name, " \t");
	len = strcspn(name, " \t(");
	if (len)
		add_value_name(p, arena_strndup(p->arena, name, len));
}

/* A word like any other where no condition and no operand follows. */
static enum token_kind comptime_kind(struct parser *p)
{
	bool is_ambiguous, is_operand = cast_operand(p, 0, &is_ambiguous);

	if (p->last.kind == T_IF || p->last.kind == T_IF_EXPR)
		return T_COMPTIME;
	if (at_top(p) || token_after(p->last.kind) != AFTER_MID || !is_operand)
		return T_IDENT;
	return !is_ambiguous || tokens_peek(p, 0)->kind == T_LPAREN ? T_COMPTIME_EXPR : T_IDENT;
}

static enum token_kind kind_for_grammar(struct parser *p, const struct token *t)
{
	enum token_after after = token_after(p->last.kind);
	bool top = at_top(p);

	switch ((int)t->kind) {
	case T_LBRACE: return !top && after == AFTER_MID ? T_LBRACE_EXPR : T_LBRACE;
	case T_IF: return after == AFTER_MID ? T_IF_EXPR : T_IF;
	case T_LPAREN: return !top && is_cast(p) ? T_CAST : T_LPAREN;
	case T_IDENT:
		if (p->in_macro_head)
			add_value_name(p, t->text);
		return strcmp(t->text, "comptime") ? T_IDENT : comptime_kind(p);
	case T_CPP: add_define(p, t->text); return T_CPP;
	default: return t->kind;
	}
}

static bool wants_type_mark(struct parser *p)
{
	enum token_kind kind;

	if ((p->last.kind != T_LPAREN && p->last.kind != T_COMMA) || at_top(p))
		return false;
	kind = tokens_peek(p, 0)->kind;
	if (kind != T_IDENT && kind != T_STRUCT && kind != T_UNION && kind != T_ENUM &&
	    kind != T_TYPEOF)
		return false;
	return is_type_argument(p);
}

static struct token give(struct parser *p, struct token t)
{
	if (token_after(p->last.kind) == AFTER_STMT)
		p->first = t;
	p->before = p->last;
	p->last = t;
	return t;
}

static struct token next_code(struct parser *p)
{
	struct token t;
	enum token_kind kind;

	if (wants_type_mark(p)) {
		t = *tokens_peek(p, 0);
		t.kind = T_TYPE_MARK;
		return give(p, t);
	}
	if (at_top(p) && token_after(p->last.kind) == AFTER_STMT)
		p->item = tokens_peek(p, 0)->kind;
	t = tokens_take(p);
	kind = kind_for_grammar(p, &t);
	count(p, t.kind);
	p->in_macro_head = t.kind == T_MACRO || (p->in_macro_head && t.kind != T_LBRACE);
	t.kind = kind;
	if (p->braces + p->parens > AST_DEPTH_MAX) {
		nesting_error(p, t.span);
		t.kind = T_END;
	}
	return give(p, t);
}

static struct token virtual(enum token_kind kind, struct token at)
{
	at.kind = kind;
	at.span.from = at.span.to;
	return at;
}

/* Behind a '}' it belongs to the same broken statement. */
static bool goes_on(enum token_kind kind)
{
	return kind == T_ELSE || kind == T_ASSIGN;
}

/* "if (c) a; else b;": behind the ';' comes the rest of one mistake. */
static bool is_if_without_braces(struct parser *p)
{
	return p->first.kind == T_IF && tokens_peek(p, 0)->kind == T_ELSE;
}

/* Broken code inside braces goes on after ';' or after a block; a broken item after its action. */
static struct token next_recovering(struct parser *p)
{
	struct token t;
	bool top = !p->recover_braces, is_close;

	for (;;) {
		t = tokens_take(p);
		/*
		 * These begin an item and nothing else. When the grammar did not take the end of the
		 * broken one, it is in braces that are closed here, and waits for their end.
		 */
		if (top && p->braces == 0 && p->last.kind != T_ITEM_END &&
		    (t.kind == T_CONFIG || t.kind == T_IMPORT || t.kind == T_MACRO ||
		     t.kind == T_NAME || t.kind == T_CDEF || t.kind == T_CPP)) {
			put_back(p, t);
			return give(p, virtual(T_ITEM_END, t));
		}
		is_close = closes(p, t.kind);
		count(p, t.kind);
		if (t.kind == T_END || (t.kind == T_PRED_CLOSE && top))
			return give(p, t);
		if (is_close) {
			if (p->braces < p->recover_braces) {
				p->recover_braces = p->braces;
				return give(p, t);
			}
			if (p->braces > p->recover_braces || goes_on(tokens_peek(p, 0)->kind))
				continue;
			/* "};" of what should have been a struct */
			if (top && tokens_peek(p, 0)->kind == T_SEMI)
				tokens_take(p);
			return give(p, virtual(top ? T_ITEM_END : T_SEMI, t));
		}
		if (p->braces == p->recover_braces && t.kind == T_SEMI && !(top && p->in_pred) &&
		    !(p->first.kind == T_FOR && p->parens) && !is_if_without_braces(p))
			return give(p, t);
	}
}

struct token tokens_next(struct parser *p)
{
	struct token end = { .kind = T_END, .span = p->last.span };

	if (p->stop)
		return end;
	return p->recovering ? next_recovering(p) : next_code(p);
}

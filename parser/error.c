/* SPDX-License-Identifier: Apache-2.0 */
/* Syntax errors: what was expected in the fewest words, and a hint when a keyword was misspelt. */
#include "parse.h"

#include <string.h>

struct diag *syntax_message(struct parser *p, struct span sp, const char *text)
{
	p->errors++;
	return diag(p->unit->diags, sp, D_SYNTAX, text);
}

void nesting_error(struct parser *p, struct span sp)
{
	if (!p->stop)
		diag(p->unit->diags, sp, D_NESTING, (unsigned)AST_DEPTH_MAX);
	p->errors++;
	p->stop = true;
}

void syntax_exhausted(struct parser *p)
{
	nesting_error(p, p->last.span);
}

void recovered(struct parser *p)
{
	p->recovering = false;
	p->parens = 0;
}

/* A place has more to say than its tokens: the words that stand there. */
static const char *words_by_place(const struct parser *p, const bool *expected)
{
	switch ((int)p->before.kind) {
	case T_DOT: return "expected field name after '.'";
	case T_ARROW: return "expected field name after '->'";
	case T_ELSE: return "expected '{' or 'if' after 'else'";
	case T_IMPORT: return "expected string after 'import'";
	case T_MACRO: return "expected macro name";
	case T_LET:
		if (p->braces)
			return "expected variable after 'let'";
		break;
	default: break;
	}
	if (p->item == T_CONFIG && p->last.kind == T_LBRACE && p->before.kind == T_IDENT)
		return "expected '}' at the end of the config block";
	if (p->last.kind == T_CPP)
		return "directives must stand outside of actions";
	if (p->item == T_IMPORT && p->before.kind == T_STR)
		return "expected ';' after import";
	if (p->item == T_CONFIG && p->braces == 1 && expected[T_IDENT] && !expected[T_INT])
		return "expected config key";
	if (p->item == T_MACRO && !p->braces && expected[T_VAR] && expected[T_MAP])
		return "expected macro argument ($var, @map, or identifier)";
	return NULL;
}

/* The expected token that says most, first match: operators never do. */
static const char *words_by_token(struct parser *p, const bool *expected)
{
	static const enum token_kind order[] = {
		T_RPAREN,    T_RBRACKET, T_COLON,  T_PRED_CLOSE, T_SEMI, T_LBRACE,
		T_ACT_CLOSE, T_RBRACE,	 T_ASSIGN, T_IDENT,	 T_VAR,	 T_MAP,
		T_STR,	     T_INT,	 T_COMMA,  T_LPAREN,	 T_DOT,	 T_END,
	};
	bool is_expr = expected[T_INT] && expected[T_LPAREN];
	size_t i;

	if (expected[T_ATTACH])
		return p->last.kind == T_RBRACE ? "unexpected '}'" : "expected attach point";
	if (is_expr && p->last.kind == T_END && expected[T_RBRACE])
		return "expected '}'";
	if (is_expr && p->last.kind == T_END && expected[T_ACT_CLOSE])
		return "expected '>' to close the action";
	if (is_expr)
		return "expected expression";
	if (expected[T_TYPEOF] && expected[T_STRUCT])
		return "expected type name";
	if (expected[T_INT] && expected[T_STR] && expected[T_IDENT])
		return "expected string, int, boolean, or ident";
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (expected[order[i]])
			return arena_printf(p->arena, "expected %s", token_words(order[i]));
	return arena_printf(p->arena, "unexpected %s", token_words(p->last.kind));
}

/* The statement goes on as no expression would: its first word may have been meant as a keyword. */
static bool looks_misspelt(const struct parser *p)
{
	if (!p->first.text ||
	    (p->first.kind != T_IDENT && p->first.kind != T_ATTACH && p->first.kind != T_NAME))
		return false;
	return p->before.span.from == p->first.span.from || p->last.kind == T_COLON ||
	       p->last.kind == T_LBRACE;
}

static bool hint_keyword(struct parser *p, struct diag *d)
{
	static const char *const in_code[] = { "break", "continue", "else",   "for",   "if",
					       "let",	"return",   "unroll", "while", NULL };
	static const char *const at_item[] = { "config", "import", "macro", "let",     "struct",
					       "union",	 "enum",   "begin", "typedef", NULL };
	const char *const *words = p->recover_braces ? in_code : at_item;
	struct nearest n;

	if (!looks_misspelt(p) || (p->item == T_CONFIG && p->recover_braces))
		return false;
	nearest_init(&n, p->first.text);
	for (; *words; words++)
		nearest_feed(&n, *words);
	if (!n.best || !n.distance)
		return false;
	diag_hint(d, "Did you mean '%s'?", n.best);
	return true;
}

/* Where the code would have to go on for the parser to understand it again. */
static void recover_from(struct parser *p)
{
	bool has_opened = p->last.kind == T_LBRACE || p->last.kind == T_ACT_OPEN ||
			  p->last.kind == T_LBRACE_EXPR;

	p->recovering = true;
	p->recover_braces = p->braces - (has_opened && p->braces);
}

/*
 * Between double quotes a shell takes "strings" apart and $variables away: what is left begins with
 * the conversion of a format, or with the sign behind a name.
 */
static bool looks_eaten_by_shell(const struct parser *p)
{
	const struct source *s = source_of(p->unit->sources, p->last.span);

	if (!s || strcmp(s->name, "stdin"))
		return false;
	return (p->before.kind == T_LPAREN && p->last.kind == T_MOD) ||
	       ((p->before.kind == T_LBRACE || p->before.kind == T_SEMI) &&
		p->last.kind == T_ASSIGN);
}

/* What a shell gives to -e when the program stands there without quotes: its first word. */
static bool lacks_action(const struct parser *p, const bool *expected)
{
	const struct source *s = source_of(p->unit->sources, p->last.span);

	return s && !strcmp(s->name, "stdin") && p->last.kind == T_END && !p->braces &&
	       expected[T_LBRACE];
}

/* The byte behind the newest token; the text ends in a NUL. */
static bool is_followed_by(const struct parser *p, char c)
{
	struct span sp = p->last.span;

	return source_text(p->unit->sources, sp)[sp.to - sp.from] == c;
}

static bool is_word(const struct token *t, const char *word)
{
	return (t->kind == T_IDENT || t->kind == T_ATTACH || t->kind == T_NAME) && t->text &&
	       !strcmp(t->text, word);
}

/* Words that other languages have before a variable that is new. */
static bool is_declaring(const char *word)
{
	static const char *const words[] = { "var", "auto", "const", "static", "local", "my" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word))
			return true;
	return is_base_type(word);
}

/* "int a", "print x": a word with another behind it. */
static void hint_two_words(const struct parser *p, struct diag *d)
{
	const char *word = p->before.text;

	if (is_word(&p->last, "and") || is_word(&p->last, "or"))
		diag_hint(d, "'&&' is and, '||' is or");
	else if (p->before.kind != T_IDENT)
		return;
	else if (is_declaring(word) && (p->last.kind == T_IDENT || p->last.kind == T_VAR))
		diag_hint(d, "A variable begins with '$' and needs no type: $%s = ...",
			  p->last.kind == T_VAR ? p->last.text + 1 : p->last.text);
	else if (p->last.kind == T_STR || p->last.kind == T_VAR)
		diag_hint(d, "Arguments stand between parentheses: %s(...)", word);
}

/* What other languages have, and this one writes in another way. */
static void hint_other_language(const struct parser *p, const bool *expected, struct diag *d)
{
	enum token_kind last = p->last.kind;

	if (p->first.kind == T_FOR && (expected[T_COLON] || expected[T_VAR]) && last != T_END)
		diag_hint(d, "for ($i : 0..10) { } counts, for ($kv : @map) { } goes over a map");
	else if (is_word(&p->first, "switch"))
		diag_hint(d, "There is no switch: if (...) { } else if (...) { } else { }");
	else if (p->before.kind == T_LET && last == T_IDENT)
		diag_hint(d, "A variable begins with '$': $%s", p->last.text);
	else if (p->before.kind == T_MUL && last == T_DIV && p->before.span.to == p->last.span.from)
		diag_hint(d, "A comment ends with its first '*/', also where another began in it");
	else if (p->before.kind == T_MAP &&
		 (last == T_LPAREN || last == T_LBRACE || last == T_LBRACE_EXPR))
		diag_hint(d, "The key of a map stands between brackets: %s[...]", p->before.text);
	else if (last == T_BNOT || (last == T_ASSIGN && is_followed_by(p, '~')))
		diag_hint(d, "There are no patterns of text; strcontains() finds one in another");
	else if (last == T_ASSIGN && (expected[T_RPAREN] || expected[T_PRED_CLOSE]))
		diag_hint(d, "'==' compares, '=' assigns");
	else
		hint_two_words(p, d);
}

/* Where an action, or that of an if, was to begin. */
static void hint_action(const struct parser *p, const bool *expected, struct diag *d)
{
	bool is_end = p->last.kind == T_END;

	if (!expected[T_LBRACE] || expected[T_INT] || p->item == T_CONFIG || p->last.kind == T_CPP)
		return;
	if (lacks_action(p, expected))
		diag_hint(d, "A program is -e 'PROBE { ACTION }', all of it between single quotes");
	else if (p->braces && !is_end)
		diag_hint(d, "Braces are needed around a single statement too");
	else if (is_word(&p->last, "if"))
		diag_hint(d, "A condition stands between slashes: PROBE / CONDITION / { ACTION }");
	else if (p->last.kind == T_ATTACH && strchr(p->last.text, ':'))
		diag_hint(d, "Between two probes stands a comma");
	else if (!is_end)
		diag_hint(d, "What is to be done stands between braces: PROBE { ACTION }");
}

/* Where a probe, or something else of its kind, was to begin. */
static void hint_item(const struct parser *p, const bool *expected, struct diag *d)
{
	enum token_kind last = p->last.kind;

	if (!expected[T_ATTACH])
		return;
	if (last == T_SEMI && p->before.kind == T_RBRACE)
		diag_hint(d, "No ';' stands behind this '}'");
	else if (last == T_PRED_OPEN)
		diag_hint(d,
			  "A condition stands before the action: PROBE / CONDITION / { ACTION }");
	else if (last == T_LBRACE)
		diag_hint(d, "What is traced stands before the action: PROBE { ACTION }");
}

void syntax_error(struct parser *p, const bool *expected)
{
	struct span at = p->last.span;
	const char *words;
	struct diag *d;

	recover_from(p);
	/* What the lexer has complained about in this statement is the cause of this too. */
	if (p->stop || lexer_errors(p->lexer) != p->lexer_errors ||
	    (p->last.kind == T_END && lexer_has_open_string(p->lexer)))
		return;
	if (p->item == T_LET && !p->braces && p->before.kind == T_LET) {
		p->errors++;
		diag(p->unit->diags, p->before.span, D_LET_ROOT);
		return;
	}
	words = words_by_place(p, expected);
	words = words ? words : words_by_token(p, expected);
	/* What is missing at the end belongs after the last word, not after the blank lines. */
	if (p->last.kind == T_END && p->before.span.from)
		at.from = at.to = p->before.span.to;
	d = syntax_message(p, at, words);
	/* All that follows would be taken for a part of the config block. */
	p->stop = p->item == T_CONFIG && p->last.kind == T_LBRACE && p->before.kind == T_IDENT;
	if (hint_keyword(p, d))
		return;
	if (p->errors == 1 && looks_eaten_by_shell(p))
		diag_hint(d,
			  "The shell changes what stands between double quotes: write -e 'PROGRAM' "
			  "with single ones");
	hint_other_language(p, expected, d);
	hint_action(p, expected, d);
	hint_item(p, expected, d);
	if (p->last.kind == T_END && lexer_in_angle(p->lexer))
		diag_hint(d, "In an action < ... > every statement ends with ';'");
}

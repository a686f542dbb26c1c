/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --fmt: a program in the one canonical form. The tree of the parser, not yet expanded, says what
 * stands where; the words are the tokens of the text (format_tokens.c); doc.c finds the lines.
 *
 * What may differ from the text: blanks and newlines, the ';' behind the last statement of a body,
 * commas that end a list, and parentheses that say nothing. That this changes no program is not only
 * meant but checked: the result is parsed again, and it must give the same tree.
 */
#include "ast/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ast/unit.h"

static void put_block(struct formatter *f, const struct node *n);
static void put_if(struct formatter *f, const struct node *n, bool is_short);

/* ---- statements */

static void put_let(struct formatter *f, const struct node *n)
{
	format_token(f, T_LET);
	doc_space(f->doc);
	format_token(f, T_VAR);
	if (n->let.vtype) {
		format_token(f, T_COLON);
		doc_space(f->doc);
		format_type(f, n->let.vtype);
	}
	if (!n->let.init)
		return;
	doc_space(f->doc);
	format_token(f, T_ASSIGN);
	doc_space(f->doc);
	format_expr(f, n->let.init);
}

static void put_assign(struct formatter *f, const struct node *n)
{
	format_operand(f, n->assign.target);
	doc_space(f->doc);
	format_any(f);
	doc_space(f->doc);
	format_expr(f, n->assign.value);
}

static void put_discard(struct formatter *f, const struct node *n)
{
	uint32_t parens = 0;

	while (format_drop_if(f, T_LPAREN))
		parens++;
	format_token(f, T_IDENT);
	while (parens--)
		format_drop(f, T_RPAREN);
	doc_space(f->doc);
	format_token(f, T_ASSIGN);
	doc_space(f->doc);
	format_expr(f, n->expr.e);
}

static void put_return(struct formatter *f, const struct node *n)
{
	format_token(f, T_RETURN);
	if (!n->expr.e)
		return;
	doc_space(f->doc);
	format_expr(f, n->expr.e);
}

/* In parentheses, whether the author has them or not. */
static void put_condition(struct formatter *f, const struct node *n)
{
	bool has_parens = format_next(f) == T_LPAREN && f->tokens[f->at].span.from < n->span.from;

	if (has_parens)
		format_any(f);
	else
		doc_str(f->doc, "(");
	doc_align(f->doc);
	format_expr(f, n);
	doc_outdent(f->doc);
	if (has_parens)
		format_token(f, T_RPAREN);
	else
		doc_str(f->doc, ")");
}

static void put_for(struct formatter *f, const struct node *n)
{
	bool has_parens;

	format_token(f, T_FOR);
	doc_space(f->doc);
	has_parens = format_next(f) == T_LPAREN;
	format_token_or(f, T_LPAREN, "(");
	format_token(f, T_VAR);
	doc_space(f->doc);
	format_token(f, T_COLON);
	doc_space(f->doc);
	format_expr(f, n->kind == N_FOR_MAP ? n->loop.map : n->loop.from);
	if (n->kind == N_FOR_RANGE) {
		format_token(f, T_DOTDOT);
		format_expr(f, n->loop.to);
	}
	if (has_parens)
		format_token(f, T_RPAREN);
	else
		doc_str(f->doc, ")");
	doc_space(f->doc);
	put_block(f, n->loop.body);
}

static void put_repeat(struct formatter *f, const struct node *n)
{
	format_any(f);
	doc_space(f->doc);
	put_condition(f, n->repeat.cond);
	doc_space(f->doc);
	put_block(f, n->repeat.body);
}

static void put_stmt(struct formatter *f, const struct node *n)
{
	switch ((int)n->kind) {
	case N_EXPR_STMT: format_stmt_expr(f, n->expr.e); break;
	case N_LET: put_let(f, n); break;
	case N_ASSIGN: put_assign(f, n); break;
	case N_DISCARD: put_discard(f, n); break;
	case N_RETURN: put_return(f, n); break;
	case N_BREAK:
	case N_CONTINUE: format_any(f); break;
	case N_FOR_MAP:
	case N_FOR_RANGE: put_for(f, n); break;
	case N_WHILE:
	case N_UNROLL: put_repeat(f, n); break;
	case N_BLOCK:
	case N_IF:
		if (format_next(f) == T_LPAREN)
			format_expr(f, n);
		else if (n->kind == N_IF)
			put_if(f, n, false);
		else
			put_block(f, n);
		break;
	default: format_stmt_expr(f, n); break; /* a block's value */
	}
}

/* Ends without ';'. */
static bool is_body_stmt(const struct node *n)
{
	switch ((int)n->kind) {
	case N_FOR_MAP:
	case N_FOR_RANGE:
	case N_WHILE:
	case N_UNROLL:
	case N_BLOCK:
	case N_IF: return true;
	default: return false;
	}
}

/* Statements that are empty. */
static void drop_semicolons(struct formatter *f)
{
	while (format_drop_if(f, T_SEMI))
		;
}

static void put_stmt_line(struct formatter *f, const struct node *n, enum format_gap gap,
			  bool is_value)
{
	drop_semicolons(f);
	format_line(f, gap);
	put_stmt(f, n);
	if (!is_value && !is_body_stmt(n))
		format_token_or(f, T_SEMI, ";");
}

/* ---- blocks */

/* "{ 1 }" and "if (a) { 1 } else { 2 }" whose blocks hold a value and nothing else. */
static bool is_short(const struct node *n)
{
	for (; n; n = n->cond.otherwise) {
		const struct node *block = n->kind == N_IF ? n->cond.then : n;

		if (block->block.stmts || !block->block.value || block->block.value->kind == N_IF ||
		    block->block.value->kind == N_BLOCK)
			return false;
		if (n->kind == N_BLOCK)
			return true;
	}
	return false;
}

static void put_short_block(struct formatter *f, const struct node *n)
{
	format_token(f, T_LBRACE);
	doc_indent(f->doc);
	format_break(f, " ", false);
	format_stmt_expr(f, n->block.value);
	doc_outdent(f->doc);
	format_break(f, " ", false);
	format_token(f, T_RBRACE);
}

static void put_block(struct formatter *f, const struct node *n)
{
	enum format_gap gap = GAP_NONE;
	const struct node *s;

	format_any(f);
	drop_semicolons(f);
	if (!n->block.stmts && !n->block.value && !format_comment_ahead(f)) {
		format_any(f);
		return;
	}
	doc_indent(f->doc);
	for (s = n->block.stmts; s; s = s->next, gap = GAP_KEPT)
		put_stmt_line(f, s, gap, false);
	if (n->block.value)
		put_stmt_line(f, n->block.value, gap, true);
	drop_semicolons(f);
	format_last_line(f);
	doc_outdent(f->doc);
	format_any(f);
}

static void put_branch(struct formatter *f, const struct node *n, bool is_short)
{
	doc_space(f->doc);
	if (n->kind == N_IF)
		put_if(f, n, is_short);
	else if (is_short)
		put_short_block(f, n);
	else
		put_block(f, n);
}

static void put_if(struct formatter *f, const struct node *n, bool is_short)
{
	format_token(f, T_IF);
	doc_space(f->doc);
	if (n->cond.is_comptime) {
		format_token(f, T_IDENT);
		doc_space(f->doc);
	}
	put_condition(f, n->cond.cond);
	put_branch(f, n->cond.then, is_short);
	if (n->cond.otherwise) {
		doc_space(f->doc);
		format_token(f, T_ELSE);
		put_branch(f, n->cond.otherwise, is_short);
	}
}

static bool is_on_one_line(const struct formatter *f, struct span sp)
{
	return !memchr(f->src->text + (sp.from - f->src->base), '\n', sp.to - sp.from);
}

/* A short one that has one line keeps to it while there is room. */
void format_body(struct formatter *f, const struct node *n)
{
	bool one_line = is_short(n) && is_on_one_line(f, n->span);

	doc_open(f->doc);
	if (n->kind == N_IF)
		put_if(f, n, one_line);
	else if (one_line)
		put_short_block(f, n);
	else
		put_block(f, n);
	doc_close(f->doc);
}

/* ---- top level */

static void put_config(struct formatter *f, const struct node *n)
{
	const struct node *var;
	enum format_gap gap = GAP_NONE;

	format_token(f, T_CONFIG);
	doc_space(f->doc);
	format_token(f, T_ASSIGN);
	doc_space(f->doc);
	format_token(f, T_LBRACE);
	doc_indent(f->doc);
	for (var = n->config.vars; var; var = var->next, gap = GAP_KEPT) {
		format_line(f, gap);
		format_token(f, T_IDENT);
		doc_space(f->doc);
		format_token(f, T_ASSIGN);
		doc_space(f->doc);
		format_any(f);
		format_token_or(f, T_SEMI, ";");
	}
	format_last_line(f);
	doc_outdent(f->doc);
	format_token(f, T_RBRACE);
}

static void put_import(struct formatter *f)
{
	format_token(f, T_IMPORT);
	doc_space(f->doc);
	format_token(f, T_STR);
	format_token(f, T_SEMI);
}

static void put_map_decl(struct formatter *f, const struct node *n)
{
	format_token(f, T_LET);
	doc_space(f->doc);
	format_token(f, T_MAP);
	doc_space(f->doc);
	format_token(f, T_ASSIGN);
	doc_space(f->doc);
	format_token(f, T_IDENT);
	format_token(f, T_LPAREN);
	format_expr(f, n->map_decl.args);
	format_token(f, T_RPAREN);
	format_token(f, T_SEMI);
}

static void put_macro(struct formatter *f, const struct node *n)
{
	const struct node *param;

	format_token(f, T_MACRO);
	doc_space(f->doc);
	format_token(f, T_IDENT);
	if (format_next(f) == T_LPAREN) {
		doc_open(f->doc);
		format_token(f, T_LPAREN);
		doc_align(f->doc);
		for (param = n->macro.params; param; param = param->next) {
			format_any(f);
			if (!param->next)
				break;
			format_token(f, T_COMMA);
			format_break(f, " ", true);
		}
		doc_outdent(f->doc);
		format_token(f, T_RPAREN);
		doc_close(f->doc);
	}
	format_line(f, GAP_NONE);
	put_block(f, n->macro.body);
}

/* The slashes stand at the expression, but "/ *p" does not begin a comment. */
static void put_predicate(struct formatter *f, const struct node *n)
{
	uint32_t first; /* token that is no parenthesis */

	format_token(f, T_PRED_OPEN);
	doc_align(f->doc);
	for (first = f->at; f->tokens[first].kind == T_LPAREN; first++)
		;
	if (f->tokens[first].kind == T_MUL)
		doc_space(f->doc);
	format_expr(f, n);
	doc_outdent(f->doc);
	format_token(f, T_PRED_CLOSE);
	format_line(f, GAP_NONE);
}

static void put_probe(struct formatter *f, const struct node *n)
{
	const struct node *a;

	if (n->probe.name) {
		format_token(f, T_NAME);
		format_token(f, T_ASSIGN);
	}
	for (a = n->probe.attaches; a; a = a->next) {
		format_token(f, T_ATTACH);
		if (a->next)
			format_token(f, T_COMMA);
		else
			format_drop_if(f, T_COMMA);
		format_line(f, GAP_NONE);
	}
	if (n->probe.pred)
		put_predicate(f, n->probe.pred);
	put_block(f, n->probe.body);
}

static void put_item(struct formatter *f, const struct node *n)
{
	switch ((int)n->kind) {
	case N_CONFIG: put_config(f, n); break;
	case N_IMPORT: put_import(f); break;
	case N_CPP: format_token(f, T_CPP); break;
	case N_CDEF: format_cdef(f, n); break;
	case N_MACRO: put_macro(f, n); break;
	case N_MAP_DECL: put_map_decl(f, n); break;
	case N_PROBE: put_probe(f, n); break;
	default: f->lost = true;
	}
}

static bool has_body(const struct node *n)
{
	return n->kind == N_PROBE || n->kind == N_MACRO;
}

static void put_program(struct formatter *f, const struct node *program)
{
	const struct node *n, *last = NULL;
	enum format_gap gap;

	for (n = program->program.items; n && !f->lost; last = n, n = n->next) {
		gap = !last ? GAP_KEPT : has_body(n) || has_body(last) ? GAP_WANTED : GAP_KEPT;
		format_line(f, gap);
		put_item(f, n);
	}
	format_last_line(f);
	f->lost = f->lost || format_next(f) != T_END;
}

/* ---- the result */

/* The tree as text, in memory of its own; NULL: none was left. */
static char *dumped(const struct node *program)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		return NULL;
	ast_dump(mem, program, false);
	fclose(mem);
	return text;
}

/* Another unit of the text in u's memory. False: it is no program. */
static bool parse_again(const struct unit *u, const char *text, size_t len, struct unit *again)
{
	*again = *u;
	again->sources = sources_new(u->arena);
	again->diags = diags_new(u->arena, again->sources);
	again->main_source =
		source_add(again->sources, "", arena_strndup(u->arena, text, len), len);
	again->program = again->main_source ? parse_source(again, again->main_source) : NULL;
	return again->program;
}

static bool is_same_program(const struct unit *u, const struct unit *again)
{
	char *before = dumped(u->program), *after = dumped(again->program);
	bool same = before && after && !strcmp(before, after);

	free(before);
	free(after);
	return same;
}

/* again: what the text is, as parse() gives it. */
static int format_once(struct unit *u, char **text, size_t *len, struct unit *again)
{
	struct formatter f = { .arena = u->arena, .doc = doc_new(u->arena) };
	FILE *mem;

	format_tokens(&f, u, u->main_source);
	put_program(&f, u->program);
	mem = open_memstream(text, len);
	if (!mem)
		return -ENOMEM;
	if (!f.lost)
		doc_print(f.doc, mem);
	if (fclose(mem))
		return -ENOMEM;
	if (!f.lost && parse_again(u, *text, *len, again) && is_same_program(u, again))
		return 0;
	free(*text);
	*text = NULL;
	return -EPROTO;
}

enum { ROUNDS_MAX = 4 };

/*
 * Needs program as parse() gives it. Gives its canonical text, allocated. -EPROTO: it would have been
 * another program, which is a mistake here and not in the text.
 *
 * What the author has on one line stays there if it finds room, else it has several from then on, and
 * what stands before it may find room that it had not. So the result is formatted in turn until it
 * stays as it is: formatting twice changes nothing.
 */
int format(struct unit *u, char **text, size_t *len)
{
	struct unit of[2] = { *u };
	char *last = NULL;
	int err = 0;

	for (int i = 0; i < ROUNDS_MAX && !err; i++) {
		err = format_once(&of[i % 2], text, len, &of[(i + 1) % 2]);
		if (err || (last && !strcmp(last, *text)))
			break;
		free(last);
		last = i + 1 < ROUNDS_MAX ? *text : NULL;
	}
	free(last);
	return err;
}

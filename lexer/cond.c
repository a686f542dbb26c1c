/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that begin with '#'. The conditionals are resolved here, so that the grammar never sees the
 * branch that is not taken; #include and #define go on as tokens.
 */
#include "scan.h"

#include <ctype.h>
#include <string.h>

struct lex_cond {
	struct span span;
	bool live; /* the current branch is taken, as far as this condition goes */
	bool has_else;
	struct lex_cond *outer;
};

struct lex_define {
	const char *name;
	struct lex_define *next;
};

struct directive {
	const char *name, *arg; /* arg: the first word after it; "" when there is none */
	uint32_t off; /* of the '#' */
	size_t len; /* of the line */
};

void lex_define(struct lexer *lx, const char *name, bool is_defined)
{
	struct lex_define *d;

	if (!is_defined)
		return;
	d = arena_new_of(lx->arena, struct lex_define);
	d->name = name;
	d->next = lx->defines;
	lx->defines = d;
}

static bool is_defined(const struct lexer *lx, const char *name)
{
	const struct lex_define *d;

	for (d = lx->defines; d; d = d->next)
		if (!strcmp(d->name, name))
			return true;
	return false;
}

static const char *take_word(struct lexer *lx, const char **p, const char *end)
{
	const char *from;

	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	from = *p;
	while (*p < end && (isalnum((unsigned char)**p) || **p == '_'))
		++*p;
	return arena_strndup(lx->arena, from, (size_t)(*p - from));
}

static void cond_open(struct lexer *lx, const struct directive *d, bool wanted)
{
	struct lex_cond *c = arena_new_of(lx->arena, struct lex_cond);

	/* In a dead branch the name decides nothing. */
	if (!*d->arg && !lx->dead)
		lex_error(lx, d->off, d->len, D_COND_NAME, d->name);
	c->span.from = lx->src->base + d->off;
	c->span.to = c->span.from + (uint32_t)d->len;
	c->live = is_defined(lx, d->arg) == wanted;
	c->outer = lx->conds;
	lx->conds = c;
	lx->dead += !c->live;
}

static void cond_else(struct lexer *lx, const struct directive *d)
{
	struct lex_cond *c = lx->conds;

	if (!c) {
		lex_error(lx, d->off, d->len, D_COND_ALONE, d->name);
		return;
	}
	if (c->has_else)
		lex_error(lx, d->off, d->len, D_COND_ELSE_TWICE, "");
	c->has_else = true;
	lx->dead -= !c->live;
	c->live = !c->live;
	lx->dead += !c->live;
}

static void cond_close(struct lexer *lx, const struct directive *d)
{
	struct lex_cond *c = lx->conds;

	if (!c) {
		lex_error(lx, d->off, d->len, D_COND_ALONE, d->name);
		return;
	}
	lx->dead -= !c->live;
	lx->conds = c->outer;
}

void lex_cond_end(struct lexer *lx)
{
	struct lex_cond *c;

	for (c = lx->conds; c; c = c->outer) {
		lx->errors++;
		diag(lx->diags, c->span, D_COND_OPEN, "");
	}
	lx->conds = NULL;
	lx->dead = 0;
}

static void unknown(struct lexer *lx, const struct directive *d)
{
	static const char *const known[] = {
		"include", "define", "ifdef", "ifndef", "else", "endif"
	};
	struct diag *dg = lex_error(lx, d->off, d->len, D_DIRECTIVE, d->name);
	struct nearest n;
	size_t i;

	nearest_init(&n, d->name);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		nearest_feed(&n, known[i]);
	if (n.best)
		diag_hint(dg, "Did you mean '#%s'?", n.best);
}

/* The line as one: continuations joined, no blanks at its ends. */
static void join_line(struct lexer *lx, const char *text, size_t len, struct token *out)
{
	char *line = arena_alloc(lx->arena, len + 1);
	size_t i, cnt = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len && text[i + 1] == '\n')
			i++;
		else
			line[cnt++] = text[i];
	}
	while (cnt && isspace((unsigned char)line[cnt - 1]))
		cnt--;
	line[cnt] = '\0';
	out->kind = T_CPP;
	out->text = line;
	out->len = cnt;
}

bool lex_directive(struct lexer *lx, const char *text, size_t len, struct token *out)
{
	const char *p = text, *end = text + len;
	struct directive d;

	while (*p != '#')
		p++;
	d.off = lx->off - (uint32_t)(end - p);
	d.len = (size_t)(end - p);
	text = p++;
	if (d.off == 0 && p < end && *p == '!')
		return false;
	while (d.len && isspace((unsigned char)text[d.len - 1]))
		d.len--;
	d.name = take_word(lx, &p, end);
	d.arg = take_word(lx, &p, end);
	if (!strcmp(d.name, "ifdef") || !strcmp(d.name, "ifndef"))
		cond_open(lx, &d, d.name[2] == 'd');
	else if (!strcmp(d.name, "else"))
		cond_else(lx, &d);
	else if (!strcmp(d.name, "endif"))
		cond_close(lx, &d);
	else if (!lx->dead && (!strcmp(d.name, "include") || !strcmp(d.name, "define"))) {
		if (d.name[0] == 'd')
			lex_define(lx, d.arg, *d.arg);
		join_line(lx, text, d.len, out);
		out->span.from = lx->src->base + d.off;
		out->span.to = out->span.from + (uint32_t)d.len;
		return true;
	} else if (!lx->dead) {
		unknown(lx, &d);
	}
	return false;
}

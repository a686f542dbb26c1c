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
	bool taken; /* that one or one before it is */
	bool has_else;
	struct lex_cond *outer;
};

struct lex_define {
	const char *name, *value; /* value: NULL after #undef; "" also of what takes arguments */
	struct lex_define *next;
};

struct directive {
	const char *name, *arg; /* arg: the first word after it; "" when there is none */
	const char *rest, *value; /* what follows the name, and the word */
	uint32_t off; /* of the '#' */
	size_t len; /* of the line */
};

void lex_define(struct lexer *lx, const char *name, const char *value)
{
	struct lex_define *d = arena_new_of(lx->arena, struct lex_define);

	*d = (struct lex_define){ name, value, lx->defines };
	lx->defines = d;
}

const char *lex_defined(const struct lexer *lx, const char *name)
{
	const struct lex_define *d = lx->defines;

	while (d && strcmp(d->name, name) != 0)
		d = d->next;
	return d ? d->value : NULL;
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

static void cond_take(struct lexer *lx, struct lex_cond *c, bool live)
{
	c->live = live;
	c->taken |= live;
	lx->dead += !live;
}

/* That of #if and #elif, where it decides something. */
static bool condition(struct lexer *lx, const struct directive *d)
{
	const char *why = NULL;
	bool holds = !lx->dead && lex_if(lx, d->rest, &why);

	if (why)
		lex_error(lx, d->off, d->len, D_COND_EXPR, why);
	return holds;
}

static void cond_open(struct lexer *lx, const struct directive *d)
{
	struct lex_cond *c = arena_new_of(lx->arena, struct lex_cond);
	bool holds;

	if (strcmp(d->name, "if") == 0)
		holds = condition(lx, d);
	else
		holds = !lex_defined(lx, d->arg) == (d->name[2] == 'n');
	/* In a dead branch the name decides nothing. */
	if (d->name[2] && !*d->arg && !lx->dead)
		lex_error(lx, d->off, d->len, D_COND_NAME, d->name);
	c->span.from = lx->src->base + d->off;
	c->span.to = c->span.from + (uint32_t)d->len;
	c->outer = lx->conds;
	lx->conds = c;
	cond_take(lx, c, holds);
}

/* #else and #elif */
static void cond_next(struct lexer *lx, const struct directive *d, bool is_else)
{
	struct lex_cond *c = lx->conds;

	if (!c) {
		lex_error(lx, d->off, d->len, D_COND_ALONE, d->name);
		return;
	}
	if (c->has_else)
		lex_error(lx, d->off, d->len, D_COND_ELSE_TWICE, d->name);
	c->has_else |= is_else;
	lx->dead -= !c->live;
	cond_take(lx, c, !c->taken && (is_else || condition(lx, d)));
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
	static const char *const known[] = { "include", "define", "undef", "if",    "ifdef",
					     "ifndef",	"elif",	  "else",  "endif", "error" };
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

static bool is_name(const struct directive *d, const char *name)
{
	return strcmp(d->name, name) == 0;
}

/* What only chooses between lines; false: it is no such directive. */
static bool conditional(struct lexer *lx, const struct directive *d)
{
	if (is_name(d, "if") || is_name(d, "ifdef") || is_name(d, "ifndef"))
		cond_open(lx, d);
	else if (is_name(d, "elif") || is_name(d, "else"))
		cond_next(lx, d, d->name[2] == 's');
	else if (is_name(d, "endif"))
		cond_close(lx, d);
	else
		return false;
	return true;
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
	end = text + d.len;
	d.name = take_word(lx, &p, end);
	d.rest = arena_strndup(lx->arena, p, (size_t)(end - p));
	d.arg = take_word(lx, &p, end);
	d.value = p < end && *p == '(' ? "" : arena_strndup(lx->arena, p, (size_t)(end - p));
	if (conditional(lx, &d) || lx->dead)
		return false;
	if (is_name(&d, "undef")) {
		lex_define(lx, d.arg, NULL);
		return false;
	}
	if (is_name(&d, "error")) {
		lex_error(lx, d.off, d.len, D_DIRECTIVE_ERROR, d.rest + strspn(d.rest, " \t"));
		return false;
	}
	if (!is_name(&d, "include") && !is_name(&d, "define")) {
		unknown(lx, &d);
		return false;
	}
	if (d.name[0] == 'd' && *d.arg)
		lex_define(lx, d.arg, d.value);
	join_line(lx, text, d.len, out);
	out->span.from = lx->src->base + d.off;
	out->span.to = out->span.from + (uint32_t)d.len;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The condition of #if and #elif: what C takes there, over the numbers that the script itself defines,
 * and the kernel's version as <linux/version.h> has it. Another name is a mistake and not 0 as in C:
 * a header may well define it, and those are read by a compiler, later.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "scan.h"

enum { LEVEL_OR = 1, LEVEL_AND = 2 };
enum { IF_DEPTH_MAX = 100 }; /* parentheses in each other, and macros that name macros */

struct if_expr {
	struct lexer *lx;
	const char *at;
	uint32_t depth;
	uint32_t unused; /* inside of so many parts that do not count: "defined(X) && X > 2" */
	const char *why; /* what is wrong; the first mistake counts */
};

static int64_t choice(struct if_expr *e);

static int64_t wrong(struct if_expr *e, const char *why)
{
	if (!e->why)
		e->why = why;
	return 0;
}

static void skip_blanks(struct if_expr *e)
{
	for (;;) {
		while (isspace((unsigned char)*e->at) || (e->at[0] == '\\' && e->at[1] == '\n'))
			e->at++;
		if (strncmp(e->at, "//", 2) == 0)
			e->at += strlen(e->at);
		else if (strncmp(e->at, "/*", 2) == 0 && strstr(e->at + 2, "*/"))
			e->at = strstr(e->at + 2, "*/") + 2;
		else
			return;
	}
}

static bool take(struct if_expr *e, const char *text)
{
	skip_blanks(e);
	if (strncmp(e->at, text, strlen(text)) != 0)
		return false;
	e->at += strlen(text);
	return true;
}

static const char *take_name(struct if_expr *e)
{
	const char *from;

	skip_blanks(e);
	from = e->at;
	while (isalnum((unsigned char)*e->at) || *e->at == '_')
		e->at++;
	return arena_strndup(e->lx->arena, from, (size_t)(e->at - from));
}

static int64_t number(struct if_expr *e)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(e->at, &end, 0);
	if (errno)
		return wrong(e, "a number is too large");
	e->at = end + strspn(end, "uUlL");
	return (int64_t)v;
}

/* "defined X", "defined(X)" */
static int64_t defined(struct if_expr *e)
{
	bool parens = take(e, "(");
	const char *name = take_name(e);

	if (!*name)
		return wrong(e, "'defined' wants a name");
	if (parens && !take(e, ")"))
		return wrong(e, "expected ')'");
	return lex_defined(e->lx, name) != NULL;
}

static int64_t version_of(int64_t major, int64_t minor, int64_t patch)
{
	return major * 65536 + minor * 256 + (patch > 255 ? 255 : patch);
}

/* LINUX_VERSION_CODE */
static int64_t running_version(struct if_expr *e)
{
	unsigned int v[3] = { 0 };
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u.%u", &v[0], &v[1], &v[2]) < 2)
		return wrong(e, "the version of this kernel is not known");
	return version_of(v[0], v[1], v[2]);
}

/* KERNEL_VERSION(6, 1, 0) */
static int64_t given_version(struct if_expr *e)
{
	int64_t v[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		if (!take(e, i ? "," : "("))
			return wrong(e, "KERNEL_VERSION wants three numbers");
		v[i] = choice(e);
	}
	if (!take(e, ")"))
		return wrong(e, "KERNEL_VERSION wants three numbers");
	return version_of(v[0], v[1], v[2]);
}

static int64_t macro(struct if_expr *e, const char *name)
{
	const char *value = lex_defined(e->lx, name), *after = e->at;
	int64_t v;

	if (!value && !strcmp(name, "KERNEL_VERSION"))
		return given_version(e);
	if (e->unused)
		return 0;
	if (!value && !strcmp(name, "LINUX_VERSION_CODE"))
		return running_version(e);
	if (!value)
		return wrong(e,
			     arena_printf(e->lx->arena,
					  "the script defines no '%s', and headers are read later",
					  name));
	e->at = value;
	v = choice(e);
	skip_blanks(e);
	if (*e->at || !*value)
		e->why = arena_printf(e->lx->arena, "'%s' is no number", name);
	e->at = after;
	return v;
}

static int64_t operand(struct if_expr *e)
{
	const char *name;
	int64_t v;

	if (++e->depth > IF_DEPTH_MAX)
		return wrong(e, "it is nested too deeply");
	if (take(e, "!"))
		v = !operand(e);
	else if (take(e, "~"))
		v = ~operand(e);
	else if (take(e, "-"))
		v = (int64_t) - (uint64_t)operand(e);
	else if (take(e, "+"))
		v = operand(e);
	else if (take(e, "(")) {
		v = choice(e);
		if (!take(e, ")"))
			wrong(e, "expected ')'");
	} else if (isdigit((unsigned char)*e->at)) {
		v = number(e);
	} else {
		name = take_name(e);
		if (!*name)
			v = wrong(e, "expected a value");
		else
			v = strcmp(name, "defined") == 0 ? defined(e) : macro(e, name);
	}
	e->depth--;
	return v;
}

/* Longer ones before those that they begin with; as in C, the higher binds tighter. */
static const struct if_op {
	const char *text;
	int level;
} ops[] = {
	{ "||", LEVEL_OR }, { "&&", LEVEL_AND }, { "==", 6 }, { "!=", 6 }, { "<<", 8 }, { ">>", 8 },
	{ "<=", 7 },	    { ">=", 7 },	 { "|", 3 },  { "^", 4 },  { "&", 5 },	{ "<", 7 },
	{ ">", 7 },	    { "+", 9 },		 { "-", 9 },  { "*", 10 }, { "/", 10 }, { "%", 10 },
};

static const struct if_op *next_op(struct if_expr *e)
{
	skip_blanks(e);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strncmp(e->at, ops[i].text, strlen(ops[i].text)) == 0)
			return &ops[i];
	return NULL;
}

static int64_t divide(struct if_expr *e, char op, int64_t l, int64_t r)
{
	if (!r || (l == INT64_MIN && r == -1))
		return e->unused ? 0 : wrong(e, "a division has no result");
	return op == '/' ? l / r : l % r;
}

static int64_t compute(struct if_expr *e, const char *op, int64_t l, int64_t r)
{
	uint64_t a = (uint64_t)l, b = (uint64_t)r;

	switch (op[0] << 8 | op[1]) {
	case '|' << 8 | '|': return l || r;
	case '&' << 8 | '&': return l && r;
	case '=' << 8 | '=': return l == r;
	case '!' << 8 | '=': return l != r;
	case '<' << 8 | '=': return l <= r;
	case '>' << 8 | '=': return l >= r;
	case '<' << 8 | '<': return b > 63 ? 0 : (int64_t)(a << b);
	case '>' << 8 | '>': return l >> (b > 63 ? 63 : b);
	case '<' << 8: return l < r;
	case '>' << 8: return l > r;
	case '|' << 8: return l | r;
	case '^' << 8: return l ^ r;
	case '&' << 8: return l & r;
	case '+' << 8: return (int64_t)(a + b);
	case '-' << 8: return (int64_t)(a - b);
	case '*' << 8: return (int64_t)(a * b);
	default: return divide(e, op[0], l, r);
	}
}

static int64_t binary(struct if_expr *e, int level)
{
	int64_t l = operand(e), r;
	const struct if_op *op;
	bool unused;

	while (!e->why && (op = next_op(e)) && op->level >= level) {
		e->at += strlen(op->text);
		unused = (op->level == LEVEL_OR && l) || (op->level == LEVEL_AND && !l);
		e->unused += unused;
		r = binary(e, op->level + 1);
		e->unused -= unused;
		l = compute(e, op->text, l, r);
	}
	return l;
}

static int64_t choice(struct if_expr *e)
{
	int64_t cond, then, otherwise;

	if (e->depth > IF_DEPTH_MAX)
		return wrong(e, "it is nested too deeply");
	cond = binary(e, LEVEL_OR);
	if (!take(e, "?"))
		return cond;
	e->depth++;
	e->unused += !cond;
	then = choice(e);
	e->unused -= !cond;
	if (!take(e, ":"))
		return wrong(e, "expected ':'");
	e->unused += !!cond;
	otherwise = choice(e);
	e->unused -= !!cond;
	e->depth--;
	return cond ? then : otherwise;
}

bool lex_if(struct lexer *lx, const char *text, const char **why)
{
	struct if_expr e = { .lx = lx, .at = text };
	int64_t v = choice(&e);

	skip_blanks(&e);
	if (*e.at)
		wrong(&e, "something is left behind it");
	*why = e.why;
	return v && !e.why;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Names of bits, as the kernel prints them: the print format of a tracepoint has them as
 *   __print_flags(REC->gfp_flags, "|", {( unsigned long)(( gfp_t)((((1UL))) << (0))), "GFP_DMA"}, ...)
 * with the values as constant expressions of C, macros expanded. Values differ from kernel to kernel,
 * so that they are read where they are wanted.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

/* A constant expression of C: casts are looked over, as all values fit. */
struct cexpr {
	const char *at;
	bool bad;
	unsigned depth;
};

enum { DEPTH_MAX = 100 };

static uint64_t bit_or(struct cexpr *e);

static bool take(struct cexpr *e, const char *token)
{
	size_t len = strlen(token);

	e->at += strspn(e->at, " \t");
	if (strncmp(e->at, token, len))
		return false;
	e->at += len;
	return true;
}

static uint64_t number(struct cexpr *e)
{
	char *end;
	uint64_t v = strtoull(e->at, &end, 0);

	e->bad |= end == e->at;
	e->at = end + strspn(end, "uUlL");
	return v;
}

static bool is_cast(const struct cexpr *e)
{
	const char *s = e->at + strspn(e->at, " \t");

	return isalpha((unsigned char)*s) || *s == '_';
}

static uint64_t unary(struct cexpr *e)
{
	uint64_t v = 0;

	if (++e->depth > DEPTH_MAX)
		e->bad = true;
	if (e->bad)
		return 0;
	if (take(e, "~")) {
		v = ~unary(e);
	} else if (!take(e, "(")) {
		v = number(e);
	} else if (is_cast(e)) {
		e->at += strcspn(e->at, "()");
		e->bad |= !take(e, ")");
		v = unary(e);
	} else {
		v = bit_or(e);
		e->bad |= !take(e, ")");
	}
	e->depth--;
	return v;
}

static uint64_t shift(struct cexpr *e)
{
	uint64_t v = unary(e), by;

	while (!e->bad && take(e, "<<")) {
		by = unary(e);
		e->bad |= by > 63;
		v <<= by & 63;
	}
	return v;
}

static uint64_t bit_and(struct cexpr *e)
{
	uint64_t v = shift(e);

	while (!e->bad && take(e, "&"))
		v &= shift(e);
	return v;
}

static uint64_t bit_or(struct cexpr *e)
{
	uint64_t v = bit_and(e);

	while (!e->bad && take(e, "|"))
		v |= bit_and(e);
	return v;
}

/* {value, "NAME"}; what follows it. A value that is more than we understand leaves its name out. */
static const char *one_flag(struct probe_env *env, const char *s, struct probe_flags *out)
{
	const char *end = strchr(s, '}'), *name = memchr(s, '"', end ? (size_t)(end - s) : 0);
	struct cexpr e = { .at = s + 1 };
	uint64_t bits = bit_or(&e);
	struct probe_flag *grown;
	size_t len;

	if (!end)
		return NULL;
	if (e.bad || !name || !bits)
		return end + 1;
	len = strcspn(++name, "\"");
	grown = realloc(out->at, (out->cnt + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	out->at = grown;
	grown[out->cnt].bits = bits;
	grown[out->cnt].name = env_printf(env, "%.*s", (int)len, name);
	if (!grown[out->cnt].name)
		return NULL;
	out->cnt++;
	return end + 1;
}

int probe_flags_read(struct probe_env *env, const char *event, const char *field,
		     struct probe_flags *out, struct probe_error *err)
{
	int dir = tracefs_dir(env, err);
	char *path = env_printf(env, "events/%s/format", event);
	char *head = env_printf(env, "__print_flags(REC->%s,", field), *text;
	const char *s;

	*out = (struct probe_flags){ 0 };
	if (dir < 0)
		return dir;
	if (!path || !head)
		return probe_fail_oom(err);
	text = tracefs_read(dir, path, NULL);
	s = text ? strstr(text, head) : NULL;
	if (s)
		s = strchr(s, '{');
	while (s && *s == '{') {
		s = one_flag(env, s, out);
		if (s)
			s += strspn(s, ", ");
	}
	free(text);
	return out->cnt ? 0 : probe_fail(err, -1, -ENOENT, "%s has no names of %s", event, field);
}

void probe_flags_free(struct probe_flags *f)
{
	free(f->at);
	*f = (struct probe_flags){ 0 };
}

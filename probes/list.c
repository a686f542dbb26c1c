// SPDX-License-Identifier: Apache-2.0
/*
 * What -l prints for a pattern. "TYPE:REST" lists that type (a name, an alias or a pattern), matching
 * REST; without a colon a pattern is matched against the whole line and against REST, in the types
 * that are listed by default; the bare name of a type lists all of it. The ':' that stands at the end
 * of "software:cs:" need not be written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

struct query {
	const char *pattern; /* for the line without "TYPE:" */
	bool whole; /* for the whole line too */
	bool named; /* the type, by its name: not one of several */
	const struct probe_type *type;
	probe_list_fn fn;
	void *arg;
	int cnt;
};

static bool matches(const struct query *q, const char *line)
{
	const char *rest = strchr(line, ':') + 1;
	size_t len = strlen(rest), pat_len = strlen(q->pattern);
	char *cut;
	bool found;

	if (probe_glob_match(q->pattern, rest) || (q->whole && probe_glob_match(q->pattern, line)))
		return true;
	if (!len || rest[len - 1] != ':' || (pat_len && q->pattern[pat_len - 1] == ':'))
		return false;
	cut = strndup(rest, len - 1);
	found = cut && probe_glob_match(q->pattern, cut);
	free(cut);
	return found;
}

static int filter(void *arg, const struct probe_target *t)
{
	struct query *q = arg;

	if (!matches(q, t->name))
		return 0;
	q->cnt++;
	return q->fn(q->arg, q->type, t);
}

static int always(void *arg, const struct probe_target *t)
{
	struct query *q = arg;

	q->cnt++;
	return q->fn(q->arg, q->type, t);
}

/* Up to the next colon outside of quotes, which are dropped. NULL: there is nothing more. */
static char *next_part(char **at)
{
	char *from = *at, *to = from, *p = from;
	bool in_quotes = false;

	if (!*p)
		return NULL;
	for (; *p && (in_quotes || *p != ':'); p++) {
		if (*p == '"')
			in_quotes = !in_quotes;
		else
			*to++ = *p;
	}
	*at = p + (*p == ':');
	*to = 0;
	return from;
}

/* A name without wildcards is looked up where the type's lines are its targets. */
static int list_exact(struct probe_env *env, struct query *q, struct probe_error *err)
{
	struct probe_part parts[16] = { { .text = q->type->name } };
	char *text = strdup(q->pattern), *at = text;
	struct probe_target pat;
	uint32_t cnt = 1;
	int rc = -EINVAL;

	if (!text)
		return probe_fail_oom(err);
	for (char *p = next_part(&at); p && cnt < 16; p = next_part(&at))
		parts[cnt++].text = p;
	if (!q->type->parse(env, parts, cnt, &pat, err))
		rc = q->type->expand(env, &pat, always, q, err);
	else
		rc = 0; /* no such form: nothing matches */
	free(text);
	return rc;
}

/* Whether the type lists what the process of -p has mapped. */
static bool lists_process(const struct probe_env *env, const struct probe_type *type)
{
	return env->opt.pid && type->list && type->flags & PROBE_ONE_MEMORY;
}

static int list_type(struct probe_env *env, struct query *q, struct probe_error *err)
{
	/* "uprobe:*" with -p: all of that process */
	if (q->named && q->type->flags & PROBE_LISTS_PATTERN &&
	    (!lists_process(env, q->type) || strchr(q->pattern, ':')))
		return list_exact(env, q, err);
	if (!q->type->list)
		return 0;
	if (!q->type->list_name && !q->whole && !probe_is_glob(q->pattern))
		return list_exact(env, q, err);
	return q->type->list(env, filter, q, err);
}

static bool type_wanted(const struct probe_env *env, const struct probe_type *type,
			const struct probe_type *named, const char *type_pattern)
{
	if (named)
		return type == named;
	if (type_pattern)
		return probe_glob_match(type_pattern, type->name);
	return type->flags & PROBE_LISTED || lists_process(env, type);
}

static int list_one(struct probe_env *env, char *pattern, struct query *q, struct probe_error *err)
{
	const struct probe_type *const *types, *named = NULL;
	char *colon = strchr(pattern, ':');
	uint32_t cnt;
	int rc = 0;

	if (colon)
		*colon = 0;
	if (!probe_is_glob(pattern))
		named = probe_type_find(pattern);
	q->whole = !colon && !named;
	q->named = named;
	q->pattern = colon ? colon + 1 : named ? "*" : pattern;
	types = probe_types(&cnt);
	for (uint32_t i = 0; i < cnt && rc >= 0; i++) {
		if (!type_wanted(env, types[i], named, colon ? pattern : NULL))
			continue;
		q->type = types[i];
		rc = list_type(env, q, err);
		if (rc < 0 && rc != -ENOMEM && !named) /* what one cannot list the others may */
			rc = 0;
	}
	return rc < 0 ? rc : 0;
}

int probe_list(struct probe_env *env, const char *patterns, probe_list_fn fn, void *arg,
	       struct probe_error *err)
{
	struct query q = { .fn = fn, .arg = arg };
	char *text = strdup(patterns ? patterns : "*"), *save = NULL;
	int rc = 0;

	*err = (struct probe_error){ .part = -1 };
	env->listing = true;
	if (!text)
		return probe_fail_oom(err);
	for (char *p = strtok_r(text, ",", &save); p && !rc; p = strtok_r(NULL, ",", &save))
		rc = list_one(env, p, &q, err);
	free(text);
	env->listing = false;
	return rc ? rc : q.cnt;
}

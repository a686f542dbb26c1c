// SPDX-License-Identifier: Apache-2.0
/* Counters of the kernel and of the processor: "event" or "event:count", every count-th event. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probes/env.h"

static const struct counter *counter_find(const struct counters *c, const char *name)
{
	for (uint32_t i = 0; i < c->cnt; i++) {
		if (!strcmp(c->rows[i].name, name) ||
		    (c->rows[i].alias && !strcmp(c->rows[i].alias, name)))
			return &c->rows[i];
	}
	return NULL;
}

static int no_such(const struct counters *c, const char *name, struct probe_error *err)
{
	struct near_name near = { .word = name };
	int rc = probe_fail(err, 1, -EINVAL, "%s is not a %s probe", name, c->type);

	for (uint32_t i = 0; i < c->cnt; i++) {
		near_name_feed(&near, c->rows[i].name);
		if (c->rows[i].alias)
			near_name_feed(&near, c->rows[i].alias);
	}
	if (near.best)
		snprintf(err->hint, sizeof(err->hint), "Did you mean '%s'?", near.best);
	return rc;
}

static int parse_count(const struct counters *c, const char *text, uint64_t *count,
		       struct probe_error *err)
{
	const char *end, *why = NULL;

	*count = 0;
	if (*text != '-') {
		why = number_read(text, count, &end);
		if (!why && *end)
			why = "invalid trailing bytes";
	}
	if (why)
		return probe_fail(err, 2, -EINVAL, "Invalid count for %s probe: %s: %s", c->type,
				  why, text);
	/* The kernel takes the period as a signed number. */
	if (!*count || *count > INT64_MAX)
		return probe_fail(err, 2, -EINVAL, "%s count should be a positive integer",
				  c->type);
	return 0;
}

int counter_parse(struct probe_env *env, const struct counters *c, const struct probe_part *parts,
		  uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts(c->type, cnt, 1, 2, err);
	const struct counter *row;
	const char *name;
	bool has_count;

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	name = parts[1].text;
	if (!*name)
		return probe_fail(err, -1, -EINVAL, "%s probe must have a %s event name", c->type,
				  c->type);
	if (probe_is_glob(name) && !parts[1].quoted)
		return probe_fail(err, 1, -EINVAL, "wildcards are not allowed for %s probe type",
				  c->type);
	row = counter_find(c, name);
	if (!row)
		return no_such(c, name, err);
	pat->a = env_strdup(env, name);
	pat->value = row->count;
	pat->value2 = row->config;
	/* "event:", as -l shows it, is what it is without a count */
	has_count = cnt == 3 && (*parts[2].text || parts[2].quoted);
	if (has_count)
		rc = parse_count(c, parts[2].text, &pat->value, err);
	if (rc)
		return rc;
	pat->name = has_count ? env_printf(env, "%s:%s:%llu", c->type, name,
					   (unsigned long long)pat->value)
			      : env_printf(env, "%s:%s", c->type, name);
	return pat->a && pat->name ? 0 : probe_fail_oom(err);
}

const char *counter_list_name(struct probe_env *env, const struct counters *c,
			      const struct probe_target *t)
{
	return env_printf(env, "%s:%s:", c->type, t->a);
}

/* As the lines of -l sort, where a ':' follows each name. */
static int name_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b ? 0 : (*a ? *a : ':') - (*b ? *b : ':');
}

/* Names and aliases together, sorted: lists so short that the next one is looked for each time. */
static const char *next_name(const struct counters *c, const char *last)
{
	const char *best = NULL;

	for (uint32_t i = 0; i < 2 * c->cnt; i++) {
		const struct counter *row = &c->rows[i / 2];
		const char *name = i % 2 ? row->alias : row->name;

		if (name && (!last || name_cmp(name, last) > 0) &&
		    (!best || name_cmp(name, best) < 0))
			best = name;
	}
	return best;
}

int counter_list(struct probe_env *env, const struct counters *c, probe_fn fn, void *arg)
{
	int cnt = 0, rc;

	for (const char *name = next_name(c, NULL); name; name = next_name(c, name), cnt++) {
		struct probe_target t = { .a = name };

		t.name = counter_list_name(env, c, &t);
		if (!t.name)
			return -ENOMEM;
		rc = fn(arg, &t);
		if (rc)
			return rc;
	}
	return cnt;
}

int counter_attach(const struct counters *c, const struct probe_attach *a,
		   struct probe_links *links, struct probe_error *err)
{
	struct perf_where where = {
		.pid = a->pid,
		.holder = -1,
		.counted = c->perf_type == PERF_TYPE_SOFTWARE,
	};
	int rc = 0;

	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		struct perf_event_attr attr = {
			.type = c->perf_type,
			.config = a->targets[i].value2,
			.sample_period = a->targets[i].value,
		};

		rc = perf_attach(a, i, &attr, &where, links, err);
	}
	perf_where_done(&where);
	return rc;
}

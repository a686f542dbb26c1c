// SPDX-License-Identifier: Apache-2.0
/*
 * Timers, as profile and interval write them: "hz:99", "ms:10", "s:1", "us:500", a duration ("10ms",
 * "1s"), a rate ("99hz"), or nanoseconds. Durations are named by microseconds, as the kernel's event
 * counts nothing finer that would be of use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes/env.h"

struct timer_unit {
	const char *name;
	uint64_t ns; /* 0: hz */
	bool in_probe; /* else only behind a duration */
};

/* Those of probes first and sorted, as -l prints them. */
static const struct timer_unit units[] = {
	{ "hz", 0, true },
	{ "ms", 1000000, true },
	{ "s", 1000000000, true },
	{ "us", 1000, true },
	{ "ns", 1, false },
	{ "m", 60000000000, false },
	{ "h", 3600000000000, false },
	{ "d", 86400000000000, false },
};
enum { UNIT_CNT = sizeof(units) / sizeof(*units) };

static const struct timer_unit *unit_find(const char *name)
{
	for (size_t i = 0; i < UNIT_CNT; i++) {
		if (!strcmp(units[i].name, name))
			return &units[i];
	}
	return NULL;
}

static int bad_rate(const char *type, const char *why, const char *text, int part,
		    struct probe_error *err)
{
	probe_fail(err, part, -EINVAL, "Invalid rate of %s probe: %s: %s", type, why, text);
	err->is_form = true;
	return -EINVAL;
}

static int timer_target(struct probe_env *env, const char *type, const struct timer_unit *u,
			uint64_t value, struct probe_target *pat, struct probe_error *err)
{
	uint64_t ns = 0;

	if (!value)
		return probe_fail(err, -1, -EINVAL, "%s frequency should be a positive integer",
				  type);
	if (u->ns && (__builtin_mul_overflow(value, u->ns, &ns) || ns > INT64_MAX))
		return probe_fail(err, -1, -EINVAL, "%s period is too long: %llu %s", type,
				  (unsigned long long)value, u->name);
	pat->a = u->name;
	pat->value = value;
	pat->value2 = ns;
	pat->name = env_printf(env, "%s:%s:%llu", type, u->name, (unsigned long long)value);
	return pat->name ? 0 : probe_fail_oom(err);
}

/* "10ms", "99hz", "1000000" */
/* A number by itself is a time, in ns: few who write one mean that. */
static int too_short(const char *type, uint64_t ns, struct probe_error *err)
{
	int rc = probe_fail(err, 1, -EINVAL,
			    "Invalid rate of %s probe. Minimum is 1000 or 1us. Found: %llu "
			    "nanoseconds",
			    type, (unsigned long long)ns);

	env_hint(err, "%s:hz:%llu is so many times a second, %s:s:%llu every so many seconds", type,
		 (unsigned long long)ns, type, (unsigned long long)ns);
	return rc;
}

static int parse_duration(struct probe_env *env, const char *type, const char *text,
			  struct probe_target *pat, struct probe_error *err)
{
	const struct timer_unit *u = NULL;
	const char *end, *why;
	uint64_t value, ns;

	why = number_read(text, &value, &end);
	if (why)
		return bad_rate(type, why, text, 1, err);
	u = unit_find(*end ? end : "ns");
	if (!u)
		return bad_rate(type, "invalid trailing bytes", text, 1, err);
	if (!u->ns)
		return timer_target(env, type, u, value, pat, err);
	if (__builtin_mul_overflow(value, u->ns, &ns))
		return bad_rate(type, "overflow error, maximum value is 18446744073709551615", text,
				1, err);
	if (ns < 1000)
		return too_short(type, ns, err);
	return timer_target(env, type, unit_find("us"), ns / 1000, pat, err);
}

int timer_parse(struct probe_env *env, const char *type, const struct probe_part *parts,
		uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	const struct timer_unit *u;
	const char *text, *end, *why;
	uint64_t value;
	int rc = probe_check_parts(type, cnt, 1, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (cnt == 2)
		return parse_duration(env, type, parts[1].text, pat, err);
	if (!*parts[1].text)
		return probe_fail(err, -1, -EINVAL, "%s probe must have unit of time", type);
	text = parts[2].text;
	if (*text == '-')
		return probe_fail(err, 2, -EINVAL, "%s frequency should be a positive integer",
				  type);
	why = number_read(text, &value, &end);
	if (!why && *end)
		why = "invalid trailing bytes";
	if (why)
		return bad_rate(type, why, text, 2, err);
	u = unit_find(parts[1].text);
	if (!u || !u->in_probe) {
		rc = probe_fail(err, 1, -EINVAL, "%s is not an accepted unit of time",
				parts[1].text);
		strcpy(err->hint, "Units of time are hz, s, ms and us.");
		return rc;
	}
	return timer_target(env, type, u, value, pat, err);
}

const char *timer_list_name(struct probe_env *env, const char *type, const struct probe_target *t)
{
	return env_printf(env, "%s:%s:", type, t->a);
}

int timer_list(struct probe_env *env, const char *type, probe_fn fn, void *arg)
{
	int cnt = 0, rc;

	for (size_t i = 0; i < UNIT_CNT && units[i].in_probe; i++, cnt++) {
		struct probe_target t = { .a = units[i].name };

		t.name = timer_list_name(env, type, &t);
		if (!t.name)
			return -ENOMEM;
		rc = fn(arg, &t);
		if (rc)
			return rc;
	}
	return cnt;
}

/* It has just been started. */
static int look_after(const struct probe_attach *a, uint32_t target, int cpu,
		      struct probe_links *links, struct probe_error *err)
{
	struct timespec now;
	struct probe_beat b = {
		.slot = a->beat + target,
		.prog_fd = a->prog_fd,
		.cpu = cpu,
		.period_ns = probe_beat_period_ns(&a->targets[target]),
		.has_cookie = a->cookies,
		.cookie = a->cookies ? a->cookies[target] : 0,
		.again_fd = -1,
	};

	clock_gettime(CLOCK_MONOTONIC, &now);
	b.from_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return links_add_beat(links, &b) ? probe_fail_oom(err) : 0;
}

int timer_attach(const struct probe_attach *a, bool one_cpu, struct probe_links *links,
		 struct probe_error *err)
{
	struct perf_where where = {
		.pid = one_cpu ? 0 : a->pid,
		.one_cpu = one_cpu,
		.holder = -1,
		.counted = true,
	};
	int rc = 0;

	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		const struct probe_target *t = &a->targets[i];
		struct perf_event_attr attr = {
			.type = PERF_TYPE_SOFTWARE,
			.config = PERF_COUNT_SW_CPU_CLOCK,
			.freq = !t->value2,
			.sample_freq = t->value2 ? t->value2 : t->value,
		};

		rc = perf_attach(a, i, &attr, &where, links, err);
		if (!rc && a->beat != PROBE_NO_BEAT)
			rc = look_after(a, i, where.cpu, links, err);
	}
	perf_where_done(&where);
	return rc;
}

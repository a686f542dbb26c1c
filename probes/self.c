// SPDX-License-Identifier: Apache-2.0
/*
 * self: what happens to trace itself. self:signal:NAME is run by BPF_PROG_RUN whenever that signal
 * comes. Targets: value is the signal's number. Not to be had: signals that end the trace as
 * exit() does, those that nobody can catch or that tell of a crash, and those that trace needs.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "probes/env.h"

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "SIGALRM", SIGALRM },	  { "SIGCONT", SIGCONT }, { "SIGHUP", SIGHUP },
	{ "SIGIO", SIGIO },	  { "SIGPROF", SIGPROF }, { "SIGPWR", SIGPWR },
	{ "SIGQUIT", SIGQUIT },	  { "SIGTSTP", SIGTSTP }, { "SIGURG", SIGURG },
	{ "SIGUSR1", SIGUSR1 },	  { "SIGUSR2", SIGUSR2 }, { "SIGVTALRM", SIGVTALRM },
	{ "SIGWINCH", SIGWINCH },
};
enum { SIGNAL_CNT = sizeof(signals) / sizeof(*signals) };

static int make_target(struct probe_env *env, uint32_t i, struct probe_target *t)
{
	*t = (struct probe_target){ .value = (uint64_t)signals[i].number };
	t->name = env_printf(env, "self:signal:%s", signals[i].name);
	return t->name ? 0 : -ENOMEM;
}

static int bad_signal(const char *name, struct probe_error *err)
{
	struct near_name near = { .word = name };
	int rc = probe_fail(err, 2, -EINVAL, "%s is not a supported signal", name);

	for (uint32_t i = 0; i < SIGNAL_CNT; i++) {
		near_name_feed(&near, signals[i].name);
		if (!strcasecmp(name, signals[i].name) || !strcasecmp(name, signals[i].name + 3))
			near.best = signals[i].name, near.distance = 0;
	}
	if (!strcmp(name, "SIGINT") || !strcmp(name, "SIGTERM"))
		env_hint(err, "It ends the trace: 'end' probes run then.");
	else if (near.best)
		env_hint(err, "Did you mean '%s'?", near.best);
	else
		env_hint(err, "trace -l 'self:*' lists them.");
	return rc;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts("self", cnt, 2, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (strcmp(parts[1].text, "signal") &&
	    !(env->listing && probe_glob_match(parts[1].text, "signal")))
		return probe_fail(err, 1, -EINVAL, "%s is not a supported trigger", parts[1].text);
	pat->a = env_strdup(env, parts[2].text);
	pat->name = env_printf(env, "self:signal:%s", parts[2].text);
	if (!pat->a || !pat->name)
		return probe_fail_oom(err);
	for (uint32_t i = 0; i < SIGNAL_CNT; i++)
		if (probe_glob_match(pat->a, signals[i].name))
			return 0;
	return bad_signal(pat->a, err);
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	struct probe_target t;
	int cnt = 0, rc;

	for (uint32_t i = 0; i < SIGNAL_CNT; i++) {
		if (!probe_glob_match(pat->a, signals[i].name))
			continue;
		if (make_target(env, i, &t))
			return probe_fail_oom(err);
		rc = fn(arg, &t);
		if (rc)
			return rc;
		cnt++;
	}
	return cnt;
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	static const struct probe_target all = { .a = "*" };

	return expand(env, &all, fn, arg, err);
}

const struct probe_type probe_self = {
	.name = "self",
	.help = "self:signal:NAME: trace itself gets that signal",
	.flags = PROBE_WILDCARDS | PROBE_NO_COOKIE,
	.when = PROBE_WHEN_SIGNAL,
	.section = "raw_tp",
	.parse = parse,
	.expand = expand,
	.list = list,
};

// SPDX-License-Identifier: Apache-2.0
/* profile: a timer on every CPU. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return timer_parse(env, "profile", parts, cnt, pat, err);
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	return timer_list(env, "profile", fn, arg);
}

static const char *list_name(struct probe_env *env, const struct probe_target *t)
{
	return timer_list_name(env, "profile", t);
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	return timer_attach(a, false, links, err);
}

const struct probe_type probe_profile = {
	.name = "profile",
	.aliases = { "p" },
	.help = "profile:hz:N, profile:s|ms|us:N, profile:10ms: a timer on every CPU",
	.flags = PROBE_EXCLUSIVE | PROBE_TAKES_PID | PROBE_CONTEXT_REGS | PROBE_OVERFLOWS,
	.section = "perf_event",
	.parse = parse,
	.expand = probe_is_itself,
	.list = list,
	.list_name = list_name,
	.context = perf_context,
	.attach = attach,
};

// SPDX-License-Identifier: Apache-2.0
/* interval: a timer on one CPU. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return timer_parse(env, "interval", parts, cnt, pat, err);
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	return timer_list(env, "interval", fn, arg);
}

static const char *list_name(struct probe_env *env, const struct probe_target *t)
{
	return timer_list_name(env, "interval", t);
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	return timer_attach(a, true, links, err);
}

const struct probe_type probe_interval = {
	.name = "interval",
	.aliases = { "i" },
	.help = "interval:hz:N, interval:s|ms|us:N, interval:10ms: a timer on one CPU",
	.flags = PROBE_EXCLUSIVE | PROBE_CONTEXT_REGS | PROBE_NOBODYS | PROBE_OVERFLOWS |
		 PROBE_BEATS,
	.section = "perf_event",
	.parse = parse,
	.expand = probe_is_itself,
	.list = list,
	.list_name = list_name,
	.context = perf_context,
	.attach = attach,
};

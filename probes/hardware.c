// SPDX-License-Identifier: Apache-2.0
/* hardware: events that the processor counts, on every CPU or in one process. */
#include "probes/env.h"

static const struct counter rows[] = {
	{ "backend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, 1000000 },
	{ "branch-instructions", "branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 100000 },
	{ "branch-misses", NULL, PERF_COUNT_HW_BRANCH_MISSES, 100000 },
	{ "bus-cycles", NULL, PERF_COUNT_HW_BUS_CYCLES, 100000 },
	{ "cache-misses", NULL, PERF_COUNT_HW_CACHE_MISSES, 1000000 },
	{ "cache-references", NULL, PERF_COUNT_HW_CACHE_REFERENCES, 1000000 },
	{ "cpu-cycles", "cycles", PERF_COUNT_HW_CPU_CYCLES, 1000000 },
	{ "frontend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, 1000000 },
	{ "instructions", NULL, PERF_COUNT_HW_INSTRUCTIONS, 1000000 },
	{ "ref-cycles", NULL, PERF_COUNT_HW_REF_CPU_CYCLES, 1000000 },
};

static const struct counters counters = {
	.type = "hardware",
	.perf_type = PERF_TYPE_HARDWARE,
	.rows = rows,
	.cnt = sizeof(rows) / sizeof(*rows),
};

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return counter_parse(env, &counters, parts, cnt, pat, err);
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	return counter_list(env, &counters, fn, arg);
}

static const char *list_name(struct probe_env *env, const struct probe_target *t)
{
	return counter_list_name(env, &counters, t);
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	return counter_attach(&counters, a, links, err);
}

const struct probe_type probe_hardware = {
	.name = "hardware",
	.aliases = { "h" },
	.help = "hardware:EVENT[:COUNT]: every COUNT-th hardware event",
	.flags = PROBE_EXCLUSIVE | PROBE_TAKES_PID | PROBE_LISTED | PROBE_CONTEXT_REGS,
	.section = "perf_event",
	.parse = parse,
	.expand = probe_is_itself,
	.list = list,
	.list_name = list_name,
	.context = perf_context,
	.attach = attach,
};

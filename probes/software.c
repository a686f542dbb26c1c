// SPDX-License-Identifier: Apache-2.0
/* software: events that the kernel counts, on every CPU or in one process. */
#include "probes/env.h"

static const struct counter rows[] = {
	{ "alignment-faults", NULL, PERF_COUNT_SW_ALIGNMENT_FAULTS, 1 },
	{ "bpf-output", NULL, PERF_COUNT_SW_BPF_OUTPUT, 1 },
	{ "context-switches", "cs", PERF_COUNT_SW_CONTEXT_SWITCHES, 1000 },
	{ "cpu-clock", "cpu", PERF_COUNT_SW_CPU_CLOCK, 1000000 },
	{ "cpu-migrations", NULL, PERF_COUNT_SW_CPU_MIGRATIONS, 1 },
	{ "dummy", NULL, PERF_COUNT_SW_DUMMY, 1 },
	{ "emulation-faults", NULL, PERF_COUNT_SW_EMULATION_FAULTS, 1 },
	{ "major-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1 },
	{ "minor-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MIN, 100 },
	{ "page-faults", "faults", PERF_COUNT_SW_PAGE_FAULTS, 100 },
	{ "task-clock", NULL, PERF_COUNT_SW_TASK_CLOCK, 1 },
};

static const struct counters counters = {
	.type = "software",
	.perf_type = PERF_TYPE_SOFTWARE,
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

const struct probe_type probe_software = {
	.name = "software",
	.aliases = { "s" },
	.help = "software:EVENT[:COUNT]: every COUNT-th software event",
	.flags = PROBE_EXCLUSIVE | PROBE_TAKES_PID | PROBE_LISTED | PROBE_CONTEXT_REGS |
		 PROBE_OVERFLOWS,
	.section = "perf_event",
	.parse = parse,
	.expand = probe_is_itself,
	.list = list,
	.list_name = list_name,
	.context = perf_context,
	.attach = attach,
};

// SPDX-License-Identifier: Apache-2.0
/* begin: run once by BPF_PROG_RUN, before anything is attached. Any number of them, in order. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	*pat = (struct probe_target){ .name = "begin" };
	return probe_check_parts("begin", cnt, 0, 0, err);
}

const struct probe_type probe_begin = {
	.name = "begin",
	.aliases = { "BEGIN" },
	.help = "begin: once, before anything is attached",
	.when = PROBE_WHEN_BEGIN,
	.section = "raw_tp",
	.parse = parse,
	.expand = probe_is_itself,
};

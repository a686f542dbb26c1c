// SPDX-License-Identifier: Apache-2.0
/* end: run once by BPF_PROG_RUN, after everything is detached. Any number of them, in order. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	*pat = (struct probe_target){ .name = "end" };
	return probe_check_parts("end", cnt, 0, 0, err);
}

const struct probe_type probe_end = {
	.name = "end",
	.aliases = { "END" },
	.help = "end: once, after everything is detached",
	.when = PROBE_WHEN_END,
	.section = "raw_tp",
	.parse = parse,
	.expand = probe_is_itself,
};

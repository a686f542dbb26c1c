// SPDX-License-Identifier: Apache-2.0
/* bench: run very often by --bench, which tells how long it takes. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return probe_parse_named("bench", env, parts, cnt, pat, err);
}

const struct probe_type probe_bench = {
	.name = "bench",
	.help = "bench:NAME: very often, by --bench",
	.flags = PROBE_RETURNS,
	.when = PROBE_WHEN_BENCH,
	.section = "raw_tp",
	.parse = parse,
};

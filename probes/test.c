// SPDX-License-Identifier: Apache-2.0
/* test: run once by --test; what it returns, exit() and assert() say whether it has passed. */
#include "probes/env.h"

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return probe_parse_named("test", env, parts, cnt, pat, err);
}

const struct probe_type probe_test = {
	.name = "test",
	.help = "test:NAME: once, by --test",
	.flags = PROBE_RETURNS,
	.when = PROBE_WHEN_TEST,
	.section = "raw_tp",
	.parse = parse,
};

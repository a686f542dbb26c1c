// SPDX-License-Identifier: Apache-2.0
/*
 * watchpoint: the processor's breakpoint registers, in all threads of the process of -p or -c, or for
 * an address of the kernel everywhere. Targets: a is the mode, value the address, value2 the length.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <string.h>

#include "probes/env.h"

static int parse_number(const char *what, const char *text, int part, uint64_t *value,
			struct probe_error *err)
{
	const char *end, *why = number_read(text, value, &end);

	if (!why && *end)
		why = "invalid trailing bytes";
	return why ? probe_fail(err, part, -EINVAL, "Invalid %s: %s: %s", what, why, text) : 0;
}

/* "rw" in any order, or "x"; 0: neither. */
static uint32_t mode_bits(const char *mode)
{
	uint32_t bits = 0;

	for (; *mode; mode++) {
		uint32_t bit = *mode == 'r'   ? HW_BREAKPOINT_R
			       : *mode == 'w' ? HW_BREAKPOINT_W
			       : *mode == 'x' ? HW_BREAKPOINT_X
					      : 0;

		if (!bit || bits & bit)
			return 0;
		bits |= bit;
	}
	return bits & HW_BREAKPOINT_X && bits != HW_BREAKPOINT_X ? 0 : bits;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts("watchpoint", cnt, 3, 3, err);
	uint64_t len = 0;

	*pat = (struct probe_target){ 0 };
	rc = rc ?: parse_number("address", parts[1].text, 1, &pat->value, err);
	rc = rc ?: parse_number("length", parts[2].text, 2, &len, err);
	if (rc)
		return rc;
	if (len != 1 && len != 2 && len != 4 && len != 8)
		return probe_fail(err, 2, -EINVAL, "watchpoint length must be one of (1,2,4,8)");
	if (!mode_bits(parts[3].text))
		return probe_fail(err, 3, -EINVAL,
				  "watchpoint mode must be 'x' or of 'r' and 'w', each once");
	/* an instruction begins anywhere: its length stands only for "one word" */
	if (mode_bits(parts[3].text) != HW_BREAKPOINT_X && pat->value % len)
		return probe_fail(err, 1, -EINVAL,
				  "watchpoint address must be aligned to its length");
	pat->value2 = len;
	pat->a = env_strdup(env, parts[3].text);
	pat->name = env_printf(env, "watchpoint:0x%llx:%llu:%s", (unsigned long long)pat->value,
			       (unsigned long long)len, parts[3].text);
	return pat->a && pat->name ? 0 : probe_fail_oom(err);
}

static int explain(const char *name, int rc, struct probe_error *err)
{
	if (rc == -ENOSPC)
		return probe_fail(err, -1, rc,
				  "%s: the processor's breakpoint registers (four on x86_64) are "
				  "all in use",
				  name);
	if (rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENODEV || rc == -ENOENT)
		return probe_fail(err, -1, rc,
				  "%s: this processor, or the virtual machine, can not watch for "
				  "that (x86_64 has no read without write)",
				  name);
	return rc;
}

/* One target, so that unwatch() finds it. */
static int attach_one(const struct probe_attach *a, uint32_t i, struct perf_where *where,
		      struct probe_links *links, struct probe_error *err)
{
	const struct probe_target *t = &a->targets[i];
	uint32_t bits = mode_bits(t->a);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.sample_period = 1,
		.bp_type = bits,
		.bp_addr = t->value,
		/* instructions are watched by their address alone */
		.bp_len = bits == HW_BREAKPOINT_X ? sizeof(long) : t->value2,
	};
	struct probe_watch w = { .addr = t->value,
				 .fd_from = links->cnt,
				 .late_from = links->late_cnt };
	int rc = perf_attach(a, i, &attr, where, links, err);

	if (rc)
		return explain(t->name, rc, err);
	w.fd_to = links->cnt;
	w.late_to = links->late_cnt;
	return links_watch(links, &w);
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	struct perf_where where = { .pid = a->pid, .holder = -1 };
	int rc = 0;

	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		const struct probe_target *t = &a->targets[i];

		if (!a->pid && t->value < UINT64_MAX / 2) {
			rc = probe_fail(err, -1, -EPERM,
					"%s: an address of a program needs -p PID or -c COMMAND",
					t->name);
			break;
		}
		rc = attach_one(a, i, &where, links, err);
	}
	perf_where_done(&where);
	return rc;
}

const struct probe_type probe_watchpoint = {
	.name = "watchpoint",
	.aliases = { "w" },
	.help = "watchpoint:ADDRESS:LENGTH:MODE: memory is read (r), written (w) or executed (x)",
	.flags = PROBE_EXCLUSIVE | PROBE_TAKES_PID | PROBE_CONTEXT_REGS | PROBE_USER_MEMORY,
	.section = "perf_event",
	.parse = parse,
	.expand = probe_is_itself,
	.attach = attach,
};

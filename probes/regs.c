// SPDX-License-Identifier: Apache-2.0
/* Registers by name, and what the calling convention keeps in them. */
#include <errno.h>
#include <string.h>

#include "probes/env.h"
#include "probes/regs.h"

static const struct reg_row rows[] = { REGS_ROWS };
static const char *const arg_regs[] = REGS_ARGS;
enum { ARG_REG_CNT = sizeof(arg_regs) / sizeof(*arg_regs) };

int probe_reg_find(const char *name)
{
	for (size_t i = 0; *name && i < sizeof(rows) / sizeof(*rows); i++) {
		if (!strcmp(rows[i].name, name) || (rows[i].alias && !strcmp(rows[i].alias, name)))
			return rows[i].off;
	}
	return -1;
}

const char *probe_machine(void)
{
	return REGS_MACHINE;
}

static const struct {
	const char *reg;
	uint64_t mask, user;
} mode = { REGS_MODE };

bool probe_reg_mode(struct probe_mode *out)
{
	*out = (struct probe_mode){ probe_reg_find(mode.reg), mode.mask, mode.user };
	return out->off >= 0;
}

static int regs_word(const char *name, struct probe_arg *out)
{
	*out = (struct probe_arg){ .base = probe_reg_find(name), .index = -1, .size = 8 };
	return out->base < 0 ? -ENOENT : 0;
}

int regs_arg(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err)
{
	if (n == PROBE_ARG_RETVAL)
		return -ENOENT;
	if (n < ARG_REG_CNT)
		return regs_word(arg_regs[n], out);
	return probe_fail(err, -1, -ENOENT, "%s doesn't support arg%d", REGS_MACHINE, n);
}

const char *regs_context(struct probe_env *env, const struct probe_target *t)
{
	(void)env;
	(void)t;
	return "struct pt_regs";
}

int regs_retval(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err)
{
	return n == PROBE_ARG_RETVAL ? regs_word(REGS_RETVAL, out) : -ENOENT;
}

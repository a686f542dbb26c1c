// SPDX-License-Identifier: Apache-2.0
/*
 * A call of one of the kernel's functions is an instruction like a call of a helper, with another mark
 * and the function's id in place of the helper's number: nothing moves.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/kfuncs.h"

/* r0 = 0 */
#define NOTHING                                                                                    \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K                                                \
	}

/* A kernel that has the functions lets none call them when it runs programs by interpreter, say. */
static bool keeps_work(const struct kfuncs *k)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .imm = (int32_t)k->ids[KFUNC_preempt_disable] },
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .imm = (int32_t)k->ids[KFUNC_preempt_enable] },
		NOTHING,
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = -1;

	if (k->ids[KFUNC_preempt_disable] && k->ids[KFUNC_preempt_enable])
		fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "trace_probe", "GPL", insns,
				   sizeof(insns) / sizeof(*insns), NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void ask(struct kfuncs *k, struct probe_env *env)
{
	static const char *const names[] = {
#define X(name, function) function,
		IMAGE_CALLS(X)
#undef X
	};

	if (k->asked)
		return;
	probe_kfuncs(env, names, k->ids, KFUNC_CNT);
	k->keeps = keeps_work(k);
	k->asked = true;
}

bool kfuncs_has(struct kfuncs *k, struct probe_env *env, enum kfunc f)
{
	ask(k, env);
	return k->ids[f];
}

/* Which of them the instruction calls; negative: none. */
static int called(const struct bpf_insn *i)
{
	if (i->code != (BPF_JMP | BPF_CALL) || i->src_reg || i->imm <= IMAGE_CALL_FIRST ||
	    i->imm > IMAGE_CALL_FIRST + KFUNC_CNT)
		return -1;
	return i->imm - IMAGE_CALL_FIRST - 1;
}

/* Whether there was one. */
static bool settle(struct kfuncs *k, struct probe_env *env, struct bpf_insn *i, bool alone)
{
	int f = called(i);
	bool keeps = f == KFUNC_preempt_disable || f == KFUNC_preempt_enable;

	if (f < 0)
		return false;
	if (!keeps || alone)
		ask(k, env);
	if (keeps && !(alone && k->keeps)) {
		*i = NOTHING;
	} else {
		i->src_reg = BPF_PSEUDO_KFUNC_CALL;
		i->imm = (int32_t)k->ids[f];
	}
	return true;
}

int kfuncs_settle(struct kfuncs *k, struct probe_env *env, struct bpf_program *prog, bool alone)
{
	size_t cnt = bpf_program__insn_cnt(prog), found = 0;
	struct bpf_insn *insns = calloc(cnt + 1, sizeof(*insns));
	int rc = 0;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), cnt * sizeof(*insns));
	for (size_t i = 0; i < cnt; i++) {
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++; /* its second half is no instruction */
		else
			found += settle(k, env, &insns[i], alone);
	}
	if (found)
		rc = bpf_program__set_insns(prog, insns, cnt);
	free(insns);
	return rc;
}

/* As include/linux/license.h has them. */
bool license_is_gpl(const char *license)
{
	static const char *const names[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(license, names[i]))
			return true;
	return false;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A call of one of the kernel's functions is an instruction like a call of a helper, with another mark
 * and the function's id in place of the helper's number: nothing moves.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/image.h"
#include "runtime/session.h"

static bool asks(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && !i->src_reg && i->imm == IMAGE_IS_RETURN;
}

int session_settle(struct bpf_program *prog, uint32_t is_return_id)
{
	size_t cnt = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = calloc(cnt + 1, sizeof(*insns));
	int rc;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), cnt * sizeof(*insns));
	for (size_t i = 0; i < cnt; i++) {
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			i++; /* its second half is no instruction */
		} else if (asks(&insns[i])) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = (int32_t)is_return_id;
		}
	}
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

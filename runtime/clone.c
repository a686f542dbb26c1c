// SPDX-License-Identifier: Apache-2.0
/*
 * One program serves many attach points by asking the kernel which one it runs for:
 * bpf_get_attach_cookie() gives the index of the target's row in the image. Kernels before 5.15 do
 * not have it and their verifier refuses the whole program, so there each target gets a program of
 * its own in which the call is replaced by the constant.
 *
 * A call of a helper is one instruction, "call 174", and leaves its result in r0. "r0 = imm" is one
 * instruction too and leaves the other registers alone, so nothing moves: no jump, no relocation and
 * no line of debug information needs to know. A call also ends the life of r1 to r5, which the code
 * behind it therefore does not read.
 *
 * The replacement has to be there before libbpf loads the object, as libbpf relocates and loads in
 * one go. The first target is served by the program that libbpf loads; the others by copies of its
 * final instructions, whose map file descriptors are in place by then.
 *
 * Limit: a copy is loaded without BTF function information, which the kernel wants of programs that
 * pass a callback (bpf_for_each_map_elem, 5.13). They fail here with what the verifier says.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clone.h"

enum { HELPER_GET_ATTACH_COOKIE = 174 };

static bool is_cookie_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && !i->src_reg && i->imm == HELPER_GET_ATTACH_COOKIE;
}

static void put_constant(struct bpf_insn *i, uint64_t cookie)
{
	*i = (struct bpf_insn){
		.code = BPF_ALU64 | BPF_MOV | BPF_K,
		.dst_reg = BPF_REG_0,
		.imm = (int32_t)cookie,
	};
}

static struct bpf_insn *copy_insns(const struct bpf_program *prog, size_t *cnt)
{
	struct bpf_insn *copy;

	*cnt = bpf_program__insn_cnt(prog);
	copy = malloc((*cnt + 1) * sizeof(*copy));
	if (copy)
		memcpy(copy, bpf_program__insns(prog), *cnt * sizeof(*copy));
	return copy;
}

int clone_prepare(struct bpf_program *prog, uint64_t cookie, struct clone_sites *sites)
{
	size_t cnt;
	struct bpf_insn *insns = copy_insns(prog, &cnt);
	int rc = 0;

	sites->cnt = 0;
	sites->at = calloc(cnt + 1, sizeof(*sites->at));
	if (!insns || !sites->at) {
		rc = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < cnt; i++) {
		if (is_cookie_call(&insns[i])) {
			put_constant(&insns[i], cookie);
			sites->at[sites->cnt++] = (uint32_t)i;
		}
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++; /* its second half is no instruction */
	}
	rc = bpf_program__set_insns(prog, insns, cnt);
out:
	free(insns);
	return rc;
}

int clone_load(const struct clone_args *a)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	size_t cnt;
	struct bpf_insn *insns = copy_insns(a->prog, &cnt);
	int fd;

	if (!insns)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->sites->cnt; i++)
		put_constant(&insns[a->sites->at[i]], a->cookie);
	opts.expected_attach_type = bpf_program__expected_attach_type(a->prog);
	opts.attach_btf_id = a->btf_id;
	opts.attach_btf_obj_fd = (uint32_t)a->btf_fd;
	fd = bpf_prog_load(bpf_program__type(a->prog), bpf_program__name(a->prog), a->license,
			   insns, cnt, &opts);
	free(insns);
	return fd;
}

void clone_sites_free(struct clone_sites *sites)
{
	free(sites->at);
	*sites = (struct clone_sites){ 0 };
}

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
 * The kernel wants to know the BTF type of each function of a program that passes a callback
 * (bpf_for_each_map_elem, 5.13). libbpf does not hand out what it told for the first, but the kernel
 * does, in the order of the functions, which begin where calls and callbacks lead.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* In callbacks, which are not the program's before it is loaded; the first target's are told 0 there. */
static void put_constants(struct bpf_insn *insns, size_t cnt, uint64_t cookie)
{
	for (size_t i = 0; i < cnt; i++) {
		if (is_cookie_call(&insns[i]))
			put_constant(&insns[i], cookie);
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++;
	}
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

/* ---- the types of a program's functions ---- */

/* The instruction that a call or a callback's address leads to; 0: it is neither. */
static size_t leads_to(const struct bpf_insn *insns, size_t i)
{
	bool call = insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg == BPF_PSEUDO_CALL;
	bool address =
		insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) && insns[i].src_reg == BPF_PSEUDO_FUNC;

	return call || address ? (size_t)((int64_t)i + insns[i].imm + 1) : 0;
}

/* Where functions begin, in order, at most max of them; how many there are. */
static uint32_t find_functions(const struct bpf_insn *insns, size_t cnt, struct bpf_func_info *out,
			       uint32_t max)
{
	bool *begins = calloc(cnt + 1, sizeof(*begins));
	uint32_t found = 0;

	if (!begins)
		return 0;
	begins[0] = true;
	for (size_t i = 0; i < cnt; i++) {
		size_t to = leads_to(insns, i);

		if (to < cnt)
			begins[to] = true;
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++;
	}
	for (size_t i = 0; i < cnt; i++) {
		if (begins[i] && found < max)
			out[found].insn_off = (uint32_t)i;
		found += begins[i];
	}
	free(begins);
	return found;
}

/* As the kernel has them of a program that is loaded: their BTF's fd, or negative when there are none. */
static int function_types(int prog_fd, struct bpf_func_info *out, uint32_t max, uint32_t *cnt)
{
	struct bpf_prog_info info = {
		.nr_func_info = max,
		.func_info_rec_size = sizeof(*out),
		.func_info = (uintptr_t)out,
	};
	uint32_t len = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	*cnt = info.nr_func_info;
	if (rc || !info.btf_id || *cnt > max)
		return -ENOENT;
	return bpf_btf_get_fd_by_id(info.btf_id);
}

enum { FUNCTIONS_MAX = 256 }; /* BPF_MAX_SUBPROGS */

int clone_load(const struct clone_args *a)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct bpf_func_info funcs[FUNCTIONS_MAX];
	uint32_t func_cnt;
	size_t cnt;
	struct bpf_insn *insns = copy_insns(a->prog, &cnt);
	int fd, btf_fd;

	if (!insns)
		return -ENOMEM;
	btf_fd = function_types(bpf_program__fd(a->prog), funcs, FUNCTIONS_MAX, &func_cnt);
	if (btf_fd >= 0 && find_functions(insns, cnt, funcs, func_cnt) == func_cnt) {
		opts.prog_btf_fd = (uint32_t)btf_fd;
		opts.func_info = funcs;
		opts.func_info_cnt = func_cnt;
		opts.func_info_rec_size = sizeof(*funcs);
	}
	for (uint32_t i = 0; i < a->sites->cnt; i++)
		put_constant(&insns[a->sites->at[i]], a->cookie);
	put_constants(insns, cnt, a->cookie);
	opts.expected_attach_type = bpf_program__expected_attach_type(a->prog);
	opts.log_buf = a->log;
	opts.log_size = a->log ? a->log_sz : 0;
	opts.attach_btf_id = a->btf_id;
	opts.attach_btf_obj_fd = (uint32_t)a->btf_fd;
	fd = bpf_prog_load(bpf_program__type(a->prog), bpf_program__name(a->prog), a->license,
			   insns, cnt, &opts);
	if (btf_fd >= 0)
		close(btf_fd);
	free(insns);
	return fd;
}

void clone_sites_free(struct clone_sites *sites)
{
	free(sites->at);
	*sites = (struct clone_sites){ 0 };
}

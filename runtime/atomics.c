// SPDX-License-Identifier: Apache-2.0
/*
 * Before 5.12 a kernel adds atomically but does not say what was there, and takes no program that
 * has such an instruction anywhere. Codegen writes "@x++" as a value with three instructions
 * (fetch_add() in codegen/map.c), never the two pointers and the value in one register:
 *
 *	dst = v;  dst = atomic_fetch_add(p, dst);  goto +0
 *
 * which become three others; two CPUs at once may then be given the same number, none is lost.
 *
 *	atomic_add(p, v);  dst = *p;  dst -= v
 *
 * "If it is r0 still, put v there, and r0 = what was there" becomes "put v there": r0 says that it was.
 */
#include <errno.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/atomics.h"

enum {
	CODE_MOV = BPF_ALU64 | BPF_MOV | BPF_X,
	CODE_ATOMIC = BPF_STX | BPF_XADD | BPF_DW, /* BPF_ATOMIC, as it is called since */
	CODE_LOAD = BPF_LDX | BPF_MEM | BPF_DW,
	CODE_SUB = BPF_ALU64 | BPF_SUB | BPF_X,
	CODE_JA = BPF_JMP | BPF_JA,
	CODE_STORE = BPF_STX | BPF_MEM | BPF_DW,
	IMM_FETCH_ADD = 1,
	IMM_SWAP = 0xf1, /* BPF_CMPXCHG */
	INSNS = 3,
};

static bool is_fetch_add(const struct bpf_insn *in)
{
	return in[0].code == CODE_MOV && in[1].code == CODE_ATOMIC && in[1].imm == IMM_FETCH_ADD &&
	       in[2].code == CODE_JA && !in[2].off && in[1].src_reg == in[0].dst_reg;
}

static void add_then_load(struct bpf_insn *in)
{
	uint8_t dst = in[0].dst_reg, v = in[0].src_reg, p = in[1].dst_reg;
	int16_t off = in[1].off;

	in[0] = (struct bpf_insn){ .code = CODE_ATOMIC, .dst_reg = p, .src_reg = v, .off = off };
	in[1] = (struct bpf_insn){ .code = CODE_LOAD, .dst_reg = dst, .src_reg = p, .off = off };
	in[2] = (struct bpf_insn){ .code = CODE_SUB, .dst_reg = dst, .src_reg = v };
}

static bool is_swap(const struct bpf_insn *in)
{
	return in->code == CODE_ATOMIC && in->imm == IMM_SWAP;
}

static void only_store(struct bpf_insn *in)
{
	in->code = CODE_STORE;
	in->imm = 0;
}

/* Those of one section: how many; changed in copy when there is one. */
static size_t section_atomics(const char *elf, size_t off, size_t sz, char *copy)
{
	size_t found = 0;

	for (size_t at = 0; at + sizeof(struct bpf_insn) <= sz; at += sizeof(struct bpf_insn)) {
		struct bpf_insn in[INSNS] = { 0 };
		size_t len = sz - at < sizeof(in) ? sz - at : sizeof(in);

		memcpy(in, elf + off + at, len);
		if (is_fetch_add(in))
			add_then_load(in);
		else if (is_swap(in))
			only_store(in);
		else
			continue;
		found++;
		if (copy)
			memcpy(copy + off + at, in, len);
	}
	return found;
}

static size_t all_atomics(const void *elf, size_t sz, char *copy)
{
	Elf *e = (elf_version(EV_CURRENT), elf_memory((char *)elf, sz));
	Elf_Scn *scn = NULL;
	size_t found = 0;
	GElf_Shdr sh;

	while (e && (scn = elf_nextscn(e, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_PROGBITS &&
		    (sh.sh_flags & SHF_EXECINSTR) && sh.sh_offset <= sz &&
		    sh.sh_size <= sz - sh.sh_offset)
			found += section_atomics(elf, sh.sh_offset, sh.sh_size, copy);
	elf_end(e);
	return found;
}

int atomics_settle(const void *elf, size_t sz, struct features *f, void **copy)
{
	if (!all_atomics(elf, sz, NULL) || features_has(f, FEAT_ATOMIC_FETCH))
		return 0;
	if (!*copy) {
		*copy = malloc(sz);
		if (!*copy)
			return -ENOMEM;
		memcpy(*copy, elf, sz);
	}
	all_atomics(elf, sz, *copy);
	return 0;
}

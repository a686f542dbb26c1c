// SPDX-License-Identifier: Apache-2.0
/*
 * LLVM sees to it that no function takes more than 512 bytes of stack. But the kernel counts a program
 * together with what it calls, callbacks too, each frame rounded up to 32 bytes. (The newest are more
 * generous on some machines.) So the finished object is looked through for the deepest place of each
 * function, and the module for who calls whom.
 */
#include <gelf.h>
#include <linux/bpf.h>
#include <string.h>

#include "codegen/gen.h"

enum { STACK_MAX_BYTES = 512, FRAME_UNIT = 32 };

struct frame {
	const char *name;
	uint32_t depth;
	struct frame *next;
};

static bool through_fp(const struct bpf_insn *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX: return i->src_reg == BPF_REG_10;
	case BPF_ST:
	case BPF_STX: return i->dst_reg == BPF_REG_10;
	}
	return false;
}

/* "rX = r10; rX += -N", or an access through r10 itself */
static uint32_t depth_of(const struct bpf_insn *insns, size_t cnt)
{
	int32_t lowest = -1; /* a frame without any counts too */

	for (size_t i = 0; i < cnt; i++) {
		const struct bpf_insn *in = &insns[i];
		bool copied = i && in[-1].code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
			      in[-1].src_reg == BPF_REG_10 && in[-1].dst_reg == in->dst_reg;

		if (through_fp(in) && in->off < lowest)
			lowest = in->off;
		if (copied && in->code == (BPF_ALU64 | BPF_ADD | BPF_K) && in->imm < lowest)
			lowest = in->imm;
	}
	return ((uint32_t)-lowest + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
}

static struct frame *read_symbols(struct gen *g, Elf *elf, Elf_Scn *scn, struct frame *frames)
{
	Elf_Data *syms = elf_getdata(scn, NULL), *code;
	GElf_Shdr sh;
	GElf_Sym sym;

	if (!syms || !gelf_getshdr(scn, &sh))
		return frames;
	for (int i = 0; gelf_getsym(syms, i, &sym); i++) {
		struct frame *f;

		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		code = elf_rawdata(elf_getscn(elf, sym.st_shndx), NULL);
		if (!code || sym.st_value > code->d_size ||
		    sym.st_size > code->d_size - sym.st_value)
			continue;
		f = arena_new_of(g->u->arena, struct frame);
		f->name = arena_strdup(g->u->arena, elf_strptr(elf, sh.sh_link, sym.st_name));
		f->depth = depth_of((const struct bpf_insn *)((char *)code->d_buf + sym.st_value),
				    sym.st_size / sizeof(struct bpf_insn));
		f->next = frames;
		frames = f;
	}
	return frames;
}

static struct frame *read_frames(struct gen *g, void *obj, size_t sz)
{
	struct frame *frames = NULL;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory(obj, sz);
	while (elf && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			frames = read_symbols(g, elf, scn, frames);
	elf_end(elf);
	return frames;
}

static uint32_t own_depth(const struct frame *frames, LLVMValueRef fn)
{
	size_t len;
	const char *name = LLVMGetValueName2(fn, &len);

	for (; frames; frames = frames->next)
		if (!strcmp(frames->name, name))
			return frames->depth;
	return 0;
}

/* From the program that leads to fn to fn's own frame, the deepest of all ways; *prog: its name. */
static uint32_t depth_down_to(const struct frame *frames, LLVMValueRef fn, const char **prog)
{
	uint32_t above = 0, one;
	const char *by;
	size_t len;

	*prog = LLVMGetValueName2(fn, &len);
	for (LLVMUseRef use = LLVMGetFirstUse(fn); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);

		if (!LLVMIsAInstruction(user))
			continue;
		one = depth_down_to(frames, LLVMGetBasicBlockParent(LLVMGetInstructionParent(user)),
				    &by);
		if (one <= above)
			continue;
		above = one;
		*prog = by;
	}
	return above + own_depth(frames, fn);
}

const char *depth_exceeded(struct gen *g, void *obj, size_t sz)
{
	struct frame *frames = NULL;
	const char *prog;

	for (LLVMValueRef fn = LLVMGetFirstFunction(g->mod); fn; fn = LLVMGetNextFunction(fn)) {
		if (LLVMIsDeclaration(fn) || !LLVMGetFirstUse(fn))
			continue;
		frames = frames ?: read_frames(g, obj, sz);
		if (depth_down_to(frames, fn, &prog) > STACK_MAX_BYTES)
			return prog;
	}
	return NULL;
}

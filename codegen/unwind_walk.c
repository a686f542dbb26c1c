// SPDX-License-Identifier: Apache-2.0
/*
 * The mapping that an address lies in, found where the kernel keeps it. User space learns of mappings a
 * moment after they were made, and programs do most of their allocating in that moment: without this
 * half of the stacks of a short process would be cut.
 *
 * Since 6.1 mappings are in a maple tree: nodes of 256 bytes that are freed by RCU and not changed in
 * place where that could mislead a reader, so they can be read without a lock, as bpf_find_vma(), which
 * takes one and that but once in an interrupt, cannot. What is read may be about to change all the same;
 * a mapping counts only when it holds the address.
 */
#include "codegen/unwind.h"

/* The tree's inside, which its users never see and BTF only partly tells. */
enum {
	NODE_SZ = 256,
	NODE_TYPE_SHIFT = 3,
	NODE_TYPE_MASK = 15,
	LEAF = 1, /* maple_leaf_64 */
	WIDE = 3, /* maple_arange_64: fewer children, and the gaps below them */
	PIVOTS = 8, /* after the parent */
	PIVOT_CNT = 15,
	SLOTS = 128,
	SLOTS_WIDE = 80,
	END = 248, /* a byte: number of the last child; when the last pivot is used, all are */
	END_WIDE = 240,
	DEPTH_MAX = 8, /* three levels hold ten thousand mappings */
};

enum { VM_EXEC_FLAG = 4 };

static LLVMValueRef field(struct gen *g, const char *path)
{
	return gen_konst(g, KONST_FIELD, path);
}

LLVMValueRef unwind_can_walk(struct gen *g)
{
	static const struct {
		const char *path;
		uint64_t off;
	} as[] = {
		{ "maple_range_64.slot", SLOTS },
		{ "maple_range_64.pivot", PIVOTS },
		{ "maple_arange_64.slot", SLOTS_WIDE },
		{ "maple_arange_64.meta", END_WIDE },
	};
	LLVMValueRef can =
		gen_cmp(g, LLVMIntNE, field(g, "mm_struct.mm_mt.ma_root"), gen_i64(g, UINT64_MAX));

	for (size_t i = 0; i < sizeof(as) / sizeof(*as); i++)
		can = LLVMBuildAnd(g->b, can, word_is(g, field(g, as[i].path), as[i].off), "");
	return LLVMBuildZExt(g->b, can, g->i64, "");
}

/* A word of a kernel structure. */
static LLVMValueRef member(struct gen *g, LLVMValueRef st, LLVMValueRef base, const char *path,
			   LLVMBasicBlockRef fail)
{
	word_read(g, WORD_KERNEL, gen_off(g, st, STACK_AT(tmp)), 8,
		  word_add(g, base, field(g, path)), fail);
	return word_load64(g, st, STACK_AT(tmp));
}

void unwind_take_mm(struct gen *g, LLVMValueRef st)
{
	LLVMBasicBlockRef have = gen_block(g, "mm");

	word_store(g, st, STACK_AT(mm), gen_i64(g, 0));
	word_store(g, st, STACK_AT(mm),
		   member(g, st, HELP0(g, get_current_task), "task_struct.mm", have));
	gen_br(g, have);
	gen_at(g, have);
}

/* Its highest bit, in a form that LLVM does not know for a comparison: that would be a branch. */
static LLVMValueRef high_bit(struct gen *g, LLVMValueRef v)
{
	return LLVMBuildLShr(g->b, gen_opaque(g, v), gen_i64(g, 63), "");
}

/* 1 when a < b, which are less than 2^63 apart. */
static LLVMValueRef below(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	return high_bit(g, LLVMBuildSub(g->b, a, b, ""));
}

/* v when bit is 1, else 0 */
static LLVMValueRef times(struct gen *g, LLVMValueRef bit, LLVMValueRef v)
{
	return LLVMBuildAnd(g->b, LLVMBuildNeg(g->b, bit, ""), v, "");
}

/* The child of the node in the state that addr belongs to. No branches, see word_search. */
static LLVMValueRef child_of(struct gen *g, LLVMValueRef st, LLVMValueRef type, LLVMValueRef addr)
{
	const uint64_t node = STACK_AT(node);
	LLVMValueRef end, full, i = gen_i64(g, 0), at, wide;

	wide = LLVMBuildAnd(g->b, LLVMBuildLShr(g->b, type, gen_i64(g, 1), ""), type,
			    ""); /* 3: 1 */
	full = word_load64(g, st, node + PIVOTS + (PIVOT_CNT - 1) * 8);
	full = below(g, gen_i64(g, 0), LLVMBuildLShr(g->b, full, gen_i64(g, 1), ""));
	full = LLVMBuildAnd(g->b, full, LLVMBuildXor(g->b, wide, gen_i64(g, 1), ""), "");
	at = LLVMBuildSub(g->b, gen_i64(g, END), LLVMBuildShl(g->b, wide, gen_i64(g, 3), ""), "");
	at = gen_opaque(g, LLVMBuildAnd(g->b, at, gen_i64(g, NODE_SZ - 1), ""));
	at = LLVMBuildAnd(g->b, at, gen_i64(g, NODE_SZ - 1), "");
	end = word_load(g, gen_off_var(g, st, at), node, 1, false);
	end = LLVMBuildOr(g->b, end, times(g, full, gen_i64(g, PIVOT_CNT)), "");
	for (uint64_t n = 0; n < PIVOT_CNT; n++) {
		LLVMValueRef pivot = word_load64(g, st, node + PIVOTS + n * 8), less;

		/* the last one is that of all addresses; where there are fewer, children follow */
		less = LLVMBuildAnd(g->b, LLVMBuildSub(g->b, pivot, addr, ""),
				    LLVMBuildNot(g->b, pivot, ""), "");
		less = LLVMBuildAnd(g->b, high_bit(g, less), below(g, gen_i64(g, n), end), "");
		i = word_add(g, i, less);
	}
	at = LLVMBuildSub(g->b, gen_i64(g, SLOTS), times(g, wide, gen_i64(g, SLOTS - SLOTS_WIDE)),
			  "");
	at = word_add(g, at, LLVMBuildShl(g->b, i, gen_i64(g, 3), ""));
	at = gen_opaque(g, LLVMBuildAnd(g->b, at, gen_i64(g, NODE_SZ - 8), ""));
	at = LLVMBuildAnd(g->b, at, gen_i64(g, NODE_SZ - 8), "");
	return word_load64(g, gen_off_var(g, st, at), node);
}

/* From the tree's root to the struct vm_area_struct that addr may lie in. */
static LLVMValueRef descend(struct gen *g, LLVMValueRef st, LLVMValueRef addr,
			    LLVMBasicBlockRef none)
{
	LLVMBasicBlockRef body = gen_block(g, "node"), next = gen_block(g, "next");
	LLVMBasicBlockRef done = gen_block(g, "vma"), from, last;
	LLVMValueRef root, entry, child, type, i, more, vma;

	root = member(g, st, word_load64(g, st, STACK_AT(mm)), "mm_struct.mm_mt.ma_root", none);
	from = LLVMGetInsertBlock(g->b);
	g->has_loops = true;
	/* one mapping alone is the root itself */
	gen_cond_br(g, word_is(g, LLVMBuildAnd(g->b, root, gen_i64(g, 3), ""), 2), body, done);
	gen_at(g, body);
	i = LLVMBuildPhi(g->b, g->i64, "");
	entry = LLVMBuildPhi(g->b, g->i64, "");
	type = LLVMBuildLShr(g->b, entry, gen_i64(g, NODE_TYPE_SHIFT), "");
	type = LLVMBuildAnd(g->b, type, gen_i64(g, NODE_TYPE_MASK), "");
	word_read(g, WORD_KERNEL, gen_off(g, st, STACK_AT(node)), NODE_SZ,
		  LLVMBuildAnd(g->b, entry, gen_i64(g, ~(uint64_t)(NODE_SZ - 1)), ""), none);
	gen_only_if(g, gen_cmp(g, LLVMIntULE, type, gen_i64(g, WIDE)), none);
	child = child_of(g, st, type, addr);
	last = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, word_is(g, type, LEAF), done, next);
	gen_at(g, next);
	more = gen_opaque(g, word_add(g, i, gen_i64(g, 1)));
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, gen_i64(g, DEPTH_MAX)), body, none);
	LLVMAddIncoming(i, (LLVMValueRef[]){ gen_i64(g, 0), more },
			(LLVMBasicBlockRef[]){ from, next }, 2);
	LLVMAddIncoming(entry, (LLVMValueRef[]){ root, child }, (LLVMBasicBlockRef[]){ from, next },
			2);
	gen_at(g, done);
	vma = LLVMBuildPhi(g->b, g->i64, "");
	LLVMAddIncoming(vma, (LLVMValueRef[]){ root, child }, (LLVMBasicBlockRef[]){ from, last },
			2);
	return vma;
}

/* The file of a mapping as a key; the vdso, which is in none, is that of all zeroes. */
static LLVMValueRef file_key(struct gen *g, LLVMValueRef st, LLVMValueRef vma, LLVMValueRef start,
			     LLVMBasicBlockRef none, LLVMBasicBlockRef no_table)
{
	LLVMBasicBlockRef file = gen_block(g, "file"), no_file = gen_block(g, "no_file");
	LLVMBasicBlockRef vdso = gen_block(g, "vdso"), have = gen_block(g, "key");
	LLVMValueRef key = gen_stack(g, sizeof(struct unwind_file_id)), v, vdso_off;

	gen_zero(g, key, sizeof(struct unwind_file_id));
	v = member(g, st, vma, "vm_area_struct.vm_file", none);
	gen_cond_br(g, gen_not_zero(g, v), file, no_file);
	gen_at(g, no_file);
	vdso_off = field(g, "mm_struct.context.vdso");
	gen_only_if(g, gen_cmp(g, LLVMIntNE, vdso_off, gen_i64(g, UINT64_MAX)), no_table);
	gen_br(g, vdso);
	gen_at(g, vdso);
	v = member(g, st, word_load64(g, st, STACK_AT(mm)), "mm_struct.context.vdso", none);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, v, start), have, no_table);
	gen_at(g, file);
	v = member(g, st, member(g, st, vma, "vm_area_struct.vm_file", none), "file.f_inode", none);
	word_store(g, key, 0, member(g, st, v, "inode.i_ino", none));
	v = member(g, st, v, "inode.i_sb", none);
	v = member(g, st, v, "super_block.s_dev", none);
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, v, g->i32, ""),
		       gen_off(g, key, offsetof(struct unwind_file_id, dev)));
	gen_br(g, have);
	gen_at(g, have);
	return key;
}

void unwind_find_function(struct gen *g, struct unwind_gen *u)
{
	LLVMBasicBlockRef nothing, no_table;
	LLVMValueRef st, addr, vma, start, at, v, row;
	struct stack_function f;

	u->find_fn = stack_function_open(g, &f, "unwind_find", 2);
	nothing = gen_block(g, "nothing");
	no_table = gen_block(g, "no_table");
	addr = LLVMGetParam(u->find_fn, 1);
	st = stack_state_at(g, LLVMGetParam(u->find_fn, 0));
	gen_only_if(g, gen_not_zero(g, unwind_can_walk(g)), g->p->leave);
	vma = descend(g, st, addr, nothing);
	gen_only_if(g, gen_not_zero(g, vma), nothing);
	start = member(g, st, vma, "vm_area_struct.vm_start", nothing);
	gen_only_if(g, gen_cmp(g, LLVMIntULE, start, addr), nothing);
	v = member(g, st, vma, "vm_area_struct.vm_end", nothing);
	gen_only_if(g, gen_cmp(g, LLVMIntULT, addr, v), nothing);
	v = member(g, st, vma, "vm_area_struct.vm_flags", nothing);
	gen_only_if(g, gen_not_zero(g, LLVMBuildAnd(g->b, v, gen_i64(g, VM_EXEC_FLAG), "")),
		    nothing);
	at = file_key(g, st, vma, start, nothing, no_table);
	row = HELP(g, map_lookup_elem, u->files->global, at);
	gen_only_if(g, gen_not_zero(g, row), g->p->leave);
	v = member(g, st, vma, "vm_area_struct.vm_pgoff", nothing);
	v = LLVMBuildMul(g->b, v, gen_konst(g, KONST_PAGE_SZ, NULL), "");
	v = word_add(g, v, LLVMBuildSub(g->b, addr, start, ""));
	row = gen_off_var(g, row,
			  word_search(g, row, UNWIND_PLACES, sizeof(struct unwind_mapping), 8, v));
	v = LLVMBuildSub(g->b, v, word_load64(g, row, 0), "");
	v = word_add(g, v, word_load(g, row, offsetof(struct unwind_mapping, vaddr), 4, false));
	word_store(g, st, STACK_AT(vaddr), v);
	LLVMBuildRet(g->b, word_load(g, row, offsetof(struct unwind_mapping, table), 4, false));
	gen_at(g, nothing);
	LLVMBuildRet(g->b, gen_i64(g, UNWIND_NOTHING));
	gen_at(g, no_table);
	LLVMBuildRet(g->b, gen_i64(g, UNWIND_NO_TABLE));
	stack_function_close(g, &f);
}

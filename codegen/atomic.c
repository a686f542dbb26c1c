// SPDX-License-Identifier: Apache-2.0
/* Additions that no other CPU, and no other program on this one, comes in between. */
#include "codegen/gen.h"

enum { MAX_TRIES = 8 };

/*
 * *p += v, giving what was there before, in one instruction, so that no two callers are given the
 * same. Kernels before 5.12 have none that gives a value; runtime/atomics.c knows the three
 * instructions by their looks and puts others in their place there.
 */
LLVMValueRef gen_fetch_add(struct gen *g, LLVMValueRef p, LLVMValueRef v)
{
	static const char text[] = "$0 = $2\n"
				   "$0 = atomic_fetch_add((u64 *)($1 + 0), $0)\n"
				   "goto +0";
	static const char where[] = "=&r,r,r,~{memory}";
	LLVMTypeRef types[2] = { g->ptr, g->i64 };
	LLVMTypeRef ft = LLVMFunctionType(g->i64, types, 2, false);
	LLVMValueRef args[2] = { p, v }, insns;

	g->has_asm = true;
	insns = LLVMGetInlineAsm(ft, (char *)text, sizeof(text) - 1, (char *)where,
				 sizeof(where) - 1, true, false, LLVMInlineAsmDialectATT, false);
	return LLVMBuildCall2(g->b, ft, insns, args, 2, "");
}

LLVMValueRef gen_atomic_swap(struct gen *g, LLVMValueRef p, LLVMValueRef old, LLVMValueRef v)
{
	LLVMValueRef both = LLVMBuildAtomicCmpXchg(g->b, p, old, v, LLVMAtomicOrderingMonotonic,
						   LLVMAtomicOrderingMonotonic, false);

	return LLVMBuildExtractValue(g->b, both, 0, "");
}

/*
 * What came in between may have left something greater: then again. Each time another program has to
 * hit the same two instructions, so a few times are enough.
 */
void gen_atomic_max(struct gen *g, LLVMValueRef p, LLVMValueRef v)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), loop = gen_block(g, "max");
	LLVMBasicBlockRef swap = gen_block(g, "swap"), done = gen_block(g, "done");
	LLVMValueRef first = LLVMBuildLoad2(g->b, g->i64, p, ""), old, left, was, rest;

	gen_br(g, loop);
	gen_at(g, loop);
	old = LLVMBuildPhi(g->b, g->i64, "");
	left = LLVMBuildPhi(g->b, g->i64, "");
	gen_cond_br(g, gen_cmp(g, LLVMIntUGT, v, old), swap, done);
	gen_at(g, swap);
	was = gen_atomic_swap(g, p, old, v);
	rest = LLVMBuildSub(g->b, left, gen_i64(g, 1), "");
	gen_cond_br(g,
		    LLVMBuildAnd(g->b, gen_cmp(g, LLVMIntNE, was, old), gen_not_zero(g, rest), ""),
		    loop, done);
	LLVMAddIncoming(old, (LLVMValueRef[]){ first, was }, (LLVMBasicBlockRef[]){ from, swap },
			2);
	LLVMAddIncoming(left, (LLVMValueRef[]){ gen_i64(g, MAX_TRIES), rest },
			(LLVMBasicBlockRef[]){ from, swap }, 2);
	gen_at(g, done);
}

/* Volatile: LLVM makes an "or" of what adds nothing, and that is an instruction of 5.12. */
void gen_atomic_add(struct gen *g, LLVMValueRef p, LLVMValueRef v)
{
	LLVMSetVolatile(LLVMBuildAtomicRMW(g->b, LLVMAtomicRMWBinOpAdd, p, v,
					   LLVMAtomicOrderingMonotonic, false),
			true);
}

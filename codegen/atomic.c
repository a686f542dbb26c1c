// SPDX-License-Identifier: Apache-2.0
/* Additions that no other CPU, and no other program on this one, comes in between. */
#include "codegen/gen.h"

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

/* Volatile: LLVM makes an "or" of what adds nothing, and that is an instruction of 5.12. */
void gen_atomic_add(struct gen *g, LLVMValueRef p, LLVMValueRef v)
{
	LLVMSetVolatile(LLVMBuildAtomicRMW(g->b, LLVMAtomicRMWBinOpAdd, p, v,
					   LLVMAtomicOrderingMonotonic, false),
			true);
}

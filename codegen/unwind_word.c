// SPDX-License-Identifier: Apache-2.0
/* Words in memory, as the programs that unwind read and write them. */
#include "codegen/unwind.h"

LLVMValueRef word_load(struct gen *g, LLVMValueRef base, uint64_t off, uint32_t size, bool sign)
{
	LLVMValueRef v = LLVMBuildLoad2(g->b, gen_int_type(g, size), gen_off(g, base, off), "");

	if (size == 8)
		return v;
	return sign ? LLVMBuildSExt(g->b, v, g->i64, "") : LLVMBuildZExt(g->b, v, g->i64, "");
}

LLVMValueRef word_load64(struct gen *g, LLVMValueRef base, uint64_t off)
{
	return word_load(g, base, off, 8, false);
}

void word_store(struct gen *g, LLVMValueRef base, uint64_t off, LLVMValueRef v)
{
	LLVMBuildStore(g->b, v, gen_off(g, base, off));
}

LLVMValueRef word_add(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	return LLVMBuildAdd(g->b, a, b, "");
}

LLVMValueRef word_is(struct gen *g, LLVMValueRef v, uint64_t n)
{
	return gen_cmp(g, LLVMIntEQ, v, gen_i64(g, n));
}

void word_read(struct gen *g, enum word_space space, LLVMValueRef dst, uint32_t size,
	       LLVMValueRef addr, LLVMBasicBlockRef fail)
{
	LLVMValueRef sz = gen_i32(g, size), from = LLVMBuildIntToPtr(g->b, addr, g->ptr, "");

	g->may_fail = true;
	gen_only_if(g,
		    word_is(g,
			    space == WORD_USER ? HELP(g, probe_read_user, dst, sz, from)
					       : HELP(g, probe_read_kernel, dst, sz, from),
			    0),
		    fail);
}

LLVMValueRef word_search(struct gen *g, LLVMValueRef base, uint32_t cnt, uint32_t apart,
			 uint32_t key_sz, LLVMValueRef v)
{
	LLVMValueRef at = gen_i64(g, 0), key, above;

	for (uint32_t half = cnt * apart / 2; half >= apart; half /= 2) {
		key = word_load(g, gen_off_var(g, base, at), half, key_sz, false);
		above = LLVMBuildAShr(g->b, LLVMBuildSub(g->b, v, key, ""), gen_i64(g, 63), "");
		above = LLVMBuildAnd(g->b, LLVMBuildNot(g->b, above, ""), gen_i64(g, half), "");
		at = word_add(g, at,
			      gen_opaque(g, above)); /* or it were an "or", in 5.10 of any sign */
	}
	return at;
}

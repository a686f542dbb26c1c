// SPDX-License-Identifier: Apache-2.0
/*
 * Integer arithmetic with the meaning BPF gives it, which is not LLVM's: x / 0 is 0, x % 0 is x,
 * shift counts wrap. Signed division is made of unsigned ones, as only the newest instruction set has
 * it.
 */
#include "codegen/gen.h"

static bool is_const(LLVMValueRef v)
{
	return LLVMIsAConstantInt(v) != NULL;
}

/* Unsigned quotient and remainder; LLVM must never see a zero divisor. */
static LLVMValueRef udivmod(struct gen *g, bool mod, LLVMValueRef l, LLVMValueRef r)
{
	LLVMValueRef is_zero, safe, v;

	if (is_const(r) && LLVMConstIntGetZExtValue(r))
		return mod ? LLVMBuildURem(g->b, l, r, "") : LLVMBuildUDiv(g->b, l, r, "");
	is_zero = gen_cmp(g, LLVMIntEQ, r, gen_i64(g, 0));
	safe = gen_select(g, is_zero, gen_i64(g, 1), r);
	v = mod ? LLVMBuildURem(g->b, l, safe, "") : LLVMBuildUDiv(g->b, l, safe, "");
	return gen_select(g, is_zero, mod ? l : gen_i64(g, 0), v);
}

static LLVMValueRef negate_if(struct gen *g, LLVMValueRef neg, LLVMValueRef v)
{
	return gen_select(g, neg, LLVMBuildNeg(g->b, v, ""), v);
}

static LLVMValueRef sdivmod(struct gen *g, bool mod, LLVMValueRef l, LLVMValueRef r)
{
	LLVMValueRef zero = gen_i64(g, 0);
	LLVMValueRef l_neg = gen_cmp(g, LLVMIntSLT, l, zero);
	LLVMValueRef r_neg = gen_cmp(g, LLVMIntSLT, r, zero);
	LLVMValueRef v = udivmod(g, mod, negate_if(g, l_neg, l), negate_if(g, r_neg, r));

	/* the remainder has the dividend's sign */
	return negate_if(g, mod ? l_neg : LLVMBuildXor(g->b, l_neg, r_neg, ""), v);
}

/* By operator and signedness. */
static const LLVMIntPredicate predicates[][2] = {
	[OP_EQ] = { LLVMIntEQ, LLVMIntEQ },   [OP_NE] = { LLVMIntNE, LLVMIntNE },
	[OP_LT] = { LLVMIntULT, LLVMIntSLT }, [OP_LE] = { LLVMIntULE, LLVMIntSLE },
	[OP_GT] = { LLVMIntUGT, LLVMIntSGT }, [OP_GE] = { LLVMIntUGE, LLVMIntSGE },
};

LLVMValueRef gen_arith(struct gen *g, enum binary_op op, LLVMValueRef l, LLVMValueRef r,
		       bool is_signed)
{
	LLVMValueRef count;

	switch (op) {
	case OP_ADD: return LLVMBuildAdd(g->b, l, r, "");
	case OP_SUB: return LLVMBuildSub(g->b, l, r, "");
	case OP_MUL: return LLVMBuildMul(g->b, l, r, "");
	case OP_DIV:
	case OP_MOD:
		return is_signed ? sdivmod(g, op == OP_MOD, l, r) : udivmod(g, op == OP_MOD, l, r);
	case OP_BAND: return LLVMBuildAnd(g->b, l, r, "");
	case OP_BOR: return LLVMBuildOr(g->b, l, r, "");
	case OP_BXOR: return LLVMBuildXor(g->b, l, r, "");
	case OP_SHL:
	case OP_SHR:
		count = LLVMBuildAnd(g->b, r, gen_i64(g, 63), "");
		if (op == OP_SHL)
			return LLVMBuildShl(g->b, l, count, "");
		return is_signed ? LLVMBuildAShr(g->b, l, count, "")
				 : LLVMBuildLShr(g->b, l, count, "");
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return LLVMBuildZExt(g->b, gen_cmp(g, predicates[op][is_signed], l, r), g->i64, "");
	case OP_NONE:
	case OP_LOR:
	case OP_LAND: break; /* no arithmetic: see expr.c */
	}
	return r;
}

/*
 * BPF has no instruction that counts leading zeroes. All bits below the highest are set and then
 * counted: a binary search would be a few steps less, but its six branches are 64 ways for the
 * verifier, each of which it follows to the probe's end.
 */
LLVMValueRef gen_log2(struct gen *g, LLVMValueRef v)
{
	unsigned id = LLVMLookupIntrinsicID("llvm.ctpop", 10);
	LLVMTypeRef fn_type = LLVMIntrinsicGetType(g->ctx, id, &g->i64, 1);
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(g->mod, id, &g->i64, 1);

	for (uint64_t step = 1; step < 64; step *= 2)
		v = LLVMBuildOr(g->b, v, LLVMBuildLShr(g->b, v, gen_i64(g, step), ""), "");
	v = LLVMBuildCall2(g->b, fn_type, fn, &v, 1, "");
	return LLVMBuildSub(g->b, v, gen_i64(g, 1), "");
}

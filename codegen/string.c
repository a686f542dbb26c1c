// SPDX-License-Identifier: Apache-2.0
/*
 * Strings. The kernel's *_str helpers copy, end with NUL and tell the length in one go, so they move
 * all text, also from our own memory. Literals become stores or compares of constants.
 */
#include <string.h>

#include "codegen/lvalue.h"

/*
 * What a *_str helper returned (bytes with the NUL, or an error) as a length the verifier can bound:
 * one unsigned comparison covers empty, failed and too long.
 */
static LLVMValueRef bounded_length(struct gen *g, LLVMValueRef ret, uint32_t max)
{
	return gen_bound(g, LLVMBuildSub(g->b, ret, gen_i64(g, 1), ""), max);
}

enum addr_space gen_space(struct gen *g, enum addr_space as)
{
	if (as != AS_NONE)
		return as;
	return g->p->probe->probe.ptype->flags & PROBE_USER_MEMORY ? AS_USER : AS_KERNEL;
}

LLVMValueRef gen_text_from(struct gen *g, LLVMValueRef dst, uint32_t max, LLVMValueRef src,
			   enum addr_space as)
{
	LLVMValueRef ret;

	if (gen_space(g, as) == AS_USER)
		ret = HELP(g, probe_read_user_str, dst, gen_i32(g, max), src);
	else
		ret = HELP(g, probe_read_kernel_str, dst, gen_i32(g, max), src);
	return bounded_length(g, ret, max);
}

void gen_literal(struct gen *g, struct node *str, LLVMValueRef dst, uint32_t max, enum pad pad)
{
	uint32_t len = str->str.len < max ? (uint32_t)str->str.len : max - 1;
	uint32_t size = pad == PAD_ZERO ? max : len + 1;
	char *bytes = arena_alloc(g->u->arena, size);
	LLVMValueRef init, lit;

	memcpy(bytes, str->str.text, len);
	if (size > 128) { /* the text as stores, the rest in one call */
		gen_zero(g, dst, size);
		size = len + 1;
	}
	init = LLVMConstStringInContext(g->ctx, bytes, size, true);
	lit = LLVMAddGlobal(g->mod, LLVMTypeOf(init), "text");
	LLVMSetInitializer(lit, init);
	LLVMSetGlobalConstant(lit, true);
	LLVMSetLinkage(lit, LLVMPrivateLinkage);
	LLVMSetUnnamedAddress(lit, LLVMGlobalUnnamedAddr);
	LLVMSetSection(lit, ".rodata.text");
	LLVMBuildMemCpy(g->b, dst, 1, lit, 1, gen_i64(g, size));
}

static LLVMValueRef gen_text_choice(struct gen *g, struct node *n, LLVMValueRef dst, uint32_t max)
{
	struct node *then = n->cond.then ? n->cond.then : n->cond.cond;
	LLVMBasicBlockRef yes = gen_block(g, "yes"), no = gen_block(g, "no");
	LLVMBasicBlockRef join = gen_block(g, "join"), from_a, from_b;
	LLVMValueRef a, b;

	gen_cond_br(g, gen_bool(g, n->cond.cond), yes, no);
	gen_at(g, yes);
	a = gen_text(g, then, dst, max);
	from_a = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, no);
	b = gen_text(g, n->cond.otherwise, dst, max);
	from_b = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, a, from_a, b, from_b);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

LLVMValueRef gen_text(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max)
{
	struct lvalue lv;

	switch (e->kind) {
	case N_STR:
		gen_literal(g, e, dst, max, PAD_NONE);
		return gen_i64(g, least(max - 1, (uint32_t)e->str.len));
	case N_TERNARY:
	case N_IF: return gen_text_choice(g, e, dst, max);
	case N_BLOCK: gen_stmts(g, e); return gen_text(g, e->block.value, dst, max);
	case N_CALL:
	case N_IDENT: return gen_call_text(g, e, dst, max);
	case N_FIELD:
	case N_TUPLE_GET:
	case N_INDEX:
	case N_UNARY:
		lv = lvalue_of(g, e);
		return gen_text_from(g, dst, least(max, e->type->size), lv.addr,
				     lv.how == LV_USER ? AS_USER : AS_KERNEL);
	case N_CAST: /* (string[N])p, or another size of the same */
		if (gen_in_memory(e->cast.e->type))
			return gen_text(g, e->cast.e, dst, max);
		return gen_text_from(g, dst, least(max, e->type->size),
				     LLVMBuildIntToPtr(g->b, gen_int(g, e->cast.e), g->ptr, ""),
				     e->cast.e->type->as);
	case N_MAP: /* missing: a failed read gives the empty string */
		return gen_text_from(g, dst, least(max, e->type->size),
				     map_find(g, e, map_key(g, e)), AS_KERNEL);
	case N_VAR:
	case N_INT:
	case N_BOOL:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_INCDEC:
	case N_BINARY:
	case N_TUPLE:
	case N_RECORD:
	case N_NAMED:
	case N_SIZEOF:
	case N_OFFSETOF:
	case N_TYPE_ARG:
	case CASES_STATEMENT:
	case CASES_TOP_LEVEL:
	case CASES_TYPE: break;
	}
	/* a variable: what else has a string's type stands above */
	return gen_text_from(g, dst, least(max, e->type->size), gen_addr(g, e), AS_KERNEL);
}

/* ---- comparison ---- */

/* Alignment of gen_addr(e): ours are at 8, parts of something else anywhere. */
static uint32_t text_align(const struct node *e)
{
	return e->kind == N_TUPLE_GET || e->kind == N_FIELD || e->kind == N_INDEX ? 1 : 8;
}

/* Against constant bytes: a word at a time. */
static LLVMValueRef same_bytes(struct gen *g, LLVMValueRef addr, uint32_t align, const char *bytes,
			       uint32_t len)
{
	LLVMValueRef diff = gen_i64(g, 0), v;
	uint32_t off = 0, step;

	for (; off < len; off += step) {
		uint64_t want = 0;

		for (step = 8; step > len - off; step /= 2)
			;
		memcpy(&want, bytes + off, step);
		v = LLVMBuildLoad2(g->b, gen_int_type(g, step), gen_off(g, addr, off), "");
		LLVMSetAlignment(v, align < step ? align : step);
		v = LLVMBuildZExt(g->b, v, g->i64, "");
		v = LLVMBuildXor(g->b, v, gen_i64(g, want), "");
		diff = LLVMBuildOr(g->b, diff, v, "");
	}
	return gen_cmp(g, LLVMIntEQ, diff, gen_i64(g, 0));
}

LLVMValueRef gen_same_text(struct gen *g, LLVMValueRef l, uint32_t l_sz, LLVMValueRef r,
			   uint32_t r_sz, uint32_t limit)
{
	uint32_t n = least(limit, least(l_sz, r_sz));
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), loop = gen_block(g, "cmp");
	LLVMBasicBlockRef same = gen_block(g, "same"), next = gen_block(g, "next");
	LLVMBasicBlockRef join = gen_block(g, "join");
	LLVMValueRef i, i_next, a, b, zero = gen_i64(g, 0), more, res, yes, no;

	g->has_loops = true;
	gen_br(g, loop);
	gen_at(g, loop);
	i = LLVMBuildPhi(g->b, g->i64, "");
	a = LLVMBuildLoad2(g->b, g->i8, gen_off_var(g, l, i), "");
	b = LLVMBuildLoad2(g->b, g->i8, gen_off_var(g, r, i), "");
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, a, b), same, join);
	gen_at(g, same); /* both end here, or there is more to compare */
	gen_cond_br(g, gen_not_zero(g, a), next, join);
	gen_at(g, next);
	i_next = LLVMBuildAdd(g->b, i, gen_i64(g, 1), "");
	more = gen_cmp(g, LLVMIntULT, i_next, gen_i64(g, n));
	gen_cond_br(g, more, loop, join);
	LLVMAddIncoming(i, (LLVMValueRef[]){ zero, i_next }, (LLVMBasicBlockRef[]){ from, next },
			2);
	gen_at(g, join);
	yes = LLVMConstInt(g->i1, 1, false);
	no = LLVMConstInt(g->i1, 0, false);
	res = LLVMBuildPhi(g->b, g->i1, "");
	LLVMAddIncoming(res, (LLVMValueRef[]){ no, yes, yes },
			(LLVMBasicBlockRef[]){ loop, same, next }, 3);
	return res;
}

LLVMValueRef gen_text_equal(struct gen *g, struct node *l, struct node *r, uint32_t limit)
{
	struct node *lit = l->kind == N_STR ? l : r, *other = l->kind == N_STR ? r : l;
	uint32_t n;

	if (lit->kind == N_STR && other->kind == N_STR) {
		n = least(limit, UINT32_MAX);
		return LLVMConstInt(g->i1, !strncmp(l->str.text, r->str.text, n), false);
	}
	if (lit->kind != N_STR)
		return gen_same_text(g, gen_addr(g, l), l->type->size, gen_addr(g, r),
				     r->type->size, limit);
	n = least(limit, (uint32_t)strlen(lit->str.text) + 1);
	if (n > other->type->size) /* longer than the other can ever be */
		return LLVMConstInt(g->i1, 0, false);
	return same_bytes(g, gen_addr(g, other), text_align(other), lit->str.text, n);
}

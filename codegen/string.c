// SPDX-License-Identifier: Apache-2.0
/*
 * Strings. The kernel's *_str helpers copy, end with NUL and tell the length in one go, so they move
 * all text, also from our own memory. Literals become stores of constants. compare.c compares.
 */
#include <string.h>

#include "codegen/lvalue.h"

enum { SHORT_TEXT = 64 };

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

/* Longer literals are copied by a call: a store for each byte is what unaligned ones come to. */
enum { LITERAL_STORES = 256 };

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void gen_literal(struct gen *g, struct node *str, LLVMValueRef dst, uint32_t max, enum pad pad)
{
	uint32_t len = str->str.len < max ? (uint32_t)str->str.len : max - 1;
	/* what is short may be on the stack, and compared in words */
	uint32_t size = pad == PAD_ZERO || max <= SHORT_TEXT ? max : len + 1;
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
	if (size > LITERAL_STORES) {
		gen_copy(g, dst, lit, size);
		return;
	}
	/* what is longer would become a call of memcpy(), which there is not */
	for (uint32_t off = 0, part; off < size; off += part) {
		part = least(size - off, INLINE_BYTES);
		LLVMBuildMemCpy(g->b, gen_off(g, dst, off), 1, gen_off(g, lit, off), 1,
				gen_i64(g, part));
	}
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

/*
 * At most size characters, which may do without a NUL: when all were taken, with a NUL in the place of
 * the last one, that one is read as well. Nothing behind them is looked at.
 */
static LLVMValueRef text_within(struct gen *g, struct lvalue lv, uint32_t size, LLVMValueRef dst)
{
	LLVMBasicBlockRef full = gen_block(g, "full"), join = gen_block(g, "join"), from;
	enum addr_space as = lv.how == LV_USER ? AS_USER : AS_KERNEL;
	LLVMValueRef len = gen_text_from(g, dst, size, lv.addr, as), last, whole;

	last = gen_off(g, dst, size - 1);
	LLVMBuildStore(g->b, LLVMConstInt(g->i8, 0, false), gen_off(g, dst, size));
	from = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, len, gen_i64(g, size - 1)), full, join);
	gen_at(g, full);
	lvalue_read(g, (struct lvalue){ .addr = gen_off(g, lv.addr, size - 1), .how = lv.how },
		    last, 1);
	whole = LLVMBuildLoad2(g->b, g->i8, last, "");
	whole = gen_select(g, gen_not_zero(g, whole), gen_i64(g, size), len);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, len, from, whole, full);
}

/* Where there is room for less than all of them a NUL takes the last place in any case. */
static LLVMValueRef text_stored(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max)
{
	uint32_t size = node_stored_type(e)->size;
	struct lvalue lv = lvalue_of(g, e);

	if (max > size && e->type->size > size)
		return text_within(g, lv, size, dst);
	return gen_text_from(g, dst, least(max, size), lv.addr,
			     lv.how == LV_USER ? AS_USER : AS_KERNEL);
}

LLVMValueRef gen_text_bytes(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max)
{
	struct lvalue lv = lvalue_bytes(g, e);

	if (e->type->count && max > e->type->size)
		return text_within(g, lv, e->type->size, dst);
	return gen_text_from(g, dst, max, lv.addr, lv.how == LV_USER ? AS_USER : AS_KERNEL);
}

LLVMValueRef gen_text(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max)
{
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
	case N_UNARY: return text_stored(g, e, dst, max);
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
	case N_OPTION:
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
	/* a variable or an option: what else has a string's type stands above */
	return gen_text_from(g, dst, least(max, e->type->size), gen_addr(g, e), AS_KERNEL);
}

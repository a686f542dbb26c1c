// SPDX-License-Identifier: Apache-2.0
/*
 * Where values live: slots of the 512-byte stack for what is small, the program's frame in the
 * per-CPU scratch map for what is not. Both are handed out for the length of a statement and taken
 * back, so the frame is as large as the largest statement needs, not their sum.
 *
 * The kernel takes no more than 32 KiB of one CPU for a value: of larger frames the map has one for
 * each program and CPU.
 *
 * Each program has a frame of its own: a program that interrupts another one on the same CPU finds
 * its own memory, and the kernel lets no program interrupt itself. Where it does, the program sees to
 * it (codegen/alone.c).
 */
#include "codegen/gen.h"

static uint32_t round8(uint32_t size)
{
	return size ? (size + 7) & ~7u : 8;
}

/* In the entry block, so that it is one allocation whatever loop or branch uses it. */
LLVMValueRef gen_stack(struct gen *g, uint32_t size)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b);
	LLVMValueRef first = LLVMGetFirstInstruction(g->p->entry), mem;
	LLVMMetadataRef place =
		LLVMGetCurrentDebugLocation2(g->b); /* moving the builder loses it */

	if (first)
		LLVMPositionBuilderBefore(g->b, first);
	else
		gen_at(g, g->p->entry);
	mem = LLVMBuildAlloca(g->b, LLVMArrayType(g->i64, size / 8), "");
	LLVMSetAlignment(mem, 8);
	gen_at(g, here);
	LLVMSetCurrentDebugLocation2(g->b, place);
	g->p->stack_used += size;
	return mem;
}

LLVMValueRef gen_register(struct gen *g)
{
	g->p->stack_used -= 8;
	return gen_stack(g, 8);
}

void gen_frame_key(struct gen *g, LLVMValueRef key, LLVMValueRef prog)
{
	if (g->large_frames) {
		prog = LLVMBuildMul(g->b, prog, gen_konst(g, KONST_NCPUS, NULL), "");
		prog = LLVMBuildAdd(g->b, prog, HELP0(g, get_smp_processor_id), "");
	}
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, prog, g->i32, ""), key);
}

LLVMValueRef gen_frame(struct gen *g)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b);
	LLVMValueRef key;

	if (g->p->scratch)
		return g->p->scratch;
	key = gen_stack(g, 8);
	gen_at(g, g->p->head);
	gen_frame_key(g, key, gen_i64(g, g->p->probe->probe.idx));
	g->p->scratch = HELP(g, map_lookup_elem, g->scratch->global, key);
	gen_at(g, here);
	return g->p->scratch;
}

LLVMValueRef gen_frame_tmp(struct gen *g, uint32_t size)
{
	struct prog_gen *p = g->p;
	LLVMValueRef mem = gen_off(g, gen_frame(g), p->frame_used);

	p->frame_used += round8(size);
	if (p->frame_used > p->frame_max)
		p->frame_max = p->frame_used;
	return mem;
}

static bool fits_stack(struct gen *g, uint32_t size)
{
	return size <= setting_num(g->u->settings, SETTING_on_stack_limit) &&
	       g->p->stack_used + size <= g->stack_budget;
}

LLVMValueRef gen_tmp(struct gen *g, uint32_t size)
{
	struct prog_gen *p = g->p;
	struct stack_slot *s;

	size = round8(size);
	for (s = p->slots; s; s = s->next)
		if (!s->level && s->size == size)
			break;
	if (!s) {
		if (!fits_stack(g, size))
			return gen_frame_tmp(g, size);
		s = arena_new_of(g->u->arena, struct stack_slot);
		s->mem = gen_stack(g, size);
		s->size = size;
		s->next = p->slots;
		p->slots = s;
	}
	s->level = p->level + 1;
	return s->mem;
}

struct mem_mark gen_mark(struct gen *g)
{
	struct prog_gen *p = g->p;

	p->level++;
	return (struct mem_mark){ p->frame_used, p->vars };
}

void gen_release(struct gen *g, struct mem_mark m)
{
	struct prog_gen *p = g->p;

	for (struct stack_slot *s = p->slots; s; s = s->next)
		if (s->level > p->level)
			s->level = 0;
	/* variables born since then are gone too: an unrolled body makes them anew */
	for (; p->vars != m.vars; p->vars = p->vars->next)
		p->vars->sym->gen = NULL;
	p->frame_used = m.frame_used;
	p->level--;
}

LLVMValueRef gen_var(struct gen *g, struct var_sym *sym)
{
	uint32_t size = round8(sym->type->size);
	struct var_gen *v = sym->gen;

	if (v)
		return v->mem;
	v = arena_new_of(g->u->arena, struct var_gen);
	v->sym = sym;
	if (type_in_register(sym->type))
		v->mem = gen_register(g);
	else
		v->mem = fits_stack(g, size) ? gen_stack(g, size) : gen_frame_tmp(g, size);
	v->next = g->p->vars;
	g->p->vars = v;
	sym->gen = v;
	return v->mem;
}

static LLVMValueRef swap_bytes(struct gen *g, LLVMValueRef v)
{
	unsigned id = LLVMLookupIntrinsicID("llvm.bswap", 10);
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(g->mod, id, &g->i64, 1);

	return LLVMBuildCall2(g->b, LLVMIntrinsicGetType(g->ctx, id, &g->i64, 1), fn, &v, 1, "");
}

/* Of bytes that were swapped the verifier knows nothing, whatever they were; twice, they are the same. */
LLVMValueRef gen_number(struct gen *g, LLVMValueRef addr)
{
	return swap_bytes(g, gen_opaque(g, swap_bytes(g, gen_opaque(g, addr))));
}

bool gen_knows_pointers(const struct gen *g)
{
	return g->p->probe->probe.ptype->flags & PROBE_BTF_POINTERS;
}

LLVMValueRef gen_count_from(struct gen *g, const struct type *t, LLVMValueRef v)
{
	return t->kind == V_PTR && gen_knows_pointers(g) ? gen_number(g, v) : v;
}

void gen_zero_at(struct gen *g, LLVMValueRef dst, uint32_t size, uint32_t align)
{
	if (size <= INLINE_BYTES) {
		LLVMBuildMemSet(g->b, dst, LLVMConstInt(g->i8, 0, false), gen_i64(g, size), align);
		return;
	}
	/* a read that fails zeroes its destination: one call in place of a store for each word */
	g->may_fail = true;
	HELP(g, probe_read_kernel, dst, gen_i32(g, size), LLVMConstNull(g->ptr));
}

void gen_zero(struct gen *g, LLVMValueRef dst, uint32_t size)
{
	gen_zero_at(g, dst, size, 8);
}

void gen_copy(struct gen *g, LLVMValueRef dst, LLVMValueRef src, uint32_t size)
{
	if (size <= INLINE_BYTES)
		LLVMBuildMemCpy(g->b, dst, 1, src, 1, gen_i64(g, size));
	else
		HELP(g, probe_read_kernel, dst, gen_i32(g, size), src);
}

LLVMTypeRef gen_int_type(struct gen *g, uint32_t size)
{
	return LLVMIntTypeInContext(g->ctx, size * 8);
}

bool type_in_register(const struct type *t)
{
	return t->kind == V_INT || t->kind == V_BOOL || t->kind == V_ENUM || t->kind == V_PTR;
}

LLVMValueRef gen_load(struct gen *g, LLVMValueRef addr, const struct type *t)
{
	LLVMValueRef v = LLVMBuildLoad2(g->b, gen_int_type(g, t->size), addr, "");

	LLVMSetAlignment(v, t->align ? t->align : 1);
	if (t->size == 8)
		return v;
	return t->is_signed ? LLVMBuildSExt(g->b, v, g->i64, "")
			    : LLVMBuildZExt(g->b, v, g->i64, "");
}

void gen_store(struct gen *g, LLVMValueRef addr, const struct type *t, LLVMValueRef v)
{
	LLVMValueRef st;

	if (t->size < 8)
		v = LLVMBuildTrunc(g->b, v, gen_int_type(g, t->size), "");
	st = LLVMBuildStore(g->b, v, addr);
	LLVMSetAlignment(st, t->align ? t->align : 1);
}

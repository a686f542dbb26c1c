// SPDX-License-Identifier: Apache-2.0
/*
 * What stacks of the kernel and of processes have in common: a place for each program and CPU where
 * the frames are gathered (struct unwind_state), the hash over them, and the marks of what was sent.
 *
 * Functions here and in unwind.c are global ones: the kernel verifies each by itself, once, and takes
 * what it returns for any number. Written out in a program, a loop over 127 frames is gone through
 * for every way that leads to it; five stacks in one probe were more than the verifier has patience
 * for. Such functions get numbers only, and find the state by the program's slot.
 */
#include <linux/bpf.h>

#include "codegen/stack.h"

enum { MARKS = 16384 }; /* made at once, 2 ms: twice as many would cost twice the time at start */

#define MULTIPLIER 0x9e3779b97f4a7c15ull

struct map_gen *stack_marks(struct gen *g)
{
	if (!g->stacks)
		g->stacks = map_new(g, IMAGE_MAP_STACKS, BPF_MAP_TYPE_LRU_HASH, 8, 8, MARKS);
	return g->stacks;
}

/* Upper bits reach the lower ones by the shift, lower ones the upper by the product. */
LLVMValueRef stack_mix(struct gen *g, LLVMValueRef h, LLVMValueRef v)
{
	h = LLVMBuildMul(g->b, LLVMBuildXor(g->b, h, v, ""), gen_i64(g, MULTIPLIER), "");
	return LLVMBuildXor(g->b, h, LLVMBuildLShr(g->b, h, gen_i64(g, 29), ""), "");
}

/* ---- functions ---- */

LLVMValueRef stack_function_open(struct gen *g, struct stack_function *f, const char *name,
				 unsigned params)
{
	static const char *const param_names[] = { "a", "b", "c" };
	LLVMTypeRef types[4] = { g->i64, g->i64, g->i64, g->i64 };

	f->outer = g->p;
	f->here = LLVMGetInsertBlock(g->b);
	f->place = LLVMGetCurrentDebugLocation2(g->b);
	f->inner = (struct prog_gen){ .probe = g->p->probe, .name = name };
	f->inner.fn = LLVMAddFunction(g->mod, name, LLVMFunctionType(g->i64, types, params, false));
	f->inner.scope = debug_global(g, f->inner.fn, name, param_names, params);
	g->p = &f->inner;
	g->p->entry = gen_block(g, "entry");
	g->p->leave = gen_block(g, "leave");
	gen_at(g, g->p->leave);
	gen_place(g, g->p->probe->span);
	LLVMBuildRet(g->b, gen_i64(g, 0));
	gen_at(g, g->p->entry);
	return f->inner.fn;
}

void stack_function_close(struct gen *g, struct stack_function *f)
{
	g->p = f->outer;
	gen_at(g, f->here);
	LLVMSetCurrentDebugLocation2(g->b, f->place);
}

/* ---- the state ---- */

LLVMValueRef stack_slot(struct gen *g)
{
	if (!g->p->stack_slot)
		g->p->stack_slot = ++g->stack_slot_cnt;
	return gen_i64(g, g->p->stack_slot - 1);
}

LLVMValueRef stack_state_at(struct gen *g, LLVMValueRef slot)
{
	LLVMValueRef key = gen_stack(g, 8), st;

	if (!g->stack_states)
		g->stack_states = map_new(g, IMAGE_MAP_UNWIND, BPF_MAP_TYPE_PERCPU_ARRAY, 4,
					  sizeof(struct unwind_state), 1);
	LLVMBuildStore(g->b, slot, key);
	st = HELP(g, map_lookup_elem, g->stack_states->global, key);
	gen_only_if(g, gen_not_zero(g, st), g->p->leave);
	return st;
}

LLVMValueRef stack_state(struct gen *g)
{
	return stack_state_at(g, stack_slot(g));
}

void stack_finish(struct gen *g)
{
	if (g->stack_states)
		g->stack_states->max_entries = g->stack_slot_cnt;
}

LLVMValueRef stack_by_kernel(struct gen *g, LLVMValueRef st, uint32_t most, bool user)
{
	LLVMValueRef ret = HELP(g, get_stack, g->p->ctx, gen_off(g, st, STACK_AT(ip)),
				gen_i32(g, most), gen_i64(g, user ? BPF_F_USER_STACK : 0));

	return gen_bound(g, ret, most + 1);
}

/* ---- the hash ---- */

/*
 * Over cnt > 0 frames, STACK_MAX at most, which is said once more for 5.10: its verifier learns
 * nothing from comparing two registers. The test stands at the end, where every kernel takes it.
 */
static LLVMValueRef hash_frames(struct gen *g, LLVMValueRef st, LLVMValueRef h, LLVMValueRef cnt)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), body = gen_block(g, "frame");
	LLVMBasicBlockRef bound = gen_block(g, "bound"), done = gen_block(g, "hashed");
	LLVMValueRef i, acc, v, more;

	g->has_loops = true;
	gen_br(g, body);
	gen_at(g, body);
	i = LLVMBuildPhi(g->b, g->i64, "");
	acc = LLVMBuildPhi(g->b, g->i64, "");
	v = LLVMBuildShl(g->b, gen_opaque(g, i), gen_i64(g, 3), "");
	v = gen_off_var(g, gen_off(g, st, STACK_AT(ip)), v);
	v = stack_mix(g, acc, LLVMBuildLoad2(g->b, g->i64, v, ""));
	more = LLVMBuildAdd(g->b, i, gen_i64(g, 1), "");
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, cnt), bound, done);
	gen_at(g, bound);
	more = gen_opaque(g, more);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, gen_i64(g, STACK_MAX)), body, done);
	LLVMAddIncoming(i, (LLVMValueRef[]){ gen_i64(g, 0), more },
			(LLVMBasicBlockRef[]){ from, bound }, 2);
	LLVMAddIncoming(acc, (LLVMValueRef[]){ h, v }, (LLVMBasicBlockRef[]){ from, bound }, 2);
	gen_at(g, done);
	return v;
}

/* stack_hash(slot, seed, cnt) */
static void hash_function(struct gen *g)
{
	struct stack_function f;
	LLVMValueRef fn = stack_function_open(g, &f, "stack_hash", 3), st;

	g->stack_hash_fn = fn;
	st = stack_state_at(g, LLVMGetParam(fn, 0));
	LLVMBuildRet(g->b, hash_frames(g, st, LLVMGetParam(fn, 1), LLVMGetParam(fn, 2)));
	stack_function_close(g, &f);
}

LLVMValueRef stack_hash(struct gen *g, LLVMValueRef seed, LLVMValueRef cnt)
{
	LLVMTypeRef types[3] = { g->i64, g->i64, g->i64 };
	LLVMValueRef args[3] = { stack_slot(g), seed, cnt };

	if (!g->stack_hash_fn)
		hash_function(g);
	return LLVMBuildCall2(g->b, LLVMFunctionType(g->i64, types, 3, false), g->stack_hash_fn,
			      args, 3, "");
}

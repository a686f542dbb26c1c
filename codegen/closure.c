// SPDX-License-Identifier: Apache-2.0
/*
 * The body of a loop becomes a function of its own; what it shares with its surroundings is reached
 * through an environment on the caller's stack:
 *
 *	[0] the probe's context   [1] how the loop ended   [2] the program's frame   [3..] addresses
 *	of the variables, and of the program's result where there is one
 *
 * The verifier follows pointers kept there into the callback's frame, so they stay what they were.
 *
 * Numbers have their place in the program's frame of the scratch map for as long as the loop runs: of
 * such memory the verifier does not know the contents. On the stack it would follow each value that
 * they can have, one round for each.
 */
#include "codegen/closure.h"

enum { ENV_CTX, ENV_END, ENV_FRAME, ENV_VARS };

struct capture_walk {
	struct gen *g;
	struct closure *c;
};

static bool capture_var(struct walker *w, struct node *n)
{
	struct capture_walk *cw = w->arg;
	struct capture *cap;

	if (n->kind != N_VAR || !n->var.sym || !n->var.sym->gen)
		return true;
	for (cap = cw->c->captures; cap; cap = cap->next)
		if (cap->outer->sym == n->var.sym)
			return true;
	cap = arena_new_of(cw->g->u->arena, struct capture);
	cap->outer = n->var.sym->gen;
	cap->next = cw->c->captures;
	cw->c->captures = cap;
	cw->c->cnt++;
	return true;
}

static LLVMValueRef env_at(struct gen *g, LLVMValueRef env, uint32_t i)
{
	return gen_off(g, env, 8ull * i);
}

static bool is_number(const struct capture *cap)
{
	const struct type *t = cap->outer->sym->type;

	return t && type_in_register(t);
}

static void copy_in(struct gen *g, struct capture *cap)
{
	const struct type *t = cap->outer->sym->type;

	cap->off = g->p->frame_used;
	cap->copy = gen_frame_tmp(g, 8);
	gen_store(g, cap->copy, t, gen_load(g, cap->outer->mem, t));
}

static void copy_out(struct gen *g, struct capture *cap)
{
	const struct type *t = cap->outer->sym->type;

	gen_store(g, cap->outer->mem, t, gen_load(g, cap->copy, t));
}

/* In the caller: fill the environment in. */
static void build_env(struct gen *g, struct closure *c)
{
	uint32_t i = ENV_VARS;

	c->env = gen_stack(g, 8 * (ENV_VARS + c->cnt + !!g->p->result));
	LLVMBuildStore(g->b, g->p->ctx, env_at(g, c->env, ENV_CTX));
	LLVMBuildStore(g->b, gen_i64(g, CLOSURE_DONE), env_at(g, c->env, ENV_END));
	LLVMBuildStore(g->b, gen_frame(g), env_at(g, c->env, ENV_FRAME));
	for (struct capture *cap = c->captures; cap; cap = cap->next) {
		if (is_number(cap))
			copy_in(g, cap);
		else
			LLVMBuildStore(g->b, cap->outer->mem, env_at(g, c->env, i++));
	}
	if (g->p->result)
		LLVMBuildStore(g->b, g->p->result, env_at(g, c->env, i));
}

/* In the callback: take it apart. */
static void open_env(struct gen *g, struct closure *c, LLVMValueRef env)
{
	uint32_t i = ENV_VARS;

	g->p->ctx = LLVMBuildLoad2(g->b, g->ptr, env_at(g, env, ENV_CTX), "ctx");
	g->p->scratch = LLVMBuildLoad2(g->b, g->ptr, env_at(g, env, ENV_FRAME), "frame");
	for (struct capture *cap = c->captures; cap; cap = cap->next) {
		cap->inner = *cap->outer;
		cap->inner.mem = is_number(cap)
					 ? gen_off(g, gen_frame(g), cap->off)
					 : LLVMBuildLoad2(g->b, g->ptr, env_at(g, env, i++), "");
		cap->outer->sym->gen = &cap->inner;
	}
	if (g->p->result)
		g->p->result = LLVMBuildLoad2(g->b, g->ptr, env_at(g, env, i), "result");
}

/* A block that ends the callback, and the loop. */
static LLVMBasicBlockRef loop_end(struct gen *g, LLVMValueRef env, const char *name,
				  enum closure_end end)
{
	LLVMBasicBlockRef bb = gen_block(g, name);

	gen_at(g, bb);
	LLVMBuildStore(g->b, gen_i64(g, end), env_at(g, env, ENV_END));
	LLVMBuildRet(g->b, gen_i64(g, 1));
	return bb;
}

static void callback_ends(struct gen *g, struct closure *c, LLVMValueRef env)
{
	c->loop.brk = loop_end(g, env, "break", CLOSURE_BREAK);
	g->p->leave = g->p->stop = loop_end(g, env, "return", CLOSURE_RETURN);
	c->loop.cont = gen_block(g, "continue");
	gen_at(g, c->loop.cont);
	LLVMBuildRet(g->b, gen_i64(g, 0));
}

static LLVMValueRef callback_new(struct gen *g, unsigned params)
{
	LLVMTypeRef types[4] = { g->ptr, g->ptr, g->ptr, g->ptr };
	LLVMValueRef fn;

	if (params == 2)
		types[0] = g->i64;
	/* its program's name first: what LLVM has to say of it is said of the probe */
	fn = LLVMAddFunction(g->mod, arena_printf(g->u->arena, "%s_loop", g->p->name),
			     LLVMFunctionType(g->i64, types, params, false));
	LLVMSetLinkage(fn, LLVMInternalLinkage);
	return fn;
}

void closure_open(struct gen *g, struct closure *c, struct node *body, unsigned params)
{
	struct capture_walk cw = { g, c };
	struct walker w = { .pre = capture_var, .arg = &cw };
	LLVMValueRef env;

	walk(&w, body);
	build_env(g, c);
	c->outer = g->p;
	c->here = LLVMGetInsertBlock(g->b);
	c->place = LLVMGetCurrentDebugLocation2(g->b);
	c->inner = *g->p;
	c->inner.fn = callback_new(g, params);
	c->inner.slots = NULL;
	c->inner.vars = NULL;
	c->inner.scope = debug_callback(g, c->inner.fn, "loop_body");
	g->p = &c->inner;
	gen_place(g, body->span); /* a location belongs to one function */
	g->p->entry = gen_block(g, "entry");
	env = LLVMGetParam(g->p->fn, params - 1);
	callback_ends(g, c, env);
	gen_at(g, g->p->entry);
	open_env(g, c, env);
	g->p->loop = &c->loop;
}

void closure_close(struct gen *g, struct closure *c)
{
	gen_br(g, c->loop.cont);
	for (struct capture *cap = c->captures; cap; cap = cap->next)
		cap->outer->sym->gen = cap->outer;
	gen_finish_blocks(g);
	c->outer->frame_max = c->inner.frame_max;
	c->outer->uses_cookie = c->inner.uses_cookie;
	c->outer->overrides = c->inner.overrides;
	c->outer->has_calls |= c->inner.has_calls;
	g->p = c->outer;
	gen_at(g, c->here);
	LLVMSetCurrentDebugLocation2(g->b, c->place);
}

LLVMValueRef closure_leave(struct gen *g, struct closure *c)
{
	LLVMBasicBlockRef on = gen_block(g, "after");
	LLVMValueRef end = LLVMBuildLoad2(g->b, g->i64, env_at(g, c->env, ENV_END), "");
	LLVMValueRef returned = gen_cmp(g, LLVMIntEQ, end, gen_i64(g, CLOSURE_RETURN));

	gen_cond_br(g, returned, g->p->leave, on);
	gen_at(g, on);
	for (struct capture *cap = c->captures; cap; cap = cap->next)
		if (is_number(cap))
			copy_out(g, cap);
	return end;
}

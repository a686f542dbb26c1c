// SPDX-License-Identifier: Apache-2.0
/*
 * Loops whose body the kernel calls: for over a map (bpf_for_each_map_elem), over a range and while
 * (bpf_loop), but for those that the verifier walks through in no time. The body becomes a function
 * of its own; what it shares with its surroundings is reached through an environment on the caller's
 * stack:
 *
 *	[0] the probe's context   [1] set by "return"   [2..] addresses of the variables, and of the
 *	program's result where there is one
 *
 * The verifier follows pointers kept there into the callback's frame, so they stay what they were.
 *
 * Numbers have their place in the program's frame of the scratch map for as long as the loop runs: of
 * such memory the verifier does not know the contents. On the stack it would follow each value that
 * they can have, one round for each.
 */
#include "codegen/gen.h"

enum { ENV_CTX, ENV_RETURNED, ENV_VARS };

/* The most that bpf_loop takes. */
enum { ROUNDS_MAX = 1 << 23 };

/* A variable of the surroundings that the body uses. */
struct capture {
	struct var_gen *outer;
	struct var_gen inner;
	LLVMValueRef copy; /* of a number, in the caller's view of the frame */
	uint32_t off; /* there */
	struct capture *next;
};

struct closure {
	struct prog_gen *outer, inner;
	struct capture *captures;
	uint32_t cnt;
	LLVMValueRef env; /* in the caller's frame */
	LLVMBasicBlockRef here, code;
	LLVMMetadataRef place;
	struct loop_gen loop;
};

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
	LLVMBuildStore(g->b, gen_i64(g, 0), env_at(g, c->env, ENV_RETURNED));
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

/* Blocks that end the callback: go on, stop, and stop for good. */
static void callback_ends(struct gen *g, struct closure *c, LLVMValueRef env)
{
	c->loop = (struct loop_gen){ gen_block(g, "break"), gen_block(g, "continue"), NULL };
	g->p->leave = g->p->stop = gen_block(g, "return");
	gen_at(g, c->loop.cont);
	LLVMBuildRet(g->b, gen_i64(g, 0));
	gen_at(g, c->loop.brk);
	LLVMBuildRet(g->b, gen_i64(g, 1));
	gen_at(g, g->p->leave);
	LLVMBuildStore(g->b, gen_i64(g, 1), env_at(g, env, ENV_RETURNED));
	LLVMBuildRet(g->b, gen_i64(g, 1));
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

/* Leaves the builder inside a new callback of so many parameters, the last of them the environment. */
static void closure_open(struct gen *g, struct closure *c, struct node *body, unsigned params)
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
	c->code = gen_phase_open(g, "body");
	/* before the scratch lookup, which may leave by way of the environment */
	open_env(g, c, env);
	g->p->loop = &c->loop;
}

/* Ends the callback and goes on in the caller. */
static void closure_close(struct gen *g, struct closure *c)
{
	gen_br(g, c->loop.cont);
	gen_phase_close(g, c->code);
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

/* In the caller, after the loop: "return" in the body leaves the program too. */
static void closure_leave(struct gen *g, struct closure *c)
{
	LLVMBasicBlockRef on = gen_block(g, "after");
	LLVMValueRef returned = LLVMBuildLoad2(g->b, g->i64, env_at(g, c->env, ENV_RETURNED), "");

	gen_cond_br(g, gen_not_zero(g, returned), g->p->leave, on);
	gen_at(g, on);
	for (struct capture *cap = c->captures; cap; cap = cap->next)
		if (is_number(cap))
			copy_out(g, cap);
}

/* $kv = (key, value): an aggregate's value is its sum over the CPUs. */
static void bind_entry(struct gen *g, struct node *n)
{
	struct map_sym *m = n->loop.map->map.sym;
	struct var_sym *sym = n->loop.var->var.sym;
	const struct type_field *f = sym->type->fields;
	LLVMValueRef mem = gen_var(g, sym), key = LLVMGetParam(g->p->fn, 1);
	LLVMValueRef val = LLVMGetParam(g->p->fn, 2);

	gen_convert(g, gen_off(g, mem, f[0].off), f[0].type, key, m->key, PAD_NONE);
	if (m->val->kind == V_STATS)
		agg_read_stats(g, m, key, gen_off(g, mem, f[1].off));
	else if (type_is_agg(m->val))
		gen_store(g, gen_off(g, mem, f[1].off), f[1].type, agg_read_entry(g, m, key));
	else
		gen_convert(g, gen_off(g, mem, f[1].off), f[1].type, val, m->val, PAD_NONE);
}

void gen_for_map(struct gen *g, struct node *n)
{
	struct map_gen *mg = n->loop.map->map.sym->gen;
	struct mem_mark m = gen_mark(g), inner;
	struct closure c = { 0 };

	mg->whole = true;
	pack_need(g, "for_each_map_elem", n->span);
	closure_open(g, &c, n->loop.body, 4);
	inner = gen_mark(g);
	bind_entry(g, n);
	gen_body(g, n->loop.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, for_each_map_elem, mg->global, c.inner.fn, c.env, gen_i64(g, 0));
	closure_leave(g, &c);
	gen_release(g, m);
}

/* The callback's number counts from 0: $i = from + number. */
static void gen_loop_call(struct gen *g, struct node *n, LLVMValueRef from_at, LLVMValueRef count)
{
	struct var_gen from_gen = { .mem = from_at };
	struct var_sym *sym = n->loop.var->var.sym;
	struct closure c = { 0 };
	struct mem_mark inner;
	LLVMValueRef i, from;

	/* the start travels like a variable of the surroundings */
	c.captures = arena_new_of(g->u->arena, struct capture);
	from_gen.sym = arena_new_of(g->u->arena, struct var_sym);
	c.captures->outer = &from_gen;
	c.cnt = 1;
	closure_open(g, &c, n->loop.body, 2);
	inner = gen_mark(g);
	from = ((struct var_gen *)from_gen.sym->gen)->mem;
	i = LLVMBuildAdd(g->b, LLVMGetParam(g->p->fn, 0), LLVMBuildLoad2(g->b, g->i64, from, ""),
			 "");
	gen_store(g, gen_var(g, sym), sym->type, i);
	gen_body(g, n->loop.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, loop, LLVMBuildTrunc(g->b, count, g->i32, ""), c.inner.fn, c.env, gen_i64(g, 0));
	closure_leave(g, &c);
}

/*
 * The call stands where there is a round at least: of a loop that it knows to have none, the verifier
 * removes the callback and later misses it.
 */
void gen_for_call(struct gen *g, struct node *n)
{
	struct mem_mark m = gen_mark(g);
	LLVMValueRef from = gen_int(g, n->loop.from), to = gen_int(g, n->loop.to), at, few, count;
	LLVMBasicBlockRef some = gen_block(g, "some"), done = gen_block(g, "done");

	at = gen_tmp(g, 8);
	LLVMBuildStore(g->b, from, at);
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, from, to), some, done);
	gen_at(g, some);
	count = LLVMBuildSub(g->b, to, from, "");
	few = gen_cmp(g, LLVMIntULT, count, gen_i64(g, ROUNDS_MAX));
	gen_loop_call(g, n, at, gen_select(g, few, count, gen_i64(g, ROUNDS_MAX)));
	gen_br(g, done);
	gen_at(g, done);
	gen_release(g, m);
}

/* The test stands in the callback; where it fails the loop ends. */
void gen_while_call(struct gen *g, struct node *n)
{
	struct mem_mark m = gen_mark(g), inner;
	LLVMBasicBlockRef body;
	struct closure c = { 0 };

	closure_open(g, &c, n, 2);
	inner = gen_mark(g);
	body = gen_block(g, "body");
	gen_cond_br(g, gen_bool(g, n->repeat.cond), body, c.loop.brk);
	gen_at(g, body);
	gen_body(g, n->repeat.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, loop, gen_i32(g, ROUNDS_MAX), c.inner.fn, c.env, gen_i64(g, 0));
	closure_leave(g, &c);
	gen_release(g, m);
}

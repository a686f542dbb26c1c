// SPDX-License-Identifier: Apache-2.0
/*
 * Loops. Over a map, over a range and while, the kernel calls the body (bpf_for_each_map_elem,
 * bpf_loop), but for those that the verifier walks through in no time; and where it can not, plain
 * loops take their place.
 */
#include <errno.h>

#include "codegen/closure.h"

/* The most that bpf_loop takes. */
enum { ROUNDS_MAX = 1 << 23 };

enum {
	/* a range of this size is a plain loop, whatever the kernel can do */
	PLAIN_ROUNDS_MAX = 64,
	PLAIN_SIZE_MAX = 400,
	STACK_SIZE = 200,
};

static void while_test(struct gen *g, struct node *n, LLVMBasicBlockRef body,
		       LLVMBasicBlockRef done)
{
	struct mem_mark m = gen_mark(g);

	gen_cond_br(g, gen_bool(g, n->repeat.cond), body, done);
	gen_release(g, m);
}

/* Loops have their test at the end, see keep_layout in emit.c. */
static void gen_while_plain(struct gen *g, struct node *n)
{
	LLVMBasicBlockRef body = gen_block(g, "body");
	struct loop_gen loop = { gen_block(g, "done"), gen_block(g, "while"), g->p->loop };

	g->has_loops = true;

	while_test(g, n, body, loop.brk);
	gen_at(g, body);
	g->p->loop = &loop;
	gen_body(g, n->repeat.body);
	g->p->loop = loop.outer;
	gen_br(g, loop.cont);
	gen_at(g, loop.cont);
	while_test(g, n, body, loop.brk);
	gen_at(g, loop.brk);
}

/* for ($i : a..b) as a plain loop, with a counter of its own so that the body may change $i. */
static void gen_for_plain(struct gen *g, struct node *n)
{
	LLVMBasicBlockRef body = gen_block(g, "body");
	struct loop_gen loop = { gen_block(g, "done"), gen_block(g, "next"), g->p->loop };
	struct mem_mark m = gen_mark(g);
	/* in memory the verifier would not know its value, nor see the end */
	LLVMValueRef counter = gen_register(g), from = gen_int(g, n->loop.from);
	LLVMValueRef end = gen_int(g, n->loop.to), i;
	struct var_sym *sym = n->loop.var->var.sym;

	g->has_loops = true;
	LLVMBuildStore(g->b, from, counter);
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, from, end), body, loop.brk);
	gen_at(g, body);
	i = LLVMBuildLoad2(g->b, g->i64, counter, "");
	gen_store(g, gen_var(g, sym), sym->type, i);
	g->p->loop = &loop;
	gen_body(g, n->loop.body);
	g->p->loop = loop.outer;
	gen_br(g, loop.cont);
	gen_at(g, loop.cont);
	i = LLVMBuildLoad2(g->b, g->i64, counter, "");
	i = LLVMBuildAdd(g->b, i, gen_i64(g, 1), "");
	LLVMBuildStore(g->b, i, counter);
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, i, end), body, loop.brk);
	gen_at(g, loop.brk);
	gen_release(g, m);
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
	clock_round(g, n->span);
	inner = gen_mark(g);
	bind_entry(g, n);
	gen_body(g, n->loop.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, for_each_map_elem, mg->global, c.inner.fn, c.env, gen_i64(g, 0));
	closure_leave(g, &c);
	gen_release(g, m);
}

/* A loop that would go on, if there were more rounds. */
static void count_cut(struct gen *g, struct node *n, LLVMValueRef whole)
{
	LLVMBasicBlockRef cut = gen_block(g, "cut"), on = gen_block(g, "on");

	gen_cond_br(g, whole, on, cut);
	gen_at(g, cut);
	failed_loop(g, n->span, E2BIG);
	gen_br(g, on);
	gen_at(g, on);
}

/* Gives how it ended. The callback's number counts from 0: $i = from + number. */
static LLVMValueRef gen_loop_call(struct gen *g, struct node *n, LLVMValueRef from_at,
				  LLVMValueRef count)
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
	clock_round(g, n->span);
	inner = gen_mark(g);
	from = ((struct var_gen *)from_gen.sym->gen)->mem;
	i = LLVMBuildAdd(g->b, LLVMGetParam(g->p->fn, 0), LLVMBuildLoad2(g->b, g->i64, from, ""),
			 "");
	gen_store(g, gen_var(g, sym), sym->type, i);
	gen_body(g, n->loop.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, loop, LLVMBuildTrunc(g->b, count, g->i32, ""), c.inner.fn, c.env, gen_i64(g, 0));
	return closure_leave(g, &c);
}

/*
 * The call stands where there is a round at least: of a loop that it knows to have none, the verifier
 * removes the callback and later misses it.
 */
static void gen_for_call(struct gen *g, struct node *n)
{
	struct mem_mark m = gen_mark(g);
	LLVMValueRef from = gen_int(g, n->loop.from), to = gen_int(g, n->loop.to), at, few, count;
	LLVMValueRef end, broken;
	LLVMBasicBlockRef some = gen_block(g, "some"), done = gen_block(g, "done");

	at = gen_tmp(g, 8);
	LLVMBuildStore(g->b, from, at);
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, from, to), some, done);
	gen_at(g, some);
	count = LLVMBuildSub(g->b, to, from, "");
	few = gen_cmp(g, LLVMIntULE, count, gen_i64(g, ROUNDS_MAX));
	end = gen_loop_call(g, n, at, gen_select(g, few, count, gen_i64(g, ROUNDS_MAX)));
	broken = gen_cmp(g, LLVMIntEQ, end, gen_i64(g, CLOSURE_BREAK));
	count_cut(g, n, LLVMBuildOr(g->b, few, broken, ""));
	gen_br(g, done);
	gen_at(g, done);
	gen_release(g, m);
}

/* The test stands in the callback; where it fails the loop ends. */
static void gen_while_call(struct gen *g, struct node *n)
{
	struct mem_mark m = gen_mark(g), inner;
	LLVMBasicBlockRef body;
	struct closure c = { 0 };
	LLVMValueRef end;

	closure_open(g, &c, n, 2);
	clock_round(g, n->span);
	inner = gen_mark(g);
	body = gen_block(g, "body");
	gen_cond_br(g, gen_bool(g, n->repeat.cond), body, c.loop.brk);
	gen_at(g, body);
	gen_body(g, n->repeat.body);
	gen_release(g, inner);
	closure_close(g, &c);
	HELP(g, loop, gen_i32(g, ROUNDS_MAX), c.inner.fn, c.env, gen_i64(g, 0));
	end = closure_leave(g, &c);
	count_cut(g, n, gen_cmp(g, LLVMIntEQ, end, gen_i64(g, CLOSURE_BREAK)));
	gen_release(g, m);
}

static bool count_node(struct walker *w, struct node *n)
{
	bool is_loop = n->type && (n->type->kind == V_KSTACK ||
				   n->type->kind == V_USTACK); /* over its frames */

	*(uint64_t *)w->arg += is_loop ? STACK_SIZE : 1;
	return true;
}

/* What the verifier has to walk through, in nodes of the tree; UINT64_MAX: it may be without end. */
static uint64_t rounds_size(struct node *n)
{
	const struct node *from = n->loop.from, *to = n->loop.to;
	uint64_t size = 0;
	struct walker w = { .pre = count_node, .arg = &size };

	if (from->kind != N_INT || to->kind != N_INT)
		return UINT64_MAX;
	if ((int64_t)(to->num.value - from->num.value) > PLAIN_ROUNDS_MAX)
		return UINT64_MAX;
	walk(&w, n->loop.body);
	return size * (to->num.value - from->num.value);
}

static bool is_short(struct node *range)
{
	return rounds_size(range) <= PLAIN_SIZE_MAX;
}

bool loop_is_call(const struct gen *g, struct node *n)
{
	if (n->kind == N_FOR_RANGE)
		return !g->p->plain && !is_short(n);
	return n->kind == N_FOR_MAP || (n->kind == N_WHILE && !g->p->plain);
}

/* A loop that is a call where the kernel can. */
static void wish_call(struct gen *g, struct node *n)
{
	g->p->has_calls = true;
	pack_wish(g, "bpf_loop", n->span);
}

void gen_for_range(struct gen *g, struct node *n)
{
	if (is_short(n)) {
		gen_for_plain(g, n);
		return;
	}
	wish_call(g, n);
	if (g->p->plain)
		gen_for_plain(g, n);
	else
		gen_for_call(g, n);
}

void gen_while(struct gen *g, struct node *n)
{
	wish_call(g, n);
	if (g->p->plain)
		gen_while_plain(g, n);
	else
		gen_while_call(g, n);
}

/* N copies of the body: break leaves them all, continue goes on with the next. */
void gen_unroll(struct gen *g, struct node *n)
{
	struct loop_gen loop = { .brk = gen_block(g, "done"), .outer = g->p->loop };

	g->p->loop = &loop;
	for (uint64_t i = 0; i < n->repeat.cond->num.value; i++) {
		loop.cont = gen_block(g, "again");
		gen_body(g, n->repeat.body);
		gen_br(g, loop.cont);
		gen_at(g, loop.cont);
	}
	gen_br(g, loop.brk);
	gen_at(g, loop.brk);
	g->p->loop = loop.outer;
}

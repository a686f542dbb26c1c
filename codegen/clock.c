// SPDX-License-Identifier: Apache-2.0
/*
 * Loops end in time. The kernel goes 8,388,608 rounds for who asks it to, in each of which another
 * loop may go as many; nothing else gets the CPU meanwhile, and the machine stands still.
 *
 * So rounds are counted, those of all loops of a hit together, in the program's frame:
 *
 *	[0] rounds   [8] when time is over; 0: nobody looked at the clock so far
 *
 * Each 64th looks at the clock. The first look starts the time, so that short loops never ask for it;
 * one that comes too late leaves the program, and is counted by its loop.
 */
#include <errno.h>

#include "codegen/gen.h"

enum {
	CLOCK_ROUNDS = 0,
	CLOCK_END = 8,
	CLOCK_SZ = 16,
	LOOK_EVERY = 64, /* a power of 2 */
};

static uint64_t limit_ns(const struct gen *g)
{
	return setting_num(g->u->settings, SETTING_max_loop_ms) * 1000000;
}

struct call_search {
	struct gen *g;
	bool found;
};

static bool search_calls(struct walker *w, struct node *n)
{
	struct call_search *s = w->arg;

	s->found |= loop_is_call(s->g, n);
	return !s->found;
}

void clock_open(struct gen *g, struct node *code)
{
	struct call_search s = { g, false };
	struct walker w = { .pre = search_calls, .arg = &s };
	LLVMValueRef clock;

	if (g->p->has_clock || !limit_ns(g))
		return;
	walk(&w, code);
	if (!s.found)
		return;
	g->p->has_clock = true;
	g->p->clock_off = g->p->frame_used;
	clock = gen_frame_tmp(g, CLOCK_SZ);
	LLVMBuildStore(g->b, gen_i64(g, 0), gen_off(g, clock, CLOCK_ROUNDS));
	LLVMBuildStore(g->b, gen_i64(g, 0), gen_off(g, clock, CLOCK_END));
}

static LLVMValueRef clock_at(struct gen *g, uint32_t off)
{
	return gen_off(g, gen_frame(g), (uint64_t)g->p->clock_off + off);
}

/* Whether time is over. */
static LLVMValueRef look(struct gen *g)
{
	LLVMValueRef now = HELP0(g, ktime_get_ns), end_at = clock_at(g, CLOCK_END);
	LLVMValueRef end = LLVMBuildLoad2(g->b, g->i64, end_at, "");
	LLVMValueRef first = LLVMBuildAdd(g->b, now, gen_i64(g, limit_ns(g)), "");

	end = gen_select(g, gen_not_zero(g, end), end, first);
	LLVMBuildStore(g->b, end, end_at);
	return gen_cmp(g, LLVMIntUGT, now, end);
}

void clock_round(struct gen *g, struct span loop)
{
	LLVMBasicBlockRef looks, late, on;
	LLVMValueRef rounds_at, rounds, left;

	if (!g->p->has_clock)
		return;
	looks = gen_block(g, "looks");
	late = gen_block(g, "late");
	on = gen_block(g, "on");
	rounds_at = clock_at(g, CLOCK_ROUNDS);
	rounds = LLVMBuildLoad2(g->b, g->i64, rounds_at, "");
	rounds = LLVMBuildAdd(g->b, rounds, gen_i64(g, 1), "");
	LLVMBuildStore(g->b, rounds, rounds_at);
	left = LLVMBuildAnd(g->b, rounds, gen_i64(g, LOOK_EVERY - 1), "");
	gen_cond_br(g, gen_not_zero(g, left), on, looks);
	gen_at(g, looks);
	gen_cond_br(g, look(g), late, on);
	gen_at(g, late);
	failed_loop(g, loop, ETIME);
	gen_br(g, g->p->leave);
	gen_at(g, on);
}

void clock_soon(struct gen *g)
{
	if (g->p->has_clock)
		LLVMBuildStore(g->b, gen_i64(g, LOOK_EVERY - 1), clock_at(g, CLOCK_ROUNDS));
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A program's frame is its own for one run at a time. Where the kernel does not see to that
 * (PROBE_UNGUARDED) the program does:
 *
 *	entry:	keep the CPU, so that no other thread is given it until the program is done
 *	leave:	give it back
 *
 * which the kernel lets programs do that call functions of ours since 6.16. Before, the first word of the
 * frame says that it is taken, and a hit that finds it so is missed:
 *
 *	entry:	frame->taken++ ? missed : start
 *	leave:	frame->taken--
 */
#include "codegen/gen.h"
#include "codegen/outline.h"

enum { TAKEN_SZ = 8 };

static bool unguarded(const struct prog_gen *p)
{
	return p->probe->probe.ptype->flags & PROBE_UNGUARDED;
}

/* Whether it is known already that programs can keep their CPU, or that they cannot. */
static bool knows(const struct gen *g, bool keeps)
{
	uint64_t has;

	return gen_knows(g, KONST_FEATURE, "preempt_disable", &has) && (has != 0) == keeps;
}

void alone_open(struct gen *g, struct prog_gen *p)
{
	p->start = gen_block(g, "start");
	p->keeps_cpu = unguarded(p) && !p->is_body && !knows(g, false);
	if (p->keeps_cpu)
		HELP0(g, preempt_disable);
	if (unguarded(p))
		p->frame_used = TAKEN_SZ;
	gen_at(g, p->start);
}

/* The frame, taken; to out when another run has it. */
static LLVMValueRef take(struct gen *g, struct prog_gen *p, LLVMBasicBlockRef out)
{
	LLVMBasicBlockRef found = gen_block(g, "found"), busy = gen_block(g, "busy");
	LLVMValueRef key = gen_stack(g, 8), frame, others;

	gen_frame_key(g, key, gen_i64(g, p->probe->probe.idx));
	frame = HELP(g, map_lookup_elem, g->scratch->global, key);
	gen_cond_br(g, gen_not_zero(g, frame), found, out);
	gen_at(g, found);
	others = gen_fetch_add(g, frame, gen_i64(g, 1));
	gen_cond_br(g, gen_not_zero(g, others), busy, p->start);
	gen_at(g, busy);
	gen_atomic_add(g, frame, gen_i64(g, UINT64_MAX));
	outline_count_lost(
		g, image_counter_missed(g->user_map_cnt, g->probe_cnt, p->probe->probe.idx));
	gen_br(g, out);
	gen_at(g, found);
	return frame;
}

void alone_close(struct gen *g, struct prog_gen *p)
{
	LLVMBasicBlockRef from[2], asks, out;
	LLVMValueRef frame[2], first;

	gen_at(g, p->entry);
	gen_place(g, p->probe->span);
	from[0] = p->entry;
	if (!unguarded(p) || !p->frame_max || knows(g, true)) {
		gen_br(g, p->start);
		return;
	}
	asks = gen_block(g, "asks");
	gen_cond_br(g, gen_not_zero(g, gen_konst(g, KONST_FEATURE, "preempt_disable")), p->start,
		    asks);
	gen_at(g, asks);
	out = gen_block(g, "out");
	frame[0] = LLVMConstNull(g->ptr);
	frame[1] = take(g, p, out);
	from[1] = LLVMGetInsertBlock(g->b);
	gen_at(g, out);
	LLVMBuildRet(g->b, gen_i64(g, 0));
	first = LLVMGetFirstInstruction(p->start);
	LLVMPositionBuilderBefore(g->b, first);
	p->taken = LLVMBuildPhi(g->b, g->ptr, "taken");
	LLVMAddIncoming(p->taken, frame, from, 2);
}

void alone_leave(struct gen *g, struct prog_gen *p)
{
	LLVMBasicBlockRef give, done;

	if (p->taken) {
		give = gen_block(g, "give");
		done = gen_block(g, "done");
		gen_cond_br(g, gen_not_zero(g, p->taken), give, done);
		gen_at(g, give);
		gen_atomic_add(g, p->taken, gen_i64(g, UINT64_MAX));
		gen_br(g, done);
		gen_at(g, done);
	}
	if (p->keeps_cpu)
		HELP0(g, preempt_enable);
}

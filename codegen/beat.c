// SPDX-License-Identifier: Apache-2.0
/*
 * Hits that the kernel may skip (PROBE_OVERFLOWS) are counted, so that those lacking can be told. And
 * a timer that is looked after (probe_beats) makes up for its beats. User space says from when on a
 * run counts as the beat that it misses (wanted_ns, half a period before it was due), and runs the
 * program by an event of its own. Then
 *
 *   run by that event:  nothing when a run counts already, else the beat is run
 *   run by the timer:   nothing when that was this beat, come late after all, else it is run
 *
 * so that no beat is run twice.
 */
#include <linux/bpf.h>
#include <stddef.h>

#include "codegen/beat.h"

static LLVMValueRef field(struct gen *g, LLVMValueRef beat, size_t off)
{
	return gen_off(g, beat, off);
}

static LLVMValueRef read_field(struct gen *g, LLVMValueRef beat, size_t off)
{
	return LLVMBuildLoad2(g->b, g->i64, field(g, beat, off), "");
}

/* Which of the probe's timers it is, by the period of the event. */
static LLVMValueRef slot_of(struct gen *g, uint32_t first, LLVMValueRef period, LLVMValueRef again)
{
	const struct node *a = g->p->probe->probe.attaches;
	LLVMValueRef slot = gen_i64(g, first), at;
	uint32_t i = first + 1;

	if (!a->next)
		return slot;
	for (a = a->next; a; a = a->next, i++) {
		at = gen_i64(g, probe_beat_period_ns(a->attach.target));
		slot = gen_select(g, gen_cmp(g, LLVMIntEQ, period, at), gen_i64(g, i), slot);
	}
	at = LLVMBuildSub(g->b, period, gen_i64(g, PROBE_AGAIN), "");
	return gen_select(g, again, at, slot);
}

static LLVMValueRef find_beat(struct gen *g, LLVMValueRef slot)
{
	LLVMValueRef key = gen_stack(g, 8), p;

	if (!g->beats)
		g->beats = map_new(g, IMAGE_MAP_BEATS, BPF_MAP_TYPE_ARRAY, 4,
				   sizeof(struct image_beat), 1);
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, slot, g->i32, ""), key);
	p = HELP(g, map_lookup_elem, g->beats->global, key);
	gen_only_if(g, gen_not_zero(g, p), g->p->leave);
	return p;
}

static void look_after(struct gen *g, uint32_t first)
{
	LLVMBasicBlockRef makes_up = gen_block(g, "makes_up"), beats = gen_block(g, "beats");
	LLVMBasicBlockRef lacks = gen_block(g, "lacks"), run = gen_block(g, "run");
	LLVMValueRef period, again, p, now, wanted, made_up, is_same;

	period = gen_opaque(g,
			    LLVMBuildLoad2(g->b, g->i64,
					   gen_off(g, g->p->ctx, (uint64_t)probe_beat_off()), ""));
	again = gen_cmp(g, LLVMIntULT, period, gen_i64(g, PROBE_AGAIN + PROBE_BEATS_MAX));
	p = find_beat(g, slot_of(g, first, period, again));
	now = HELP(g, ktime_get_ns);
	wanted = read_field(g, p, offsetof(struct image_beat, wanted_ns));
	gen_cond_br(g, again, makes_up, beats);

	gen_at(g, makes_up);
	gen_cond_br(g,
		    gen_cmp(g, LLVMIntULT, read_field(g, p, offsetof(struct image_beat, last_ns)),
			    wanted),
		    lacks, g->p->leave);
	gen_at(g, lacks);
	LLVMBuildStore(g->b, now, field(g, p, offsetof(struct image_beat, again_ns)));
	gen_br(g, run);

	gen_at(g, beats);
	made_up = gen_cmp(g, LLVMIntUGT, read_field(g, p, offsetof(struct image_beat, again_ns)),
			  wanted);
	is_same = gen_cmp(g, LLVMIntULT, LLVMBuildSub(g->b, now, wanted, ""), period);
	gen_cond_br(g, LLVMBuildAnd(g->b, made_up, is_same, ""), g->p->leave, run);

	gen_at(g, run);
	LLVMBuildStore(g->b, now, field(g, p, offsetof(struct image_beat, last_ns)));
}

static uint32_t slots_of(struct gen *g)
{
	const struct node *probe = g->p->probe;
	struct probe_target *targets;
	uint32_t cnt = 0;

	for (const struct node *a = probe->probe.attaches; a; a = a->next)
		cnt++;
	targets = arena_array_of(g->u->arena, struct probe_target, cnt);
	cnt = 0;
	for (const struct node *a = probe->probe.attaches; a; a = a->next)
		targets[cnt++] = *a->attach.target;
	return probe_beats(probe->probe.ptype, targets, cnt, g->beat_cnt);
}

static void count_hit(struct gen *g)
{
	LLVMValueRef key = gen_stack(g, 8), p;
	uint32_t counter =
		image_counter_hits(g->user_map_cnt, g->probe_cnt, g->p->probe->probe.idx);

	LLVMBuildStore(g->b, gen_i32(g, counter), key);
	p = HELP(g, map_lookup_elem, g->counters->global, key);
	gen_only_if(g, gen_not_zero(g, p), g->p->leave);
	LLVMBuildStore(g->b,
		       LLVMBuildAdd(g->b, LLVMBuildLoad2(g->b, g->i64, p, ""), gen_i64(g, 1), ""),
		       p);
}

void beat_begin(struct gen *g)
{
	if (!(g->p->probe->probe.ptype->flags & PROBE_OVERFLOWS))
		return;
	if (!g->p->plain) /* else it is the same probe once more */
		g->beat_slots = slots_of(g);
	if (g->beat_slots) {
		look_after(g, g->p->plain ? g->beat_cnt - g->beat_slots : g->beat_cnt);
		g->beat_cnt += g->p->plain ? 0 : g->beat_slots;
		g->beats->max_entries = g->beat_cnt;
	}
	count_hit(g);
}

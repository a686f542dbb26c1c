// SPDX-License-Identifier: Apache-2.0
/*
 * Stacks and symbols. A stack in a value or key is its id (struct stack_ref); the frames go to user
 * space once, the first time a program meets them. bpf_get_stackid() would do with less code, but
 * drops a stack whose bucket another one holds, and its map takes a kilobyte for each stack that
 * there could be. Here the kernel keeps 16 bytes for each stack met lately, the ring carries only the
 * frames there are, and user space learns of a process while it lives.
 *
 * The mark that a stack was sent is set after it was: whoever sees the mark, on whatever CPU, sends
 * his own records behind it. Two CPUs may both send a stack; that is harmless. So is a mark that the
 * map, an LRU, has forgotten.
 */
#include <linux/bpf.h>

#include "codegen/call.h"
#include "codegen/outline.h"

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

LLVMValueRef stack_mark(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	return stack_mix(g, stack_mix(g, a, b), gen_i64(g, MULTIPLIER));
}

/*
 * Over cnt > 0 words, limit at most, which is said once more for 5.10: its verifier learns nothing
 * from comparing two registers. The test stands at the end, where every kernel takes it. cnt must not
 * be what the size of the record is computed with, or the verifier would follow each number of
 * frames on its own to the end of the program.
 */
static LLVMValueRef hash_words(struct gen *g, LLVMValueRef h, LLVMValueRef words, LLVMValueRef cnt,
			       uint32_t limit)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), body = gen_block(g, "frame");
	LLVMBasicBlockRef bound = gen_block(g, "bound"), done = gen_block(g, "hashed");
	LLVMValueRef i, acc, v, more;

	g->has_loops = true;
	gen_br(g, body);
	gen_at(g, body);
	i = LLVMBuildPhi(g->b, g->i64, "");
	acc = LLVMBuildPhi(g->b, g->i64, "");
	v = gen_off_var(g, words, LLVMBuildShl(g->b, gen_opaque(g, i), gen_i64(g, 3), ""));
	v = stack_mix(g, acc, LLVMBuildLoad2(g->b, g->i64, v, ""));
	more = LLVMBuildAdd(g->b, i, gen_i64(g, 1), "");
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, cnt), bound, done);
	gen_at(g, bound);
	more = gen_opaque(g, more);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, gen_i64(g, limit)), body, done);
	LLVMAddIncoming(i, (LLVMValueRef[]){ gen_i64(g, 0), more },
			(LLVMBasicBlockRef[]){ from, bound }, 2);
	LLVMAddIncoming(acc, (LLVMValueRef[]){ h, v }, (LLVMBasicBlockRef[]){ from, bound }, 2);
	gen_at(g, done);
	return v;
}

enum {
	TIME = sizeof(struct event_head),
	ID = TIME + 8,
	FRAMES = sizeof(struct event_head) + sizeof(struct event_stack),
};

/* Sends the record unless the mark says that it was. */
static void send_once(struct gen *g, LLVMValueRef rec, LLVMValueRef id, LLVMValueRef size)
{
	LLVMBasicBlockRef fresh = gen_block(g, "fresh"), known = gen_block(g, "known");
	struct image_action act = { .kind = ACT_STACK, .rec = IMAGE_NONE, .map = IMAGE_NONE };
	LLVMValueRef key = gen_tmp(g, 8), p;
	struct event_lost lost;

	act.place = pack_place(g, g->p->probe->span);
	LLVMBuildStore(g->b, id, key);
	p = HELP(g, map_lookup_elem, stack_marks(g)->global, key);
	gen_cond_br(g, gen_not_zero(g, p), known, fresh);
	gen_at(g, fresh);
	lost = event_lost_begin(g, false);
	LLVMBuildStore(g->b, gen_i64(g, event_action(g, &act, NULL, 0)), rec);
	LLVMBuildStore(g->b, HELP0(g, ktime_get_ns), gen_off(g, rec, TIME));
	event_output(g, rec, size, lost.lost);
	HELP(g, map_update_elem, stack_marks(g)->global, key, key, gen_i64(g, BPF_ANY));
	event_lost_end(g, lost);
	gen_br(g, known);
	gen_at(g, known);
}

/* What both a record and a reference begin with; then the frames' record goes out. */
static void refer(struct gen *g, LLVMValueRef rec, LLVMValueRef bytes, uint32_t limit,
		  LLVMValueRef tgid, LLVMValueRef dst)
{
	LLVMValueRef words = LLVMBuildLShr(g->b, bytes, gen_i64(g, 3), "");
	LLVMValueRef frames = gen_off(g, rec, FRAMES), seed = stack_mix(g, tgid, words);
	/*
	 * Counted by a number of its own: at each end of the loop the verifier knows how large it was,
	 * and would follow what comes of it separately.
	 */
	LLVMValueRef cnt = LLVMBuildLShr(g->b, gen_opaque(g, bytes), gen_i64(g, 3), "");
	LLVMValueRef id = outline_in_frame(g, rec) ? outline_hash(g, seed, frames, cnt, limit)
						   : hash_words(g, seed, frames, cnt, limit);
	LLVMValueRef who =
		LLVMBuildOr(g->b, tgid, LLVMBuildShl(g->b, words, gen_i64(g, 32), ""), "");

	LLVMBuildStore(g->b, id, gen_off(g, rec, ID));
	LLVMBuildStore(g->b, who, gen_off(g, rec, ID + 8));
	if (dst) {
		LLVMBuildStore(g->b, id, dst);
		LLVMBuildStore(g->b, who, gen_off(g, dst, 8));
	}
	send_once(g, rec, id, LLVMBuildAdd(g->b, bytes, gen_i64(g, FRAMES), ""));
}

/* The kernel's own walk, over frame pointers in user space; gives the record to be. */
static LLVMValueRef by_kernel(struct gen *g, bool user, uint32_t limit, LLVMValueRef *bytes)
{
	LLVMValueRef rec = gen_tmp(g, FRAMES + limit * 8);

	*bytes = HELP(g, get_stack, g->p->ctx, gen_off(g, rec, FRAMES), gen_i32(g, limit * 8),
		      gen_i64(g, user ? BPF_F_USER_STACK : 0));
	*bytes = gen_bound(g, *bytes, limit * 8 + 1);
	return rec;
}

static LLVMValueRef fn_stack(struct gen *g, struct call *c, bool user, bool unwind)
{
	uint32_t limit = (uint32_t)c->n->type->max;
	LLVMBasicBlockRef some, join;
	LLVMValueRef rec, bytes, tgid = gen_i64(g, 0);

	LLVMBuildStore(g->b, gen_i64(g, 0), c->dst);
	LLVMBuildStore(g->b, gen_i64(g, 0), gen_off(g, c->dst, 8));
	if (!limit)
		return gen_i64(g, 0);
	some = gen_block(g, "frames");
	join = gen_block(g, "join");
	if (user)
		tgid = gen_call_int(g, builtin_by_id(B_pid), NULL, NULL);
	if (unwind && unwind_known_here())
		rec = gen_off(g, unwind_user(g, tgid, limit, &bytes),
			      offsetof(struct unwind_state, rec));
	else
		rec = by_kernel(g, user, limit, &bytes);
	gen_cond_br(g, gen_not_zero(g, bytes), some, join);
	gen_at(g, some);
	refer(g, rec, bytes, limit, tgid, c->dst);
	gen_br(g, join);
	gen_at(g, join);
	return gen_i64(g, 0);
}

LLVMValueRef fn_kstack(struct gen *g, struct call *c)
{
	return fn_stack(g, c, false, false);
}

LLVMValueRef fn_ustack(struct gen *g, struct call *c)
{
	return fn_stack(g, c, true, !setting_num(g->u->settings, SETTING_user_stacks));
}

LLVMValueRef fn_dw_ustack(struct gen *g, struct call *c)
{
	return fn_stack(g, c, true, true);
}

LLVMValueRef fn_ksym(struct gen *g, struct call *c)
{
	LLVMBuildStore(g->b, gen_int(g, c->args), c->dst);
	return gen_i64(g, 0);
}

/* User space has to learn of the process as for a stack: it gets one of a single frame. */
LLVMValueRef fn_usym(struct gen *g, struct call *c)
{
	LLVMValueRef addr = gen_int(g, c->args), rec = gen_tmp(g, FRAMES + 8);
	LLVMValueRef tgid = gen_call_int(g, builtin_by_id(B_pid), NULL, NULL);

	LLVMBuildStore(g->b, addr, c->dst);
	LLVMBuildStore(g->b, tgid, gen_off(g, c->dst, 8));
	LLVMBuildStore(g->b, addr, gen_off(g, rec, FRAMES));
	refer(g, rec, gen_i64(g, 8), 1, tgid, NULL);
	return gen_i64(g, 0);
}

LLVMValueRef fn_kaddr(struct gen *g, struct call *c)
{
	return gen_konst_at(g, KONST_KADDR, c->args->str.text, c->n->span);
}

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
#include "codegen/stack.h"

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
static void refer(struct gen *g, LLVMValueRef st, LLVMValueRef bytes, LLVMValueRef tgid,
		  LLVMValueRef dst)
{
	LLVMValueRef words = LLVMBuildLShr(g->b, bytes, gen_i64(g, 3), "");
	LLVMValueRef id = stack_hash(g, stack_mix(g, tgid, words), words);
	LLVMValueRef rec = gen_off(g, st, STACK_AT(rec)), who;

	who = LLVMBuildOr(g->b, tgid, LLVMBuildShl(g->b, words, gen_i64(g, 32), ""), "");
	LLVMBuildStore(g->b, id, gen_off(g, rec, ID));
	LLVMBuildStore(g->b, who, gen_off(g, rec, ID + 8));
	if (dst) {
		LLVMBuildStore(g->b, id, dst);
		LLVMBuildStore(g->b, who, gen_off(g, dst, 8));
	}
	send_once(g, rec, id, LLVMBuildAdd(g->b, bytes, gen_i64(g, FRAMES), ""));
}

static LLVMValueRef fn_stack(struct gen *g, struct call *c, bool user, bool unwind)
{
	uint32_t limit = (uint32_t)c->n->type->max;
	LLVMBasicBlockRef some, join;
	LLVMValueRef st, bytes, tgid = gen_i64(g, 0);

	LLVMBuildStore(g->b, gen_i64(g, 0), c->dst);
	LLVMBuildStore(g->b, gen_i64(g, 0), gen_off(g, c->dst, 8));
	if (!limit)
		return gen_i64(g, 0);
	if (user)
		tgid = gen_call_int(g, builtin_by_id(B_pid), NULL, NULL);
	st = stack_state(g);
	if (unwind && unwind_known_here())
		bytes = unwind_user(g, st, tgid, limit);
	else
		bytes = stack_by_kernel(g, st, limit * 8, user);
	some = gen_block(g, "frames");
	join = gen_block(g, "join");
	gen_cond_br(g, gen_not_zero(g, bytes), some, join);
	gen_at(g, some);
	refer(g, st, bytes, tgid, c->dst);
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
	LLVMValueRef addr = gen_int(g, c->args), st = stack_state(g);
	LLVMValueRef tgid = gen_call_int(g, builtin_by_id(B_pid), NULL, NULL);

	LLVMBuildStore(g->b, addr, c->dst);
	LLVMBuildStore(g->b, tgid, gen_off(g, c->dst, 8));
	LLVMBuildStore(g->b, addr, gen_off(g, st, STACK_AT(ip)));
	refer(g, st, gen_i64(g, 8), tgid, NULL);
	return gen_i64(g, 0);
}

LLVMValueRef fn_kaddr(struct gen *g, struct call *c)
{
	return gen_konst_at(g, KONST_KADDR, c->args->str.text, c->n->span);
}

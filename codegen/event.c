// SPDX-License-Identifier: Apache-2.0
/*
 * Event records on their way to user space (struct event_head in the seam). A record whose size is
 * known is built in the ring itself. One with strings of unknown length is packed in scratch memory,
 * only the bytes used, and copied once.
 *
 * Data records leave the last part of the ring (above RING_LIMIT) to control records, so a flood of
 * data cannot keep exit() or clear() from arriving. What does not fit is counted.
 */
#include "codegen/gen.h"

#define BPF_RB_AVAIL_DATA 0

/* Longest string that lies in the record itself rather than in the tail. */
#define INLINE_STRING 32

struct layout {
	uint32_t *off;
	uint32_t fixed; /* head and fields, rounded up */
	uint32_t tail; /* most bytes of tail */
	bool has_tail;
};

bool event_wants_tail(const struct type *t)
{
	return t->kind == V_STRING && t->size > INLINE_STRING;
}

/* Room for a tail string; one byte more than it may show tells that it was cut. */
static uint32_t tail_room(const struct type *t)
{
	return t->size + 1;
}

static struct layout lay_out(struct gen *g, struct event_arg *args, uint32_t cnt)
{
	struct layout l = { arena_array_of(g->u->arena, uint32_t, cnt + 1), 0, 0, false };
	uint32_t at = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		const struct type *t = args[i].type;
		uint32_t align = args[i].tail ? 4 : t->align ? t->align : 1;

		at = (at + align - 1) / align * align;
		l.off[i] = at;
		at += args[i].tail ? 4 : t->size;
		if (args[i].tail) {
			l.has_tail = true;
			l.tail += tail_room(t);
		}
	}
	l.fixed = (uint32_t)sizeof(struct event_head) + ((at + 7) & ~7u);
	return l;
}

static uint32_t pack_record(struct gen *g, const struct layout *l, struct event_arg *args,
			    uint32_t cnt)
{
	struct image_field *rows = arena_array_of(g->u->arena, struct image_field, cnt);
	struct image_type rec = {
		.kind = V_TUPLE,
		.size = l->fixed - (uint32_t)sizeof(struct event_head),
		.elem = IMAGE_NONE,
		.count = cnt,
	};

	for (uint32_t i = 0; i < cnt; i++)
		rows[i] = (struct image_field){
			.type = pack_type(g, args[i].type),
			.off = l->off[i],
			.flags = args[i].tail ? IMAGE_FIELD_TAIL : 0,
		};
	rec.first = image_put_fields(g->img, rows, cnt);
	return image_put_types(g->img, &rec, 1);
}

/* ---- building ---- */

static bool first_inside(struct walker *w, struct node *n)
{
	const struct builtin *fn = n->kind == N_IDENT  ? n->ident.fn
				   : n->kind == N_CALL ? n->call.fn
						       : NULL;

	if (n->kind == N_BLOCK || n->kind == N_IF || (fn && fn->flags & BI_SENDS))
		*(bool *)w->arg = true;
	return true;
}

/*
 * A value with statements inside may leave the program, and one that sends a record of its own shall
 * stand before ours: it is made before the ring is reserved.
 */
static bool comes_first(struct node *e)
{
	bool found = false;
	struct walker w = { .pre = first_inside, .arg = &found };

	walk(&w, e);
	return found;
}

/* Registers are computed first; memory too where it must be. */
static LLVMValueRef *prepare(struct gen *g, struct event_arg *args, uint32_t cnt)
{
	LLVMValueRef *v = arena_array_of(g->u->arena, LLVMValueRef, cnt + 1);

	for (uint32_t i = 0; i < cnt; i++) {
		if (args[i].tail)
			continue;
		if (type_in_register(args[i].type))
			v[i] = gen_int(g, args[i].e);
		else if (comes_first(args[i].e))
			v[i] = gen_addr(g, args[i].e);
	}
	return v;
}

static void store_fields(struct gen *g, LLVMValueRef rec, uint32_t action, const struct layout *l,
			 struct event_arg *args, LLVMValueRef *v, uint32_t cnt)
{
	LLVMBuildStore(g->b, gen_i64(g, action), rec);
	for (uint32_t i = 0; i < cnt; i++) {
		LLVMValueRef at = gen_off(g, rec, sizeof(struct event_head) + l->off[i]);

		if (args[i].tail)
			continue;
		if (type_in_register(args[i].type))
			gen_store(g, at, args[i].type, v[i]);
		else if (v[i])
			gen_convert(g, at, args[i].type, v[i], args[i].e->type, PAD_NONE);
		else
			gen_into(g, args[i].e, at, args[i].type, PAD_NONE);
	}
}

/* Refuses a data record when only control's share of the ring is left. */
static void check_room(struct gen *g, LLVMBasicBlockRef lost)
{
	LLVMValueRef used =
		HELP(g, ringbuf_query, g->events->global, gen_i64(g, BPF_RB_AVAIL_DATA));
	LLVMBasicBlockRef room = gen_block(g, "room");

	gen_cond_br(g, gen_cmp(g, LLVMIntULT, used, gen_konst(g, KONST_RING_LIMIT, NULL)), room,
		    lost);
	gen_at(g, room);
}

static void emit_reserved(struct gen *g, uint32_t action, const struct layout *l,
			  struct event_arg *args, uint32_t cnt, LLVMBasicBlockRef lost)
{
	LLVMValueRef *v = prepare(g, args, cnt), rec;
	LLVMBasicBlockRef ok = gen_block(g, "reserved");

	rec = HELP(g, ringbuf_reserve, g->events->global, gen_i64(g, l->fixed), gen_i64(g, 0));
	gen_cond_br(g, gen_not_zero(g, rec), ok, lost);
	gen_at(g, ok);
	store_fields(g, rec, action, l, args, v, cnt);
	HELP(g, ringbuf_submit, rec, gen_i64(g, 0));
}

/*
 * Text into the tail at off; gives the new offset. The word in the record is its length, with STR_CUT
 * when it was longer than the language lets a string be.
 */
static LLVMValueRef put_tail(struct gen *g, LLVMValueRef rec, LLVMValueRef off, LLVMValueRef slot,
			     struct event_arg *arg)
{
	uint32_t most = arg->type->size - 1;
	LLVMValueRef len = gen_text(g, arg->e, gen_off_var(g, rec, off), tail_room(arg->type));
	LLVMValueRef cut = gen_cmp(g, LLVMIntUGT, len, gen_i64(g, most)), word, mark;

	mark = gen_i32(g, call_reads_all(arg->e) ? STR_CUT : 0);
	len = gen_clamp(g, len, most + 1ull, most);
	word = LLVMBuildTrunc(g->b, len, g->i32, "");
	word = LLVMBuildOr(g->b, word, gen_select(g, cut, mark, gen_i32(g, 0)), "");
	LLVMBuildStore(g->b, word, slot);
	return LLVMBuildAdd(g->b, off, len, "");
}

void event_output(struct gen *g, LLVMValueRef rec, LLVMValueRef size, LLVMBasicBlockRef lost)
{
	LLVMBasicBlockRef sent = gen_block(g, "sent");
	LLVMValueRef ret = HELP(g, ringbuf_output, g->events->global, rec, size, gen_i64(g, 0));

	gen_cond_br(g, gen_not_zero(g, ret), lost, sent);
	gen_at(g, sent);
}

static void emit_packed(struct gen *g, uint32_t action, const struct layout *l,
			struct event_arg *args, uint32_t cnt, LLVMBasicBlockRef lost)
{
	LLVMValueRef rec = gen_tmp(g, l->fixed + l->tail), off = gen_i64(g, l->fixed);
	LLVMValueRef *v = prepare(g, args, cnt);

	store_fields(g, rec, action, l, args, v, cnt);
	for (uint32_t i = 0; i < cnt; i++)
		if (args[i].tail)
			off = put_tail(g, rec, off,
				       gen_off(g, rec, sizeof(struct event_head) + l->off[i]),
				       &args[i]);
	event_output(g, rec, off, lost);
}

/* The way for records that did not get through. */
struct event_lost event_lost_begin(struct gen *g, bool control)
{
	struct event_lost l = { gen_block(g, "lost"), gen_block(g, "join"), control };

	if (!control)
		check_room(g, l.lost);
	return l;
}

void event_lost_end(struct gen *g, struct event_lost l)
{
	gen_br(g, l.join);
	gen_at(g, l.lost);
	gen_count_lost(g);
	gen_br(g, l.join);
	gen_at(g, l.join);
}

uint32_t event_action(struct gen *g, struct image_action *act, struct event_arg *args, uint32_t cnt)
{
	struct layout l = lay_out(g, args, cnt);

	act->rec = cnt ? pack_record(g, &l, args, cnt) : IMAGE_NONE;
	return image_put_actions(g->img, act, 1);
}

void event_emit_then(struct gen *g, struct image_action *act, struct event_arg *args, uint32_t cnt,
		     bool control, void (*sent)(struct gen *g))
{
	struct layout l = lay_out(g, args, cnt);
	uint32_t action = event_action(g, act, args, cnt);
	struct mem_mark m = gen_mark(g);
	struct event_lost lost = event_lost_begin(g, control);

	if (l.has_tail)
		emit_packed(g, action, &l, args, cnt, lost.lost);
	else
		emit_reserved(g, action, &l, args, cnt, lost.lost);
	if (sent)
		sent(g);
	event_lost_end(g, lost);
	gen_release(g, m);
}

void event_emit(struct gen *g, struct image_action *act, struct event_arg *args, uint32_t cnt,
		bool control)
{
	event_emit_then(g, act, args, cnt, control, NULL);
}

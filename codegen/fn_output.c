// SPDX-License-Identifier: Apache-2.0
/* Functions that user space carries out: each emits one record. */
#include <string.h>

#include "codegen/call.h"

static struct image_action action(struct gen *g, enum action_kind kind, struct call *c)
{
	return (struct image_action){
		.kind = kind,
		.rec = IMAGE_NONE,
		.map = IMAGE_NONE,
		.place = pack_place(g, c->n->span),
	};
}

/* How a value travels: an aggregate map as the integer it stands for, long text in the tail. */
static struct event_arg event_arg(struct gen *g, struct node *e)
{
	const struct type *t = e->type;

	if (type_is_agg(t))
		t = type_int(g->u->types, 8, t->is_signed);
	return (struct event_arg){ t, event_wants_tail(t), e };
}

static struct event_arg *event_args(struct gen *g, struct node *list, uint32_t *cnt)
{
	struct event_arg *args;
	uint32_t i = 0;

	*cnt = 0;
	for (struct node *n = list; n; n = n->next)
		(*cnt)++;
	args = arena_array_of(g->u->arena, struct event_arg, *cnt + 1);
	for (struct node *n = list; n; n = n->next)
		args[i++] = event_arg(g, n);
	return args;
}

static void put_pieces(struct gen *g, struct image_action *act, const struct format *f)
{
	struct image_piece *rows = arena_array_of(g->u->arena, struct image_piece, f->cnt + 1);

	for (uint32_t i = 0; i < f->cnt; i++) {
		const struct format_piece *p = &f->pieces[i];

		rows[i] = (struct image_piece){
			.text = p->text ? image_put_bytes(g->img, p->text, p->len) : 0,
			.len = p->len,
			.arg = p->text ? IMAGE_NONE : p->arg,
			.width = p->width,
			.prec = p->prec,
			.conv = p->conv,
			.flags = p->flags,
			.size = p->size,
		};
	}
	act->piece_first = image_put_pieces(g->img, rows, f->cnt);
	act->piece_cnt = f->cnt;
}

/* Whoever reads the file that keeps it reads its output. */
static bool is_pinned(const struct gen *g)
{
	const struct node *probe = g->p->probe;

	return probe->probe.ptype->flags & PROBE_WALKS && probe->probe.attaches->attach.target->c;
}

static LLVMValueRef formatted(struct gen *g, struct call *c, enum action_kind kind)
{
	struct image_action act = action(g, kind, c);
	struct event_arg *args;
	uint32_t cnt;

	if (is_pinned(g)) {
		seq_print(g, c->n->call.info, c->args->next);
		return gen_i64(g, 0);
	}
	put_pieces(g, &act, c->n->call.info);
	args = event_args(g, c->args->next, &cnt);
	event_emit(g, &act, args, cnt, false);
	return gen_i64(g, 0);
}

#define FORMATTED(name, kind)                                                                      \
	LLVMValueRef fn_##name(struct gen *g, struct call *c)                                      \
	{                                                                                          \
		return formatted(g, c, kind);                                                      \
	}
FORMATTED(printf, ACT_PRINTF)
FORMATTED(errorf, ACT_ERRORF)
FORMATTED(warnf, ACT_WARNF)
FORMATTED(debugf, ACT_DEBUGF)
FORMATTED(cat, ACT_CAT)
FORMATTED(system, ACT_SYSTEM)

static int64_t literal(const struct node *n)
{
	return n ? (int64_t)n->num.value : 0;
}

LLVMValueRef fn_print(struct gen *g, struct call *c)
{
	struct node *what = c->args;
	bool whole_map = what->kind == N_MAP && !what->map.key;
	struct image_action act = action(g, whole_map ? ACT_PRINT_MAP : ACT_PRINT_VALUE, c);
	struct event_arg arg;

	if (whole_map) {
		act.map = what->map.sym->idx;
		act.num[0] = literal(what->next);
		act.num[1] = what->next ? literal(what->next->next) : 0;
		event_emit(g, &act, NULL, 0, true);
		return gen_i64(g, 0);
	}
	arg = event_arg(g, what);
	event_emit(g, &act, &arg, 1, false);
	return gen_i64(g, 0);
}

/* The trace ends here, not when user space has read of it: see leave_when_over(). */
static void mark_over(struct gen *g)
{
	if (g->over)
		LLVMBuildStore(g->b, gen_i64(g, 1), g->over);
}

LLVMValueRef fn_exit(struct gen *g, struct call *c)
{
	struct image_action act = action(g, ACT_EXIT, c);
	struct node zero = { .kind = N_INT };
	struct event_arg arg = { type_int(g->u->types, 8, true), false, c->args ? c->args : &zero };

	event_emit_then(g, &act, &arg, 1, true, mark_over);
	gen_br(g, g->p->stop);
	gen_at(g, gen_block(g, "unreached"));
	return gen_i64(g, 0);
}

LLVMValueRef fn_unwatch(struct gen *g, struct call *c)
{
	struct image_action act = action(g, ACT_UNWATCH, c);
	struct event_arg arg = { type_int(g->u->types, 8, false), false, c->args };

	event_emit(g, &act, &arg, 1, true);
	return gen_i64(g, 0);
}

static LLVMValueRef on_map(struct gen *g, struct call *c, enum action_kind kind)
{
	struct image_action act = action(g, kind, c);

	act.map = c->args->map.sym->idx;
	event_emit(g, &act, NULL, 0, true);
	return gen_i64(g, 0);
}

LLVMValueRef fn_clear(struct gen *g, struct call *c)
{
	return on_map(g, c, ACT_CLEAR);
}

LLVMValueRef fn_zero(struct gen *g, struct call *c)
{
	return on_map(g, c, ACT_ZERO);
}

LLVMValueRef fn_time(struct gen *g, struct call *c)
{
	struct image_action act = action(g, ACT_TIME, c);

	act.str = image_put_str(g->img, c->args ? c->args->str.text : "%H:%M:%S\n");
	event_emit(g, &act, NULL, 0, true);
	return gen_i64(g, 0);
}

/* The value is the time; the format goes along as an offset into the image's strings. */
LLVMValueRef fn_strftime(struct gen *g, struct call *c)
{
	uint32_t fmt = image_put_str(g->img, c->args->str.text);

	LLVMBuildStore(g->b, gen_int(g, c->args->next), c->dst);
	LLVMBuildStore(g->b, gen_i64(g, fmt), gen_off(g, c->dst, 8));
	return gen_i64(g, 0);
}

/* The id, and the filter as an offset into the image's strings. */
LLVMValueRef fn_cgroup_path(struct gen *g, struct call *c)
{
	struct node *filter = c->args->next;

	LLVMBuildStore(g->b, gen_int(g, c->args), c->dst);
	LLVMBuildStore(g->b, gen_i64(g, filter ? image_put_str(g->img, filter->str.text) : 0),
		       gen_off(g, c->dst, 8));
	return gen_i64(g, 0);
}

/* ---- join ---- */

#define JOIN_MAX 16

/* The next pointer of argv, or 0 at its end. */
static LLVMValueRef read_argv(struct gen *g, struct node *argv, LLVMValueRef base, int i)
{
	LLVMValueRef at = LLVMBuildAdd(g->b, base, gen_i64(g, (uint64_t)i * 8), "");
	LLVMValueRef tmp = gen_tmp(g, 8);

	at = LLVMBuildIntToPtr(g->b, at, g->ptr, "");
	if (gen_space(g, (enum addr_space)argv->type->as) == AS_USER)
		HELP(g, probe_read_user, tmp, gen_i32(g, 8), at);
	else
		HELP(g, probe_read_kernel, tmp, gen_i32(g, 8), at);
	return LLVMBuildLoad2(g->b, g->i64, tmp, "");
}

/*
 * A record of the number of strings and JOIN_MAX tail strings, those at the end left empty. Offset
 * and count live in memory that LLVM turns into registers.
 */
static LLVMValueRef pack_argv(struct gen *g, struct node *argv, LLVMValueRef rec, uint32_t slots,
			      uint32_t fixed, uint32_t max)
{
	LLVMBasicBlockRef done = gen_block(g, "argv_end");
	LLVMValueRef base = gen_int(g, argv), off_at = gen_register(g), off, p, len;

	LLVMBuildStore(g->b, gen_i64(g, fixed), off_at);
	for (int i = 0; i < JOIN_MAX; i++) {
		struct mem_mark m = gen_mark(g);
		LLVMBasicBlockRef more = gen_block(g, "arg");

		p = read_argv(g, argv, base, i);
		gen_cond_br(g, gen_not_zero(g, p), more, done);
		gen_at(g, more);
		off = LLVMBuildLoad2(g->b, g->i64, off_at, "");
		len = gen_text_from(g, gen_off_var(g, rec, off), max,
				    LLVMBuildIntToPtr(g->b, p, g->ptr, ""), argv->type->as);
		LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, len, g->i32, ""),
			       gen_off(g, rec, slots + 4ull * i));
		LLVMBuildStore(g->b, gen_i64(g, i + 1), gen_off(g, rec, sizeof(struct event_head)));
		LLVMBuildStore(g->b, LLVMBuildAdd(g->b, off, len, ""), off_at);
		gen_release(g, m);
	}
	gen_br(g, done);
	gen_at(g, done);
	return LLVMBuildLoad2(g->b, g->i64, off_at, "");
}

LLVMValueRef fn_join(struct gen *g, struct call *c)
{
	const struct type *text = type_string(g->u->types, setting_text_size(g->u->settings));
	uint32_t slots = sizeof(struct event_head) + 8, fixed = slots + 4 * JOIN_MAX, idx;
	struct image_action act = action(g, ACT_JOIN, c);
	struct event_arg args[1 + JOIN_MAX];
	struct event_lost lost;
	LLVMValueRef rec, off;

	act.str = image_put_str(g->img, c->args->next ? c->args->next->str.text : " ");
	args[0] = (struct event_arg){ type_int(g->u->types, 8, false), false, NULL };
	for (int i = 0; i < JOIN_MAX; i++)
		args[1 + i] = (struct event_arg){ text, true, NULL };
	idx = event_action(g, &act, args, 1 + JOIN_MAX);
	rec = gen_tmp(g, fixed + JOIN_MAX * text->size);
	lost = event_lost_begin(g, false);
	gen_zero(g, rec, fixed);
	LLVMBuildStore(g->b, gen_i64(g, idx), rec);
	off = pack_argv(g, c->args, rec, slots, fixed, text->size);
	event_output(g, rec, off, lost.lost);
	event_lost_end(g, lost);
	return gen_i64(g, 0);
}

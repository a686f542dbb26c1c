// SPDX-License-Identifier: Apache-2.0
/*
 * Comparison and search of long text. Written out in a program, a loop over a thousand bytes is
 * walked through by the verifier once for every way that leads to it, and two or three of them are
 * more than it has patience for. A global function it verifies once, by itself, whatever its
 * callers do (5.6). Such a function takes numbers only on every kernel, no pointers (5.12). So
 * operands are given as offsets in the program's frame, which the function looks up again:
 *
 *	fn(program's index, offset, offset, ...)
 *
 * Offsets are below the size of the largest frame; behind it the map's value has room for the most
 * that a function reads past one. Nothing is known of the bytes but that texts have their NUL.
 */
#include <errno.h>

#include "codegen/outline.h"

enum {
	WORD = 8,
	PARAMS_MAX = 5,
	/* what the search of 8 places returns beside 0 to 7 */
	NOT_IN = WORD,
	ENDED = WORD + 1,
};

static const struct {
	const char *name;
	uint32_t params;
} outlines[OUTLINE_CNT] = {
	[OUTLINE_SAME] = { "text_same", 5 },	 [OUTLINE_DIFF] = { "bytes_differ", 5 },
	[OUTLINE_STARTS] = { "text_starts", 3 }, [OUTLINE_STARTS_IN] = { "text_starts_in", 3 },
	[OUTLINE_LOST] = { "count_lost", 1 },	 [OUTLINE_REFUSED] = { "count_refused", 2 },
	[OUTLINE_FIND] = { "text_find", 3 },
};

/* ---- callers ---- */

bool outline_in_frame(struct gen *g, LLVMValueRef addr)
{
	while (LLVMIsAGetElementPtrInst(addr))
		addr = LLVMGetOperand(addr, 0);
	return addr == g->p->scratch;
}

static LLVMValueRef frame_off(struct gen *g, LLVMValueRef addr)
{
	LLVMValueRef base = LLVMBuildPtrToInt(g->b, gen_frame(g), g->i64, "");

	return LLVMBuildSub(g->b, LLVMBuildPtrToInt(g->b, addr, g->i64, ""), base, "");
}

static LLVMTypeRef fn_type(struct gen *g, enum outline which)
{
	LLVMTypeRef params[PARAMS_MAX] = { g->i64, g->i64, g->i64, g->i64, g->i64 };

	return LLVMFunctionType(g->i64, params, outlines[which].params, false);
}

/* Its body comes at the end, when all is known of who calls it. */
static LLVMValueRef call_outline(struct gen *g, enum outline which, LLVMValueRef *args)
{
	LLVMTypeRef type = fn_type(g, which);

	if (!g->outline[which])
		g->outline[which] = LLVMAddFunction(g->mod, outlines[which].name, type);
	return LLVMBuildCall2(g->b, type, g->outline[which], args, outlines[which].params, "");
}

static LLVMValueRef program_idx(struct gen *g)
{
	return gen_i64(g, g->p->probe->probe.idx);
}

static void need_size(struct gen *g, uint32_t size)
{
	size = (size + WORD - 1) & ~(WORD - 1u);
	if (size > g->outline_max)
		g->outline_max = size;
}

LLVMValueRef outline_compare(struct gen *g, enum outline fn, LLVMValueRef l, LLVMValueRef r,
			     uint32_t n)
{
	uint64_t last = n % WORD ? (1ull << n % WORD * 8) - 1 : ~0ull;
	LLVMValueRef args[] = { program_idx(g), frame_off(g, l), frame_off(g, r), gen_i64(g, n),
				gen_i64(g, last) };

	need_size(g, n);
	return call_outline(g, fn, args);
}

LLVMValueRef outline_find(struct gen *g, LLVMValueRef text, uint32_t text_sz, LLVMValueRef needle,
			  uint32_t needle_sz)
{
	LLVMValueRef args[] = { program_idx(g), frame_off(g, text), frame_off(g, needle) };

	need_size(g, needle_sz);
	if (text_sz > g->outline_text_max)
		g->outline_text_max = text_sz;
	return call_outline(g, OUTLINE_FIND, args);
}

void outline_count_lost(struct gen *g, uint32_t counter)
{
	LLVMValueRef arg = gen_i64(g, counter);

	call_outline(g, OUTLINE_LOST, &arg);
}

void outline_count_refusal(struct gen *g, LLVMValueRef first, LLVMValueRef err)
{
	LLVMValueRef args[] = { first, err };

	call_outline(g, OUTLINE_REFUSED, args);
}

/* ---- bodies ---- */

struct body {
	struct prog_gen p, *outer;
	LLVMValueRef frame;
	LLVMBasicBlockRef none; /* returns 0 */
};

static LLVMValueRef param(struct gen *g, unsigned i)
{
	return LLVMGetParam(g->p->fn, i);
}

/* Where a block returns v. */
static LLVMBasicBlockRef returns(struct gen *g, uint64_t v)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b), bb = gen_block(g, "");

	gen_at(g, bb);
	LLVMBuildRet(g->b, gen_i64(g, v));
	gen_at(g, here);
	return bb;
}

static void body_open(struct gen *g, struct body *b, enum outline which, struct node *probe)
{
	static const char *const names[PARAMS_MAX] = { "prog", "a", "b", "n", "last" };

	*b = (struct body){ .p = { .probe = probe, .fn = g->outline[which] }, .outer = g->p };
	b->p.scope = debug_global(g, b->p.fn, outlines[which].name, names, outlines[which].params);
	g->p = &b->p;
	b->p.entry = gen_block(g, "entry");
	gen_at(g, b->p.entry);
	gen_place(g, probe->span);
	b->none = returns(g, 0);
}

static void open_frame(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef ok = gen_block(g, "ok");
	LLVMValueRef key = gen_stack(g, 8);

	gen_frame_key(g, key, param(g, 0));
	b->frame = HELP(g, map_lookup_elem, g->scratch->global, key);
	gen_cond_br(g, gen_not_zero(g, b->frame), ok, b->none);
	gen_at(g, ok);
}

static void body_close(struct gen *g, struct body *b)
{
	LLVMSetCurrentDebugLocation2(g->b, NULL);
	g->p = b->outer;
}

static LLVMValueRef operand(struct gen *g, struct body *b, unsigned i)
{
	return gen_off_var(g, b->frame, gen_bound(g, param(g, i), g->outline_frame));
}

/* A loop in steps of so many bytes. */
struct steps {
	LLVMBasicBlockRef loop, next, more; /* more leads back to loop */
	LLVMValueRef i, i_next;
};

static struct steps steps_open(struct gen *g, uint32_t step)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b);
	struct steps s = { .loop = gen_block(g, "loop"), .next = gen_block(g, "next") };
	LLVMValueRef zero = gen_i64(g, 0);

	gen_br(g, s.loop);
	gen_at(g, s.loop);
	s.i = LLVMBuildPhi(g->b, g->i64, "");
	s.i_next = LLVMBuildAdd(g->b, s.i, gen_i64(g, step), "");
	LLVMAddIncoming(s.i, &zero, &from, 1);
	return s;
}

/* Goes round while below limit; goes on behind the loop. */
static void steps_close(struct gen *g, struct steps *s, LLVMValueRef limit, uint32_t max)
{
	LLVMBasicBlockRef more = s->more = gen_block(g, "more"), done = gen_block(g, "done");

	gen_br(g, s->next);
	gen_at(g, s->next);
	/* LLVM would make one test of this and of the body's own, whose end the verifier cannot see */
	s->i_next = gen_opaque(g, s->i_next);
	if (limit) {
		gen_cond_br(g, gen_cmp(g, LLVMIntULT, s->i_next, limit), more, done);
		gen_at(g, more);
	} else {
		gen_br(g, more);
		gen_at(g, more);
	}
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, s->i_next, gen_i64(g, max)), s->loop, done);
	LLVMAddIncoming(s->i, &s->i_next, &more, 1);
	gen_at(g, done);
}

/*
 * Goes to `last` in the round for the last word when not all of it counts. No round comes after that
 * one: older verifiers would not see that, and go on both ways in every round.
 */
static void part_of_word(struct gen *g, struct steps *s, LLVMBasicBlockRef last)
{
	LLVMBasicBlockRef whole = gen_block(g, "whole");

	gen_cond_br(g, gen_cmp(g, LLVMIntULE, s->i_next, param(g, 3)), whole, last);
	gen_at(g, whole);
}

/* Opens the function and its loop over both operands, with a word of each. */
static struct steps open_pairs(struct gen *g, struct body *b, LLVMValueRef *l, LLVMValueRef *r)
{
	LLVMValueRef at[2];
	struct steps s;

	open_frame(g, b);
	at[0] = operand(g, b, 1);
	at[1] = operand(g, b, 2);
	s = steps_open(g, WORD);
	*l = outline_load(g, gen_off_var(g, at[0], s.i), WORD, WORD);
	*r = outline_load(g, gen_off_var(g, at[1], s.i), WORD, WORD);
	return s;
}

static void body_same(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef one = returns(g, 1), same = gen_block(g, "same");
	LLVMBasicBlockRef last = gen_block(g, "last");
	LLVMValueRef l, r, end, mask, differ;
	struct steps s = open_pairs(g, b, &l, &r);

	end = outline_end_bit(g, r);
	mask = LLVMBuildShl(g->b, end, gen_i64(g, 1), "");
	mask = LLVMBuildSub(g->b, mask, gen_i64(g, 1), "");
	differ = LLVMBuildAnd(g->b, LLVMBuildXor(g->b, l, r, ""), mask, "");
	part_of_word(g, &s, last);
	gen_cond_br(g, gen_not_zero(g, differ), b->none, same);
	gen_at(g, same);
	gen_cond_br(g, gen_not_zero(g, end), one, s.next);
	steps_close(g, &s, param(g, 3), g->outline_max);
	gen_br(g, one);
	gen_at(g, last);
	differ = LLVMBuildAnd(g->b, differ, param(g, 4), "");
	gen_cond_br(g, gen_not_zero(g, differ), b->none, one);
}

static void body_diff(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef found = gen_block(g, "found"), last = gen_block(g, "last");
	LLVMValueRef a, c;
	struct steps s = open_pairs(g, b, &a, &c);

	part_of_word(g, &s, last);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, a, c), s.next, found);
	steps_close(g, &s, param(g, 3), g->outline_max);
	gen_br(g, b->none);
	gen_at(g, found);
	LLVMBuildRet(g->b, outline_first_difference(g, a, c));
	gen_at(g, last);
	a = LLVMBuildAnd(g->b, a, param(g, 4), "");
	c = LLVMBuildAnd(g->b, c, param(g, 4), "");
	LLVMBuildRet(g->b, outline_first_difference(g, a, c));
}

/* As body_same, without the needle's own NUL. */
static void body_starts(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef one = returns(g, 1), same = gen_block(g, "same");
	LLVMValueRef text, needle, end, mask, differ;
	struct steps s;

	open_frame(g, b);
	text = operand(g, b, 1);
	needle = operand(g, b, 2);
	s = steps_open(g, WORD);
	text = outline_load(g, gen_off_var(g, text, s.i), WORD, WORD);
	needle = outline_load(g, gen_off_var(g, needle, s.i), WORD, WORD);
	end = outline_end_bit(g, needle);
	mask = LLVMBuildLShr(g->b, end, gen_i64(g, 7), "");
	mask = LLVMBuildSub(g->b, mask, gen_i64(g, 1), "");
	differ = LLVMBuildAnd(g->b, LLVMBuildXor(g->b, text, needle, ""), mask, "");
	gen_cond_br(g, gen_not_zero(g, differ), b->none, same);
	gen_at(g, same);
	gen_cond_br(g, gen_not_zero(g, end), one, s.next);
	steps_close(g, &s, NULL, g->outline_max);
	gen_br(g, one);
}

/* Where one of 8 bytes is the needle's first, the rest may follow. */
static void body_starts_in(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef ended = returns(g, ENDED), in = returns(g, NOT_IN);
	LLVMValueRef word, first, c, starts, args[3] = { param(g, 0), NULL, param(g, 2) };

	open_frame(g, b);
	word = outline_load(g, operand(g, b, 1), WORD, WORD);
	first = outline_load(g, operand(g, b, 2), 1, 1);
	for (uint32_t i = 0; i < WORD; i++) {
		LLVMBasicBlockRef may = gen_block(g, "may"), not = gen_block(g, "not");
		LLVMBasicBlockRef next = gen_block(g, "next");

		c = LLVMBuildLShr(g->b, word, gen_i64(g, i * 8ull), "");
		c = LLVMBuildAnd(g->b, c, gen_i64(g, 0xff), "");
		gen_cond_br(g, gen_cmp(g, LLVMIntEQ, c, first), may, not );
		gen_at(g, may);
		args[1] = LLVMBuildAdd(g->b, param(g, 1), gen_i64(g, i), "");
		starts = call_outline(g, OUTLINE_STARTS, args);
		gen_cond_br(g, gen_not_zero(g, starts), returns(g, i), not );
		gen_at(g, not );
		gen_cond_br(g, gen_not_zero(g, c), next, ended);
		gen_at(g, next);
	}
	gen_br(g, in);
}

/*
 * Words that have neither the needle's first byte nor a NUL are passed over. An empty needle's first
 * byte is its NUL; it is in every text at 0.
 */
static void body_find(struct gen *g, struct body *b)
{
	LLVMBasicBlockRef none = returns(g, (uint64_t)-ENOENT), look = gen_block(g, "look");
	LLVMBasicBlockRef some = gen_block(g, "some"), found = gen_block(g, "found");
	LLVMBasicBlockRef missed = gen_block(g, "missed");
	LLVMValueRef text, first, word, hit, at, args[3] = { param(g, 0), NULL, param(g, 2) };
	struct steps s;

	open_frame(g, b);
	text = operand(g, b, 1);
	first = outline_load(g, operand(g, b, 2), 1, 1);
	gen_cond_br(g, gen_not_zero(g, first), look, b->none);
	gen_at(g, look);
	first = LLVMBuildMul(g->b, first, gen_i64(g, 0x0101010101010101), "");
	s = steps_open(g, WORD);
	word = outline_load(g, gen_off_var(g, text, s.i), WORD, WORD);
	hit = LLVMBuildOr(g->b, outline_end_bit(g, word),
			  outline_end_bit(g, LLVMBuildXor(g->b, word, first, "")), "");
	gen_cond_br(g, gen_not_zero(g, hit), some, s.next);
	gen_at(g, some);
	args[1] = LLVMBuildAdd(g->b, param(g, 1), s.i, "");
	at = call_outline(g, OUTLINE_STARTS_IN, args);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, at, gen_i64(g, NOT_IN)), found, missed);
	gen_at(g, found);
	LLVMBuildRet(g->b, LLVMBuildAdd(g->b, at, s.i, ""));
	gen_at(g, missed);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, at, gen_i64(g, ENDED)), none, s.next);
	steps_close(g, &s, NULL, g->outline_text_max);
	gen_br(g, none);
}

/* ---- what seldom happens ---- */

static void count_in(struct gen *g, struct body *b, LLVMValueRef counter)
{
	LLVMBasicBlockRef found = gen_block(g, "found");
	LLVMValueRef key = gen_stack(g, 8), p, v;

	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, counter, g->i32, ""), key);
	p = HELP(g, map_lookup_elem, g->counters->global, key);
	gen_cond_br(g, gen_not_zero(g, p), found, b->none);
	gen_at(g, found);
	v = LLVMBuildLoad2(g->b, g->i64, p, "");
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, v, gen_i64(g, 1), ""), p);
	gen_br(g, b->none);
}

static void body_lost(struct gen *g, struct body *b)
{
	count_in(g, b, param(g, 0));
}

static void body_refused(struct gen *g, struct body *b)
{
	LLVMValueRef why = gen_i64(g, REFUSED_RACE), err = param(g, 1);

	why = gen_select(g, map_is_errno(g, err, ENOMEM), gen_i64(g, REFUSED_MEMORY), why);
	why = gen_select(g, map_is_errno(g, err, E2BIG), gen_i64(g, REFUSED_FULL), why);
	count_in(g, b, LLVMBuildAdd(g->b, why, param(g, 0), ""));
}

/* Those that call others stand behind them here. */
void outline_finish(struct gen *g)
{
	static const struct {
		enum outline which;
		void (*body)(struct gen *, struct body *);
	} bodies[] = {
		{ OUTLINE_FIND, body_find },	   { OUTLINE_STARTS_IN, body_starts_in },
		{ OUTLINE_STARTS, body_starts },   { OUTLINE_SAME, body_same },
		{ OUTLINE_DIFF, body_diff },	   { OUTLINE_LOST, body_lost },
		{ OUTLINE_REFUSED, body_refused },
	};
	struct node *probe = g->u->program->program.items;
	struct body b;

	while (probe && probe->kind != N_PROBE)
		probe = probe->next;
	g->outline_frame = g->scratch->val_sz;
	g->scratch->val_sz += g->outline_max > g->outline_text_max + WORD
				      ? g->outline_max
				      : g->outline_text_max + WORD;
	g->has_loops = true;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		if (!g->outline[bodies[i].which])
			continue;
		body_open(g, &b, bodies[i].which, probe);
		bodies[i].body(g, &b);
		body_close(g, &b);
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Comparison of text and bytes. Short ones, as comm is, stand where they are wanted, a word of eight
 * bytes at a time; long ones are calls (outline.c). A text ends at its NUL, and what follows in its
 * last word is anything: in words a and b, with `end` the bit of b's first NUL,
 *
 *	differ = (a ^ b) & ((end << 1) - 1)
 *
 * looks at the bytes up to that NUL and itself only, at all eight when there is none.
 */
#include <string.h>

#include "codegen/lvalue.h"
#include "codegen/outline.h"

/* LITERAL_MAX: words of more constant bytes would be kept on the stack until all are there. */
enum { INLINE_MAX = 32, LITERAL_MAX = 256 };

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The largest power of two, at most a word, of the bytes that are left. */
static uint32_t step_of(uint32_t left)
{
	uint32_t step = 8;

	while (step > left)
		step /= 2;
	return step;
}

/*
 * Alignment to claim of a place: LLVM takes loads apart that are not aligned, and the kernel wants
 * that for the stack alone.
 */
static uint32_t align_at(struct gen *g, LLVMValueRef addr, bool aligned)
{
	return aligned || outline_in_frame(g, addr) ? 8 : 1;
}

LLVMValueRef outline_load(struct gen *g, LLVMValueRef addr, uint32_t step, uint32_t align)
{
	LLVMTypeRef type = gen_int_type(g, step);
	LLVMValueRef v = LLVMBuildLoad2(g->b, type, addr, "");
	unsigned id = LLVMLookupIntrinsicID("llvm.bswap", 10);

	LLVMSetAlignment(v, least(align, step));
	if (LLVMByteOrder(g->td) == LLVMBigEndian && step > 1)
		v = LLVMBuildCall2(g->b, LLVMIntrinsicGetType(g->ctx, id, &type, 1),
				   LLVMGetIntrinsicDeclaration(g->mod, id, &type, 1), &v, 1, "");
	return LLVMBuildZExt(g->b, v, g->i64, "");
}

static LLVMValueRef load_piece(struct gen *g, LLVMValueRef addr, uint32_t off, uint32_t step,
			       uint32_t align)
{
	return outline_load(g, gen_off(g, addr, off), step, align);
}

LLVMValueRef outline_end_bit(struct gen *g, LLVMValueRef v)
{
	LLVMValueRef z = LLVMBuildSub(g->b, v, gen_i64(g, 0x0101010101010101), "");

	z = LLVMBuildAnd(g->b, z, LLVMBuildNot(g->b, v, ""), "");
	z = LLVMBuildAnd(g->b, z, gen_i64(g, 0x8080808080808080), "");
	return LLVMBuildAnd(g->b, z, LLVMBuildNeg(g->b, z, ""), "");
}

/* ---- against constant bytes ---- */

static LLVMValueRef same_bytes(struct gen *g, LLVMValueRef addr, uint32_t align, const char *bytes,
			       uint32_t len)
{
	LLVMValueRef diff = gen_i64(g, 0), v;

	for (uint32_t off = 0, step; off < len; off += step) {
		uint64_t want = 0;

		step = step_of(len - off);
		for (uint32_t i = 0; i < step; i++)
			want |= (uint64_t)(uint8_t)bytes[off + i] << i * 8;
		v = load_piece(g, addr, off, step, align);
		v = LLVMBuildXor(g->b, v, gen_i64(g, want), "");
		diff = LLVMBuildOr(g->b, diff, v, "");
	}
	return gen_cmp(g, LLVMIntEQ, diff, gen_i64(g, 0));
}

/* ---- two texts ---- */

/* One piece: goes to `no` when it differs, to `yes` when both texts end in it. */
static void same_piece(struct gen *g, LLVMValueRef a, LLVMValueRef b, uint32_t step,
		       LLVMBasicBlockRef yes, LLVMBasicBlockRef no)
{
	LLVMBasicBlockRef same = gen_block(g, "same"), next = gen_block(g, "next");
	LLVMValueRef beyond = gen_i64(g, step < 8 ? ~0ull << step * 8 : 0), end, mask, differ;

	end = outline_end_bit(g, LLVMBuildOr(g->b, b, beyond, ""));
	mask = LLVMBuildShl(g->b, end, gen_i64(g, 1), "");
	mask = LLVMBuildSub(g->b, mask, gen_i64(g, 1), "");
	differ = LLVMBuildAnd(g->b, LLVMBuildXor(g->b, a, b, ""), mask, "");
	gen_cond_br(g, gen_not_zero(g, differ), no, same);
	gen_at(g, same);
	gen_cond_br(g, gen_not_zero(g, end), yes, next);
	gen_at(g, next);
}

/* A text in the frame, copied there when it is elsewhere. */
static LLVMValueRef to_frame(struct gen *g, LLVMValueRef addr, uint32_t size)
{
	LLVMValueRef tmp;

	if (outline_in_frame(g, addr))
		return addr;
	tmp = gen_frame_tmp(g, size);
	gen_text_from(g, tmp, size, addr, AS_KERNEL);
	return tmp;
}

static LLVMValueRef same_short(struct gen *g, struct text_at l, struct text_at r, uint32_t n)
{
	LLVMBasicBlockRef yes = gen_block(g, "yes"), no = gen_block(g, "no");
	LLVMBasicBlockRef join = gen_block(g, "join");
	uint32_t l_align = align_at(g, l.addr, l.aligned), r_align = align_at(g, r.addr, r.aligned);

	for (uint32_t off = 0, step; off < n; off += step) {
		step = step_of(n - off);
		same_piece(g, load_piece(g, l.addr, off, step, l_align),
			   load_piece(g, r.addr, off, step, r_align), step, yes, no);
	}
	gen_br(g, yes);
	gen_at(g, yes);
	gen_br(g, join);
	gen_at(g, no);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i1, LLVMConstInt(g->i1, 1, false), yes,
			 LLVMConstInt(g->i1, 0, false), no);
}

LLVMValueRef gen_same_text(struct gen *g, struct text_at l, struct text_at r, uint32_t limit)
{
	uint32_t n = least(limit, least(l.size, r.size));
	LLVMValueRef same;

	if (n <= INLINE_MAX)
		return same_short(g, l, r, n);
	same = outline_compare(g, OUTLINE_SAME, to_frame(g, l.addr, l.size),
			       to_frame(g, r.addr, r.size), n);
	return gen_not_zero(g, same);
}

static struct text_at text_of(struct gen *g, struct node *e)
{
	/* ours are at 8, parts of something else anywhere */
	bool part = e->kind == N_TUPLE_GET || e->kind == N_FIELD || e->kind == N_INDEX;

	return (struct text_at){ gen_addr(g, e), e->type->size, !part };
}

LLVMValueRef gen_text_equal(struct gen *g, struct node *l, struct node *r, uint32_t limit)
{
	struct node *lit = l->kind == N_STR ? l : r, *other = l->kind == N_STR ? r : l;
	struct text_at a, b;
	uint32_t n;

	if (lit->kind == N_STR && other->kind == N_STR) {
		n = least(limit, UINT32_MAX);
		return LLVMConstInt(g->i1, !strncmp(l->str.text, r->str.text, n), false);
	}
	n = lit->kind == N_STR ? least(limit, (uint32_t)strlen(lit->str.text) + 1) : 0;
	if (n > other->type->size) /* longer than the other can ever be */
		return LLVMConstInt(g->i1, 0, false);
	if (lit->kind != N_STR || n > LITERAL_MAX) {
		a = text_of(g, l);
		b = text_of(g, r);
		return gen_same_text(g, a, b, limit);
	}
	a = text_of(g, other);
	return same_bytes(g, a.addr, align_at(g, a.addr, a.aligned), lit->str.text, n);
}

/* ---- bytes ---- */

/* Where a word's first difference is in its low half of so many bits or not. */
static LLVMValueRef low_half(struct gen *g, LLVMValueRef differ, uint32_t bits, LLVMValueRef at)
{
	LLVMValueRef part = LLVMBuildAnd(g->b, LLVMBuildLShr(g->b, differ, at, ""),
					 gen_i64(g, (1ull << bits) - 1), "");

	return LLVMBuildAdd(g->b, at,
			    gen_select(g, gen_not_zero(g, part), gen_i64(g, 0), gen_i64(g, bits)),
			    "");
}

LLVMValueRef outline_first_difference(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	LLVMValueRef differ = LLVMBuildXor(g->b, a, b, ""), at = gen_i64(g, 0);
	LLVMValueRef byte = gen_i64(g, 0xff);

	for (uint32_t bits = 32; bits >= 8; bits /= 2)
		at = low_half(g, differ, bits, at);
	a = LLVMBuildAnd(g->b, LLVMBuildLShr(g->b, a, at, ""), byte, "");
	b = LLVMBuildAnd(g->b, LLVMBuildLShr(g->b, b, at, ""), byte, "");
	return LLVMBuildSub(g->b, a, b, "");
}

/* Of short ones no word is skipped: the last that differs, from the end on, is the first. */
static LLVMValueRef differ_short(struct gen *g, LLVMValueRef l, LLVMValueRef r, uint32_t n)
{
	LLVMValueRef a = gen_i64(g, 0), b = a, x, y, same;
	uint32_t at[INLINE_MAX], steps[INLINE_MAX], cnt = 0;

	for (uint32_t off = 0; off < n; off += steps[cnt++]) {
		at[cnt] = off;
		steps[cnt] = step_of(n - off);
	}
	while (cnt--) {
		x = load_piece(g, l, at[cnt], steps[cnt], align_at(g, l, false));
		y = load_piece(g, r, at[cnt], steps[cnt], align_at(g, r, false));
		same = gen_cmp(g, LLVMIntEQ, x, y);
		a = gen_select(g, same, a, x);
		b = gen_select(g, same, b, y);
	}
	return outline_first_difference(g, a, b);
}

static LLVMValueRef bytes_to_frame(struct gen *g, LLVMValueRef addr, uint32_t n)
{
	LLVMValueRef tmp;

	if (outline_in_frame(g, addr))
		return addr;
	tmp = gen_frame_tmp(g, n);
	gen_copy(g, tmp, addr, n);
	return tmp;
}

LLVMValueRef gen_differ_bytes(struct gen *g, LLVMValueRef l, LLVMValueRef r, uint32_t n)
{
	if (n <= INLINE_MAX)
		return differ_short(g, l, r, n);
	return outline_compare(g, OUTLINE_DIFF, bytes_to_frame(g, l, n), bytes_to_frame(g, r, n),
			       n);
}

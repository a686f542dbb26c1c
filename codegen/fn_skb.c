// SPDX-License-Identifier: Apache-2.0
/*
 * skboutput(file, skb, len, off): a packet's bytes in a record of their own. The kernel's helper for
 * this (bpf_skb_output) wants a program with BTF and a perf buffer; plain reads do with every probe
 * that has an skb, on every kernel. What a packet's head does not hold lies in pages: "vmemmap_base"
 * and "page_offset_base" say where a struct page's memory is, on x86-64; elsewhere a packet is cut
 * where its head ends. As a capture has both lengths, that is seen there.
 */
#include <errno.h>
#include <string.h>

#include "codegen/call.h"

enum {
	SNAP = 12 << 10, /* bytes of a packet: what fits twice into an entry of the scratch map */
	FRAGS_MAX = 17, /* MAX_SKB_FRAGS as nearly everybody has it */
};

/*
 * The packet being copied. Its words are of the frame: of such memory the verifier does not know the
 * contents. Numbers that it knows would differ on every way through the parts, and it would go on
 * from each anew (before 6.13 some 400,000 steps for one packet).
 */
struct packet {
	LLVMValueRef skb; /* address */
	LLVMValueRef body; /* where in the record its bytes go */
	LLVMValueRef off, want; /* from where, and how many bytes */
	LLVMValueRef got; /* word: so many are there */
	LLVMValueRef first; /* word: so many lie before the part at hand */
};

static const struct type *struct_of(struct gen *g, const char *name)
{
	return type_complete(g->u->types, type_tagged(g->u->types, V_STRUCT, name, 0));
}

static LLVMValueRef at_address(struct gen *g, LLVMValueRef addr)
{
	return LLVMBuildIntToPtr(g->b, addr, g->ptr, "");
}

/* An unsigned word of the kernel's; 0 where it cannot be read. */
static LLVMValueRef read_word(struct gen *g, LLVMValueRef addr, uint32_t size)
{
	LLVMValueRef tmp = gen_tmp(g, 8);
	struct type t = { .kind = V_INT, .size = size };

	HELP(g, probe_read_kernel, tmp, gen_i32(g, size), at_address(g, addr));
	return gen_load(g, tmp, &t);
}

static LLVMValueRef add(struct gen *g, LLVMValueRef a, uint64_t b)
{
	return LLVMBuildAdd(g->b, a, gen_i64(g, b), "");
}

static LLVMValueRef read_field(struct gen *g, LLVMValueRef base, const struct type *t,
			       const char *name)
{
	const struct type_field *f = type_field_find(t, name);

	return read_word(g, add(g, base, f->off), f->type->size);
}

static LLVMValueRef least(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	return gen_select(g, gen_cmp(g, LLVMIntULT, a, b), a, b);
}

/*
 * Copies the wanted part of cnt bytes at addr, which are those of the packet from first on. As that
 * goes in order, a byte is wanted when those before it are there. The first part is the head.
 */
static void copy_part(struct gen *g, struct packet *p, LLVMValueRef first, LLVMValueRef addr,
		      LLVMValueRef cnt)
{
	/* before the head lies what has been taken off it, the link layer's header mostly */
	LLVMIntPredicate below = LLVMIsAConstantInt(first) ? LLVMIntSLT : LLVMIntULT;
	LLVMBasicBlockRef in = gen_block(g, "part"), done = gen_block(g, "next");
	LLVMValueRef got = LLVMBuildLoad2(g->b, g->i64, p->got, ""), skip, n, ok;

	/* the next byte wanted, as it counts inside this part */
	skip = LLVMBuildSub(g->b, LLVMBuildAdd(g->b, p->off, got, ""), first, "");
	n = least(g, LLVMBuildSub(g->b, cnt, skip, ""), LLVMBuildSub(g->b, p->want, got, ""));
	ok = LLVMBuildAnd(g->b, gen_cmp(g, below, skip, cnt), gen_not_zero(g, n), "");
	gen_cond_br(g, ok, in, done);
	gen_at(g, in);
	n = gen_bound(g, n, SNAP + 1);
	got = gen_bound(g, got, SNAP + 1);
	HELP(g, probe_read_kernel, gen_off_var(g, p->body, got),
	     LLVMBuildTrunc(g->b, n, g->i32, ""),
	     at_address(g, LLVMBuildAdd(g->b, addr, skip, "")));
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, got, n, ""), p->got);
	gen_br(g, done);
	gen_at(g, done);
}

/* struct skb_frag: a page, u32 length, u32 offset; marked in its lowest bit it is no page of ours. */
static void copy_frag(struct gen *g, struct packet *p, LLVMValueRef frag, LLVMValueRef vmemmap,
		      LLVMValueRef base)
{
	const struct type *page = struct_of(g, "struct page");
	LLVMBasicBlockRef real = gen_block(g, "page"), done = gen_block(g, "frag_end");
	LLVMValueRef at = read_word(g, frag, 8), len = read_word(g, add(g, frag, 8), 4);
	LLVMValueRef off = read_word(g, add(g, frag, 12), 4), odd;
	LLVMValueRef first = LLVMBuildLoad2(g->b, g->i64, p->first, "");

	odd = LLVMBuildAnd(g->b, at, gen_i64(g, 1), "");
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, odd, gen_i64(g, 0)), real, done);
	gen_at(g, real);
	at = LLVMBuildUDiv(g->b, LLVMBuildSub(g->b, at, vmemmap, ""),
			   gen_i64(g, page->size ? page->size : 64), "");
	at = LLVMBuildAdd(g->b, LLVMBuildShl(g->b, at, gen_i64(g, 12), ""), base, "");
	copy_part(g, p, first, LLVMBuildAdd(g->b, at, off, ""), len);
	gen_br(g, done);
	gen_at(g, done);
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, first, len, ""), p->first);
}

/* What lies in pages, behind the head. */
static void copy_frags(struct gen *g, struct packet *p, const struct type *skb_t, LLVMValueRef head)
{
	const struct type *info_t = struct_of(g, "struct skb_shared_info");
	const struct type_field *frags = type_field_find(info_t, "frags");
	LLVMValueRef vmemmap = gen_konst(g, KONST_KADDR_MAYBE, "vmemmap_base");
	LLVMValueRef base = gen_konst(g, KONST_KADDR_MAYBE, "page_offset_base");
	LLVMBasicBlockRef known = gen_block(g, "frags"), done = gen_block(g, "frags_end");
	LLVMValueRef info, cnt;

	if (!frags || !type_field_find(info_t, "nr_frags"))
		return;
	gen_cond_br(g, LLVMBuildAnd(g->b, gen_not_zero(g, vmemmap), gen_not_zero(g, base), ""),
		    known, done);
	gen_at(g, known);
	vmemmap = read_word(g, vmemmap, 8);
	base = read_word(g, base, 8);
	info = LLVMBuildAdd(g->b, read_field(g, p->skb, skb_t, "head"),
			    read_field(g, p->skb, skb_t, "end"), "");
	cnt = read_field(g, info, info_t, "nr_frags");
	LLVMBuildStore(g->b, head, p->first);
	for (uint32_t i = 0; i < FRAGS_MAX; i++) {
		struct mem_mark m = gen_mark(g);
		LLVMBasicBlockRef more = gen_block(g, "frag");

		gen_cond_br(g, gen_cmp(g, LLVMIntUGT, cnt, gen_i64(g, i)), more, done);
		gen_at(g, more);
		copy_frag(g, p, add(g, info, frags->off + 16ull * i), vmemmap, base);
		gen_release(g, m);
	}
	gen_br(g, done);
	gen_at(g, done);
}

/* The record: when, the length asked for, the number of bytes in the tail. */
enum { REC_NS = 0, REC_LEN = 8, REC_CNT = 16, REC_SIZE = 24 };

static uint32_t packet_action(struct gen *g, struct call *c)
{
	const struct type *u64_t = type_int(g->u->types, 8, false);
	struct event_arg fields[] = {
		{ u64_t, false, NULL },
		{ u64_t, false, NULL },
		{ type_string(g->u->types, SNAP), true, NULL },
	};
	struct image_action act = {
		.kind = ACT_SKB,
		.map = IMAGE_NONE,
		.place = pack_place(g, c->n->span),
		.str = image_put_str(g->img, c->args->str.text),
	};

	return event_action(g, &act, fields, 3);
}

LLVMValueRef fn_skboutput(struct gen *g, struct call *c)
{
	uint32_t body = sizeof(struct event_head) + REC_SIZE, idx = packet_action(g, c);
	struct node *skb = c->args->next, *want = skb->next;
	const struct type *t = struct_of(g, "struct sk_buff");
	LLVMValueRef rec = gen_tmp(g, body + 2 * SNAP), ret = gen_tmp(g, 8), len, head, got;
	struct packet p = { .skb = gen_int(g, skb), .want = gen_int(g, want) };
	LLVMBasicBlockRef some = gen_block(g, "packet"), none = gen_block(g, "no_packet");
	struct event_lost lost;

	p.off = gen_int(g, want->next);
	p.got = gen_frame_tmp(g, 8);
	p.first = gen_frame_tmp(g, 8);
	p.body = gen_off(g, rec, body);
	LLVMBuildStore(g->b, gen_i64(g, 0), p.got);
	LLVMBuildStore(g->b, gen_i64(g, (uint64_t)-EFAULT), ret);
	len = read_field(g, p.skb, t, "len");
	head = LLVMBuildSub(g->b, len, read_field(g, p.skb, t, "data_len"), "");
	len = LLVMBuildSub(g->b, len, p.off, "");
	gen_cond_br(g, gen_cmp(g, LLVMIntSGT, len, gen_i64(g, 0)), some, none);
	gen_at(g, some);
	LLVMBuildStore(g->b, gen_i64(g, (uint64_t)-ENOSPC), ret);
	lost = event_lost_begin(g, false);
	len = least(g, len, p.want);
	p.want = least(g, len, gen_i64(g, SNAP));
	LLVMBuildStore(g->b, gen_i64(g, idx), rec);
	LLVMBuildStore(g->b, HELP0(g, ktime_get_boot_ns), gen_off(g, rec, 8 + REC_NS));
	LLVMBuildStore(g->b, len, gen_off(g, rec, 8 + REC_LEN));
	copy_part(g, &p, gen_i64(g, 0), read_field(g, p.skb, t, "data"), head);
	copy_frags(g, &p, t, head);
	got = gen_bound(g, LLVMBuildLoad2(g->b, g->i64, p.got, ""), SNAP + 1);
	LLVMBuildStore(g->b, got, gen_off(g, rec, 8 + REC_CNT));
	event_output(g, rec, add(g, got, body), lost.lost);
	LLVMBuildStore(g->b, gen_i64(g, 0), ret);
	event_lost_end(g, lost);
	gen_br(g, none);
	gen_at(g, none);
	return LLVMBuildLoad2(g->b, g->i64, ret, "");
}

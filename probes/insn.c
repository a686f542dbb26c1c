// SPDX-License-Identifier: Apache-2.0
/*
 * Lengths of x86_64 instructions: prefixes, opcode, ModRM with its displacement, immediate (Intel SDM
 * volume 2, chapter 2 and appendix A). Only the shape of each opcode is known, not what it does. What
 * is not known has no length: nobody puts a breakpoint behind it by mistake.
 */
#include <errno.h>

#include "probes/insn.h"

/* The shape of an opcode: ModRM or not, and what immediate. */
enum {
	M = 1, /* ModRM */
	B = 2, /* 1 byte */
	W = 4, /* 2 bytes */
	V = 8, /* 4 bytes, 2 with an operand size prefix */
	L = 16, /* 4 bytes in any case: branches */
	X = 32, /* none in 64-bit mode, or handled apart */
};

/* clang-format-14 would make 256 lines of each */
/* clang-format off */
static const uint8_t one_byte[256] = {
	/* 00 */ M, M, M, M, B, V, X, X, M, M, M, M, B, V, X, X,
	/* 10 */ M, M, M, M, B, V, X, X, M, M, M, M, B, V, X, X,
	/* 20 */ M, M, M, M, B, V, X, X, M, M, M, M, B, V, X, X,
	/* 30 */ M, M, M, M, B, V, X, X, M, M, M, M, B, V, X, X,
	/* 40 */ X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	/* 50 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 60 */ X, X, X, M, X, X, X, X, V, M|V, B, M|B, 0, 0, 0, 0,
	/* 70 */ B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	/* 80 */ M|B, M|V, X, M|B, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 90 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, X, 0, 0, 0, 0, 0,
	/* a0 */ X, X, X, X, 0, 0, 0, 0, B, V, 0, 0, 0, 0, 0, 0,
	/* b0 */ B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V,
	/* c0 */ M|B, M|B, W, 0, X, X, M|B, M|V, W|B, 0, W, 0, 0, B, X, 0,
	/* d0 */ M, M, M, M, X, X, X, 0, M, M, M, M, M, M, M, M,
	/* e0 */ B, B, B, B, B, B, B, B, L, L, X, B, 0, 0, 0, 0,
	/* f0 */ X, 0, X, X, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,
};

/* Behind 0f. */
static const uint8_t two_byte[256] = {
	/* 00 */ M, M, M, M, X, 0, 0, 0, 0, 0, X, 0, X, M, 0, M|B,
	/* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 20 */ M, M, M, M, X, X, X, X, M, M, M, M, M, M, M, M,
	/* 30 */ 0, 0, 0, 0, 0, 0, X, 0, X, X, X, X, X, X, X, X,
	/* 40 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 50 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 70 */ M|B, M|B, M|B, M|B, M, M, M, 0, M, M, X, X, M, M, M, M,
	/* 80 */ L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	/* 90 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* a0 */ 0, 0, 0, M, M|B, M, X, X, 0, 0, 0, M, M|B, M, M, M,
	/* b0 */ M, M, M, M, M, M, M, M, M, M, M|B, M, M, M, M, M,
	/* c0 */ M, M, M|B, M, M|B, M|B, M|B, M, 0, 0, 0, 0, 0, 0, 0, 0,
	/* d0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* e0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* f0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};
/* clang-format on */

enum { LENGTH_MAX = 15 };

struct decoder {
	const uint8_t *p;
	size_t at, left; /* left: bytes of code in all */
	bool operand16, address32, rex_w, is_vex;
	unsigned map; /* 1: one byte, 2: 0f, 3: 0f 38, 4: 0f 3a */
};

static int take(struct decoder *d)
{
	return d->at < d->left ? d->p[d->at++] : -1;
}

static int prefixes(struct decoder *d)
{
	int c;

	for (;;) {
		c = take(d);
		switch (c) {
		case 0x66: d->operand16 = true; break;
		case 0x67: d->address32 = true; break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0xf0:
		case 0xf2:
		case 0xf3: break;
		default: return c;
		}
	}
}

/* From the first byte that is no prefix to the opcode, -1: there is none. */
static int opcode(struct decoder *d, int c)
{
	int second;

	if (c == 0xc5 || c == 0xc4 || c == 0x62) { /* VEX of two and three bytes, EVEX */
		second = take(d);
		d->is_vex = true;
		d->map = c == 0xc5 ? 2 : ((unsigned)second & (c == 0x62 ? 7 : 0x1f)) + 1;
		if (c != 0xc5)
			take(d);
		if (c == 0x62)
			take(d);
		return second < 0 ? -1 : take(d);
	}
	if ((c & 0xf0) == 0x40) {
		d->rex_w = c & 8;
		c = take(d);
	}
	d->map = 1;
	if (c != 0x0f)
		return c;
	c = take(d);
	d->map = c == 0x38 ? 3 : c == 0x3a ? 4 : 2;
	return d->map == 2 ? c : take(d);
}

static int shape_of(const struct decoder *d, int op)
{
	switch (d->map) {
	case 1: return one_byte[op];
	case 2:
		if (d->is_vex && op != 0x77)
			return M | (two_byte[op] & B);
		return two_byte[op];
	case 3: return M;
	case 4: return M | B;
	case 6: /* EVEX has half precision there */
	case 7: return M;
	default: return X;
	}
}

/* ModRM, SIB and displacement; gives ModRM. */
static int operands(struct decoder *d)
{
	int modrm = take(d), mod = modrm >> 6, rm = modrm & 7, sib = 0;

	if (modrm < 0 || mod == 3)
		return modrm;
	if (rm == 4) {
		sib = take(d);
		if (sib < 0)
			return -1;
	}
	if (mod == 1)
		d->at += 1;
	else if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7) == 5))
		d->at += 4;
	return modrm;
}

static void immediate(struct decoder *d, int shape, int op)
{
	bool wide = d->map == 1 && (op & 0xf8) == 0xb8 && d->rex_w; /* mov r64, imm64 */

	d->at += shape & B ? 1 : 0;
	d->at += shape & W ? 2 : 0;
	d->at += shape & L ? 4 : 0;
	if (shape & V)
		d->at += wide ? 8 : d->operand16 && !d->rex_w ? 2 : 4;
}

unsigned insn_length_x86(const uint8_t *code, size_t left)
{
	struct decoder d = { .p = code, .left = left };
	int op = opcode(&d, prefixes(&d)), shape, modrm = 0;

	if (op < 0)
		return 0;
	if (d.map == 1 && op >= 0xa0 && op <= 0xa3) { /* mov with an address of its own */
		d.at += d.address32 ? 4 : 8;
	} else {
		shape = shape_of(&d, op);
		if (shape & X)
			return 0;
		if (shape & M)
			modrm = operands(&d);
		if (modrm < 0)
			return 0;
		if (d.map == 1 && (op & 0xfe) == 0xf6 && (modrm >> 3 & 7) < 2) /* test */
			shape |= op & 1 ? V : B;
		immediate(&d, shape, op);
	}
	return d.at <= left && d.at <= LENGTH_MAX ? (unsigned)d.at : 0;
}

/*
 * Prefixes of segments, branches and locks, EVEX, and opcodes that trap, halt, or speak to devices
 * (arch/x86/kernel/uprobes.c has lists of those it takes). The kernel looks for the opcode behind VEX in
 * the list of those of one byte too, where vmovd is outs.
 */
bool insn_is_doubtful_x86(const uint8_t *code, size_t left)
{
	struct decoder d = { .p = code, .left = left };
	int op;

	for (;;) {
		op = take(&d);
		if (op == 0x26 || op == 0x2e || op == 0x36 || op == 0x3e || op == 0xf0)
			return true;
		if (op != 0x64 && op != 0x65 && op != 0x66 && op != 0x67 && op != 0xf2 &&
		    op != 0xf3)
			break;
	}
	if (op < 0 || op == 0x62)
		return true;
	op = opcode(&d, op);
	if (d.map != 1 && !d.is_vex)
		return op < 0;
	return op < 0 || (op >= 0x6c && op <= 0x6f) || op == 0x8e || (op >= 0xcc && op <= 0xcf) ||
	       (op >= 0xe4 && op <= 0xe7) || (op >= 0xec && op <= 0xf1) || op == 0xf4 ||
	       op == 0xfa || op == 0xfb || ((one_byte[op] & X) && (op & 0xfc) != 0xa0);
}

#if defined(__x86_64__)

bool insn_is_doubtful(const uint8_t *code, size_t left)
{
	return insn_is_doubtful_x86(code, left);
}

unsigned insn_length(const uint8_t *code, size_t left)
{
	return insn_length_x86(code, left);
}

/* ret, ret imm16, with or without the prefix that old processors wanted */
bool insn_is_return(const uint8_t *code, unsigned len)
{
	if (len > 1 && (*code == 0xf3 || *code == 0xf2))
		code++;
	return len && (*code == 0xc3 || *code == 0xc2);
}

#elif defined(__aarch64__)

static uint32_t word_at(const uint8_t *code)
{
	return (uint32_t)code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 |
	       (uint32_t)code[3] << 24;
}

/* Exceptions and system registers, but for hints, and exclusive loads and stores. */
bool insn_is_doubtful(const uint8_t *code, size_t left)
{
	uint32_t word = left >= 4 ? word_at(code) : 0;

	if ((word & 0xfffff01f) == 0xd503201f)
		return false;
	return (word & 0xfe000000) == 0xd4000000 || (word & 0x3f000000) == 0x08000000 || !word;
}

unsigned insn_length(const uint8_t *code, size_t left)
{
	return left >= 4 ? 4 : 0;
}

/* ret Xn, retaa, retab */
bool insn_is_return(const uint8_t *code, unsigned len)
{
	uint32_t word = len == 4 ? word_at(code) : 0;

	return len == 4 && ((word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff);
}

#else

bool insn_is_doubtful(const uint8_t *code, size_t left)
{
	return false;
}

unsigned insn_length(const uint8_t *code, size_t left)
{
	return 0;
}

bool insn_is_return(const uint8_t *code, unsigned len)
{
	return false;
}

#endif

int insn_boundary(const uint8_t *code, size_t left, uint64_t off, uint64_t *before, uint64_t *after)
{
	uint64_t at = 0;

	while (at < off && at < left) {
		unsigned len = insn_length(code + at, left - at);

		if (!len)
			return -EILSEQ;
		*before = at;
		at += len;
	}
	*after = at;
	return at == off ? 0 : at > off ? -EINVAL : -EILSEQ;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * printf. The compiler has cut the format into pieces; here they are run, one after the other, with
 * the record's fields. Widths, flags and length modifiers are C's: %x of an int8 -1 is ffffffff, and
 * %d of a 64-bit value is its low half, which is what a register or a tracepoint's field holds of a
 * negative int.
 */
#include <string.h>

#include "probes/probe.h"
#include "runtime/event.h"

struct number {
	char digits[68];
	uint32_t digit_cnt;
	char prefix[3];
};

/* At least min digits; zero with precision 0 has none. */
static void to_digits(struct number *n, uint64_t v, uint32_t base, const char *alphabet)
{
	char *end = n->digits + sizeof(n->digits), *at = end;

	for (; v; v /= base)
		*--at = alphabet[v % base];
	n->digit_cnt = (uint32_t)(end - at);
	memmove(n->digits, at, n->digit_cnt);
}

static void put_padded(struct buf *b, const struct image_piece *p, const char *s, size_t len)
{
	size_t pad = p->width > 0 && (size_t)p->width > len ? (size_t)p->width - len : 0;

	if (!(p->flags & PIECE_LEFT))
		buf_fill(b, ' ', pad);
	buf_put(b, s, len);
	if (p->flags & PIECE_LEFT)
		buf_fill(b, ' ', pad);
}

static void put_number(struct buf *b, const struct image_piece *p, const struct number *n)
{
	size_t prefix = strlen(n->prefix), zeroes = 0, len, pad = 0;
	size_t prec = p->prec >= 0 ? (size_t)p->prec : 1;
	size_t width = p->width > 0 ? (size_t)p->width : 0;

	if (prec > n->digit_cnt)
		zeroes = prec - n->digit_cnt;
	len = prefix + zeroes + n->digit_cnt;
	if (width > len)
		pad = width - len;
	if (p->flags & PIECE_ZERO && !(p->flags & PIECE_LEFT) && p->prec < 0) {
		zeroes += pad;
		pad = 0;
	}
	if (!(p->flags & PIECE_LEFT))
		buf_fill(b, ' ', pad);
	buf_put(b, n->prefix, prefix);
	buf_fill(b, '0', zeroes);
	buf_put(b, n->digits, n->digit_cnt);
	if (p->flags & PIECE_LEFT)
		buf_fill(b, ' ', pad);
}

static void put_signed(struct buf *b, const struct image_piece *p, int64_t v)
{
	struct number n = { .prefix = "" };

	to_digits(&n, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, "0123456789");
	if (v < 0)
		strcpy(n.prefix, "-");
	else if (p->flags & PIECE_PLUS)
		strcpy(n.prefix, "+");
	else if (p->flags & PIECE_SPACE)
		strcpy(n.prefix, " ");
	put_number(b, p, &n);
}

static void put_unsigned(struct buf *b, const struct image_piece *p, uint64_t v)
{
	struct number n = { .prefix = "" };

	if (p->conv == 'o') {
		to_digits(&n, v, 8, "01234567");
		if (p->flags & PIECE_ALT && n.digit_cnt)
			strcpy(n.prefix, "0");
	} else if (p->conv == 'u') {
		to_digits(&n, v, 10, "0123456789");
	} else {
		to_digits(&n, v, 16, p->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef");
		if (v && (p->conv == 'p' || p->flags & PIECE_ALT))
			strcpy(n.prefix, p->conv == 'X' ? "0X" : "0x");
	}
	put_number(b, p, &n);
}

/* The value cut to the width the conversion works in. */
static int64_t narrowed(const struct image_piece *p, const struct value *v)
{
	int64_t n = value_int(v);
	uint32_t sz = p->size;
	bool is_signed = p->conv == 'd' || p->conv == 'i';

	if (p->conv == 'p')
		sz = 8;
	switch (sz) {
	case 1: return is_signed ? (int8_t)n : (uint8_t)n;
	case 2: return is_signed ? (int16_t)n : (uint16_t)n;
	case 8: return n;
	default: return is_signed ? (int64_t)(int32_t)n : (int64_t)(uint32_t)n;
	}
}

/* %r printable or \xNN, %rx all \xNN, %rh bare hex with blanks between. */
static void put_buffer(struct buf *b, const struct image_piece *p, const struct value *v)
{
	struct buf tmp = { 0 };
	uint32_t len;
	const char *s = value_bytes(v, &len);

	if (p->conv == 'r')
		bytes_text(&tmp, s, len);
	for (uint32_t i = 0; i < len && p->conv != 'r'; i++)
		buf_printf(&tmp, p->conv == 'R' ? "\\x%02x" : i ? " %02x" : "%02x", (uint8_t)s[i]);
	put_padded(b, p, tmp.p, tmp.len);
	b->nomem |= tmp.nomem;
	buf_free(&tmp);
}

static void put_string(struct buf *b, const struct value_env *env, const struct image_piece *p,
		       const struct value *v)
{
	struct buf tmp = { 0 };
	uint32_t len;
	const char *s;
	size_t n;

	if (v->type->kind == V_STRING && !value_is_cut(env, v) && !env->terminal) {
		s = value_bytes(v, &len);
		n = p->prec >= 0 && (uint32_t)p->prec < len ? (size_t)p->prec : len;
		return put_padded(b, p, s, n);
	}
	if (p->width <= 0 && p->prec < 0)
		return value_text(b, env, v, false);
	value_text(&tmp, env, v, false);
	n = p->prec >= 0 && (size_t)p->prec < tmp.len ? (size_t)p->prec : tmp.len;
	put_padded(b, p, tmp.p, n);
	b->nomem |= tmp.nomem;
	buf_free(&tmp);
}

/* As the kernel does it: whatever of the table is in it, in the table's order, then the rest. */
static void put_gfp(struct buf *b, const struct value_env *env, const struct image_piece *p,
		    const struct value *v)
{
	const struct probe_flags *names = env->gfp;
	uint64_t left = (uint64_t)value_int(v);
	struct buf tmp = { 0 };

	if (v->type->size < 8)
		left &= (1ull << (v->type->size * 8)) - 1;
	for (uint32_t i = 0; names && i < names->cnt; i++) {
		if ((left & names->at[i].bits) != names->at[i].bits)
			continue;
		buf_puts(&tmp, tmp.len ? "|" : "");
		buf_puts(&tmp, names->at[i].name);
		left &= ~names->at[i].bits;
	}
	if (left && tmp.len)
		buf_putc(&tmp, '|');
	if (left)
		buf_put_ptr(&tmp, left);
	else if (!tmp.len)
		buf_putc(&tmp, '0');
	put_padded(b, p, tmp.p, tmp.len);
	b->nomem |= tmp.nomem;
	buf_free(&tmp);
}

static void put_char(struct buf *b, const struct value_env *env, const struct image_piece *p,
		     char byte)
{
	struct buf tmp = { 0 };

	traced_text(&tmp, env, &byte, 1, true);
	put_padded(b, p, tmp.p, tmp.len);
	buf_free(&tmp);
}

static void put_arg(struct buf *b, const struct value_env *env, const struct image_piece *p,
		    const struct value *v)
{
	switch (p->conv) {
	case 'r':
	case 'R':
	case 'H':
		if (v->type->kind == V_BUFFER || v->type->kind == V_STRING)
			return put_buffer(b, p, v);
		return put_string(b, env, p, v);
	case 's': return put_string(b, env, p, v);
	case 'g': return put_gfp(b, env, p, v);
	}
	if (!value_is_number(v)) /* the compiler refuses this; an image from elsewhere may not */
		return put_string(b, env, p, v);
	switch (p->conv) {
	case 'c': return put_char(b, env, p, (char)value_int(v));
	case 'd':
	case 'i':
		if (p->width <= 0 && p->prec < 0 && !p->flags)
			return buf_put_s64(b, narrowed(p, v));
		return put_signed(b, p, narrowed(p, v));
	default: return put_unsigned(b, p, (uint64_t)narrowed(p, v));
	}
}

void format_run(struct buf *b, const struct event_ctx *c, const struct value_env *env,
		const struct image_piece *pieces, uint32_t cnt)
{
	for (const struct image_piece *p = pieces; p < pieces + cnt; p++) {
		if (p->arg == IMAGE_NONE)
			buf_put(b, image_str(c->img, p->text), p->len);
		else
			put_arg(b, env, p, &c->args[p->arg]);
	}
}

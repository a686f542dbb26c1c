/* SPDX-License-Identifier: Apache-2.0 */
/* printf formats: "%[flags][width][.precision][length]conversion", and %r %rx %rh %gr. */
#include <ctype.h>
#include <string.h>

#include "ast/formatparse.h"
#include "ast/type.h"
#include "lexer/arena.h"

#define MAX_WIDTH 4096

struct cursor {
	const char *at, *end;
};

static char peek(const struct cursor *c)
{
	return c->at < c->end ? *c->at : '\0';
}

static int16_t number(struct cursor *c)
{
	int v = 0;

	while (isdigit((unsigned char)peek(c))) {
		v = v * 10 + (*c->at++ - '0');
		v = v > MAX_WIDTH ? MAX_WIDTH : v;
	}
	return (int16_t)v;
}

static uint8_t flags(struct cursor *c)
{
	uint8_t f = 0;

	for (;; c->at++) {
		switch (peek(c)) {
		case '-': f |= PIECE_LEFT; break;
		case '0': f |= PIECE_ZERO; break;
		case '+': f |= PIECE_PLUS; break;
		case ' ': f |= PIECE_SPACE; break;
		case '#': f |= PIECE_ALT; break;
		default: return f;
		}
	}
}

/* 0: none. */
static uint8_t length(struct cursor *c)
{
	static const struct {
		const char *text;
		uint8_t size;
	} mods[] = { { "hh", 1 }, { "h", 2 }, { "ll", 8 }, { "l", 8 }, { "j", 8 }, { "z", 8 } };

	for (size_t i = 0; i < sizeof(mods) / sizeof(mods[0]); i++) {
		size_t len = strlen(mods[i].text);

		if ((size_t)(c->end - c->at) >= len && memcmp(c->at, mods[i].text, len) == 0) {
			c->at += len;
			return mods[i].size;
		}
	}
	return 0;
}

/* 0: no such conversion. */
static char conversion(struct cursor *c)
{
	char conv = peek(c);

	if (conv && strchr("diuxXopcs", conv)) {
		c->at++;
		return conv;
	}
	if (conv == 'g' && c->end - c->at > 1 && c->at[1] == 'r') {
		c->at += 2;
		return 'g';
	}
	if (conv != 'r')
		return 0;
	c->at++;
	if (peek(c) == 'x' || peek(c) == 'h')
		return *c->at++ == 'x' ? 'R' : 'H';
	return 'r';
}

static struct format_piece *piece_new(struct arena *a, struct format *f, uint32_t *cap)
{
	if (f->cnt == *cap) {
		struct format_piece *more;

		*cap = *cap ? *cap * 2 : 8;
		more = arena_array_of(a, struct format_piece, *cap);
		if (f->cnt)
			memcpy(more, f->pieces, f->cnt * sizeof(*more));
		f->pieces = more;
	}
	return &f->pieces[f->cnt++];
}

/* From the '%'. False: no such conversion. */
static bool one_conversion(struct cursor *c, struct format_piece *p)
{
	c->at++;
	*p = (struct format_piece){ .width = -1, .prec = -1 };
	p->flags = flags(c);
	if (isdigit((unsigned char)peek(c)))
		p->width = number(c);
	if (peek(c) == '.') {
		c->at++;
		p->prec = number(c);
	}
	p->size = length(c);
	p->conv = conversion(c);
	return p->conv != 0;
}

static size_t literal_len(const struct cursor *c)
{
	const char *s = c->at;

	while (s < c->end && *s != '%')
		s++;
	return (size_t)(s - c->at);
}

struct format *format_parse(struct arena *a, const char *text, size_t len, const char **bad)
{
	struct format *f = arena_new_of(a, struct format);
	struct cursor c = { text, text + len };
	uint32_t cap = 0, arg = 0;

	*bad = NULL;
	while (c.at < c.end) {
		struct format_piece *p = piece_new(a, f, &cap);
		size_t lit = literal_len(&c);
		bool alone = !lit && (c.end - c.at == 1 || iscntrl((unsigned char)c.at[1]));
		bool percent = alone || (!lit && c.at[1] == '%');

		if (lit || percent) { /* a '%' at the end of the text or of a line is itself */
			*p = (struct format_piece){ .text = c.at,
						    .len = percent ? 1 : (uint32_t)lit };
			c.at += alone ? 1 : percent ? 2 : lit;
			continue;
		}
		if (!one_conversion(&c, p)) {
			*bad = c.at == c.end		       ? "end of text"
			       : isprint((unsigned char)*c.at) ? arena_strndup(a, c.at, 1)
							       : "control character";
			return f;
		}
		p->arg = arg++;
	}
	return f;
}

uint32_t format_args(const struct format *f)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < f->cnt; i++)
		cnt += !f->pieces[i].text;
	return cnt;
}

bool format_takes(const struct format_piece *p, const struct type *t)
{
	bool number = type_is_int(t) || t->kind == V_PTR || (type_is_agg(t) && t->kind < V_STATS);

	switch (p->conv) {
	case 's': return t->kind != V_VOID && t->kind != V_NONE;
	case 'r':
	case 'R':
	case 'H': return t->kind == V_BUFFER;
	case 'c': return type_is_int(t);
	case 'g': return t->kind == V_INT;
	default: return number || (t->kind == V_KSYM && p->conv == 'p');
	}
}

const char *format_conv_name(const struct format_piece *p)
{
	static const char *const names[] = { "d", "i", "u", "x", "X", "o", "p", "c", "s" };

	switch (p->conv) {
	case 'r': return "r";
	case 'R': return "rx";
	case 'H': return "rh";
	case 'g': return "gr";
	default:
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (names[i][0] == p->conv)
				return names[i];
		return "?";
	}
}

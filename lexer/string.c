/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a quoted text stands for. */
#include "scan.h"

#include <ctype.h>
#include <string.h>

struct escape {
	struct lexer *lx;
	const char *text; /* the token, quotes included */
	const char *end; /* its closing quote */
	uint32_t at; /* offset of text */
};

static unsigned char simple_escape(char c)
{
	switch (c) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	case '\\': return '\\';
	case '"': return '"';
	case '\'': return '\'';
	default: return 0;
	}
}

static void escape_error(const struct escape *e, const char *from, size_t len, enum diag_id id)
{
	const char *shown = "";

	if (id != D_BAD_HEX_ESCAPE && isprint((unsigned char)*from))
		shown = arena_strndup(e->lx->arena, from, len);
	lex_error(e->lx, e->at + (uint32_t)(from - e->text), len, id, shown);
}

static const char *octal_escape(const struct escape *e, const char *p, char *out)
{
	const char *from = p;
	unsigned value = 0;

	for (; p < e->end && p - from < 3 && *p >= '0' && *p <= '7'; p++)
		value = value * 8 + (unsigned)(*p - '0');
	if (value > 255)
		escape_error(e, from, (size_t)(p - from), D_BAD_OCTAL_ESCAPE);
	*out = (char)value;
	return p;
}

/* p is after the x. */
static const char *hex_escape(const struct escape *e, const char *p, char *out)
{
	const char *from = p;
	unsigned value = 0;

	for (; p < e->end && p - from < 2 && isxdigit((unsigned char)*p); p++)
		value = value * 16 + (unsigned)(isdigit((unsigned char)*p)
							? *p - '0'
							: tolower((unsigned char)*p) - 'a' + 10);
	if (p == from)
		escape_error(e, from - 1, e->end - from > 1 ? 3 : 1, D_BAD_HEX_ESCAPE);
	*out = (char)value;
	return p;
}

/* p is after the backslash; gives what follows the escape. */
static const char *escape(const struct escape *e, const char *p, char *out)
{
	if (*p >= '0' && *p <= '7')
		return octal_escape(e, p, out);
	if (*p == 'x')
		return hex_escape(e, p + 1, out);
	*out = (char)simple_escape(*p);
	if (!*out)
		escape_error(e, p, 1, D_BAD_ESCAPE);
	return p + 1;
}

void lex_string(struct lexer *lx, const char *text, size_t len, struct token *out)
{
	struct escape e = { lx, text, text + len - 1, lx->off - (uint32_t)len };
	char *bytes = arena_alloc(lx->arena, len);
	const char *p = text + 1;
	size_t cnt = 0;

	while (p < e.end) {
		if (*p == '\\' && p + 1 < e.end)
			p = escape(&e, p + 1, &bytes[cnt++]);
		else
			bytes[cnt++] = *p++;
	}
	out->kind = T_STR;
	out->text = bytes;
	out->len = cnt;
}

/* 'a' in C definitions. */
void lex_char(struct lexer *lx, const char *text, size_t len, struct token *out)
{
	lex_string(lx, text, len, out);
	out->kind = T_INT;
	if (lx->mode != LEX_C || out->len != 1) {
		struct diag *d = lex_error(lx, lx->off - (uint32_t)len, len, D_BAD_CHAR_CONST,
					   arena_strndup(lx->arena, text, len));

		if (lx->mode != LEX_C)
			diag_hint(d, "A string stands between double quotes: \"%.*s\"",
				  len > 2 ? (int)len - 2 : 0, text + 1);
	}
	out->value = out->len ? (uint64_t)(unsigned char)out->text[0] : 0;
}

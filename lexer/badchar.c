/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that mean nothing: told once for each run, and what they look like. */
#include "scan.h"

#include <string.h>

/* What word processors and web pages make of the plain characters. */
static const struct {
	const char *bytes, *hint;
} lookalikes[] = {
	{ "\xe2\x80\x9c", "Quotes are plain ones: \"" }, /* left double */
	{ "\xe2\x80\x9d", "Quotes are plain ones: \"" }, /* right double */
	{ "\xe2\x80\x9e", "Quotes are plain ones: \"" }, /* low double */
	{ "\xe2\x80\x98", "Quotes are plain ones: \"" }, /* left single */
	{ "\xe2\x80\x99", "Quotes are plain ones: \"" }, /* right single */
	{ "\xc2\xab", "Quotes are plain ones: \"" }, /* left angle */
	{ "\xc2\xbb", "Quotes are plain ones: \"" }, /* right angle */
	{ "\xc2\xa0", "This is a no-break space: write a plain one" },
	{ "\xe3\x80\x80", "This is a space of full width: write a plain one" },
	{ "\xef\xbb\xbf", "This is a byte order mark: leave it out" },
	{ "\xe2\x80\x93", "The minus is '-'" }, /* en dash */
	{ "\xe2\x88\x92", "The minus is '-'" },
};

static const char *looks_like(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++)
		if (strlen(lookalikes[i].bytes) == len && !memcmp(lookalikes[i].bytes, text, len))
			return lookalikes[i].hint;
	return NULL;
}

void lex_bad_char(struct lexer *lx, const char *text, size_t len)
{
	unsigned char c = (unsigned char)text[0];
	uint32_t at = lx->off - (uint32_t)len;
	bool is_run = lx->bad_end && lx->bad_end == at;
	const char *hint = looks_like(text, len);
	struct diag *d;

	lx->bad_end = lx->off;
	if (is_run)
		return;
	if (len > 1 || (c > ' ' && c < 0x7f))
		d = lex_error(lx, at, len, D_BAD_CHAR,
			      arena_printf(lx->arena, "'%.*s'", (int)len, text));
	else
		d = lex_error(lx, at, len, D_BAD_CHAR, arena_printf(lx->arena, "'\\x%02x'", c));
	if (hint)
		diag_hint(d, "%s", hint);
}

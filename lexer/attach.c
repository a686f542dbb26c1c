/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an attach point ends. A run of the bytes that attach points are made of may hold slashes, and
 * a slash may belong to a path, open the predicate ("kprobe:f/pid==1/") or begin a comment:
 *
 * - in a part that begins with '/', './', '../' or '~' every slash is the path's;
 * - in any other part a slash is the path's when the part goes on to a ':' within the run
 *   ("uprobe:bin/bash:readline"), for no predicate has a ':' without a blank, a '?' or a quote;
 * - what remains opens the predicate, or a comment when '/' or '*' follows.
 */
#include "scan.h"

#include <string.h>

static bool starts_path(const char *s, size_t len)
{
	return (len >= 1 && (s[0] == '/' || s[0] == '~')) || (len >= 2 && !memcmp(s, "./", 2)) ||
	       (len >= 3 && !memcmp(s, "../", 3));
}

/* The quoted text at i; gives the index of its closing quote, which the scanner has seen. */
static size_t quote_end(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i : len - 1;
}

static size_t colon_after(const char *text, size_t len, size_t i)
{
	for (; i < len && text[i] != ':'; i++)
		if (text[i] == '"')
			i = quote_end(text, len, i);
	return i;
}

size_t lex_attach_len(const char *text, size_t len)
{
	size_t i, colon;
	bool is_path = false, is_first = true;

	for (i = 0; i < len; i++) {
		switch (text[i]) {
		case '"': i = quote_end(text, len, i); break;
		case ':':
			is_path = starts_path(text + i + 1, len - i - 1);
			is_first = false;
			break;
		case '/':
			if (is_path && !is_first)
				break;
			if (i + 1 < len && (text[i + 1] == '/' || text[i + 1] == '*'))
				return i;
			colon = colon_after(text, len, i);
			if (colon == len)
				return i;
			i = colon - 1;
			break;
		default: break;
		}
	}
	return len;
}

// SPDX-License-Identifier: Apache-2.0
/* Small questions about text: does a name match, what number is it, which name is near. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

/* "[abc]", "[a-z]", "[!x]": where the set ends, NULL when the bracket is not closed. */
static const char *set_end(const char *set)
{
	const char *p = set + 1;

	if (*p == '!')
		p++;
	if (*p)
		p++; /* a ']' that stands first is a member */
	return strchr(p, ']');
}

static bool set_has(const char *set, const char *end, char c)
{
	bool negated = set[1] == '!';
	bool found = false;

	for (const char *p = set + 1 + negated; p < end; p++) {
		if (p + 2 < end && p[1] == '-') {
			found |= p[0] <= c && c <= p[2];
			p += 2;
		} else {
			found |= *p == c;
		}
	}
	return found != negated;
}

bool probe_is_glob(const char *s)
{
	for (; *s; s++) {
		if (*s == '*' || (*s == '[' && set_end(s)))
			return true;
	}
	return false;
}

bool probe_glob_match(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL, *end;

	for (;;) {
		end = *pattern == '[' ? set_end(pattern) : NULL;
		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (!*name) {
			return !*pattern;
		} else if (end ? set_has(pattern, end, *name) : *pattern == *name) {
			pattern = end ? end + 1 : pattern + 1;
			name++;
		} else if (star) {
			/* the last star swallows one byte more; earlier ones need no second look */
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
}

static const char *read_exponent(const char *s, uint64_t *value, const char **end)
{
	unsigned exp = 0;

	for (s++; isdigit((unsigned char)*s); s++)
		exp = exp < 100 ? exp * 10 + (unsigned)(*s - '0') : exp;
	*end = s;
	while (exp--) {
		if (__builtin_mul_overflow(*value, 10, value))
			return "overflow error, maximum value is 18446744073709551615";
	}
	return NULL;
}

static unsigned digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return (unsigned)(c - '0');
	if (isxdigit((unsigned char)c))
		return (unsigned)(tolower((unsigned char)c) - 'a') + 10;
	return 99;
}

const char *number_read(const char *s, uint64_t *value, const char **end)
{
	unsigned base = 10;

	*value = 0;
	*end = s;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isxdigit((unsigned char)s[2])) {
		base = 16;
		s += 2;
	} else if (s[0] == '0' && isdigit((unsigned char)s[1])) {
		base = 8;
	} else if (!isdigit((unsigned char)s[0])) {
		return "invalid integer";
	}
	for (; digit_value(*s) < base || *s == '_'; s++) {
		if (*s == '_')
			continue;
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit_value(*s), value))
			return "overflow error, maximum value is 18446744073709551615";
	}
	*end = s;
	if (base == 10 && *s == 'e' && isdigit((unsigned char)s[1]))
		return read_exponent(s, value, end);
	return NULL;
}

/* Edits (insert, delete, change, swap neighbours) from a to b; more than 63 bytes are far. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[3][64]; /* rows i - 2, i - 1, i, taken in turn */

	if (la > 63 || lb > 63)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

void near_name_feed(struct near_name *n, const char *candidate)
{
	size_t len = strlen(n->word);
	unsigned limit = len < 4 ? 1 : len < 8 ? 2 : 3;
	unsigned d = distance(n->word, candidate);

	if (d > limit || (n->best && d >= n->distance))
		return;
	n->best = candidate;
	n->distance = d;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Integers: any base, 1e6, '_' between digits, C suffixes (ignored), durations (in nanoseconds). */
#include "scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *suffix;
	uint64_t ns;
} durations[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
	{ "d", UINT64_C(86400) * 1000000000 },
};

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (isxdigit((unsigned char)c))
		return tolower((unsigned char)c) - 'a' + 10;
	return 99;
}

/* Adds the digits at *p to *value; false when it does not fit. */
static bool read_digits(const char **p, const char *end, int base, uint64_t *value)
{
	bool fits = true;
	int d;

	for (; *p < end; ++*p) {
		if (**p == '_')
			continue;
		d = digit_value(**p);
		if (d >= base)
			break;
		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)d, value))
			fits = false;
	}
	return fits;
}

/* e6 after a decimal number. */
static bool read_exponent(const char **p, const char *end, uint64_t *value)
{
	uint64_t exp = 0;
	bool fits;

	if (end - *p < 2 || (**p != 'e' && **p != 'E') || !isdigit((unsigned char)(*p)[1]))
		return true;
	++*p;
	fits = read_digits(p, end, 10, &exp);
	if (!*value)
		return true;
	for (; fits && exp; exp--)
		fits = !__builtin_mul_overflow(*value, UINT64_C(10), value);
	return fits;
}

static bool is_c_suffix(const char *s, size_t len)
{
	static const char *const suffixes[] = { "u", "l", "ul", "ll", "ull", "lu", "llu" };
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strlen(suffixes[i]) == len && !strncasecmp(suffixes[i], s, len))
			return true;
	return len == 0;
}

/* False: no suffix of ours. */
static bool read_suffix(const char *s, size_t len, struct literal *n)
{
	size_t i;

	for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		if (strlen(durations[i].suffix) != len || memcmp(durations[i].suffix, s, len) != 0)
			continue;
		n->is_duration = true;
		if (__builtin_mul_overflow(n->value, durations[i].ns, &n->value))
			n->bad = D_INT_RANGE;
		return true;
	}
	return is_c_suffix(s, len);
}

struct literal literal_read(const char *text, size_t len)
{
	const char *p = text, *end = text + len, *digits = text;
	struct literal n = { .bad = D_COUNT };
	int base = 10;

	if (len > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		p = digits = text + 2;
	} else if (len > 1 && text[0] == '0' &&
		   (isdigit((unsigned char)text[1]) || text[1] == '_')) {
		base = 8;
	}
	if (!read_digits(&p, end, base, &n.value))
		n.bad = D_INT_RANGE;
	if (p == digits) {
		n.bad = D_INT_BAD;
		return n;
	}
	if (base == 8 && p < end && isdigit((unsigned char)*p)) {
		n.bad = D_INT_OCTAL;
		return n;
	}
	if (base == 10 && !read_exponent(&p, end, &n.value))
		n.bad = D_INT_RANGE;
	if (!read_suffix(p, (size_t)(end - p), &n)) {
		n.bad = D_INT_SUFFIX;
		n.bad_off = (size_t)(p - text);
	}
	return n;
}

void lex_number(struct lexer *lx, const char *text, size_t len, struct token *out)
{
	struct literal n = literal_read(text, len);
	const char *shown = arena_strndup(lx->arena, text, len);
	uint32_t at = lx->off - (uint32_t)len;

	out->kind = T_INT;
	out->value = n.bad == D_INT_RANGE ? 0 : n.value;
	out->is_duration = n.is_duration;
	if (n.bad != D_COUNT)
		lex_error(lx, at + (uint32_t)n.bad_off, len - n.bad_off, n.bad, shown + n.bad_off);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* C types as text, the way tracepoint formats write them, to types. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/type.h"
#include "lexer/arena.h"
#include "lexer/diag.h"

/* Names of integers that C, the kernel and the language share; sizes as on every 64-bit Linux. */
static const struct {
	const char *name;
	uint8_t size;
	bool is_signed;
} names[] = {
	{ "int8", 1, true },	     { "int16", 2, true },
	{ "int32", 4, true },	     { "int64", 8, true },
	{ "uint8", 1, false },	     { "uint16", 2, false },
	{ "uint32", 4, false },	     { "uint64", 8, false },
	{ "int8_t", 1, true },	     { "int16_t", 2, true },
	{ "int32_t", 4, true },	     { "int64_t", 8, true },
	{ "uint8_t", 1, false },     { "uint16_t", 2, false },
	{ "uint32_t", 4, false },    { "uint64_t", 8, false },
	{ "s8", 1, true },	     { "s16", 2, true },
	{ "s32", 4, true },	     { "s64", 8, true },
	{ "u8", 1, false },	     { "u16", 2, false },
	{ "u32", 4, false },	     { "u64", 8, false },
	{ "__s8", 1, true },	     { "__s16", 2, true },
	{ "__s32", 4, true },	     { "__s64", 8, true },
	{ "__u8", 1, false },	     { "__u16", 2, false },
	{ "__u32", 4, false },	     { "__u64", 8, false },
	{ "__le16", 2, false },	     { "__le32", 4, false },
	{ "__le64", 8, false },	     { "__be16", 2, false },
	{ "__be32", 4, false },	     { "__be64", 8, false },
	{ "size_t", 8, false },	     { "ssize_t", 8, true },
	{ "off_t", 8, true },	     { "loff_t", 8, true },
	{ "pid_t", 4, true },	     { "uid_t", 4, false },
	{ "gid_t", 4, false },	     { "dev_t", 4, false },
	{ "ino_t", 8, false },	     { "mode_t", 4, false },
	{ "umode_t", 2, false },     { "sector_t", 8, false },
	{ "gfp_t", 4, false },	     { "uintptr_t", 8, false },
	{ "intptr_t", 8, true },     { "clockid_t", 4, true },
	{ "key_t", 4, true },	     { "qid_t", 4, false },
	{ "time64_t", 8, true },     { "time_t", 8, true },
	{ "pgoff_t", 8, false },     { "phys_addr_t", 8, false },
	{ "dma_addr_t", 8, false },  { "resource_size_t", 8, false },
	{ "fmode_t", 4, false },     { "compat_size_t", 4, false },
	{ "compat_pid_t", 4, true }, { "timer_t", 4, true },
	{ "mqd_t", 4, true },	     { "aio_context_t", 8, false },
	{ "key_serial_t", 4, true }, { "uint", 4, false },
	{ "ulong", 8, false },	     { "ushort", 2, false },
	{ "rwf_t", 4, true },	     { "netdev_features_t", 8, false },
};

void ctype_names_nearest(struct nearest *near)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_feed(near, names[i].name);
}

enum { W_CHAR = 1, W_SHORT = 2, W_INT = 4, W_LONG = 8, W_SIGNED = 16, W_UNSIGNED = 32 };

static unsigned c_word(const char *s, size_t len)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = {
		{ "char", W_CHAR }, { "short", W_SHORT },   { "int", W_INT },
		{ "long", W_LONG }, { "signed", W_SIGNED }, { "unsigned", W_UNSIGNED },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].name) == len && strncmp(words[i].name, s, len) == 0)
			return words[i].bit;
	return 0;
}

static const struct type *named(struct types *ts, const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && strncmp(names[i].name, s, len) == 0)
			return type_int(ts, names[i].size, names[i].is_signed);
	if (len == 4 && (strncmp(s, "bool", 4) == 0 || strncmp(s, "void", 4) == 0))
		return *s == 'b' ? type_bool(ts) : type_void(ts);
	if (len == 5 && strncmp(s, "_Bool", 5) == 0)
		return type_bool(ts);
	return NULL;
}

static const struct type *from_words(struct types *ts, unsigned words)
{
	uint32_t size = words & W_CHAR ? 1 : words & W_SHORT ? 2 : words & W_LONG ? 8 : 4;

	return type_int(ts, size, !(words & W_UNSIGNED));
}

static bool is_qualifier(const char *s, size_t len)
{
	static const char *const q[] = { "const", "volatile", "restrict", "__user",
					 "__rcu", "__percpu", "__kernel" };

	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		if (strlen(q[i]) == len && strncmp(q[i], s, len) == 0)
			return true;
	return false;
}

static const char *skip_space(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static size_t word_len(const char *s)
{
	size_t len = 0;

	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	return len;
}

/* struct and union are empty here: type_complete finds out what is inside. */
static const struct type *tagged(struct types *ts, struct arena *a, const char **at, size_t len)
{
	const char *tag = *at, *name = skip_space(tag + len);
	size_t name_len = word_len(name);
	char *full = arena_printf(a, "%.*s %.*s", (int)len, tag, (int)name_len, name);

	*at = name + name_len;
	if (*tag == 'e')
		return type_int(ts, 4, false);
	return type_tagged(ts, *tag == 's' ? V_STRUCT : V_UNION, full, 0);
}

static bool is_tag(const char *s, size_t len)
{
	return (len == 6 && strncmp(s, "struct", 6) == 0) ||
	       (len == 5 && strncmp(s, "union", 5) == 0) ||
	       (len == 4 && strncmp(s, "enum", 4) == 0);
}

static const struct type *base_type(struct types *ts, struct arena *a, const char **at)
{
	const struct type *t = NULL;
	unsigned words = 0;
	const char *s = *at;

	for (;;) {
		size_t len;

		s = skip_space(s);
		len = word_len(s);
		if (!len)
			break;
		if (is_qualifier(s, len)) {
			s += len;
		} else if (is_tag(s, len)) {
			t = tagged(ts, a, &s, len);
		} else if (c_word(s, len)) {
			words |= c_word(s, len);
			s += len;
		} else if (!t && !words) {
			t = named(ts, s, len);
			if (!t)
				return NULL;
			s += len;
		} else {
			return NULL;
		}
	}
	*at = s;
	return words ? from_words(ts, words) : t;
}

/* "[4][2]" is an array of four arrays of two. */
static const struct type *dimensions(struct types *ts, const struct type *t, const char **at)
{
	const struct type *inner;
	unsigned long cnt;
	char *end;

	if (**at != '[')
		return t;
	cnt = strtoul(*at + 1, &end, 0);
	if (*end != ']' || cnt > UINT16_MAX)
		return NULL;
	*at = skip_space(end + 1);
	inner = dimensions(ts, t, at);
	return inner ? type_array(ts, inner, (uint32_t)cnt) : NULL;
}

const struct type *ctype_parse(struct types *ts, struct arena *a, const char *text,
			       enum addr_space as)
{
	const char *s = text;
	const struct type *t = base_type(ts, a, &s);

	while (t && (*s == '*' || (word_len(s) && is_qualifier(s, word_len(s))))) {
		if (*s == '*')
			t = type_ptr(ts, t, as);
		s = skip_space(s + (*s == '*' ? 1 : word_len(s)));
	}
	if (t)
		t = dimensions(ts, t, &s);
	return t && !*s ? t : NULL;
}

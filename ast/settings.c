/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ast/builtins.h"
#include "ast/settings.h"
#include "lexer/arena.h"

static const struct {
	const char *name;
	enum setting_kind kind;
	uint64_t dflt;
	const char *values;
} rows[] = {
#define CONFIG(name, kind, dflt, values, help) { #name, SETTING_##kind, dflt, values },
#include "runtime/config.def"
#undef CONFIG
};

struct settings {
	struct arena *arena;
	uint64_t num[SETTING_CNT];
	const char *str[SETTING_CNT];
	bool given[SETTING_CNT];
};

static const char *nth_word(struct arena *a, const char *words, uint64_t n)
{
	while (n--)
		words += strcspn(words, "|") + 1;
	return arena_strndup(a, words, strcspn(words, "|"));
}

struct settings *settings_new(struct arena *a)
{
	struct settings *s = arena_new_of(a, struct settings);

	s->arena = a;
	for (int i = 0; i < SETTING_CNT; i++) {
		s->num[i] = rows[i].dflt;
		if (rows[i].kind == SETTING_STR)
			s->str[i] = rows[i].values;
		else if (rows[i].kind == SETTING_ENUM)
			s->str[i] = nth_word(a, rows[i].values, rows[i].dflt);
	}
	return s;
}

const char *setting_name(enum setting_id id)
{
	return rows[id].name;
}

enum setting_kind setting_kind(enum setting_id id)
{
	return rows[id].kind;
}

uint64_t setting_num(const struct settings *s, enum setting_id id)
{
	return s->num[id];
}

const char *setting_str(const struct settings *s, enum setting_id id)
{
	return s->str[id];
}

uint32_t setting_text_size(const struct settings *s)
{
	return (uint32_t)setting_num(s, SETTING_max_strlen) + 1;
}

/* Scripts of before there were config blocks name them as the environment does. */
int setting_find(const char *name)
{
	static const char *const prefixes[] = { "BPFTRACE_", "TRACE_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
			name += strlen(prefixes[i]);
			break;
		}
	}
	for (int i = 0; i < SETTING_CNT; i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return i;
	return -1;
}

static void range(const char *values, uint64_t *lo, uint64_t *hi)
{
	char *end;

	*lo = strtoull(values, &end, 10);
	*hi = strtoull(end + 2, NULL, 10);
}

const char *setting_values(struct arena *a, enum setting_id id)
{
	uint64_t lo, hi;

	switch (rows[id].kind) {
	case SETTING_NUM:
		range(rows[id].values, &lo, &hi);
		return arena_printf(a, "a number from %llu to %llu", (unsigned long long)lo,
				    (unsigned long long)hi);
	case SETTING_BOOL: return "true or false";
	case SETTING_STR: return "a string";
	case SETTING_ENUM: return words_list(a, rows[id].values);
	}
	return "";
}

static int set_num(struct settings *s, enum setting_id id, const char *text)
{
	uint64_t lo, hi, v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 0);
	range(rows[id].values, &lo, &hi);
	if (errno || *end || v < lo || v > hi)
		return -EINVAL;
	s->num[id] = v;
	return 0;
}

static int set_bool(struct settings *s, enum setting_id id, const char *text)
{
	bool yes = !strcmp(text, "true") || !strcmp(text, "1");

	if (!yes && strcmp(text, "false") && strcmp(text, "0"))
		return -EINVAL;
	s->num[id] = yes;
	return 0;
}

void setting_default(struct settings *s, enum setting_id id, uint64_t num)
{
	s->num[id] = num;
}

bool setting_is_given(const struct settings *s, enum setting_id id)
{
	return s->given[id];
}

static const char *in_small_letters(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* Among the row's words, where scripts write it in another way: once it was a number, or in any case. */
static const char *present_word(struct settings *s, enum setting_id id, const char *text)
{
	if (id == SETTING_cache_user_symbols && !strcmp(text, "0"))
		return "NONE";
	if (id == SETTING_cache_user_symbols && !strcmp(text, "1"))
		return "PER_PROGRAM";
	if (id == SETTING_missing_probes)
		return in_small_letters(s->arena, text);
	return text;
}

int setting_set(struct settings *s, enum setting_id id, const char *text)
{
	int at;

	s->given[id] = true;
	switch (rows[id].kind) {
	case SETTING_NUM: return set_num(s, id, text);
	case SETTING_BOOL: return set_bool(s, id, text);
	case SETTING_STR: s->str[id] = arena_strdup(s->arena, text); return 0;
	case SETTING_ENUM:
		at = words_find(rows[id].values, present_word(s, id, text));
		if (at < 0)
			return -EINVAL;
		s->num[id] = (uint64_t)at;
		s->str[id] = nth_word(s->arena, rows[id].values, s->num[id]);
		return 0;
	}
	return -EINVAL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of builtins, as text in builtins.def:
 *
 *   signature: result | result '(' [argument {',' argument}] ')'
 *   argument:  sorts | '[' sorts ']' (optional) | '...' (any more of any sort)
 *   sorts:     sort {'|' sort} | '{' word {'|' word} '}' {'|' sort}
 *   sort:      int int64 uint64 ptr string literal literal_string map any format stack
 *              variable bytes
 *   result:    a type as the language writes it, or what infer_call.c knows by the function:
 *              args, string (of a length that depends on the call), ptr
 *
 * The texts are our own, so a mistake in one is a bug: it is caught by tests/unit_builtins.c.
 */
#include <string.h>

#include "ast/builtins.h"
#include "lexer/arena.h"

static const struct {
	const char *name, *shown;
	uint32_t sort;
} sorts[] = {
	{ "int", "int", SIG_INT },
	{ "int64", NULL, SIG_INT },
	{ "uint64", NULL, SIG_INT },
	{ "ptr", "pointer", SIG_PTR },
	{ "string", "string", SIG_STRING },
	{ "literal", "int literal", SIG_LITERAL },
	{ "literal_string", "string literal", SIG_LITERAL_STRING },
	{ "map", "map", SIG_MAP },
	{ "any", "any", SIG_ANY },
	{ "format", "string literal", SIG_FORMAT },
	{ "stack", "stack", SIG_STACK },
	{ "variable", "variable", SIG_VAR },
	{ "bytes", "array of bytes", SIG_BYTES },
};

static uint32_t sort_of(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strlen(sorts[i].name) == len && strncmp(sorts[i].name, s, len) == 0)
			return sorts[i].sort;
	return 0;
}

static const char *parse_arg(struct sig_arg *arg, const char *s)
{
	if (*s == '[') {
		arg->optional = true;
		s++;
	}
	if (*s == '{') {
		arg->sorts = SIG_WORD;
		arg->words = s + 1;
		s = strchr(s, '}') + 1;
	}
	if (*s == '|' || !arg->sorts) {
		for (s += *s == '|';;) {
			size_t len = strcspn(s, "|],)");

			arg->sorts |= sort_of(s, len);
			s += len;
			if (*s != '|')
				break;
			s++;
		}
	}
	return *s == ']' ? s + 1 : s;
}

void signature_parse(struct signature *sig, const char *text)
{
	const char *s = text + strcspn(text, "(");

	memset(sig, 0, sizeof(*sig));
	sig->result = text;
	sig->result_len = (uint32_t)(s - text);
	if (*s != '(')
		return;
	for (s++; *s && *s != ')'; s += strspn(s, ", ")) {
		if (strncmp(s, "...", 3) == 0) {
			sig->variadic = true;
			s += 3;
			continue;
		}
		if (sig->cnt == SIG_ARGS_MAX)
			return;
		s = parse_arg(&sig->args[sig->cnt], s);
		sig->min += !sig->args[sig->cnt].optional;
		sig->cnt++;
	}
}

const char *signature_sorts(struct arena *a, uint32_t set)
{
	const char *s = NULL;

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		if (!(set & sorts[i].sort) || !sorts[i].shown)
			continue;
		s = s ? arena_printf(a, "%s or %s", s, sorts[i].shown) : sorts[i].shown;
	}
	return s ? s : "nothing";
}

int words_find(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		size_t l = strcspn(words, "|}");

		if (l == len && strncmp(words, word, len) == 0)
			return i;
		if (words[l] != '|')
			return -1;
		words += l + 1;
	}
}

const char *words_list(struct arena *a, const char *words)
{
	const char *s = "";

	for (;;) {
		size_t l = strcspn(words, "|}");

		s = arena_printf(a, "%s%s%.*s", s, *s ? ", " : "", (int)l, words);
		if (words[l] != '|')
			return s;
		words += l + 1;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/format_law.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ast/unit.h"
#include "lexer/lexer.h"

static const struct compile_options options = { .have_btf = true };

static bool unit_begin(struct unit *u, const char *text, size_t len)
{
	*u = (struct unit){ .opt = &options, .arena = arena_new() };
	u->sources = sources_new(u->arena);
	u->diags = diags_new(u->arena, u->sources);
	u->main_source = source_add(u->sources, "text", text, len);
	return !parse(u);
}

static char *dump_of(const struct unit *u)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	ast_dump(mem, u->program, false);
	fclose(mem);
	return text;
}

/* What stands between the tokens, without blanks: formatting may move it, not change it. */
static char *trivia_of(const struct unit *u)
{
	struct lexer *lx = lexer_new(u->arena, u->diags, u->main_source, true);
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);
	struct trivia *list;
	struct token t;

	lexer_keep_trivia(lx, &list);
	do
		lexer_next(lx, &t);
	while (t.kind != T_END);
	lexer_free(lx);
	for (; list; list = list->next) {
		for (uint32_t i = list->span.from; i < list->span.to; i++) {
			char c = u->main_source->text[i - u->main_source->base];

			if (!isspace((unsigned char)c))
				fputc(c, mem);
		}
		fputc('\n', mem);
	}
	fclose(mem);
	return text;
}

static const char *compare(const struct unit *u, const char *text, size_t len)
{
	struct unit again;
	char *dumps[2] = { NULL }, *trivia[2] = { NULL }, *twice = NULL;
	const char *wrong = NULL;
	size_t twice_len = 0;

	if (!unit_begin(&again, text, len)) {
		arena_free(again.arena);
		return "what was formatted does not parse";
	}
	dumps[0] = dump_of(u);
	dumps[1] = dump_of(&again);
	trivia[0] = trivia_of(u);
	trivia[1] = trivia_of(&again);
	if (strcmp(dumps[0], dumps[1]) != 0)
		wrong = "formatting changes the program";
	else if (strcmp(trivia[0], trivia[1]) != 0)
		wrong = "formatting changes the comments";
	else if (format(&again, &twice, &twice_len))
		wrong = "what was formatted cannot be formatted";
	else if (twice_len != len || memcmp(text, twice, len) != 0)
		wrong = "formatting twice is not formatting once";
	for (int i = 0; i < 2; i++) {
		free(dumps[i]);
		free(trivia[i]);
	}
	free(twice);
	arena_free(again.arena);
	return wrong;
}

const char *format_law(const char *text, size_t len, bool *parses, bool show)
{
	struct unit u;
	char *out = NULL;
	size_t out_len = 0;
	const char *wrong = NULL;
	bool good = unit_begin(&u, text, len);

	if (parses)
		*parses = good;
	if (good)
		wrong = format(&u, &out, &out_len) ? "cannot be formatted"
						   : compare(&u, out, out_len);
	if (wrong && show)
		fprintf(stderr, "%s\n---- text\n%.*s\n---- formatted\n%.*s\n", wrong, (int)len,
			text, (int)out_len, out ? out : "");
	free(out);
	arena_free(u.arena);
	return wrong;
}

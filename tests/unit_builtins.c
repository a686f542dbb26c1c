/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of builtins.def are well-formed, and printf formats are taken apart as they should. */
#include <stdio.h>
#include <string.h>

#include "ast/builtins.h"
#include "ast/formatparse.h"
#include "ast/type.h"
#include "lexer/arena.h"
#include "tests/unit.h"

static void test_rows(void)
{
	for (int id = 0; id < B_COUNT; id++) {
		const struct builtin *b = builtin_by_id((enum builtin_id)id);
		size_t len = strlen(b->signature);
		struct signature sig;
		bool optional = false;

		CHECK(builtin_find(b->name) == b);
		CHECK(b->help && b->help[0]);
		signature_parse(&sig, b->signature);
		CHECK(sig.result_len > 0);
		CHECK(sig.result_len == len || b->signature[len - 1] == ')');
		for (uint32_t i = 0; i < sig.cnt; i++) {
			CHECK(sig.args[i].sorts);
			CHECK(!optional || sig.args[i].optional);
			optional |= sig.args[i].optional;
		}
	}
	CHECK(!builtin_find("nothing"));
	CHECK(builtin_find("__builtin_pid") == builtin_by_id(B_pid));
}

static void test_signature(struct arena *a)
{
	struct signature sig;

	signature_parse(&sig, "string(ptr|int, [uint64], [{one|two}], ...)");
	CHECK(sig.cnt == 3 && sig.min == 1 && sig.variadic);
	CHECK(sig.args[0].sorts == (SIG_PTR | SIG_INT) && sig.args[1].sorts == SIG_INT);
	CHECK(sig.args[2].sorts == SIG_WORD && words_find(sig.args[2].words, "two") == 1);
	CHECK(words_find(sig.args[2].words, "tw") == -1);
	CHECK(!strcmp(words_list(a, sig.args[2].words), "one, two"));
	CHECK(!strcmp(signature_sorts(a, SIG_PTR | SIG_INT), "int or pointer"));
	signature_parse(&sig, "uint32");
	CHECK(!sig.cnt && !sig.variadic && sig.result_len == 6);
}

static void test_format(struct arena *a)
{
	static const char text[] = "a%-5.3s%%%08llx%hhd|%rx%gr%";
	const char *bad;
	struct format *f = format_parse(a, text, sizeof(text) - 1, &bad);
	struct format_piece *p = f->pieces;

	CHECK(!bad && f->cnt == 9 && format_args(f) == 5);
	CHECK(p[0].len == 1 && p[0].text[0] == 'a');
	CHECK(p[1].conv == 's' && p[1].width == 5 && p[1].prec == 3 && p[1].flags == PIECE_LEFT);
	CHECK(p[2].len == 1 && p[2].text[0] == '%');
	CHECK(p[3].conv == 'x' && p[3].width == 8 && p[3].flags == PIECE_ZERO && p[3].size == 8);
	CHECK(p[4].conv == 'd' && p[4].size == 1 && p[4].width == -1 && p[4].arg == 2);
	CHECK(p[6].conv == 'R' && p[7].conv == 'g' && p[8].len == 1);
	format_parse(a, "%f", 2, &bad);
	CHECK(bad && !strcmp(bad, "f"));
	format_parse(a, "%5", 2, &bad);
	CHECK(bad != NULL);
}

int main(void)
{
	struct arena *a = arena_new();

	test_rows();
	test_signature(a);
	test_format(a);
	arena_free(a);
	return failed ? 1 : 0;
}

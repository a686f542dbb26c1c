/* SPDX-License-Identifier: Apache-2.0 */
/* The lattice of types: joining is commutative, associative, and holds both sides. */
#include <stdio.h>
#include <string.h>

#include "ast/type.h"
#include "lexer/arena.h"
#include "tests/unit.h"

static void test_join_rules(struct types *ts)
{
	const struct type *s8 = type_int(ts, 1, true), *u8 = type_int(ts, 1, false);
	const struct type *u32 = type_int(ts, 4, false), *s64 = type_int(ts, 8, true);
	const struct type *u64 = type_int(ts, 8, false), *str = type_string(ts, 4);
	bool lossy = false;

	CHECK(type_join(ts, s8, u8, &lossy) == type_int(ts, 2, true) && !lossy);
	CHECK(type_join(ts, s8, u32, &lossy) == s64 && !lossy);
	CHECK(type_join(ts, u64, s64, &lossy) == s64 && lossy);
	CHECK(type_join(ts, type_lit(ts, 1), u32, NULL) == u32);
	CHECK(type_settled(ts, type_join(ts, type_lit(ts, 2), u8, NULL)) == type_int(ts, 2, false));
	CHECK(type_join(ts, type_lit(ts, 1), s8, NULL) == s8);
	CHECK(type_join(ts, str, type_string(ts, 9), NULL) == type_string(ts, 9));
	CHECK(!type_join(ts, str, s64, NULL));
	CHECK(!type_join(ts, type_bool(ts), s64, NULL));
	CHECK(!type_join(ts, type_hist(ts, 1), type_hist(ts, 2), NULL));
}

static void test_literals(struct types *ts)
{
	CHECK(type_of_literal(ts, 127, false) == type_lit(ts, 1));
	CHECK(type_of_literal(ts, 128, false) == type_lit(ts, 2));
	CHECK(type_of_literal(ts, (uint64_t)-128, false) == type_int(ts, 1, true));
	CHECK(type_of_literal(ts, (uint64_t)-129, false) == type_int(ts, 2, true));
	CHECK(type_of_literal(ts, 1ull << 63, true) == type_int(ts, 8, false));
	CHECK(type_of_literal(ts, INT64_MAX, false) == type_lit(ts, 8));
	CHECK(type_settled(ts, type_lit(ts, 1)) == type_int(ts, 1, true));
}

static void test_join_laws(struct types *ts)
{
	const struct type *all[16], *pair[2];
	unsigned cnt = 0;

	for (uint32_t size = 1; size <= 8; size *= 2) {
		all[cnt++] = type_int(ts, size, true);
		all[cnt++] = type_int(ts, size, false);
		all[cnt++] = type_lit(ts, size);
	}
	all[cnt++] = type_string(ts, 3);
	all[cnt++] = type_string(ts, 5);
	pair[0] = all[0];
	pair[1] = all[cnt - 1];
	all[cnt++] = type_tuple(ts, pair, 2);
	pair[0] = all[7];
	all[cnt++] = type_tuple(ts, pair, 2);
	for (unsigned a = 0; a < cnt; a++) {
		for (unsigned b = 0; b < cnt; b++) {
			const struct type *ab = type_join(ts, all[a], all[b], NULL);

			CHECK(ab == type_join(ts, all[b], all[a], NULL));
			if (!ab)
				continue;
			CHECK(type_join(ts, ab, all[a], NULL) == ab);
			for (unsigned c = 0; c < cnt; c++) {
				const struct type *bc = type_join(ts, all[b], all[c], NULL);

				CHECK(type_join(ts, ab, all[c], NULL) ==
				      (bc ? type_join(ts, all[a], bc, NULL) : NULL));
			}
		}
	}
}

static void test_names(struct types *ts, struct arena *a)
{
	const struct type *pair[] = { type_int(ts, 8, true), type_string(ts, 4) };
	const struct type *t;

	CHECK(!strcmp(type_name(a, type_tuple(ts, pair, 2)), "(int64,string[4])"));
	CHECK(type_tuple(ts, pair, 2) == type_tuple(ts, pair, 2));
	CHECK(type_tuple(ts, pair, 2)->size == 16);
	t = ctype_parse(ts, a, "const char *", AS_USER);
	CHECK(t && t->kind == V_PTR && t->as == AS_USER && t->elem == type_int(ts, 1, true));
	t = ctype_parse(ts, a, "const char *const *", AS_USER);
	CHECK(t && t->elem->elem == type_int(ts, 1, true));
	CHECK(ctype_parse(ts, a, "unsigned long long", AS_NONE) == type_int(ts, 8, false));
	CHECK(ctype_parse(ts, a, "short unsigned int", AS_NONE) == type_int(ts, 2, false));
	t = ctype_parse(ts, a, "u32[4][2]", AS_NONE);
	CHECK(t && t->count == 4 && t->elem->count == 2 && t->size == 32);
	t = ctype_parse(ts, a, "struct foo *", AS_KERNEL);
	CHECK(t && !strcmp(type_name(a, t), "struct foo *"));
	CHECK(!ctype_parse(ts, a, "xfs_ino_t", AS_NONE));
	CHECK(!ctype_parse(ts, a, "int[", AS_NONE));
	CHECK(!ctype_parse(ts, a, "", AS_NONE));
}

int main(void)
{
	struct arena *a = arena_new();
	struct types *ts = types_new(a);

	test_join_rules(ts);
	test_literals(ts);
	test_join_laws(ts);
	test_names(ts, a);
	arena_free(a);
	return failed ? 1 : 0;
}

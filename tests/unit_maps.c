// SPDX-License-Identifier: Apache-2.0
/* What maps hold and how they are laid out, without a kernel: tseries, and sizes on large machines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/agg.h"
#include "runtime/maps.h"
#include "runtime/shape.h"
#include "runtime/tseries.h"

static int failed;

static void expect_at(int line, struct buf *b, const char *want)
{
	if (b->len != strlen(want) || memcmp(b->p ?: "", want, b->len)) {
		fprintf(stderr, "line %d: got\n%.*s\nwant\n%s\n", line, (int)b->len, b->p, want);
		failed = 1;
	}
	b->len = 0;
}
#define expect(b, want) expect_at(__LINE__, b, want)

static void expect_true_at(int line, bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "line %d: not so: %s\n", line, what);
	failed = 1;
}
#define expect_true(cond) expect_true_at(__LINE__, cond, #cond)

/* ---- tseries ---- */

#define MS 1000000ll

static struct image_type tseries_type(enum tseries_kind kind, int64_t interval, int64_t slots)
{
	return (struct image_type){ .kind = V_TSERIES,
				    .flags = IMAGE_TYPE_SIGNED,
				    .k = (uint8_t)kind,
				    .size = (uint32_t)slots * sizeof(struct tseries_slot),
				    .min = interval,
				    .max = slots };
}

static void put(struct tseries_slot *slots, const struct image_type *t, uint64_t n, int64_t v,
		uint64_t cnt)
{
	slots[n % (uint64_t)t->max] = (struct tseries_slot){ n, v, cnt };
}

static void test_chart(void)
{
	struct image_type t = tseries_type(TSERIES_SUM, 200 * MS, 4);
	struct tseries_slot s[4] = { 0 };
	struct buf b = { 0 };

	/* 5 intervals a second: 18000 are one hour; India is at 5:30 */
	put(s, &t, 18001, -30, 1);
	put(s, &t, 18003, 20, 2);
	tseries_text(&b, &t, s, 18003, 1);
	expect(&b, "             -30                                                20\n"
		   "hh:mm:ss.ms  |___________________________________________________|\n"
		   "06:30:00.200 *                                                   | -30\n"
		   "06:30:00.400 |                                                   | -\n"
		   "06:30:00.600 |                                                   * 20\n"
		   "             v___________________________________________________v\n"
		   "             -30                                                20\n\n");
	tseries_text(&b, &t, s, 18004, 10); /* another key of the map went on */
	expect(&b, "             -3                                                  2\n"
		   "hh:mm:ss.ms  |___________________________________________________|\n"
		   "06:30:00.200 *                                                   | -3\n"
		   "06:30:00.400 |                                                   | -\n"
		   "06:30:00.600 |                                                   * 2\n"
		   "06:30:00.800 |                                                   | -\n"
		   "             v___________________________________________________v\n"
		   "             -3                                                  2\n\n");
	tseries_json(&b, &t, s, 18003, 1);
	expect(&b, "[{\"interval_start\":\"1970-01-01 01:00:00.200000000\",\"value\":-30},"
		   "{\"interval_start\":\"1970-01-01 01:00:00.600000000\",\"value\":20}]");
	tseries_text(&b, &t, s, 18005, 1); /* the first has gone by: a lone interval is exact */
	tseries_text(&b, &t, s, 18010, 1); /* all have */
	tseries_json(&b, &t, s, 18010, 1);
	expect(&b,
	       "             19                                                 21\n"
	       "hh:mm:ss.ms  |___________________________________________________|\n"
	       "06:30:00.600 |                         *                         | 20\n"
	       "06:30:00.800 |                                                   | -\n"
	       "06:30:01.000 |                                                   | -\n"
	       "             v___________________________________________________v\n"
	       "             19                                                 21\n\n"
	       "                   null                                             null\n"
	       "hh:mm:ss.ns        |___________________________________________________|\n"
	       "06:30:02.000000000 |                                                   | -\n"
	       "                   v___________________________________________________v\n"
	       "                   null                                             null\n\n[]");
	buf_free(&b);
}

/* The widest range there is, and one at its end. */
static void test_chart_range(void)
{
	struct image_type t = tseries_type(TSERIES_LAST, 1000 * MS, 2);
	struct tseries_slot s[2] = { 0 };
	struct buf b = { 0 };

	put(s, &t, 1, INT64_MIN, 5);
	put(s, &t, 2, INT64_MAX, 6);
	tseries_text(&b, &t, s, 2, 1);
	expect(&b, "         -9223372036854775808              9223372036854775807\n"
		   "hh:mm:ss |___________________________________________________|\n"
		   "05:30:01 *                                                   | "
		   "-9223372036854775808\n"
		   "05:30:02 |                                                   * "
		   "9223372036854775807\n"
		   "         v___________________________________________________v\n"
		   "         -9223372036854775808              9223372036854775807\n\n");
	t.flags = 0;
	t.min = 1000; /* a microsecond: the Greek letter is two bytes and one column */
	memset(s, 0, sizeof(s));
	put(s, &t, 1, -1, 5);
	tseries_text(&b, &t, s, 2, 1);
	expect(&b, "                18446744073709551614             18446744073709551615\n"
		   "hh:mm:ss.\u03bcs     |___________________________________________________|\n"
		   "05:30:00.000001 |                                                   * "
		   "18446744073709551615\n"
		   "05:30:00.000002 |                                                   | -\n"
		   "                v___________________________________________________v\n"
		   "                18446744073709551614             18446744073709551615\n\n");
	memset(s, 0, sizeof(s));
	tseries_text(&b, &t, s, 0, 1);
	expect(&b, "<no data>\n");
	buf_free(&b);
}

/* What several CPUs have in one slot: the latest interval counts, and of it all. */
static void test_tseries_sum(void)
{
	static const struct {
		enum tseries_kind kind;
		int64_t want;
	} cases[] = { { TSERIES_AVG, 4 },
		      { TSERIES_MAX, 9 },
		      { TSERIES_MIN, 3 },
		      { TSERIES_SUM, 12 },
		      { TSERIES_LAST, 9 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct image_type t = tseries_type(cases[i].kind, MS, 1);
		struct tseries_slot old = { 6, 100, 7 }, a = { 7, 3, 1 }, b = { 7, 9, 2 };
		struct tseries_slot sum = { 0 };
		int64_t flip = (int64_t)agg_extreme_flip(cases[i].kind == TSERIES_MIN,
							 t.flags & IMAGE_TYPE_SIGNED);

		if (cases[i].kind == TSERIES_MIN || cases[i].kind == TSERIES_MAX) {
			a.value ^= flip;
			b.value ^= flip;
		}
		agg_add(&t, &sum, &old);
		agg_add(&t, &sum, &a);
		agg_add(&t, &sum, &old);
		agg_add(&t, &sum, &b);
		expect_true(sum.interval == 7 && tseries_value(&t, &sum) == cases[i].want);
		expect_true(agg_used(&t, &sum) && agg_rank(&t, &sum) == 7);
	}
}

/* A reset takes what was printed; what came since stays. */
static void test_tseries_reset(void)
{
	struct image_type t = tseries_type(TSERIES_SUM, MS, 3);
	struct tseries_slot now[3] = { { 6, 10, 2 }, { 7, 9, 4 }, { 8, 1, 1 } };
	struct tseries_slot printed[3] = { { 6, 10, 2 }, { 7, 5, 3 }, { 5, 7, 7 } };

	agg_sub(&t, now, printed);
	expect_true(!now[0].interval);
	expect_true(now[1].interval == 7 && now[1].value == 4 && now[1].cnt == 1);
	expect_true(now[2].interval == 8 && now[2].value == 1 && now[2].cnt == 1);
	agg_sub(&t, now, now);
	expect_true(!agg_used(&t, now));
}

/* ---- shapes ---- */

enum { T_PID, T_COUNT, T_HIST, T_LHIST, T_STR };

static const struct image_type types[] = {
	[T_PID] = { .kind = V_INT, .size = 4 },
	[T_COUNT] = { .kind = V_COUNT, .size = 8 },
	[T_HIST] = { .kind = V_HIST, .size = 66 * 8 },
	[T_LHIST] = { .kind = V_LHIST, .max = 1000, .step = 1, .size = 1002 * 8 },
	[T_STR] = { .kind = V_STRING, .size = 1024 },
};

static const struct image shapes_img = { .types = types, .types_cnt = 5 };

static struct map_shape shape(uint32_t val, uint32_t flags, uint64_t keys, uint32_t ncpus,
			      bool lazy)
{
	struct image_map m = { .key = T_PID, .val = val, .flags = flags, .max_entries = keys };

	if (flags & IMAGE_MAP_SCALAR)
		m.key = IMAGE_NONE;
	return map_shape_of(&shapes_img, &m, ncpus, lazy);
}

#define MiB (1ull << 20)

/* On a small machine all copies lie in one value; what is large takes memory as it fills. */
static void test_shapes_small(void)
{
	struct map_shape s = shape(T_COUNT, IMAGE_MAP_PERCPU, 4096, 2, true);

	expect_true(s.slot == 64 && s.val_sz == 128 && s.key_sz == 4 && s.entries == 4096);
	expect_true(!s.lazy && !s.by_cpu && map_shape_made(&s, 2) < 1 * MiB);
	s = shape(T_HIST, IMAGE_MAP_PERCPU, 4096, 2, true);
	expect_true(s.slot == 576 && s.val_sz == 1152 && !s.by_cpu);
	s = shape(T_HIST, IMAGE_MAP_PERCPU, 1000000, 2, true);
	expect_true(s.lazy && map_shape_made(&s, 2) == 16 * 1000000);
	s = shape(T_STR, 0, 100000, 2, true);
	expect_true(s.lazy && !s.slot && s.val_sz == 1024);
	s = shape(T_HIST, IMAGE_MAP_PERCPU | IMAGE_MAP_SCALAR, 1, 2, true);
	expect_true(s.entries == 2 && s.key_sz == 4 && s.slot == 576 && s.val_sz == 576);
	/* one CPU: there is nothing to keep apart */
	s = shape(T_LHIST, IMAGE_MAP_PERCPU, 10, 1, true);
	expect_true(!s.by_cpu && s.slot == s.val_sz);
}

/* On 128 CPUs what a map takes goes by the CPUs that meet a key, not by those there are. */
static void test_shapes_large(void)
{
	struct map_shape s = shape(T_HIST, IMAGE_MAP_PERCPU, 4096, 128, true);

	expect_true(s.by_cpu && s.lazy && !s.slot && s.val_sz == 528 && s.key_sz == 16);
	expect_true(s.entries == 4096 * 128 && map_shape_made(&s, 128) == 8 * MiB);
	/* 4096 keys, each met by 4 CPUs: with all copies side by side it was 302 MB */
	expect_true(4096 * 4 * map_shape_entry(&s, 128) < 10 * MiB);
	s = shape(T_LHIST, IMAGE_MAP_PERCPU, 4096, 128, true);
	expect_true(s.by_cpu && 4096 * 4 * map_shape_entry(&s, 128) < 128 * MiB);
	s = shape(T_COUNT, IMAGE_MAP_PERCPU, 1000000, 128, true);
	expect_true(s.by_cpu && map_shape_made(&s, 128) <= 64 * MiB);
	expect_true(1000000 * map_shape_entry(&s, 128) < 100 * MiB);
	/* a kernel that must allocate everything at once */
	s = shape(T_HIST, IMAGE_MAP_PERCPU, 4096, 128, false);
	expect_true(s.by_cpu && !s.lazy && map_shape_made(&s, 128) < 11 * MiB);
	/* more keys than fit the usual bound are not cut */
	s = shape(T_COUNT, IMAGE_MAP_PERCPU, 8000000, 128, true);
	expect_true(s.entries == 8000000);
}

/* Where programs look at entries themselves, an entry is a key's. */
static void test_shapes_whole(void)
{
	struct map_shape s = shape(T_HIST, IMAGE_MAP_PERCPU | IMAGE_MAP_WHOLE, 4096, 128, true);

	expect_true(!s.by_cpu && s.percpu && s.lazy && !s.slot && s.val_sz == 528 && s.key_sz == 4);
	expect_true(s.entries == 4096 && map_shape_entry(&s, 128) == 64 + 4 + 128 * 528);
	s = shape(T_COUNT, IMAGE_MAP_PERCPU | IMAGE_MAP_OWN, 4096, 128, true);
	expect_true(!s.by_cpu && !s.percpu && s.slot == 64 && s.val_sz == 64 * 128);
	s = shape(T_COUNT, IMAGE_MAP_PERCPU | IMAGE_MAP_LRU, 4096, 128, true);
	expect_true(!s.by_cpu && !s.lazy && s.slot == 64);
}

int main(void)
{
	setenv("TZ", "IST-5:30", 1);
	tzset();
	test_chart();
	test_chart_range();
	test_tseries_sum();
	test_tseries_reset();
	test_shapes_small();
	test_shapes_large();
	test_shapes_whole();
	return failed;
}

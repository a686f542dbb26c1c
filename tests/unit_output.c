// SPDX-License-Identifier: Apache-2.0
/* What values, histograms, formats and maps look like, in text and JSON; and splitting of -c. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/agg.h"
#include "runtime/child.h"
#include "runtime/event.h"
#include "runtime/hist.h"

static int failed;

static void expect_at(int line, const struct buf *b, const char *want)
{
	if (b->len == strlen(want) && !memcmp(b->p ?: "", want, b->len))
		return;
	fprintf(stderr, "line %d: got\n%.*s\nwant\n%s\n", line, (int)b->len, b->p, want);
	failed = 1;
}

#define expect(b, want) expect_at(__LINE__, b, want)

static void test_numbers(void)
{
	struct buf b = { 0 };

	buf_put_s64(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_put_u64(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_put_ptr(&b, 0xffff0000);
	buf_putc(&b, ' ');
	buf_put_ptr(&b, 0);
	expect(&b, "-9223372036854775808 18446744073709551615 0xffff0000 0x0");
	buf_free(&b);
}

static void test_json_string(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "\"plain\"" },
		{ "a\"b\\c\n\t\r\b\f\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u007f\"" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		{ "\xff\xc3", "\"\\u00ff\\u00c3\"" }, /* no UTF-8, cut */
		{ "\xc0\x80\xe0\x80\x80",
		  "\"\\u00c0\\u0080\\u00e0\\u0080\\u0080\"" }, /* overlong */
		{ "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"" },
		{ "", "\"\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = { 0 };

		json_string(&b, cases[i].in, strlen(cases[i].in));
		expect(&b, cases[i].out);
		buf_free(&b);
	}
}

/* ---- histograms ---- */

static uint32_t hist_index(uint64_t v, uint32_t k)
{
	uint32_t e = 63 - (uint32_t)__builtin_clzll(v | 1);

	if (v < 1ull << k)
		return 1 + (uint32_t)v;
	return 1 + (1u << k) + ((e - k) << k) + ((uint32_t)(v >> (e - k)) & ((1u << k) - 1));
}

/* Every value lies between the bounds of its bucket. */
static void test_hist_bounds(void)
{
	for (uint32_t k = 0; k <= 5; k++) {
		struct image_type t = { .kind = V_HIST, .k = (uint8_t)k };

		for (uint32_t e = 0; e < 64; e++) {
			for (int d = -2; d <= 2; d++) {
				uint64_t v = (1ull << e) + (uint64_t)d;
				uint32_t i = hist_index(v, k);
				struct bucket b = bucket_at(&t, i);

				if (i >= bucket_cnt(&t) || v < (uint64_t)b.lo ||
				    (b.hi && v >= (uint64_t)b.hi)) {
					fprintf(stderr, "hist k %u: %llu is not in bucket %u\n", k,
						(unsigned long long)v, i);
					failed = 1;
				}
			}
		}
	}
}

static void test_hist_text(void)
{
	struct image_type t = { .kind = V_HIST }, t2 = { .kind = V_HIST, .k = 2 };
	uint64_t n[512] = { 0 };
	struct buf b = { 0 };

	n[0] = 1;
	n[1] = 2;
	n[3] = 4;
	hist_text(&b, &t, n, 1, false);
	expect(&b,
	       "(..., 0)               1 |@@@@@@@@@@@@@                                       |\n"
	       "[0]                    2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
	       "[1]                    0 |                                                    |\n"
	       "[2, 4)                 4 "
	       "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n");
	b.len = 0;
	hist_json(&b, &t, n, 2);
	expect(&b,
	       "[{\"max\": -1, \"count\": 0},{\"min\": 0, \"max\": 0, \"count\": 1},"
	       "{\"min\": 1, \"max\": 1, \"count\": 0},{\"min\": 2, \"max\": 3, \"count\": 2}]");
	memset(n, 0, sizeof(n));
	b.len = 0;
	n[hist_index(512, 0)] = n[hist_index(1024, 0)] = 1;
	hist_text(&b, &t, n, 1, false);
	expect(&b,
	       "[512, 1K)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
	       "[1K, 2K)               1 "
	       "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n");
	memset(n, 0, sizeof(n));
	b.len = 0;
	n[hist_index(3584, 2)] = n[hist_index(4096, 2)] = 1;
	hist_text(&b, &t2, n, 1, false);
	expect(&b,
	       "[3584, 4K)             1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
	       "[4K, 5K)               1 "
	       "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n");
	memset(n, 0, sizeof(n));
	b.len = 0;
	hist_text(&b, &t, n, 1, false);
	expect(&b, "\n");
	b.len = 0;
	hist_json(&b, &t, n, 1);
	expect(&b, "[]");
	buf_free(&b);
}

static void test_lhist_text(void)
{
	struct image_type t = { .kind = V_LHIST, .min = -2048, .max = 2048, .step = 1024 };
	uint64_t n[6] = { 1, 0, 0, 0, 0, 2 };
	struct buf b = { 0 };

	hist_text(&b, &t, n, 1, false);
	expect(&b,
	       "(..., -2K)             1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
	       "[-2K, -1K)             0 |                                                    |\n"
	       "[-1K, 0)               0 |                                                    |\n"
	       "[0, 1K)                0 |                                                    |\n"
	       "[1K, 2K)               0 |                                                    |\n"
	       "[2K, ...)              2 "
	       "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n");
	b.len = 0;
	hist_json(&b, &t, n, 1);
	expect(&b, "[{\"max\": -2049, \"count\": 1},{\"min\": -2048, \"max\": -1025, \"count\": 0},"
		   "{\"min\": -1024, \"max\": -1, \"count\": 0},{\"min\": 0, \"max\": 1023, "
		   "\"count\": 0},"
		   "{\"min\": 1024, \"max\": 2047, \"count\": 0},{\"min\": 2048, \"count\": 2}]");
	buf_free(&b);
}

/* ---- formats ---- */

static const struct image_type types[] = {
	{ .kind = V_INT, .size = 8, .flags = IMAGE_TYPE_SIGNED },
	{ .kind = V_STRING, .size = 8 },
	{ .kind = V_BUFFER, .size = 12 },
	{ .kind = V_INT, .size = 1, .flags = IMAGE_TYPE_SIGNED },
	{ .kind = V_BOOL, .size = 1 },
	{ .kind = V_INT, .size = 8 },
	{ .kind = V_PTR, .size = 8, .elem = IMAGE_NONE },
	{ .kind = V_TUPLE, .size = 16, .count = 2, .first = 0 },
	{ .kind = V_RECORD, .size = 32, .count = 2, .first = 2 },
	{ .kind = V_ARRAY, .size = 3, .elem = 3, .count = 3 },
	{ .kind = V_COUNT, .size = 8 },
	{ .kind = V_AVG, .size = 16, .flags = IMAGE_TYPE_SIGNED },
	{ .kind = V_STATS, .size = 16, .flags = IMAGE_TYPE_SIGNED },
	{ .kind = V_TUPLE, .size = 1, .count = 1, .first = 1 },
	{ .kind = V_MAX, .size = 16, .flags = IMAGE_TYPE_SIGNED },
};
static const struct image_field fields[] = {
	{ .type = 0 },
	{ .type = 4, .off = 8 },
	{ .type = 1, .name = 1 },
	{ .type = 7, .name = 3, .off = 8 },
};
static const struct image img = {
	.types = types,
	.types_cnt = sizeof(types) / sizeof(types[0]),
	.fields = fields,
	.fields_cnt = 4,
	.strings = "\0a\0b\0@m",
	.strings_cnt = 8,
};
static const struct value_env env = { .img = &img, .cut_mark = ".." };

/* The piece as the parser of formats makes it, for one conversion without literal text. */
static struct image_piece piece(const char *fmt)
{
	struct image_piece p = { .width = -1, .prec = -1 };
	char *end;

	for (fmt++; strchr("-0+ #", *fmt); fmt++)
		p.flags |= (uint8_t)(*fmt == '-'   ? PIECE_LEFT
				     : *fmt == '0' ? PIECE_ZERO
				     : *fmt == '+' ? PIECE_PLUS
				     : *fmt == ' ' ? PIECE_SPACE
						   : PIECE_ALT);
	if (*fmt >= '1' && *fmt <= '9') {
		p.width = (int16_t)strtol(fmt, &end, 10);
		fmt = end;
	}
	if (*fmt == '.') {
		p.prec = (int16_t)strtol(fmt + 1, &end, 10);
		fmt = end;
	}
	for (; *fmt == 'l' || *fmt == 'h'; fmt++)
		p.size = *fmt == 'l' ? 8 : p.size == 2 ? 1 : 2;
	p.conv = *fmt;
	return p;
}

static void format_one(struct buf *b, const char *fmt, struct value v)
{
	struct event_ctx c = { .img = &img, .env = &env, .args = &v, .arg_cnt = 1 };
	struct image_piece p = piece(fmt);

	b->len = 0;
	format_run(b, &c, &env, &p, 1);
}

/* The C library is the judge of what printf means. */
static void test_format_like_c(void)
{
	static const char *const fmts[] = {
		"%lld",	    "%5lld",	"%-5lld",   "%05lld", "%+lld",	 "% lld",   "%.3lld",
		"%8.3lld",  "%-8.3lld", "%08.3lld", "%llu",   "%llx",	 "%#llx",   "%#12llX",
		"%#012llx", "%llo",	"%#llo",    "%.0lld", "%+05lld", "%-+7lld",
	};
	static const int64_t values[] = {
		0, 1, -1, 42, -42, 123456789012345, INT64_MIN, INT64_MAX
	};
	struct buf b = { 0 };
	char want[128];

	for (size_t f = 0; f < sizeof(fmts) / sizeof(fmts[0]); f++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(want, sizeof(want), fmts[f], (long long)values[i]);
#pragma GCC diagnostic pop
			format_one(&b, fmts[f], value_at(&img, 0, &values[i]));
			if (b.len != strlen(want) || memcmp(b.p ?: "", want, b.len)) {
				fprintf(stderr, "%s: [%.*s], C says [%s]\n", fmts[f], (int)b.len,
					b.p, want);
				failed = 1;
			}
		}
	}
	buf_free(&b);
}

static void test_format_rest(void)
{
	const int64_t big = 0x123456789abcd;
	const int8_t minus = -1;
	const char text[8] = "abc", yes = 1;
	struct {
		uint32_t len;
		char p[8];
	} buf = { 3, "a\x01\"" };
	struct buf b = { 0 };

#define ONE(fmt, type, at, want)                                                                   \
	format_one(&b, fmt, value_at(&img, type, at));                                             \
	expect(&b, want)
	ONE("%d", 0, &big, "1737075661"); /* as C: without a modifier it is an int */
	ONE("%ld", 0, &big, "320255973501901");
	ONE("%d", 3, &minus, "-1");
	ONE("%x", 3, &minus, "ffffffff");
	ONE("%hhx", 3, &minus, "ff");
	ONE("%llx", 3, &minus, "ffffffffffffffff");
	ONE("%hd", 0, &big, "-21555");
	ONE("%s", 0, &big, "320255973501901");
	ONE("%p", 6, &big, "0x123456789abcd");
	ONE("%5s", 1, text, "  abc");
	ONE("%-5s", 1, text, "abc  ");
	ONE("%.2s", 1, text, "ab");
	ONE("%s", 4, &yes, "true");
	ONE("%6s", 4, &yes, "  true");
	ONE("%d", 4, &yes, "1");
	ONE("%r", 2, &buf, "a\\x01\"");
	ONE("%R", 2, &buf, "\\x61\\x01\\x22");
	ONE("%H", 2, &buf, "61 01 22");
	ONE("%-8r", 2, &buf, "a\\x01\"  ");
	ONE("%3c", 3, "A", "  A");
	format_one(&b, "%s",
		   (struct value){
			   .type = &types[1], .at = "xyz", .len = 3, .tail = true, .cut = true });
	expect(&b, "xyz..");
	buf_free(&b);
}

/* ---- values and maps ---- */

static void test_values(void)
{
	struct __attribute__((packed)) {
		char a[8];
		int64_t n;
		char yes, pad[7];
	} rec = { "q\"", -5, 1, "" };
	struct value v = value_at(&img, 8, &rec);
	struct buf b = { 0 };

	value_text(&b, &env, &v, false);
	buf_putc(&b, '\n');
	value_json(&b, &env, &v);
	buf_putc(&b, '\n');
	value_key_text(&b, &env, &v, true);
	v = value_at(&img, 9, "\1\xff\3");
	buf_putc(&b, '\n');
	value_text(&b, &env, &v, false);
	expect(&b, "{ .a = q\", .b = (-5, true) }\n{\"a\": \"q\\\"\", \"b\": [-5,true]}\n"
		   "{.a=q\",.b=(-5,true)}\n[1,-1,3]");
	buf_free(&b);
}

static void show_map(const struct out_ops *ops, const struct map_data *d, uint64_t top,
		     uint64_t div, const char *want)
{
	struct out o = { .ops = ops, .env = &env, .fd = -1, .buffering = RUN_BUF_FULL };

	ops->map(&o, d, top, div);
	expect(&o.buf, want);
	buf_free(&o.buf);
	buf_free(&o.scratch);
}

static void test_maps(void)
{
	struct __attribute__((packed)) {
		int64_t k;
		char yes, pad[7];
		struct agg_sum v;
	} rows[] = { { 1, 1, "", { -9, 2 } }, { 2, 0, "", { 30, 3 } } };
	struct image_map m = { .name = 5, .key = 7, .val = 12 };
	uint32_t order[] = { 0, 1 };
	struct map_data d = { &img, &m, &types[7], &types[12], 2, 16, 32, (char *)rows, order, 0 };

	show_map(&out_text_ops, &d, 0, 1,
		 "@m[1, true]: { .count = 2, .average = -4, .total = -9 }\n"
		 "@m[2, false]: { .count = 3, .average = 10, .total = 30 }\n");
	show_map(&out_text_ops, &d, 1, 2,
		 "@m[2, false]: { .count = 3, .average = 5, .total = 30 }\n");
	show_map(&out_json_ops, &d, 1, 1,
		 "{\"type\": \"stats\", \"data\": {\"@m\": {\"2,false\": {\"count\": 3, "
		 "\"average\": 10, "
		 "\"total\": 30}}}}\n");
	m.val = 11;
	d.val = &types[11];
	show_map(&out_text_ops, &d, 0, 2, "@m[1, true]: -2\n@m[2, false]: 5\n");
	d.key = NULL;
	d.cnt = 1;
	show_map(&out_json_ops, &d, 0, 1, "{\"type\": \"stats\", \"data\": {\"@m\": -4}}\n");
	d.cnt = 0;
	show_map(&out_text_ops, &d, 0, 1, "");
	show_map(&out_json_ops, &d, 0, 1, "");
}

static void test_agg(void)
{
	const uint64_t flip = agg_extreme_flip(false, true);
	struct agg_minmax sum = { 0 };
	const struct agg_minmax cpu[] = { { 0, 0 },
					  { (uint64_t)-7 ^ flip, 1 },
					  { (uint64_t)-3 ^ flip, 2 } };

	for (int i = 0; i < 3; i++)
		agg_add(&types[14], &sum, &cpu[i]);
	if (agg_extreme(&types[14], &sum) != -3 ||
	    sum.cnt != 3) { /* the zeroes of an idle CPU are no value */
		fprintf(stderr, "max is %lld of %llu\n", (long long)agg_extreme(&types[14], &sum),
			(unsigned long long)sum.cnt);
		failed = 1;
	}
}

static void test_words(void)
{
	static const char *const want[] = { "sh", "-c", "a  \"b\" $x", "", "it's", "\\n", NULL };
	char **words;
	int n = words_split(" sh -c 'a  \"b\" $x' \"\" it\\'s\t\"\\n\" ", &words);

	for (int i = 0; i <= n; i++) {
		if (n != 6 || (want[i] ? !words[i] || strcmp(words[i], want[i]) : !!words[i])) {
			fprintf(stderr, "word %d of %d: %s\n", i, n, n == 6 ? words[i] : "");
			failed = 1;
		}
	}
	free(words);
	if (words_split("a 'b", &words) >= 0)
		failed = 1;
}

int main(void)
{
	test_numbers();
	test_json_string();
	test_hist_bounds();
	test_hist_text();
	test_lhist_text();
	test_format_like_c();
	test_format_rest();
	test_values();
	test_maps();
	test_agg();
	test_words();
	return failed;
}

// SPDX-License-Identifier: Apache-2.0
/* Histograms. The layout of the buckets is the seam's: see hist_buckets() in image.h. */
#include <string.h>

#include "runtime/hist.h"

enum { LABEL_WIDTH = 16, COUNT_WIDTH = 8, BAR_WIDTH = 52 };

uint32_t bucket_cnt(const struct image_type *t)
{
	return t->kind == V_HIST ? hist_buckets(t->k) : lhist_buckets(t->min, t->max, t->step);
}

/* Lower bound of bucket i of a hist; i > 0. The bound above the last is 2^64: 0. */
static uint64_t hist_lo(uint32_t k, uint32_t i)
{
	uint32_t n = i - 1, group;

	if (n < 1u << k)
		return n;
	group = (n >> k) - 1;
	if (group > 63 - k)
		return 0;
	return ((uint64_t)(1u << k) + (n & ((1u << k) - 1))) << group;
}

static struct bucket hist_bucket(const struct image_type *t, uint32_t i)
{
	struct bucket b = { 0 };

	if (!i)
		return (struct bucket){ .no_lo = true };
	b.lo = (int64_t)hist_lo(t->k, i);
	b.hi = (int64_t)hist_lo(t->k, i + 1);
	b.exact = (uint64_t)b.hi - (uint64_t)b.lo == 1;
	return b;
}

static struct bucket lhist_bucket(const struct image_type *t, uint32_t i)
{
	struct bucket b = { 0 };

	if (!i)
		return (struct bucket){ .hi = t->min, .no_lo = true };
	if (i + 1 == bucket_cnt(t))
		return (struct bucket){ .lo = t->max, .no_hi = true };
	b.lo = t->min + (int64_t)(i - 1) * t->step;
	b.hi = t->max - b.lo < t->step ? t->max : b.lo + t->step;
	b.exact = b.hi - b.lo == 1;
	return b;
}

struct bucket bucket_at(const struct image_type *t, uint32_t i)
{
	return t->kind == V_HIST ? hist_bucket(t, i) : lhist_bucket(t, i);
}

void bucket_range(const uint64_t *counts, uint32_t cnt, uint32_t *first, uint32_t *end)
{
	*first = 0;
	while (*first < cnt && !counts[*first])
		++*first;
	*end = cnt;
	while (*end > *first && !counts[*end - 1])
		--*end;
}

/* A bound of a hist: K M G T P E once its power of two reaches 2^10, as its group, not its value. */
static void hist_bound(struct buf *b, uint32_t k, uint32_t i)
{
	uint32_t n = i - 1, group = n < 1u << k ? 0 : (n >> k) - 1;
	uint64_t mantissa = n < 1u << k ? n : (1u << k) + (n & ((1u << k) - 1));

	buf_put_u64(b, mantissa << group % 10);
	if (group >= 10)
		buf_putc(b, "KMGTPE"[group / 10 - 1]);
}

/* A bound of an lhist: shortened when nothing is lost by it. */
static void lhist_bound(struct buf *b, int64_t v)
{
	int unit = 0;

	while (v && v % 1024 == 0 && unit < 6) {
		v /= 1024;
		unit++;
	}
	buf_put_s64(b, v);
	if (unit)
		buf_putc(b, "KMGTPE"[unit - 1]);
}

static void bound(struct buf *b, const struct image_type *t, uint32_t i, int64_t v)
{
	if (t->kind == V_HIST)
		hist_bound(b, t->k, i);
	else
		lhist_bound(b, v);
}

void bucket_label(struct buf *b, const struct image_type *t, uint32_t i)
{
	struct bucket k = bucket_at(t, i);

	if (k.no_lo) {
		buf_puts(b, "(..., ");
		lhist_bound(b, k.hi);
		buf_putc(b, ')');
	} else {
		buf_putc(b, '[');
		bound(b, t, i, k.lo);
		if (k.exact) {
			buf_putc(b, ']');
		} else if (k.no_hi) {
			buf_puts(b, ", ...)");
		} else {
			buf_puts(b, ", ");
			bound(b, t, i + 1, k.hi);
			buf_putc(b, ')');
		}
	}
}

static void label(struct buf *b, const struct image_type *t, uint32_t i)
{
	size_t from = b->len;

	bucket_label(b, t, i);
	if (b->len - from < LABEL_WIDTH)
		buf_fill(b, ' ', LABEL_WIDTH - (b->len - from));
}

static void count_text(struct buf *b, uint64_t n)
{
	char digits[24];
	struct buf tmp = { digits, 0, sizeof(digits), false };

	buf_put_u64(&tmp, n);
	if (tmp.len < COUNT_WIDTH)
		buf_fill(b, ' ', COUNT_WIDTH - tmp.len);
	buf_put(b, digits, tmp.len);
}

/* ---- percentiles ---- */

/* In thousandths of all values; the last is the largest. */
static const struct {
	const char *name;
	uint32_t share;
} shares[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "max", 1000 } };
enum { SHARE_CNT = sizeof(shares) / sizeof(*shares) };

/* The bucket that holds the value which so many do not exceed (nearest rank). */
static uint32_t bucket_of_share(const uint64_t *counts, uint32_t cnt, uint32_t share)
{
	unsigned __int128 total = 0, seen = 0;
	uint32_t i;

	for (i = 0; i < cnt; i++)
		total += counts[i];
	for (i = 0; i < cnt; i++) {
		seen += counts[i];
		if (seen && seen * 1000 >= total * share)
			break;
	}
	return i < cnt ? i : cnt - 1;
}

/* A histogram knows bounds, not values: what is told is the largest that the bucket may hold. */
static void percentiles_text(struct buf *b, const struct image_type *t, const uint64_t *counts)
{
	for (uint32_t i = 0; i < SHARE_CNT; i++) {
		struct bucket k =
			bucket_at(t, bucket_of_share(counts, bucket_cnt(t), shares[i].share));

		buf_puts(b, i ? ", " : "");
		buf_puts(b, shares[i].name);
		if (k.no_hi) {
			buf_puts(b, " >= ");
			buf_put_s64(b, k.lo);
			continue;
		}
		buf_puts(b, k.exact ? " = " : " <= ");
		if (t->kind == V_HIST && !k.no_lo)
			buf_put_u64(b, (uint64_t)k.hi - 1);
		else
			buf_put_s64(b, k.hi - 1);
	}
	buf_putc(b, '\n');
}

void hist_percentiles_json(struct buf *b, const struct image_type *t, const uint64_t *counts)
{
	bool first = true;

	buf_putc(b, '{');
	for (uint32_t i = 0; i < SHARE_CNT; i++) {
		struct bucket k =
			bucket_at(t, bucket_of_share(counts, bucket_cnt(t), shares[i].share));

		if (k.no_hi)
			continue;
		buf_puts(b, first ? "\"" : ", \"");
		buf_puts(b, shares[i].name);
		buf_puts(b, "\": ");
		if (t->kind == V_HIST && !k.no_lo)
			buf_put_u64(b, (uint64_t)k.hi - 1);
		else
			buf_put_s64(b, k.hi - 1);
		first = false;
	}
	buf_putc(b, '}');
}

void hist_text(struct buf *b, const struct image_type *t, const uint64_t *counts, uint64_t div,
	       bool percentiles)
{
	uint32_t first, end;
	uint64_t max = 1;
	size_t bar;

	bucket_range(counts, bucket_cnt(t), &first, &end);
	for (uint32_t i = first; i < end; i++)
		max = counts[i] / div > max ? counts[i] / div : max;
	for (uint32_t i = first; i < end; i++) {
		bar = (size_t)((unsigned __int128)(counts[i] / div) * BAR_WIDTH / max);
		label(b, t, i);
		count_text(b, counts[i] / div);
		buf_puts(b, " |");
		buf_fill(b, '@', bar);
		buf_fill(b, ' ', BAR_WIDTH - bar);
		buf_puts(b, "|\n");
	}
	if (percentiles)
		percentiles_text(b, t, counts);
	buf_putc(b, '\n');
}

static void put_int(struct buf *b, const struct image_type *t, int64_t v)
{
	if (t->kind == V_HIST && v != -1)
		buf_put_u64(b, (uint64_t)v);
	else
		buf_put_s64(b, v);
}

void hist_json(struct buf *b, const struct image_type *t, const uint64_t *counts, uint64_t div)
{
	uint32_t first, end;

	bucket_range(counts, bucket_cnt(t), &first, &end);
	buf_putc(b, '[');
	for (uint32_t i = first; i < end; i++) {
		struct bucket k = bucket_at(t, i);

		buf_puts(b, i > first ? ",{" : "{");
		if (!k.no_lo) {
			buf_puts(b, "\"min\": ");
			put_int(b, t, k.lo);
			buf_puts(b, ", ");
		}
		if (!k.no_hi) {
			buf_puts(b, "\"max\": ");
			if (t->kind == V_HIST && !k.no_lo)
				buf_put_u64(b, (uint64_t)k.hi - 1);
			else
				put_int(b, t, k.hi - 1);
			buf_puts(b, ", ");
		}
		buf_puts(b, "\"count\": ");
		buf_put_u64(b, counts[i] / div);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

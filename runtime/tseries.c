// SPDX-License-Identifier: Apache-2.0
/*
 * A chart is as wide as a histogram's bars: its frame is 53 columns, the smallest value on the left
 * border, the largest on the right one. All charts of a map end at the same interval, so that they
 * can be compared; each begins where its own values do.
 */
#include <stdio.h>
#include <time.h>

#include "runtime/tseries.h"

enum { CHART_WIDTH = 52, NS_PER_S = 1000000000 };

uint64_t tseries_latest(const struct image_type *t, const struct tseries_slot *slots)
{
	uint64_t latest = 0;

	for (int64_t i = 0; i < t->max; i++)
		latest = slots[i].interval > latest ? slots[i].interval : latest;
	return latest;
}

uint64_t tseries_first(const struct image_type *t, const struct tseries_slot *slots, uint64_t last)
{
	uint64_t first = 0;

	for (int64_t i = 0; i < t->max; i++) {
		uint64_t n = slots[i].interval;

		if (n && n <= last && last - n < (uint64_t)t->max && (!first || n < first))
			first = n;
	}
	return first;
}

const struct tseries_slot *tseries_at(const struct image_type *t, const struct tseries_slot *slots,
				      uint64_t interval)
{
	const struct tseries_slot *s = &slots[interval % (uint64_t)t->max];

	return interval && s->interval == interval ? s : NULL;
}

int64_t tseries_value(const struct image_type *t, const struct tseries_slot *s)
{
	if (t->k == TSERIES_MIN || t->k == TSERIES_MAX)
		return s->value ^
		       (int64_t)agg_extreme_flip(t->k == TSERIES_MIN, t->flags & IMAGE_TYPE_SIGNED);
	if (t->k != TSERIES_AVG || !s->cnt)
		return s->value;
	if (t->flags & IMAGE_TYPE_SIGNED) /* a count fits 63 bits for centuries */
		return s->value / (int64_t)s->cnt;
	return (int64_t)((uint64_t)s->value / s->cnt);
}

/* A value as a number that compares right whatever its sign. */
static __int128 wide(const struct image_type *t, int64_t v, uint64_t div)
{
	if (t->flags & IMAGE_TYPE_SIGNED)
		return (__int128)v / (__int128)div;
	return (__int128)((uint64_t)v / div);
}

static void put_wide(struct buf *b, __int128 v)
{
	if (v < 0)
		buf_put_s64(b, (int64_t)v);
	else
		buf_put_u64(b, (uint64_t)v);
}

void tseries_put_value(struct buf *b, const struct image_type *t, const struct tseries_slot *s,
		       uint64_t div)
{
	put_wide(b, wide(t, tseries_value(t, s), div));
}

static uint64_t start_ns(const struct image_type *t, uint64_t interval)
{
	return interval * (uint64_t)t->min;
}

static void put_time(struct buf *b, const char *fmt, const struct tm *tm, uint64_t ns,
		     unsigned digits)
{
	char text[64], fraction[16];
	unsigned long long f = ns;

	buf_put(b, text, strftime(text, sizeof(text), fmt, tm));
	if (!digits)
		return;
	for (unsigned i = 9; i > digits; i--)
		f /= 10;
	buf_put(b, fraction,
		(size_t)snprintf(fraction, sizeof(fraction), ".%0*llu", (int)digits, f));
}

void tseries_put_start(struct buf *b, const struct image_type *t, uint64_t interval)
{
	uint64_t ns = start_ns(t, interval);
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;

	if (gmtime_r(&s, &tm))
		put_time(b, "%Y-%m-%d %H:%M:%S", &tm, ns % NS_PER_S, 9);
}

/* ---- the chart ---- */

/* How exactly times are shown: as the length of an interval needs; of a lone one to the ns. */
struct scale {
	unsigned digits;
	const char *head; /* what the column is called */
	uint32_t head_width, width;
};

static struct scale scale_of(const struct image_type *t, bool lone)
{
	if (lone || t->min < 1000)
		return (struct scale){ 9, "hh:mm:ss.ns", 11, 18 };
	if (t->min < 1000000)
		return (struct scale){ 6, "hh:mm:ss.\u03bcs", 11, 15 };
	if (t->min < NS_PER_S)
		return (struct scale){ 3, "hh:mm:ss.ms", 11, 12 };
	return (struct scale){ 0, "hh:mm:ss", 8, 8 };
}

struct chart {
	struct buf *b;
	const struct image_type *t;
	struct scale scale;
	__int128 lo, hi; /* the borders */
	bool empty;
	uint64_t div;
};

static void border_text(const struct chart *c, struct buf *tmp, __int128 v)
{
	tmp->len = 0;
	if (c->empty)
		buf_puts(tmp, "null");
	else
		put_wide(tmp, v);
}

/* The smallest value above or below the left border, the largest ending at the right one. */
static void put_borders(const struct chart *c)
{
	char lo_text[24], hi_text[24];
	struct buf lo = { lo_text, 0, sizeof(lo_text), false };
	struct buf hi = { hi_text, 0, sizeof(hi_text), false };

	border_text(c, &lo, c->lo);
	border_text(c, &hi, c->hi);
	buf_fill(c->b, ' ', c->scale.width + 1);
	buf_put(c->b, lo.p, lo.len);
	buf_fill(c->b, ' ', CHART_WIDTH + 1 - lo.len - hi.len);
	buf_put(c->b, hi.p, hi.len);
	buf_putc(c->b, '\n');
}

static void put_frame(const struct chart *c, const char *head, uint32_t head_width, char corner)
{
	buf_puts(c->b, head);
	buf_fill(c->b, ' ', c->scale.width + 1 - head_width);
	buf_putc(c->b, corner);
	buf_fill(c->b, '_', CHART_WIDTH - 1);
	buf_putc(c->b, corner);
	buf_putc(c->b, '\n');
}

static void put_row(const struct chart *c, uint64_t interval, const struct tseries_slot *s)
{
	__int128 v = s ? wide(c->t, tseries_value(c->t, s), c->div) : 0;
	uint32_t at = s ? (uint32_t)((v - c->lo) * CHART_WIDTH / (c->hi - c->lo)) : UINT32_MAX;
	uint64_t ns = start_ns(c->t, interval);
	time_t sec = (time_t)(ns / NS_PER_S);
	struct tm tm = { 0 };

	localtime_r(&sec, &tm);
	put_time(c->b, "%H:%M:%S", &tm, ns % NS_PER_S, c->scale.digits);
	buf_putc(c->b, ' ');
	for (uint32_t i = 0; i <= CHART_WIDTH; i++)
		buf_putc(c->b, i == at ? '*' : i == 0 || i == CHART_WIDTH ? '|' : ' ');
	buf_putc(c->b, ' ');
	if (s)
		put_wide(c->b, v);
	else
		buf_putc(c->b, '-');
	buf_putc(c->b, '\n');
}

/* A range of one value is widened to both sides, as far as there are numbers. */
static void find_borders(struct chart *c, const struct tseries_slot *slots, uint64_t first,
			 uint64_t last)
{
	bool is_signed = c->t->flags & IMAGE_TYPE_SIGNED;
	__int128 least = is_signed ? INT64_MIN : 0;
	__int128 most = is_signed ? (__int128)INT64_MAX : (__int128)UINT64_MAX;

	c->empty = true;
	for (uint64_t n = first; n <= last; n++) {
		const struct tseries_slot *s = tseries_at(c->t, slots, n);
		__int128 v = s ? wide(c->t, tseries_value(c->t, s), c->div) : 0;

		if (!s)
			continue;
		c->lo = c->empty || v < c->lo ? v : c->lo;
		c->hi = c->empty || v > c->hi ? v : c->hi;
		c->empty = false;
	}
	if (c->lo == c->hi) {
		c->lo -= c->lo > least;
		c->hi += c->hi < most;
	}
}

void tseries_text(struct buf *b, const struct image_type *t, const struct tseries_slot *slots,
		  uint64_t last, uint64_t div)
{
	uint64_t first = tseries_first(t, slots, last) ?: last;
	struct chart c = { .b = b, .t = t, .scale = scale_of(t, first == last), .div = div };

	if (!last) {
		buf_puts(b, "<no data>\n");
		return;
	}
	find_borders(&c, slots, first, last);
	put_borders(&c);
	put_frame(&c, c.scale.head, c.scale.head_width, '|');
	for (uint64_t n = first; n <= last; n++)
		put_row(&c, n, tseries_at(t, slots, n));
	put_frame(&c, "", 0, 'v');
	put_borders(&c);
	buf_putc(b, '\n');
}

void tseries_json(struct buf *b, const struct image_type *t, const struct tseries_slot *slots,
		  uint64_t last, uint64_t div)
{
	uint64_t n = tseries_first(t, slots, last);
	bool some = false;

	buf_putc(b, '[');
	for (; n && n <= last; n++) {
		const struct tseries_slot *s = tseries_at(t, slots, n);

		if (!s)
			continue;
		buf_puts(b, some ? ",{\"interval_start\":\"" : "{\"interval_start\":\"");
		tseries_put_start(b, t, n);
		buf_puts(b, "\",\"value\":");
		tseries_put_value(b, t, s, div);
		buf_putc(b, '}');
		some = true;
	}
	buf_putc(b, ']');
}

// SPDX-License-Identifier: Apache-2.0
/*
 * OpenMetrics text: a family for each map, its keys as labels: "key" for one, "key0", "key1"... for
 * the parts of a tuple. count() is a counter, hist() and lhist() are histograms with the bounds as le,
 * stats() and avg() summaries, everything else that is a number a gauge; tseries() gives one with a
 * time for each interval.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/hist.h"
#include "runtime/out_side.h"
#include "runtime/tseries.h"
#include "runtime/utf8.h"

/* "@a" is trace_a, "@" is trace_map. */
static void family(struct buf *b, const struct map_data *d)
{
	const char *name = image_str(d->img, d->map->name) + 1;

	buf_puts(b, "trace_");
	buf_puts(b, *name ? name : "map");
}

static void label_text(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ?: 1) {
		n = (uint8_t)s[i] < 0x80 ? 0 : utf8_len((const uint8_t *)s + i, len - i);
		if (n)
			buf_put(b, s + i, n);
		else if (s[i] == '\n')
			buf_puts(b, "\\n");
		else if (s[i] == '"' || s[i] == '\\')
			buf_put(b, (char[]){ '\\', s[i] }, 2);
		else if ((uint8_t)s[i] >= 0x80)
			buf_putc(b, '?');
		else
			buf_putc(b, s[i]);
	}
}

static void label(struct out *o, const char *name, const struct value *v)
{
	struct buf *text = side_text_begin(o);

	buf_puts(&o->buf, name);
	buf_puts(&o->buf, "=\"");
	value_text(text, o->env, v, false);
	label_text(&o->buf, text->p ?: "", text->len);
	buf_putc(&o->buf, '"');
}

/* "name_suffix{key="..",le=".."} " */
static void sample(struct out *o, const struct map_data *d, uint32_t rank, const char *suffix,
		   const char *le)
{
	struct buf *b = &o->buf;
	char name[16];

	family(b, d);
	buf_puts(b, suffix);
	if (d->key || le)
		buf_putc(b, '{');
	if (d->key) {
		struct value key = value_at(d->img, d->map->key, map_data_key(d, rank));
		bool parts = d->key->kind == V_TUPLE;

		for (uint32_t i = 0; parts && i < d->key->count; i++) {
			struct value part = value_part(d->img, &key, i);

			if (i)
				buf_putc(b, ',');
			snprintf(name, sizeof(name), "key%u", i);
			label(o, name, &part);
		}
		if (!parts)
			label(o, "key", &key);
	}
	if (le) {
		buf_puts(b, d->key ? ",le=\"" : "le=\"");
		buf_puts(b, le);
		buf_putc(b, '"');
	}
	buf_puts(b, d->key || le ? "} " : " ");
}

static void number(struct out *o, const struct map_data *d, uint32_t rank, const char *suffix,
		   int64_t v, bool is_signed)
{
	sample(o, d, rank, suffix, NULL);
	if (is_signed)
		buf_put_s64(&o->buf, v);
	else
		buf_put_u64(&o->buf, (uint64_t)v);
	buf_putc(&o->buf, '\n');
}

/* Buckets add up from below; a bound is the largest value that falls under it. */
static void histogram(struct out *o, const struct map_data *d, uint32_t rank)
{
	const uint64_t *counts = (const uint64_t *)map_data_val(d, rank);
	uint32_t first, end, all = bucket_cnt(d->val);
	uint64_t total = 0;
	char le[32];

	bucket_range(counts, all, &first, &end);
	for (uint32_t i = first; i < end; i++) {
		struct bucket k = bucket_at(d->val, i);

		total += counts[i];
		if (k.no_hi)
			continue;
		if (d->val->kind == V_HIST && !k.no_lo)
			snprintf(le, sizeof(le), "%llu.0", (unsigned long long)k.hi - 1);
		else
			snprintf(le, sizeof(le), "%lld.0", (long long)k.hi - 1);
		sample(o, d, rank, "_bucket", le);
		buf_put_u64(&o->buf, total);
		buf_putc(&o->buf, '\n');
	}
	sample(o, d, rank, "_bucket", "+Inf");
	buf_put_u64(&o->buf, total);
	buf_putc(&o->buf, '\n');
}

/* One sample for each interval, at the time it begins. */
static void over_time(struct out *o, const struct map_data *d, uint32_t rank)
{
	const struct tseries_slot *slots = (const void *)map_data_val(d, rank), *s;
	uint64_t n = tseries_first(d->val, slots, d->latest), ns;

	for (; n && n <= d->latest; n++) {
		s = tseries_at(d->val, slots, n);
		if (!s)
			continue;
		ns = n * (uint64_t)d->val->min;
		sample(o, d, rank, "", NULL);
		tseries_put_value(&o->buf, d->val, s, 1);
		buf_printf(&o->buf, " %llu.%09llu\n", (unsigned long long)(ns / 1000000000),
			   (unsigned long long)(ns % 1000000000));
	}
}

static void entry(struct out *o, const struct map_data *d, uint32_t rank)
{
	const char *at = map_data_val(d, rank);
	const struct agg_sum *s = (const struct agg_sum *)at;
	struct value v = value_at(d->img, d->map->val, at);
	bool is_signed = d->val->flags & IMAGE_TYPE_SIGNED;

	switch ((int)d->val->kind) {
	case V_HIST:
	case V_LHIST: return histogram(o, d, rank);
	case V_TSERIES: return over_time(o, d, rank);
	case V_COUNT: return number(o, d, rank, "_total", *(const int64_t *)at, false);
	case V_AVG:
	case V_STATS:
		number(o, d, rank, "_count", (int64_t)s->cnt, false);
		return number(o, d, rank, "_sum", s->sum, is_signed);
	case V_SUM:
	case V_MIN:
	case V_MAX: return number(o, d, rank, "", *(const int64_t *)at, is_signed);
	default: return number(o, d, rank, "", value_int(&v), is_signed);
	}
}

static const char *family_type(const struct image_type *t)
{
	switch ((int)t->kind) {
	case V_HIST:
	case V_LHIST: return "histogram";
	case V_COUNT: return "counter";
	case V_AVG:
	case V_STATS: return "summary";
	case V_SUM:
	case V_MIN:
	case V_MAX:
	case V_TSERIES:
	case V_INT:
	case V_ENUM:
	case V_BOOL:
	case V_PTR: return "gauge";
	default: return NULL; /* no number */
	}
}

static void metrics_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	const char *type = family_type(d->val);

	if (!o->final || !d->cnt || !type)
		return;
	buf_puts(&o->buf, "# TYPE ");
	family(&o->buf, d);
	buf_putc(&o->buf, ' ');
	buf_puts(&o->buf, type);
	buf_putc(&o->buf, '\n');
	for (uint32_t i = 0; i < d->cnt; i++) {
		entry(o, d, i);
		out_commit(o);
	}
}

static void metrics_finish(struct out *o)
{
	buf_puts(&o->buf, "# EOF\n");
}

const struct out_ops out_metrics_ops = {
	SIDE_OPS,
	.map = metrics_map,
	.finish = metrics_finish,
};

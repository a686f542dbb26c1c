// SPDX-License-Identifier: Apache-2.0
/*
 * OpenMetrics text: a family for each map, its keys as labels: "key" for one, "key0", "key1"... for
 * the parts of a tuple. count() is a counter, hist() and lhist() are histograms with the bounds as le,
 * stats() and avg() summaries, everything else that is a number a gauge; tseries() gives one with a
 * time for each interval. No two families share a name, those of their samples included.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/hist.h"
#include "runtime/out_side.h"
#include "runtime/tseries.h"
#include "runtime/utf8.h"

/* What a kind of family may put behind its name in a sample: these names are its own too. */
struct kind {
	const char *name, *suffixes[4];
};
static const struct kind COUNTER = { "counter", { "", "_total", "_created" } };
static const struct kind GAUGE = { "gauge", { "" } };
static const struct kind HISTOGRAM = { "histogram", { "", "_bucket", "_count", "_sum" } };
static const struct kind SUMMARY = { "summary", { "", "_count", "_sum" } };

/* A name of the family at hand between newlines, as the list of names has them. */
static void put_name(struct buf *b, const struct out *o, const char *suffix)
{
	buf_putc(b, '\n');
	buf_put(b, o->family.p, o->family.len);
	buf_puts(b, suffix);
	buf_putc(b, '\n');
}

/* Whether a name of the family at hand, were it of that kind, is another's. */
static bool is_taken(const struct out *o, const struct kind *kind)
{
	struct buf name = { 0 };
	bool found = false;

	for (uint32_t i = 0; i < 4 && kind->suffixes[i] && o->families.len && !found; i++) {
		name.len = 0;
		put_name(&name, o, kind->suffixes[i]);
		found = memmem(o->families.p, o->families.len, name.p, name.len);
	}
	buf_free(&name);
	return found;
}

static void take(struct out *o, const struct kind *kind)
{
	for (uint32_t i = 0; i < 4 && kind->suffixes[i]; i++)
		put_name(&o->families, o, kind->suffixes[i]);
}

/* "@a" is trace_a, "@" is trace_map; where that is taken, with as many "_" as it needs. */
static void family(struct out *o, const struct map_data *d, const char *suffix,
		   const struct kind *kind)
{
	const char *name = image_str(d->img, d->map->name) + 1;

	o->family.len = 0;
	buf_puts(&o->family, "trace_");
	buf_puts(&o->family, *name ? name : "map");
	buf_puts(&o->family, suffix);
	while (!o->family.nomem && is_taken(o, kind))
		buf_putc(&o->family, '_');
	take(o, kind);
	o->buf.nomem |= o->family.nomem | o->families.nomem;
	buf_puts(&o->buf, "# TYPE ");
	buf_put(&o->buf, o->family.p, o->family.len);
	buf_putc(&o->buf, ' ');
	buf_puts(&o->buf, kind->name);
	buf_putc(&o->buf, '\n');
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

	buf_put(b, o->family.p, o->family.len);
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

/* Powers of ten have one form, as readers compare bounds as text. */
static void bound(char *le, size_t sz, int64_t v, bool is_signed)
{
	int64_t power = 1000000;

	while (power < v && power < 10000000000)
		power *= 10;
	if (power == v)
		snprintf(le, sz, "%g", (double)v);
	else if (is_signed)
		snprintf(le, sz, "%lld.0", (long long)v);
	else
		snprintf(le, sz, "%llu.0", (unsigned long long)v);
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
		bound(le, sizeof(le), k.hi - 1, d->val->kind != V_HIST || k.no_lo);
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
	case V_SUM: return number(o, d, rank, "", *(const int64_t *)at, is_signed);
	case V_MIN:
	case V_MAX:
		return number(o, d, rank, "", agg_extreme(d->val, (const struct agg_minmax *)at),
			      is_signed);
	default: return number(o, d, rank, "", value_int(&v), is_signed);
	}
}

static const struct kind *family_kind(const struct image_type *t)
{
	switch ((int)t->kind) {
	case V_HIST:
	case V_LHIST: return &HISTOGRAM;
	case V_COUNT: return &COUNTER;
	case V_AVG:
	case V_STATS: return &SUMMARY;
	case V_SUM:
	case V_MIN:
	case V_MAX:
	case V_TSERIES:
	case V_INT:
	case V_ENUM:
	case V_BOOL:
	case V_PTR: return &GAUGE;
	default: return NULL; /* no number */
	}
}

/* A summary's sum never falls, so values below zero make it a number like any other. */
static bool any_below_zero(const struct map_data *d)
{
	for (uint32_t i = 0; i < d->cnt; i++)
		if (((const struct agg_sum *)map_data_val(d, i))->sum < 0)
			return d->val->flags & IMAGE_TYPE_SIGNED;
	return false;
}

static void two_gauges(struct out *o, const struct map_data *d)
{
	family(o, d, "_count", &GAUGE);
	for (uint32_t i = 0; i < d->cnt; i++)
		number(o, d, i, "", (int64_t)((const struct agg_sum *)map_data_val(d, i))->cnt,
		       false);
	family(o, d, "_sum", &GAUGE);
	for (uint32_t i = 0; i < d->cnt; i++)
		number(o, d, i, "", ((const struct agg_sum *)map_data_val(d, i))->sum, true);
}

static void metrics_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	const struct kind *kind = family_kind(d->val);

	if (!o->final || !d->cnt || !kind)
		return;
	if (kind == &SUMMARY && any_below_zero(d)) {
		two_gauges(o, d);
		return out_commit(o);
	}
	family(o, d, "", kind);
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

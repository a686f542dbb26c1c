// SPDX-License-Identifier: Apache-2.0
/*
 * Comma-separated values (RFC 4180): a row for each number of each entry of each map, and for each
 * text that the script prints. Columns: type, name of the map, key, field, value. The field is empty
 * but for stats (count, average, total) and histograms (the bucket).
 */
#include <string.h>

#include "runtime/hist.h"
#include "runtime/out_side.h"

static void cell(struct buf *b, const char *s, size_t len)
{
	bool quote = memchr(s, ',', len) || memchr(s, '"', len) || memchr(s, '\n', len) ||
		     memchr(s, '\r', len);

	if (!quote) {
		buf_put(b, s, len);
		return;
	}
	buf_putc(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"')
			buf_putc(b, '"');
		buf_putc(b, s[i]);
	}
	buf_putc(b, '"');
}

static void header(struct out *o)
{
	if (!o->headed)
		buf_puts(&o->buf, "type,name,key,field,value\n");
	o->headed = true;
}

static void csv_text_end(struct out *o, const char *json_type)
{
	header(o);
	buf_puts(&o->buf, json_type);
	buf_puts(&o->buf, ",,,,");
	cell(&o->buf, o->scratch.p ?: "", o->scratch.len);
	buf_putc(&o->buf, '\n');
}

static void csv_value(struct out *o, const char *json_type, const struct value *v)
{
	value_text(side_text_begin(o), o->env, v, false);
	csv_text_end(o, json_type);
}

/* Everything up to the field: "map,@x,key,". */
static void row_head(struct out *o, const struct map_data *d, uint32_t rank)
{
	struct buf *b = &o->buf, *key = side_text_begin(o);
	const char *name = image_str(d->img, d->map->name);

	buf_puts(b, "map,");
	cell(b, name, strlen(name));
	buf_putc(b, ',');
	if (d->key) {
		struct value v = value_at(d->img, d->map->key, map_data_key(d, rank));

		value_key_text(key, o->env, &v, false);
		cell(b, key->p ?: "", key->len);
	}
	buf_putc(b, ',');
}

static void hist_rows(struct out *o, const struct map_data *d, uint32_t rank, uint64_t div)
{
	const uint64_t *counts = (const uint64_t *)map_data_val(d, rank);
	struct buf label = { 0 };
	uint32_t first, end;

	bucket_range(counts, bucket_cnt(d->val), &first, &end);
	for (uint32_t i = first; i < end; i++) {
		row_head(o, d, rank);
		label.len = 0;
		bucket_label(&label, d->val, i);
		cell(&o->buf, label.p ?: "", label.len);
		buf_putc(&o->buf, ',');
		buf_put_u64(&o->buf, counts[i] / div);
		buf_putc(&o->buf, '\n');
	}
	buf_free(&label);
}

static void number_row(struct out *o, const struct map_data *d, uint32_t rank, const char *field,
		       int64_t v)
{
	row_head(o, d, rank);
	buf_puts(&o->buf, field);
	buf_putc(&o->buf, ',');
	if (d->val->flags & IMAGE_TYPE_SIGNED)
		buf_put_s64(&o->buf, v);
	else
		buf_put_u64(&o->buf, (uint64_t)v);
	buf_putc(&o->buf, '\n');
}

static int64_t divided(const struct map_data *d, int64_t v, uint64_t div)
{
	if (d->val->flags & IMAGE_TYPE_SIGNED)
		return v / (int64_t)div;
	return (int64_t)((uint64_t)v / div);
}

static void entry(struct out *o, const struct map_data *d, uint32_t rank, uint64_t div)
{
	const char *at = map_data_val(d, rank);
	const struct agg_sum *s = (const struct agg_sum *)at;
	struct value v = value_at(d->img, d->map->val, at);

	switch ((int)d->val->kind) {
	case V_HIST:
	case V_LHIST: return hist_rows(o, d, rank, div);
	case V_STATS:
		number_row(o, d, rank, "count", (int64_t)s->cnt);
		number_row(o, d, rank, "average", divided(d, agg_average(d->val, s), div));
		return number_row(o, d, rank, "total", s->sum);
	case V_AVG: return number_row(o, d, rank, "", divided(d, agg_average(d->val, s), div));
	case V_COUNT:
	case V_SUM:
	case V_MIN:
	case V_MAX: return number_row(o, d, rank, "", divided(d, *(const int64_t *)at, div));
	case V_INT: return number_row(o, d, rank, "", divided(d, value_int(&v), div));
	}
	row_head(o, d, rank);
	buf_putc(&o->buf, ',');
	value_text(side_text_begin(o), o->env, &v, false);
	cell(&o->buf, o->scratch.p ?: "", o->scratch.len);
	buf_putc(&o->buf, '\n');
}

static void csv_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	header(o);
	for (uint32_t i = out_first_rank(d, top); i < d->cnt; i++) {
		entry(o, d, i, div);
		out_commit(o);
	}
}

const struct out_ops out_csv_ops = {
	SIDE_COMMON,
	.text_end = csv_text_end,
	.value = csv_value,
	.map = csv_map,
};

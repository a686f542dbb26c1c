// SPDX-License-Identifier: Apache-2.0
/*
 * Comma-separated values (RFC 4180): a row for each number of each entry of each map, and for each
 * text that the script prints. Columns: type, name of the map, key, field, value. The field is empty
 * but for stats (count, average, total), histograms (the bucket) and tseries (when an interval began).
 */
#include <string.h>

#include "runtime/hist.h"
#include "runtime/out_side.h"
#include "runtime/tseries.h"

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

static void tseries_rows(struct out *o, const struct map_data *d, uint32_t rank, uint64_t div)
{
	const struct tseries_slot *slots = (const void *)map_data_val(d, rank), *s;
	uint64_t n = tseries_first(d->val, slots, d->latest);

	for (; n && n <= d->latest; n++) {
		s = tseries_at(d->val, slots, n);
		if (!s)
			continue;
		row_head(o, d, rank);
		tseries_put_start(&o->buf, d->val, n);
		buf_putc(&o->buf, ',');
		tseries_put_value(&o->buf, d->val, s, div);
		buf_putc(&o->buf, '\n');
	}
}

static void number_row(struct out *o, const struct map_data *d, uint32_t rank,
		       const struct map_number *n)
{
	row_head(o, d, rank);
	buf_puts(&o->buf, n->name);
	buf_putc(&o->buf, ',');
	if (n->is_signed)
		buf_put_s64(&o->buf, n->v);
	else
		buf_put_u64(&o->buf, (uint64_t)n->v);
	buf_putc(&o->buf, '\n');
}

static void entry(struct out *o, const struct map_data *d, uint32_t rank, uint64_t div)
{
	const char *at = map_data_val(d, rank);
	struct value v = value_at(d->img, d->map->val, at);
	struct map_number n[MAP_NUMBERS_MAX];
	uint32_t cnt = map_numbers(d, at, div, n);

	if (d->val->kind == V_HIST || d->val->kind == V_LHIST)
		return hist_rows(o, d, rank, div);
	if (d->val->kind == V_TSERIES)
		return tseries_rows(o, d, rank, div);
	for (uint32_t i = 0; i < cnt; i++)
		number_row(o, d, rank, &n[i]);
	if (cnt)
		return;
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
	.text_end = csv_text_end,
	.value = csv_value,
	.map = csv_map,
	.bare_lines = true,
	SIDE_COMMON,
};

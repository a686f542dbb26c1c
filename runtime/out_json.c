// SPDX-License-Identifier: Apache-2.0
/* JSON: section 11 of the reference, one object a line. */
#include <string.h>

#include "runtime/hist.h"
#include "runtime/out.h"
#include "runtime/tseries.h"

static void begin(struct out *o, const char *type)
{
	buf_puts(&o->buf, "{\"type\": \"");
	buf_puts(&o->buf, type);
	buf_puts(&o->buf, "\", \"data\": ");
}

static void end(struct out *o)
{
	buf_puts(&o->buf, "}\n");
}

static void json_attached(struct out *o, uint32_t cnt)
{
	buf_printf(&o->buf,
		   "{\"type\": \"attached_probes\", \"count\": %u, \"data\": {\"probes\": %u}}\n",
		   cnt, cnt);
}

static void member_u64(struct buf *b, const char *name, uint64_t v)
{
	buf_puts(b, name);
	buf_put_u64(b, v);
}

static void member_str(struct buf *b, const char *name, const char *text)
{
	buf_puts(b, name);
	json_string(b, text, strlen(text));
}

static void json_lost(struct out *o, const char *probe, uint64_t cnt, uint64_t total)
{
	begin(o, "lost_events");
	member_u64(&o->buf, "{\"events\": ", cnt);
	member_u64(&o->buf, ", \"total\": ", total);
	member_str(&o->buf, ", \"probe\": ", probe);
	buf_putc(&o->buf, '}');
	end(o);
}

static void json_refused(struct out *o, const struct image_map *m, enum image_refusal why,
			 uint64_t cnt)
{
	static const char *const reasons[] = { "full", "memory", "race" };

	begin(o, "refused_updates");
	member_str(&o->buf, "{\"map\": ", image_str(o->env->img, m->name));
	member_u64(&o->buf, ", \"updates\": ", cnt);
	member_str(&o->buf, ", \"reason\": ", reasons[why]);
	member_u64(&o->buf, ", \"keys\": ", m->max_entries);
	buf_putc(&o->buf, '}');
	end(o);
}

static void json_missed(struct out *o, const char *probe, uint64_t cnt)
{
	begin(o, "missed_events");
	member_u64(&o->buf, "{\"events\": ", cnt);
	member_str(&o->buf, ", \"probe\": ", probe);
	buf_putc(&o->buf, '}');
	end(o);
}

static struct buf *json_text_begin(struct out *o)
{
	o->scratch.len = 0;
	return &o->scratch;
}

static void json_text_end(struct out *o, const char *json_type)
{
	begin(o, json_type);
	json_string(&o->buf, o->scratch.p, o->scratch.len);
	o->buf.nomem |= o->scratch.nomem;
	end(o);
}

static void json_value(struct out *o, const char *json_type, const struct value *v)
{
	begin(o, json_type);
	value_json(&o->buf, o->env, v);
	end(o);
}

static void put_number(struct buf *b, const struct map_number *n)
{
	if (n->is_signed)
		buf_put_s64(b, n->v);
	else
		buf_put_u64(b, (uint64_t)n->v);
}

static void entry_value(struct out *o, const struct map_data *d, const void *val, uint64_t div)
{
	struct value v = value_at(d->img, d->map->val, val);
	struct map_number n[MAP_NUMBERS_MAX];
	uint32_t cnt = map_numbers(d, val, div, n);

	if (d->val->kind == V_HIST || d->val->kind == V_LHIST)
		return hist_json(&o->buf, d->val, val, div);
	if (d->val->kind == V_TSERIES)
		return tseries_json(&o->buf, d->val, val, d->latest, div);
	if (!cnt)
		return value_json(&o->buf, o->env, &v);
	if (cnt == 1)
		return put_number(&o->buf, n);
	for (uint32_t i = 0; i < cnt; i++) {
		buf_puts(&o->buf, i ? ", \"" : "{\"");
		buf_puts(&o->buf, n[i].name);
		buf_puts(&o->buf, "\": ");
		put_number(&o->buf, &n[i]);
	}
	buf_putc(&o->buf, '}');
}

static const char *map_type(const struct image_type *t)
{
	if (t->kind == V_HIST || t->kind == V_LHIST)
		return "hist";
	if (t->kind == V_TSERIES)
		return "tseries";
	return t->kind == V_AVG || t->kind == V_STATS ? "stats" : "map";
}

static void entry_key(struct out *o, const struct map_data *d, uint32_t rank)
{
	struct value key = value_at(d->img, d->map->key, map_data_key(d, rank));

	o->scratch.len = 0;
	value_key_text(&o->scratch, o->env, &key, true);
	json_string(&o->buf, o->scratch.p, o->scratch.len);
}

static void entry(struct out *o, const struct map_data *d, uint32_t rank, uint64_t div)
{
	entry_key(o, d, rank);
	buf_puts(&o->buf, ": ");
	entry_value(o, d, map_data_val(d, rank), div);
}

/* Beside the data, in the same shape. */
static void percentiles(struct out *o, const struct map_data *d, uint32_t first)
{
	const char *name = image_str(d->img, d->map->name);

	member_str(&o->buf, ", \"percentiles\": {", name);
	buf_puts(&o->buf, d->key ? ": {" : ": ");
	for (uint32_t i = first; i < d->cnt; i++) {
		if (i > first)
			buf_puts(&o->buf, ", ");
		if (d->key) {
			entry_key(o, d, i);
			buf_puts(&o->buf, ": ");
		}
		hist_percentiles_json(&o->buf, d->val, (const uint64_t *)map_data_val(d, i));
	}
	buf_puts(&o->buf, d->key ? "}}" : "}");
}

static void json_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	const char *name = image_str(d->img, d->map->name);
	uint32_t first = out_first_rank(d, top);

	if (!d->cnt)
		return;
	begin(o, map_type(d->val));
	buf_putc(&o->buf, '{');
	json_string(&o->buf, name, strlen(name));
	buf_puts(&o->buf, d->key ? ": {" : ": ");
	for (uint32_t i = first; i < d->cnt; i++) {
		if (i > first)
			buf_puts(&o->buf, ", ");
		if (d->key)
			entry(o, d, i, div);
		else
			entry_value(o, d, map_data_val(d, i), div);
	}
	buf_puts(&o->buf, d->key ? "}}" : "}");
	if (o->percentiles && (d->val->kind == V_HIST || d->val->kind == V_LHIST))
		percentiles(o, d, first);
	end(o);
}

static void json_before_maps(struct out *o)
{
}

static void json_failed(struct out *o, const struct image_site *s, int64_t ret, uint64_t cnt)
{
	const struct image *img = o->env->img;
	const struct image_place *p = s->place < img->places_cnt ? &img->places[s->place] : NULL;
	bool is_loop = image_site_is_loop(s);
	struct buf *b = &o->buf;

	buf_printf(b, "{\"type\": \"%s\"", is_loop ? "loop_left" : "helper_error");
	member_str(b, ", \"msg\": ", out_failure(img, s, ret));
	if (!is_loop) {
		member_str(b, ", \"helper\": ", image_str(img, s->helper));
		buf_puts(b, ", \"retcode\": ");
		buf_put_s64(b, ret);
	}
	member_str(b, ", \"filename\": ", p ? image_str(img, p->file) : "");
	member_u64(b, ", \"line\": ", p ? p->line : 0);
	member_u64(b, ", \"col\": ", p ? p->col : 0);
	member_u64(b, ", \"count\": ", cnt);
	end(o);
}

static void json_message(struct out *o, const char *json_type, const char *level, uint32_t place,
			 const char *text)
{
	const struct image *img = o->env->img;
	struct buf *b = &o->buf;

	member_str(b, "{\"type\": ", json_type);
	member_str(b, ", \"msg\": ", text);
	if (place < img->places_cnt) {
		const struct image_place *p = &img->places[place];

		member_str(b, ", \"filename\": ", image_str(img, p->file));
		member_u64(b, ", \"line\": ", p->line);
		member_u64(b, ", \"col\": ", p->col);
	}
	end(o);
}

/* The output becomes a member of the object. */
static void json_test(struct out *o, const char *name, uint64_t ns, bool passed, size_t from)
{
	struct buf *b = &o->buf;

	o->scratch.len = 0;
	buf_put(&o->scratch, b->p + from, b->len - from);
	b->len = from;
	begin(o, "test_result");
	member_str(b, "{", name);
	member_u64(b, ": {\"duration\": ", ns);
	buf_puts(b, passed ? ", \"passed\": true" : ", \"passed\": false");
	buf_puts(b, ", \"output\": ");
	json_string(b, o->scratch.p, o->scratch.len);
	buf_puts(b, "}}");
	end(o);
}

static void json_bench(struct out *o, const char *name, uint64_t ns, uint64_t runs)
{
	struct buf *b = &o->buf;

	begin(o, "benchmark_result");
	member_str(b, "{", name);
	member_u64(b, ": {\"average\": ", ns);
	member_u64(b, ", \"iters\": ", runs);
	buf_puts(b, "}}");
	end(o);
}

const struct out_ops out_json_ops = {
	.attached = json_attached,
	.text_begin = json_text_begin,
	.text_end = json_text_end,
	.value = json_value,
	.map = json_map,
	.lost = json_lost,
	.refused = json_refused,
	.missed = json_missed,
	.failed = json_failed,
	.before_maps = json_before_maps,
	.message = json_message,
	.test = json_test,
	.bench = json_bench,
	.whole_texts = true,
	.bare_lines = true,
	.messages_within = true,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * Stacks on a line each, outermost frame first, for tools that draw flame graphs: "a;b;c 12". Maps
 * whose key holds a stack are printed; other parts of the key stand as frames where the key has them:
 * @[comm, kstack] is "comm;frames". -f flame gathers the same lines and draws them itself.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/flame.h"
#include "runtime/out_side.h"

static bool is_stack(const struct image_type *t)
{
	return t->kind == V_KSTACK || t->kind == V_USTACK;
}

static bool holds_stack(const struct map_data *d)
{
	if (!d->key || d->key->kind != V_TUPLE)
		return d->key && is_stack(d->key);
	for (uint32_t i = 0; i < d->key->count; i++)
		if (is_stack(&d->img->types[d->img->fields[d->key->first + i].type]))
			return true;
	return false;
}

/* One frame: a ';' in it would end it, its offset would part what belongs together. */
static void put_frame(struct buf *b, const char *s, size_t len, bool is_frame)
{
	const char *plus = is_frame ? memrchr(s, '+', len) : NULL;

	if (plus && plus > s)
		len = (size_t)(plus - s);
	if (b->len)
		buf_putc(b, ';');
	for (size_t i = 0; i < len; i++)
		buf_putc(b, s[i] == ';' ? ':' : (uint8_t)s[i] < ' ' ? '?' : s[i]);
}

/* A part of a key. A stack's text has a frame on each line, innermost first. */
static void put_part(struct out *o, struct buf *b, const struct value *v)
{
	struct buf *text = side_text_begin(o);
	size_t end;

	value_text(text, o->env, v, true);
	if (!is_stack(v->type)) {
		put_frame(b, text->p ?: "", text->len, false);
		return;
	}
	end = text->len;
	while (end) {
		const char *line = memrchr(text->p, '\n', end);
		size_t from = line ? (size_t)(line - text->p) + 1 : 0;

		while (from < end && (text->p[from] == ' ' || text->p[from] == '\t'))
			from++;
		if (end > from)
			put_frame(b, text->p + from, end - from, true);
		end = line ? (size_t)(line - text->p) : 0;
	}
}

static uint64_t weight(const struct map_data *d, uint32_t rank)
{
	const char *at = map_data_val(d, rank);
	struct value v = value_at(d->img, d->map->val, at);
	int64_t n = 0;

	if (d->val->kind == V_HIST || d->val->kind == V_LHIST || d->val->kind == V_AVG ||
	    d->val->kind == V_STATS)
		n = d->val->kind == V_STATS ? *(const int64_t *)at : agg_rank(d->val, at);
	else if (d->val->kind != V_TSERIES)
		n = vkind_is_agg(d->val->kind) ? *(const int64_t *)at : value_int(&v);
	return n > 0 ? (uint64_t)n : 0;
}

static void each_stack(struct out *o, const struct map_data *d,
		       void (*fn)(struct out *o, void *arg, const struct buf *stack, uint64_t n),
		       void *arg)
{
	struct buf line = { 0 };

	for (uint32_t i = 0; o->final && holds_stack(d) && i < d->cnt; i++) {
		struct value key = value_at(d->img, d->map->key, map_data_key(d, i));
		bool parts = d->key->kind == V_TUPLE;

		line.len = 0;
		for (uint32_t p = 0; parts && p < d->key->count; p++) {
			struct value part = value_part(d->img, &key, p);

			put_part(o, &line, &part);
		}
		if (!parts)
			put_part(o, &line, &key);
		if (line.len && weight(d, i))
			fn(o, arg, &line, weight(d, i));
	}
	o->buf.nomem |= line.nomem;
	buf_free(&line);
}

/* The lines of a map. Stacks that differ by offsets only are one line, so they wait for all others. */
struct folded {
	struct buf text;
	struct line {
		size_t off, len;
		uint64_t n;
	} * lines;
	size_t cnt, cap;
};

static void add_stack(struct out *o, void *arg, const struct buf *stack, uint64_t n)
{
	struct folded *f = arg;
	size_t cap = f->cap ? f->cap * 2 : 256;
	struct line *grown;

	if (f->cnt == f->cap) {
		grown = realloc(f->lines, cap * sizeof(*grown));
		if (!grown) {
			o->buf.nomem = true;
			return;
		}
		f->lines = grown;
		f->cap = cap;
	}
	f->lines[f->cnt++] = (struct line){ f->text.len, stack->len, n };
	buf_put(&f->text, stack->p, stack->len);
}

static int compare_lines(const void *a, const void *b, void *text)
{
	const struct line *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int c = memcmp((const char *)text + x->off, (const char *)text + y->off, len);

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void folded_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	struct folded f = { 0 };

	each_stack(o, d, add_stack, &f);
	o->buf.nomem |= f.text.nomem;
	if (f.cnt && !f.text.nomem)
		qsort_r(f.lines, f.cnt, sizeof(*f.lines), compare_lines, f.text.p);
	for (size_t i = 0; i < f.cnt && !f.text.nomem; i++) {
		const struct line *line = &f.lines[i];

		if (i + 1 < f.cnt && !compare_lines(line, line + 1, f.text.p)) {
			f.lines[i + 1].n += line->n;
			continue;
		}
		buf_put(&o->buf, f.text.p + line->off, line->len);
		buf_putc(&o->buf, ' ');
		buf_put_u64(&o->buf, line->n);
		buf_putc(&o->buf, '\n');
		out_commit(o);
	}
	free(f.lines);
	buf_free(&f.text);
}

static void gather_stack(struct out *o, void *arg, const struct buf *stack, uint64_t n)
{
	if (!o->flame)
		o->flame = flame_new();
	if (!o->flame || flame_add(o->flame, stack->p, stack->len, n))
		o->buf.nomem = true;
}

static void flame_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	each_stack(o, d, gather_stack, NULL);
}

static void flame_finish(struct out *o)
{
	if (!o->flame)
		o->flame = flame_new();
	if (o->flame)
		flame_draw(o->flame, &o->buf);
	flame_free(o->flame);
	o->flame = NULL;
}

const struct out_ops out_folded_ops = {
	SIDE_OPS,
	.map = folded_map,
};

const struct out_ops out_flame_ops = {
	SIDE_OPS,
	.map = flame_map,
	.finish = flame_finish,
};

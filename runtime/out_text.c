// SPDX-License-Identifier: Apache-2.0
/* Text: section 10 of the reference. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/agg.h"
#include "runtime/hist.h"
#include "runtime/load.h"
#include "runtime/out.h"
#include "runtime/tseries.h"

/* Messages about the trace rather than from it go to stderr, as users of bpftrace expect. */
void out_text_attached(struct out *o, uint32_t cnt)
{
	fprintf(stderr, "Attached %u probe%s\n", cnt, cnt == 1 ? "" : "s");
}

void out_text_lost(struct out *o, const char *probe, uint64_t cnt, uint64_t total)
{
	fprintf(stderr, "Lost %llu events", (unsigned long long)cnt);
	if (total != cnt)
		fprintf(stderr, " (%llu in all)", (unsigned long long)total);
	fprintf(stderr, ": %s\n", probe);
}

/* A map of a size of its own was declared with it. */
static const char *how_to_grow(const struct out *o, const struct image_map *m)
{
	if (m->max_entries == (uint64_t)image_setting_num(o->env->img, "max_map_keys", 4096))
		return "raise max_map_keys";
	return "declare it with more";
}

void out_text_refused(struct out *o, const struct image_map *m, enum image_refusal why,
		      uint64_t cnt)
{
	const char *name = image_str(o->env->img, m->name), *were = cnt == 1 ? " was" : "s were";
	unsigned long long n = cnt;

	switch (why) {
	case REFUSED_FULL:
		fprintf(stderr, "WARNING: %s is full (%llu keys): %llu update%s refused; %s\n",
			name, (unsigned long long)m->max_entries, n, were, how_to_grow(o, m));
		break;
	case REFUSED_MEMORY:
		fprintf(stderr,
			"WARNING: %s: %llu update%s refused, as the kernel had no memory at "
			"hand\n",
			name, n, were);
		break;
	case REFUSED_RACE:
		fprintf(stderr, "WARNING: %s: %llu update%s of a key just being deleted\n", name, n,
			were);
		break;
	case REFUSED_CNT: break;
	}
}

void out_text_missed(struct out *o, const char *probe, uint64_t cnt)
{
	fprintf(stderr, "WARNING: %s: missed %llu time%s, while a probe ran on the same CPU\n",
		probe, (unsigned long long)cnt, cnt == 1 ? "" : "s");
}

static struct buf *text_begin(struct out *o)
{
	return &o->buf;
}

static void text_end(struct out *o, const char *json_type)
{
}

static void text_value(struct out *o, const char *json_type, const struct value *v)
{
	value_text(&o->buf, o->env, v, false);
	buf_putc(&o->buf, '\n');
}

static void put_number(struct buf *b, const struct map_number *n)
{
	if (n->is_signed)
		buf_put_s64(b, n->v);
	else
		buf_put_u64(b, (uint64_t)n->v);
}

void out_text_entry_value(struct out *o, const struct map_data *d, const void *val, uint64_t div)
{
	struct value v = value_at(d->img, d->map->val, val);
	struct map_number n[MAP_NUMBERS_MAX];
	uint32_t cnt = map_numbers(d, val, div, n);

	if (!cnt)
		return value_text(&o->buf, o->env, &v, false);
	if (cnt == 1)
		return put_number(&o->buf, n);
	for (uint32_t i = 0; i < cnt; i++) {
		buf_puts(&o->buf, i ? ", ." : "{ .");
		buf_puts(&o->buf, n[i].name);
		buf_puts(&o->buf, " = ");
		put_number(&o->buf, &n[i]);
	}
	buf_puts(&o->buf, " }");
}

static void chart(struct out *o, const struct map_data *d, const void *val, uint64_t div)
{
	if (d->val->kind == V_TSERIES)
		tseries_text(&o->buf, d->val, val, d->latest, div);
	else
		hist_text(&o->buf, d->val, val, div, o->percentiles);
}

static void text_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	bool is_chart = agg_is_chart(d->val);
	struct buf *b = &o->buf;

	for (uint32_t i = out_first_rank(d, top); i < d->cnt; i++) {
		const void *val = map_data_val(d, i);

		buf_puts(b, image_str(d->img, d->map->name));
		if (d->key) {
			struct value key = value_at(d->img, d->map->key, map_data_key(d, i));

			buf_putc(b, '[');
			value_key_text(b, o->env, &key, false);
			buf_putc(b, ']');
		}
		buf_puts(b, is_chart ? ":\n" : ": ");
		if (is_chart)
			chart(o, d, val, div);
		else
			out_text_entry_value(o, d, val, div);
		if (!is_chart)
			buf_putc(b, '\n');
		out_commit(o);
	}
}

const char *out_failure(const struct image *img, const struct image_site *s, int64_t ret)
{
	if (image_site_is_loop(s) && ret == -ETIME)
		return "The loops of a hit took too long; the rest of its action was skipped";
	if (image_site_is_loop(s))
		return "The loop has more rounds than the kernel runs; the rest were skipped";
	if (ret == -E2BIG && !strcmp(image_str(img, s->helper), "map_update_elem"))
		return "Map full; can't update element. Try increasing max_map_keys config or "
		       "manually setting the max entries in a map declaration e.g. "
		       "`let @a = hash(5000)`";
	return strerror((int)-ret);
}

static void text_loop_hint(const struct image *img, int64_t ret)
{
	if (ret == -ETIME)
		fprintf(stderr, "HINT: Let the loop do less, or raise max_loop_ms (%llu).\n",
			(unsigned long long)image_setting_num(img, "max_loop_ms", 0));
}

void out_text_failed(struct out *o, const struct image_site *s, int64_t ret, uint64_t cnt)
{
	const struct image *img = o->env->img;
	char where[512];

	place_text(img, s->place, where, sizeof(where));
	fprintf(stderr, "%sWARNING: %s (%llu time%s)\n%s", where, out_failure(img, s, ret),
		(unsigned long long)cnt, cnt == 1 ? "" : "s", place_excerpt(img, s->place));
	if (image_site_is_loop(s))
		text_loop_hint(img, ret);
	else
		fprintf(stderr, "Additional Info - helper: %s, retcode: %lld\n",
			image_str(img, s->helper), (long long)ret);
}

static void text_before_maps(struct out *o)
{
	buf_puts(&o->buf, "\n\n");
}

void out_text_message(struct out *o, const char *json_type, const char *level, uint32_t place,
		      const char *text)
{
	char where[512];

	place_text(o->env->img, place, where, sizeof(where));
	fprintf(stderr, "%s%s: %s%s", where, level, text,
		text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

const struct out_ops out_text_ops = {
	.attached = out_text_attached,
	.text_begin = text_begin,
	.text_end = text_end,
	.value = text_value,
	.map = text_map,
	.lost = out_text_lost,
	.refused = out_text_refused,
	.missed = out_text_missed,
	.failed = out_text_failed,
	.before_maps = text_before_maps,
	.message = out_text_message,
};

// SPDX-License-Identifier: Apache-2.0
/* Text: section 10 of the reference. */
#include <stdio.h>
#include <string.h>

#include "runtime/hist.h"
#include "runtime/load.h"
#include "runtime/out.h"

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

void out_text_refused(struct out *o, const struct image_map *m, enum image_refusal why,
		      uint64_t cnt)
{
	const char *name = image_str(o->env->img, m->name), *were = cnt == 1 ? " was" : "s were";
	unsigned long long n = cnt;

	switch (why) {
	case REFUSED_FULL:
		fprintf(stderr,
			"WARNING: %s is full (%llu keys): %llu update%s refused; raise "
			"max_map_keys\n",
			name, (unsigned long long)m->max_entries, n, were);
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

static void put_int(struct buf *b, const struct image_type *t, int64_t v, uint64_t div)
{
	if (t->flags & IMAGE_TYPE_SIGNED && t->kind != V_COUNT)
		buf_put_s64(b, v / (int64_t)div);
	else
		buf_put_u64(b, (uint64_t)v / div);
}

static void put_stats(struct buf *b, const struct image_type *t, const struct agg_sum *s,
		      uint64_t div)
{
	buf_puts(b, "{ .count = ");
	buf_put_u64(b, s->cnt);
	buf_puts(b, ", .average = ");
	put_int(b, t, agg_average(t, s), div);
	buf_puts(b, ", .total = ");
	put_int(b, t, s->sum, 1);
	buf_puts(b, " }");
}

void out_text_entry_value(struct out *o, const struct map_data *d, const void *val, uint64_t div)
{
	struct value v = value_at(d->img, d->map->val, val);

	switch ((int)d->val->kind) {
	case V_INT: return put_int(&o->buf, d->val, value_int(&v), div);
	case V_COUNT:
	case V_SUM:
	case V_MIN:
	case V_MAX: return put_int(&o->buf, d->val, *(const int64_t *)val, div);
	case V_AVG: return put_int(&o->buf, d->val, agg_average(d->val, val), div);
	case V_STATS: return put_stats(&o->buf, d->val, val, div);
	default: return value_text(&o->buf, o->env, &v, false);
	}
}

static void text_map(struct out *o, const struct map_data *d, uint64_t top, uint64_t div)
{
	bool hist = d->val->kind == V_HIST || d->val->kind == V_LHIST;
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
		buf_puts(b, hist ? ":\n" : ": ");
		if (hist)
			hist_text(b, d->val, val, div, o->percentiles);
		else
			out_text_entry_value(o, d, val, div);
		if (!hist)
			buf_putc(b, '\n');
		out_commit(o);
	}
}

void out_text_failed(struct out *o, const struct image_site *s, int64_t ret, uint64_t cnt)
{
	char where[512];

	place_text(o->env->img, s->place, where, sizeof(where));
	fprintf(stderr,
		"%sWARNING: %s (%llu time%s)\nAdditional Info - helper: %s, retcode: %lld\n", where,
		strerror((int)-ret), (unsigned long long)cnt, cnt == 1 ? "" : "s",
		image_str(o->env->img, s->helper), (long long)ret);
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
	fprintf(stderr, "%s%s: %s", where, level, text);
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

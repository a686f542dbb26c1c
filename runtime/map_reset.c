// SPDX-License-Identifier: Apache-2.0
/*
 * clear() and zero() that lose no counts. Between "print(@); clear(@)" of an interval and our doing
 * it, probes go on counting: what a plain clear would throw away unseen. So what was printed is
 * remembered, and a reset forgets that much and no more:
 *
 *   - a scalar, and zero() of keys: nothing is written. What was printed becomes the base, which is
 *     subtracted from then on. The kernel's counters only ever grow, so this is exact.
 *   - clear() of keys: entries are taken out of the kernel, each bucket in one step; what they hold
 *     beyond what was printed is carried over to the next print.
 *
 * This is for aggregates that are sums, and that no program reads or deletes by itself (then a reset
 * must reach the kernel). What remains is one instruction wide: a CPU that has found an entry just
 * before it is taken out counts into nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/agg.h"
#include "runtime/maps.h"

void map_reset_free(struct one_map *om)
{
	rows_free(&om->printed);
	rows_free(&om->base);
	rows_free(&om->carry);
}

static size_t key_size(const struct map_data *d)
{
	return d->key ? d->key->size : 0;
}

static int copy_rows(struct rows *to, const struct map_data *d)
{
	rows_free(to);
	for (uint32_t i = 0; i < d->cnt; i++) {
		const char *row = d->rows + i * d->stride;
		void *val = rows_add(to, row, key_size(d), d->val->size);

		if (!val)
			return -ENOMEM;
		memcpy(val, row + d->val_off, d->val->size);
	}
	return 0;
}

static void subtract(struct one_map *om, struct map_data *d)
{
	for (uint32_t i = 0; i < d->cnt && om->base.cnt; i++) {
		char *row = d->rows + i * d->stride;
		const void *part = rows_find(&om->base, row);

		if (part)
			agg_sub(d->val, row + d->val_off, part);
	}
}

/* Carried keys are few: those that were counted while a clear was on its way. */
static int add_carry(struct one_map *om, struct map_data *d)
{
	struct rows *c = &om->carry, rest = { 0 };
	uint32_t had = d->cnt;
	char *rows;

	if (!c->cnt)
		return 0;
	rows = realloc(d->rows, (had + (size_t)c->cnt) * d->stride);
	if (!rows)
		return -ENOMEM;
	d->rows = rows;
	if (copy_rows(&rest, &(struct map_data){ .rows = c->at,
						 .cnt = c->cnt,
						 .stride = c->stride,
						 .key = d->key,
						 .val = d->val,
						 .val_off = c->val_off }))
		return -ENOMEM;
	for (uint32_t i = 0; i < had; i++) {
		char *row = d->rows + i * d->stride, *part = rows_find(&rest, row);

		if (!part)
			continue;
		agg_add(d->val, row + d->val_off, part);
		memset(part, 0, d->val->size); /* done */
	}
	for (uint32_t i = 0; i < rest.cnt; i++) {
		if (agg_used(d->val, rows_row(&rest, i) + rest.val_off))
			memcpy(d->rows + d->cnt++ * d->stride, rows_row(&rest, i), d->stride);
	}
	rows_free(&rest);
	return 0;
}

int map_reset_adjust(struct one_map *om, struct map_data *d, bool keep)
{
	int rc = 0;

	if (keep && om->watched) {
		rc = copy_rows(&om->printed, d);
		om->printed_valid = !rc;
	}
	if (rc)
		return rc;
	subtract(om, d);
	return d->key ? add_carry(om, d) : 0;
}

int map_reset_base(struct maps *m, uint32_t idx)
{
	struct one_map *om = maps_one(m, idx);
	struct map_data d;
	int rc = 0;

	if (!om->printed_valid) {
		rows_free(&om->base);
		rows_free(&om->carry);
		rc = maps_read(m, idx, true, &d);
		if (rc)
			return rc;
		rc = copy_rows(&om->printed, &d);
		map_data_free(&d);
	}
	rows_free(&om->base);
	rows_free(&om->carry);
	om->base = om->printed;
	om->printed = (struct rows){ 0 };
	om->printed_valid = false;
	return rc;
}

struct taker {
	const struct map_io *io;
	const struct image_type *val;
	size_t key_sz; /* without the CPU that may be behind it */
	struct rows got;
};

static int take(void *arg, const void *key, const void *vals)
{
	struct taker *t = arg;
	void *sum = rows_add(&t->got, key, t->key_sz, t->val->size);

	if (!sum)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->io->cpus; i++)
		agg_add(t->val, sum, (const char *)vals + i * t->io->val_sz);
	return 0;
}

static void add_part(void *type, void *sum, const void *part)
{
	agg_add(type, sum, part);
}

/* Of what was taken, that which was not printed stays to be carried over. */
static void keep_rest(struct taker *t, struct rows *printed)
{
	struct rows *got = &t->got;
	uint32_t kept = 0;

	rows_merge(got, add_part, (void *)t->val);
	for (uint32_t i = 0; i < got->cnt; i++) {
		char *row = rows_row(got, i), *val = row + got->val_off;
		const void *part = rows_find(printed, row);

		if (part)
			agg_sub(t->val, val, part);
		if (agg_used(t->val, val))
			memmove(rows_row(got, kept++), row, got->stride);
	}
	got->cnt = kept;
}

int map_reset_take(struct maps *m, uint32_t idx)
{
	const struct image *img = maps_image(m);
	const struct image_map *im = &img->maps[idx];
	struct one_map *om = maps_one(m, idx);
	struct taker t = { .io = &om->io,
			   .val = &img->types[im->val],
			   .key_sz = img->types[im->key].size };
	bool keep = om->printed_valid;
	int rc = map_io_take_all(&om->io, keep ? take : NULL, &t);

	if (keep)
		keep_rest(&t, &om->printed);
	map_reset_free(om);
	om->printed_valid = false;
	om->carry = t.got;
	return rc;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * clear() and zero() that lose no counts. Between "print(@); clear(@)" of an interval and our doing
 * it, probes go on counting: what a plain clear would throw away unseen. So what was printed is
 * remembered, and a reset forgets that much and no more: it becomes the base, which is subtracted
 * from then on, and keys that were cleared are not shown until they are counted again. Nothing is
 * written, and the kernel's counters only ever grow, so this is exact.
 *
 * Keys that were cleared and never came again would fill the map in time. When they have become many,
 * clear() takes all entries out of the kernel, each bucket in one step; what they hold beyond what
 * was printed is carried over to the next print. What can be missed then is one instruction wide: a
 * CPU that has found an entry just before it is taken out counts into nothing.
 *
 * This is for aggregates that are sums, and that no program reads or deletes by itself (then a reset
 * must reach the kernel).
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

/* Keys that were cleared and may stay in the kernel beside those that are counted. */
enum { GONE_MAX = 1024 };

static size_t key_size(const struct map_data *d)
{
	return d->key ? d->key->size : 0;
}

/* Behind a value that is remembered: whether the key was cleared. */
static uint64_t *gone_of(const struct image_type *val, void *at)
{
	return (uint64_t *)((char *)at + val->size);
}

/* Behind a value that is carried, in the same place: whether it has been added to a key's. */
static uint64_t *carry_used(const struct image_type *val, void *at)
{
	return gone_of(val, at);
}

static int remember(struct rows *to, const struct map_data *d)
{
	rows_free(to);
	for (uint32_t i = 0; i < d->cnt; i++) {
		const char *row = d->rows + i * d->stride;
		void *val = rows_add(to, row, key_size(d), d->val->size + sizeof(uint64_t));

		if (!val)
			return -ENOMEM;
		memcpy(val, row + d->val_off, d->val->size);
	}
	return 0;
}

static void subtract(struct one_map *om, struct map_data *d)
{
	uint32_t kept = 0;

	if (!om->base.cnt)
		return;
	for (uint32_t i = 0; i < d->cnt; i++) {
		char *row = d->rows + i * d->stride;
		void *part = rows_find(&om->base, row);

		if (part)
			agg_sub(d->val, row + d->val_off, part);
		/* a scalar is there always: whether it shows is the reader's to say */
		if (d->key && part && *gone_of(d->val, part) && !agg_used(d->val, row + d->val_off))
			continue;
		if (kept != i)
			memcpy(d->rows + kept * d->stride, row, d->stride);
		kept++;
	}
	d->cnt = kept;
}

/* Carried keys are few: those that were counted while a clear was on its way. */
static int add_carry(struct one_map *om, struct map_data *d)
{
	struct rows *c = &om->carry;
	uint32_t had = d->cnt;
	char *rows;

	if (!c->cnt)
		return 0;
	rows = realloc(d->rows, (had + (size_t)c->cnt) * d->stride);
	if (!rows)
		return -ENOMEM;
	d->rows = rows;
	for (uint32_t i = 0; i < c->cnt; i++)
		*carry_used(d->val, rows_row(c, i) + c->val_off) = 0;
	for (uint32_t i = 0; i < had; i++) {
		char *row = d->rows + i * d->stride, *part = rows_find(c, row);

		if (!part)
			continue;
		agg_add(d->val, row + d->val_off, part);
		*carry_used(d->val, part) = 1;
	}
	for (uint32_t i = 0; i < c->cnt; i++) {
		char *row = d->rows + d->cnt * d->stride, *part = rows_row(c, i) + c->val_off;

		if (*carry_used(d->val, part))
			continue;
		memset(row, 0, d->stride);
		memcpy(row, rows_row(c, i), key_size(d));
		memcpy(row + d->val_off, part, d->val->size);
		d->cnt++;
	}
	return 0;
}

int map_reset_adjust(struct one_map *om, struct map_data *d, bool keep)
{
	int rc = 0;

	if (om->raw)
		return 0;
	if (keep && om->watched) {
		rc = remember(&om->printed, d);
		om->printed_valid = !rc;
	}
	if (rc)
		return rc;
	subtract(om, d);
	return d->key ? add_carry(om, d) : 0;
}

/* What is to be forgotten: what was printed, or all there is now. */
static int take_stock(struct maps *m, uint32_t idx)
{
	struct one_map *om = maps_one(m, idx);
	struct map_data d;
	int rc;

	if (om->printed_valid)
		return 0;
	om->raw = true;
	rc = maps_read(m, idx, true, &d);
	om->raw = false;
	if (rc)
		return rc;
	rc = remember(&om->printed, &d);
	map_data_free(&d);
	return rc;
}

/* Keys that have been counted since the last reset; the others stay gone if they were. */
static uint32_t count_alive(struct one_map *om, const struct image_type *val)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < om->printed.cnt; i++) {
		char *row = rows_row(&om->printed, i), *now = row + om->printed.val_off;
		char *old = rows_find(&om->base, row);

		if (old && *gone_of(val, old) && !memcmp(old, now, val->size))
			*gone_of(val, now) = 1;
		else
			alive++;
	}
	return alive;
}

static void rebase(struct one_map *om)
{
	rows_free(&om->base);
	rows_free(&om->carry);
	om->base = om->printed;
	om->printed = (struct rows){ 0 };
	om->printed_valid = false;
}

int map_reset_zero(struct maps *m, uint32_t idx)
{
	struct one_map *om = maps_one(m, idx);
	int rc = take_stock(m, idx);

	if (rc)
		return rc;
	count_alive(om, maps_val(m, idx));
	rebase(om);
	return 0;
}

static bool too_many(struct one_map *om, const struct image_type *val)
{
	uint32_t cnt = om->printed.cnt;

	return cnt > om->io.max_entries / 2 || cnt > GONE_MAX + 4 * count_alive(om, val);
}

int map_reset_clear(struct maps *m, uint32_t idx)
{
	const struct image_type *val = maps_val(m, idx);
	struct one_map *om = maps_one(m, idx);
	bool printed = om->printed_valid;
	int rc = take_stock(m, idx);
	uint32_t cnt = om->printed.cnt;

	if (rc)
		return rc;
	om->printed_valid = printed;
	if (om->printed.key_sz && too_many(om, val))
		return map_reset_take(m, idx);
	for (uint32_t i = 0; i < cnt; i++)
		*gone_of(val, rows_row(&om->printed, i) + om->printed.val_off) = 1;
	rebase(om);
	return 0;
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
	void *sum = rows_add(&t->got, key, t->key_sz, t->val->size + sizeof(uint64_t));

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
	struct one_map *om = maps_one(m, idx);
	struct taker t = { .io = &om->io,
			   .val = maps_val(m, idx),
			   .key_sz = maps_key(m, idx)->size };
	bool keep = om->printed_valid;
	int rc = map_io_take_all(&om->io, keep ? take : NULL, &t);

	if (keep)
		keep_rest(&t, &om->printed);
	map_reset_free(om);
	om->printed_valid = false;
	om->carry = t.got;
	return rc;
}

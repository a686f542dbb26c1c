/* SPDX-License-Identifier: Apache-2.0 */
/* The script's maps, read, cleared and zeroed from user space. */
#ifndef TRACE_MAPS_H
#define TRACE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/image.h"
#include "runtime/rows.h"
#include "runtime/shape.h"

struct maps;

/* Fds and shapes by index in img->maps; fds and img must outlive it. */
struct maps *maps_new(const struct image *img, const int *fds, const struct map_shape *shapes,
		      uint32_t ncpus);
void maps_free(struct maps *m);

/* What a map held: CPUs summed, entries sorted as section 10 of the reference has it. */
struct map_data {
	const struct image *img;
	const struct image_map *map;
	const struct image_type *key, *val; /* key NULL: scalar */
	uint32_t cnt;
	size_t val_off, stride; /* bytes in rows; the key lies at 0 */
	char *rows;
	uint32_t *order; /* ascending: rows by rank */
	uint64_t latest; /* TSERIES: the interval where all charts end */
};

/* A scalar that was never set is no entry, unless always asks for it (a plain value: zero). */
int maps_read(struct maps *m, uint32_t idx, bool always, struct map_data *d);
void map_data_free(struct map_data *d);

static inline const char *map_data_key(const struct map_data *d, uint32_t rank)
{
	return d->rows + d->order[rank] * d->stride;
}

/* Summed over CPUs: agg_sum, agg_minmax, u64 or buckets; a plain value as it is. */
static inline const char *map_data_val(const struct map_data *d, uint32_t rank)
{
	return map_data_key(d, rank) + d->val_off;
}

/* The numbers that an entry's value is made of, in the order they are shown. */
struct map_number {
	const char *name; /* "" when there is but one */
	int64_t v;
	bool is_signed;
};
enum { MAP_NUMBERS_MAX = 3 };
/* How many; 0: it is no number (a string, a histogram). Those that are amounts are divided by div. */
uint32_t map_numbers(const struct map_data *d, const void *val, uint64_t div,
		     struct map_number n[MAP_NUMBERS_MAX]);

int maps_clear(struct maps *m, uint32_t idx);
int maps_zero(struct maps *m, uint32_t idx);

/* The number an entry is sorted by: see LANGUAGE section 10. Plain values: not for them. */
int64_t agg_rank(const struct image_type *t, const void *val);
/* sum / cnt in the type's signedness, 0 when nothing was counted. */
int64_t agg_average(const struct image_type *t, const struct agg_sum *s);
int64_t agg_extreme(const struct image_type *t, const struct agg_minmax *s); /* 0: none yet */

/* ---- map_reset.c: what clear() and zero() leave behind in user space ---- */

struct one_map;
/*
 * Of a map just read as the kernel has it: takes away what a reset left in the kernel, adds what it
 * took too early; keep: remembers the counts, as they are being printed.
 */
int map_reset_adjust(struct one_map *om, struct map_data *d, bool keep);
/* From now on what the kernel has counts as nothing; cleared: and the keys are not there. */
int map_reset_zero(struct maps *m, uint32_t idx);
int map_reset_clear(struct maps *m, uint32_t idx);
/* Takes all entries out of the kernel; counts that came after the last print stay. */
int map_reset_take(struct maps *m, uint32_t idx);
void map_reset_free(struct one_map *om);

/* ---- map_io.c ---- */

/* A map as the kernel has it. An aggregate's value is val_sz bytes for each CPU. */
struct map_io {
	int fd;
	uint32_t key_sz, val_sz; /* val_sz: of one CPU, rounded up to 8 when per CPU */
	uint32_t cpus; /* 1 when not per CPU */
	uint64_t max_entries;
};

/* Calls fn for each entry; stops at a non-zero result and returns it. vals may be unwanted. */
int map_io_each(const struct map_io *io, bool keys_only,
		int (*fn)(void *arg, const void *key, const void *vals), void *arg);
/* Takes all entries out; fn (may be NULL) sees each as it was when it was taken. */
int map_io_take_all(const struct map_io *io,
		    int (*fn)(void *arg, const void *key, const void *vals), void *arg);
int map_io_zero_all(const struct map_io *io);

/* ---- what maps.c and map_reset.c share ---- */

struct one_map {
	struct map_io io;
	uint32_t presence_off; /* plain scalars */
	bool by_cpu; /* several entries may make a key's value: see map_shape */
	bool zeroed; /* scalar aggregate: printed though empty */
	bool watched; /* printed and reset by the script: what is printed is remembered */
	bool in_user; /* a reset need not reach the kernel */
	bool whole; /* programs count keys or look them up: those cleared must go */
	bool raw; /* it is being read as the kernel has it */
	bool printed_valid; /* printed since the last reset */
	struct rows printed, base, carry;
};

struct one_map *maps_one(struct maps *m, uint32_t idx);
/* Its types; key: of one that has keys. */
const struct image_type *maps_key(const struct maps *m, uint32_t idx);
const struct image_type *maps_val(const struct maps *m, uint32_t idx);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Writing an image: one growing array per table, laid one after the other at the end. Strings are
 * shared through an open hash of their offsets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/image.h"

struct rows {
	char *bytes;
	size_t sz, cap; /* bytes */
};

struct image_writer {
	struct rows table[IMAGE_TABLE_CNT];
	uint32_t *seen; /* offsets of strings, 0: free */
	uint32_t seen_cnt, seen_cap; /* cap is a power of two */
	int err;
};

enum { IMAGE_ALIGN = 8, TABLE_MAX = 1 << 30 };

struct image_writer *image_writer_new(void)
{
	struct image_writer *w = calloc(1, sizeof(*w));

	if (w)
		image_put_strings(w, "", 1);
	return w;
}

void image_writer_free(struct image_writer *w)
{
	if (!w)
		return;
	for (int i = 0; i < IMAGE_TABLE_CNT; i++)
		free(w->table[i].bytes);
	free(w->seen);
	free(w);
}

static int rows_grow(struct rows *r, size_t sz)
{
	size_t cap = r->cap ?: 256;
	char *bytes;

	while (cap - r->sz < sz)
		cap *= 2;
	if (cap == r->cap)
		return 0;
	bytes = realloc(r->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	r->bytes = bytes;
	r->cap = cap;
	return 0;
}

static uint32_t rows_put(struct image_writer *w, int table, const void *rows, size_t row_sz,
			 uint32_t cnt)
{
	struct rows *r = &w->table[table];
	size_t sz = row_sz * cnt;
	uint32_t first = (uint32_t)(r->sz / row_sz);

	if (!w->err && sz > TABLE_MAX - r->sz)
		w->err = -E2BIG;
	if (!w->err && sz)
		w->err = rows_grow(r, sz);
	if (w->err || !sz)
		return w->err ? 0 : first;
	memcpy(r->bytes + r->sz, rows, sz);
	r->sz += sz;
	return first;
}

#define X(name, row)                                                                               \
	uint32_t image_put_##name(struct image_writer *w, const row *rows, uint32_t cnt)           \
	{                                                                                          \
		return rows_put(w, IMAGE_T_##name, rows, sizeof(row), cnt);                        \
	}
IMAGE_TABLES(X)
#undef X

static uint32_t hash_of(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h ^ h >> 15;
}

/* The slot of the text: where it is, or where it may go. */
static uint32_t *seen_slot(const struct image_writer *w, const char *s)
{
	const char *strings = w->table[IMAGE_T_strings].bytes;
	uint32_t i = hash_of(s) & (w->seen_cap - 1);

	while (w->seen[i] && strcmp(strings + w->seen[i], s))
		i = (i + 1) & (w->seen_cap - 1);
	return &w->seen[i];
}

static int seen_grow(struct image_writer *w)
{
	struct image_writer next = *w;

	if (w->seen_cnt * 2 < w->seen_cap)
		return 0;
	next.seen_cap = w->seen_cap ? w->seen_cap * 2 : 64;
	next.seen = calloc(next.seen_cap, sizeof(*next.seen));
	if (!next.seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->seen_cap; i++)
		if (w->seen[i])
			*seen_slot(&next, w->table[IMAGE_T_strings].bytes + w->seen[i]) =
				w->seen[i];
	free(w->seen);
	w->seen = next.seen;
	w->seen_cap = next.seen_cap;
	return 0;
}

uint32_t image_put_bytes(struct image_writer *w, const char *s, size_t len)
{
	uint32_t off;

	if (len >= TABLE_MAX && !w->err)
		w->err = -E2BIG;
	if (w->err)
		return 0;
	off = image_put_strings(w, s, (uint32_t)len);
	image_put_strings(w, "", 1);
	return w->err ? 0 : off;
}

uint32_t image_put_str(struct image_writer *w, const char *s)
{
	uint32_t *slot;

	if (!*s)
		return 0;
	if (!w->err)
		w->err = seen_grow(w);
	if (w->err)
		return 0;
	slot = seen_slot(w, s);
	if (!*slot) {
		*slot = image_put_bytes(w, s, strlen(s));
		w->seen_cnt += *slot != 0;
	}
	return *slot;
}

static size_t align_up(size_t n)
{
	return (n + IMAGE_ALIGN - 1) & ~(size_t)(IMAGE_ALIGN - 1);
}

int image_finish(struct image_writer *w, void **sec, size_t *sz)
{
	static const size_t row_sz[] = {
#define X(name, row) sizeof(row),
		IMAGE_TABLES(X)
#undef X
	};
	struct image_header *h;
	size_t at = sizeof(*h), total = sizeof(*h);

	for (int i = 0; i < IMAGE_TABLE_CNT; i++)
		total += align_up(w->table[i].sz);
	if (!w->err && total > UINT32_MAX)
		w->err = -E2BIG;
	if (w->err)
		return w->err;
	h = calloc(1, total);
	if (!h)
		return -ENOMEM;
	memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
	h->version = IMAGE_VERSION;
	h->size = (uint32_t)total;
	for (int i = 0; i < IMAGE_TABLE_CNT; i++) {
		h->table[i].off = (uint32_t)at;
		h->table[i].cnt = (uint32_t)(w->table[i].sz / row_sz[i]);
		if (w->table[i].sz)
			memcpy((char *)h + at, w->table[i].bytes, w->table[i].sz);
		at += align_up(w->table[i].sz);
	}
	*sec = h;
	*sz = total;
	return 0;
}

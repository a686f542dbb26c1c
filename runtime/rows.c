// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "runtime/rows.h"

void rows_free(struct rows *r)
{
	free(r->at);
	*r = (struct rows){ 0 };
}

void *rows_add(struct rows *r, const void *key, size_t key_sz, size_t val_sz)
{
	char *row;

	if (!r->stride) {
		r->key_sz = key_sz;
		r->val_off = (key_sz + 7) & ~(size_t)7;
		r->stride = r->val_off + ((val_sz + 7) & ~(size_t)7);
	}
	if (r->cnt == r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : 16;

		row = realloc(r->at, cap * r->stride);
		if (!row)
			return NULL;
		r->at = row;
		r->cap = cap;
	}
	row = rows_row(r, r->cnt++);
	memset(row, 0, r->stride);
	if (key_sz)
		memcpy(row, key, key_sz);
	r->sorted = false;
	return row + r->val_off;
}

static int cmp_rows(const void *a, const void *b, void *arg)
{
	const struct rows *r = arg;

	return memcmp(a, b, r->key_sz);
}

static void sort(struct rows *r)
{
	if (!r->sorted && r->cnt)
		qsort_r(r->at, r->cnt, r->stride, cmp_rows, r);
	r->sorted = true;
}

void rows_merge(struct rows *r, void (*add)(void *arg, void *sum, const void *part), void *arg)
{
	uint32_t kept = 0;

	sort(r);
	for (uint32_t i = 1; i < r->cnt; i++) {
		char *last = rows_row(r, kept), *row = rows_row(r, i);

		if (!memcmp(last, row, r->key_sz))
			add(arg, last + r->val_off, row + r->val_off);
		else if (++kept != i)
			memcpy(rows_row(r, kept), row, r->stride);
	}
	r->cnt = r->cnt ? kept + 1 : 0;
}

void *rows_find(struct rows *r, const void *key)
{
	uint32_t lo = 0, hi = r->cnt;

	sort(r);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = memcmp(key, rows_row(r, mid), r->key_sz);

		if (!c)
			return rows_row(r, mid) + r->val_off;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

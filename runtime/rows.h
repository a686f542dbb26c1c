/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values side by side, found by the bytes of the key. All zero is the empty set. */
#ifndef TRACE_ROWS_H
#define TRACE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rows {
	char *at;
	uint32_t cnt, cap;
	size_t key_sz, val_off, stride; /* set by the first rows_add */
	bool sorted;
};

void rows_free(struct rows *r);
/* A new row, its key copied and its value zero; NULL: no memory. Does not look for an equal key. */
void *rows_add(struct rows *r, const void *key, size_t key_sz, size_t val_sz);
/* The value of the key, NULL when it is not there. */
void *rows_find(struct rows *r, const void *key);
/* Makes one row of all that share a key: add(arg, sum, part). Sorts them. */
void rows_merge(struct rows *r, void (*add)(void *arg, void *sum, const void *part), void *arg);
static inline char *rows_row(const struct rows *r, uint32_t i)
{
	return r->at + i * r->stride;
}

#endif

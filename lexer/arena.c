/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN_SZ (64 * 1024)
#define BIG_SZ (CHUNK_MIN_SZ / 4) /* from here on a chunk of its own */

struct chunk {
	struct chunk *next;
	alignas(max_align_t) char mem[];
};

struct arena {
	struct chunk *chunks;
	char *at; /* free space of the current chunk */
	size_t left;
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static char *chunk_new(struct arena *a, size_t sz)
{
	struct chunk *c = NULL;

	if (sz <= SIZE_MAX - sizeof(*c))
		c = calloc(1, sizeof(*c) + sz);
	if (!c) {
		fputs("trace: out of memory\n", stderr);
		abort();
	}
	c->next = a->chunks;
	a->chunks = c;
	return c->mem;
}

void *arena_alloc(struct arena *a, size_t sz)
{
	const size_t align = alignof(max_align_t);
	void *p;

	if (sz >= BIG_SZ)
		return chunk_new(a, sz);
	sz = (sz + align - 1) / align * align;
	if (sz > a->left) {
		a->at = chunk_new(a, CHUNK_MIN_SZ);
		a->left = CHUNK_MIN_SZ;
	}
	p = a->at;
	a->at += sz;
	a->left -= sz;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char none[1];
	va_list again;
	char *p;
	int len;

	va_copy(again, ap);
	len = vsnprintf(none, sizeof(none), fmt, again);
	va_end(again);
	if (len < 0)
		len = 0;
	p = arena_alloc(a, (size_t)len + 1);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

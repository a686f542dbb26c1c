// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/buf.h"

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ?: 256;
	char *p;

	while (cap - b->len < n && cap < SIZE_MAX / 2)
		cap *= 2;
	p = b->nomem || cap - b->len < n ? NULL : realloc(b->p, cap);
	if (!p) {
		b->nomem = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->len;
}

void buf_fill(struct buf *b, char c, size_t n)
{
	char *at = buf_room(b, n);

	if (at && n) {
		memset(at, c, n);
		b->len += n;
	}
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	char digits[20], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	buf_put(b, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_put_s64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_putc(b, '-');
	buf_put_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_put_ptr(struct buf *b, uint64_t v)
{
	char digits[18], *at = digits + sizeof(digits);

	do
		*--at = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	*--at = 'x';
	*--at = '0';
	buf_put(b, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && buf_room(b, (size_t)n + 1)) {
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

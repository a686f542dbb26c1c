/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing buffer of bytes. Running out of memory is remembered and later bytes are dropped, so
 * that only whoever writes the buffer out needs to look.
 */
#ifndef TRACE_BUF_H
#define TRACE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *p;
	size_t len, cap;
	bool nomem;
};

void buf_free(struct buf *b);
/* Room for n more bytes behind len, NULL when there is no memory. */
char *buf_grow(struct buf *b, size_t n);

static inline char *buf_room(struct buf *b, size_t n)
{
	return b->p && b->cap - b->len >= n ? b->p + b->len : buf_grow(b, n);
}

static inline void buf_put(struct buf *b, const void *s, size_t n)
{
	char *at = buf_room(b, n);

	if (at && n) {
		memcpy(at, s, n);
		b->len += n;
	}
}

static inline void buf_putc(struct buf *b, char c)
{
	char *at = buf_room(b, 1);

	if (at) {
		*at = c;
		b->len++;
	}
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_fill(struct buf *b, char c, size_t n);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_s64(struct buf *b, int64_t v);
void buf_put_ptr(struct buf *b, uint64_t v); /* 0x10 */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

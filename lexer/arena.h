/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of one compilation lives in one arena and is freed at once. */
#ifndef TRACE_ARENA_H
#define TRACE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void); /* NULL when out of memory */
void arena_free(struct arena *a); /* NULL is fine */

/* Zeroed, aligned for any object. Never NULL: running out of memory here aborts. */
void *arena_alloc(struct arena *a, size_t sz);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((nonnull(2)));

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array_of(a, type, cnt) ((type *)arena_alloc((a), sizeof(type) * (cnt)))

#endif

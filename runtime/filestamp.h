/* SPDX-License-Identifier: Apache-2.0 */
/* What tells the bytes of a file from those that it had before, or will have when it is written again. */
#ifndef TRACE_FILESTAMP_H
#define TRACE_FILESTAMP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

struct filestamp {
	struct timespec written; /* CLOCK_REALTIME */
	off_t size;
};

static inline struct filestamp filestamp_of(const struct stat *st)
{
	return (struct filestamp){ st->st_mtim, st->st_size };
}

static inline bool filestamp_same(const struct filestamp *a, const struct filestamp *b)
{
	return a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec &&
	       a->size == b->size;
}

#endif

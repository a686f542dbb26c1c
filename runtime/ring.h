/* SPDX-License-Identifier: Apache-2.0 */
/* The reading end of a BPF ring buffer. */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* NULL with errno set. map_fd must outlive it and is what to poll. */
struct ring *ring_new(int map_fd, uint32_t size);
void ring_free(struct ring *r);
/*
 * Hands on what has been submitted, at most max records (0: until none is left, which a fast writer
 * can put off). Gives their number.
 */
size_t ring_drain(struct ring *r, size_t max, void (*fn)(void *arg, const void *rec, size_t sz),
		  void *arg);
/* Shows what has been submitted so far; it stays. */
void ring_peek(struct ring *r, void (*fn)(void *arg, const void *rec, size_t sz), void *arg);

#endif

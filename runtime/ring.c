// SPDX-License-Identifier: Apache-2.0
/*
 * Our own consumer of the ring buffer rather than libbpf's: libbpf gives each record's room back by
 * itself, which makes the kernel wake us for nearly every record as soon as we keep up. Here room is
 * given back in strides, so that records gather and a wake-up is worth its price.
 *
 * The layout is the kernel's ABI (5.8): one page with the consumer's position, one with the
 * producer's, then the data mapped twice in a row so that no record wraps. A record has a head of
 * two words, the first its length with two flags at the top, and is padded to 8 bytes.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/ring.h"

enum { GIVE_BACK = 128 << 10 }; /* bytes read before their room is given back */

struct ring {
	unsigned long *consumer;
	unsigned long *producer;
	const char *data;
	uint32_t size;
	size_t page;
};

void ring_free(struct ring *r)
{
	if (!r)
		return;
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap(r->producer, r->page + 2 * (size_t)r->size);
	free(r);
}

struct ring *ring_new(int map_fd, uint32_t size)
{
	struct ring *r = calloc(1, sizeof(*r));
	void *at;

	if (!r)
		return NULL;
	r->size = size;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	at = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (at == MAP_FAILED)
		goto err_out;
	r->consumer = at;
	at = mmap(NULL, r->page + 2 * (size_t)size, PROT_READ, MAP_SHARED, map_fd, (off_t)r->page);
	if (at == MAP_FAILED)
		goto err_out;
	r->producer = at;
	r->data = (const char *)at + r->page;
	return r;

err_out:
	ring_free(r);
	return NULL;
}

struct drain {
	void (*fn)(void *arg, const void *rec, size_t sz);
	void *arg;
	size_t cnt, max;
	bool keep; /* only look: the records stay */
};

/* Reads up to the producer's position as it was, or to a record whose writer is not done. */
static unsigned long drain_to(struct ring *r, unsigned long at, unsigned long end, struct drain *d)
{
	uint32_t stride = r->size / 4 < GIVE_BACK ? r->size / 4 : GIVE_BACK;
	unsigned long given = at;

	while (at < end && (!d->max || d->cnt < d->max)) {
		const uint32_t *head = (const uint32_t *)(r->data + (at & (r->size - 1)));
		uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			d->fn(d->arg, (const char *)head + BPF_RINGBUF_HDR_SZ, len);
			d->cnt++;
		}
		at += (BPF_RINGBUF_HDR_SZ + len + 7) & ~7ul;
		if (at - given >= stride && !d->keep) {
			__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
			given = at;
		}
	}
	return at;
}

/*
 * The kernel wakes us only for a record that begins where it sees our position. So after the position
 * has been published we look once more: whatever came before that, nobody would wake us for.
 */
size_t ring_drain(struct ring *r, size_t max, void (*fn)(void *arg, const void *rec, size_t sz),
		  void *arg)
{
	struct drain d = { fn, arg, 0, max, false };
	unsigned long at = *r->consumer, from, end;

	do {
		from = at;
		end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
		at = drain_to(r, at, end, &d);
		if (at != from)
			__atomic_store_n(r->consumer, at, __ATOMIC_SEQ_CST);
	} while (at != from && (!max || d.cnt < max));
	return d.cnt;
}

void ring_peek(struct ring *r, void (*fn)(void *arg, const void *rec, size_t sz), void *arg)
{
	struct drain d = { fn, arg, 0, 0, true };

	drain_to(r, *r->consumer, __atomic_load_n(r->producer, __ATOMIC_ACQUIRE), &d);
}

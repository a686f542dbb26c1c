// SPDX-License-Identifier: Apache-2.0
/*
 * Timers that are looked after: the kernel skips a beat when the processor is in a program just then
 * (probes/beat.c). We wake up a little after each beat is due, see in memory shared with the program
 * (struct image_beat) whether it was run, and run it when it was not.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/beats.h"
#include "runtime/image.h"

enum {
	GRACE_NS = 1000000, /* after it was due, a beat is missed */
	RETRY_NS = 1000000, /* after it could not be made up for, as seldom happens */
};

struct beat {
	struct probe_beat *timer;
	volatile struct image_beat *at; /* volatile: the program writes it */
	uint64_t due_ns;
};

struct beats {
	struct probe_links *links;
	int fd;
	struct image_beat *shared;
	size_t shared_sz;
	uint32_t cnt;
	struct beat beats[];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A run before that is none of the beat that is due. */
static uint64_t wanted_ns(const struct beat *b)
{
	return b->due_ns - b->timer->period_ns / 2;
}

/* Those between that nobody looked after are gone. */
static void next_beat(struct beat *b, uint64_t now)
{
	uint64_t period = b->timer->period_ns;

	b->due_ns += period;
	if (b->due_ns + GRACE_NS < now)
		b->due_ns += (now - b->due_ns) / period * period;
}

/* When to look again. */
static uint64_t look_at(struct beats *bs, struct beat *b, uint64_t now)
{
	uint64_t period = b->timer->period_ns, last;

	if (now < b->due_ns + GRACE_NS)
		return b->due_ns + GRACE_NS;
	if (b->at->last_ns < wanted_ns(b)) {
		b->at->wanted_ns = wanted_ns(b);
		if (!probe_beat_again(bs->links, b->timer) && b->at->last_ns < wanted_ns(b) &&
		    now < b->due_ns + period / 2)
			return now + RETRY_NS;
	}
	last = b->at->last_ns;
	/* the clock of the timer itself is better than when we had started it */
	if (last >= wanted_ns(b) && last != b->at->again_ns)
		b->due_ns = last;
	next_beat(b, now);
	return b->due_ns + GRACE_NS;
}

void beats_step(void *beats)
{
	struct beats *bs = beats;
	struct itimerspec when = { 0 };
	uint64_t first = UINT64_MAX, now = now_ns(), at, fired;

	if (read(bs->fd, &fired, sizeof(fired)) < 0 && errno != EAGAIN)
		return;
	for (uint32_t i = 0; i < bs->cnt; i++) {
		at = look_at(bs, &bs->beats[i], now);
		first = at < first ? at : first;
	}
	when.it_value.tv_sec = (time_t)(first / 1000000000);
	when.it_value.tv_nsec = (long)(first % 1000000000);
	timerfd_settime(bs->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int share(struct beats *b, int map_fd, uint32_t slot_cnt)
{
	void *at;

	b->shared_sz = slot_cnt * sizeof(*b->shared);
	at = mmap(NULL, b->shared_sz, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	b->shared = at;
	b->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return b->fd < 0 ? -errno : 0;
}

struct beats *beats_new(struct probe_links *links, int map_fd, uint32_t slot_cnt)
{
	struct beats *b = calloc(1, sizeof(*b) + links->beat_cnt * sizeof(b->beats[0]));
	int rc = -ENOMEM;

	if (!b)
		return NULL;
	b->fd = -1;
	b->links = links;
	rc = share(b, map_fd, slot_cnt);
	for (uint32_t i = 0; i < links->beat_cnt && !rc; i++) {
		struct probe_beat *timer = &links->beats[i];

		if (timer->slot >= slot_cnt)
			continue;
		b->beats[b->cnt++] = (struct beat){
			.timer = timer,
			.at = &b->shared[timer->slot],
			.due_ns = timer->from_ns + timer->period_ns,
		};
	}
	if (!rc) {
		beats_step(b);
		return b;
	}
	beats_free(b);
	errno = -rc;
	return NULL;
}

void beats_free(struct beats *b)
{
	if (!b)
		return;
	if (b->shared)
		munmap(b->shared, b->shared_sz);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

int beats_fd(const struct beats *b)
{
	return b->fd;
}

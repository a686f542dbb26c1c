// SPDX-License-Identifier: Apache-2.0
/*
 * Hits that the kernel skips. The program of a perf event is not run, and nobody told, while another
 * program runs on the same CPU (bpf_prog_active; 5.10 to 6.18). That is no rare chance: a busy
 * tracepoint has its program running half of the time, and interrupts that were held off meanwhile
 * come in when the ring buffer's lock is given back, which is inside of it. Nine of ten beats of an
 * interval probe were seen to go like that, for seconds.
 *
 * What was skipped can be counted where the kernel counts what the event is about. And a beat of a
 * timer can be made up for: by a page fault of our own, to which the same program is attached. No
 * other program runs on this CPU then, for we do. Which beats were run the program itself says, see
 * codegen/beat.c; who looks after them is runtime/beats.c.
 */
#include <errno.h>
#include <linux/bpf_perf_event.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probes/env.h"

/* Looking after a timer wakes us at every beat: for those that beat faster a few are enough. */
enum { BEAT_LEAST_NS = 10000000 };
/* Whatever the period, the kernel lets no timer of an event go faster. */
enum { TIMER_LEAST_NS = 10000 };

uint64_t probe_beat_period_ns(const struct probe_target *t)
{
	if (t->value2)
		return t->value2;
	return t->value ? 1000000000 / t->value : 0;
}

uint32_t probe_beats(const struct probe_type *t, const struct probe_target *targets, uint32_t cnt,
		     uint32_t used)
{
	if (!(t->flags & PROBE_BEATS) || used + cnt > PROBE_BEATS_MAX)
		return 0;
	for (uint32_t i = 0; i < cnt; i++) {
		uint64_t period = probe_beat_period_ns(&targets[i]);

		if (period < BEAT_LEAST_NS)
			return 0;
		for (uint32_t k = 0; k < i; k++) /* the program could not tell them apart */
			if (probe_beat_period_ns(&targets[k]) == period)
				return 0;
	}
	return cnt;
}

int probe_beat_off(void)
{
	return offsetof(struct bpf_perf_event_data, sample_period);
}

int links_add_beat(struct probe_links *links, const struct probe_beat *b)
{
	struct probe_beat *grown =
		realloc(links->beats, (links->beat_cnt + 1) * sizeof(*links->beats));

	if (!grown)
		return -ENOMEM;
	links->beats = grown;
	grown[links->beat_cnt++] = *b;
	return 0;
}

/* Opened for the first beat that is missed, which mostly there is none of. */
static int open_again(struct probe_links *links, struct probe_beat *b)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = PROBE_AGAIN + b->slot,
		.disabled = 1,
	};
	int fd = perf_open(&attr, 0, -1), rc = fd;

	b->again_fd = -2;
	if (fd >= 0)
		rc = links_attach_perf(links, b->prog_fd, fd, b->has_cookie ? &b->cookie : NULL, -1,
				       0);
	if (rc < 0)
		return rc;
	b->again_fd = fd; /* attaching has enabled it */
	return 0;
}

/* So many faults that the event overflows, wherever it stood. */
static int fault(uint32_t cnt)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), sz = cnt * page;
	volatile char *mem =
		mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	madvise((void *)mem, sz, MADV_NOHUGEPAGE); /* else one fault may bring many pages */
	for (size_t off = 0; off < sz; off += page)
		mem[off] = 1;
	munmap((void *)mem, sz);
	return 0;
}

int probe_beat_again(struct probe_links *links, struct probe_beat *b)
{
	int rc = b->again_fd == -1 ? open_again(links, b) : 0;

	if (rc || b->again_fd < 0)
		return rc ?: -ENODEV;
	if (ioctl(b->again_fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	rc = fault(PROBE_AGAIN + b->slot);
	ioctl(b->again_fd, PERF_EVENT_IOC_DISABLE, 0);
	return rc;
}

/* ---- how many there should have been ---- */

int links_count(struct probe_links *links, int perf_fd, int cpu, const struct perf_event_attr *attr)
{
	struct probe_event *grown =
		realloc(links->events, (links->event_cnt + 1) * sizeof(*links->events));
	uint64_t period = attr->freq ? 1000000000 / attr->sample_freq : attr->sample_period;

	if (!grown)
		return -ENOMEM;
	if (perf_is_time(attr) && period < TIMER_LEAST_NS)
		period = TIMER_LEAST_NS;
	links->events = grown;
	grown[links->event_cnt++] = (struct probe_event){
		.fd = perf_fd,
		.owner = links->owner,
		.cpu = cpu,
		.period = period,
		.is_time = perf_is_time(attr),
	};
	return 0;
}

void probe_links_settle(struct probe_links *l)
{
	uint64_t cnt;

	for (uint32_t i = 0; i < l->event_cnt; i++) {
		struct probe_event *e = &l->events[i];

		if (!ioctl(e->fd, PERF_EVENT_IOC_DISABLE, 0) &&
		    read(e->fd, &cnt, sizeof(cnt)) == sizeof(cnt))
			e->due = cnt / e->period;
	}
}

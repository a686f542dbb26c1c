// SPDX-License-Identifier: Apache-2.0
/*
 * A software event that never counts carries the side-band records of one CPU: fork, exec, exit and
 * executable mappings, each with its time. The records of all CPUs are merged by time, and only as
 * far as is asked for: so they fall into place among the stacks, which come by another way.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/proc_events.h"

enum {
	PAGES = 32, /* of a CPU's ring: some hundred processes that start */
	RECORD_MAX = 8192, /* a path and a little more */
};

struct cpu_ring {
	int fd;
	struct perf_event_mmap_page *page;
	uint64_t at; /* read so far */
	bool have; /* rec holds the next record, its time is known */
	uint64_t time;
	size_t sz;
	char rec[RECORD_MAX] __attribute__((aligned(8)));
};

struct proc_events {
	int epoll_fd;
	size_t page_sz;
	uint32_t cnt;
	struct cpu_ring *ring[];
};

static int open_event(int cpu, bool at_once)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.exclude_kernel = 1,
		.use_clockid = 1,
		.clockid = 1, /* CLOCK_MONOTONIC: bpf_ktime_get_ns() */
		.watermark = 1,
		.wakeup_watermark = at_once ? 1 : PAGES * 1024,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void ring_free(struct proc_events *pe, struct cpu_ring *r)
{
	if (!r)
		return;
	if (r->page)
		munmap(r->page, (PAGES + 1) * pe->page_sz);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static int add_cpu(struct proc_events *pe, int cpu, bool at_once)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct cpu_ring *r = calloc(1, sizeof(*r));
	void *p;

	if (!r)
		return -ENOMEM;
	pe->ring[pe->cnt++] = r;
	r->fd = open_event(cpu, at_once);
	if (r->fd < 0)
		return -errno;
	p = mmap(NULL, (PAGES + 1) * pe->page_sz, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->page = p;
	return epoll_ctl(pe->epoll_fd, EPOLL_CTL_ADD, r->fd, &ev) ? -errno : 0;
}

struct proc_events *proc_events_new(bool at_once)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct proc_events *pe;
	int rc = 0;

	pe = calloc(1, sizeof(*pe) + (size_t)cpus * sizeof(pe->ring[0]));
	if (!pe)
		return NULL;
	pe->page_sz = (size_t)sysconf(_SC_PAGESIZE);
	pe->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (pe->epoll_fd < 0)
		rc = -errno;
	for (int cpu = 0; cpu < cpus && !rc; cpu++) {
		rc = add_cpu(pe, cpu, at_once);
		if (rc == -ENODEV) { /* offline */
			ring_free(pe, pe->ring[--pe->cnt]);
			rc = 0;
		}
	}
	if (!rc && pe->cnt)
		return pe;
	proc_events_free(pe);
	errno = -rc;
	return NULL;
}

void proc_events_free(struct proc_events *pe)
{
	if (!pe)
		return;
	for (uint32_t i = 0; i < pe->cnt; i++)
		ring_free(pe, pe->ring[i]);
	if (pe->epoll_fd >= 0)
		close(pe->epoll_fd);
	free(pe);
}

int proc_events_fd(const struct proc_events *pe)
{
	return pe->epoll_fd;
}

/* ---- one CPU's records ---- */

static void copy_out(const struct proc_events *pe, const struct cpu_ring *r, void *dst, size_t sz)
{
	const char *data = (const char *)r->page + pe->page_sz;
	size_t size = PAGES * pe->page_sz, from = r->at & (size - 1);
	size_t first = sz < size - from ? sz : size - from;

	memcpy(dst, data + from, first);
	memcpy((char *)dst + first, data, sz - first);
}

/* The next record that is of use into r->rec; its time stands in its last word. */
static bool fetch(struct proc_events *pe, struct cpu_ring *r)
{
	uint64_t head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	struct perf_event_header h;

	while (!r->have && head - r->at >= sizeof(h)) {
		copy_out(pe, r, &h, sizeof(h));
		if (h.size < sizeof(h) + sizeof(r->time) || h.size > head - r->at) {
			r->at = head; /* never seen */
			break;
		}
		if (h.size <= RECORD_MAX) {
			copy_out(pe, r, r->rec, h.size);
			memcpy(&r->time, r->rec + h.size - sizeof(r->time), sizeof(r->time));
			r->sz = h.size - sizeof(r->time);
			r->have = true;
		}
		r->at += h.size;
	}
	__atomic_store_n(&r->page->data_tail, r->at, __ATOMIC_RELEASE);
	return r->have;
}

struct mmap2 {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
	char path[];
};

struct task {
	struct perf_event_header h;
	uint32_t pid, ppid, tid, ptid;
};

static bool decode_mmap(struct cpu_ring *r, struct proc_event *e)
{
	struct mmap2 *m = (struct mmap2 *)r->rec;

	if (r->sz <= sizeof(*m) || !memchr(m->path, '\0', r->sz - sizeof(*m)))
		return false;
	procmaps_cut_deleted(m->path);
	e->kind = PROC_MMAP;
	e->tgid = m->pid;
	e->map = (struct map_line){
		.start = m->addr,
		.end = m->addr + m->len,
		.off = m->pgoff,
		.ino = m->ino,
		.dev_major = m->maj,
		.dev_minor = m->min,
		.since = r->time,
		.exec = true,
		.path = m->path[0] == '/' && m->path[1] == '/' ? "" : m->path, /* "//anon" */
	};
	return m->len && m->addr + m->len > m->addr;
}

/* Threads are left out: their address space is their leader's. */
static bool decode(struct cpu_ring *r, struct proc_event *e)
{
	const struct task *t = (const struct task *)r->rec;

	if (r->sz < sizeof(t->h) + 2 * sizeof(uint32_t))
		return false;
	*e = (struct proc_event){ .tgid = t->pid };
	switch (t->h.type) {
	case PERF_RECORD_LOST: e->kind = PROC_LOST; return true;
	case PERF_RECORD_MMAP2: return decode_mmap(r, e);
	case PERF_RECORD_COMM: e->kind = PROC_EXEC; return t->h.misc & PERF_RECORD_MISC_COMM_EXEC;
	case PERF_RECORD_FORK:
		e->kind = PROC_FORK;
		e->parent = t->ppid;
		return r->sz >= sizeof(*t) && t->pid != t->ppid;
	case PERF_RECORD_EXIT: e->kind = PROC_EXIT; return r->sz >= sizeof(*t) && t->pid == t->tid;
	}
	return false;
}

void proc_events_until(struct proc_events *pe, uint64_t ns,
		       void (*fn)(void *arg, const struct proc_event *e), void *arg)
{
	struct proc_event e;

	for (;;) {
		struct cpu_ring *first = NULL;

		for (uint32_t i = 0; i < pe->cnt; i++) {
			struct cpu_ring *r = pe->ring[i];

			if (fetch(pe, r) && r->time <= ns && (!first || r->time < first->time))
				first = r;
		}
		if (!first)
			return;
		if (decode(first, &e))
			fn(arg, &e);
		first->have = false;
	}
}

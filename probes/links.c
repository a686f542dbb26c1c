// SPDX-License-Identifier: Apache-2.0
/*
 * What holds a program to its event, and how to let go of many at once. Measured on Linux 6.18 with
 * two CPUs, one program on all 360 syscalls:sys_enter_* tracepoints; attaching takes 25 ms:
 *
 *   closing the descriptors one after the other           25 s
 *   the same from 64 threads, perf events too             13 s
 *   links from threads, perf events through a holder      0.05 s (256 threads), 0.26 s (64)
 *
 * strace -T has two waits of 35 ms per tracepoint, each a grace period. (1) Closing a link:
 * perf_event_detach_bpf_prog waits for RCU tasks trace (since 6.13; no wait before), outside of its
 * mutex: waits from several threads are one wait. (2) Closing the last perf event of a tracepoint:
 * perf_trace_event_unreg waits under event_mutex, so that threads do not help; and it only tidies up,
 * no program of ours is on the event by then.
 *
 * So links are closed from threads, and the perf events are put into a BPF_MAP_TYPE_PERF_EVENT_ARRAY
 * ("holder"): closing that map drops them by way of call_rcu and the kernel closes them in a worker
 * (delayed_fput), behind our back. It is as safe as exit: dying does the same. A second trace of the
 * same 360 started at once waits for that worker now and then: it attaches in about a second, and
 * taking a reference on what is still registered ends the worker's waits. Leaving the descriptors to
 * exit instead costs the 25 s in do_exit, with the parent waiting.
 *
 * Without links (before 5.15) the program sits on the perf event itself, whose closing is what
 * detaches: the holder is not used then, for programs would run on after the end.
 *
 * For still more at once: syscalls:sys_enter_* and sys_exit_* records have the layout of
 * raw_syscalls:sys_enter and sys_exit (number at 8; arguments or result at 16), so one program on one
 * event, which looks the number up in a table, could stand for all of them.
 */
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/env.h"

enum {
	THREADS_MAX = 256,
	THREAD_STACK_SZ = 64 << 10, /* address space only; a few KiB are touched */
};

/* The part of union bpf_attr that is used, for headers older than the kernel. */
struct perf_link_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t cookie;
	uint64_t room[5];
};
enum { BPF_PERF_EVENT_ = 41 };

static int fds_add(int **fds, uint32_t *cnt, uint32_t *cap, int fd)
{
	if (*cnt == *cap) {
		uint32_t more = *cap ? *cap * 2 : 16;
		int *grown = realloc(*fds, more * sizeof(*grown));

		if (!grown) {
			close(fd);
			return -ENOMEM;
		}
		*fds = grown;
		*cap = more;
	}
	(*fds)[(*cnt)++] = fd;
	return 0;
}

int probe_links_add(struct probe_links *l, int fd)
{
	return fds_add(&l->fds, &l->cnt, &l->cap, fd);
}

static int links_add_late(struct probe_links *l, int fd)
{
	return fds_add(&l->late, &l->late_cnt, &l->late_cap, fd);
}

int probe_links_add_walk(struct probe_links *l, int fd)
{
	return fds_add(&l->walks, &l->walk_cnt, &l->walk_cap, fd);
}

int probe_links_add_pin(struct probe_links *l, const char *path)
{
	char **grown = realloc(l->pins, (l->pin_cnt + 1) * sizeof(*grown)), *copy;

	if (grown)
		l->pins = grown;
	copy = grown ? strdup(path) : NULL;
	if (!copy) {
		unlink(path);
		return -ENOMEM;
	}
	l->pins[l->pin_cnt++] = copy;
	return 0;
}

void probe_links_unpin(struct probe_links *l)
{
	while (l->pin_cnt) {
		unlink(l->pins[--l->pin_cnt]);
		free(l->pins[l->pin_cnt]);
	}
}

int links_watch(struct probe_links *l, const struct probe_watch *w)
{
	struct probe_watch *grown = realloc(l->watches, (l->watch_cnt + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->watches = grown;
	l->watches[l->watch_cnt++] = *w;
	return 0;
}

static void close_stretch(int *fds, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void probe_links_cut(struct probe_links *l, uint32_t cnt)
{
	close_stretch(l->fds, cnt, l->cnt);
	l->cnt = cnt;
}

void probe_links_unwatch(struct probe_links *l, uint64_t addr)
{
	for (uint32_t i = 0; i < l->watch_cnt; i++) {
		const struct probe_watch *w = &l->watches[i];

		if (w->addr != addr)
			continue;
		close_stretch(l->fds, w->fd_from, w->fd_to);
		close_stretch(l->late, w->late_from, w->late_to);
	}
}

int links_skip(struct probe_env *env, const struct probe_target *t, struct probe_links *links,
	       struct probe_error *err)
{
	links->skipped++;
	links->note = env_printf(env, "without %u that the kernel does not trace, as %s",
				 links->skipped, t->b ?: t->name);
	*err = (struct probe_error){ .part = -1 };
	return links->note ? 0 : -ENOMEM;
}

struct together {
	uint32_t cnt, next; /* the latter is taken atomically */
	void (*fn)(void *arg, uint32_t i);
	void *arg;
};

static void *do_some(void *arg)
{
	struct together *t = arg;
	uint32_t i;

	while ((i = __atomic_fetch_add(&t->next, 1, __ATOMIC_RELAXED)) < t->cnt)
		t->fn(t->arg, i);
	return NULL;
}

void links_together(uint32_t cnt, void (*fn)(void *arg, uint32_t i), void *arg)
{
	uint32_t want = cnt > THREADS_MAX ? THREADS_MAX : cnt, started = 0;
	struct together t = { .cnt = cnt, .fn = fn, .arg = arg };
	pthread_attr_t attr;
	pthread_t threads[THREADS_MAX];

	if (want > 1 && !pthread_attr_init(&attr)) {
		pthread_attr_setstacksize(&attr, THREAD_STACK_SZ);
		while (started < want - 1 && !pthread_create(&threads[started], &attr, do_some, &t))
			started++;
		pthread_attr_destroy(&attr);
	}
	do_some(&t);
	while (started)
		pthread_join(threads[--started], NULL);
}

static void close_one(void *arg, uint32_t i)
{
	const int *fds = arg;

	if (fds[i] >= 0) /* not let go of yet */
		close(fds[i]);
}

void probe_links_close(struct probe_links *l)
{
	links_together(l->cnt, close_one, l->fds);
	close_stretch(l->late, 0, l->late_cnt);
	for (uint32_t i = 0; i < l->walk_cnt; i++)
		close(l->walks[i]);
	for (uint32_t i = 0; i < l->pin_cnt; i++)
		free(l->pins[i]);
	free(l->watches);
	free(l->events);
	free(l->beats);
	free(l->fds);
	free(l->late);
	free(l->walks);
	free(l->pins);
	*l = (struct probe_links){ 0 };
}

int links_holder(struct probe_links *links, uint32_t cnt)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	attr.key_size = attr.value_size = sizeof(uint32_t);
	attr.max_entries = cnt;
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -1;
	return links_add_late(links, fd) ? -1 : fd;
}

static bool hold(int holder, uint32_t slot, int perf_fd)
{
	union bpf_attr attr;

	if (holder < 0)
		return false;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)holder;
	attr.key = (uintptr_t)&slot;
	attr.value = (uintptr_t)&perf_fd;
	return !syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

/* -EINVAL: the kernel has no such links (5.15). */
static int link_create(int prog_fd, int perf_fd, uint64_t cookie)
{
	struct perf_link_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.target_fd = (uint32_t)perf_fd,
		.attach_type = BPF_PERF_EVENT_,
		.cookie = cookie,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

int links_attach_perf(struct probe_links *links, int prog_fd, int perf_fd, const uint64_t *cookie,
		      int holder, uint32_t slot)
{
	int link = link_create(prog_fd, perf_fd, cookie ? *cookie : 0);
	int err;

	if (link < 0) {
		/* -E2BIG, before 5.15, when the cookie is not zero */
		err = link == -EINVAL || link == -E2BIG ? 0 : link;
		if (!err && cookie)
			err = -EOPNOTSUPP;
		if (!err && ioctl(perf_fd, PERF_EVENT_IOC_SET_BPF, prog_fd))
			err = -errno;
		if (!err && ioctl(perf_fd, PERF_EVENT_IOC_ENABLE, 0))
			err = -errno;
		if (!err)
			return probe_links_add(links, perf_fd);
		close(perf_fd);
		return err;
	}
	err = probe_links_add(links, link);
	if (!err && ioctl(perf_fd, PERF_EVENT_IOC_ENABLE, 0))
		err = -errno;
	if (err || hold(holder, slot, perf_fd)) {
		close(perf_fd);
		return err;
	}
	return links_add_late(links, perf_fd);
}

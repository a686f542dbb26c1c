// SPDX-License-Identifier: Apache-2.0
/*
 * The loop. Everything is a file descriptor in one epoll set: the ring, a signalfd, the pidfd of the
 * process whose end ends the trace. Records are read in rounds, so that a flood of them keeps neither
 * a signal nor the output waiting.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/child.h"
#include "runtime/commands.h"
#include "runtime/loop.h"
#include "runtime/sigbus.h"
#include "runtime/symbols.h"
#include "runtime/unwind.h"

enum { ROUND = 4096 /* records */, TICK_MS = 1000 };

enum source {
	SRC_RING,
	SRC_SIGNAL,
	SRC_PID,
	SRC_SYMBOLS,
	SRC_UNWIND,
	SRC_COMMANDS,
	SRC_KEYS,
	SRC_SELF,
	SRC_BEATS
};

struct loop {
	int epoll_fd, signal_fd, pid_fd, keys_fd;
	const int *walks; /* those not read to their end yet */
	uint32_t walk_cnt;
	bool walks_alone;
	int self_fd; /* signals that are events */
	void (*on_signal)(void *arg, int signo);
	void *signal_arg;
	void (*on_beat)(void *arg);
	void *beat_arg;
	sigset_t old_mask;
	struct sigaction old_pipe, old_bus;
	bool signals_set;
	bool symbols; /* processes are followed */
	bool unwind; /* closely */
	unsigned signals;
	int last_signal;
	int64_t tick_ms; /* when the next tick is due; 0: none */
};

static int watch(struct loop *l, int fd, enum source src)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = src };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* SIGHUP stays ignored where nohup has asked for it. SIGINT is ours even in the background. */
static void wanted_signals(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

static int take_signals(struct loop *l)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	wanted_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, &l->old_mask))
		return -errno;
	sigaction(SIGPIPE, &ignore, &l->old_pipe);
	sigbus_survive(&l->old_bus);
	l->signals_set = true;
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signal_fd < 0 ? -errno : watch(l, l->signal_fd, SRC_SIGNAL);
}

/* Takes the signals that are events. */
static void hear(struct loop *l, void (*fn)(void *arg, int signo), void *arg)
{
	struct signalfd_siginfo si;

	while (l->self_fd >= 0 && read(l->self_fd, &si, sizeof(si)) == sizeof(si))
		if (fn)
			fn(arg, (int)si.ssi_signo);
}

/* A SIGHUP that is an event ends nothing. */
static int without(struct loop *l, const sigset_t *set)
{
	sigset_t rest;

	wanted_signals(&rest);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(set, i) == 1)
			sigdelset(&rest, i);
	return signalfd(l->signal_fd, &rest, 0) < 0 ? -errno : 0;
}

int loop_watch_signals(struct loop *l, const sigset_t *set, void (*fn)(void *arg, int signo),
		       void *arg)
{
	int rc = without(l, set);

	if (rc)
		return rc;
	if (sigprocmask(SIG_BLOCK, set, NULL))
		return -errno;
	l->on_signal = fn;
	l->signal_arg = arg;
	l->self_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->self_fd < 0 ? -errno : watch(l, l->self_fd, SRC_SELF);
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->signal_fd = l->self_fd = l->pid_fd = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd >= 0 && !take_signals(l))
		return l;
	loop_free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->signals_set) {
		loop_signals(l); /* those that wait have been heard: they shall not hit us now */
		hear(l, NULL, NULL);
		sigaction(SIGPIPE, &l->old_pipe, NULL);
		sigaction(SIGBUS, &l->old_bus, NULL);
		sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
	}
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	if (l->self_fd >= 0)
		close(l->self_fd);
	if (l->pid_fd >= 0)
		close(l->pid_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	free(l);
}

const sigset_t *loop_old_mask(const struct loop *l)
{
	return &l->old_mask;
}

int loop_signal_fd(const struct loop *l)
{
	return l->signal_fd;
}

int loop_watch_pid(struct loop *l, int pid)
{
	l->pid_fd = pid_watch(pid);
	return l->pid_fd < 0 ? l->pid_fd : watch(l, l->pid_fd, SRC_PID);
}

int loop_watch_symbols(struct loop *l, int fd)
{
	l->symbols = true;
	return watch(l, fd, SRC_SYMBOLS);
}

int loop_watch_unwind(struct loop *l, int fd)
{
	l->unwind = true;
	return watch(l, fd, SRC_UNWIND);
}

int loop_watch_ring(struct loop *l, int map_fd)
{
	return watch(l, map_fd, SRC_RING);
}

int loop_watch_commands(struct loop *l, int fd)
{
	return watch(l, fd, SRC_COMMANDS);
}

int loop_watch_beats(struct loop *l, int fd, void (*fn)(void *arg), void *arg)
{
	l->on_beat = fn;
	l->beat_arg = arg;
	return watch(l, fd, SRC_BEATS);
}

int loop_watch_keys(struct loop *l, int fd)
{
	l->keys_fd = fd;
	return watch(l, fd, SRC_KEYS);
}

void loop_walk(struct loop *l, const int *fds, uint32_t cnt, bool alone)
{
	l->walks = fds;
	l->walk_cnt = cnt;
	l->walks_alone = alone;
}

unsigned loop_signals(struct loop *l)
{
	struct signalfd_siginfo si;

	while (l->signal_fd >= 0 && read(l->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		l->last_signal = (int)si.ssi_signo;
		l->signals++;
	}
	return l->signals;
}

int loop_last_signal(const struct loop *l)
{
	return l->last_signal;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void on_record(void *arg, const void *rec, size_t sz)
{
	event_handle(arg, rec, sz);
}

static bool quit_pressed(struct loop *l)
{
	char keys[64];
	ssize_t n = read(l->keys_fd, keys, sizeof(keys));

	if (!n) /* closed: it would be readable for ever */
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->keys_fd, NULL);
	return n > 0 && (memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n));
}

/*
 * One part of a walk, which ends when the ring is half full (-EAGAIN, codegen's begin_walk) or when
 * there is nothing more to walk over. Whether that was all of them; or -errno.
 */
static int walk(struct loop *l)
{
	char none[4096]; /* programs of ours write nothing to the file */
	ssize_t n;

	if (!l->walk_cnt)
		return l->walks_alone;
	n = read(*l->walks, none, sizeof(none));
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		fprintf(stderr, "ERROR: iterating: %s\n", strerror(errno));
		return -errno;
	}
	if (!n) {
		l->walks++;
		l->walk_cnt--;
	}
	return 0;
}

/* Records first, then the rest: what was sent before a process ended is read before we know. */
static bool handle(struct loop *l, const struct epoll_event *ev, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		if (ev[i].data.u32 == SRC_SIGNAL && loop_signals(l))
			return true;
		if (ev[i].data.u32 == SRC_PID)
			return true;
		if (ev[i].data.u32 == SRC_SELF)
			hear(l, l->on_signal, l->signal_arg);
		if (ev[i].data.u32 == SRC_BEATS)
			l->on_beat(l->beat_arg);
		if (ev[i].data.u32 == SRC_KEYS && quit_pressed(l))
			return true;
	}
	return false;
}

static int64_t now_ms(void)
{
	return (int64_t)(now_ns() / 1000000);
}

/* How long to wait for the next tick, -1: for ever. Nothing comes, nothing ticks: idle is idle. */
static int tick_wait(struct loop *l, const struct loop_tick *tick, size_t records)
{
	int64_t now;

	if (!records && !l->tick_ms && !tick->always)
		return -1;
	now = now_ms();
	if (!l->tick_ms)
		l->tick_ms = now + TICK_MS;
	if (now < l->tick_ms)
		return (int)(l->tick_ms - now);
	tick->fn(tick->arg);
	l->tick_ms = records || tick->always ? now + TICK_MS : 0;
	return l->tick_ms ? TICK_MS : -1;
}

int loop_run(struct loop *l, struct ring *ring, struct event_ctx *ctx, const struct loop_tick *tick)
{
	struct epoll_event ev[4];
	size_t records;
	bool end = false, busy;
	int cnt, wait, walked;

	while (!end) {
		uint64_t began = l->symbols ? now_ns() : 0;

		if (commands_full(ctx->commands))
			commands_wait(ctx->commands, l->signal_fd);
		if (l->unwind) /* first of all: the next event may need it */
			unwind_update(ctx->unwind);
		records = ring_drain(ring, ROUND, on_record, ctx);
		if (ctx->exiting || ctx->out->err)
			break;
		busy = records == ROUND || l->walk_cnt || l->walks_alone;
		if (l->symbols && records < ROUND)
			symbols_advance(ctx->env->symbols, began);
		if (records < ROUND)
			out_idle(ctx->out);
		wait = tick_wait(l, tick, records);
		cnt = epoll_wait(l->epoll_fd, ev, 4, busy ? 0 : wait);
		if (cnt < 0 && errno != EINTR)
			return -errno;
		commands_step(ctx->commands);
		end = handle(l, ev, cnt);
		walked = records == ROUND ? 0 : walk(l);
		if (walked)
			return walked < 0 ? walked : ctx->out->err;
	}
	return ctx->out->err;
}

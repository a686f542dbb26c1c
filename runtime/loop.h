/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for whatever comes: events, signals, the end of a process. */
#ifndef TRACE_LOOP_H
#define TRACE_LOOP_H

#include <signal.h>

#include "runtime/event.h"
#include "runtime/ring.h"

struct loop;

/* While it lives, SIGINT, SIGTERM and SIGHUP come through it and SIGPIPE is an error of write(). */
struct loop *loop_new(void);
/* Signals of the set come to fn from now on, while the loop runs; -errno. */
int loop_watch_signals(struct loop *l, const sigset_t *set, void (*fn)(void *arg, int signo),
		       void *arg);
void loop_free(struct loop *l);
/* The mask and the handling of SIGPIPE that were there before: a child's. */
const sigset_t *loop_old_mask(const struct loop *l);
/* Readable when a signal waits. */
int loop_signal_fd(const struct loop *l);

/* A process whose end ends the trace. -errno. */
int loop_watch_pid(struct loop *l, int pid);
/* A descriptor from symbols_follow. */
int loop_watch_symbols(struct loop *l, int fd);
/* A descriptor from unwind_fd. */
int loop_watch_unwind(struct loop *l, int fd);
int loop_watch_ring(struct loop *l, int map_fd);
/* fn reads from it. */
int loop_watch_beats(struct loop *l, int fd, void (*fn)(void *arg), void *arg);
int loop_watch_commands(struct loop *l, int fd);
/*
 * Iterators: read to their ends between two looks at the ring, which is what runs their programs.
 * alone: no other event will come after that. fds must last as long as the loop runs.
 */
void loop_walk(struct loop *l, const int *fds, uint32_t cnt, bool alone);
/* A key 'q' there ends the trace. */
int loop_watch_keys(struct loop *l, int fd);

/* Called once a second for as long as records come, and once after them. */
struct loop_tick {
	void (*fn)(void *arg);
	void *arg;
	bool always; /* also when none come */
};

/* Handles events until exit(), a signal, the end of the process, or an error of the output. */
int loop_run(struct loop *l, struct ring *ring, struct event_ctx *ctx,
	     const struct loop_tick *tick);
/* Signals so far, those that wait included: from the second on the user wants out. */
unsigned loop_signals(struct loop *l);
int loop_last_signal(const struct loop *l);

#endif

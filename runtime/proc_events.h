/* SPDX-License-Identifier: Apache-2.0 */
/* What processes do with their address spaces, as the kernel's perf events tell it. */
#ifndef TRACE_PROC_EVENTS_H
#define TRACE_PROC_EVENTS_H

#include "runtime/procmaps.h"

enum proc_event_kind {
	PROC_FORK, /* tgid is new, a copy of parent's */
	PROC_EXEC, /* tgid's address space is empty now */
	PROC_MMAP, /* executable pages */
	PROC_EXIT,
	PROC_LOST, /* some of these, of whatever processes */
};

struct proc_event {
	enum proc_event_kind kind;
	uint32_t tgid, parent;
	struct map_line map;
};

struct proc_events;

/*
 * From now on, of all processes. NULL with errno when we may not know or cannot. at_once: readable with
 * the first event.
 */
struct proc_events *proc_events_new(bool at_once);
void proc_events_free(struct proc_events *pe);
/* Readable when so much has gathered that it should be taken. */
int proc_events_fd(const struct proc_events *pe);
/* Those that happened up to that time (CLOCK_MONOTONIC), in order. */
void proc_events_until(struct proc_events *pe, uint64_t ns,
		       void (*fn)(void *arg, const struct proc_event *e), void *arg);

#endif

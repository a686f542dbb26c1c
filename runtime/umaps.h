/* SPDX-License-Identifier: Apache-2.0 */
/* The mappings of one process: what usyms knows it by. */
#ifndef TRACE_UMAPS_H
#define TRACE_UMAPS_H

#include "runtime/ufiles.h"

struct umap {
	uint64_t start, end, off;
	uint64_t since; /* see map_line */
	uint32_t tgid; /* that it was made for: forks share it */
	struct ufile *file; /* NULL: anonymous */
	uint32_t refs; /* processes that have it mapped */
	bool exec;
	bool kept; /* usyms_place has given it out */
	struct umap *next; /* of those kept */
};

struct process {
	uint32_t tgid;
	uint32_t parent; /* of a fork of a process that we did not know; 0 */
	uint32_t cnt, cap;
	struct umap **maps; /* by start */
	bool read, dead;
	bool met, heirs_met; /* see usyms_learn, usyms_expect */
	unsigned rereads;
	uint64_t read_ns, cost_ns;
	struct process *next;
};

/* A process may let go of a mapping; it is freed with the last one, unless it was given out. */
void umaps_drop(struct process *p);
/* What addr lies in; NULL: nothing known. */
struct umap *umaps_find(const struct process *p, uint64_t addr);
/* A new mapping takes the place of what it overlaps: all of that, as nobody will ask for the rest. */
void umaps_insert(struct ufiles *files, struct process *p, const struct map_line *l);
/*
 * Reads /proc/PID/maps. told: events tell of changes, and up to which moment they were taken is
 * before now. What there was stays when the process is gone or its maps cannot be read.
 */
void umaps_read(struct ufiles *files, struct process *p, bool told);
/* A fork has what its parent has. */
void umaps_copy(struct process *to, const struct process *from);
/* CLOCK_MONOTONIC, of which read_ns is. */
uint64_t umaps_now_ns(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes had mapped, and the names of places in it. A process is looked at when it is first
 * met, while it lives; what an address lay in is settled then, and stays true when the process
 * maps something else there, executes another program or ends.
 */
#ifndef TRACE_USYMS_H
#define TRACE_USYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elfsource;
struct ufile;
struct ufiles;
struct usyms;
struct umap; /* one mapping of one process at one time; lives as long as usyms */

/* files has to last; others may use it too. */
struct usyms *usyms_new(struct ufiles *files);
void usyms_free(struct usyms *u);

/*
 * From now on what processes do is followed, so that one may have ended before it is asked about.
 * Gives a descriptor that is readable when usyms_advance should be called, or -errno: then maps are
 * read when a process is met.
 */
int usyms_follow(struct usyms *u);
/*
 * The same, told at once: the descriptor is readable as soon as there is an event; and what is mapped is
 * opened then, so that it may have gone too.
 */
int usyms_follow_closely(struct usyms *u);
/* Up to that time (CLOCK_MONOTONIC), which is then what "now" means. */
void usyms_advance(struct usyms *u, uint64_t ns);

/* Calls fn, while events are taken, for each process whose code is other code now, or that has ended. */
void usyms_on_change(struct usyms *u, void (*fn)(void *arg, uint32_t tgid, bool ended), void *arg);

/* A mapping of code. */
struct usyms_code {
	uint64_t start, end, off;
	uint64_t since; /* see map_line */
	struct ufile *file; /* NULL: none */
	uint32_t tgid; /* that has it mapped */
	bool met; /* usyms_learn was called for it */
};
/* Those of a process, by address, as far as they are known; false: nothing is. */
bool usyms_each(struct usyms *u, uint32_t tgid, void (*fn)(void *arg, const struct usyms_code *c),
		void *arg);
/* The process has been met: reads what it has mapped unless addr lies in what is known (0: any). */
void usyms_learn(struct usyms *u, uint32_t tgid, uint64_t addr);
/* It will be met, and so will those that it forks; what it has mapped now is not of interest. */
void usyms_expect(struct usyms *u, uint32_t tgid);

/* What address lies in for process tgid now; NULL: nothing known. */
const struct umap *usyms_place(struct usyms *u, uint32_t tgid, uint64_t addr);

struct usym {
	const char *name; /* NULL: unknown */
	uint64_t off;
	const char *module; /* path of the file, NULL: none */
	const struct elfsource *sources; /* see elfsyms.h */
	uint32_t source_cnt;
};

/*
 * lines: sources too. back: addr is where a call returns to; it is the call that is wanted, and
 * there may be nothing of the function behind it. So it is for a thread that is in a system call.
 */
void usyms_find(struct usyms *u, const struct umap *m, uint64_t addr, bool back, bool lines,
		struct usym *sym);

/* The build-id of the file that addr lies in and the offset there; NULL: there is none. */
const char *usyms_build_id(const struct umap *m, uint64_t addr, uint64_t *off);

#endif

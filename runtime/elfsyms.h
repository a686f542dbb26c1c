/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of one ELF file: its tables, those of its debug files, names for its PLT entries. */
#ifndef TRACE_ELFSYMS_H
#define TRACE_ELFSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elfsyms;

/*
 * path is a label, and where debug files are looked for beside; dirs: where they are looked for too,
 * or NULL; it has to last. NULL: no memory.
 */
struct elfsyms *elfsyms_new(const char *path, const char *dirs, bool demangle);
void elfsyms_free(struct elfsyms *e);

/*
 * What it reads from, once it is asked: a descriptor of the caller's, who keeps it open until
 * elfsyms_rest or the end. stamp: of the bytes that are meant.
 */
struct filestamp;
void elfsyms_lend(struct elfsyms *e, int fd, const struct filestamp *stamp);
/* Closes all that it has open; of places that were asked about before, the answers stay. */
void elfsyms_rest(struct elfsyms *e);

const char *elfsyms_path(const struct elfsyms *e);

/* A line of source, and where it was inlined from: the function's own name is the place's. */
struct elfsource {
	const char *inlined; /* NULL: the function itself, the last of the list */
	const char *file; /* NULL: unknown */
	int line;
};

/* What lies at a byte of the file. Remembered: it lives as long as the elfsyms. */
struct elfplace {
	const char *name; /* NULL: nothing has a name */
	uint64_t start; /* offset in the file of the symbol's first byte */
	uint32_t source_cnt; /* innermost first; 0: no debug information, or it was not asked for */
	struct elfsource *sources;
};

/* lines: sources too. NULL: no readable ELF file. */
const struct elfplace *elfsyms_find(struct elfsyms *e, uint64_t file_off, bool lines);

/* Whether what enters the kernel stands before a byte of the file: where a thread is in a system call. */
bool elfsyms_behind_syscall(const struct elfsyms *e, uint64_t file_off);

#endif

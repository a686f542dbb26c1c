/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of one ELF file: its tables, those of its debug files, names for its PLT entries. */
#ifndef TRACE_ELFSYMS_H
#define TRACE_ELFSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elfsyms;

/*
 * Takes fd over; reads nothing yet. path is a label, and where debug files are looked for beside;
 * dirs: where they are looked for too, or NULL. NULL: no memory (fd is closed).
 */
struct elfsyms *elfsyms_new(int fd, const char *path, const char *dirs, bool demangle);
void elfsyms_free(struct elfsyms *e);

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

/* Its build-id as text; NULL: it has none, or is no ELF file. */
const char *elfsyms_build_id(struct elfsyms *e);

#endif

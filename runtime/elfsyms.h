/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of one ELF file: its tables, those of its debug files, names for its PLT entries. */
#ifndef TRACE_ELFSYMS_H
#define TRACE_ELFSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elfsyms;

/*
 * Takes fd over; reads nothing yet. path is a label, and where debug files are looked for beside.
 * NULL: no memory (fd is closed).
 */
struct elfsyms *elfsyms_new(int fd, const char *path, bool demangle);
void elfsyms_free(struct elfsyms *e);

const char *elfsyms_path(const struct elfsyms *e);

struct elfsym {
	const char *name; /* lives as long as e */
	uint64_t off; /* of the place from the symbol's address */
	uint64_t vaddr; /* of the place, as the file has it */
};

/* What lies at a byte of the file. -ENOENT: nothing with a name; -errno: no readable ELF file. */
int elfsyms_find(struct elfsyms *e, uint64_t file_off, struct elfsym *sym);

/* Source of vaddr (from elfsyms_find) by DWARF, when there is any: NULL otherwise. */
const char *elfsyms_line(struct elfsyms *e, uint64_t vaddr, int *line);

#endif

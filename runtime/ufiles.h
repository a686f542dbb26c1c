/* SPDX-License-Identifier: Apache-2.0 */
/* Files that processes have mapped: each one once, by device, inode, path and what was written to it. */
#ifndef TRACE_UFILES_H
#define TRACE_UFILES_H

#include "runtime/elfsyms.h"
#include "runtime/image_unwind.h"
#include "runtime/procmaps.h"

struct ufiles;
struct ufile;

struct ufiles *ufiles_new(const char *dirs, bool demangle);
void ufiles_free(struct ufiles *u);

/* The file of a mapping; NULL: it has none (or no memory). Lives as long as u. */
struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l, uint32_t tgid);

/* A process that has it mapped, or had. */
struct ufile_user {
	uint32_t tgid;
	uint64_t start, end; /* where */
	uint64_t since; /* CLOCK_MONOTONIC; 0: as long as it has been looked at */
};
/*
 * Opens it, once, through a process that maps it: then it does not matter that it was deleted or
 * replaced, nor in which namespace it lies. Gives another file, of which nothing can be known, where it
 * was written anew after the process had it.
 */
struct ufile *ufile_open(struct ufiles *u, struct ufile *f, const struct ufile_user *by);
/* The same file as a descriptor of the caller's own, or negative. */
int ufile_descriptor(struct ufile *f, const struct ufile_user *by);
/* As the kernel knows it. */
struct unwind_file_id ufile_id(const struct ufile *f);
const char *ufile_path(const struct ufile *f);
struct elfsyms *ufile_elf(const struct ufile *f); /* NULL: not opened */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Files that processes have mapped: each one once, by device, inode and path. */
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
struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l);
/*
 * Opens it, once, through process tgid that maps it from start to end: then it does not matter that
 * it was deleted or replaced, nor in which namespace it lies.
 */
void ufile_open(struct ufiles *u, struct ufile *f, uint32_t tgid, uint64_t start, uint64_t end);
/* The same file as a descriptor of the caller's own, or negative. */
int ufile_descriptor(const struct ufile *f, uint32_t tgid, uint64_t start, uint64_t end);
/* As the kernel knows it. */
struct unwind_file_id ufile_id(const struct ufile *f);
const char *ufile_path(const struct ufile *f);
struct elfsyms *ufile_elf(const struct ufile *f); /* NULL: not opened */

#endif

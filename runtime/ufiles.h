/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that processes have mapped: each one once, by device, inode, path and what was written to it.
 * Who follows processes closely opens a file when it is seen to be mapped, and it stays open: so it
 * does not matter when the file, the process or its namespaces are gone before an address is printed.
 *
 * No more than UFILES_HELD are open at a time. When there is need for another one, one of those used
 * least lately is closed, with all that was read from it: rather one that can be had again under its
 * name; if none can, the oldest. It is opened again when it is asked about; if that fails, another file
 * of the same build-id takes its place, and if there is none, what is not known by then stays so.
 */
#ifndef TRACE_UFILES_H
#define TRACE_UFILES_H

#include "runtime/elfsyms.h"
#include "runtime/image_unwind.h"
#include "runtime/mapped.h"
#include "runtime/procmaps.h"

enum { UFILES_HELD = 256 };

struct ufiles;
struct ufile;

/* dirs: of debug files, or NULL; it has to last. */
struct ufiles *ufiles_new(const char *dirs, bool demangle);
void ufiles_free(struct ufiles *u);

/* The file of a mapping; NULL: it has none (or no memory). Lives as long as u. */
struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l, uint32_t tgid);

/* Its bytes, while they can be had: a descriptor until the next file is opened, or negative. */
int ufile_descriptor(struct ufile *f, const struct mapped_by *by);
/*
 * The file that an address lies in. Another one, of which nothing can be known, where it was written
 * anew after the process had mapped it.
 */
struct ufile *ufile_settle(struct ufile *f, const struct mapped_by *by);

/* As the kernel knows it. */
struct unwind_file_id ufile_id(const struct ufile *f);
const char *ufile_path(const struct ufile *f);
/* It was read, and is an ELF file. */
bool ufile_is_elf(const struct ufile *f);

/* Until the next file is asked. NULL: it is no ELF file, or was never read. */
struct elfsyms *ufile_elf(struct ufile *f, const struct mapped_by *by);
/* As text; NULL: it has none. */
const char *ufile_build_id(const struct ufile *f);

#endif

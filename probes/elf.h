/* SPDX-License-Identifier: Apache-2.0 */
/* Programs and libraries that uprobes and usdt go to. */
#ifndef TRACE_PROBES_ELF_H
#define TRACE_PROBES_ELF_H

#include "probes/env.h"

struct elf_symbol {
	const char *name;
	uint64_t addr, size, off; /* off: in the file */
};

struct elf_file {
	struct elf_file *next;
	const char *path; /* as it is opened */
	struct elf_symbol *syms; /* functions, sorted by name, each name once */
	uint32_t cnt, cap;
	struct elf_load {
		uint64_t addr, off, size;
	} * loads;
	uint32_t load_cnt;
	struct usdt_site *sites; /* usdt.c's, NULL: not read yet */
	uint32_t site_cnt;
};

/* Read once for each path; owned by env. NULL and err. */
struct elf_file *elf_file_get(struct probe_env *env, const char *path, struct probe_error *err);
/* Where in the file an address lies that the program is loaded at; 0: nowhere. */
uint64_t elf_file_offset(const struct elf_file *f, uint64_t addr);
const struct elf_symbol *elf_symbol_find(const struct elf_file *f, const char *name);

/*
 * Files that are meant by a path, a name to be looked up in PATH or among the libraries, or a pattern
 * of paths ("*" with -p: all that the process has mapped). fn gets the path to open and the one to
 * show. As probe_type's expand; 0: none.
 */
typedef int (*path_fn)(void *arg, const char *path, const char *shown);
int paths_match(struct probe_env *env, const char *pattern, path_fn fn, void *arg);

/* ---- uprobe.c ---- */
/* A place in a file; ref_ctr: offset of the semaphore, 0: none. */
struct uprobe_place {
	const char *path;
	uint64_t off, ref_ctr, cookie;
	const char *name;
};
int uprobe_attach_places(const struct probe_attach *a, const struct uprobe_place *places,
			 uint32_t cnt, bool is_return, struct probe_links *links,
			 struct probe_error *err);
/* How programs for cnt places are to be loaded. */
int uprobe_load(uint32_t cnt, bool is_return, struct probe_load *out, struct probe_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Programs and libraries that uprobes and usdt go to. */
#ifndef TRACE_PROBES_ELF_H
#define TRACE_PROBES_ELF_H

#include "probes/env.h"

struct elf_symbol {
	const char *name;
	uint64_t addr, size, off; /* off: in the file */
	uint8_t rank; /* among those of one name the lowest is meant */
	bool is_ifunc;
};

struct elf_file {
	struct elf_file *next;
	const char *path; /* as it was asked for: "/bin/sh", "a.apk!/lib.so" */
	const char *open_as; /* the file that is run, "a.apk" */
	const uint8_t *image; /* all of it, mapped for as long as env */
	uint64_t base; /* where in it the ELF file begins */
	size_t size, mapped; /* of the ELF file, of the image */
	struct Elf *elf;
	bool is_go, is_native; /* is_native: of this machine, 64 bits */
	bool complete; /* there are no more symbols to be had */
	struct elf_symbol *syms; /* functions, sorted by name, each name once */
	uint32_t cnt, cap;
	struct elf_load {
		uint64_t addr, off, size;
	} * loads;
	uint32_t load_cnt;
	struct debugfile *debug; /* debug.c's from here on */
	struct Dwarf *dwarf;
	struct debug_unit *units; /* whose functions are known */
	struct debug_units *addresses; /* of units; NULL: nobody has asked yet */
	int64_t debug_bias;
	bool debug_tried, dwarf_tried;
	struct usdt_site *sites; /* usdt.c's, NULL: not read yet */
	uint32_t site_cnt;
};

/* Read once for each path; owned by env. NULL and err. */
struct elf_file *elf_file_get(struct probe_env *env, const char *path, struct probe_error *err);
void elf_file_close(struct elf_file *f);
int elf_file_open(const struct elf_file *f); /* a descriptor, or -1 */
/* What lies at an offset in the file that is run, and how much; NULL: nothing. */
const uint8_t *elf_file_bytes(const struct elf_file *f, uint64_t off, size_t *left);
/* Where in the file an address lies that the program is loaded at; 0: nowhere. */
uint64_t elf_file_offset(const struct elf_file *f, uint64_t addr);
const struct elf_symbol *elf_symbol_find(struct probe_env *env, struct elf_file *f,
					 const char *name);
/* All of them, by name. */
const struct elf_symbol *elf_symbols(struct probe_env *env, struct elf_file *f, uint32_t *cnt);
/* The innermost that an address is in; NULL: none. */
const struct elf_symbol *elf_symbol_at(struct probe_env *env, struct elf_file *f, uint64_t addr);
/* Where calls of it go: not the symbol's address when that is an IFUNC's. */
uint64_t elf_symbol_addr(const struct elf_file *f, const struct elf_symbol *s);
bool elf_imports(struct elf_file *f, const char *name); /* it is some library's */

/* zip.c: a file of an archive. 0; -ENOENT, -EINVAL: no archive, -EOPNOTSUPP: compressed. */
int zip_find(const uint8_t *zip, size_t sz, const char *name, uint64_t *off, uint64_t *size);

/*
 * Files that are meant by a path, a name to be looked up in PATH or among the libraries, or a pattern
 * of paths ("*" with -p: all that the process has mapped). fn gets the path to open and the one to
 * show. As probe_type's expand; 0: none.
 */
typedef int (*path_fn)(void *arg, const char *path, const char *shown);
int paths_match(struct probe_env *env, const char *pattern, path_fn fn, void *arg);
/* There is no such file: -EINVAL and err, with the one that may be meant. */
int paths_missing(struct probe_env *env, const char *type, const char *path,
		  struct probe_error *err);
/* The hint: where a pattern of paths that matched nothing was looked for; false: where it says. */
bool paths_hint(struct probe_env *env, const char *pattern, struct probe_error *err);

bool path_exists(const char *path);
/* As the loader's cache has it, or "c" for libc; root: that of the process of -p, or "". */
const char *path_library(struct probe_env *env, const char *root, const char *name);

/* ---- uprobe_place.c, uprobe_attach.c ---- */
/* A place in a file; ref_ctr: offset of the semaphore, 0: none. */
struct uprobe_place {
	const char *path;
	uint64_t off, ref_ctr, cookie;
	const struct probe_target *t;
	bool is_return, is_doubtful; /* the latter: the kernel may refuse the instruction */
	uint64_t
		next; /* one that is doubtful: how far behind the symbol the next one is; 0: unknown */
};
struct uprobe_places {
	struct uprobe_place *at; /* malloc'ed */
	uint32_t cnt, cap;
	const char *note; /* for -v */
};
/* Targets of uprobes: value2. */
enum { UPROBE_UNSAFE = 1, UPROBE_OF_PATTERN = 2 };
/* Adds the places of a target. */
int uprobe_place(struct probe_env *env, const struct probe_target *t, uint64_t cookie,
		 bool is_return, struct uprobe_places *p, struct probe_error *err);
/* Whether an address is an instruction's, or a function's. */
int uprobe_check(struct probe_env *env, struct elf_file *f, uint64_t addr, bool is_return,
		 struct probe_error *err);

/* Whether the kernel has something against an instruction: 0, or -errno and err. Nothing is attached. */
int uprobe_try_places(struct probe_env *env, const struct uprobe_place *places, uint32_t cnt,
		      struct probe_error *err);
/* Of what patterns found those go out, and are counted as skipped, that the kernel refuses. */
int uprobe_attach_places(struct probe_env *env, const struct probe_attach *a,
			 struct uprobe_place *places, uint32_t cnt, struct probe_links *links,
			 struct probe_error *err);
/* What a program has by that name, seen from an offset in its file (0: from nowhere). */
int uprobe_symbol(struct probe_env *env, const char *path, uint64_t off, const char *name,
		  struct probe_symbol *out, struct probe_error *err);
/* How programs for cnt places are to be loaded. */
int uprobe_load(struct probe_env *env, uint32_t cnt, bool is_return, struct probe_load *out,
		struct probe_error *err);
int uprobe_none(struct probe_error *err); /* the kernel has no uprobes */

/* cpp.c: whether the C++ function of a symbol is meant by a name or pattern. */
bool cpp_matches(const char *pattern, const char *symbol);

#endif

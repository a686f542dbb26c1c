/* SPDX-License-Identifier: Apache-2.0 */
/* Debug information (DWARF) of programs that uprobes go to. Reads nothing before it is asked for. */
#ifndef TRACE_PROBES_DEBUG_H
#define TRACE_PROBES_DEBUG_H

#include <elfutils/libdw.h>

#include "probes/elf.h"

/* The file's, its debug file's; NULL: there is none. */
Dwarf *debug_of(struct probe_env *env, struct elf_file *f);
/* libdwfl's view of it with its debug file; NULL: none. */
struct Dwfl_Module *debug_module(struct probe_env *env, struct elf_file *f);
void debug_close(struct elf_file *f);

/* From addresses of the file's symbols to those of the debug information: add this. */
int64_t debug_bias(const struct elf_file *f);

/*
 * Each unit, the split one (.dwo, .dwp) in place of its skeleton: false after the last. Zeroed at first.
 * skeleton: what has the addresses.
 */
struct debug_walk {
	Dwarf_CU *cu;
	Dwarf_Die skeleton, unit;
	bool ended;
};
bool debug_next_unit(struct probe_env *env, Dwarf *dw, struct debug_walk *w);

/* The function that begins at the symbol's address. */
bool debug_find_function(struct probe_env *env, struct elf_file *f, uint64_t addr, Dwarf_Die *die);

/* ---- debug_dwp.c ---- */
/* A section's bytes; NULL: it has none of that name. */
Elf_Data *debug_section(Elf *elf, const char *name);
/* The package beside a program, if there is one. NULL: out of memory. */
struct dwp;
struct dwp *dwp_open(const char *program);
void dwp_close(struct dwp *p);
/* The split unit of a skeleton, which is main's; false: it is not in there. */
bool dwp_unit(struct dwp *p, Dwarf *main, Dwarf_Die *skeleton, Dwarf_Die *unit);

/* ---- debug_type.c ---- */
/* Without typedefs and qualifiers; false: void. */
bool debug_bare_type(Dwarf_Die *type, Dwarf_Die *bare);
/* What DW_AT_type of a DIE or its origin says; false: nothing, which is void. */
bool debug_type_of(Dwarf_Die *die, Dwarf_Die *type);
uint64_t debug_size(Dwarf_Die *type); /* 0: unknown */
/* As C text, "const char*". NULL: out of memory. */
char *debug_type_text(struct probe_env *env, Dwarf_Die *type);

/* ---- debug_line.c ---- */
struct source_place {
	const char *file;
	int line, col; /* col 0: any */
};
/* fn for each address at which code of the line is entered. fn's result when it is not 0. */
int debug_lines(struct probe_env *env, struct elf_file *f, const struct source_place *at,
		int (*fn)(void *arg, uint64_t addr), void *arg, struct probe_error *err);

/* ---- debug_args.c ---- */
/* Parameters of the function at a symbol's address, or its result. As probe_type's args. */
int debug_args(struct probe_env *env, struct elf_file *f, const struct elf_symbol *s,
	       bool is_return, struct probe_fields *out, struct probe_error *err);

/* ---- abi.c: where the calling convention of this machine puts what a function is given ---- */
struct abi {
	uint32_t ints, floats; /* registers taken */
	int32_t stack; /* offset from the stack pointer of the next argument there */
};
/* indirect: the result is memory that the caller hands over. */
void abi_begin(struct abi *a, bool indirect);
/* Fills in loc, reg and disp of a field of that type. */
void abi_place(struct abi *a, Dwarf_Die *type, struct probe_field *f);
void abi_result(Dwarf_Die *type, struct probe_field *f);
bool abi_result_indirect(Dwarf_Die *type);

#endif

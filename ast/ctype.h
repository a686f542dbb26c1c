/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C types by name: the script's own definitions, those of the headers it includes, the kernel's
 * (BTF). Whatever is asked for first opens the kernel's BTF; who asks for nothing pays nothing.
 */
#ifndef TRACE_CTYPE_H
#define TRACE_CTYPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lexer/source.h"

struct ctypes;
struct nearest;
struct node;
struct probe_target;
struct probe_type;
struct type;
struct types;
struct unit;

struct ctypes *ctypes_new(struct unit *u);
void ctypes_free(struct ctypes *c);

/* "struct foo", "enum foo" or a typedef's name, complete; NULL: there is none. */
const struct type *ctypes_find(struct ctypes *c, const char *name);
/* An enumerator; *e is its enum. */
bool ctypes_value(struct ctypes *c, const char *name, int64_t *value, const struct type **e);
/* Feeds the program's constants, and the kernel's, to the search for the nearest name. */
void ctypes_values_nearest(struct ctypes *c, struct nearest *near);
void ctypes_kernel_values_nearest(struct ctypes *c, struct nearest *near);
bool ctypes_has_function(struct ctypes *c, const char *name); /* the kernel */
/* Types of an object file that a compiler made of headers, which may go then. 0, or a negative errno. */
int ctypes_headers(struct ctypes *c, const char *path);
/*
 * From here on names mean first the types of the program that this probe goes to. Its debug
 * information is opened when a name asks for it. NULL: no probe.
 */
void ctypes_enter(struct ctypes *c, const struct node *probe);
/* The type of a field of args that has one, see probe_field. */
const struct type *ctypes_of_die(struct ctypes *c, const struct probe_type *ptype,
				 const struct probe_target *target, const void *die);
/* Tells that there is no such type, which one is like it, and why where the kernel has none. */
void ctypes_unknown(struct unit *u, struct span sp, const char *name);

/* ---- -l: the kernel's types by name (ctype_print.c) ---- */

bool ctypes_is_pattern(const char *pattern); /* "struct x*", "union u", "enum e" */
/*
 * Prints them, sorted; how many there are, or a negative errno. near: when there are none, the kernel's
 * type whose name is like it ("struct x"), to be freed, or NULL.
 */
int ctypes_list(const char *pattern, bool as_c, char **near);

/* ---- the script's own (ctype_script.c) ---- */

struct ctype_script;

/* Lasts as long as the unit. */
struct ctype_script *ctype_script_new(struct unit *u, uint32_t def_base);
/* Takes the program's definitions. Mistakes are queued. */
void ctype_script_define(struct ctype_script *s, struct node *items);
/* Its structs, unions and enums are the types of their names; what is left are these. */
const struct type *ctype_script_typedef(const struct ctype_script *s, const char *name);
bool ctype_script_value(const struct ctype_script *s, const char *name, int64_t *value,
			const struct type **e);
void ctype_script_values_nearest(const struct ctype_script *s, struct nearest *near);
/* Feeds the names that have this word before them ("struct "), or none (""). */
void ctype_script_nearest(const struct ctype_script *s, const char *word, struct nearest *near);

/* ---- one file of BTF (ctype_btf.c) ---- */

struct ctype_btf;

/* The kernel's when path is NULL, else an ELF file's. NULL and errno when it cannot be read. */
struct ctype_btf *ctype_btf_open(struct types *ts, const char *path, uint32_t def_base);
void ctype_btf_free(struct ctype_btf *b);
bool ctype_btf_has(const struct ctype_btf *b, uint32_t def); /* whose definition def is */
const struct type *ctype_btf_find(struct ctype_btf *b, const char *name);
bool ctype_btf_value(struct ctype_btf *b, const char *name, int64_t *value, const struct type **e);
bool ctype_btf_has_function(const struct ctype_btf *b, const char *name);
void ctype_btf_values_nearest(const struct ctype_btf *b, struct nearest *near);
void ctype_btf_nearest(const struct ctype_btf *b, const char *word, struct nearest *near);
void ctype_btf_complete(struct ctype_btf *b, struct type *t);
/* Binds a type that is known by name only to its definition; false: there is none. */
bool ctype_btf_bind(struct ctype_btf *b, struct type *t);

/* ---- debug information of programs (ctype_dwarf.c) ---- */

struct Dwarf;
struct arena;
struct ctype_dwarf;
struct probe_env;
struct type_field;

/* Lasts as long as the arena. is_program: they are not of headers, which continue the kernel's types. */
struct ctype_dwarf *ctype_dwarf_new(struct types *ts, struct arena *arena, struct probe_env *env,
				    uint32_t def_base, bool is_program);
/* A type by its DIE (a Dwarf_Die), by name; an enumerator. */
const struct type *ctype_dwarf_type(struct ctype_dwarf *c, struct Dwarf *dw, const void *die);
const struct type *ctype_dwarf_find(struct ctype_dwarf *c, struct Dwarf *dw, const char *name);
bool ctype_dwarf_value(struct ctype_dwarf *c, struct Dwarf *dw, const char *name, int64_t *value,
		       const struct type **e);
/* As ctype_btf_bind. */
bool ctype_dwarf_bind(struct ctype_dwarf *c, struct Dwarf *dw, struct type *t);
void ctype_dwarf_complete(struct ctype_dwarf *c, struct type *t);

/* Places a bit-field that begins at a bit of the struct: its storage unit, and where in it. */
void ctype_place_bits(struct types *ts, struct type_field *f, uint32_t at, uint32_t bits);

/* A module's, which continues the kernel's; its own definitions are numbered from def_base on. */
struct ctype_btf *ctype_btf_open_module(struct types *ts, const char *path,
					const struct ctype_btf *kernel, uint32_t def_base);

/* ---- those of all modules (ctype_modules.c) ---- */

/* Numbers of the kernel's own definitions are below 1 << CTYPE_MODULE_BITS. */
enum { CTYPE_MODULE_BITS = 22, CTYPE_MODULES_MAX = 255 };

struct arena;
struct ctype_modules;

/* dir: where the files are, "/sys/kernel/btf". Lasts as long as the arena; free closes the files. */
struct ctype_modules *ctype_modules_new(struct types *ts, struct arena *arena, const char *dir,
					const struct ctype_btf *kernel);
void ctype_modules_free(struct ctype_modules *m);
/* As ctype_btf_bind, in the first module that has it. */
bool ctype_modules_bind(struct ctype_modules *m, struct type *t);
void ctype_modules_complete(struct ctype_modules *m, struct type *t);

/* ---- names that need no definition (ctype_tracefs.c) ---- */

void ctype_names_nearest(struct nearest *near);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* C headers, read by the system's own compiler: types as debug information, #define as text. */
#ifndef TRACE_IMPORT_H
#define TRACE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lexer/source.h"

struct arena;
struct unit;

struct header {
	struct span span; /* nowhere: of the command line */
	const char *line; /* "#include <x.h>" */
	struct header *next;
};

struct kernel_tree {
	const char *source, *build, *arch; /* NULL: there is none */
	bool is_named; /* somebody asks for it by name */
};

struct header_list {
	struct header *first, **tail;
	char *defines; /* all there are, a line each */
	struct kernel_tree kernel;
	bool of_kernel; /* they were found in that tree */
};

void header_add(struct header_list *l, struct arena *a, struct span sp, const char *line);
/* Runs the compiler; the types go to u->ctypes. Non-zero: told. */
int header_read(struct unit *u, struct header_list *l);
/* "#define NAME value" of that name; NULL: none. */
const char *header_define(const struct header_list *l, struct arena *a, const char *name);
/*
 * What the compiler makes of a macro of the headers, where that is an integer and its text (behind
 * "#define ") is more than the language may read as C does; NULL: not so. As a number of the language.
 */
const char *header_number(struct unit *u, const struct header_list *l, const char *text);
void header_done(struct header_list *l);

/* ---- those of the kernel (header_kernel.c) ---- */

enum { KERNEL_TREE_ARGS_MAX = 20 };

/* Non-zero: told. */
int kernel_tree_find(struct unit *u, struct kernel_tree *k);
bool kernel_tree_is_there(const struct kernel_tree *k);
/* The compiler's arguments to read them; how many. */
uint32_t kernel_tree_args(const struct kernel_tree *k, struct arena *a, const char **args);

/* Source of the macros that a name of the language stands for; NULL: it does for none. */
const char *library_find(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the kernel's structures, by name. */
#ifndef TRACE_CORE_H
#define TRACE_CORE_H

#include "codegen/gen.h"

enum { CORE_PATH_MAX = 8 };

/* A member of a member: fields[i + 1] is one of fields[i]'s type. */
struct core_path {
	const struct type *root;
	const struct type_field *fields[CORE_PATH_MAX]; /* each with a name */
	uint32_t cnt;
};

/* The kernel has a definition of its own, and it can be named. */
bool core_is_named(const struct type *t);
/* The bytes from the root's start on, i64: those of the kernel that the program is loaded into. */
LLVMValueRef core_offset(struct gen *g, const struct core_path *path, struct span sp);
/* offsetof(struct T, a.b) of one of the kernel's */
LLVMValueRef core_offsetof(struct gen *g, struct node *e);
/* What infer noted. */
void core_used(struct gen *g, const struct size_used *s);
/* The code takes for granted how large t is: where that differs it is not loaded. */
void core_size(struct gen *g, const struct type *t, struct span sp);
/* The same of where a field of the kernel's args lies. */
/* Notes what the program takes for granted of it: its row in the layouts; IMAGE_NONE: nothing. */
uint32_t core_arg(struct gen *g, const struct type_field *f);
/* Whether such a field is found when the image is loaded. */
bool core_arg_moves(const struct gen *g);

#endif

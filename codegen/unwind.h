/* SPDX-License-Identifier: Apache-2.0 */
/* Unwinding user stacks: what unwind.c, unwind_walk.c and unwind_word.c share. */
#ifndef TRACE_CODEGEN_UNWIND_H
#define TRACE_CODEGEN_UNWIND_H

#include "codegen/stack.h"

struct unwind_gen {
	struct map_gen *procs, *files, *tables, *rules;
	LLVMValueRef find_fn, rule_fn, step_fn;
};

/* ---- unwind_word.c ---- */

LLVMValueRef word_load(struct gen *g, LLVMValueRef base, uint64_t off, uint32_t size, bool sign);
LLVMValueRef word_load64(struct gen *g, LLVMValueRef base, uint64_t off);
void word_store(struct gen *g, LLVMValueRef base, uint64_t off, LLVMValueRef v);
LLVMValueRef word_add(struct gen *g, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef word_is(struct gen *g, LLVMValueRef v, uint64_t n);
/* One or more from the memory of the process or the kernel; goes to fail when they cannot be read. */
enum word_space { WORD_USER, WORD_KERNEL };
void word_read(struct gen *g, enum word_space space, LLVMValueRef dst, uint32_t size,
	       LLVMValueRef addr, LLVMBasicBlockRef fail);
/*
 * The last of cnt keys, so many bytes apart, that is not above v; the first is taken to be. No
 * branch: the kernel's verifier would follow each, and the processor guess every second one wrong.
 */
LLVMValueRef word_search(struct gen *g, LLVMValueRef base, uint32_t cnt, uint32_t apart,
			 uint32_t key_sz, LLVMValueRef v);

/* ---- unwind_walk.c ---- */

/* 1 when the kernel's mappings can be looked into. */
LLVMValueRef unwind_can_walk(struct gen *g);
/* The current process's address space into the state. */
void unwind_take_mm(struct gen *g, LLVMValueRef st);
/*
 * Makes unwind_find(slot, addr): the table that an address of the current process belongs to by the
 * kernel's own mappings, its place there in the state; or one of enum UNWIND_NO_*. UNWIND_NO_CODE: it
 * is code, but of a file that user space has not told of.
 */
void unwind_find_function(struct gen *g, struct unwind_gen *u);

#endif

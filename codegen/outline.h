/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that all programs of a script share, for what is too long to stand in each of them.
 * Operands in memory live in the program's frame of the scratch map.
 */
#ifndef TRACE_OUTLINE_H
#define TRACE_OUTLINE_H

#include "codegen/gen.h"

/* Whether an address lies in the frame for certain. */
bool outline_in_frame(struct gen *g, LLVMValueRef addr);
LLVMValueRef outline_compare(struct gen *g, enum outline fn, LLVMValueRef l, LLVMValueRef r,
			     uint32_t n);
LLVMValueRef outline_find(struct gen *g, LLVMValueRef text, uint32_t text_sz, LLVMValueRef needle,
			  uint32_t needle_sz);
/* What seldom happens and would stand at every use of a map or event. */
void outline_count_lost(struct gen *g, uint32_t counter);
void outline_count_refusal(struct gen *g, LLVMValueRef first, LLVMValueRef err);
/* Once the frames' size is known: the functions themselves. */
void outline_finish(struct gen *g);

/* A word of text, its first byte the lowest; of step bytes (1, 2, 4, 8), the rest 0. */
LLVMValueRef outline_load(struct gen *g, LLVMValueRef addr, uint32_t step, uint32_t align);
/* The lowest byte of v that is 0, as the highest bit of that byte; 0 when there is none. */
LLVMValueRef outline_end_bit(struct gen *g, LLVMValueRef v);
/* The first byte that differs, as memcmp returns it, of two words that do differ. */
LLVMValueRef outline_first_difference(struct gen *g, LLVMValueRef a, LLVMValueRef b);

#endif

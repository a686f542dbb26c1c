/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: what their functions share. */
#ifndef TRACE_STACK_H
#define TRACE_STACK_H

#include "codegen/gen.h"
#include "runtime/image_unwind.h"

#define STACK_AT(field) offsetof(struct unwind_state, field)

/* ---- stack.c ---- */

/* The program's state on this CPU; leaves the program, or the function, when there is none. */
LLVMValueRef stack_state(struct gen *g);
LLVMValueRef stack_slot(struct gen *g); /* the program's number among those with a state */
LLVMValueRef stack_state_at(struct gen *g, LLVMValueRef slot);
/* Frames into ip[], most bytes of them, by the kernel's own walk; gives how many bytes there are. */
LLVMValueRef stack_by_kernel(struct gen *g, LLVMValueRef st, uint32_t most, bool user);
/* Of the frames in ip[]. */
LLVMValueRef stack_hash(struct gen *g, LLVMValueRef seed, LLVMValueRef cnt);
LLVMValueRef stack_mix(struct gen *g, LLVMValueRef h, LLVMValueRef v);
/* The map of what was sent. */
struct map_gen *stack_marks(struct gen *g);

/* A global function of numbers that is being made, with the program it is made for. */
struct stack_function {
	struct prog_gen inner, *outer;
	LLVMBasicBlockRef here;
	LLVMMetadataRef place;
};
/* Leaves the builder in its first block; its block "leave" returns 0. */
LLVMValueRef stack_function_open(struct gen *g, struct stack_function *f, const char *name,
				 unsigned params);
void stack_function_close(struct gen *g, struct stack_function *f);

/* ---- unwind.c ---- */

bool unwind_known_here(void); /* this machine's registers are */
/* The frames of the current process into ip[], limit at most; gives how many bytes there are. */
LLVMValueRef unwind_user(struct gen *g, LLVMValueRef st, LLVMValueRef tgid, uint32_t limit);

#endif

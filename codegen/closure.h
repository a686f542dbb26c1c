/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop's body as a function that the kernel calls:
 *
 *	closure_open(g, &c, body, params);	the builder is in the function now
 *	...the body...
 *	closure_close(g, &c);			and back in the caller
 *	HELP(g, loop, n, c.inner.fn, c.env, ...)
 *	ended = closure_leave(g, &c);
 */
#ifndef TRACE_CLOSURE_H
#define TRACE_CLOSURE_H

#include "codegen/gen.h"

/* How the loop ended, a word of the environment. */
enum closure_end {
	CLOSURE_DONE, /* there are no more rounds */
	CLOSURE_RETURN, /* the program is to be left */
	CLOSURE_BREAK,
};

/* A variable of the surroundings that the body uses. */
struct capture {
	struct var_gen *outer;
	struct var_gen inner;
	LLVMValueRef copy; /* of a number, in the caller's view of the frame */
	uint32_t off; /* there */
	struct capture *next;
};

struct closure {
	struct prog_gen *outer, inner;
	struct capture *captures; /* what is there before it is opened travels too */
	uint32_t cnt;
	LLVMValueRef env; /* in the caller's frame */
	LLVMBasicBlockRef here;
	LLVMMetadataRef place;
	struct loop_gen loop;
};

/* Leaves the builder inside a new callback of so many parameters, the last of them the environment. */
void closure_open(struct gen *g, struct closure *c, struct node *body, unsigned params);
/* Ends the callback and goes on in the caller. */
void closure_close(struct gen *g, struct closure *c);
/*
 * In the caller, after the loop: "return" in the body leaves the program too. Gives how else it
 * ended.
 */
LLVMValueRef closure_leave(struct gen *g, struct closure *c);

#endif

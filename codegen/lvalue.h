/* SPDX-License-Identifier: Apache-2.0 */
/* Places: what an expression such as args.filename or $t.1 reads, and how. */
#ifndef TRACE_LVALUE_H
#define TRACE_LVALUE_H

#include "codegen/gen.h"

enum lvalue_how {
	LV_MEMORY, /* stack, scratch, map value: plain loads */
	LV_CONTEXT, /* the probe's context at a constant offset: plain loads of integers only */
	LV_KERNEL, /* bpf_probe_read_kernel */
	LV_USER, /* bpf_probe_read_user */
};

struct lvalue {
	LLVMValueRef addr; /* ptr */
	enum lvalue_how how;
	const struct type_field *field; /* for its bit-field position; or NULL */
	bool in_context; /* whatever how it is read */
};

/* Of N_FIELD, N_TUPLE_GET, N_INDEX and N_UNARY with UN_DEREF. */
struct lvalue lvalue_of(struct gen *g, struct node *e);
/* The bytes that pointer or number e points to, or those of e itself. */
struct lvalue lvalue_bytes(struct gen *g, struct node *e);
/* A field of args, or retval. */
struct lvalue lvalue_of_arg(struct gen *g, const struct type_field *f);
/*
 * The address of e, or the pointer that e is, reached by loads that keep it known by its BTF type; a
 * null pointer on the way leads to block null.
 */
LLVMValueRef lvalue_trusted(struct gen *g, struct node *e, LLVMBasicBlockRef null);
LLVMValueRef lvalue_load(struct gen *g, struct lvalue lv, const struct type *t); /* i64 */
/* The probe's context, to load from at a constant offset; the value wants a gen_opaque(). */
LLVMValueRef lvalue_context(struct gen *g);
void lvalue_read(struct gen *g, struct lvalue lv, LLVMValueRef dst, uint32_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builtins: one fn_<name>() for each row of ast/builtins.def, in an fn_<theme>.c. An integer result
 * is returned; one that lives in memory is built at dst; a string is built at dst, at most max
 * bytes, and its length returned.
 */
#ifndef TRACE_CALL_H
#define TRACE_CALL_H

#include "codegen/gen.h"

struct call {
	struct node *n; /* the call or value; NULL when codegen itself asks */
	struct node *args;
	LLVMValueRef dst;
	uint32_t max;
};

typedef LLVMValueRef gen_fn(struct gen *g, struct call *c);

#define BUILTIN(name, signature, flags, help) gen_fn fn_##name;
#include "ast/builtins.def"
#undef BUILTIN

#endif

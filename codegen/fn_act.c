// SPDX-License-Identifier: Apache-2.0
/* What a program does to the traced one, at once; and the kernel's clock tick. */
#include "ast/signals.h"
#include "codegen/call.h"

static LLVMValueRef signal_number(struct gen *g, struct node *n)
{
	if (n->kind == N_STR)
		return gen_i32(g, (uint32_t)signal_by_name(n->str.text));
	return LLVMBuildTrunc(g->b, gen_int(g, n), g->i32, "");
}

LLVMValueRef fn_signal(struct gen *g, struct call *c)
{
	HELP(g, send_signal, signal_number(g, c->args));
	return gen_i64(g, 0);
}

LLVMValueRef fn_signal_thread(struct gen *g, struct call *c)
{
	HELP(g, send_signal_thread, signal_number(g, c->args));
	return gen_i64(g, 0);
}

LLVMValueRef fn_override(struct gen *g, struct call *c)
{
	g->p->overrides = true;
	HELP(g, override_return, g->p->ctx, gen_int(g, c->args));
	return gen_i64(g, 0);
}

LLVMValueRef fn_write_user(struct gen *g, struct call *c)
{
	struct node *dst = c->args, *src = dst->next, *len = src->next;
	uint32_t n = (uint32_t)len->num.value;
	LLVMValueRef to = LLVMBuildIntToPtr(g->b, gen_int(g, dst), g->ptr, ""), from;

	from = gen_tmp(g, n);
	gen_zero(g, from, (n + 7) & ~7u);
	if (src->type->kind == V_PTR)
		HELP(g, probe_read_kernel, from, gen_i32(g, n),
		     LLVMBuildIntToPtr(g->b, gen_int(g, src), g->ptr, ""));
	else if (type_in_register(src->type))
		gen_store(g, from, src->type, gen_int(g, src));
	else
		gen_copy(g, from, gen_addr(g, src), n < src->type->size ? n : src->type->size);
	HELP(g, probe_write_user, to, from, gen_i32(g, n));
	return gen_i64(g, 0);
}

LLVMValueRef fn_jiffies(struct gen *g, struct call *c)
{
	(void)c;
	return HELP0(g, jiffies64);
}

// SPDX-License-Identifier: Apache-2.0
/* Bytes as they are: buffers, addresses of networks, byte order. */
#include <arpa/inet.h>
#include <string.h>

#include "codegen/call.h"
#include "codegen/lvalue.h"

/* Copies n bytes (i64, at most max) of what e points to, or of e itself, to dst. */
static void read_bytes(struct gen *g, struct node *e, LLVMValueRef dst, LLVMValueRef n,
		       uint32_t max)
{
	struct lvalue lv = lvalue_bytes(g, e);
	LLVMValueRef n32;

	/* the verifier wants the bound on the very register that is passed */
	if (!LLVMIsAConstantInt(n)) {
		n = gen_opaque(g, n);
		n = gen_bound(g, n, max + 1ull);
	}
	n32 = LLVMBuildTrunc(g->b, n, g->i32, "");
	if (lv.how == LV_USER)
		HELP(g, probe_read_user, dst, n32, lv.addr);
	else
		HELP(g, probe_read_kernel, dst, n32, lv.addr);
}

LLVMValueRef fn_buf(struct gen *g, struct call *c)
{
	struct node *e = c->args, *n = e->next;
	uint32_t max = c->n->type->size - 4;
	LLVMValueRef len = gen_i64(g, max);

	if (gen_in_memory(e->type) && node_stored_type(e)->size < max) {
		max = node_stored_type(e)->size;
		len = gen_i64(g, max);
	}
	if (n && n->kind != N_INT) {
		len = gen_int(g, n);
		len = gen_clamp(g, len, max + 1ull, max);
	}
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, len, g->i32, ""), c->dst);
	read_bytes(g, e, gen_off(g, c->dst, 4), len, max);
	return gen_i64(g, 0);
}

LLVMValueRef fn_bswap(struct gen *g, struct call *c)
{
	uint32_t size = c->args->type->size;
	LLVMValueRef v = gen_int(g, c->args), fn;
	LLVMTypeRef t = gen_int_type(g, size);
	unsigned id = LLVMLookupIntrinsicID("llvm.bswap", 10);

	if (size == 1)
		return gen_narrow(g, v, c->n->type);
	fn = LLVMGetIntrinsicDeclaration(g->mod, id, &t, 1);
	v = LLVMBuildTrunc(g->b, v, t, "");
	v = LLVMBuildCall2(g->b, LLVMIntrinsicGetType(g->ctx, id, &t, 1), fn, &v, 1, "");
	return LLVMBuildZExt(g->b, v, g->i64, "");
}

LLVMValueRef fn_macaddr(struct gen *g, struct call *c)
{
	read_bytes(g, c->args, c->dst, gen_i64(g, 6), 6);
	return gen_i64(g, 0);
}

/* An address of a network: its family, then 16 bytes of which IPv4 uses 4. */
LLVMValueRef fn_ntop(struct gen *g, struct call *c)
{
	struct node *addr = c->args->next ? c->args->next : c->args;
	const struct type *t = node_stored_type(addr);
	bool is_word = t->kind == V_INT;
	uint32_t size = !is_word && t->size == 16 ? 16 : 4;
	LLVMValueRef af = gen_i64(g, size == 16 ? AF_INET6 : AF_INET),
		     bytes = gen_off(g, c->dst, 4);

	if (c->args->next)
		af = gen_int(g, c->args);
	gen_zero(g, c->dst, 20);
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, af, g->i32, ""), c->dst);
	if (is_word)
		LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, gen_int(g, addr), g->i32, ""), bytes);
	else
		read_bytes(g, addr, bytes, gen_i64(g, t->kind == V_PTR ? 16 : size),
			   t->kind == V_PTR ? 16 : size);
	return gen_i64(g, 0);
}

LLVMValueRef fn_pton(struct gen *g, struct call *c)
{
	uint8_t bytes[16] = { 0 };
	const char *text = c->args->str.text;

	if (!inet_pton(AF_INET, text, bytes))
		inet_pton(AF_INET6, text, bytes);
	for (uint32_t i = 0; i < c->n->type->size; i++)
		LLVMBuildStore(g->b, LLVMConstInt(g->i8, bytes[i], false), gen_off(g, c->dst, i));
	return gen_i64(g, 0);
}

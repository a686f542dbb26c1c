// SPDX-License-Identifier: Apache-2.0
/* Strings and pointers. */
#include "codegen/call.h"
#include "codegen/lvalue.h"

static LLVMValueRef str_from(struct gen *g, struct call *c, struct node *p, uint32_t max)
{
	LLVMValueRef addr;

	if (p->type->kind == V_STRING) /* str("text"), or of a string already read */
		return gen_text(g, p, c->dst, max < p->type->size ? max : p->type->size);
	if (p->type->kind == V_ARRAY)
		return gen_text_bytes(g, p, c->dst, max);
	addr = LLVMBuildIntToPtr(g->b, gen_int(g, p), g->ptr, "");
	return gen_text_from(g, c->dst, max, addr, p->type->as);
}

/* str(p, n) with n known only at run time: read all there is room for, then cut. The NUL counts. */
static LLVMValueRef cut_at(struct gen *g, struct call *c, LLVMValueRef len, LLVMValueRef want,
			   uint32_t max)
{
	LLVMValueRef at;

	if (str_counts_nul(c->n))
		want = gen_select(g, gen_not_zero(g, want),
				  LLVMBuildSub(g->b, want, gen_i64(g, 1), ""), want);
	at = gen_select(g, gen_cmp(g, LLVMIntULT, want, len), want, len);
	at = gen_bound(g, at, max);
	LLVMBuildStore(g->b, LLVMConstInt(g->i8, 0, false), gen_off_var(g, c->dst, at));
	return at;
}

/*
 * To kernels before 6.3 a word of the stack that is written to at a place they do not know, by the NUL
 * that cuts, is one never written: what may be there is cut in the frame.
 */
static LLVMValueRef str_cut(struct gen *g, struct call *c, uint32_t max)
{
	struct node *p = c->args, *n = p->next;
	bool elsewhere = max <= setting_num(g->u->settings, SETTING_on_stack_limit);
	LLVMValueRef want = gen_int(g, n), len;
	struct call at = *c;

	if (elsewhere)
		at.dst = gen_frame_tmp(g, max);
	len = str_from(g, &at, p, max);
	len = cut_at(g, &at, len, want, max);
	return elsewhere ? gen_text_from(g, c->dst, max, at.dst, AS_KERNEL) : len;
}

LLVMValueRef fn_str(struct gen *g, struct call *c)
{
	struct node *p = c->args, *n = p->next;
	uint32_t max = c->max;

	if (n && n->kind != N_INT)
		return str_cut(g, c, max);
	if (n)
		max = max < c->n->type->size ? max : c->n->type->size;
	return str_from(g, c, p, max);
}

LLVMValueRef fn_strncmp(struct gen *g, struct call *c)
{
	struct node *l = c->args, *r = l->next, *n = r->next;
	uint32_t limit = n->num.value > UINT32_MAX ? UINT32_MAX : (uint32_t)n->num.value;
	LLVMValueRef same;

	if (!limit)
		return gen_i64(g, 0);
	same = gen_text_equal(g, l, r, limit);
	return LLVMBuildZExt(g->b, LLVMBuildNot(g->b, same, ""), g->i64, "");
}

LLVMValueRef fn_kptr(struct gen *g, struct call *c)
{
	return gen_int(g, c->args);
}

LLVMValueRef fn_uptr(struct gen *g, struct call *c)
{
	return gen_int(g, c->args);
}

/* The kernel leaves pieces of the path behind its end, or all over the buffer when it fails. */
LLVMValueRef fn_path(struct gen *g, struct call *c)
{
	LLVMBasicBlockRef failed = gen_block(g, "failed"), join = gen_block(g, "join");
	LLVMValueRef tmp = gen_tmp(g, c->max), path = lvalue_trusted(g, c->args, failed), len;

	len = HELP(g, d_path, path, tmp, gen_i32(g, c->max));
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, len, gen_i64(g, 0)), failed, join);
	gen_at(g, failed);
	LLVMBuildStore(g->b, LLVMConstInt(g->i8, 0, false), tmp);
	gen_br(g, join);
	gen_at(g, join);
	return gen_text_from(g, c->dst, c->max, tmp, AS_KERNEL);
}

// SPDX-License-Identifier: Apache-2.0
/* Places: fields, elements and what pointers point to. */
#include "codegen/core.h"
#include "codegen/lvalue.h"

static enum lvalue_how how_of(struct gen *g, enum addr_space as)
{
	return gen_space(g, as) == AS_USER ? LV_USER : LV_KERNEL;
}

/* The place that pointer e points to. */
static struct lvalue behind(struct gen *g, struct node *e)
{
	LLVMValueRef addr = LLVMBuildIntToPtr(g->b, gen_int(g, e), g->ptr, "");

	return (struct lvalue){ .addr = addr, .how = how_of(g, e->type->as) };
}

/*
 * The context, hidden from LLVM each time: the verifier takes only loads at a constant offset from
 * the context itself, so that LLVM may not keep such an address, nor make one load of two.
 */
LLVMValueRef lvalue_context(struct gen *g)
{
	LLVMValueRef v = LLVMBuildPtrToInt(g->b, g->p->ctx, g->i64, "");

	return LLVMBuildIntToPtr(g->b, gen_opaque(g, v), g->ptr, "");
}

static bool is_args(const struct node *e)
{
	return e->kind == N_IDENT && e->ident.fn && e->ident.fn->id == B_args;
}

/* The place of e itself, a struct, tuple or array. */
static struct lvalue base_of(struct gen *g, struct node *e)
{
	if (e->kind == N_IDENT && e->ident.fn && e->ident.fn->id == B_ctx)
		return (struct lvalue){ .addr = lvalue_context(g), .how = LV_CONTEXT };
	if (e->type->kind == V_PTR)
		return behind(g, e);
	if (e->kind == N_FIELD || e->kind == N_TUPLE_GET || e->kind == N_INDEX ||
	    (e->kind == N_UNARY && e->unary.op == UN_DEREF))
		return lvalue_of(g, e);
	return (struct lvalue){ .addr = gen_addr(g, e), .how = LV_MEMORY };
}

/* What the helper reads at an offset of the context that is known when it runs, or is loaded. */
static struct lvalue in_record(struct gen *g, LLVMValueRef off)
{
	return (struct lvalue){ .addr = gen_off_var(g, g->p->ctx, off),
				.how = LV_KERNEL,
				.in_context = true };
}

/*
 * A string or array elsewhere in a tracepoint's record: the field holds its offset in the low half,
 * counted from the record's start or from the field's own end.
 */
static struct lvalue follow_loc(struct gen *g, struct lvalue lv, enum probe_field_loc loc,
				LLVMValueRef field_off)
{
	LLVMValueRef word = LLVMBuildLoad2(g->b, g->i32, lv.addr, ""), off;

	off = LLVMBuildZExt(g->b, LLVMBuildAnd(g->b, word, gen_i32(g, 0xffff), ""), g->i64, "");
	if (loc == LOC_REL_LOC)
		off = LLVMBuildAdd(g->b, off, LLVMBuildAdd(g->b, field_off, gen_i64(g, 4), ""), "");
	return in_record(g, off);
}

/* What a function was given in registers or in its program's memory: see struct probe_field. */
static struct lvalue argument(struct gen *g, const struct type_field *f)
{
	LLVMValueRef ctx = lvalue_context(g), word, tmp;

	if (f->loc == LOC_REGS && type_in_register(f->type))
		return (struct lvalue){ .addr = gen_off(g, ctx, (uint64_t)f->reg[0]),
					.how = LV_CONTEXT };
	if (f->loc == LOC_USER) {
		word = LLVMBuildLoad2(g->b, g->i64, gen_off(g, ctx, (uint64_t)f->reg[0]), "");
		word = LLVMBuildAdd(g->b, word, gen_i64(g, (uint64_t)(int64_t)f->disp), "");
		word = LLVMBuildIntToPtr(g->b, word, g->ptr, "");
		return (struct lvalue){ .addr = word, .how = LV_USER };
	}
	tmp = gen_tmp(g, 16);
	for (uint32_t i = 0; i < 2; i++) {
		word = gen_i64(g, 0);
		if (f->loc == LOC_REGS && f->type->size > i * 8)
			word = LLVMBuildLoad2(g->b, g->i64,
					      gen_off(g, lvalue_context(g), (uint64_t)f->reg[i]),
					      "");
		LLVMBuildStore(g->b, word, gen_off(g, tmp, i * 8));
	}
	return (struct lvalue){ .addr = tmp, .how = LV_MEMORY };
}

/*
 * A number at an offset that is known when the image is loaded. Where it is still f's, the verifier
 * sees a load from the context; elsewhere it has to be the helper, as it takes no other offset for
 * one. Either way it drops what is not so.
 */
static struct lvalue moved_number(struct gen *g, const struct type_field *f, LLVMValueRef off,
				  uint32_t size)
{
	LLVMBasicBlockRef here = gen_block(g, "here"), moved = gen_block(g, "moved");
	LLVMBasicBlockRef join = gen_block(g, "join");
	LLVMValueRef tmp = gen_tmp(g, 8), v;

	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, off, gen_i64(g, f->off)), here, moved);
	gen_at(g, here);
	v = LLVMBuildLoad2(g->b, gen_int_type(g, size), gen_off(g, lvalue_context(g), f->off), "");
	v = gen_opaque(g, LLVMBuildZExt(g->b, v, g->i64, ""));
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, v, gen_int_type(g, size), ""), tmp);
	gen_br(g, join);
	gen_at(g, moved);
	HELP(g, probe_read_kernel, tmp, gen_i32(g, size), gen_off_var(g, g->p->ctx, off));
	gen_br(g, join);
	gen_at(g, join);
	return (struct lvalue){ .addr = tmp, .how = LV_MEMORY };
}

struct lvalue lvalue_of_arg(struct gen *g, const struct type_field *f)
{
	struct lvalue lv = { .addr = lvalue_context(g), .how = LV_CONTEXT };
	LLVMValueRef off = gen_i64(g, f->off);
	uint32_t layout;

	if (f->loc >= LOC_REGS)
		return argument(g, f);
	layout = core_arg(g, f);
	if (layout == IMAGE_NONE || !core_arg_moves(g)) {
		lv.addr = gen_off(g, lv.addr, f->off);
	} else {
		off = gen_konst_arg(g, layout);
		if (f->loc != LOC_PLAIN)
			lv = moved_number(g, f, off, 4);
		else if (type_in_register(f->type))
			lv = moved_number(g, f, off, f->type->size);
		else
			lv = in_record(g, off);
	}
	return f->loc == LOC_PLAIN ? lv : follow_loc(g, lv, f->loc, off);
}

/* The fields from a structure that is pointed to, or stands by itself, down to e; gives it. */
static struct node *path_to(struct node *e, struct core_path *path)
{
	uint32_t cnt = 0;

	for (struct node *n = e;; n = n->field.e) {
		const struct type *t = n->field.e->type;

		cnt++;
		if (n->field.e->kind != N_FIELD || t->kind == V_PTR || t->kind == V_RECORD ||
		    is_args(n->field.e->field.e) || cnt == CORE_PATH_MAX)
			break;
	}
	path->cnt = cnt;
	while (cnt-- > 0) {
		path->fields[cnt] = e->field.field;
		e = e->field.e;
	}
	path->root = e->type->kind == V_PTR ? e->type->elem : e->type;
	return e;
}

static uint64_t path_off(const struct core_path *path)
{
	uint64_t off = 0;

	for (uint32_t i = 0; i < path->cnt; i++)
		off += path->fields[i]->off;
	return off;
}

static struct lvalue field_of(struct gen *g, struct node *e)
{
	const struct type_field *f = e->field.field;
	struct core_path path;
	struct lvalue lv;
	struct node *base;

	if (is_args(e->field.e))
		return lvalue_of_arg(g, f);
	base = path_to(e, &path);
	lv = base_of(g, base);
	if (lv.how == LV_KERNEL || lv.how == LV_USER)
		lv.addr = gen_off_var(g, lv.addr, core_offset(g, &path, e->span));
	else
		lv.addr = gen_off(g, lv.addr, path_off(&path));
	lv.field = f->bit_sz ? f : NULL;
	return lv;
}

/* What turns out to be a constant only here, like (uint8)300, was not checked. */
static bool is_within(const struct type *t, LLVMValueRef idx)
{
	uint64_t cnt = t->kind == V_ARRAY ? t->count : t->kind == V_STRING ? t->size : 0;

	return LLVMIsAConstantInt(idx) && (!cnt || LLVMConstIntGetZExtValue(idx) < cnt);
}

/*
 * An element whose index only the kernel knows is read by the helper, at an address that is a number
 * to the verifier: to a pointer that it knows it lets nobody add what has no bounds.
 */
static struct lvalue index_of(struct gen *g, struct node *e)
{
	struct lvalue lv = base_of(g, e->index.e);
	LLVMValueRef idx = gen_int(g, e->index.idx), base;
	uint64_t unit = node_stored_type(e)->size ?: 1;
	bool ours = lv.how == LV_MEMORY || lv.how == LV_CONTEXT;
	bool known = ours || lv.in_context || gen_knows_pointers(g);

	core_size(g, e->type, e->span);
	lv.field = NULL;
	lv.in_context = false;
	if (ours && is_within(node_stored_type(e->index.e), idx)) {
		lv.addr = gen_off(g, lv.addr, LLVMConstIntGetZExtValue(idx) * unit);
		return lv;
	}
	base = LLVMBuildPtrToInt(g->b, lv.addr, g->i64, "");
	base = known ? gen_number(g, base) : base;
	lv.how = lv.how == LV_USER ? LV_USER : LV_KERNEL;
	idx = LLVMBuildMul(g->b, idx, gen_i64(g, unit), "");
	lv.addr = LLVMBuildIntToPtr(g->b, LLVMBuildAdd(g->b, base, idx, ""), g->ptr, "");
	return lv;
}

/* $t.1 or $t[1] */
static struct lvalue element_of(struct gen *g, struct node *tuple, uint64_t idx)
{
	struct lvalue lv = base_of(g, tuple);

	lv.addr = gen_off(g, lv.addr, tuple->type->fields[idx].off);
	return lv;
}

struct lvalue lvalue_of(struct gen *g, struct node *e)
{
	if (e->kind == N_FIELD)
		return field_of(g, e);
	if (e->kind == N_TUPLE_GET)
		return element_of(g, e->element.e, e->element.idx);
	if (e->kind == N_INDEX && e->index.e->type->kind == V_TUPLE)
		return element_of(g, e->index.e, e->index.idx->num.value);
	if (e->kind == N_INDEX)
		return index_of(g, e);
	return behind(g, e->unary.e);
}

struct lvalue lvalue_bytes(struct gen *g, struct node *e)
{
	if (e->type->kind == V_PTR || type_is_int(e->type))
		return behind(g, e);
	if (e->kind == N_FIELD || e->kind == N_INDEX ||
	    (e->kind == N_UNARY && e->unary.op == UN_DEREF))
		return lvalue_of(g, e);
	return (struct lvalue){ .addr = gen_addr(g, e), .how = LV_MEMORY };
}

static LLVMValueRef take_bits(struct gen *g, LLVMValueRef v, const struct type_field *f)
{
	v = LLVMBuildShl(g->b, v, gen_i64(g, 64 - f->bit_off - f->bit_sz), "");
	v = f->type->is_signed ? LLVMBuildAShr(g->b, v, gen_i64(g, 64 - f->bit_sz), "")
			       : LLVMBuildLShr(g->b, v, gen_i64(g, 64 - f->bit_sz), "");
	return v;
}

LLVMValueRef lvalue_load(struct gen *g, struct lvalue lv, const struct type *t)
{
	bool walks = g->p->probe->probe.ptype->flags & PROBE_WALKS;
	LLVMValueRef v;

	if (lv.how == LV_KERNEL || lv.how == LV_USER) {
		LLVMValueRef tmp = gen_tmp(g, t->size);

		lvalue_read(g, lv, tmp, t->size);
		lv.addr = tmp;
	}
	/* the verifier knows a BTF program's arguments as whole words only */
	if (lv.how == LV_CONTEXT && g->p->probe->probe.ptype->args_kind == PROBE_ARGS_WORDS)
		v = gen_narrow(g, LLVMBuildLoad2(g->b, g->i64, lv.addr, ""), t);
	else
		v = gen_load(g, lv.addr, t);
	if (lv.how == LV_CONTEXT)
		v = walks && t->kind == V_PTR ? gen_tested(g, v) : gen_opaque(g, v);
	return lv.field ? take_bits(g, v, lv.field) : v;
}

void lvalue_read(struct gen *g, struct lvalue lv, LLVMValueRef dst, uint32_t size)
{
	if (lv.how == LV_MEMORY)
		gen_copy(g, dst, lv.addr, size);
	else if (lv.how == LV_USER)
		HELP(g, probe_read_user, dst, gen_i32(g, size), lv.addr);
	else
		HELP(g, probe_read_kernel, dst, gen_i32(g, size), lv.addr);
}

/* ---- for helpers that take pointers by their BTF type ---- */

static LLVMValueRef not_null(struct gen *g, LLVMValueRef ptr, LLVMBasicBlockRef null)
{
	LLVMValueRef v = gen_opaque(g, LLVMBuildPtrToInt(g->b, ptr, g->i64, ""));
	LLVMBasicBlockRef there = gen_block(g, "there");

	gen_cond_br(g, gen_not_zero(g, v), there, null);
	gen_at(g, there);
	return LLVMBuildIntToPtr(g->b, v, g->ptr, "");
}

static LLVMValueRef trusted_place(struct gen *g, struct node *e, LLVMBasicBlockRef null)
{
	struct core_path path;
	struct node *base = path_to(e, &path);

	return gen_off_var(g, lvalue_trusted(g, base, null), core_offset(g, &path, e->span));
}

/* What no such load leads to is passed as it is: the verifier says what it thinks of it. */
LLVMValueRef lvalue_trusted(struct gen *g, struct node *e, LLVMBasicBlockRef null)
{
	bool is_arg = e->kind == N_FIELD && e->field.e->kind == N_IDENT;

	if (e->kind == N_CAST)
		return lvalue_trusted(g, e->cast.e, null);
	if (e->kind == N_UNARY && (e->unary.op == UN_ADDR || e->unary.op == UN_DEREF))
		return lvalue_trusted(g, e->unary.e, null);
	if (e->kind != N_FIELD || is_arg || !e->field.field)
		return not_null(g, LLVMBuildIntToPtr(g->b, gen_int(g, e), g->ptr, ""), null);
	if (e->type->kind != V_PTR)
		return trusted_place(g, e, null);
	return not_null(g, LLVMBuildLoad2(g->b, g->ptr, trusted_place(g, e, null), ""), null);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Expressions. Integers are computed as i64 (gen_int); what lives in memory has an address
 * (gen_addr) or is built where it is wanted (gen_into); what lies behind a pointer or in the
 * probe's context is a place (struct lvalue) that says how it is read.
 */
#include "ast/getopt.h"
#include "codegen/core.h"
#include "codegen/gen.h"
#include "codegen/lvalue.h"

/* v as a value of type t, which may be narrower than what v was computed from. */
LLVMValueRef gen_narrow(struct gen *g, LLVMValueRef v, const struct type *t)
{
	LLVMTypeRef it;

	if (t->kind == V_BOOL)
		return LLVMBuildZExt(g->b, gen_not_zero(g, v), g->i64, "");
	if (!type_in_register(t) || t->size >= 8)
		return v;
	it = gen_int_type(g, t->size);
	v = LLVMBuildTrunc(g->b, v, it, "");
	return t->is_signed ? LLVMBuildSExt(g->b, v, g->i64, "")
			    : LLVMBuildZExt(g->b, v, g->i64, "");
}

/* ---- branches: the same shape for ?:, if and &&, || ---- */

struct fork {
	LLVMBasicBlockRef yes, no, join;
};

static struct fork fork_on(struct gen *g, LLVMValueRef cond)
{
	struct fork f = { gen_block(g, "yes"), gen_block(g, "no"), gen_block(g, "join") };

	gen_cond_br(g, cond, f.yes, f.no);
	gen_at(g, f.yes);
	return f;
}

LLVMValueRef gen_merge(struct gen *g, LLVMTypeRef t, LLVMValueRef a, LLVMBasicBlockRef from_a,
		       LLVMValueRef b, LLVMBasicBlockRef from_b)
{
	LLVMValueRef phi = LLVMBuildPhi(g->b, t, "");

	LLVMAddIncoming(phi, &a, &from_a, 1);
	LLVMAddIncoming(phi, &b, &from_b, 1);
	return phi;
}

static LLVMValueRef gen_logical(struct gen *g, struct node *n)
{
	bool is_and = n->binary.op == OP_LAND;
	LLVMBasicBlockRef more = gen_block(g, "more"), join = gen_block(g, "join"), from_l, from_r;
	LLVMValueRef l = gen_bool(g, n->binary.l), r;

	from_l = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, l, is_and ? more : join, is_and ? join : more);
	gen_at(g, more);
	r = gen_bool(g, n->binary.r);
	from_r = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i1, LLVMConstInt(g->i1, !is_and, false), from_l, r, from_r);
}

/* The arms of n as values: x ?: y takes the condition itself. */
static LLVMValueRef gen_choice_int(struct gen *g, struct node *n)
{
	LLVMValueRef c, a, b;
	LLVMBasicBlockRef from_a, from_b;
	struct fork f;

	if (!n->cond.then) {
		a = gen_int(g, n->cond.cond);
		c = gen_not_zero(g, a);
	} else {
		a = NULL;
		c = gen_bool(g, n->cond.cond);
	}
	f = fork_on(g, c);
	if (!a)
		a = gen_int(g, n->cond.then);
	from_a = LLVMGetInsertBlock(g->b);
	gen_br(g, f.join);
	gen_at(g, f.no);
	b = gen_int(g, n->cond.otherwise);
	from_b = LLVMGetInsertBlock(g->b);
	gen_br(g, f.join);
	gen_at(g, f.join);
	return gen_merge(g, g->i64, a, from_a, b, from_b);
}

static void gen_choice_into(struct gen *g, struct node *n, LLVMValueRef dst, const struct type *t,
			    enum pad pad)
{
	struct node *then = n->cond.then ? n->cond.then : n->cond.cond;
	struct fork f = fork_on(g, gen_bool(g, n->cond.cond));

	gen_into(g, then, dst, t, pad);
	gen_br(g, f.join);
	gen_at(g, f.no);
	gen_into(g, n->cond.otherwise, dst, t, pad);
	gen_br(g, f.join);
	gen_at(g, f.join);
}

/* ---- integers ---- */

/* p + n, n + p, p - n, p - q: counts in units of what it points to. */
static LLVMValueRef gen_ptr_arith(struct gen *g, struct node *n)
{
	struct node *l = n->binary.l, *r = n->binary.r;
	const struct type *elem = l->type->kind == V_PTR ? l->type->elem : r->type->elem;
	LLVMValueRef unit = gen_i64(g, elem && elem->size ? elem->size : 1);
	LLVMValueRef lv = gen_count_from(g, l->type, gen_int(g, l));
	LLVMValueRef rv = gen_count_from(g, r->type, gen_int(g, r));

	core_size(g, elem, n->span);
	if (n->type->kind != V_PTR)
		return gen_arith(g, OP_DIV, LLVMBuildSub(g->b, lv, rv, ""), unit, true);
	if (l->type->kind != V_PTR)
		lv = LLVMBuildMul(g->b, lv, unit, "");
	if (r->type->kind != V_PTR)
		rv = LLVMBuildMul(g->b, rv, unit, "");
	return gen_arith(g, n->binary.op, lv, rv, false);
}

static LLVMValueRef gen_binary(struct gen *g, struct node *n)
{
	struct node *l = n->binary.l, *r = n->binary.r;
	enum binary_op op = n->binary.op;
	bool is_signed = n->binary.common && n->binary.common->is_signed;
	LLVMValueRef lv, rv;

	if (op == OP_LAND || op == OP_LOR)
		return LLVMBuildZExt(g->b, gen_logical(g, n), g->i64, "");
	if ((op == OP_EQ || op == OP_NE) && gen_in_memory(l->type)) {
		lv = gen_equal(g, l, r);
		if (op == OP_NE)
			lv = LLVMBuildNot(g->b, lv, "");
		return LLVMBuildZExt(g->b, lv, g->i64, "");
	}
	if (op == OP_ADD || op == OP_SUB) {
		if (l->type->kind == V_PTR || r->type->kind == V_PTR)
			return gen_ptr_arith(g, n);
	}
	lv = gen_int(g, l);
	rv = gen_int(g, r);
	return gen_narrow(g, gen_arith(g, op, lv, rv, is_signed), n->type);
}

/* &$x, &@m, &p->field; 0 for a key that is not there. */
static LLVMValueRef address_of(struct gen *g, struct node *e)
{
	struct lvalue lv = { .how = LV_MEMORY };
	LLVMValueRef addr;

	if (e->kind == N_MAP)
		lv.addr = map_find(g, e, map_key(g, e));
	else if (e->kind == N_VAR)
		lv.addr = gen_var(g, e->var.sym);
	else
		lv = lvalue_of(g, e);
	addr = LLVMBuildPtrToInt(g->b, lv.addr, g->i64, "");
	if (lv.how == LV_MEMORY || lv.how == LV_CONTEXT || lv.in_context)
		return gen_number(g, addr);
	return addr;
}

static LLVMValueRef read_int(struct gen *g, struct node *e)
{
	struct span around = gen_narrow_place(g, e->span);
	LLVMValueRef v = lvalue_load(g, lvalue_of(g, e), e->type);

	g->place = around;
	return v;
}

/* ~ and - of an unsigned number stay within its width: ~(uint32)1 is 0xfffffffe. */
static LLVMValueRef within_width(struct gen *g, LLVMValueRef v, const struct node *n)
{
	const struct type *t = n->unary.e->type;

	return gen_narrow(g, v, t->kind == V_INT && !t->is_signed ? t : n->type);
}

static LLVMValueRef gen_unary(struct gen *g, struct node *n)
{
	LLVMValueRef v;

	switch (n->unary.op) {
	case UN_NEG:
		v = LLVMBuildNeg(g->b, gen_int(g, n->unary.e), "");
		return within_width(g, v, n);
	case UN_BNOT:
		v = LLVMBuildNot(g->b, gen_int(g, n->unary.e), "");
		return within_width(g, v, n);
	case UN_ADDR: return address_of(g, n->unary.e);
	case UN_NOT:
		v = LLVMBuildNot(g->b, gen_bool(g, n->unary.e), "");
		return LLVMBuildZExt(g->b, v, g->i64, "");
	case UN_COMPTIME: /* infer has put what it is in its place */
	case UN_PLUS: return gen_int(g, n->unary.e);
	case UN_DEREF: return read_int(g, n);
	}
	return NULL;
}

static LLVMValueRef gen_incdec(struct gen *g, struct node *n, bool wanted)
{
	struct node *t = n->incdec.target;
	uint64_t step = t->type->kind == V_PTR && t->type->elem->size ? t->type->elem->size : 1;
	LLVMValueRef one = gen_i64(g, n->incdec.is_dec ? -step : step), before, after, mem;

	core_size(g, t->type->kind == V_PTR ? t->type->elem : NULL, n->span);
	if (t->kind == N_MAP && !wanted) {
		map_modify(g, t, OP_ADD, one, true, NULL, NULL);
		return NULL;
	}
	if (t->kind == N_MAP) {
		map_modify(g, t, OP_ADD, one, true, &before, &after);
	} else {
		mem = gen_var(g, t->var.sym);
		before = gen_count_from(g, t->type, gen_load(g, mem, t->var.sym->type));
		after = gen_narrow(g, LLVMBuildAdd(g->b, before, one, ""), t->var.sym->type);
		gen_store(g, mem, t->var.sym->type, after);
	}
	return n->incdec.is_post ? before : after;
}

static LLVMValueRef gen_cast(struct gen *g, struct node *n)
{
	const struct type *from = n->cast.e->type;
	LLVMValueRef v;

	/* an array of bytes of the right size, reinterpreted */
	if (gen_in_memory(from) && !type_is_agg(from))
		return gen_load(g, gen_addr(g, n->cast.e), n->type);
	v = gen_int(g, n->cast.e);
	/* from one pointer to another it stays what it is: helpers may want it by its type */
	return n->type->kind == V_PTR ? v : gen_narrow(g, gen_count_from(g, from, v), n->type);
}

LLVMValueRef gen_int(struct gen *g, struct node *e)
{
	switch (e->kind) {
	case N_INT:
	case N_BOOL: return gen_i64(g, e->num.value);
	case N_OPTION: return gen_konst(g, KONST_OPTION, e->option->opt.name);
	case N_VAR: return gen_load(g, gen_var(g, e->var.sym), e->var.sym->type);
	case N_MAP: return type_is_agg(e->map.sym->val) ? agg_read_int(g, e) : map_read_int(g, e);
	case N_IDENT: return gen_call_int(g, e->ident.fn, e, NULL);
	case N_CALL: return gen_call_int(g, e->call.fn, e, e->call.args);
	case N_UNARY: return gen_unary(g, e);
	case N_INCDEC: return gen_incdec(g, e, true);
	case N_BINARY: return gen_binary(g, e);
	case N_TERNARY:
	case N_IF: return gen_choice_int(g, e);
	case N_BLOCK: gen_stmts(g, e); return gen_int(g, e->block.value);
	case N_CAST: return gen_cast(g, e);
	case N_OFFSETOF: return core_offsetof(g, e);
	case N_FIELD:
	case N_TUPLE_GET:
	case N_INDEX: return read_int(g, e);
	case N_STR:
	case N_TUPLE:
	case N_RECORD: /* never integers */
	case N_NAMED:
	case N_TYPE_ARG:
	case N_SIZEOF: /* gone since resolve and fold */
	case N_POSITIONAL:
	case N_POS_COUNT:
	case CASES_STATEMENT:
	case CASES_TOP_LEVEL:
	case CASES_TYPE: break;
	}
	return LLVMGetUndef(g->i64);
}

LLVMValueRef gen_bool(struct gen *g, struct node *e)
{
	if (e->kind == N_BINARY && (e->binary.op == OP_LAND || e->binary.op == OP_LOR))
		return gen_logical(g, e);
	if (e->type->kind == V_STRING) { /* true when not empty */
		LLVMValueRef c = LLVMBuildLoad2(g->b, g->i8, gen_addr(g, e), "");

		return gen_not_zero(g, c);
	}
	return gen_not_zero(g, gen_int(g, e));
}

/* ---- memory ---- */

bool gen_in_memory(const struct type *t)
{
	return !type_in_register(t) && t->kind != V_VOID && t->kind != V_NONE && !type_is_agg(t);
}

LLVMValueRef gen_addr(struct gen *g, struct node *e)
{
	LLVMValueRef tmp;

	if (e->kind == N_VAR)
		return gen_var(g, e->var.sym);
	if (e->kind == N_OPTION)
		return gen_konst_text(g, e->option->opt.name);
	if (e->kind == N_TUPLE_GET || e->kind == N_FIELD || e->kind == N_INDEX) {
		struct lvalue lv = lvalue_of(g, e);

		if (lv.how == LV_MEMORY && node_stored_type(e) == e->type)
			return lv.addr;
	}
	tmp = gen_tmp(g, e->type->size);
	gen_into(g, e, tmp, e->type, PAD_NONE);
	return tmp;
}

/* What the parts of a whole are told: it has been zeroed at once. */
static enum pad pad_parts(struct gen *g, LLVMValueRef dst, const struct type *t, enum pad pad)
{
	if (pad == PAD_ZERO)
		gen_zero_at(g, dst, t->size, t->align);
	return pad == PAD_NONE ? PAD_NONE : PAD_CLEAN;
}

/* Zeroes what lies between two elements, in whole words: the element before is written after this. */
static void zero_hole(struct gen *g, LLVMValueRef dst, const struct type *t, uint32_t from,
		      uint32_t to)
{
	uint32_t word = from - from % t->align;

	if (from < to)
		gen_zero_at(g, gen_off(g, dst, word), to - word, t->align);
}

/*
 * A short list is not zeroed at once, as most of its words are then written again: only its holes
 * are, and each element sees to what it leaves of itself.
 */
static enum pad pad_list(struct gen *g, LLVMValueRef dst, const struct type *t, enum pad pad)
{
	uint32_t end = 0;

	if (pad != PAD_ZERO || t->size > INLINE_BYTES)
		return pad_parts(g, dst, t, pad);
	for (uint32_t i = 0; i < t->count; i++) {
		zero_hole(g, dst, t, end, t->fields[i].off);
		end = t->fields[i].off + t->fields[i].type->size;
	}
	zero_hole(g, dst, t, end, t->size);
	return PAD_ZERO;
}

/* Elements one by one, each at its offset. */
static void gen_list_into(struct gen *g, struct node *e, LLVMValueRef dst, const struct type *t,
			  enum pad pad)
{
	const struct type_field *f;
	uint32_t i = 0;

	pad = pad_list(g, dst, t, pad);
	for (struct node *el = e->list.elems; el; el = el->next, i++) {
		f = el->kind == N_NAMED ? type_field_find(t, el->named.name) : &t->fields[i];
		gen_into(g, el->kind == N_NAMED ? el->named.e : el, gen_off(g, dst, f->off),
			 f->type, pad);
	}
}

void gen_convert(struct gen *g, LLVMValueRef dst, const struct type *dt, LLVMValueRef src,
		 const struct type *st, enum pad pad)
{
	if (dt == st && pad == PAD_NONE) {
		gen_copy(g, dst, src, dt->size);
	} else if (type_in_register(dt)) {
		gen_store(g, dst, dt, gen_load(g, src, st));
	} else if (dt->kind == V_STRING) {
		pad_parts(g, dst, dt, pad);
		gen_text_from(g, dst, dt->size < st->size ? dt->size : st->size, src, AS_KERNEL);
	} else if (dt->kind == V_TUPLE || dt->kind == V_RECORD) {
		pad = pad_parts(g, dst, dt, pad);
		for (uint32_t i = 0; i < dt->count; i++) {
			const struct type_field *f = type_field_like(st, dt, i);

			gen_convert(g, gen_off(g, dst, dt->fields[i].off), dt->fields[i].type,
				    gen_off(g, src, f->off), f->type, pad);
		}
	} else {
		gen_copy(g, dst, src, dt->size < st->size ? dt->size : st->size);
	}
}

/* comm fills its 16 bytes with zeroes by itself; a literal is copied with its own. */
static bool pads_itself(const struct node *e, const struct type *t)
{
	if (e->kind == N_STR)
		return true;
	return e->kind == N_IDENT && e->ident.fn && e->ident.fn->id == B_comm && t->size == 16;
}

static void gen_text_into(struct gen *g, struct node *e, LLVMValueRef dst, const struct type *t,
			  enum pad pad)
{
	if (pad == PAD_ZERO && !pads_itself(e, t))
		gen_zero_at(g, dst, t->size, t->align);
	if (e->kind == N_STR)
		gen_literal(g, e, dst, t->size, pad);
	else
		gen_text(g, e, dst, t->size);
}

void gen_into(struct gen *g, struct node *e, LLVMValueRef dst, const struct type *t, enum pad pad)
{
	if (type_in_register(t)) {
		gen_store(g, dst, t, gen_int(g, e));
		return;
	}
	if (t->kind == V_STRING) {
		gen_text_into(g, e, dst, t, pad);
		return;
	}
	switch (e->kind) {
	case N_TUPLE:
	case N_RECORD: gen_list_into(g, e, dst, t, pad); break;
	case N_TERNARY:
	case N_IF: gen_choice_into(g, e, dst, t, pad); break;
	case N_BLOCK:
		gen_stmts(g, e);
		gen_into(g, e->block.value, dst, t, pad);
		break;
	case N_IDENT: gen_call_into(g, e->ident.fn, e, dst); break;
	case N_CALL: gen_call_into(g, e->call.fn, e, dst); break;
	case N_MAP:
		if (e->map.sym->val->kind == V_STATS)
			agg_read_stats(g, e->map.sym, map_key(g, e), dst);
		else
			map_read_into(g, e, dst);
		break;
	case N_VAR: gen_convert(g, dst, t, gen_var(g, e->var.sym), e->var.sym->type, pad); break;
	case N_CAST:
		if (gen_in_memory(e->cast.e->type))
			gen_convert(g, dst, t, gen_addr(g, e->cast.e), e->cast.e->type, pad);
		else /* an integer taken apart into an array */
			gen_store(g, dst, type_int(g->u->types, t->size, false),
				  gen_count_from(g, e->cast.e->type, gen_int(g, e->cast.e)));
		break;
	case N_FIELD:
	case N_TUPLE_GET:
	case N_INDEX:
	case N_UNARY:
		core_size(g, t, e->span);
		lvalue_read(g, lvalue_of(g, e), dst, t->size);
		break;
	case N_INT:
	case N_BOOL:
	case N_STR: /* above */
	case N_INCDEC:
	case N_BINARY: /* never in memory */
	case N_NAMED:
	case N_TYPE_ARG:
	case N_SIZEOF:
	case N_OFFSETOF:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_OPTION:
	case CASES_STATEMENT:
	case CASES_TOP_LEVEL:
	case CASES_TYPE: break;
	}
}

/*
 * ---- equality of wholes ----
 * What differs is gathered without a branch and looked at once: each branch would double the ways that
 * the verifier goes from there on.
 */

static LLVMValueRef words_differ(struct gen *g, LLVMValueRef l, const struct type *lt,
				 LLVMValueRef r, const struct type *rt)
{
	return LLVMBuildXor(g->b, gen_load(g, l, lt), gen_load(g, r, rt), "");
}

static LLVMValueRef fields_differ(struct gen *g, LLVMValueRef l, const struct type *lt,
				  LLVMValueRef r, const struct type *rt)
{
	LLVMValueRef differ = gen_i64(g, 0), one;

	for (uint32_t i = 0; i < lt->count; i++) {
		const struct type_field *lf = &lt->fields[i], *rf = type_field_like(rt, lt, i);
		LLVMValueRef la = gen_off(g, l, lf->off), ra = gen_off(g, r, rf->off);

		if (type_in_register(lf->type)) {
			one = words_differ(g, la, lf->type, ra, rf->type);
		} else if (lf->type->kind == V_STRING) {
			one = gen_same_text(g, (struct text_at){ la, lf->type->size, false },
					    (struct text_at){ ra, rf->type->size, false },
					    UINT32_MAX);
			one = LLVMBuildZExt(g->b, LLVMBuildNot(g->b, one, ""), g->i64, "");
		} else {
			one = fields_differ(g, la, lf->type, ra, rf->type);
		}
		differ = LLVMBuildOr(g->b, differ, one, "");
	}
	return differ;
}

static LLVMValueRef elements_differ(struct gen *g, LLVMValueRef l, LLVMValueRef r,
				    const struct type *t)
{
	LLVMValueRef differ = gen_i64(g, 0), one;

	for (uint32_t i = 0; i < t->count; i++) {
		one = words_differ(g, gen_off(g, l, i * t->elem->size), t->elem,
				   gen_off(g, r, i * t->elem->size), t->elem);
		differ = LLVMBuildOr(g->b, differ, one, "");
	}
	return differ;
}

LLVMValueRef gen_equal(struct gen *g, struct node *l, struct node *r)
{
	LLVMValueRef la, ra, differ;

	if (l->type->kind == V_STRING)
		return gen_text_equal(g, l, r, UINT32_MAX);
	la = gen_addr(g, l);
	ra = gen_addr(g, r);
	differ = l->type->kind == V_ARRAY ? elements_differ(g, la, ra, l->type)
					  : fields_differ(g, la, l->type, ra, r->type);
	/* LLVM would take it apart again */
	return LLVMBuildNot(g->b, gen_not_zero(g, gen_opaque(g, differ)), "");
}

void gen_effect(struct gen *g, struct node *e)
{
	struct mem_mark m = gen_mark(g);

	if (e->kind == N_BLOCK && !e->block.value)
		gen_stmts(g, e);
	else if (e->kind == N_INCDEC)
		gen_incdec(g, e, false);
	else if (!e->type || !gen_in_memory(e->type))
		gen_int(g, e);
	else
		gen_addr(g, e);
	gen_release(g, m);
}

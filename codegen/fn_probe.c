// SPDX-License-Identifier: Apache-2.0
/* What the probe's context holds: argN, retval, reg(). */
#include "codegen/call.h"
#include "codegen/lvalue.h"

static LLVMValueRef context_word(struct gen *g, int off)
{
	LLVMValueRef at = gen_off(g, lvalue_context(g), (uint64_t)off);

	return gen_opaque(g, LLVMBuildLoad2(g->b, g->i64, at, ""));
}

/* The low size bytes of v, extended. */
static LLVMValueRef extend(struct gen *g, LLVMValueRef v, uint32_t size, bool is_signed)
{
	LLVMTypeRef it;

	if (size >= 8)
		return v;
	it = gen_int_type(g, size);
	v = LLVMBuildTrunc(g->b, v, it, "");
	return is_signed ? LLVMBuildSExt(g->b, v, g->i64, "") : LLVMBuildZExt(g->b, v, g->i64, "");
}

static LLVMValueRef read_at(struct gen *g, LLVMValueRef addr, uint32_t size)
{
	LLVMValueRef tmp = gen_tmp(g, 8);

	addr = LLVMBuildIntToPtr(g->b, addr, g->ptr, "");
	LLVMBuildStore(g->b, gen_i64(g, 0), tmp);
	if (gen_space(g, AS_NONE) == AS_USER)
		HELP(g, probe_read_user, tmp, gen_i32(g, size), addr);
	else
		HELP(g, probe_read_kernel, tmp, gen_i32(g, size), addr);
	return LLVMBuildLoad2(g->b, gen_int_type(g, size), tmp, "");
}

static LLVMValueRef arg_at(struct gen *g, const struct probe_arg *at)
{
	LLVMValueRef v = gen_i64(g, (uint64_t)at->disp), word;

	if (at->base != PROBE_ARG_NONE) {
		word = context_word(g, at->base);
		if (at->high)
			word = LLVMBuildLShr(g->b, word, gen_i64(g, 8), "");
		v = LLVMBuildAdd(g->b, word, v, "");
	}
	if (at->index != PROBE_ARG_NONE) {
		word = LLVMBuildMul(g->b, context_word(g, at->index), gen_i64(g, at->scale), "");
		v = LLVMBuildAdd(g->b, v, word, "");
	}
	if (at->deref) {
		v = read_at(g, v, at->size);
		if (at->size < 8)
			v = LLVMBuildZExt(g->b, v, g->i64, "");
	}
	return extend(g, v, at->size, at->is_signed);
}

static LLVMValueRef probe_arg(struct gen *g, int n)
{
	const struct node *probe = g->p->probe;
	struct probe_error err;
	struct probe_arg at = { 0 };

	/* infer has asked already */
	if (probe->probe.ptype->arg(probe->probe.attaches->attach.target, n, &at, &err))
		return gen_i64(g, 0);
	return arg_at(g, &at);
}

#define FN_ARG(n)                                                                                  \
	LLVMValueRef fn_arg##n(struct gen *g, struct call *c)                                      \
	{                                                                                          \
		(void)c;                                                                           \
		return probe_arg(g, n);                                                            \
	}
FN_ARG(0)
FN_ARG(1)
FN_ARG(2)
FN_ARG(3)
FN_ARG(4)
FN_ARG(5)
FN_ARG(6)
FN_ARG(7)
FN_ARG(8)
FN_ARG(9)

/* Where dst is NULL the value, else there. */
static LLVMValueRef take_field(struct gen *g, const struct type_field *f, LLVMValueRef dst)
{
	struct lvalue lv = lvalue_of_arg(g, f);

	if (!type_in_register(f->type)) {
		lvalue_read(g, lv, dst, f->type->size);
		return NULL;
	}
	if (!dst)
		return lvalue_load(g, lv, f->type);
	gen_store(g, dst, f->type, lvalue_load(g, lv, f->type));
	return NULL;
}

/* All that have a place: what a tracepoint keeps elsewhere has none in a struct. */
LLVMValueRef fn_args(struct gen *g, struct call *c)
{
	const struct type *t = g->p->probe->probe.args;

	gen_zero(g, c->dst, t->size);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct type_field *f = &t->fields[i];

		if (f->loc != LOC_DATA_LOC && f->loc != LOC_REL_LOC && f->loc != LOC_NOWHERE &&
		    f->loc != LOC_LOST)
			take_field(g, f, gen_off(g, c->dst, f->off));
	}
	return NULL;
}

LLVMValueRef fn_retval(struct gen *g, struct call *c)
{
	const struct node *p = g->p->probe;
	const struct type_field *f = NULL;

	if (p->probe.args && p->probe.ptype->flags & PROBE_TYPED_RETVAL)
		f = type_field_find(p->probe.args, "retval");
	if (f)
		return take_field(g, f, c->dst);
	return probe_arg(g, PROBE_ARG_RETVAL);
}

LLVMValueRef fn_reg(struct gen *g, struct call *c)
{
	return context_word(g, probe_reg_find(c->args->str.text));
}

/* Where the breakpoint is that brought us here; of a return the function's. */
static LLVMValueRef place_hit(struct gen *g, bool at_return)
{
	if (at_return)
		return HELP(g, get_func_ip, g->p->ctx);
	return context_word(g, probe_reg_find("ip"));
}

/* The branches are the verifier's to choose: the file is known where the program is loaded. */
LLVMValueRef fn_uaddr(struct gen *g, struct call *c)
{
	LLVMBasicBlockRef moves = gen_block(g, "moves"), join = gen_block(g, "join"), from[2];
	const struct node *probe = g->p->probe;
	const char *name = c->args->str.text;
	struct probe_symbol sym = { 0 };
	LLVMValueRef v[2], addr;
	struct probe_error err;

	/* infer has asked already */
	probe->probe.ptype->symbol(g->u->env, probe->probe.attaches->attach.target, name, &sym,
				   &err);
	v[0] = gen_konst_probe(g, KONST_UADDR, name, c->n->span);
	addr = gen_konst_probe(g, KONST_UADDR_MOVES, name, c->n->span);
	from[0] = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, gen_not_zero(g, addr), moves, join);
	gen_at(g, moves);
	v[1] = LLVMBuildAdd(g->b, v[0], place_hit(g, sym.from_entry), "");
	from[1] = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	addr = LLVMBuildPhi(g->b, g->i64, "");
	LLVMAddIncoming(addr, v, from, 2);
	return addr;
}

/* Only who has the registers can interrupt user mode; all other probes run in the kernel. */
LLVMValueRef fn_usermode(struct gen *g, struct call *c)
{
	const struct probe_type *t = g->p->probe->probe.ptype;
	bool has_regs = t->args_kind == PROBE_ARGS_REGS || t->flags & PROBE_CONTEXT_REGS;
	struct probe_mode mode;
	LLVMValueRef v;

	(void)c;
	if (!has_regs || !probe_reg_mode(&mode))
		return gen_i64(g, 0);
	v = LLVMBuildAnd(g->b, context_word(g, mode.off), gen_i64(g, mode.mask), "");
	return LLVMBuildZExt(g->b, gen_cmp(g, LLVMIntEQ, v, gen_i64(g, mode.user)), g->i64, "");
}

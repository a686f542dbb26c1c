/* SPDX-License-Identifier: Apache-2.0 */
/* Values that depend on the probe: argN, retval, reg(). */
#include <errno.h>

#include "ast/infer.h"

static const struct builtin *fn_of(const struct node *n)
{
	return n->kind == N_CALL ? n->call.fn : n->ident.fn;
}

static const struct probe_target *target_of(const struct node *probe)
{
	return probe->probe.attaches ? probe->probe.attaches->attach.target : NULL;
}

/* All types of probes that have the value at all say where for every target. */
static void no_arg(struct infer *in, const struct node *n, int idx, const struct probe_error *err)
{
	const struct probe_type *t = in->probe->probe.ptype;
	struct probe_arg at;
	struct probe_error ignored;
	struct diags *ds = in->u->diags;
	struct diag *d;

	if (!in->report)
		return;
	if (err->text[0])
		diag(ds, n->span, D_ARG_NOT_THERE, err->text);
	else if (idx == PROBE_ARG_RETVAL) {
		d = diag(ds, n->span, D_RETVAL_PROBE, t->name);
		if (t->args)
			infer_hint_fields(in, d);
	} else if (t->arg && !t->arg(target_of(in->probe), 0, &at, &ignored))
		diag(ds, n->span, D_ARG_NONE, target_of(in->probe)->name, idx);
	else {
		d = diag(ds, n->span, D_ARG_PROBE, fn_of(n)->name, t->name);
		if (t->arg && !t->arg(target_of(in->probe), PROBE_ARG_RETVAL, &at, &ignored))
			diag_hint(d,
				  "Arguments are there at the call: keep them in a map under tid");
		else if (t->args)
			infer_hint_fields(in, d);
	}
}

void infer_hint_fields(struct infer *in, struct diag *d)
{
	const struct probe_target *t = target_of(in->probe);

	if (t)
		diag_hint(d, "Its arguments are args.NAME: trace -lv '%s' lists them", t->name);
}

/* What lies behind a tracepoint's record has no place in a copy of it. */
static bool in_copy(struct infer *in, const struct node *n, const struct type_field *f)
{
	if (n->kind != N_FIELD || infer_is_args(n->field.e))
		return true;
	if (in->report)
		diag(in->u->diags, n->span, D_ARG_NOT_THERE,
		     arena_printf(in->u->arena, "%s is no part of a copy of args: args.%s reads it",
				  f->name, f->name));
	return false;
}

bool infer_in_reach(struct infer *in, const struct node *n, const struct type_field *f)
{
	if (f->loc == LOC_DATA_LOC || f->loc == LOC_REL_LOC)
		return in_copy(in, n, f);
	if (f->loc != LOC_NOWHERE && f->loc != LOC_LOST)
		return true;
	if (in->report)
		diag(in->u->diags, n->span, D_ARG_NOT_THERE,
		     arena_printf(in->u->arena,
				  "%s of %s is passed where no BPF program can read it, in %s",
				  f->name, target_of(in->probe)->name,
				  f->loc == LOC_LOST ? "memory that no register tells of"
						     : "floating point registers"));
	return false;
}

static bool has_typed_retval(const struct node *probe)
{
	return probe->probe.ptype && probe->probe.ptype->flags & PROBE_TYPED_RETVAL &&
	       probe->probe.args && type_field_find(probe->probe.args, "retval");
}

/*
 * Programs keep addresses next to those that argN gives, compare and count them, whether or not there
 * is debug information: by itself an address, or the truth, is a number.
 */
static const struct type *typed_retval(struct infer *in, const struct node *n)
{
	const struct type_field *f = type_field_find(in->probe->probe.args, "retval");

	if (!infer_in_reach(in, n, f))
		return in->bad;
	if (f->type->kind == V_PTR)
		return type_int(in->ts, 8, true);
	return f->type->kind == V_BOOL ? type_int(in->ts, 1, false) : f->type;
}

const struct type *infer_pointer(struct infer *in, struct node *n)
{
	const struct type *t = infer_value(in, n);
	const struct type_field *f;

	if (n->kind != N_IDENT || !n->ident.fn || n->ident.fn->id != B_retval ||
	    !infer_known(in, t) || !has_typed_retval(in->probe))
		return t;
	f = type_field_find(in->probe->probe.args, "retval");
	return f && f->type->kind == V_PTR ? n->type = f->type : t;
}

const struct type *infer_arg(struct infer *in, const struct node *n)
{
	const struct probe_type *t = in->probe->probe.ptype;
	const struct builtin *fn = fn_of(n);
	int idx = fn->id == B_retval ? PROBE_ARG_RETVAL : (int)fn->id - (int)B_arg0;
	struct probe_error err = { .part = -1 };
	struct probe_arg at = { 0 };

	if (!t || !target_of(in->probe))
		return in->bad; /* told already */
	if (idx == PROBE_ARG_RETVAL && has_typed_retval(in->probe))
		return typed_retval(in, n);
	if (!t->arg || t->arg(target_of(in->probe), idx, &at, &err)) {
		no_arg(in, n, idx, &err);
		return in->bad;
	}
	return type_int(in->ts, 8, at.is_signed || idx == PROBE_ARG_RETVAL);
}

/* Variables are read by their size; what has no size of an integer as words. */
const struct type *infer_uaddr(struct infer *in, const struct node *n)
{
	const struct probe_type *t = in->probe->probe.ptype;
	const struct node *name = n->call.args;
	struct probe_error err = { .part = -1 };
	struct probe_symbol sym = { 0 };
	uint32_t size = 8;

	if (!t || !target_of(in->probe) || !name || name->kind != N_STR)
		return in->bad; /* told already, or by check */
	if (!t->symbol) {
		if (in->report)
			diag(in->u->diags, n->span, D_UADDR_PROBE, t->name);
		return in->bad;
	}
	if (t->symbol(in->u->env, target_of(in->probe), name->str.text, &sym, &err)) {
		if (in->report)
			diag(in->u->diags, name->span, D_ARG_NOT_THERE, err.text);
		return in->bad;
	}
	if (sym.size == 1 || sym.size == 2 || sym.size == 4)
		size = sym.size;
	return type_ptr(in->ts, type_int(in->ts, size, false), AS_USER);
}

const struct type *infer_ctx(struct infer *in, const struct node *n)
{
	const struct probe_type *t = in->probe->probe.ptype;
	const char *name;
	struct diag *d;

	if (!t || !target_of(in->probe))
		return in->bad; /* told already */
	if (t->context) {
		name = t->context(in->u->env, target_of(in->probe));
		return name ? type_ptr(in->ts, type_tagged(in->ts, V_STRUCT, name, 0), AS_KERNEL)
			    : in->bad;
	}
	if (!in->report)
		return in->bad;
	d = diag(in->u->diags, n->span, D_CTX_PROBE, t->name);
	if (t->args)
		diag_hint(d, "Use args instead.");
	return in->bad;
}

const struct type *infer_reg(struct infer *in, const struct node *n)
{
	const struct probe_type *t = in->probe->probe.ptype;
	const struct node *name = n->kind == N_CALL ? n->call.args : NULL;
	const struct type *result = type_int(in->ts, 8, false);

	if (!t || !in->report || !name)
		return result;
	if (t->args_kind != PROBE_ARGS_REGS && !(t->flags & PROBE_CONTEXT_REGS)) {
		diag(in->u->diags, n->span, D_REG_PROBE, t->name);
		return in->bad;
	}
	if (name->kind != N_STR || probe_reg_find(name->str.text) >= 0)
		return result;
	diag(in->u->diags, name->span, D_REG_UNKNOWN, name->str.text, probe_machine());
	return in->bad;
}

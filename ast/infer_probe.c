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
	struct diags *d = in->u->diags;

	if (!in->report)
		return;
	if (err->text[0])
		diag(d, n->span, D_ARG_NOT_THERE, err->text);
	else if (idx == PROBE_ARG_RETVAL)
		diag(d, n->span, D_RETVAL_PROBE, t->name);
	else if (t->arg && !t->arg(target_of(in->probe), 0, &at, &ignored))
		diag(d, n->span, D_ARG_NONE, target_of(in->probe)->name, idx);
	else
		diag(d, n->span, D_ARG_PROBE, fn_of(n)->name, t->name);
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
	if (!t->arg || t->arg(target_of(in->probe), idx, &at, &err)) {
		no_arg(in, n, idx, &err);
		return in->bad;
	}
	return type_int(in->ts, 8, at.is_signed || idx == PROBE_ARG_RETVAL);
}

const struct type *infer_reg(struct infer *in, const struct node *n)
{
	const struct probe_type *t = in->probe->probe.ptype;
	const struct node *name = n->kind == N_CALL ? n->call.args : NULL;
	const struct type *result = type_int(in->ts, 8, false);

	if (!t || !in->report)
		return result;
	if (t->args_kind != PROBE_ARGS_REGS && !(t->flags & PROBE_CONTEXT_REGS)) {
		diag(in->u->diags, n->span, D_REG_PROBE, t->name);
		return in->bad;
	}
	if (!name || name->kind != N_STR || probe_reg_find(name->str.text) >= 0)
		return result;
	diag(in->u->diags, name->span, D_REG_UNKNOWN, name->str.text, probe_machine());
	return in->bad;
}

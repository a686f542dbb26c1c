/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned iterators: their programs outlive us, so nobody is there to do what user space does for
 * others, and the kernel formats what they print.
 */
#include <string.h>

#include "ast/check.h"

static bool is_pinned(const struct node *probe)
{
	const struct node *a = probe->probe.attaches;

	return probe->probe.ptype && probe->probe.ptype->flags & PROBE_WALKS && a &&
	       a->attach.target && a->attach.target->c;
}

static bool kernel_prints(const struct format_piece *p, const struct type *t)
{
	if (p->prec >= 0 || p->flags & PIECE_ALT)
		return false;
	if (p->conv == 's')
		return t->kind == V_STRING;
	return strchr("diuxXcp", p->conv) &&
	       (type_is_int(t) || t->kind == V_PTR || t->kind == V_BOOL || t->kind == V_ENUM);
}

static void check_conversions(struct unit *u, const struct node *n)
{
	const struct format *f = n->call.info;
	const struct node *a = n->call.args->next;

	for (uint32_t i = 0; i < f->cnt; i++) {
		if (f->pieces[i].text)
			continue;
		if (!kernel_prints(&f->pieces[i], a->type))
			diag_hint(
				diag(u->diags, a->span, D_PIN_FORMAT, type_name(u->arena, a->type)),
				"It knows d i u x X c p of integers and s of strings, with a width "
				"but no precision.");
		a = a->next;
	}
}

static bool visit(struct walker *w, struct node *n)
{
	const struct builtin *fn = n->kind == N_IDENT  ? n->ident.fn
				   : n->kind == N_CALL ? n->call.fn
						       : NULL;
	struct unit *u = w->arg;

	if (!fn)
		return true;
	if (fn->id == B_printf)
		check_conversions(u, n);
	else if (fn->flags & (BI_ASYNC | BI_SENDS))
		diag(u->diags, n->span, D_PIN_ASYNC, fn->name);
	return true;
}

void check_pinned(struct unit *u)
{
	struct walker w = { .pre = visit, .arg = u };

	for (struct node *n = u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE || !is_pinned(n))
			continue;
		walk(&w, n->probe.pred);
		walk(&w, n->probe.body);
	}
}

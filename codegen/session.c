// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: a probe on calls and one on returns of the same functions are, where the kernel has that
 * (kprobes 6.10, uprobes 6.13), one program on one link. The two are made as always; behind them comes
 * a third that asks which of the two the kernel means, with a copy of both in it:
 *
 *	if (is_return) kretprobe_1(ctx); else kprobe_0(ctx);
 *
 * Loading takes either the two or the third.
 */
#include <string.h>

#include "codegen/gen.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_target(const struct probe_target *a, const struct probe_target *b)
{
	return a->value == b->value && a->value2 == b->value2 && same_text(a->a, b->a) &&
	       same_text(a->b, b->b) && same_text(a->c, b->c);
}

/* Whether two probes are on the same targets, least of them or more. */
static bool same_targets(const struct node *x, const struct node *y, uint32_t least)
{
	const struct node *a = x->probe.attaches, *b = y->probe.attaches;
	uint32_t cnt = 0;

	for (; a && b && same_target(a->attach.target, b->attach.target); cnt++) {
		a = a->next;
		b = b->next;
	}
	return !a && !b && cnt >= least;
}

/* The probe on calls that goes with a probe on returns; taken: those that others have, by index. */
static struct node *find_calls(struct gen *g, const struct node *returns, const bool *taken)
{
	const struct probe_type *pt = returns->probe.ptype;
	struct node *n = g->u->program->program.items;

	for (; n; n = n->next)
		if (n->kind == N_PROBE && n->probe.ptype == pt->calls && !taken[n->probe.idx] &&
		    same_targets(n, returns, pt->session_least))
			return n;
	return NULL;
}

/* The program of a probe, with the context of the one at hand; LLVM is to put its code here. */
static void run_program(struct gen *g, const struct node *probe)
{
	LLVMValueRef fn = LLVMGetNamedFunction(g->mod, gen_program_name(g, probe, "")), call;
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);

	call = LLVMBuildCall2(g->b, LLVMGlobalGetValueType(fn), fn, &g->p->ctx, 1, "");
	LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex,
				 LLVMCreateEnumAttribute(g->ctx, kind, 0));
	gen_br(g, g->p->leave);
}

static void gen_session(struct gen *g, struct node *calls, struct node *returns)
{
	struct prog_gen p = { .probe = calls };
	struct image_session row = { .calls = calls->probe.idx, .returns = returns->probe.idx };
	LLVMBasicBlockRef on_call, on_return;

	p.name = arena_printf(g->u->arena, "session_%u", calls->probe.idx);
	g->p = &p;
	gen_open_program(g, &p);
	on_call = gen_block(g, "call");
	on_return = gen_block(g, "return");
	gen_cond_br(g, gen_not_zero(g, HELP(g, is_return, p.ctx)), on_return, on_call);
	gen_at(g, on_call);
	run_program(g, calls);
	gen_at(g, on_return);
	run_program(g, returns);
	gen_close_program(g, &p);
	row.prog = image_put_str(g->img, p.name);
	image_put_sessions(g->img, &row, 1);
	g->has_sessions = true;
	g->p = NULL;
}

void session_all(struct gen *g)
{
	bool *taken = arena_alloc(g->u->arena, g->probe_cnt * sizeof(*taken));
	struct node *n, *calls;

	for (n = g->u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE || !n->probe.ptype->calls)
			continue;
		calls = find_calls(g, n, taken);
		if (!calls)
			continue;
		taken[calls->probe.idx] = true;
		gen_session(g, calls, n);
	}
}

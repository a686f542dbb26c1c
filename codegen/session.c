// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: a probe on calls and one on returns of the same functions are, where the kernel has that
 * (kprobes 6.10, uprobes 6.13), one program on one link. Loading takes either the two or the third,
 * and what they do is generated once: the code of such a probe is a function, and its program calls it.
 *
 *	kprobe_0:	return kprobe_0_body(ctx);
 *	kretprobe_1:	return kretprobe_1_body(ctx);
 *	session_0:	return is_return ? kretprobe_1_body(ctx) : kprobe_0_body(ctx);
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

static bool may_have_sessions(const struct gen *g, const struct probe_type *calls)
{
	const char *feature = arena_printf(g->u->arena, "%s_session", calls->name);
	uint64_t has;

	return !gen_knows(g, KONST_FEATURE, feature, &has) || has;
}

void session_plan(struct gen *g)
{
	bool *taken = arena_alloc(g->u->arena, g->probe_cnt * sizeof(*taken));
	struct session_gen *s;
	struct node *n, *calls;

	for (n = g->u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE || !n->probe.ptype->calls ||
		    !may_have_sessions(g, n->probe.ptype->calls))
			continue;
		calls = find_calls(g, n, taken);
		if (!calls)
			continue;
		taken[calls->probe.idx] = true;
		s = arena_new_of(g->u->arena, struct session_gen);
		*s = (struct session_gen){ .calls = calls, .returns = n, .next = g->sessions };
		g->sessions = s;
	}
}

bool session_has(const struct gen *g, const struct node *probe)
{
	const struct session_gen *s = g->sessions;

	while (s && s->calls != probe && s->returns != probe)
		s = s->next;
	return s;
}

/* What a probe does, with the context of the program at hand. */
static void call_body(struct gen *g, const struct node *probe)
{
	LLVMValueRef fn = LLVMGetNamedFunction(g->mod, gen_program_name(g, probe, PROGRAM_BODY));
	LLVMValueRef ret = LLVMBuildCall2(g->b, LLVMGlobalGetValueType(fn), fn, &g->p->ctx, 1, "");

	if (g->p->result)
		LLVMBuildStore(g->b, ret, g->p->result);
	gen_br(g, g->p->leave);
}

void session_entry(struct gen *g, struct node *probe)
{
	struct prog_gen p = { .probe = probe, .name = gen_program_name(g, probe, "") };

	g->p = &p;
	gen_open_program(g, &p);
	call_body(g, probe);
	gen_close_program(g, &p);
	g->p = NULL;
}

static void gen_session(struct gen *g, const struct session_gen *s)
{
	struct prog_gen p = { .probe = s->calls };
	struct image_session row = { .calls = s->calls->probe.idx,
				     .returns = s->returns->probe.idx };
	LLVMBasicBlockRef on_call, on_return;

	p.name = arena_printf(g->u->arena, "session_%u", row.calls);
	g->p = &p;
	gen_open_program(g, &p);
	on_call = gen_block(g, "call");
	on_return = gen_block(g, "return");
	gen_cond_br(g, gen_not_zero(g, HELP(g, is_return, p.ctx)), on_return, on_call);
	gen_at(g, on_call);
	call_body(g, s->calls);
	gen_at(g, on_return);
	call_body(g, s->returns);
	gen_close_program(g, &p);
	row.prog = image_put_str(g->img, p.name);
	image_put_sessions(g->img, &row, 1);
	g->p = NULL;
}

void session_all(struct gen *g)
{
	for (const struct session_gen *s = g->sessions; s; s = s->next)
		gen_session(g, s);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Each CPU adds to its own copy of an aggregate by a load, an addition and a store. A program that
 * interrupts another one of the CPU between these, and adds to the same copy, would have its addition
 * overwritten: where that can happen the addition is one atomic instruction (5 ns rather than less than 1).
 *
 * The kernel runs no program inside itself (but PROBE_UNGUARDED ones), and of PROBE_EXCLUSIVE types no two inside each other.
 */
#include "codegen/gen.h"

struct adds {
	struct node *probe;
	bool several; /* the probe is several programs, or one that may come in its own midst */
};

static void note(struct map_gen *m, const struct adds *a)
{
	bool exclusive = a->probe->probe.ptype->flags & PROBE_EXCLUSIVE;

	m->shared |= m->adds && m->adds != a->probe && !(exclusive && m->adds_exclusive);
	m->shared |= a->several && !exclusive;
	m->adds_exclusive = (!m->adds || m->adds_exclusive) && exclusive;
	m->adds = a->probe;
}

static bool find_adds(struct walker *w, struct node *n)
{
	struct node *target;

	if (n->kind != N_ASSIGN)
		return true;
	target = n->assign.target;
	if (target->kind == N_MAP && type_is_agg(target->map.sym->val))
		note(target->map.sym->gen, w->arg);
	return true;
}

void sharing_plan(struct gen *g)
{
	struct adds a;
	struct walker w = { .pre = find_adds, .arg = &a };

	for (struct node *n = g->u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE || (n->probe.ptype->when != PROBE_WHEN_ATTACHED &&
					   n->probe.ptype->when != PROBE_WHEN_SIGNAL))
			continue;
		a.probe = n;
		a.several = n->probe.ptype->flags & PROBE_UNGUARDED ||
			    (n->probe.ptype->flags & PROBE_OWN_PROGRAM && n->probe.attaches->next);
		walk(&w, n);
	}
}

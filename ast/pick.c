/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which probes are to run. All of them have been checked; test and bench probes come into the image
 * by --test and --bench only, and --probe-filter takes others away, but for begin and end.
 */
#include <errno.h>
#include <string.h>

#include "ast/unit.h"
#include "probes/probe.h"

static bool is_kept(const struct unit *u, const struct node *probe)
{
	const struct probe_type *t = probe->probe.ptype;
	const struct node *a;

	if (t->when == PROBE_WHEN_BEGIN || t->when == PROBE_WHEN_END)
		return true;
	if ((t->when == PROBE_WHEN_TEST && u->opt->mode != COMPILE_TEST) ||
	    (t->when == PROBE_WHEN_BENCH && u->opt->mode != COMPILE_BENCH))
		return false;
	if (!u->opt->probe_filter)
		return true;
	for (a = probe->probe.attaches; a; a = a->next)
		if (!regexec(u->opt->probe_filter, a->attach.target->name, 0, NULL, 0))
			return true;
	return false;
}

/* Results are told by name: one name is one probe's. */
static void check_name(struct unit *u, const struct node *probe)
{
	const struct node *a = probe->probe.attaches, *p;

	for (p = u->program->program.items; p != probe; p = p->next) {
		if (p->kind != N_PROBE || p->probe.ptype != probe->probe.ptype ||
		    strcmp(p->probe.attaches->attach.target->name, a->attach.target->name) != 0)
			continue;
		diag_also(diag(u->diags, a->span, D_NAME_TWICE, a->attach.target->a,
			       p->probe.ptype->name),
			  p->probe.attaches->span, "the first of them");
		return;
	}
}

struct kinds {
	bool tests, benches; /* seen */
	bool wanted; /* one is left to run */
};

static void note_kind(struct kinds *k, enum probe_when when, bool kept)
{
	k->tests |= when == PROBE_WHEN_TEST;
	k->benches |= when == PROBE_WHEN_BENCH;
	k->wanted |= kept && (when == PROBE_WHEN_TEST || when == PROBE_WHEN_BENCH);
}

static int nothing_left(struct unit *u, const struct kinds *k, uint32_t before)
{
	enum compile_mode mode = u->opt->mode;

	if (!before)
		diag(u->diags, SPAN_NONE, D_NO_PROBES);
	else if (u->opt->probe_filter && (k->tests || k->benches))
		diag(u->diags, SPAN_NONE, D_NO_PROBES_FILTERED);
	else if (k->tests && mode != COMPILE_TEST)
		diag(u->diags, SPAN_NONE, D_NO_PROBES_BUT, "--test", "test");
	else if (k->benches && mode != COMPILE_BENCH)
		diag(u->diags, SPAN_NONE, D_NO_PROBES_BUT, "--bench", "benchmark");
	else if (u->opt->probe_filter)
		diag(u->diags, SPAN_NONE, D_NO_PROBES_FILTERED);
	else
		diag(u->diags, SPAN_NONE, D_NO_PROBES_OF, mode == COMPILE_TEST ? "test" : "bench");
	return -EINVAL;
}

/* Needs: a checked tree. Gives: the probes that are to run, and no others. */
int pick(struct unit *u)
{
	bool tests = u->opt->mode == COMPILE_TEST || u->opt->mode == COMPILE_BENCH;
	struct node **at = &u->program->program.items, *n;
	struct kinds kinds = { false, false, false };
	uint32_t before = 0, left = 0;

	while ((n = *at)) {
		bool kept = n->kind != N_PROBE || is_kept(u, n);

		if (n->kind == N_PROBE) {
			if (n->probe.ptype->flags & PROBE_RETURNS)
				check_name(u, n);
			note_kind(&kinds, n->probe.ptype->when, kept);
			before++;
			left += kept;
		}
		if (kept)
			at = &n->next;
		else
			*at = n->next;
	}
	if (diags_errors(u->diags))
		return -EINVAL;
	return (tests && !kinds.wanted) || !left ? nothing_left(u, &kinds, before) : 0;
}

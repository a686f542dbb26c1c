/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/ctype.h"
#include "ast/infer.h"

#define MAX_WALKS 200 /* far above what the lattice allows: a bug, not a program, gets there */

static void walk_program(struct infer *in)
{
	for (struct node *n = in->u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE)
			continue;
		in->probe = n;
		ctypes_enter(in->u->ctypes, n);
		if (n->probe.pred)
			infer_truth(in, n->probe.pred);
		infer_block(in, n->probe.body);
	}
	ctypes_enter(in->u->ctypes, NULL);
}

static void settle(struct walker *w, struct node *n)
{
	struct infer *in = w->arg;

	n->type = type_settled(in->ts, n->type);
	if (n->kind == N_BINARY)
		n->binary.common = type_settled(in->ts, n->binary.common);
	if (n->kind == N_VAR && !n->type && n->var.sym)
		n->type = n->var.sym->type;
}

/* A variable that is declared and nothing more has no type of its own: any will do. */
static void settle_vars(struct infer *in)
{
	for (struct node *n = in->u->program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE)
			continue;
		for (struct var_sym *v = n->probe.vars; v; v = v->next)
			v->type =
				v->type ? type_settled(in->ts, v->type) : type_int(in->ts, 8, true);
	}
}

/* A map that is read and never assigned to has no type of its own: it is empty, and reads as 0. */
static bool type_unset_maps(struct infer *in)
{
	bool any = false;

	for (struct map_sym *m = in->u->program->program.maps; m; m = m->next) {
		if (m->lost && !m->val)
			m->val = in->bad;
		if (m->val || m->assigned || !(m->has_key_use || m->has_scalar_use))
			continue;
		m->val = type_lit(in->ts, 8);
		if (m->has_key_use && !m->key)
			m->key = type_int(in->ts, 8, true);
		m->unset = any = true;
	}
	return any;
}

static void to_fixed_point(struct infer *in)
{
	int walks = 0;

	do {
		in->changed = false;
		walk_program(in);
	} while (in->changed && ++walks < MAX_WALKS);
}

/* A map that is only declared is none. */
static void settle_maps(struct infer *in)
{
	struct map_sym **at = &in->u->program->program.maps;
	uint32_t idx = 0;

	while (*at) {
		struct map_sym *m = *at;

		if (!m->val) {
			if (m->kind && !m->has_key_use && !m->has_scalar_use)
				diag(in->u->diags, m->def, D_MAP_UNUSED, m->name);
			*at = m->next;
			continue;
		}
		m->key = type_settled(in->ts, m->key);
		m->val = type_settled(in->ts, m->val);
		m->idx = idx++;
		at = &m->next;
	}
}

const char *infer_name(struct infer *in, const struct type *t)
{
	return type_name(in->u->arena, type_settled(in->ts, t));
}

/* A map whose value depends on itself (@x = @x + 1, which begins at 0) climbs from the smallest integer. */
static bool some_wait(const struct infer *in)
{
	for (const struct map_sym *m = in->u->program->program.maps; m; m = m->next)
		if (m->assigned && !m->val)
			return true;
	return false;
}

/* Needs: symbols. Gives: every expression's, variable's and map's type. */
int infer(struct unit *u)
{
	struct infer in = { .u = u, .ts = u->types, .bad = type_plain(u->types, V_NONE) };
	struct walker w = { .post = settle, .arg = &in };

	to_fixed_point(&in);
	in.guess = some_wait(&in);
	if (type_unset_maps(&in) || in.guess)
		to_fixed_point(&in);
	in.report = true;
	walk_program(&in);

	settle_vars(&in);
	walk(&w, u->program);
	settle_maps(&in);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a program makes itself: variables of its blocks, maps; and the parameters that it is given. */
#include <string.h>

#include "ast/builtins.h"
#include "ast/resolve.h"
#include "lexer/lexer.h"

/* ---- variables ---- */

struct var_sym *resolve_new_var(struct resolver *r, struct node *var, struct span sp)
{
	struct var_sym *old = symtab_var(r->names, var->var.name);

	if (old && !old->undefined) {
		struct diag *d = diag(r->u->diags, sp, D_VAR_REDECLARED, var_shown(var->var.name));

		diag_also(d, old->def, "This is the initial declaration.");
		return NULL;
	}
	return var->var.sym = symtab_var_new(r->names, var);
}

/* One error for all uses in the block: they are of one mistake. */
static void var_undefined(struct resolver *r, const struct node *n)
{
	struct diag *d = diag(r->u->diags, n->span, D_VAR_UNDEFINED, var_shown(n->var.name));
	struct nearest near;

	nearest_init(&near, var_shown(n->var.name));
	symtab_nearest(r->names, &near);
	if (near.best && strcmp(near.best, var_shown(n->var.name)) == 0)
		diag_hint(d, "A macro has only the variables that are passed to it.");
	else if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
	symtab_var_new(r->names, n)->undefined = true;
}

void resolve_var(struct resolver *r, struct node *n)
{
	struct var_sym *sym = symtab_var(r->names, n->var.name);

	if (!sym)
		var_undefined(r, n);
	if (!sym || sym->undefined)
		return;
	n->var.sym = sym;
	sym->used = true;
	if (!sym->assigned && !sym->early.to)
		sym->early = n->span;
}

void resolve_filled(struct resolver *r, const struct node *n)
{
	struct var_sym *sym = n->kind == N_VAR ? symtab_var(r->names, n->var.name) : NULL;

	if (sym)
		sym->assigned = true;
}

void resolve_lost(struct resolver *r, const struct node *n)
{
	if (!symtab_var(r->names, n->var.name))
		symtab_var_new(r->names, n)->undefined = true;
	resolve_filled(r, n);
}

void resolve_to_fill(struct resolver *r, const struct node *n)
{
	const char *name;

	if (n->kind == N_VAR && !symtab_var(r->names, n->var.name)) {
		name = var_shown(n->var.name);
		diag_hint(diag(r->u->diags, n->span, D_VAR_UNDEFINED, name),
			  "Declare it before: let %s;", name);
		symtab_var_new(r->names, n)->undefined = true;
	}
	resolve_filled(r, n);
}

/* ---- maps ---- */

/* A map with a key once is one always. */
static bool map_use(struct resolver *r, struct node *n, struct map_sym *m)
{
	bool keyed = n->map.key != NULL;
	struct diag *d;

	if (!(keyed ? m->has_scalar_use : m->has_key_use)) {
		if (!m->has_key_use && !m->has_scalar_use)
			m->key_span = n->span;
		m->has_key_use |= keyed;
		m->has_scalar_use |= !keyed;
		return true;
	}
	d = diag(r->u->diags, n->span, keyed ? D_MAP_NOW_KEYED : D_MAP_NOW_SCALAR, m->name);
	diag_also(d, m->key_span, "first used here");
	return false;
}

void resolve_map(struct resolver *r, struct node *n)
{
	struct map_sym *m = symtab_map(r->names, n->map.name, n->span);

	resolve_node(r, n->map.key);
	if (n->map.whole || map_use(r, n, m))
		n->map.sym = m;
}

void resolve_map_decl(struct resolver *r, struct node *n)
{
	static const char kinds[] = "hash|lruhash|percpuhash|percpulruhash";
	struct map_sym *m = symtab_map(r->names, n->map_decl.map->map.name, n->map_decl.map->span);
	const struct node *arg = n->map_decl.args;

	n->map_decl.map->map.sym = m;
	if (m->kind) {
		diag_also(diag(r->u->diags, n->span, D_MAP_REDECLARED, m->name), m->def,
			  "first declared here");
		return;
	}
	m->def = n->map_decl.map->span;
	m->kind = n->map_decl.kind;
	if (words_find(kinds, m->kind) < 0)
		diag_hint(diag(r->u->diags, n->map_decl.kind_span, D_MAP_KIND, m->kind),
			  "Valid map types: %s", words_list(r->u->arena, kinds));
	if (arg && arg->kind == N_INT)
		m->max_entries = arg->num.value;
}

/* ---- positional parameters ---- */

const char *resolve_param(struct unit *u, uint64_t n)
{
	if (n - 1 < 64)
		u->params_used |= 1ull << (n - 1);
	return n >= 1 && n <= u->opt->param_cnt ? u->opt->params[n - 1] : "";
}

void resolve_positional(struct resolver *r, struct node *n)
{
	const char *text = resolve_param(r->u, n->num.value);
	bool is_neg = *text == '-';
	struct literal num = literal_read(text + is_neg, strlen(text + is_neg));
	uint64_t v = num.value;

	if (!*text) {
		diag(r->u->diags, n->span, D_POSITIONAL_MISSING, (unsigned long long)n->num.value);
		node_become_number(n, N_INT, 0, false);
		return;
	}
	if (num.bad != D_COUNT || (is_neg && v > (1ull << 63))) {
		node_become_text(n, text);
		return;
	}
	node_become_number(n, N_INT, is_neg ? -v : v, !is_neg && v > INT64_MAX);
}

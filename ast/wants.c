// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "ast/builtins.h"
#include "ast/ctype.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "ast/wants.h"

struct wanted_field {
	const char *name;
	struct wanted_field *next;
};

struct looking {
	struct unit *u;
	struct wants *wants;
};

/* B_COUNT: the node is none. */
static enum builtin_id builtin_of(const struct node *n)
{
	const struct builtin *b = NULL;

	if (n->kind == N_IDENT)
		b = builtin_find(n->ident.name);
	else if (n->kind == N_CALL)
		b = builtin_find(n->call.name);
	return b ? b->id : B_COUNT;
}

/*
 * Whether a cast says what a function's value is, be its type what it may: its lower half, or an address.
 * Debug information, which takes long to open, would say nothing more.
 */
static bool decides_retval(struct unit *u, const struct node *n)
{
	const struct type *t;

	if (n->kind != N_CAST || builtin_of(n->cast.e) != B_retval)
		return false;
	if (n->cast.to->kind != N_TYPE_NAME)
		return n->cast.to->kind == N_TYPE_PTR;
	t = ctype_parse(u->types, u->arena, n->cast.to->type_name.name, AS_NONE);
	return t && t->kind == V_INT && t->size <= 4;
}

static void add_field(struct looking *l, const char *name)
{
	struct wanted_field *f = arena_new_of(l->u->arena, struct wanted_field);

	*f = (struct wanted_field){ name, l->wants->fields };
	l->wants->fields = f;
	l->wants->args = true;
}

static void note_builtin(struct wants *w, enum builtin_id id)
{
	w->ctx |= id == B_ctx;
	w->uaddr |= id == B_uaddr;
	w->all_args |= id == B_args;
	w->args |= id == B_args;
	w->retval_type |= id == B_retval;
	if (id == B_retval)
		w->words |= 1u << PROBE_ARGS_MAX;
	else if (id >= B_arg0 && id <= B_arg9)
		w->words |= 1u << (id - B_arg0);
}

static bool note(struct walker *walker, struct node *n)
{
	struct looking *l = walker->arg;

	if (n->kind == N_FIELD && builtin_of(n->field.e) == B_args) {
		add_field(l, n->field.name);
		return false;
	}
	if (decides_retval(l->u, n)) {
		l->wants->words |= 1u << PROBE_ARGS_MAX;
		return false;
	}
	note_builtin(l->wants, builtin_of(n));
	return true;
}

void wants_of(struct unit *u, const struct node *probe, struct wants *w)
{
	struct looking l = { u, w };
	struct walker walker = { .pre = note, .arg = &l };

	*w = (struct wants){ 0 };
	walk(&walker, probe->probe.pred);
	walk(&walker, probe->probe.body);
}

bool wants_field(const struct wants *w, const char *name)
{
	for (const struct wanted_field *f = w->fields; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return true;
	return w->all_args;
}

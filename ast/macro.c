/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros: a call becomes a copy of the body, as a block that is an expression. An expression
 * parameter is replaced by the argument wherever it stands, a variable or map parameter by the one
 * that was given. Variables that the body defines get names of their own, numbered by expansion, so
 * that they never meet the caller's.
 */
#include <errno.h>
#include <string.h>

#include "ast/unit.h"

#define NODES_MAX 1000000 /* of all copies together: nested calls can double at every level */

struct macro_call {
	struct node *macro;
	const struct macro_call *up;
};

struct expander {
	struct unit *u;
	struct node *macros; /* chained as in the program; N_MACRO among others */
	const struct macro_call *chain;
	uint32_t number;
	uint64_t nodes;
	bool stopped;
};

/* One expansion at work. */
struct body {
	struct expander *x;
	const struct node *macro;
	struct node *args;
	struct span span; /* of the call */
	uint32_t shift; /* of the body's own spans */
	struct own_var *vars;
	uint32_t number;
};

struct own_var {
	const char *name;
	struct own_var *next;
};

/*
 * What cannot be expanded, and was reported, becomes a call that later passes are silent about:
 * they tell what else is wrong.
 */
static void set_told(struct node *n)
{
	const char *name = n->kind == N_IDENT ? n->ident.name : "";

	if (n->kind != N_CALL) {
		n->kind = N_CALL;
		memset(&n->call, 0, sizeof(n->call));
		n->call.name = name;
	}
	n->call.is_told = true;
}

/* ---- which macro ---- */

static bool takes(const struct node *param, const struct node *arg)
{
	if (param->kind == N_VAR)
		return arg->kind == N_VAR;
	if (param->kind == N_MAP)
		return arg->kind == N_MAP && !arg->map.key;
	return true;
}

static uint32_t list_len(const struct node *n)
{
	uint32_t cnt = 0;

	for (; n; n = n->next)
		cnt++;
	return cnt;
}

static const struct node *mismatch(const struct node *macro, const struct node *args)
{
	const struct node *p = macro->macro.params;

	for (; p && args; p = p->next, args = args->next)
		if (!takes(p, args))
			return args;
	return NULL;
}

/* The definition that fits; NULL: none, then *near is the best of those with the name. */
static struct node *macro_find(const struct expander *x, const char *name, const struct node *args,
			       const struct node **near)
{
	uint32_t cnt = list_len(args);

	*near = NULL;
	for (struct node *m = x->macros; m; m = m->next) {
		if (m->kind != N_MACRO || strcmp(m->macro.name, name) != 0)
			continue;
		if (list_len(m->macro.params) != cnt) {
			*near = *near ? *near : m;
			continue;
		}
		if (!mismatch(m, args))
			return m;
		*near = m;
	}
	return NULL;
}

static void no_fit(struct expander *x, struct node *call, const struct node *near)
{
	const struct node *args = call->call.args;
	const struct node *p = near->macro.params, *bad = mismatch(near, args);
	const char *name = near->macro.name;
	struct diag *d = diag(x->u->diags, call->span, D_MACRO_ARGS, name);
	uint32_t want = list_len(p), have = list_len(args);

	set_told(call);
	if (want != have) {
		diag_also(d, near->span,
			  "The closest definition of %s() has a different number of arguments. "
			  "Expected: %u but got %u",
			  name, want, have);
		return;
	}
	for (; args != bad; args = args->next)
		p = p->next;
	diag_also(d, bad->span, "Mismatched arg. %s() expects a %s for arg %s.", name,
		  p->kind == N_VAR ? "variable" : "map",
		  p->kind == N_VAR ? p->var.name : p->map.name);
}

/* ---- the body ---- */

static struct node *arg_of(const struct body *b, const struct node *n)
{
	const struct node *p = b->macro->macro.params;
	struct node *a = b->args;

	for (; p; p = p->next, a = a->next) {
		if (p->kind == N_IDENT && n->kind == N_IDENT &&
		    strcmp(p->ident.name, n->ident.name) == 0)
			return a;
		if (p->kind == N_VAR && n->kind == N_VAR && strcmp(p->var.name, n->var.name) == 0)
			return a;
		if (p->kind == N_MAP && n->kind == N_MAP && strcmp(p->map.name, n->map.name) == 0)
			return a;
	}
	return NULL;
}

static void own(struct body *b, const struct node *var)
{
	struct own_var *v;

	if (!var || var->kind != N_VAR || arg_of(b, var))
		return;
	v = arena_new_of(b->x->u->arena, struct own_var);
	v->name = var->var.name;
	v->next = b->vars;
	b->vars = v;
}

static bool find_own(struct walker *w, struct node *n)
{
	struct body *b = w->arg;

	b->x->nodes++;
	if (n->kind == N_ASSIGN && n->assign.op == OP_NONE)
		own(b, n->assign.target);
	else if (n->kind == N_LET)
		own(b, n->let.var);
	else if (n->kind == N_FOR_MAP || n->kind == N_FOR_RANGE)
		own(b, n->loop.var);
	return true;
}

static void rename_own(const struct body *b, struct node *n)
{
	for (const struct own_var *v = b->vars; v; v = v->next) {
		if (strcmp(v->name, n->var.name) == 0) {
			n->var.name = arena_printf(b->x->u->arena, "$$%s%u_%s",
						   b->macro->macro.name, b->number, v->name);
			return;
		}
	}
}

static bool count_node(struct walker *w, struct node *n)
{
	struct expander *x = w->arg;

	(void)n;
	x->nodes++;
	return true;
}

static void put_arg(struct body *b, struct node *n, const struct node *arg)
{
	struct walker count = { .pre = count_node, .arg = b->x };
	struct node *next = n->next, *copy;

	if (b->x->nodes > NODES_MAX)
		return;
	copy = node_clone(b->x->u->arena, arg);
	walk(&count, copy);
	*n = *copy;
	n->next = next;
}

/* ---- parameters that stand for types and for fields ---- */

static struct node *arg_named(const struct body *b, const char *name)
{
	const struct node *p = b->macro->macro.params;
	struct node *a = b->args;

	for (; p; p = p->next, a = a->next)
		if (p->kind == N_IDENT && strcmp(p->ident.name, name) == 0)
			return a;
	return NULL;
}

/* The argument is wrong wherever else it goes, too. */
static void no_type(struct body *b, struct node *n, struct node *arg)
{
	diag(b->x->u->diags, arg->span, D_MACRO_TYPE, n->type_name.name, b->macro->macro.name);
	set_told(arg);
	n->kind = N_TYPE_OF;
	n->type_of.arg = node_clone(b->x->u->arena, arg);
}

/* What arg is as a type: uint64, typeof(e), struct foo; an N_TYPE_NAME is made of a word. */
static void put_type(struct body *b, struct node *n, struct node *arg)
{
	while (arg->kind == N_TYPE_ARG)
		arg = arg->type_of.arg;
	if (node_is_type(arg))
		put_arg(b, n, arg);
	else if (arg->kind == N_IDENT)
		n->type_name.name = arg->ident.name;
	else
		no_type(b, n, arg);
}

/* The names of a.b.c put in place of the path's i-th; false: arg is none. */
static bool put_path(struct body *b, struct node *n, uint32_t i, const struct node *arg)
{
	uint32_t cnt = 1, total;
	const struct node *e = arg;
	struct span *spans;
	const char **path;

	for (; e->kind == N_FIELD; e = e->field.e)
		cnt++;
	if (e->kind != N_IDENT) {
		diag(b->x->u->diags, arg->span, D_MACRO_FIELD, n->sizeof_.path[i],
		     b->macro->macro.name);
		return false;
	}
	total = n->sizeof_.path_cnt - 1 + cnt;
	path = arena_array_of(b->x->u->arena, const char *, total);
	memcpy(path, n->sizeof_.path, i * sizeof(*path));
	memcpy(path + i + cnt, n->sizeof_.path + i + 1,
	       (n->sizeof_.path_cnt - i - 1) * sizeof(*path));
	spans = arena_array_of(b->x->u->arena, struct span, total);
	if (n->sizeof_.path_spans) {
		memcpy(spans, n->sizeof_.path_spans, i * sizeof(*spans));
		memcpy(spans + i + cnt, n->sizeof_.path_spans + i + 1,
		       (n->sizeof_.path_cnt - i - 1) * sizeof(*spans));
	}
	path[i] = e->ident.name;
	spans[i] = e->span;
	for (e = arg; e->kind == N_FIELD; e = e->field.e) {
		path[i + --cnt] = e->field.name;
		spans[i + cnt] = e->field.name_span;
	}
	n->sizeof_.path = path;
	n->sizeof_.path_spans = spans;
	n->sizeof_.path_cnt = total;
	return true;
}

static void put_paths(struct body *b, struct node *n)
{
	for (uint32_t i = n->sizeof_.path_cnt; i-- > 0;) {
		const struct node *arg = arg_named(b, n->sizeof_.path[i]);

		if (arg && !put_path(b, n, i, arg)) {
			set_told(n);
			return;
		}
	}
}

static void shift(const struct body *b, struct span *sp)
{
	const struct span body = b->macro->span;

	if (sp->from >= body.from && sp->to <= body.to) {
		sp->from += b->shift;
		sp->to += b->shift;
	}
}

static void shift_path(const struct body *b, struct node *n)
{
	uint32_t cnt = n->sizeof_.path_spans ? n->sizeof_.path_cnt : 0;
	struct span *spans = arena_array_of(b->x->u->arena, struct span, cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		spans[i] = n->sizeof_.path_spans[i];
		shift(b, &spans[i]);
	}
	if (cnt)
		n->sizeof_.path_spans = spans;
}

/* Every call's copy has places of its own. */
static void shift_spans(const struct body *b, struct node *n)
{
	shift(b, &n->span);
	if (n->kind == N_CALL)
		shift(b, &n->call.name_span);
	else if (n->kind == N_FIELD)
		shift(b, &n->field.name_span);
	else if (n->kind == N_OFFSETOF)
		shift_path(b, n);
}

/* post: what has been put in place is not looked into. */
static void substitute(struct walker *w, struct node *n)
{
	struct body *b = w->arg;
	struct node *arg = NULL;

	shift_spans(b, n);
	if (!n->span.from) /* the library's own text: its mistakes are the call's */
		n->span = b->span;
	if (n->kind == N_IDENT || n->kind == N_VAR || n->kind == N_MAP)
		arg = arg_of(b, n);
	if (n->kind == N_IDENT && arg)
		put_arg(b, n, arg);
	else if (n->kind == N_TYPE_NAME && (arg = arg_named(b, n->type_name.name)))
		put_type(b, n, arg);
	else if (n->kind == N_OFFSETOF)
		put_paths(b, n);
	else if (n->kind == N_VAR && arg)
		n->var.name = arg->var.name;
	else if (n->kind == N_VAR)
		rename_own(b, n);
	else if (n->kind == N_MAP && arg)
		n->map.name = arg->map.name;
	else if (n->kind == N_MAP)
		diag(b->x->u->diags, n->span, D_MACRO_MAP, n->map.name);
	node_set_depth(n);
}

static struct node *body_copy(struct expander *x, const struct node *macro, struct node *args,
			      struct span span)
{
	struct body b = {
		.x = x, .macro = macro, .args = args, .span = span, .number = ++x->number
	};
	struct walker find = { .pre = find_own, .arg = &b };
	struct walker subst = { .post = substitute, .arg = &b };
	struct node *copy = node_clone(x->u->arena, macro->macro.body);

	if (macro->span.from)
		b.shift = source_expand(x->u->sources, macro->span, span);
	walk(&find, copy);
	walk(&subst, copy);
	return copy;
}

/* ---- calls ---- */

static void expand_node(struct walker *w, struct node *n);

static const char *chain_text(struct arena *a, const struct macro_call *c)
{
	const char *s = "";

	for (; c; c = c->up)
		s = arena_printf(a, "%s%s%s", c->macro->macro.name, *s ? " > " : "", s);
	return s;
}

/* One error for each macro that calls itself; calls of it are then left alone. */
static bool is_recursive(struct expander *x, const struct node *call, struct node *macro)
{
	if (macro->macro.is_recursive)
		return true;
	for (const struct macro_call *c = x->chain; c; c = c->up) {
		if (c->macro != macro)
			continue;
		diag(x->u->diags, call->span, D_MACRO_RECURSIVE, chain_text(x->u->arena, x->chain),
		     macro->macro.name);
		return macro->macro.is_recursive = true;
	}
	return false;
}

static void stop(struct expander *x, const struct node *call)
{
	if (!x->stopped)
		diag(x->u->diags, call->span, D_MACRO_LARGE);
	x->stopped = true;
}

static void expand_call(struct expander *x, struct node *n, struct node *macro, struct node *args)
{
	struct walker w = { .post = expand_node, .arg = x };
	struct macro_call call = { .macro = macro, .up = x->chain };
	struct span span = n->span;
	struct node *next = n->next, *copy;

	if (is_recursive(x, n, macro)) {
		set_told(n);
		return;
	}
	copy = body_copy(x, macro, args, span);
	x->chain = &call;
	walk(&w, copy);
	x->chain = call.up;
	if (x->nodes > NODES_MAX || copy->depth >= AST_DEPTH_MAX) {
		stop(x, n);
		return;
	}
	if (!copy->block.stmts && copy->block.value)
		copy = copy->block.value;
	*n = *copy;
	n->next = next;
	if (n->kind == N_BLOCK)
		n->span = span;
}

static void expand_node(struct walker *w, struct node *n)
{
	struct expander *x = w->arg;
	struct node *args = NULL, *macro;
	const char *name = NULL;
	const struct node *near;

	if (n->kind == N_CALL) {
		name = n->call.name;
		args = n->call.args;
	} else if (n->kind == N_IDENT) {
		name = n->ident.name;
	}
	if (name && !x->stopped) {
		macro = macro_find(x, name, args, &near);
		if (macro)
			expand_call(x, n, macro, args);
		else if (near && n->kind == N_CALL && !(builtin_is_value(name) && !args))
			no_fit(x, n, near);
	}
	node_set_depth(n);
	if (n->depth >= AST_DEPTH_MAX && !x->stopped)
		stop(x, n);
}

/* ---- the program ---- */

static void check_twice(struct expander *x, const struct node *macro)
{
	for (const struct node *m = x->macros; m != macro; m = m->next) {
		const struct node *a = macro->macro.params, *b;

		if (m->kind != N_MACRO || strcmp(m->macro.name, macro->macro.name) != 0)
			continue;
		for (b = m->macro.params; a && b && a->kind == b->kind; a = a->next)
			b = b->next;
		if (!a && !b)
			diag_also(diag(x->u->diags, macro->span, D_MACRO_TWICE, macro->macro.name),
				  m->span, "This is the original definition.");
	}
}

/* Needs: the tree. Gives: the same without macros and their calls; -EINVAL when it grows too large. */
int expand_macros(struct unit *u)
{
	struct expander x = { .u = u, .macros = u->program->program.items };
	struct walker w = { .post = expand_node, .arg = &x };
	struct node **at = &u->program->program.items, *macros = NULL;
	bool any = false;

	for (struct node *n = x.macros; n; n = n->next) {
		any |= n->kind == N_MACRO;
		if (n->kind == N_MACRO)
			check_twice(&x, n);
	}
	for (struct node *n = x.macros; any && n; n = n->next) {
		if (n->kind == N_CDEF)
			walk(&w, n);
		if (n->kind != N_PROBE)
			continue;
		walk(&w, n->probe.pred);
		walk(&w, n->probe.body);
	}
	while (*at) {
		struct node *n = *at;

		if (n->kind != N_MACRO) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		n->next = macros;
		macros = n;
	}
	u->macros = macros;
	return x.stopped ? -EINVAL : 0;
}

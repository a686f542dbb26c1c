/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to what they mean: variables to symbols of their block, maps to symbols of the program,
 * words to builtins, positional parameters to literals. Errors leave the symbol or builtin NULL;
 * infer takes such a node as already told.
 */
#include <stdlib.h>
#include <string.h>

#include "ast/builtins.h"
#include "ast/ctype.h"
#include "ast/fold.h"
#include "ast/getopt.h"
#include "ast/resolve.h"
#include "ast/type.h"

static void resolve_list(struct resolver *r, struct node *n);

static void resolve_constant(struct resolver *r, struct node *n)
{
	r->constants++;
	resolve_node(r, n);
	r->constants--;
}

static void in_scope(struct resolver *r, struct node *loop_var, struct node *body)
{
	struct binding *mark = symtab_enter(r->names);

	if (loop_var && resolve_new_var(r, loop_var, loop_var->span))
		loop_var->var.sym->assigned = true;
	if (body->kind == N_BLOCK) {
		resolve_list(r, body->block.stmts);
		resolve_node(r, body->block.value);
	} else {
		resolve_node(r, body);
	}
	symtab_leave(r->names, mark);
}

/* ---- words and calls ---- */

/* Of names as near as each other the program's own comes first, then what stands without a call. */
static void names_nearest(struct unit *u, struct nearest *near, bool is_value)
{
	for (const struct node *m = u->macros; m; m = m->next)
		if (!is_value || !m->macro.params)
			nearest_feed(near, m->macro.name);
	if (is_value) {
		ctypes_values_nearest(u->ctypes, near);
		builtin_nearest(near, BI_VALUE);
	}
	builtin_nearest(near, 0);
	if (is_value && !near->best)
		ctypes_kernel_values_nearest(u->ctypes, near);
}

static bool is_other_define(struct resolver *r, struct span sp, const char *name)
{
	const struct define_other *o = r->u->other_defines;
	struct diag *d;

	while (o && strcmp(o->name, name) != 0)
		o = o->next;
	if (!o)
		return false;
	d = diag(r->u->diags, sp, D_DEFINE_VALUE, name);
	diag_also(d, o->span, "defined here");
	return true;
}

static bool is_macro(const struct unit *u, const char *name)
{
	for (const struct node *m = u->macros; m; m = m->next)
		if (strcmp(m->macro.name, name) == 0)
			return true;
	return false;
}

static void unknown(struct resolver *r, struct span sp, enum diag_id id, const char *name)
{
	const struct builtin *b = builtin_find(name);
	struct nearest near;
	struct diag *d;

	if (is_other_define(r, sp, name))
		return;

	if (!b && builtin_is_later(name)) {
		diag(r->u->diags, sp, D_NOT_AVAILABLE, arena_printf(r->u->arena, "'%s' is", name));
		return;
	}
	d = diag(r->u->diags, sp, id, name);

	if (is_macro(r->u, name)) {
		diag_hint(d, "'%s' is a macro with arguments: %s(...)", name, name);
		return;
	}
	if (b) {
		diag_hint(d, "'%s' is a function: %s()", name, name);
		return;
	}
	if (r->beside_text) {
		diag_hint(d,
			  "Text stands between double quotes, and the program between single ones: "
			  "\"%s\"",
			  name);
		return;
	}
	if (r->is_target) {
		diag_hint(d, "A variable begins with '$': $%s", name);
		return;
	}
	nearest_init(&near, name);
	names_nearest(r->u, &near, id == D_UNKNOWN_IDENT);
	if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
}

static bool resolve_enumerator(struct resolver *r, struct node *n)
{
	const struct type *e;
	struct node *value;
	int64_t v;

	if (!ctypes_value(r->u->ctypes, n->ident.name, &v, &e))
		return false;
	value = node_new(r->u->arena, N_INT, n->span);
	node_become_number(value, N_INT, (uint64_t)v, v < 0 && !e->is_signed);
	value->num.of_enum = e;
	value->next = n->next;
	*n = *value;
	return true;
}

static void resolve_ident(struct resolver *r, struct node *n)
{
	const struct builtin *b = builtin_find(n->ident.name);

	if (b && (b->flags & BI_VALUE))
		n->ident.fn = b;
	else if (b || !resolve_enumerator(r, n))
		unknown(r, n->span, D_UNKNOWN_IDENT, n->ident.name);
}

/* A word alone may be a type's name: sizeof(size_t). Values come first. */
static void resolve_type_or_value(struct resolver *r, struct node **at)
{
	struct node *n = *at, *type;
	const struct builtin *b = n->kind == N_IDENT ? builtin_find(n->ident.name) : NULL;
	const struct type *e;
	int64_t v;

	while (n->kind == N_TYPE_ARG) {
		at = &n->type_of.arg;
		n = *at;
	}
	if (n->kind == N_IDENT && !b && !ctypes_value(r->u->ctypes, n->ident.name, &v, &e) &&
	    ctypes_find(r->u->ctypes, n->ident.name)) {
		type = node_new(r->u->arena, N_TYPE_NAME, n->span);
		type->type_name.name = n->ident.name;
		type->next = n->next;
		*at = type;
	}
	resolve_node(r, *at);
}

/* A word among those of the signature becomes its place. told: of the call, that it is wrong. */
static void resolve_word(struct resolver *r, struct node *n, const struct sig_arg *arg,
			 const struct builtin *fn, bool told)
{
	int at = n->kind == N_IDENT ? words_find(arg->words, n->ident.name) : -1;

	if (at < 0 && !told)
		diag_hint(diag(r->u->diags, n->span, D_UNKNOWN_WORD, fn->name,
			       n->kind == N_IDENT ? n->ident.name : node_kind_name(n->kind)),
			  "Valid modes: %s", words_list(r->u->arena, arg->words));
	if (at < 0)
		at = 0; /* any one, so that the rest of the call is looked at as what it is */
	if (arg->sorts & SIG_LITERAL)
		node_become_number(n, N_INT, ~(uint64_t)at, true);
	else
		node_become_number(n, N_INT, (uint64_t)at, false);
}

static void resolve_arg(struct resolver *r, struct node *n, const struct sig_arg *arg,
			const struct builtin *fn, bool told)
{
	if (arg && arg->sorts & SIG_WORD && (arg->sorts == SIG_WORD || n->kind == N_IDENT)) {
		resolve_word(r, n, arg, fn, told);
		return;
	}
	if (arg && arg->sorts & SIG_MAP && n->kind == N_MAP && !n->map.key)
		n->map.whole = true;
	if (arg && arg->sorts & (SIG_LITERAL | SIG_LITERAL_STRING))
		resolve_constant(r, n);
	else
		resolve_node(r, n);
}

/* Of a call that is wrong: what it would have put into the variables and maps given to it. */
static void resolve_args_of_wrong(struct resolver *r, struct node *args)
{
	for (struct node *a = args; a; a = a->next) {
		if (a->kind == N_VAR)
			resolve_lost(r, a);
		if (a->kind == N_MAP && !a->map.key)
			a->map.whole = true;
		resolve_node(r, a);
		if (a->kind == N_MAP && a->map.sym)
			a->map.sym->lost = true;
	}
}

static void resolve_call(struct resolver *r, struct node *n)
{
	const struct builtin *b = n->call.is_told ? NULL : builtin_find(n->call.name);
	struct signature sig;
	uint32_t i = 0;

	if (!b) {
		if (!n->call.is_told)
			unknown(r, n->call.name_span.from ? n->call.name_span : n->span,
				D_UNKNOWN_FUNCTION, n->call.name);
		resolve_args_of_wrong(r, n->call.args);
		return;
	}
	n->call.fn = b;
	if (b->id == B_getopt) {
		getopt_resolve(r->u, n, r->constants > 0);
		if (n->kind != N_CALL)
			return;
	}
	if (b->id == B_str && n->call.args && n->call.args->kind == N_POSITIONAL &&
	    !n->call.args->next) {
		node_become_text(n, resolve_param(r->u, n->call.args->num.value));
		return;
	}
	signature_parse(&sig, b->signature);
	for (struct node *a = n->call.args; a; a = a->next, i++) {
		if (i < sig.cnt && sig.args[i].sorts & SIG_VAR)
			resolve_to_fill(r, a);
		resolve_arg(r, a, i < sig.cnt ? &sig.args[i] : NULL, b, n->call.arg_cnt > sig.cnt);
	}
}

/* ---- the walk ---- */

static void assigned(const struct node *target)
{
	if (target->kind == N_VAR && target->var.sym)
		target->var.sym->assigned = true;
	if (target->kind == N_MAP && target->map.sym)
		target->map.sym->assigned = true;
}

static void resolve_assign(struct resolver *r, struct node *n)
{
	struct node *t = n->assign.target;

	resolve_node(r, n->assign.value);
	if (t->kind != N_VAR || n->assign.op != OP_NONE) {
		r->is_target = t->kind == N_IDENT;
		resolve_node(r, t);
		r->is_target = false;
	} else {
		t->var.sym = symtab_var(r->names, t->var.name);
		if (!t->var.sym || t->var.sym->undefined)
			t->var.sym = symtab_var_new(r->names, t);
	}
	assigned(t);
}

static void resolve_let(struct resolver *r, struct node *n)
{
	struct var_sym *sym;

	resolve_node(r, n->let.vtype);
	resolve_node(r, n->let.init);
	sym = resolve_new_var(r, n->let.var, n->span);
	if (!sym)
		return;
	sym->assigned = n->let.init != NULL;
	sym->declared_type = n->let.vtype != NULL;
}

static void resolve_incdec(struct resolver *r, struct node *n)
{
	struct node *t = n->incdec.target;

	resolve_node(r, t);
	assigned(t);
}

static void fold_one(struct walker *w, struct node *n)
{
	fold_literal(w->arg, n, false);
}

/* The branch not taken is not even looked at: names in it need not exist. */
static void resolve_comptime(struct resolver *r, struct node *n)
{
	struct walker w = { .post = fold_one, .arg = r->u };
	struct node *pick, *next = n->next;
	struct diag **before;

	resolve_constant(r, n->cond.cond);
	walk(&w, n->cond.cond);
	if (n->cond.cond->kind != N_INT && n->cond.cond->kind != N_BOOL) {
		/* it depends on types: infer decides */
		before = diags_hold(r->u->diags, &n->cond.in_then);
		resolve_node(r, n->cond.then);
		diags_hold(r->u->diags, &n->cond.in_otherwise);
		resolve_node(r, n->cond.otherwise);
		diags_hold(r->u->diags, before);
		return;
	}
	pick = n->cond.cond->num.value ? n->cond.then : n->cond.otherwise;
	if (!pick)
		pick = node_new(r->u->arena, N_BLOCK, n->span);
	*n = *pick;
	n->next = next;
	resolve_node(r, n);
}

static bool is_text(const struct node *n)
{
	const struct builtin *b = n->kind == N_IDENT  ? builtin_find(n->ident.name)
				  : n->kind == N_CALL ? builtin_find(n->call.name)
						      : NULL;

	return n->kind == N_STR || (b && !strncmp(b->signature, "string", 6));
}

static void resolve_operand(struct resolver *r, struct node *n, const struct node *other)
{
	r->beside_text = n->kind == N_IDENT && is_text(other);
	resolve_node(r, n);
	r->beside_text = false;
}

static void resolve_conditional(struct resolver *r, struct node *n)
{
	if (n->cond.is_comptime) {
		resolve_comptime(r, n);
		return;
	}
	resolve_node(r, n->cond.cond);
	resolve_node(r, n->cond.then);
	resolve_node(r, n->cond.otherwise);
}

static void resolve_unary(struct resolver *r, struct node *n)
{
	if (n->unary.op == UN_ADDR)
		resolve_filled(r, n->unary.e);
	resolve_node(r, n->unary.e);
}

static void resolve_loop(struct resolver *r, struct node *n)
{
	if (n->kind == N_FOR_MAP)
		n->loop.map->map.whole = n->loop.map->kind == N_MAP && !n->loop.map->map.key;
	resolve_node(r, n->kind == N_FOR_MAP ? n->loop.map : n->loop.from);
	if (n->kind == N_FOR_RANGE)
		resolve_node(r, n->loop.to);
	in_scope(r, n->loop.var, n->loop.body);
}

static void resolve_type(struct resolver *r, struct node *n)
{
	switch (n->kind) {
	case N_TYPE_PTR:
	case N_TYPE_ARRAY:
		resolve_node(r, n->type_deriv.elem);
		resolve_constant(r, n->type_deriv.count);
		break;
	case N_TYPE_OF: resolve_type_or_value(r, &n->type_of.arg); break;
	case N_TYPE_TUPLE: resolve_list(r, n->type_tuple.elems); break;
	case N_TYPE_NAME: resolve_constant(r, n->type_name.size); break;
	case N_TYPE_FUNC:
	case N_TYPE_RECORD:
	case N_TYPE_ENUM:
	case N_CFIELD:
	case N_ENUMERATOR: /* define has made them */
	case N_BLOCK:
	case N_IF:
	case CASES_EXPRESSION:
	case CASES_STATEMENT:
	case CASES_TOP_LEVEL: break;
	}
}

static void resolve_stmt(struct resolver *r, struct node *n)
{
	switch (n->kind) {
	case N_ASSIGN: resolve_assign(r, n); break;
	case N_LET: resolve_let(r, n); break;
	case N_FOR_MAP:
	case N_FOR_RANGE: resolve_loop(r, n); break;
	case N_WHILE:
		resolve_node(r, n->repeat.cond);
		in_scope(r, NULL, n->repeat.body);
		break;
	case N_UNROLL:
		resolve_constant(r, n->repeat.cond);
		in_scope(r, NULL, n->repeat.body);
		break;
	case N_EXPR_STMT:
	case N_DISCARD:
	case N_RETURN: resolve_node(r, n->expr.e); break;
	case N_BREAK:
	case N_CONTINUE:
	case N_BLOCK:
	case N_IF:
	case CASES_EXPRESSION:
	case CASES_TYPE:
	case CASES_TOP_LEVEL: break;
	}
}

static void resolve_expr(struct resolver *r, struct node *n)
{
	switch (n->kind) {
	case N_POSITIONAL: resolve_positional(r, n); break;
	case N_POS_COUNT:
		node_become_number(n, N_INT, r->u->opt->param_cnt, false);
		r->u->params_used = UINT64_MAX;
		break;
	case N_VAR: resolve_var(r, n); break;
	case N_MAP: resolve_map(r, n); break;
	case N_IDENT: resolve_ident(r, n); break;
	case N_CALL: resolve_call(r, n); break;
	case N_INCDEC: resolve_incdec(r, n); break;
	case N_TERNARY: resolve_conditional(r, n); break;
	case N_UNARY: resolve_unary(r, n); break;
	case N_BINARY:
		resolve_operand(r, n->binary.l, n->binary.r);
		resolve_operand(r, n->binary.r, n->binary.l);
		break;
	case N_FIELD: resolve_node(r, n->field.e); break;
	case N_TUPLE_GET: resolve_node(r, n->element.e); break;
	case N_INDEX:
		resolve_node(r, n->index.e);
		resolve_node(r, n->index.idx);
		break;
	case N_CAST:
		resolve_node(r, n->cast.to);
		resolve_node(r, n->cast.e);
		break;
	case N_TUPLE:
	case N_RECORD: resolve_list(r, n->list.elems); break;
	case N_NAMED: resolve_node(r, n->named.e); break;
	case N_SIZEOF:
	case N_OFFSETOF: resolve_type_or_value(r, &n->sizeof_.arg); break;
	case N_TYPE_ARG: resolve_type_or_value(r, &n->type_of.arg); break;
	case N_INT:
	case N_BOOL:
	case N_STR:
	case N_OPTION:
	case N_BLOCK:
	case N_IF:
	case CASES_STATEMENT:
	case CASES_TYPE:
	case CASES_TOP_LEVEL: break;
	}
}

void resolve_node(struct resolver *r, struct node *n)
{
	if (!n)
		return;
	switch (n->kind) {
	case N_BLOCK: in_scope(r, NULL, n); break;
	case N_IF: resolve_conditional(r, n); break;
	case CASES_EXPRESSION: resolve_expr(r, n); break;
	case CASES_STATEMENT: resolve_stmt(r, n); break;
	case CASES_TYPE: resolve_type(r, n); break;
	case CASES_TOP_LEVEL: break;
	}
}

static void resolve_list(struct resolver *r, struct node *n)
{
	for (; n; n = n->next)
		resolve_node(r, n);
}

static void resolve_probe(struct resolver *r, struct node *probe)
{
	struct binding *mark = symtab_enter(r->names);

	symtab_probe(r->names, probe);
	ctypes_enter(r->u->ctypes, probe);
	resolve_node(r, probe->probe.pred);
	resolve_node(r, probe->probe.body);
	ctypes_enter(r->u->ctypes, NULL);
	symtab_leave(r->names, mark);
}

/* Needs: concrete probes. Gives: symbols, builtins, literals for positional parameters. */
int resolve(struct unit *u)
{
	struct resolver r = { .u = u, .names = symtab_new(u->arena) };

	for (struct node *n = u->program->program.items; n; n = n->next) {
		if (n->kind == N_MAP_DECL)
			resolve_map_decl(&r, n);
		else if (n->kind == N_PROBE)
			resolve_probe(&r, n);
	}
	u->program->program.maps = symtab_maps(r.names);
	return getopt_check(u);
}

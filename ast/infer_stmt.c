/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/infer.h"

/* A block whose value nobody takes. */
static void infer_body(struct infer *in, struct node *n)
{
	if (n->kind != N_BLOCK) {
		infer_stmt(in, n);
		return;
	}
	infer_stmts(in, n->block.stmts);
	if (n->block.value)
		infer_stmt(in, n->block.value);
	n->type = type_void(in->ts);
}

const struct type *infer_block(struct infer *in, struct node *n)
{
	infer_stmts(in, n->block.stmts);
	return n->type = n->block.value ? infer_value(in, n->block.value) : type_void(in->ts);
}

bool infer_is_truth(const struct type *t)
{
	return type_is_int(t) || t->kind == V_PTR;
}

void infer_truth(struct infer *in, struct node *n)
{
	const struct type *t = infer_value(in, n);

	if (infer_known(in, t) && !infer_is_truth(t) && in->report) {
		struct diag *d = diag(in->u->diags, n->span, D_CONDITION, infer_name(in, t));

		if (n->kind == N_RECORD) /* (name = value) */
			diag_hint(d, "To compare, write '=='");
	}
}

void infer_cond(struct infer *in, struct node *n)
{
	const struct type *t = infer_value(in, n);

	if (!infer_known(in, t) || t->kind != V_STRING)
		infer_truth(in, n);
}

const struct type *infer_if(struct infer *in, struct node *n)
{
	const struct type *a, *b, *both;

	infer_cond(in, n->cond.cond);
	a = n->cond.then ? infer_value(in, n->cond.then) : n->cond.cond->type;
	if (!n->cond.otherwise)
		return type_void(in->ts);
	b = infer_value(in, n->cond.otherwise);
	if (a == in->bad || b == in->bad)
		return in->bad;
	if (!a || !b)
		return a ? a : b;
	both = type_join(in->ts, a, b, NULL);
	if (both) {
		if (n->cond.then)
			infer_convert(in, n->cond.then, a, both);
		infer_convert(in, n->cond.otherwise, b, both);
		return both;
	}
	if (in->report)
		diag(in->u->diags, n->span, D_BRANCH_TYPES, infer_name(in, a), infer_name(in, b));
	return in->bad;
}

static bool can_be_kept(const struct type *t)
{
	return t->kind != V_VOID && t->kind != V_NONE && !type_is_agg(t);
}

/* bad when the value is none that a variable can hold. */
static const struct type *kept_in_var(struct infer *in, const struct type *t, struct span sp)
{
	if (!infer_known(in, t) || can_be_kept(t))
		return t;
	if (in->report)
		diag(in->u->diags, sp, D_VAR_VALUE, infer_name(in, t));
	return in->bad;
}

/* bad when the value is none that a map can hold; aggregates come from their functions only. */
static const struct type *kept_in_map(struct infer *in, const struct node *n, const struct type *t)
{
	const struct node *v = n->assign.value;
	bool to_map = v->kind == N_CALL && v->call.fn && v->call.fn->flags & BI_MAPFN;
	struct diag *d;

	if (!infer_known(in, t) || (type_is_agg(t) && to_map) ||
	    (can_be_kept(t) && !type_is_empty(t)))
		return t;
	if (!in->report)
		return in->bad;
	if (!type_is_agg(t)) {
		diag(in->u->diags, n->span, D_MAP_VALUE, infer_name(in, t));
		return in->bad;
	}
	d = diag(in->u->diags, n->span, D_AGG_COPY, infer_name(in, t), n->assign.target->map.name);
	if (t->kind != V_STATS && type_agg_value(in->ts, t) && v->kind == N_MAP)
		diag_hint(d,
			  "Add a cast to integer if you want the value of the aggregate, "
			  "e.g. `%s = (int64)%s;`.",
			  n->assign.target->map.name, v->map.name);
	return in->bad;
}

/* The type that target op= value leaves in the target. */
static const struct type *compound(struct infer *in, struct node *n, const struct type *old,
				   const struct type *value)
{
	const struct type *t;

	if (!infer_known(in, value) || old == in->bad)
		return value;
	if (!old)
		old = type_lit(in->ts, 1);
	if (type_is_agg(old))
		return value;
	t = infer_arith(in, n->assign.op, old, value);
	if (t || !in->report)
		return t;
	diag(in->u->diags, n->span, D_OP_MISMATCH, binary_op_text(n->assign.op),
	     infer_name(in, old), infer_name(in, value));
	return in->bad;
}

static void infer_assign(struct infer *in, struct node *n)
{
	struct node *to = n->assign.target, *v = n->assign.value;
	const struct type *t;

	if (to->kind == N_MAP && to->map.key)
		infer_key(in, to->map.sym, to->map.key, to->span);
	if (to->kind == N_MAP && v->kind == N_CALL && n->assign.op == OP_NONE)
		t = v->type = infer_call(in, v, true);
	else if (to->kind == N_MAP && n->assign.op == OP_NONE)
		t = infer_expr(in, v);
	else
		t = infer_value(in, v);
	if (to->kind == N_VAR) {
		if (n->assign.op != OP_NONE && to->var.sym)
			t = compound(in, n, to->var.sym->type, t);
		infer_to_var(in, to->var.sym, kept_in_var(in, t, n->span),
			     n->assign.op == OP_NONE ? v : NULL, n->span);
		to->type = to->var.sym ? to->var.sym->type : in->bad;
	} else if (to->kind == N_MAP) {
		if (n->assign.op != OP_NONE && to->map.sym)
			t = compound(in, n, to->map.sym->val, t);
		infer_to_map(in, to->map.sym, kept_in_map(in, n, t),
			     n->assign.op == OP_NONE ? v : NULL, n->span);
		to->type = to->map.sym ? to->map.sym->val : in->bad;
	} else if (in->report && !(to->kind == N_IDENT && !to->ident.fn)) { /* told already */
		diag(in->u->diags, to->span, D_ASSIGN_TARGET);
	}
}

static void infer_let(struct infer *in, struct node *n)
{
	struct var_sym *sym = n->let.var->var.sym;
	const struct type *t;

	if (n->let.vtype && sym && !sym->type) {
		sym->type = infer_written(in, n->let.vtype);
		sym->type_span = n->let.vtype->span;
		in->changed = true;
	} else if (n->let.vtype && in->report) {
		infer_written(in, n->let.vtype);
	}
	if (n->let.init) {
		t = kept_in_var(in, infer_value(in, n->let.init), n->span);
		infer_to_var(in, sym, t, n->let.init, n->span);
	}
	n->let.var->type = sym ? sym->type : in->bad;
}

/* $kv.0 is the key, $kv.1 the value. */
static void infer_for_map(struct infer *in, struct node *n)
{
	struct map_sym *m = n->loop.map->kind == N_MAP ? n->loop.map->map.sym : NULL;
	const struct type *t = infer_expr(in, n->loop.map), *kv[2];

	if (m && m->has_scalar_use) {
		if (in->report)
			diag(in->u->diags, n->loop.map->span, D_FOR_SCALAR, m->name);
		t = in->bad;
	} else if (infer_known(in, t) && type_is_agg(t) && !type_agg_value(in->ts, t)) {
		if (in->report)
			diag(in->u->diags, n->loop.map->span, D_FOR_AGG, infer_name(in, t));
		t = in->bad;
	}
	if (m && m->key && infer_known(in, t)) {
		kv[0] = m->key;
		kv[1] = type_is_agg(t) && type_agg_value(in->ts, t) ? type_agg_value(in->ts, t) : t;
		t = type_tuple(in->ts, kv, 2);
		infer_to_var(in, n->loop.var->var.sym, t, NULL, n->loop.var->span);
		n->loop.var->type = t;
	} else if (t == in->bad) {
		infer_to_var(in, n->loop.var->var.sym, t, NULL, n->loop.var->span);
	}
	infer_body(in, n->loop.body);
}

static const struct type *infer_bound(struct infer *in, struct node *n)
{
	const struct type *t = infer_value(in, n);

	if (!infer_known(in, t) || type_is_int(t))
		return t;
	if (in->report)
		diag(in->u->diags, n->span, D_RANGE_BOUND, infer_name(in, t));
	return in->bad;
}

static void infer_for_range(struct infer *in, struct node *n)
{
	const struct type *a = infer_bound(in, n->loop.from), *b = infer_bound(in, n->loop.to);

	if (a == in->bad || b == in->bad)
		infer_to_var(in, n->loop.var->var.sym, in->bad, NULL, n->loop.var->span);
	else if (a && b)
		infer_to_var(in, n->loop.var->var.sym, infer_arith(in, OP_ADD, a, b), NULL,
			     n->loop.var->span);
	n->loop.var->type = n->loop.var->var.sym ? n->loop.var->var.sym->type : in->bad;
	infer_body(in, n->loop.body);
}

static void infer_if_stmt(struct infer *in, struct node *n)
{
	infer_cond(in, n->cond.cond);
	infer_body(in, n->cond.then);
	if (n->cond.otherwise)
		infer_body(in, n->cond.otherwise);
	n->type = type_void(in->ts);
}

static void infer_return(struct infer *in, struct node *e)
{
	const struct type *t = e ? infer_value(in, e) : NULL;

	if (t && in->report && infer_known(in, t) && t->kind != V_INT && t->kind != V_BOOL)
		diag(in->u->diags, e->span, D_RETURN_TYPE, type_name(in->u->arena, t));
}

void infer_stmt(struct infer *in, struct node *n)
{
	switch (n->kind) {
	case N_EXPR_STMT: infer_stmt(in, n->expr.e); break;
	case N_DISCARD: infer_value(in, n->expr.e); break;
	case N_RETURN: infer_return(in, n->expr.e); break;
	case N_LET: infer_let(in, n); break;
	case N_ASSIGN: infer_assign(in, n); break;
	case N_BLOCK: infer_body(in, n); break;
	case N_IF:
		if (!n->cond.is_comptime)
			infer_if_stmt(in, n);
		else if (infer_pick(in, n))
			infer_stmt(in, n);
		break;
	case N_FOR_MAP: infer_for_map(in, n); break;
	case N_FOR_RANGE: infer_for_range(in, n); break;
	case N_WHILE:
		infer_cond(in, n->repeat.cond);
		infer_body(in, n->repeat.body);
		break;
	case N_UNROLL:
		infer_value(in, n->repeat.cond);
		infer_fix(in, n->repeat.cond);
		infer_body(in, n->repeat.body);
		break;
	case N_BREAK:
	case N_CONTINUE: break;
	case CASES_EXPRESSION: infer_expr(in, n); break;
	case CASES_TOP_LEVEL:
	case CASES_TYPE: break;
	}
}

void infer_stmts(struct infer *in, struct node *list)
{
	for (; list; list = list->next)
		infer_stmt(in, list);
}

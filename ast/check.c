/* SPDX-License-Identifier: Apache-2.0 */
/* What types do not say: where things may stand, what is not there yet. */
#include <errno.h>
#include <string.h>

#include "ast/check.h"
#include "ast/settings.h"

#define UNROLL_MAX 100

struct checker {
	struct unit *u;
	uint32_t loops; /* around the place: break and continue */
	uint32_t for_loops;
	bool told_cpid;
};

static bool is_agg_call(const struct node *n)
{
	return n->kind == N_CALL && n->call.fn && n->call.fn->flags & BI_MAPFN;
}

static void check_unroll(struct checker *c, const struct node *n)
{
	const struct node *cnt = n->repeat.cond;

	if (check_is_bad(cnt))
		return;
	if (cnt->kind != N_INT)
		diag(c->u->diags, cnt->span, D_UNROLL_LITERAL);
	else if (cnt->num.is_unsigned || (int64_t)cnt->num.value > UNROLL_MAX)
		diag(c->u->diags, cnt->span, D_UNROLL_MAX, UNROLL_MAX);
	else if ((int64_t)cnt->num.value < 1)
		diag(c->u->diags, cnt->span, D_UNROLL_MIN);
}

/* comm == "a-name-of-more-than-15-letters" */
static void check_text_fits(struct checker *c, const struct node *text, const struct node *value)
{
	const struct type *t = value->type;

	if (text->kind == N_STR && value->kind != N_STR && t && t->kind == V_STRING &&
	    text->str.len >= t->size)
		diag(c->u->diags, text->span, D_TEXT_NEVER, (unsigned long long)text->str.len,
		     type_name(c->u->arena, t), t->size - 1);
}

static void check_binary(struct checker *c, const struct node *n)
{
	const struct node *r = n->binary.r;
	enum binary_op op = n->binary.op;

	if ((op == OP_EQ || op == OP_NE) && !check_is_bad(n)) {
		check_text_fits(c, n->binary.l, r);
		check_text_fits(c, r, n->binary.l);
	}
	if (r->kind != N_INT || check_is_bad(n))
		return;
	if ((op == OP_DIV || op == OP_MOD) && !r->num.value)
		diag(c->u->diags, r->span, D_DIV_ZERO);
	if ((op == OP_SHL || op == OP_SHR) && r->num.value > 63)
		diag(c->u->diags, r->span, D_SHIFT_RANGE, (long long)r->num.value);
}

static void check_assign(struct checker *c, const struct node *n)
{
	const struct node *v = n->assign.value;
	enum binary_op op = n->assign.op;

	if ((op == OP_DIV || op == OP_MOD) && v->kind == N_INT && !v->num.value)
		diag(c->u->diags, v->span, D_DIV_ZERO);
}

/* A string with its NUL has to fit where str() would put it; what is not kept as one may be longer. */
static void check_text(struct checker *c, const struct node *n)
{
	uint64_t max = setting_num(c->u->settings, SETTING_max_strlen);

	if (n->str.len + 1ull > max)
		diag(c->u->diags, n->span, D_STR_LITERAL_LONG, (unsigned long long)max,
		     n->str.text);
}

static bool is_literal_arg(const struct signature *sig, uint32_t i)
{
	return i < sig->cnt && sig->args[i].sorts & (SIG_FORMAT | SIG_LITERAL_STRING);
}

static bool enter_call(struct walker *w, struct node *n)
{
	struct signature sig = { 0 };
	struct checker *c = w->arg;
	uint32_t i = 0;

	if (c->for_loops && n->call.fn && n->call.fn->id == B_exit)
		diag(c->u->diags, n->span, D_EXIT_IN_LOOP);
	check_call(c->u, n);
	if (n->call.fn)
		signature_parse(&sig, n->call.fn->signature);
	for (struct node *a = n->call.args; a; a = a->next, i++)
		if (a->kind != N_STR || !is_literal_arg(&sig, i))
			walk(w, a);
	return false;
}

/* Once is enough: a predicate may well name it twice. */
static void check_ident(struct checker *c, const struct node *n)
{
	const struct compile_options *opt = c->u->opt;

	if (!n->ident.fn || n->ident.fn->id != B_cpid || opt->has_child || opt->open_options ||
	    c->told_cpid)
		return;
	diag(c->u->diags, n->span, D_CPID_NONE);
	c->told_cpid = true;
}

static bool leaves(const struct node *n)
{
	const struct node *e = n->kind == N_EXPR_STMT ? n->expr.e : n;

	return n->kind == N_RETURN || n->kind == N_BREAK || n->kind == N_CONTINUE ||
	       (e->kind == N_CALL && e->call.fn && e->call.fn->id == B_exit);
}

static void check_block(struct checker *c, const struct node *n)
{
	for (const struct node *s = n->block.stmts; s; s = s->next) {
		const struct node *after = s->next ? s->next : n->block.value;

		if (after && leaves(s)) {
			diag(c->u->diags, after->span, D_UNREACHABLE);
			return;
		}
	}
}

/* Only here may an aggregate stand. */
static bool enter_assign(struct walker *w, struct node *n)
{
	check_assign(w->arg, n);
	if (n->assign.op != OP_NONE || n->assign.target->kind != N_MAP ||
	    !is_agg_call(n->assign.value))
		return true;
	walk(w, n->assign.target);
	return enter_call(w, n->assign.value);
}

static bool enter_loop(struct walker *w, struct node *n)
{
	struct checker *c = w->arg;
	bool is_for = n->kind != N_WHILE;

	walk(w, is_for ? n->loop.map : n->repeat.cond);
	walk(w, n->kind == N_FOR_RANGE ? n->loop.from : NULL);
	walk(w, n->kind == N_FOR_RANGE ? n->loop.to : NULL);
	c->loops++;
	c->for_loops += is_for;
	walk(w, is_for ? n->loop.body : n->repeat.body);
	c->loops--;
	c->for_loops -= is_for;
	return false;
}

static bool has_address(const struct node *e)
{
	if (e->kind == N_MAP)
		return !e->map.sym || !e->map.sym->val || !type_is_agg(e->map.sym->val);
	return e->kind == N_VAR || e->kind == N_FIELD || e->kind == N_INDEX ||
	       (e->kind == N_UNARY && e->unary.op == UN_DEREF);
}

/* Texts are told apart by what they say, hardly ever by where they are. */
static void check_key_text(struct checker *c, const struct node *map)
{
	const struct node *key = map->map.key;

	if (key && key->kind == N_TUPLE)
		key = key->list.elems;
	for (; key; key = key->next)
		if (!check_is_bad(key) && check_points_to_text(key->type))
			diag_hint(diag(c->u->diags, key->span, D_KEY_ADDRESS,
				       type_name(c->u->arena, key->type)),
				  "str(%.*s) reads the text", (int)(key->span.to - key->span.from),
				  source_text(c->u->sources, key->span));
}

static void check_address(struct checker *c, const struct node *n)
{
	if (n->unary.op == UN_ADDR && !has_address(n->unary.e))
		diag(c->u->diags, n->span, D_ADDRESS);
}

static void check_agg_place(struct checker *c, const struct node *n)
{
	if (is_agg_call(n))
		diag_hint(diag(c->u->diags, n->span, D_AGG_PLACE, n->call.fn->name),
			  "A map keeps it: @ = %.*s", (int)(n->span.to - n->span.from),
			  source_text(c->u->sources, n->span));
}

static void check_jump(struct checker *c, const struct node *n)
{
	if (!c->loops)
		diag(c->u->diags, n->span, D_JUMP_PLACE, n->kind == N_BREAK ? "break" : "continue");
}

static bool has_effect(const struct node *e)
{
	return e->kind == N_INCDEC || e->kind == N_ASSIGN || e->kind == N_IF ||
	       e->kind == N_BLOCK ||
	       (e->kind == N_CALL && (!e->call.fn || e->call.fn->flags & (BI_STMT | BI_EFFECT)));
}

/* What is wrong will be written anew: that its value is lost does not matter yet. */
static bool enter_expr_stmt(struct walker *w, struct node *n)
{
	struct checker *c = w->arg;
	const struct node *e = n->expr.e;
	unsigned errors = diags_errors(c->u->diags);

	walk(w, n->expr.e);
	if (diags_errors(c->u->diags) == errors && !has_effect(e) && !check_is_bad(e) &&
	    e->type->kind != V_VOID && !type_is_agg(e->type))
		diag(c->u->diags, e->span, D_DISCARDED);
	return false;
}

/* Whether to go on into the children. */
static bool enter(struct walker *w, struct node *n)
{
	struct checker *c = w->arg;

	switch (n->kind) {
	case N_IMPORT:
	case N_CPP:
	case N_CDEF:
	case N_MACRO: return false;
	case N_FOR_MAP:
	case N_FOR_RANGE:
	case N_WHILE: return enter_loop(w, n);
	case N_TYPE_ARG: return false;
	case N_ASSIGN: return enter_assign(w, n);
	case N_EXPR_STMT: return enter_expr_stmt(w, n);
	case N_UNARY: check_address(c, n); return true;
	case N_CALL: check_agg_place(c, n); return enter_call(w, n);
	case N_UNROLL: check_unroll(c, n); return true;
	case N_BLOCK: check_block(c, n); return true;
	case N_BINARY: check_binary(c, n); return true;
	case N_BREAK:
	case N_CONTINUE: check_jump(c, n); return true;
	case N_CONFIG: return false;
	case N_MAP: check_key_text(c, n); return true;
	case N_STR: check_text(c, n); return true;
	case N_IDENT: check_ident(c, n); return true;
	case N_IF:
	case N_PROGRAM:
	case N_CONFIG_VAR:
	case N_MAP_DECL:
	case N_PROBE:
	case N_ATTACH:
	case N_LET:
	case N_DISCARD:
	case N_RETURN:
	case N_INT:
	case N_BOOL:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_OPTION:
	case N_VAR:
	case N_INCDEC:
	case N_TERNARY:
	case N_FIELD:
	case N_TUPLE_GET:
	case N_INDEX:
	case N_CAST:
	case N_TUPLE:
	case N_RECORD:
	case N_NAMED:
	case N_OFFSETOF:
	case N_SIZEOF:
	case CASES_TYPE: return true;
	}
	return true;
}

/* Aggregates have limits of their own. */
static void check_size(struct checker *c, const char *what, struct span sp, const struct type *t)
{
	if (t && !type_is_agg(t) && t->size > TYPE_SIZE_MAX)
		diag(c->u->diags, sp, D_TOO_LARGE, what, t->size, TYPE_SIZE_MAX);
}

/* Aggregates are kept per CPU, everything else once for all: a declaration cannot change that. */
static void check_map_kind(struct checker *c, const struct map_sym *m)
{
	bool per_cpu;

	if (!m->kind || !m->val || m->val->kind == V_NONE)
		return;
	per_cpu = type_is_agg(m->val);
	if (per_cpu == !strncmp(m->kind, "percpu", 6))
		return;
	diag_also(diag(c->u->diags, m->val_span, D_MAP_KIND_VALUE, m->kind,
		       per_cpu ? "percpuhash" : "hash"),
		  m->def, "declared here");
}

static void check_assigned(struct checker *c, const struct var_sym *v)
{
	if (v->early.to)
		diag(c->u->diags, v->early, D_VAR_EARLY, var_shown(v->name));
	else if (!v->assigned)
		diag(c->u->diags, v->def, D_VAR_NEVER_SET, var_shown(v->name));
}

static void check_symbols(struct checker *c, const struct node *program)
{
	for (const struct map_sym *m = program->program.maps; m; m = m->next) {
		check_size(c, m->name, m->key_span, m->key);
		check_size(c, m->name, m->val_span, m->val);
		check_map_kind(c, m);
	}
	for (const struct node *n = program->program.items; n; n = n->next) {
		if (n->kind != N_PROBE)
			continue;
		for (const struct var_sym *v = n->probe.vars; v; v = v->next) {
			check_size(c, v->name, v->type_span, v->type);
			if (!v->undefined && v->type->kind != V_NONE)
				check_assigned(c, v);
		}
	}
}

/* A mistake of ours must not reach codegen: an expression without a type that nobody told about. */
static void check_typed(struct walker *w, struct node *n)
{
	struct unit *u = w->arg;

	if (n->kind >= N_INT && n->kind < N_TYPE_ARG && n->kind != N_NAMED && check_is_bad(n))
		diag(u->diags, n->span, D_UNTYPED);
}

static bool is_expression(struct walker *w, struct node *n)
{
	(void)w;
	return !node_is_type(n);
}

/* Needs: types. Gives: certainty that codegen can do it all, or -EINVAL. */
int check(struct unit *u)
{
	struct checker c = { .u = u };
	struct walker w = { .pre = enter, .arg = &c };
	struct walker typed = { .pre = is_expression, .post = check_typed, .arg = u };

	walk(&w, u->program);
	check_symbols(&c, u->program);
	if (!diags_errors(u->diags))
		check_pinned(u);
	if (!diags_errors(u->diags))
		for (struct node *n = u->program->program.items; n; n = n->next)
			if (n->kind == N_PROBE)
				walk(&typed, n);
	return diags_errors(u->diags) ? -EINVAL : 0;
}

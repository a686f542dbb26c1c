/* SPDX-License-Identifier: Apache-2.0 */
/* What is known when compiling: questions about types, assertions, if comptime. */
#include <bpf/btf.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/infer.h"
#include "ast/settings.h"

const struct type *infer_literal(struct infer *in, struct node *n, enum node_kind kind, uint64_t v)
{
	node_become_number(n, kind, v, false);
	return kind == N_BOOL ? type_bool(in->ts) : type_of_literal(in->ts, v, false);
}

static bool is_integer(const struct type *t)
{
	return t->kind == V_INT || t->kind == V_ENUM;
}

static const struct type *question(struct infer *in, struct node *n)
{
	const struct node *a = n->call.args;
	const struct type *t = a->type;
	bool yes = false;

	switch ((int)n->call.fn->id) {
	case B_is_array: yes = t->kind == V_ARRAY; break;
	case B_is_integer: yes = is_integer(t); break;
	case B_is_unsigned_integer: yes = is_integer(t) && !t->is_signed; break;
	case B_is_literal: yes = a->kind == N_INT || a->kind == N_STR || a->kind == N_BOOL; break;
	case B_is_ptr: yes = t->kind == V_PTR; break;
	case B_is_str: yes = t->kind == V_STRING; break;
	}
	return infer_literal(in, n, N_BOOL, yes);
}

/* ---- records of literals: config, typeinfo() ---- */

static struct node *member(struct infer *in, struct span sp, const char *name)
{
	struct node *m = node_new(in->u->arena, N_NAMED, sp);

	m->named.name = name;
	m->named.e = node_new(in->u->arena, N_INT, sp);
	return m;
}

static struct node *text_member(struct infer *in, struct span sp, const char *name,
				const char *text)
{
	struct node *m = member(in, sp, name);

	node_become_text(m->named.e, text);
	return m;
}

static const struct type *make_record(struct infer *in, struct node *n, struct node *elems)
{
	n->kind = N_RECORD;
	n->list.elems = elems;
	n->list.cnt = 0;
	for (; elems; elems = elems->next)
		n->list.cnt++;
	return infer_expr(in, n);
}

static const struct type *config(struct infer *in, struct node *n)
{
	const struct settings *s = in->u->settings;
	struct node *elems = NULL, **tail = &elems;

	for (int id = 0; id < SETTING_CNT; id++, tail = &(*tail)->next) {
		const char *text = setting_str(s, id);

		if (text) {
			*tail = text_member(in, n->span, setting_name(id), text);
			continue;
		}
		*tail = member(in, n->span, setting_name(id));
		(*tail)->named.e->num.value = setting_num(s, id);
		if (setting_kind(id) == SETTING_BOOL)
			(*tail)->named.e->kind = N_BOOL;
	}
	return make_record(in, n, elems);
}

static const char *base_name(const struct type *t)
{
	if (t->kind == V_STRUCT || t->kind == V_UNION)
		return "c_type";
	if (t->kind == V_PTR)
		return "pointer";
	return t->kind == V_ENUM ? "int" : type_kind_name(t);
}

/* Of a map with keys by itself: what a key is. NULL: not known yet. */
static const struct type *asked_type(const struct node *call)
{
	const struct node *a = call->call.args;

	if (!a || a->kind != N_MAP || !a->map.sym)
		return a ? node_stored_type(a) : NULL;
	return a->map.whole && a->map.sym->key ? a->map.sym->key : a->map.sym->val;
}

/* Until the last walk the type may still widen: then the call stays, and its name may lengthen. */
static const struct type *typeinfo(struct infer *in, struct node *n)
{
	const struct type *t = asked_type(n);
	struct node *id, copy = *n;

	if (!infer_known(in, t))
		return t;
	id = member(in, n->span, "btf_id");
	id->next = text_member(in, n->span, "base_type", base_name(t));
	id->next->next = text_member(in, n->span, "full_type", infer_name(in, t));
	return make_record(in, in->report ? n : &copy, id);
}

static const struct type *take_literal(struct infer *in, struct node *n, const struct node *value)
{
	struct node *next = n->next;
	struct span span = n->span;

	if (value->kind != N_INT && value->kind != N_BOOL && value->kind != N_STR)
		return NULL;
	*n = *value;
	n->next = next;
	n->span = span;
	return infer_expr(in, n);
}

/* typeinfo(e).base_type is known before the last walk: no type becomes one of another kind. */
const struct type *infer_literal_field(struct infer *in, struct node *n)
{
	const struct node *e = n->field.e;
	const struct type *t;

	if (e->kind == N_CALL && e->call.fn && e->call.fn->id == B_typeinfo) {
		t = strcmp(n->field.name, "base_type") == 0 ? asked_type(e) : NULL;
		if (!infer_known(in, t))
			return NULL;
		return take_literal(in, n, text_member(in, n->span, "", base_name(t))->named.e);
	}
	for (const struct node *m = e->kind == N_RECORD ? e->list.elems : NULL; m; m = m->next)
		if (strcmp(m->named.name, n->field.name) == 0)
			return take_literal(in, n, m->named.e);
	return NULL;
}

static const struct type *kfunc_allowed(struct infer *in, struct node *n)
{
	const struct node *name = n->call.args;
	bool yes;

	if (name->kind != N_STR || !in->probe->probe.ptype)
		return in->bad;
	yes = ctypes_has_function(in->u->ctypes, name->str.text) &&
	      probe_kfunc_allowed(in->u->env, in->probe->probe.ptype, name->str.text);
	return infer_literal(in, n, N_BOOL, yes);
}

static const struct type *kfunc_exist(struct infer *in, struct node *n)
{
	if (n->call.args->kind != N_STR)
		return in->bad;
	return infer_literal(in, n, N_BOOL,
			     ctypes_has_function(in->u->ctypes, n->call.args->str.text));
}

void infer_note(struct infer *in, const struct type *t, const struct node *n)
{
	struct size_used *s = arena_new_of(in->u->arena, struct size_used);

	*s = (struct size_used){ .type = t, .span = n->span, .next = in->u->sizes };
	if (n->kind == N_OFFSETOF) {
		s->path = n->sizeof_.path;
		s->path_cnt = n->sizeof_.path_cnt;
	}
	in->u->sizes = s;
}

/* Of a probe at one place its name is known, and its type at any number of them. */
static void fix_name(struct infer *in, struct node *n)
{
	const struct node *probe = in->probe, *at = probe ? probe->probe.attaches : NULL;
	enum builtin_id id = n->ident.fn ? n->ident.fn->id : B_COUNT;

	if (!probe || !probe->probe.ptype)
		return;
	if (id == B_probetype)
		node_become_text(n, probe_type_name(probe->probe.ptype));
	else if (id == B_probe && at && !at->next && at->attach.target)
		node_become_text(n, at->attach.target->name);
}

static void fix_known(struct walker *w, struct node *n)
{
	struct infer *in = w->arg;

	if (n->kind == N_IDENT)
		fix_name(in, n);
	if (n->kind != N_OFFSETOF || !infer_known(in, n->type))
		return;
	infer_note(in, n->sizeof_.arg->type, n);
	n->type = infer_literal(in, n, N_INT, n->sizeof_.off);
}

void infer_fix(struct infer *in, struct node *e)
{
	struct walker w = { .post = fix_known, .arg = in };

	walk(&w, e);
	infer_value(in, e);
}

static const struct type *static_assert_(struct infer *in, struct node *n)
{
	const struct node *cond = n->call.args, *why = cond->next;

	if (!in->report)
		return type_void(in->ts);
	infer_fix(in, n->call.args);
	if (cond->kind != N_INT && cond->kind != N_BOOL)
		diag(in->u->diags, cond->span, D_ASSERT_COMPTIME);
	else if (!cond->num.value)
		diag(in->u->diags, n->span, D_FAIL,
		     why && why->kind == N_STR ? why->str.text : "static assertion failed");
	return type_void(in->ts);
}

/* "%s" and "%d" of literals; what else stands in the format is shown as it is. */
static const char *fail_text(struct arena *a, const struct node *args)
{
	const char *s = "", *f = args->str.text;
	const struct node *v = args->next;

	for (size_t len; *f; f += len) {
		len = strcspn(f, "%");
		s = arena_printf(a, "%s%.*s", s, (int)len, f);
		if (!f[len])
			break;
		if (f[len + 1] == '%')
			s = arena_printf(a, "%s%%", s);
		else if (v && v->kind == N_STR)
			s = arena_printf(a, "%s%s", s, v->str.text);
		else if (v)
			s = arena_printf(a, "%s%lld", s, (long long)v->num.value);
		v = v && f[len + 1] != '%' ? v->next : v;
		len += f[len + 1] ? 2 : 1;
	}
	return s;
}

static const struct type *fail(struct infer *in, struct node *n)
{
	if (in->report && n->call.args->kind == N_STR)
		diag(in->u->diags, n->span, D_FAIL, fail_text(in->u->arena, n->call.args));
	return type_void(in->ts);
}

const struct type *infer_comptime(struct infer *in, struct node *n)
{
	const struct builtin *fn = n->kind == N_CALL ? n->call.fn : n->ident.fn;
	const struct type *t;

	if (fn->id == B_default_str_length)
		return infer_literal(in, n, N_INT,
				     setting_num(in->u->settings, SETTING_max_strlen));
	if (fn->id == B_config)
		return config(in, n);
	if (!n->call.args) /* check tells how many there have to be */
		return in->bad;
	t = n->call.args->type;
	if (!infer_known(in, t))
		return t;
	switch ((int)fn->id) {
	case B_strcap:
		return t->kind == V_STRING
			       ? infer_literal(in, n, N_INT, node_stored_type(n->call.args)->size)
			       : in->bad;
	case B_kfunc_exist: return kfunc_exist(in, n);
	case B_kfunc_allowed: return kfunc_allowed(in, n);
	case B_typeinfo: return typeinfo(in, n);
	case B_static_assert: return static_assert_(in, n);
	case B_fail: return fail(in, n);
	case B_getopt: return in->bad; /* resolve has replaced what it could make sense of */
	default: return question(in, n);
	}
}

static bool is_constant(const struct node *n)
{
	if (n->kind == N_TUPLE || n->kind == N_RECORD) {
		for (n = n->list.elems; n; n = n->next)
			if (!is_constant(n->kind == N_NAMED ? n->named.e : n))
				return false;
		return true;
	}
	if (n->kind == N_CAST)
		return is_constant(n->cast.e);
	return n->kind == N_INT || n->kind == N_BOOL || n->kind == N_STR;
}

/* "comptime e" becomes e, when that has become a constant. */
const struct type *infer_constant(struct infer *in, struct node *n)
{
	struct node *e = n->unary.e, *next = n->next;
	const struct type *t = infer_value(in, e);

	if (!in->report || !infer_known(in, t))
		return t;
	if (!is_constant(e)) {
		diag(in->u->diags, n->span, D_COMPTIME_EXPR);
		return in->bad;
	}
	*n = *e;
	n->next = next;
	return t;
}

bool infer_pick(struct infer *in, struct node *n)
{
	const struct node *cond = n->cond.cond;
	struct node *pick, *next = n->next;

	infer_cond(in, n->cond.cond);
	infer_fix(in, n->cond.cond);
	if (cond->kind != N_INT && cond->kind != N_BOOL) {
		if (in->report && cond->type != in->bad)
			diag(in->u->diags, cond->span, D_COMPTIME);
		return false;
	}
	pick = cond->num.value ? n->cond.then : n->cond.otherwise;
	diags_release(cond->num.value ? n->cond.in_then : n->cond.in_otherwise);
	if (!pick)
		pick = node_new(in->u->arena, N_BLOCK, n->span);
	*n = *pick;
	n->next = next;
	return true;
}

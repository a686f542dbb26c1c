/* SPDX-License-Identifier: Apache-2.0 */
/* What is known when compiling: questions about types, assertions, if comptime. */
#include <bpf/btf.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/infer.h"
#include "ast/settings.h"

const struct type *infer_literal(struct infer *in, struct node *n, enum node_kind kind, uint64_t v)
{
	n->kind = kind;
	memset(&n->num, 0, sizeof(n->num));
	n->num.value = v;
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

static const struct type *kfunc_exist(struct infer *in, struct node *n)
{
	if (n->call.args->kind != N_STR)
		return in->bad;
	return infer_literal(in, n, N_BOOL,
			     ctypes_has_function(in->u->ctypes, n->call.args->str.text));
}

static const struct type *static_assert_(struct infer *in, struct node *n)
{
	const struct node *cond = n->call.args, *why = cond->next;

	if (!in->report)
		return type_void(in->ts);
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
	if (!n->call.args) /* check tells how many there have to be */
		return in->bad;
	t = n->call.args->type;
	if (!infer_known(in, t))
		return t;
	switch ((int)fn->id) {
	case B_strcap: return t->kind == V_STRING ? infer_literal(in, n, N_INT, t->size) : in->bad;
	case B_kfunc_exist: return kfunc_exist(in, n);
	case B_static_assert: return static_assert_(in, n);
	case B_fail: return fail(in, n);
	case B_getopt: return in->bad; /* resolve has replaced what it could make sense of */
	default: return question(in, n);
	}
}

bool infer_pick(struct infer *in, struct node *n)
{
	const struct node *cond = n->cond.cond;
	struct node *pick, *next = n->next;

	infer_cond(in, n->cond.cond);
	if (cond->kind != N_INT && cond->kind != N_BOOL) {
		if (in->report && cond->type != in->bad)
			diag(in->u->diags, cond->span, D_COMPTIME);
		return false;
	}
	pick = cond->num.value ? n->cond.then : n->cond.otherwise;
	if (!pick)
		pick = node_new(in->u->arena, N_BLOCK, n->span);
	*n = *pick;
	n->next = next;
	return true;
}

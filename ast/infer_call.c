/* SPDX-License-Identifier: Apache-2.0 */
/* What calls and builtin values give. Whether the arguments are right is check_call.c's. */
#include <stdlib.h>
#include <string.h>

#include "ast/check.h"
#include "ast/infer.h"
#include "ast/settings.h"

/* The result that a signature names. */
static const struct type *result_parse(struct infer *in, const struct builtin *fn)
{
	static const char *const kinds[] = {
#define X(name, text) [V_##name] = text,
		VKINDS(X)
#undef X
	};
	struct signature sig;
	char *text;

	signature_parse(&sig, fn->signature);
	text = arena_strndup(in->u->arena, sig.result, sig.result_len);
	if (strncmp(text, "string[", 7) == 0)
		return type_string(in->ts, (uint32_t)strtoul(text + 7, NULL, 10));
	for (int k = 0; k < V_KIND_CNT; k++)
		if (strcmp(kinds[k], text) == 0 && k != V_INT && k != V_STRING)
			return vkind_is_agg((enum vkind)k) ? type_agg(in->ts, (enum vkind)k, false)
							   : type_plain(in->ts, (enum vkind)k);
	return ctype_parse(in->ts, in->u->arena, text, AS_NONE);
}

static const struct type *result_type(struct infer *in, const struct builtin *fn)
{
	if (!in->result[fn->id])
		in->result[fn->id] = result_parse(in, fn);
	return in->result[fn->id];
}

static const struct type *args_value(struct infer *in, const struct node *n)
{
	const struct node *p = in->probe;

	if (p->probe.args || !p->probe.ptype)
		return p->probe.args ? p->probe.args : in->bad;
	if (in->report)
		diag(in->u->diags, n->span, D_ARGS_PROBE, p->probe.ptype->name);
	return in->bad;
}

static const struct type *task_value(struct infer *in, const struct node *n)
{
	(void)n;
	return type_ptr(in->ts, type_tagged(in->ts, V_STRUCT, "struct task_struct", 0), AS_KERNEL);
}

static bool literal(const struct node *n, int64_t *v)
{
	if (!n || n->kind != N_INT || n->num.is_unsigned)
		return false;
	*v = (int64_t)n->num.value;
	return true;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static const struct type *buf_type(struct infer *in, const struct node *n)
{
	uint32_t max = (uint32_t)setting_num(in->u->settings, SETTING_max_strlen);
	const struct node *a = n->call.args;
	int64_t len;

	if (!a || !infer_known(in, a->type))
		return a ? a->type : in->bad;
	if (a->next && literal(a->next, &len) && len > 0 && len < max)
		return type_buffer(in->ts, (uint32_t)len);
	if (a->type->kind == V_ARRAY && !a->next && a->type->size)
		max = a->type->size;
	if (node_stored_type(a) != a->type)
		max = least(max, node_stored_type(a)->size);
	else if (a->type->kind == V_STRING && a->type->size < max)
		max = a->type->size - !a->next;
	return type_buffer(in->ts, max ? max : 1);
}

/* Both strings and one NUL; no more than a string may be, so that "@s = str_concat(@s, x)" ends. */
static const struct type *concat_type(struct infer *in, const struct node *n)
{
	uint32_t max = setting_text_size(in->u->settings), size;
	const struct node *l = n->call.args, *r = l ? l->next : NULL;

	if (!r || !infer_known(in, l->type) || !infer_known(in, r->type))
		return r ? (infer_known(in, l->type) ? r->type : l->type) : in->bad;
	max = l->type->size > max ? l->type->size : max;
	max = r->type->size > max ? r->type->size : max;
	size = l->type->size + r->type->size - 1;
	return type_string(in->ts, size < max ? size : max);
}

static const struct type *swapped_type(struct infer *in, const struct node *n)
{
	const struct type *t = n->call.args ? n->call.args->type : in->bad;

	if (!infer_known(in, t) || !type_is_int(t))
		return infer_known(in, t) ? in->bad : t;
	return type_int(in->ts, t->size, false);
}

/* Bytes of an IPv4 or IPv6 address. */
static const struct type *pton_type(struct infer *in, const struct node *n)
{
	const struct node *a = n->call.args;
	bool is_v6 = a && a->kind == N_STR && strchr(a->str.text, ':');

	return type_array(in->ts, type_int(in->ts, 1, false), is_v6 ? 16 : 4);
}

static const struct type *name_type(struct infer *in, const struct node *n)
{
	(void)n;
	return type_string(in->ts, 64); /* the longest of such names */
}

static const struct type *probetype_value(struct infer *in, const struct node *n)
{
	(void)n;
	return type_string(in->ts, 16);
}

static const struct type *probe_value(struct infer *in, const struct node *n)
{
	size_t longest = 0;

	(void)n;
	for (const struct node *a = in->probe->probe.attaches; a; a = a->next) {
		size_t len = a->attach.target ? strlen(a->attach.target->name) : 0;

		longest = len > longest ? len : longest;
	}
	return type_string(in->ts, (uint32_t)longest + 1);
}

const char *target_function(const struct probe_target *t)
{
	return t->b && *t->b ? t->b : t->name;
}

static const struct type *func_value(struct infer *in, const struct node *n)
{
	const struct node *p = in->probe;
	size_t longest = 0;

	if (!p->probe.ptype)
		return in->bad;
	if (!(p->probe.ptype->flags & PROBE_FUNCTIONS)) {
		if (in->report)
			diag(in->u->diags, n->span, D_FUNC_PROBE, p->probe.ptype->name);
		return in->bad;
	}
	for (const struct node *a = p->probe.attaches; a; a = a->next) {
		size_t len = a->attach.target ? strlen(target_function(a->attach.target)) : 0;

		longest = len > longest ? len : longest;
	}
	return type_string(in->ts, (uint32_t)longest + 1);
}

/* Parameters out of range are check's to tell. */
static const struct type *hist_type(struct infer *in, const struct node *n)
{
	const struct node *bits = n->call.args ? n->call.args->next : NULL;
	int64_t k = 0;

	if (bits && (!literal(bits, &k) || k < 0 || k > 5))
		return in->bad;
	return type_hist(in->ts, (uint32_t)k);
}

static const struct type *lhist_type(struct infer *in, const struct node *n)
{
	const struct node *a = n->call.args ? n->call.args->next : NULL;
	int64_t v[3];

	for (int i = 0; i < 3; i++, a = a->next)
		if (!a || !literal(a, &v[i]))
			return in->bad;
	if (v[0] >= v[1] || v[2] <= 0 ||
	    ((uint64_t)v[1] - (uint64_t)v[0]) / (uint64_t)v[2] > CHECK_LHIST_MAX)
		return in->bad;
	return type_lhist(in->ts, v[0], v[1], v[2]);
}

static const struct type *tseries_type(struct infer *in, const struct node *n)
{
	const struct type *arg = n->call.args ? n->call.args->type : in->bad;
	const struct node *a = n->call.args ? n->call.args->next : NULL;
	int64_t v[2];
	int kind = TSERIES_LAST;

	for (int i = 0; i < 2; i++, a = a->next)
		if (!a || !literal(a, &v[i]))
			return in->bad;
	if (a)
		kind = a->kind == N_STR ? words_find(CHECK_TSERIES_KINDS, a->str.text) : -1;
	if (v[0] < 1 || v[1] < 1 || v[1] > TSERIES_SLOTS_MAX || kind < 0)
		return in->bad;
	if (infer_known(in, arg) && type_is_agg(arg))
		arg = type_agg_value(in->ts, arg);
	if (!infer_known(in, arg) || !type_is_int(arg))
		return arg || in->report ? in->bad : NULL;
	return type_tseries(in->ts, (enum tseries_kind)kind, arg->is_signed, v[0], v[1]);
}

static const struct type *str_type(struct infer *in, const struct node *n)
{
	uint32_t max = setting_text_size(in->u->settings);
	const struct node *a = n->call.args;
	int64_t len;

	if (!a)
		return in->bad;
	if (a->type && a->type->kind == V_STRING)
		max = least(max, a->type->size);
	else if (a->type && type_is_bytes(a->type) && a->type->count)
		max = least(max, a->type->size + 1);
	if (!literal(a->next, &len) || len < 0 || len >= (int64_t)max)
		return type_string(in->ts, max);
	len += !str_counts_nul(n);
	return type_string(in->ts, len ? (uint32_t)len : 1);
}

/* Whether the probe's type has the flag that the call needs. */
static bool probe_has(struct infer *in, const struct node *n, uint32_t flag)
{
	const struct probe_type *t = in->probe->probe.ptype, *const * all;
	const char *names = "";
	uint32_t cnt;

	if (!t || t->flags & flag)
		return true;
	all = probe_types(&cnt);
	for (uint32_t i = 0; i < cnt; i++)
		if (all[i]->flags & flag)
			names = arena_printf(in->u->arena, "%s%s%s", names, *names ? ", " : "",
					     all[i]->name);
	if (in->report)
		diag(in->u->diags, n->span, D_BTF_PROBE, n->call.fn->name, names);
	return false;
}

/* The helpers behind these take only pointers that the verifier knows by their types. */
static bool has_btf_pointers(struct infer *in, const struct node *n)
{
	return probe_has(in, n, PROBE_BTF_POINTERS);
}

static const struct type *override_type(struct infer *in, const struct node *n)
{
	return probe_has(in, n, PROBE_OVERRIDES) ? result_type(in, n->call.fn) : in->bad;
}

static const struct type *path_type(struct infer *in, const struct node *n)
{
	return has_btf_pointers(in, n) ? str_type(in, n) : in->bad;
}

static const struct type *cookie_type(struct infer *in, const struct node *n)
{
	return has_btf_pointers(in, n) ? result_type(in, n->call.fn) : in->bad;
}

static const struct type *space_type(struct infer *in, const struct node *n)
{
	enum addr_space as = n->call.fn->id == B_uptr ? AS_USER : AS_KERNEL;
	const struct node *a = n->call.args;

	if (!a || !infer_known(in, a->type))
		return a ? a->type : in->bad;
	return type_ptr(in->ts, a->type->kind == V_PTR ? a->type->elem : type_void(in->ts), as);
}

/* kstack([mode,] [limit]); out of range is check's to tell. */
static const struct type *stack_type(struct infer *in, const struct node *n)
{
	const struct builtin *fn = n->kind == N_CALL ? n->call.fn : n->ident.fn;
	const struct node *a = n->kind == N_CALL ? n->call.args : NULL;
	uint64_t mode = setting_num(in->u->settings, SETTING_stack_mode);
	int64_t limit = STACK_MAX;

	if (a && a->kind == N_INT && a->num.is_unsigned) {
		mode = ~a->num.value;
		a = a->next;
	}
	if (fn->id == B_kstack && mode == STACK_BUILD_ID) /* of the setting: user stacks only */
		mode = STACK_BPFTRACE;
	if (a && (!literal(a, &limit) || limit < 0 || limit > STACK_MAX || mode > STACK_BUILD_ID))
		return in->bad;
	return type_stack(in->ts, fn->id == B_kstack ? V_KSTACK : V_USTACK, (uint32_t)mode,
			  (uint32_t)limit);
}

/* has_key(@m, k), delete(@m, k): the key says as much about the map as one in brackets. */
static const struct type *keyed_type(struct infer *in, const struct node *n)
{
	struct node *m = n->call.args;

	if (m && m->kind == N_MAP && m->next && !m->map.key && m->map.sym &&
	    !m->map.sym->has_scalar_use && n->call.arg_cnt == (n->call.fn->id == B_find ? 3 : 2))
		infer_key(in, m->map.sym, m->next, n->span);
	return result_type(in, n->call.fn);
}

/* find(@m, k, $v): and the variable takes what the map holds. */
static const struct type *find_type(struct infer *in, const struct node *n)
{
	const struct node *m = n->call.args, *var = m && m->next ? m->next->next : NULL;
	const struct type *t = m && m->kind == N_MAP && m->map.sym ? m->map.sym->val : NULL;

	if (infer_known(in, t) && type_is_agg(t))
		t = type_agg_value(in->ts, t);
	if (t && var && var->kind == N_VAR)
		infer_to_var(in, var->var.sym, t, NULL, n->span);
	return keyed_type(in, n);
}

static const struct type *agg_type(struct infer *in, const struct node *n)
{
	const struct type *t = result_type(in, n->call.fn), *arg;

	if (!n->call.args)
		return in->bad;
	arg = n->call.args->type;
	if (infer_known(in, arg) && type_is_agg(arg))
		arg = type_agg_value(in->ts, arg);
	if (!infer_known(in, arg) || !type_is_int(arg))
		return arg || in->report ? in->bad : NULL;
	return type_agg(in->ts, t->kind, arg->is_signed);
}

/* Values and functions whose type depends on more than the signature; n is an N_IDENT or N_CALL. */
static const struct type *(*const special[B_COUNT])(struct infer *in, const struct node *n) = {
	[B_arg0... B_arg9] = infer_arg,
	[B_retval] = infer_arg,
	[B_reg] = infer_reg,
	[B_func] = func_value,
	[B_bswap] = swapped_type,
	[B_buf] = buf_type,
	[B_pton] = pton_type,
	[B_str_concat] = concat_type,
	[B_strerror] = name_type,
	[B_signal_name] = name_type,
	[B_syscall_name] = name_type,
	[B_probetype] = probetype_value,
	[B_args] = args_value,
	[B_avg] = agg_type,
	[B_ctx] = infer_ctx,
	[B_curtask] = task_value,
	[B_delete] = keyed_type,
	[B_has_key] = keyed_type,
	[B_find] = find_type,
	[B_hist] = hist_type,
	[B_kptr] = space_type,
	[B_override] = override_type,
	[B_path] = path_type,
	[B_socket_cookie] = cookie_type,
	[B_lhist] = lhist_type,
	[B_max] = agg_type,
	[B_min] = agg_type,
	[B_probe] = probe_value,
	[B_stats] = agg_type,
	[B_str] = str_type,
	[B_sum] = agg_type,
	[B_tseries] = tseries_type,
	[B_uaddr] = infer_uaddr,
	[B_uptr] = space_type,
	[B_kstack] = stack_type,
	[B_ustack] = stack_type,
	[B_dw_ustack] = stack_type,
};

const struct type *infer_call(struct infer *in, struct node *n, bool to_map)
{
	const struct builtin *fn = n->call.fn;
	const struct type *t;

	for (struct node *a = n->call.args; a; a = a->next)
		infer_value(in, a);
	if (!fn)
		return in->bad;
	if (fn->flags & BI_COMPTIME)
		return infer_comptime(in, n);
	t = special[fn->id] ? special[fn->id](in, n) : result_type(in, fn);
	/* Out of place: check says so. */
	return fn->flags & BI_MAPFN && !to_map ? in->bad : t;
}

const struct type *infer_ident(struct infer *in, struct node *n)
{
	const struct builtin *fn = n->ident.fn;

	if (!fn)
		return in->bad;
	if (fn->flags & BI_COMPTIME)
		return infer_comptime(in, n);
	return special[fn->id] ? special[fn->id](in, n) : result_type(in, fn);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What assignments and uses say about the types of variables and maps. */
#include "ast/infer.h"
#include "ast/settings.h"

static bool is_literal_in(const struct node *n, const struct type *to)
{
	uint64_t v;

	if (!n || n->kind != N_INT || to->kind != V_INT)
		return false;
	v = n->num.value;
	if (to->size == 8)
		return to->is_signed ? !n->num.is_unsigned : n->num.is_unsigned || (int64_t)v >= 0;
	if (n->num.is_unsigned)
		return false;
	if (to->is_signed)
		return (int64_t)v == (int64_t)(v << (64 - to->size * 8)) >> (64 - to->size * 8);
	return v >> (to->size * 8) == 0;
}

/* "let $s: string[16] = args.comm": the NUL is in there, as a rule. */
static bool is_stored_text(const struct node *value, const struct type *to)
{
	return value && to->kind == V_STRING && node_stored_type(value) != value->type &&
	       type_fits(node_stored_type(value), to);
}

/* "let $s: string[N] = str(p)" where N is max_strlen: the room is a NUL short, the text is taken. */
static bool is_str_in_room(struct infer *in, const struct type *t, const struct type *to)
{
	return t->kind == V_STRING && to->kind == V_STRING && t->size == to->size + 1 &&
	       t->size == setting_text_size(in->u->settings);
}

/* A type that the script declared: values must fit, only other integers are cut, with a warning. */
static bool fits_declared(struct infer *in, const struct type *to, const struct type *t,
			  struct node *value)
{
	if (type_fits(t, to) || is_literal_in(value, to) || is_str_in_room(in, t, to) ||
	    is_stored_text(value, to))
		return true;
	if (t->kind != V_INT || to->kind != V_INT || (value && value->kind == N_INT))
		return false;
	if (value)
		infer_convert(in, value, t, to);
	return true;
}

void infer_to_var(struct infer *in, struct var_sym *sym, const struct type *t, struct node *value,
		  struct span sp)
{
	const struct type *both;
	struct diag *d;

	if (!sym || !t)
		return;
	if (!sym->type) {
		if (t == in->bad && !in->report)
			return;
		sym->type = t;
		sym->type_span = sp;
		in->changed = true;
		return;
	}
	if (t == in->bad || sym->type == in->bad)
		return;
	if (sym->declared_type) {
		if (!in->report || fits_declared(in, sym->type, t, value))
			return;
	} else {
		both = type_join(in->ts, sym->type, t, NULL);
		if (both) {
			in->changed |= both != sym->type;
			sym->type = both;
			if (in->report && value)
				infer_convert(in, value, t, both);
			return;
		}
	}
	if (!in->report)
		return;
	d = diag(in->u->diags, sp, D_VAR_TYPE, var_shown(sym->name), infer_name(in, t),
		 infer_name(in, sym->type));
	diag_also(d, sym->type_span, "%s here as %s",
		  sym->declared_type ? "declared" : "first used", infer_name(in, sym->type));
}

static void map_clash(struct infer *in, struct map_sym *sym, const struct type *t, struct span sp)
{
	struct diag *d;

	if (t->kind == sym->val->kind &&
	    (t->kind == V_HIST || t->kind == V_LHIST || t->kind == V_TSERIES))
		d = diag(in->u->diags, sp, D_MAP_BOUNDS, type_kind_name(t));
	else
		d = diag(in->u->diags, sp, D_MAP_TYPE, sym->name, infer_name(in, t),
			 infer_name(in, sym->val));
	diag_also(d, sym->val_span, "first used here as %s", infer_name(in, sym->val));
}

void infer_to_map(struct infer *in, struct map_sym *sym, const struct type *t, struct node *value,
		  struct span sp)
{
	const struct type *both;

	if (!sym || !t)
		return;
	if (!sym->val) {
		if (t == in->bad && !in->report)
			return;
		sym->val = t;
		sym->val_span = sp;
		in->changed = true;
		return;
	}
	if (t == in->bad || sym->val == in->bad)
		return;
	both = type_join(in->ts, sym->val, t, NULL);
	if (!both) {
		if (in->report)
			map_clash(in, sym, t, sp);
		return;
	}
	in->changed |= both != sym->val;
	sym->val = both;
	if (in->report && value)
		infer_convert(in, value, t, both);
}

static bool can_be_key(const struct type *t)
{
	switch (t->kind) {
	case V_NONE:
	case V_VOID:
	case V_COUNT:
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS:
	case V_HIST:
	case V_LHIST:
	case V_TSERIES:
	case V_KIND_CNT: return false;
	case V_TUPLE:
	case V_RECORD:
		for (uint32_t i = 0; i < t->count; i++)
			if (!can_be_key(t->fields[i].type))
				return false;
		return true;
	case V_BOOL:
	case V_INT:
	case V_ENUM:
	case V_STRING:
	case V_BUFFER:
	case V_PTR:
	case V_ARRAY:
	case V_STRUCT:
	case V_UNION:
	case V_KSTACK:
	case V_USTACK:
	case V_KSYM:
	case V_USYM:
	case V_TIMESTAMP:
	case V_INET:
	case V_MAC:
	case V_CGROUP_PATH:
	case V_USERNAME: return true;
	}
	return false;
}

void infer_key(struct infer *in, struct map_sym *sym, struct node *key, struct span sp)
{
	const struct type *t = infer_value(in, key), *both;
	struct diag *d;

	if (!sym || !infer_known(in, t))
		return;
	if (!can_be_key(t) || type_is_empty(t)) {
		if (in->report)
			diag(in->u->diags, key->span, D_MAP_KEY_KIND, infer_name(in, t));
		return;
	}
	if (!sym->key) {
		sym->key = t;
		sym->key_span = key->span;
		in->changed = true;
		return;
	}
	both = type_join(in->ts, sym->key, t, NULL);
	if (both) {
		in->changed |= both != sym->key;
		sym->key = both;
		if (in->report)
			infer_convert(in, key, t, both);
	} else if (in->report) {
		d = diag(in->u->diags, sp, D_MAP_KEY, sym->name, infer_name(in, t),
			 infer_name(in, sym->key));
		diag_also(d, sym->key_span, "first used here as %s", infer_name(in, sym->key));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ast/ctype.h"
#include "ast/fold.h"
#include "ast/getopt.h"
#include "ast/infer.h"

enum { COMM_SZ = 16 }; /* the kernel's TASK_COMM_LEN */

static const struct type *infer_var(struct infer *in, struct node *n)
{
	struct var_sym *sym = n->var.sym;

	if (!sym)
		return in->bad;
	if (sym->type || !in->report)
		return sym->type;
	diag(in->u->diags, n->span, D_VAR_UNTYPED, var_shown(sym->name));
	return sym->type = in->bad;
}

/* A map that nothing is put into is a misspelt one, as a rule. */
static void map_hint(struct infer *in, const struct map_sym *sym, struct diag *d)
{
	struct nearest near;

	nearest_init(&near, sym->name);
	for (const struct map_sym *m = in->u->program->program.maps; m; m = m->next)
		if (m->val && !m->unset)
			nearest_feed(&near, m->name);
	if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
}

static const struct type *infer_map(struct infer *in, struct node *n)
{
	struct map_sym *sym = n->map.sym;

	if (n->map.key)
		infer_key(in, sym, n->map.key, n->span);
	if (!sym)
		return in->bad;
	if (!in->report)
		return !sym->val && sym->assigned && in->guess ? type_lit(in->ts, 1) : sym->val;
	if (sym->val && !sym->unset)
		return sym->val;
	if (!sym->val || n->map.whole) {
		map_hint(in, sym, diag(in->u->diags, n->span, D_MAP_UNDEFINED, sym->name));
		return in->bad;
	}
	if (!sym->told)
		map_hint(in, sym, diag(in->u->diags, n->span, D_MAP_NEVER_SET, sym->name));
	sym->told = true;
	return sym->val;
}

static const struct type *infer_incdec(struct infer *in, struct node *n)
{
	struct node *to = n->incdec.target;
	const struct type *t, *old = NULL;

	if (to->kind != N_VAR && to->kind != N_MAP) {
		if (in->report)
			diag(in->u->diags, to->span, D_ASSIGN_TARGET);
		return in->bad;
	}
	t = n->incdec.is_dec ? type_int(in->ts, 8, true) : type_lit(in->ts, 8);
	if (to->kind == N_MAP && to->map.key)
		infer_key(in, to->map.sym, to->map.key, to->span);
	if (to->kind == N_VAR && to->var.sym)
		old = to->var.sym->type;
	else if (to->kind == N_MAP && to->map.sym)
		old = to->map.sym->val;
	if (old && old->kind == V_PTR) {
		t = old;
		if (t->elem)
			type_complete(in->ts, t->elem);
	}
	if (to->kind == N_VAR) {
		infer_to_var(in, to->var.sym, t, NULL, n->span);
		return to->type = to->var.sym ? to->var.sym->type : in->bad;
	}
	infer_to_map(in, to->map.sym, t, NULL, n->span);
	return to->type = to->map.sym ? to->map.sym->val : in->bad;
}

/* The type of one element of a tuple or record. */
static const struct type *infer_member(struct infer *in, struct node *e)
{
	struct node *v = e->kind == N_NAMED ? e->named.e : e;
	const struct type *t = infer_value(in, v);

	if (infer_known(in, t) && (t->kind == V_VOID || type_is_agg(t))) {
		if (in->report)
			diag(in->u->diags, v->span, D_TUPLE_VALUE, infer_name(in, t));
		t = in->bad;
	}
	if (e->kind == N_NAMED)
		e->type = t;
	return t;
}

static const struct type *infer_tuple(struct infer *in, struct node *n)
{
	struct arena *a = in->u->arena;
	const struct type **elems = arena_array_of(a, const struct type *, TYPE_FIELDS_MAX);
	struct type_field *fields = arena_array_of(a, struct type_field, TYPE_FIELDS_MAX);
	bool bad = false, unknown = false;
	uint64_t size = 0;
	uint32_t i = 0;

	for (struct node *e = n->list.elems; e; e = e->next) {
		const struct type *t = infer_member(in, e);

		bad |= t == in->bad;
		unknown |= !t;
		if (!infer_known(in, t) || i == TYPE_FIELDS_MAX || size > TYPE_SIZE_MAX) {
			i += i < TYPE_FIELDS_MAX;
			continue;
		}
		size += t->size;
		elems[i] = t;
		fields[i] = (struct type_field){ .type = t };
		if (e->kind == N_NAMED)
			fields[i].name = e->named.name;
		i++;
	}
	if (bad || unknown)
		return bad ? in->bad : NULL;
	if (n->list.cnt > TYPE_FIELDS_MAX || size > TYPE_SIZE_MAX) {
		if (in->report)
			diag(in->u->diags, n->span, D_TUPLE_LARGE, TYPE_FIELDS_MAX, TYPE_SIZE_MAX);
		return in->bad;
	}
	return n->kind == N_TUPLE ? type_tuple(in->ts, elems, i) : type_record(in->ts, fields, i);
}

/* ---- parts of things ---- */

bool infer_is_args(const struct node *n)
{
	return (n->kind == N_IDENT && n->ident.fn && n->ident.fn->id == B_args) ||
	       (n->kind == N_CALL && n->call.fn && n->call.fn->id == B_args);
}

static const char *struct_name(struct infer *in, const struct node *e, const struct type *t)
{
	const struct node *a = in->probe->probe.attaches;

	if (infer_is_args(e) && a && a->attach.target)
		return arena_printf(in->u->arena, "struct %s_args", a->attach.target->name);
	return infer_name(in, t);
}

/* The first field that has the word in its name: "file" of "filename". NULL: none. */
static const char *field_with(const struct type *t, const char *word)
{
	for (uint32_t i = 0; i < t->count && strlen(word) > 2; i++)
		if (t->fields[i].name && strstr(t->fields[i].name, word))
			return t->fields[i].name;
	return NULL;
}

static bool hint_field(struct diag *d, const struct type *t, const char *name)
{
	struct nearest near;
	const char *best;

	nearest_init(&near, name);
	for (uint32_t i = 0; i < t->count; i++)
		if (t->fields[i].name)
			nearest_feed(&near, t->fields[i].name);
	best = near.best ?: field_with(t, name);
	if (best)
		diag_hint(d, "Did you mean '%s'?", best);
	return best;
}

static const struct type *no_field(struct infer *in, struct node *n, const struct type *t)
{
	struct diag *d;
	struct span at;

	if (!in->report)
		return in->bad;
	if (t->kind != V_STRUCT && t->kind != V_UNION && t->kind != V_RECORD) {
		diag(in->u->diags, n->span, D_FIELD_ON, n->field.name, infer_name(in, t));
		return in->bad;
	}
	if (t->name && !t->count) {
		ctypes_unknown(in->u, n->span, t->name);
		return in->bad;
	}
	at = n->field.name_span.from ? n->field.name_span : n->span;
	if (t->kind == V_RECORD)
		d = diag(in->u->diags, at, D_NO_FIELD_RECORD, n->field.name);
	else
		d = diag(in->u->diags, at, D_NO_FIELD, struct_name(in, n->field.e, t),
			 n->field.name);
	if (!hint_field(d, t, n->field.name) && infer_is_args(n->field.e))
		infer_hint_fields(in, d);
	return in->bad;
}

/* That of the pointer that led there. */
enum addr_space infer_space(const struct node *e)
{
	while (e->type && e->type->kind != V_PTR) {
		if (e->kind == N_FIELD)
			e = e->field.e;
		else if (e->kind == N_INDEX)
			e = e->index.e;
		else if (e->kind == N_UNARY && e->unary.op == UN_DEREF)
			e = e->unary.e;
		else
			return AS_NONE;
	}
	return e->type ? e->type->as : AS_NONE;
}

/* A pointer found there points into the same memory unless its own type says more. */
static const struct type *part_type(struct infer *in, const struct type *t,
				    const struct node *whole)
{
	if (t->kind == V_PTR && t->as == AS_NONE)
		return type_ptr(in->ts, t->elem, infer_space(whole));
	return t;
}

/* A text out of characters that lie in a structure or an array: see node_stored_type(). */
static const struct type *read_text(struct infer *in, const struct type *t)
{
	return t->kind == V_STRING && t->size ? type_string(in->ts, t->size + 1) : t;
}

/*
 * The name of a task, in whatever record: the kernel always ends it with a NUL. It is what programs
 * read most by far, and as a key its 16 bytes are two words.
 */
static bool is_comm(const struct type_field *f)
{
	size_t len = f->name ? strlen(f->name) : 0;

	return f->type->size == COMM_SZ && len >= 4 && strcmp(f->name + len - 4, "comm") == 0;
}

/* What lies elsewhere in a record (__data_loc) has its NUL, and so has a record of the script's. */
static const struct type *field_type(struct infer *in, const struct node *n,
				     const struct type *whole)
{
	const struct type_field *f = n->field.field;
	const struct type *t = part_type(in, f->type, n->field.e);

	if (whole->kind == V_RECORD || f->loc == LOC_DATA_LOC || f->loc == LOC_REL_LOC ||
	    is_comm(f))
		return t;
	return read_text(in, t);
}

static const struct type *infer_field(struct infer *in, struct node *n)
{
	const struct type *t = infer_pointer(in, n->field.e), *literal;
	const struct type_field *f = NULL;

	if (!infer_known(in, t))
		return t;
	literal = infer_literal_field(in, n);
	if (literal)
		return literal;
	if (t->kind == V_PTR && t->elem)
		t = type_complete(in->ts, t->elem);
	if (t->kind == V_STRUCT || t->kind == V_UNION || t->kind == V_RECORD)
		f = type_field_find(t, n->field.name);
	n->field.field = f;
	if (f && !infer_in_reach(in, n, f))
		return in->bad;
	return f ? field_type(in, n, t) : no_field(in, n, t);
}

static const struct type *tuple_elem(struct infer *in, const struct node *n, const struct type *t,
				     uint64_t idx)
{
	if (idx < t->count)
		return t->fields[idx].type;
	if (in->report)
		diag(in->u->diags, n->span, D_TUPLE_INDEX, (unsigned long long)idx, t->count);
	return in->bad;
}

static const struct type *infer_element(struct infer *in, struct node *n)
{
	const struct type *t = infer_expr(in, n->element.e);

	if (!infer_known(in, t))
		return t;
	if (t->kind == V_TUPLE)
		return tuple_elem(in, n, t, n->element.idx);
	if (in->report)
		diag(in->u->diags, n->span, D_TUPLE_ON, n->element.idx, infer_name(in, t));
	return in->bad;
}

static bool is_negative(const struct node *n)
{
	return n->kind == N_INT && !n->num.is_unsigned && (int64_t)n->num.value < 0;
}

static const struct type *infer_index(struct infer *in, struct node *n)
{
	const struct type *t = infer_pointer(in, n->index.e), *i = infer_value(in, n->index.idx);
	const struct node *idx = n->index.idx;

	if (!infer_known(in, t))
		return t;
	if (!infer_known(in, i))
		return i;
	if (!type_is_int(i) || (t->kind == V_ARRAY && is_negative(idx))) {
		if (in->report)
			diag(in->u->diags, idx->span, D_INDEX_TYPE, infer_name(in, i));
		return in->bad;
	}
	if (t->kind == V_TUPLE && idx->kind == N_INT)
		return tuple_elem(in, n, t, idx->num.value);
	if (t->kind == V_STRING)
		return type_int(in->ts, 1, true);
	if (t->kind == V_PTR && t->elem && type_complete(in->ts, t->elem)->size)
		return part_type(in, t->elem, n->index.e);
	if (t->kind == V_ARRAY) {
		if (in->report && t->count && idx->kind == N_INT && idx->num.value >= t->count)
			diag(in->u->diags, n->span, D_INDEX_RANGE,
			     (unsigned long long)idx->num.value, t->count);
		return read_text(in, part_type(in, t->elem, n->index.e));
	}
	if (in->report)
		diag(in->u->diags, n->span, D_INDEX_ON, infer_name(in, t));
	return in->bad;
}

static bool can_cast(const struct type *from, const struct type *to)
{
	bool from_word = type_is_int(from) || from->kind == V_PTR;

	if (from == to)
		return true;
	if (type_is_int(to) || to->kind == V_PTR)
		return from_word || (from->kind == V_ARRAY && from->size == to->size);
	if (to->kind == V_STRING)
		return from->kind == V_STRING || from->kind == V_PTR;
	if (to->kind == V_ARRAY && from_word) /* a literal is as wide as it has to be */
		return from->size == to->size ||
		       (type_is_lit(from) && (to->size == 2 || to->size == 4 || to->size == 8));
	if (to->kind == V_ARRAY)
		return from->kind == V_ARRAY;
	return to->kind == V_TUPLE && from->kind == V_TUPLE && from->count == to->count;
}

/* A constant of an enum that has no such value is a mistake. */
static bool is_variant(struct infer *in, const struct node *n, const struct type *to)
{
	const struct node *e = n->cast.e;

	if (e->kind != N_INT || to->kind != V_ENUM || !to->count)
		return true;
	for (uint32_t i = 0; i < to->count; i++)
		if (to->values[i].value == (int64_t)e->num.value)
			return true;
	if (in->report)
		diag(in->u->diags, n->span, D_ENUM_VALUE, to->name + strlen("enum "),
		     (long long)e->num.value);
	return false;
}

/* Types of fields, and of what they are assigned to, change with the kernel. */
static bool has_fixed_type(const struct node *e)
{
	return e->kind == N_INT || e->kind == N_BOOL || e->kind == N_STR || e->kind == N_CAST ||
	       (e->kind == N_IDENT && e->ident.fn);
}

/* Not of macros, which are for arguments of any type: all of one of ours stands where the call does. */
static void check_needed(struct infer *in, const struct node *n, const struct type *from,
			 const struct type *to)
{
	const struct node *written = n->cast.to;
	struct span call;

	source_origin(in->u->sources, written->span, &call);
	if (in->report && type_settled(in->ts, from) == to && has_fixed_type(n->cast.e) &&
	    written->kind != N_TYPE_OF && !call.to && written->span.from > n->span.from)
		diag(in->u->diags, written->span, D_CAST_SAME, infer_name(in, to));
}

/* Where a text is, which C would take without being asked: a cast to a pointer means that. */
static const struct type *place_of_text(struct infer *in, struct node *n)
{
	struct node *e = n->cast.e, *at;

	if (e->kind != N_FIELD && e->kind != N_INDEX && e->kind != N_VAR && e->kind != N_MAP)
		return e->type;
	at = node_new(in->u->arena, N_UNARY, e->span);
	at->unary.op = UN_ADDR;
	at->unary.e = e;
	n->cast.e = at;
	return infer_expr(in, at);
}

static const struct type *infer_cast(struct infer *in, struct node *n)
{
	const struct type *from = infer_value(in, n->cast.e);
	const struct type *to = infer_written(in, n->cast.to);

	if (!infer_known(in, to) || !infer_known(in, from))
		return infer_known(in, to) ? from : to;
	if (to->kind == V_PTR && from->kind == V_STRING)
		from = place_of_text(in, n);
	if (to->kind == V_ARRAY && !to->count && to->elem->size)
		to = type_array(in->ts, to->elem, from->size / to->elem->size);
	if (to->kind == V_PTR && from->kind == V_PTR && to->as == AS_NONE)
		to = type_ptr(in->ts, to->elem, from->as);
	check_needed(in, n, from, to);
	if (can_cast(from, to))
		return is_variant(in, n, to) ? to : in->bad;
	if (in->report)
		diag(in->u->diags, n->span, D_CAST, infer_name(in, from), infer_name(in, to));
	return in->bad;
}

static const struct type *infer_sizeof(struct infer *in, struct node *n)
{
	const struct type *t;

	while (n->sizeof_.arg->kind == N_TYPE_ARG)
		n->sizeof_.arg = n->sizeof_.arg->type_of.arg;
	t = node_is_type(n->sizeof_.arg) ? infer_written(in, n->sizeof_.arg)
					 : infer_expr(in, n->sizeof_.arg);
	n->sizeof_.arg->type = t;
	if (!infer_known(in, t))
		return t;
	t = node_stored_type(n->sizeof_.arg);
	if (type_is_kernel(t))
		infer_note(in, t, n);
	/* a variable may still widen */
	if (node_is_type(n->sizeof_.arg) || in->report)
		return infer_literal(in, n, N_INT, t->size);
	return type_of_literal(in->ts, t->size, false);
}

static const struct type *no_part(struct infer *in, const struct node *n, uint32_t i,
				  const struct type *t)
{
	const char *name = n->sizeof_.path[i];
	struct span at = n->sizeof_.path_spans ? n->sizeof_.path_spans[i] : SPAN_NONE;

	if (!in->report)
		return in->bad;
	at = at.from ? at : n->span;
	if (t->kind == V_STRUCT || t->kind == V_UNION || t->kind == V_RECORD)
		hint_field(diag(in->u->diags, at, D_NO_FIELD, infer_name(in, t), name), t, name);
	else
		diag(in->u->diags, at, D_FIELD_ON, name, infer_name(in, t));
	return in->bad;
}

static const struct type *infer_offsetof(struct infer *in, struct node *n)
{
	const struct type *t;

	while (n->sizeof_.arg->kind == N_TYPE_ARG)
		n->sizeof_.arg = n->sizeof_.arg->type_of.arg;
	t = node_is_type(n->sizeof_.arg) ? infer_written(in, n->sizeof_.arg)
					 : infer_expr(in, n->sizeof_.arg);
	n->sizeof_.arg->type = t;
	n->sizeof_.off = 0;
	for (uint32_t i = 0; infer_known(in, t) && i < n->sizeof_.path_cnt; i++) {
		const struct type_field *f = NULL;

		if (t->kind == V_STRUCT || t->kind == V_UNION || t->kind == V_RECORD)
			f = type_field_find(type_complete(in->ts, t), n->sizeof_.path[i]);
		if (!f)
			return no_part(in, n, i, t);
		n->sizeof_.off += f->off;
		t = f->type;
	}
	if (infer_known(in, t) && type_is_kernel(n->sizeof_.arg->type))
		return type_of_literal(in->ts, n->sizeof_.off, false); /* known where it runs */
	return infer_known(in, t) ? infer_literal(in, n, N_INT, n->sizeof_.off) : t;
}

static const struct type *infer_cond_expr(struct infer *in, struct node *n)
{
	const struct type *t;

	if (n->kind == N_IF && n->cond.is_comptime)
		return infer_pick(in, n) ? infer_value(in, n) : in->report ? in->bad : NULL;
	t = infer_if(in, n);
	if (infer_known(in, t) && n->kind == N_TERNARY && fold_literal(in->u, n, in->report))
		return n->type;
	return t;
}

/* Of what may be given: any number, a text that is not too long. */
static const struct type *option_type(struct infer *in, const struct node *n)
{
	switch (n->option->opt.kind) {
	case SCRIPT_FLAG: return type_bool(in->ts);
	case SCRIPT_NUMBER: return type_lit(in->ts, 8); /* compared as literals are */
	case SCRIPT_TEXT: return type_string(in->ts, SCRIPT_TEXT_SZ);
	case SCRIPT_KIND_CNT: break;
	}
	return in->bad;
}

static const struct type *infer_kind(struct infer *in, struct node *n)
{
	switch (n->kind) {
	case N_INT:
		return n->num.of_enum ? n->num.of_enum
				      : type_of_literal(in->ts, n->num.value, n->num.is_unsigned);
	case N_BOOL: return type_bool(in->ts);
	case N_STR: return type_string(in->ts, (uint32_t)n->str.len + 1);
	case N_OPTION: return option_type(in, n);
	case N_IDENT: return infer_ident(in, n);
	case N_VAR: return infer_var(in, n);
	case N_MAP: return infer_map(in, n);
	case N_UNARY: return infer_unary(in, n);
	case N_INCDEC: return infer_incdec(in, n);
	case N_BINARY: return infer_binary(in, n);
	case N_IF:
	case N_TERNARY: return infer_cond_expr(in, n);
	case N_BLOCK: return infer_block(in, n);
	case N_CALL: return infer_call(in, n, false);
	case N_FIELD: return infer_field(in, n);
	case N_TUPLE_GET: return infer_element(in, n);
	case N_INDEX: return infer_index(in, n);
	case N_CAST: return infer_cast(in, n);
	case N_TUPLE:
	case N_RECORD: return infer_tuple(in, n);
	case N_NAMED: return infer_value(in, n->named.e);
	case N_SIZEOF: return infer_sizeof(in, n);
	case N_TYPE_ARG: return infer_written(in, n->type_of.arg);
	case N_OFFSETOF: return infer_offsetof(in, n);
	case N_POSITIONAL:
	case N_POS_COUNT:
	case CASES_TOP_LEVEL:
	case CASES_TYPE:
	case CASES_STATEMENT: break;
	}
	return in->bad;
}

const struct type *infer_expr(struct infer *in, struct node *n)
{
	n->type = infer_kind(in, n);
	return n->type ? type_complete(in->ts, n->type) : NULL;
}

const struct type *infer_value(struct infer *in, struct node *n)
{
	const struct type *t = infer_expr(in, n), *v;

	if (!infer_known(in, t) || !type_is_agg(t))
		return t;
	v = type_agg_value(in->ts, t);
	if (t->kind == V_STATS) /* codegen builds it like any other record */
		n->type = v;
	return v ? v : t;
}

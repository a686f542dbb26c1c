// SPDX-License-Identifier: Apache-2.0
/*
 * The C types that a script defines: laid out as the compiler of this machine would, in the order they
 * stand in. What one holds by value must be known by then, what it points to need not.
 */
#include <string.h>

#include "ast/ctype.h"
#include "ast/fold.h"
#include "ast/type.h"
#include "ast/unit.h"

/* A struct, union or enum of the script, by its name with that word before it. */
struct tag_name {
	const char *name;
	struct span span;
	struct tag_name *next;
};

struct typedef_name {
	const char *name;
	struct span span;
	const struct type *type;
	struct typedef_name *next;
};

struct enumerator {
	const char *name;
	struct span span;
	int64_t value;
	const struct type *type;
	struct enumerator *next;
};

struct ctype_script {
	struct unit *u;
	uint32_t def; /* the last definition's number */
	struct tag_name *tags;
	struct typedef_name *typedefs;
	struct enumerator *enumerators;
};

static const struct type *written(struct ctype_script *s, struct node *n);

struct ctype_script *ctype_script_new(struct unit *u, uint32_t def_base)
{
	struct ctype_script *s = arena_new_of(u->arena, struct ctype_script);

	s->u = u;
	s->def = def_base;
	return s;
}

/* ---- by name ---- */

const struct type *ctype_script_typedef(const struct ctype_script *s, const char *name)
{
	for (const struct typedef_name *d = s->typedefs; d; d = d->next)
		if (strcmp(d->name, name) == 0)
			return d->type;
	return NULL;
}

bool ctype_script_value(const struct ctype_script *s, const char *name, int64_t *value,
			const struct type **e)
{
	for (const struct enumerator *v = s->enumerators; v; v = v->next) {
		if (strcmp(v->name, name) == 0) {
			*value = v->value;
			*e = v->type;
			return true;
		}
	}
	return false;
}

void ctype_script_nearest(const struct ctype_script *s, const char *word, struct nearest *near)
{
	size_t len = strlen(word);

	for (const struct tag_name *t = s->tags; t; t = t->next)
		if (len && strncmp(t->name, word, len) == 0)
			nearest_feed(near, t->name + len);
	for (const struct typedef_name *d = s->typedefs; d && !len; d = d->next)
		nearest_feed(near, d->name);
}

void ctype_script_values_nearest(const struct ctype_script *s, struct nearest *near)
{
	for (const struct enumerator *v = s->enumerators; v; v = v->next)
		nearest_feed(near, v->name);
}

/* ---- constants ---- */

static void fold_one(struct walker *w, struct node *n)
{
	struct ctype_script *s = w->arg;
	const struct type *t = NULL;
	int64_t v = 0;

	if (n->kind == N_IDENT && ctypes_value(s->u->ctypes, n->ident.name, &v, &t)) {
		node_become_number(n, N_INT, (uint64_t)v, false);
	} else if (n->kind == N_SIZEOF && node_is_type(n->sizeof_.arg)) {
		t = written(s, n->sizeof_.arg);
		node_become_number(n, N_INT, t ? t->size : 1, false);
	} else {
		fold_literal(s->u, n, true);
	}
}

static bool constant(struct ctype_script *s, struct node *n, int64_t *v)
{
	struct walker w = { .post = fold_one, .arg = s };

	walk(&w, n);
	if (n->kind == N_INT || n->kind == N_BOOL) {
		*v = (int64_t)n->num.value;
		return true;
	}
	if ((n->type == NULL || n->type->kind != V_NONE) && !(n->kind == N_CALL && n->call.is_told))
		diag(s->u->diags, n->span, D_CDEF_CONSTANT);
	return false;
}

/*
 * The type of what is defined wrongly: its name stays, so that who uses it is not told a second
 * time, nor is anything else of the same definition lost.
 */
static const struct type *unknown(struct ctype_script *s)
{
	return type_plain(s->u->types, V_NONE);
}

/* ---- each name once ---- */

static void twice(struct ctype_script *s, const char *what, struct span sp, struct span first)
{
	diag_also(diag(s->u->diags, sp, D_CDEF_TWICE, what), first, "first defined here");
}

/* Structures, unions and enumerations share their tags. */
static void tag_once(struct ctype_script *s, const struct node *n)
{
	const char *name = n->type_def.name, *tag = name ? strchr(name, ' ') : NULL;
	struct tag_name *t;

	if (!tag)
		return;
	for (t = s->tags; t; t = t->next) {
		if (strcmp(strchr(t->name, ' '), tag) != 0)
			continue;
		twice(s, name, n->type_def.name_span, t->span);
		return;
	}
	t = arena_new_of(s->u->arena, struct tag_name);
	*t = (struct tag_name){ name, n->type_def.name_span, s->tags };
	s->tags = t;
}

static void member_once(struct ctype_script *s, const struct node *fields, const struct node *m)
{
	for (const struct node *o = fields; o != m; o = o->next) {
		if (!o->cfield.name || strcmp(o->cfield.name, m->cfield.name) != 0)
			continue;
		twice(s, m->cfield.name, m->cfield.name_span, o->cfield.name_span);
		return;
	}
}

static void enumerator_once(struct ctype_script *s, const struct node *n)
{
	for (const struct enumerator *e = s->enumerators; e; e = e->next) {
		if (strcmp(e->name, n->enumerator.name) != 0)
			continue;
		twice(s, e->name, n->span, e->span);
		return;
	}
}

/* The same again is fine, as in C. */
static void typedef_once(struct ctype_script *s, const struct node *d, const struct type *type)
{
	for (const struct typedef_name *td = s->typedefs; td; td = td->next) {
		if (strcmp(td->name, d->cfield.name) != 0 || td->type == type)
			continue;
		twice(s, td->name, d->cfield.name_span, td->span);
		return;
	}
}

/* ---- struct and union ---- */

struct layout {
	uint64_t bits; /* used so far */
	uint64_t size_bits; /* of a union: the largest */
	uint32_t align;
	bool is_union, is_packed;
};

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* As the System V ABI has it: a bit-field does not cross a unit of its type. */
static bool place_bits(struct ctype_script *s, struct layout *l, const struct node *m,
		       struct type_field *f, int64_t bits)
{
	uint64_t unit = f->type->size * 8;

	if (!type_is_int(f->type) || bits < 0 || (uint64_t)bits > unit || (!bits && f->name)) {
		diag(s->u->diags, m->cfield.bits->span, D_CDEF_BITS);
		return false;
	}
	if (!bits || (!l->is_packed && l->bits / unit != (l->bits + (uint64_t)bits - 1) / unit))
		l->bits = round_up(l->bits, unit);
	if (l->bits / unit != (l->bits + (uint64_t)bits - 1) / unit && bits) { /* packed */
		for (unit = 8; l->bits % 8 + (uint64_t)bits > unit;)
			unit *= 2;
		f->off = (uint32_t)(l->bits / 8);
		f->bit_off = (uint8_t)(l->bits % 8);
		f->type = type_int(s->u->types, unit > 64 ? 8 : (uint32_t)unit / 8,
				   f->type->is_signed);
	} else {
		f->off = (uint32_t)(l->bits / unit * (unit / 8));
		f->bit_off = (uint8_t)(l->bits % unit);
	}
	f->bit_sz = (uint8_t)bits;
	l->bits += (uint64_t)bits;
	return true;
}

/* Floating point numbers are bytes, no program of the kernel's computes with them; 0: none of them. */
static uint32_t float_size(const char *name)
{
	if (strcmp(name, "float") == 0)
		return 4;
	if (strcmp(name, "double") == 0)
		return 8;
	return strcmp(name, "long double") == 0 ? 16 : 0;
}

/* Where a compiler would put it: what stands for floating point has the alignment of a byte. */
static uint32_t natural_align(const struct node *written_as, const struct type *t)
{
	uint32_t align = t->align ? t->align : 1, size;

	while (written_as->kind == N_TYPE_ARRAY)
		written_as = written_as->type_deriv.elem;
	size = written_as->kind == N_TYPE_NAME ? float_size(written_as->type_name.name) : 0;
	return size > align ? size : align;
}

static bool place(struct ctype_script *s, struct layout *l, struct node *m, struct type_field *f)
{
	uint32_t align = l->is_packed ? 1 : natural_align(m->cfield.type, f->type);
	int64_t bits;

	if (m->cfield.aligned > align)
		align = m->cfield.aligned;
	if (l->is_union)
		l->bits = 0;
	if (m->cfield.bits) {
		if (!constant(s, m->cfield.bits, &bits) || !place_bits(s, l, m, f, bits))
			return false;
	} else {
		l->bits = round_up(l->bits, align * 8ull);
		f->off = (uint32_t)(l->bits / 8);
		l->bits += f->type->size * 8ull;
	}
	if (align > l->align && (f->name || !m->cfield.bits))
		l->align = align;
	if (l->bits > l->size_bits)
		l->size_bits = l->bits;
	if (l->size_bits / 8 <= INT32_MAX)
		return true;
	diag(s->u->diags, m->span, D_TOO_LARGE, "The structure", UINT32_MAX, INT32_MAX);
	return false;
}

static void members(struct ctype_script *s, struct type *t, struct layout *l, struct node *fields)
{
	struct type_fields list = { 0 };

	for (struct node *m = fields; m; m = m->next) {
		struct type_field f = { .name = m->cfield.name };

		if (f.name)
			member_once(s, fields, m);
		f.type = written(s, m->cfield.type);
		if (f.type == t) { /* one inside of itself */
			diag(s->u->diags, m->span, D_TYPE_UNKNOWN, t->name);
			f.type = NULL;
		}
		if (!f.type || f.type->kind == V_NONE || !place(s, l, m, &f))
			f.type = unknown(s);
		type_fields_add(s->u->types, &list, &f);
	}
	t->fields = list.fields;
	t->count = list.cnt;
}

static const struct type *record(struct ctype_script *s, struct node *n)
{
	struct layout l = { .align = 1,
			    .is_union = n->type_def.is_union,
			    .is_packed = n->type_def.is_packed };
	struct type *t = type_tagged(s->u->types, l.is_union ? V_UNION : V_STRUCT, n->type_def.name,
				     ++s->def);

	tag_once(s, n);
	members(s, t, &l, n->type_def.fields);
	if (n->type_def.aligned > l.align)
		l.align = n->type_def.aligned;
	t->align = l.align;
	t->size = (uint32_t)round_up(round_up(l.size_bits, 8) / 8, l.align);
	t->is_complete = true;
	return t;
}

/* ---- enum ---- */

static const struct type *enumeration(struct ctype_script *s, struct node *n)
{
	struct type *t = type_tagged(s->u->types, V_ENUM, n->type_def.name, ++s->def);
	int64_t next = 0, min = 0, max = 0;
	struct type_value *v;
	uint32_t cnt = 0;

	tag_once(s, n);
	for (const struct node *e = n->type_def.fields; e; e = e->next)
		cnt++;
	v = arena_array_of(s->u->arena, struct type_value, cnt + 1);
	t->is_complete = true;
	t->values = v;
	for (struct node *e = n->type_def.fields; e; e = e->next, next++) {
		struct enumerator *mine = arena_new_of(s->u->arena, struct enumerator);

		if (e->enumerator.value)
			constant(s, e->enumerator.value, &next);
		enumerator_once(s, e);
		v[t->count++] = (struct type_value){ e->enumerator.name, next };
		*mine = (struct enumerator){ e->enumerator.name, e->span, next, t, s->enumerators };
		s->enumerators = mine;
		min = next < min ? next : min;
		max = next > max ? next : max;
	}
	t->is_signed = min < 0;
	t->size = min < INT32_MIN || max > (min < 0 ? INT32_MAX : (int64_t)UINT32_MAX) ? 8 : 4;
	t->align = t->size;
	return t;
}

/* ---- types as written ---- */

static const struct type *by_name(struct ctype_script *s, struct node *n, bool behind_pointer)
{
	const char *name = n->type_name.name;
	const struct type *t;

	if (behind_pointer && strncmp(name, "struct ", 7) == 0)
		return type_tagged(s->u->types, V_STRUCT, name, 0);
	if (behind_pointer && strncmp(name, "union ", 6) == 0)
		return type_tagged(s->u->types, V_UNION, name, 0);
	if (float_size(name))
		return type_array(s->u->types, type_int(s->u->types, 1, false), float_size(name));
	t = ctypes_find(s->u->ctypes, name);
	if (!t)
		ctypes_unknown(s->u, n->span, name);
	return t;
}

static bool is_char(const struct node *n)
{
	return n->kind == N_TYPE_NAME && strcmp(n->type_name.name, "char") == 0;
}

static const struct type *array(struct ctype_script *s, struct node *n)
{
	const struct type *elem = written(s, n->type_deriv.elem);
	int64_t cnt = 0;

	if (!elem || elem->kind == V_NONE ||
	    (n->type_deriv.count && !constant(s, n->type_deriv.count, &cnt)))
		return NULL;
	if (cnt < 0 || cnt > INT32_MAX || (uint64_t)cnt * elem->size > INT32_MAX) {
		diag(s->u->diags, n->type_deriv.count->span, D_TYPE_SIZE, "array");
		return NULL;
	}
	if (cnt && is_char(n->type_deriv.elem))
		return type_string(s->u->types, (uint32_t)cnt);
	return type_array(s->u->types, elem, (uint32_t)cnt);
}

static const struct type *pointer(struct ctype_script *s, struct node *to)
{
	const struct type *t;

	if (to->kind == N_TYPE_FUNC)
		t = type_void(s->u->types);
	else
		t = to->kind == N_TYPE_NAME ? by_name(s, to, true) : written(s, to);
	return t ? type_ptr(s->u->types, t, AS_NONE) : NULL;
}

static const struct type *written(struct ctype_script *s, struct node *n)
{
	if (n->kind == N_TYPE_NAME)
		return by_name(s, n, false);
	if (n->kind == N_TYPE_PTR)
		return pointer(s, n->type_deriv.elem);
	if (n->kind == N_TYPE_ARRAY)
		return array(s, n);
	if (n->kind == N_TYPE_RECORD)
		return record(s, n);
	if (n->kind == N_TYPE_ENUM)
		return enumeration(s, n);
	diag_hint(diag(s->u->diags, n->span, D_TYPE_UNKNOWN, "function"),
		  "A member may point to one: int (*name)(...)");
	return NULL;
}

/* ---- the program's ---- */

static void typedefs(struct ctype_script *s, const struct node *n)
{
	/* the declarators name what has a body */
	if (n->cdef.type->kind != N_TYPE_NAME)
		written(s, n->cdef.type);
	for (struct node *d = n->cdef.decls; d; d = d->next) {
		struct typedef_name *td = arena_new_of(s->u->arena, struct typedef_name);

		td->name = d->cfield.name;
		if (!td->name)
			continue;
		td->type = written(s, d->cfield.type) ?: unknown(s);
		typedef_once(s, d, td->type);
		td->span = d->cfield.name_span;
		td->next = s->typedefs;
		s->typedefs = td;
	}
}

void ctype_script_define(struct ctype_script *s, struct node *items)
{
	for (struct node *n = items; n; n = n->next) {
		if (n->kind != N_CDEF)
			continue;
		if (n->cdef.is_typedef)
			typedefs(s, n);
		else if (n->cdef.type->kind != N_TYPE_NAME) /* "struct foo;" says nothing */
			written(s, n->cdef.type);
	}
}

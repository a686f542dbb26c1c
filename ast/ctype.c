/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who defines a C type: the script, a header it includes, the kernel, in this order. The script's
 * own are laid out as the compiler of this machine would, in the order they stand in: what one holds
 * by value must be known by then, what it points to need not.
 */
#include "ast/ctype.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ast/fold.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "probes/probe.h"

/* Numbers of definitions: the kernel's BTF ids, those of headers, the script's. */
#define DEF_HEADERS TYPE_DEF_KERNEL_END
#define DEF_SCRIPT 0x80000000u
#define DEF_PROGRAM TYPE_DEF_FOREIGN

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

struct ctypes {
	struct unit *u;
	struct ctype_btf *kernel;
	struct ctype_dwarf *headers; /* NULL: none, or they define no type */
	struct debugfile *headers_file;
	struct Dwarf *headers_dwarf;
	struct ctype_dwarf *programs; /* made when first needed */
	const struct node *probe; /* whose program's types come first; NULL: none */
	struct ctype_modules *modules; /* of the kernel; made when first needed */
	bool kernel_tried, kernel_told; /* told: that it has none is */
	uint32_t script_cnt;
	struct tag_name *tags;
	struct typedef_name *typedefs;
	struct enumerator *enumerators;
};

static const struct type *record(struct ctypes *c, struct node *n);
static const struct type *enumeration(struct ctypes *c, struct node *n);

static struct ctype_btf *kernel(struct ctypes *c)
{
	const char *named, *var;

	if (c->kernel_tried)
		return c->kernel;
	c->kernel_tried = true;
	c->kernel = ctype_btf_open(c->u->types, NULL, 0);
	named = c->kernel ? NULL : settings_env(c->u->arena, "BTF", &var);
	c->kernel_told = named && *named;
	if (c->kernel_told)
		diag(c->u->diags, SPAN_NONE, D_CONFIG_ENV_VALUE, var, named, "a file with BTF");
	return c->kernel;
}

static struct ctype_modules *modules(struct ctypes *c)
{
	if (!c->modules)
		c->modules = ctype_modules_new(c->u->types, c->u->arena, kernel_types_modules(),
					       kernel(c));
	return c->modules;
}

static void complete(void *arg, struct type *t)
{
	struct ctypes *c = arg;

	if (t->def >= DEF_PROGRAM)
		ctype_dwarf_complete(c->programs, t);
	if (t->def >= DEF_SCRIPT)
		return;
	if (!t->def && c->headers)
		ctype_dwarf_bind(c->headers, c->headers_dwarf, t);
	if (!t->def && kernel(c) && !ctype_btf_bind(c->kernel, t) && t->name)
		ctype_modules_bind(modules(c), t);
	if (t->def >= DEF_HEADERS)
		ctype_dwarf_complete(c->headers, t);
	else if (t->def && ctype_btf_has(c->kernel, t->def))
		ctype_btf_complete(c->kernel, t);
	else if (t->def)
		ctype_modules_complete(modules(c), t);
}

struct ctypes *ctypes_new(struct unit *u)
{
	struct ctypes *c = arena_new_of(u->arena, struct ctypes);

	c->u = u;
	types_set_source(u->types, complete, c);
	return c;
}

void ctypes_free(struct ctypes *c)
{
	if (!c)
		return;
	ctype_modules_free(c->modules);
	ctype_btf_free(c->kernel);
	debugfile_close(c->headers_file);
	types_set_source(c->u->types, NULL, NULL);
}

int ctypes_headers(struct ctypes *c, const char *path)
{
	struct unit *u = c->u;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Dwarf_Addr bias;

	if (fd < 0)
		return -errno;
	c->headers_file = debugfile_open(fd, path, NULL);
	if (!c->headers_file)
		return -ENOEXEC;
	c->headers_dwarf = dwfl_module_getdwarf(debugfile_module(c->headers_file), &bias);
	if (c->headers_dwarf)
		c->headers = ctype_dwarf_new(u->types, u->arena, u->env, DEF_HEADERS, false);
	return 0;
}

/* ---- by name ---- */

static struct ctype_dwarf *programs(struct ctypes *c)
{
	struct unit *u = c->u;

	if (!c->programs)
		c->programs = ctype_dwarf_new(u->types, u->arena, u->env, DEF_PROGRAM, true);
	return c->programs;
}

void ctypes_enter(struct ctypes *c, const struct node *probe)
{
	bool has_program = probe && probe->probe.ptype && probe->probe.ptype->debug &&
			   probe->probe.attaches && probe->probe.attaches->attach.target;

	c->probe = has_program ? probe : NULL;
}

static struct Dwarf *program(struct ctypes *c)
{
	const struct node *p = c->probe;

	return p ? p->probe.ptype->debug(c->u->env, p->probe.attaches->attach.target) : NULL;
}

const struct type *ctypes_of_die(struct ctypes *c, const struct probe_type *ptype,
				 const struct probe_target *target, const void *die)
{
	return ctype_dwarf_type(programs(c), ptype->debug(c->u->env, target), die);
}

static const struct type *of_program(struct ctypes *c, const char *name)
{
	struct Dwarf *dw = program(c);

	return dw ? ctype_dwarf_find(programs(c), dw, name) : NULL;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static const struct type *find_tagged(struct ctypes *c, enum vkind kind, const char *name)
{
	struct type *t = type_tagged(c->u->types, kind, name, 0);
	const struct type *own = NULL;

	if (!t->def && c->probe && c->headers)
		ctype_dwarf_bind(c->headers, c->headers_dwarf, t);
	if (t->def < DEF_HEADERS)
		own = of_program(c, name);
	if (own)
		return own;
	type_complete(c->u->types, t);
	return t->def ? t : NULL;
}

const struct type *ctypes_find(struct ctypes *c, const char *name)
{
	const struct type *t;

	if (starts(name, "struct "))
		return find_tagged(c, V_STRUCT, name);
	if (starts(name, "union "))
		return find_tagged(c, V_UNION, name);
	if (starts(name, "enum "))
		return find_tagged(c, V_ENUM, name);
	for (const struct typedef_name *d = c->typedefs; d; d = d->next)
		if (strcmp(d->name, name) == 0)
			return type_complete(c->u->types, d->type);
	t = ctype_parse(c->u->types, c->u->arena, name, AS_NONE);
	if (!t && c->headers)
		t = ctype_dwarf_find(c->headers, c->headers_dwarf, name);
	if (!t)
		t = of_program(c, name);
	if (!t && kernel(c))
		t = ctype_btf_find(c->kernel, name);
	if (!t && !strchr(name, ' ')) /* a struct's name by itself */
		return find_tagged(c, V_STRUCT, arena_printf(c->u->arena, "struct %s", name));
	return t ? type_complete(c->u->types, t) : NULL;
}

bool ctypes_value(struct ctypes *c, const char *name, int64_t *value, const struct type **e)
{
	struct Dwarf *dw;

	for (const struct enumerator *v = c->enumerators; v; v = v->next) {
		if (strcmp(v->name, name) == 0) {
			*value = v->value;
			*e = v->type;
			return true;
		}
	}
	if (c->headers && ctype_dwarf_value(c->headers, c->headers_dwarf, name, value, e))
		return true;
	dw = program(c);
	return (dw && ctype_dwarf_value(programs(c), dw, name, value, e)) ||
	       (kernel(c) && ctype_btf_value(c->kernel, name, value, e));
}

bool ctypes_has_function(struct ctypes *c, const char *name)
{
	return kernel(c) && ctype_btf_has_function(c->kernel, name);
}

/* ---- constants ---- */

static void fold_one(struct walker *w, struct node *n)
{
	struct ctypes *c = w->arg;
	const struct type *t = NULL;
	int64_t v = 0;

	if (n->kind == N_IDENT && ctypes_value(c, n->ident.name, &v, &t)) {
		node_become_number(n, N_INT, (uint64_t)v, false);
	} else if (n->kind == N_SIZEOF && node_is_type(n->sizeof_.arg)) {
		t = ctypes_of(c, n->sizeof_.arg);
		node_become_number(n, N_INT, t ? t->size : 1, false);
	} else {
		fold_literal(c->u, n, true);
	}
}

static bool constant(struct ctypes *c, struct node *n, int64_t *v)
{
	struct walker w = { .post = fold_one, .arg = c };

	walk(&w, n);
	if (n->kind == N_INT || n->kind == N_BOOL) {
		*v = (int64_t)n->num.value;
		return true;
	}
	if (n->type == NULL || n->type->kind != V_NONE)
		diag(c->u->diags, n->span, D_CDEF_CONSTANT);
	return false;
}

/* ---- types as written ---- */

void ctypes_unknown(struct unit *u, struct span sp, const char *name)
{
	struct diag *d = u->ctypes->kernel_told ? NULL : diag(u->diags, sp, D_TYPE_UNKNOWN, name);

	if (d && !u->opt->have_btf)
		diag_hint(d, "This kernel has no BTF, which would tell its types: define it in the "
			     "program, or #include a header that does");
}

static const struct type *by_name(struct ctypes *c, struct node *n, bool behind_pointer)
{
	const char *name = n->type_name.name;
	const struct type *t;

	if (behind_pointer && starts(name, "struct "))
		return type_tagged(c->u->types, V_STRUCT, name, 0);
	if (behind_pointer && starts(name, "union "))
		return type_tagged(c->u->types, V_UNION, name, 0);
	t = ctypes_find(c, name);
	if (!t)
		ctypes_unknown(c->u, n->span, name);
	return t;
}

static bool is_char(const struct node *n)
{
	return n->kind == N_TYPE_NAME && strcmp(n->type_name.name, "char") == 0;
}

static const struct type *array(struct ctypes *c, struct node *n)
{
	const struct type *elem = ctypes_of(c, n->type_deriv.elem);
	int64_t cnt = 0;

	if (!elem || (n->type_deriv.count && !constant(c, n->type_deriv.count, &cnt)))
		return NULL;
	if (cnt < 0 || cnt > INT32_MAX || (uint64_t)cnt * elem->size > INT32_MAX) {
		diag(c->u->diags, n->type_deriv.count->span, D_TYPE_SIZE, "array");
		return NULL;
	}
	if (cnt && is_char(n->type_deriv.elem))
		return type_string(c->u->types, (uint32_t)cnt);
	return type_array(c->u->types, elem, (uint32_t)cnt);
}

static const struct type *pointer(struct ctypes *c, struct node *to)
{
	const struct type *t;

	if (to->kind == N_TYPE_FUNC)
		t = type_void(c->u->types);
	else
		t = to->kind == N_TYPE_NAME ? by_name(c, to, true) : ctypes_of(c, to);
	return t ? type_ptr(c->u->types, t, AS_NONE) : NULL;
}

const struct type *ctypes_of(struct ctypes *c, struct node *n)
{
	if (n->kind == N_TYPE_NAME)
		return by_name(c, n, false);
	if (n->kind == N_TYPE_PTR)
		return pointer(c, n->type_deriv.elem);
	if (n->kind == N_TYPE_ARRAY)
		return array(c, n);
	if (n->kind == N_TYPE_RECORD)
		return record(c, n);
	if (n->kind == N_TYPE_ENUM)
		return enumeration(c, n);
	diag(c->u->diags, n->span, D_TYPE_UNKNOWN, "function");
	return NULL;
}

/* ---- each name once ---- */

static void twice(struct ctypes *c, const char *what, struct span sp, struct span first)
{
	diag_also(diag(c->u->diags, sp, D_CDEF_TWICE, what), first, "first defined here");
}

/* Structures, unions and enumerations share their tags. */
static void tag_once(struct ctypes *c, const struct node *n)
{
	const char *name = n->type_def.name, *tag = name ? strchr(name, ' ') : NULL;
	struct tag_name *t;

	if (!tag)
		return;
	for (t = c->tags; t; t = t->next) {
		if (strcmp(strchr(t->name, ' '), tag) != 0)
			continue;
		twice(c, name, n->type_def.name_span, t->span);
		return;
	}
	t = arena_new_of(c->u->arena, struct tag_name);
	*t = (struct tag_name){ name, n->type_def.name_span, c->tags };
	c->tags = t;
}

static void member_once(struct ctypes *c, const struct node *fields, const struct node *m)
{
	for (const struct node *o = fields; o != m; o = o->next) {
		if (!o->cfield.name || strcmp(o->cfield.name, m->cfield.name) != 0)
			continue;
		twice(c, m->cfield.name, m->cfield.name_span, o->cfield.name_span);
		return;
	}
}

static void enumerator_once(struct ctypes *c, const struct node *n)
{
	for (const struct enumerator *e = c->enumerators; e; e = e->next) {
		if (strcmp(e->name, n->enumerator.name) != 0)
			continue;
		twice(c, e->name, n->span, e->span);
		return;
	}
}

/* The same again is fine, as in C. */
static void typedef_once(struct ctypes *c, const struct node *d, const struct type *type)
{
	for (const struct typedef_name *td = c->typedefs; td; td = td->next) {
		if (strcmp(td->name, d->cfield.name) != 0 || td->type == type)
			continue;
		twice(c, td->name, d->cfield.name_span, td->span);
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
static bool place_bits(struct ctypes *c, struct layout *l, const struct node *m,
		       struct type_field *f, int64_t bits)
{
	uint64_t unit = f->type->size * 8;

	if (!type_is_int(f->type) || bits < 0 || (uint64_t)bits > unit || (!bits && f->name)) {
		diag(c->u->diags, m->cfield.bits->span, D_CDEF_BITS);
		return false;
	}
	if (!bits || (!l->is_packed && l->bits / unit != (l->bits + (uint64_t)bits - 1) / unit))
		l->bits = round_up(l->bits, unit);
	if (l->bits / unit != (l->bits + (uint64_t)bits - 1) / unit && bits) { /* packed */
		for (unit = 8; l->bits % 8 + (uint64_t)bits > unit;)
			unit *= 2;
		f->off = (uint32_t)(l->bits / 8);
		f->bit_off = (uint8_t)(l->bits % 8);
		f->type = type_int(c->u->types, unit > 64 ? 8 : (uint32_t)unit / 8,
				   f->type->is_signed);
	} else {
		f->off = (uint32_t)(l->bits / unit * (unit / 8));
		f->bit_off = (uint8_t)(l->bits % unit);
	}
	f->bit_sz = (uint8_t)bits;
	l->bits += (uint64_t)bits;
	return true;
}

static bool place(struct ctypes *c, struct layout *l, struct node *m, struct type_field *f)
{
	uint32_t align = l->is_packed || !f->type->align ? 1 : f->type->align;
	int64_t bits;

	if (m->cfield.aligned > align)
		align = m->cfield.aligned;
	if (l->is_union)
		l->bits = 0;
	if (m->cfield.bits) {
		if (!constant(c, m->cfield.bits, &bits) || !place_bits(c, l, m, f, bits))
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
	diag(c->u->diags, m->span, D_TOO_LARGE, "The structure", UINT32_MAX, INT32_MAX);
	return false;
}

static bool members(struct ctypes *c, struct type *t, struct layout *l, struct node *fields)
{
	struct type_fields list = { 0 };

	for (struct node *m = fields; m; m = m->next) {
		struct type_field f = { .name = m->cfield.name };

		if (f.name)
			member_once(c, fields, m);
		f.type = ctypes_of(c, m->cfield.type);
		if (f.type == t) { /* one inside of itself */
			diag(c->u->diags, m->span, D_TYPE_UNKNOWN, t->name);
			return false;
		}
		if (!f.type || !place(c, l, m, &f))
			return false;
		type_fields_add(c->u->types, &list, &f);
	}
	t->fields = list.fields;
	t->count = list.cnt;
	return true;
}

static const struct type *record(struct ctypes *c, struct node *n)
{
	struct layout l = { .align = 1,
			    .is_union = n->type_def.is_union,
			    .is_packed = n->type_def.is_packed };
	struct type *t = type_tagged(c->u->types, l.is_union ? V_UNION : V_STRUCT, n->type_def.name,
				     DEF_SCRIPT + ++c->script_cnt);

	tag_once(c, n);
	if (!members(c, t, &l, n->type_def.fields)) {
		t->count = 0;
		t->is_complete = true;
		return NULL;
	}
	if (n->type_def.aligned > l.align)
		l.align = n->type_def.aligned;
	t->align = l.align;
	t->size = (uint32_t)round_up(round_up(l.size_bits, 8) / 8, l.align);
	t->is_complete = true;
	return t;
}

/* ---- enum ---- */

static const struct type *enumeration(struct ctypes *c, struct node *n)
{
	struct type *t =
		type_tagged(c->u->types, V_ENUM, n->type_def.name, DEF_SCRIPT + ++c->script_cnt);
	int64_t next = 0, min = 0, max = 0;
	struct type_value *v;
	uint32_t cnt = 0;

	tag_once(c, n);
	for (const struct node *e = n->type_def.fields; e; e = e->next)
		cnt++;
	v = arena_array_of(c->u->arena, struct type_value, cnt + 1);
	t->is_complete = true;
	t->values = v;
	for (struct node *e = n->type_def.fields; e; e = e->next, next++) {
		struct enumerator *mine = arena_new_of(c->u->arena, struct enumerator);

		if (e->enumerator.value && !constant(c, e->enumerator.value, &next))
			return NULL;
		enumerator_once(c, e);
		v[t->count++] = (struct type_value){ e->enumerator.name, next };
		*mine = (struct enumerator){ e->enumerator.name, e->span, next, t, c->enumerators };
		c->enumerators = mine;
		min = next < min ? next : min;
		max = next > max ? next : max;
	}
	t->is_signed = min < 0;
	t->size = min < INT32_MIN || max > (min < 0 ? INT32_MAX : (int64_t)UINT32_MAX) ? 8 : 4;
	t->align = t->size;
	return t;
}

/* ---- the program's ---- */

static void typedefs(struct ctypes *c, const struct node *n)
{
	/* the declarators name what has a body */
	if (n->cdef.type->kind != N_TYPE_NAME && !ctypes_of(c, n->cdef.type))
		return;
	for (struct node *d = n->cdef.decls; d; d = d->next) {
		struct typedef_name *td = arena_new_of(c->u->arena, struct typedef_name);

		td->name = d->cfield.name;
		td->type = td->name ? ctypes_of(c, d->cfield.type) : NULL;
		if (!td->type)
			continue;
		typedef_once(c, d, td->type);
		td->span = d->cfield.name_span;
		td->next = c->typedefs;
		c->typedefs = td;
	}
}

void ctypes_define(struct ctypes *c, struct node *items)
{
	for (struct node *n = items; n; n = n->next) {
		if (n->kind != N_CDEF)
			continue;
		if (n->cdef.is_typedef)
			typedefs(c, n);
		else if (n->cdef.type->kind != N_TYPE_NAME) /* "struct foo;" says nothing */
			ctypes_of(c, n->cdef.type);
	}
}

/* Needs: the tree, macros gone. Gives: ctypes with what the program defines. */
int define(struct unit *u)
{
	ctypes_define(u->ctypes, u->program->program.items);
	return 0;
}

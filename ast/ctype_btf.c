/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BTF to types. Nothing is converted before it is asked for: a struct's object has its size at once
 * and its members when somebody looks at them, so what one script costs are the types that it names,
 * not the kernel's hundred thousand.
 *
 * Pointers have no address space of their own here, unless the kernel tagged one "user": whoever
 * reads a member says where the struct lies.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/type.h"
#include "lexer/arena.h"
#include "lexer/diag.h"
#include "probes/probe.h"

struct ctype_btf {
	struct btf *btf;
	struct types *ts;
	struct arena *arena;
	uint32_t def_base; /* added to BTF ids to number definitions */
	uint32_t first, cnt; /* ids of its own; those before first are the kernel's */
};

static const struct type *convert(struct ctype_btf *b, uint32_t id);

static struct ctype_btf *take(struct types *ts, struct btf *btf, uint32_t first, uint32_t def_base)
{
	struct ctype_btf *b = btf ? calloc(1, sizeof(*b)) : NULL;

	if (b) {
		*b = (struct ctype_btf){ .btf = btf, .ts = ts, .def_base = def_base };
		b->arena = arena_new();
		b->first = first;
		b->cnt = btf__type_cnt(btf);
	}
	if (!btf || (b && b->arena))
		return b;
	free(b);
	btf__free(btf);
	errno = ENOMEM;
	return NULL;
}

struct ctype_btf *ctype_btf_open(struct types *ts, const char *path, uint32_t def_base)
{
	return take(ts, path ? btf__parse(path, NULL) : kernel_types(), 1, def_base);
}

struct ctype_btf *ctype_btf_open_module(struct types *ts, const char *path,
					const struct ctype_btf *kernel, uint32_t def_base)
{
	return take(ts, btf__parse_split(path, kernel->btf), kernel->cnt, def_base);
}

void ctype_btf_free(struct ctype_btf *b)
{
	if (!b)
		return;
	btf__free(b->btf);
	arena_free(b->arena);
	free(b);
}

bool ctype_btf_has(const struct ctype_btf *b, uint32_t def)
{
	return def >= b->def_base + b->first && def - b->def_base < b->cnt;
}

static const char *name_of(const struct ctype_btf *b, uint32_t off)
{
	const char *s = btf__name_by_offset(b->btf, off);

	return s && *s ? s : NULL;
}

static bool is_modifier(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t);
}

static const struct btf_type *strip(const struct ctype_btf *b, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(b->btf, *id);

	while (t && is_modifier(t)) {
		*id = t->type;
		t = btf__type_by_id(b->btf, *id);
	}
	return t;
}

static bool is_any_enum(const struct btf_type *t)
{
	return btf_is_enum(t) || btf_is_enum64(t);
}

static bool is_tag_kind(const struct btf_type *t)
{
	return btf_is_composite(t) || is_any_enum(t) || btf_is_fwd(t);
}

static enum vkind kind_of(const struct btf_type *t)
{
	if (btf_is_fwd(t))
		return btf_kflag(t) ? V_UNION : V_STRUCT;
	return btf_is_struct(t) ? V_STRUCT : btf_is_union(t) ? V_UNION : V_ENUM;
}

static const char *tag_word(enum vkind kind)
{
	return kind == V_STRUCT ? "struct" : kind == V_UNION ? "union" : "enum";
}

static void set_size(struct ctype_btf *b, struct type *to, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(b->btf, id);
	int align = btf__align_of(b->btf, id);

	to->size = t->size;
	to->align = align > 0 ? (uint32_t)align : 1;
	if (to->kind == V_ENUM)
		to->is_signed = btf_kflag(t);
}

static const struct type *tagged(struct ctype_btf *b, uint32_t id, const struct btf_type *t)
{
	const char *name = name_of(b, t->name_off);
	enum vkind kind = kind_of(t);
	struct type *to;

	if (name)
		name = arena_printf(b->arena, "%s %s", tag_word(kind), name);
	if (btf_is_fwd(t))
		return type_tagged(b->ts, kind, name, 0);
	to = type_tagged(b->ts, kind, name, id < b->first ? id : b->def_base + id);
	if (!to->size)
		set_size(b, to, id);
	return to;
}

static bool is_char(const struct ctype_btf *b, uint32_t id)
{
	const struct btf_type *t = strip(b, &id);
	const char *name = t && btf_is_int(t) ? name_of(b, t->name_off) : NULL;

	return name && t->size == 1 && !strcmp(name, "char");
}

/* An array of characters is text; one of unknown length is not, as nobody knows how much to take. */
static const struct type *array(struct ctype_btf *b, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);
	const struct type *elem;

	if (a->nelems && is_char(b, a->type))
		return type_string(b->ts, a->nelems);
	elem = convert(b, a->type);
	return type_array(b->ts, elem, a->nelems);
}

static const struct type *integer(struct ctype_btf *b, const struct btf_type *t)
{
	if (btf_int_encoding(t) & BTF_INT_BOOL)
		return type_bool(b->ts);
	if (t->size > 8)
		return type_array(b->ts, type_int(b->ts, 8, false), t->size / 8);
	return type_int(b->ts, t->size, btf_int_encoding(t) & BTF_INT_SIGNED);
}

static const struct type *pointer(struct ctype_btf *b, const struct btf_type *t)
{
	const struct btf_type *to = btf__type_by_id(b->btf, t->type);
	enum addr_space as = AS_NONE;
	const char *tag;

	if (to && btf_is_type_tag(to)) {
		tag = name_of(b, to->name_off);
		as = tag && !strcmp(tag, "user") ? AS_USER : AS_NONE;
	}
	return type_ptr(b->ts, convert(b, t->type), as);
}

static const struct type *convert(struct ctype_btf *b, uint32_t id)
{
	const struct btf_type *t = strip(b, &id);

	if (!t || btf_is_void(t) || btf_is_func_proto(t) || btf_is_func(t))
		return type_void(b->ts);
	if (is_tag_kind(t))
		return tagged(b, id, t);
	if (btf_is_int(t))
		return integer(b, t);
	if (btf_is_ptr(t))
		return pointer(b, t);
	if (btf_is_array(t))
		return array(b, t);
	return type_array(b->ts, type_int(b->ts, 1, false), t->size); /* floating point */
}

/* ---- what is inside ---- */

/* That of its type, or where it crosses one, what it takes. */
void ctype_place_bits(struct types *ts, struct type_field *f, uint32_t at, uint32_t bits)
{
	uint32_t unit = f->type->size * 8;

	if (!unit || at % unit + bits > unit) {
		unit = 8;
		while (unit < 64 && at % 8 + bits > unit)
			unit *= 2;
		f->type = type_int(ts, unit / 8, f->type->is_signed);
		f->off = at / 8;
		f->bit_off = (uint8_t)(at % 8);
	} else {
		f->off = at / unit * (unit / 8);
		f->bit_off = (uint8_t)(at % unit);
	}
	f->bit_sz = (uint8_t)bits;
}

static void members(struct ctype_btf *b, struct type *to, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	uint32_t cnt = btf_vlen(t);
	struct type_fields l = { 0 };

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t at = btf_member_bit_offset(t, i), bits = btf_member_bitfield_size(t, i);
		struct type_field f = { .name = name_of(b, m[i].name_off),
					.type = convert(b, m[i].type),
					.off = at / 8 };

		if (bits)
			ctype_place_bits(b->ts, &f, at, bits);
		type_fields_add(b->ts, &l, &f);
	}
	to->fields = l.fields;
	to->count = l.cnt;
}

static void values(struct ctype_btf *b, struct type *to, const struct btf_type *t)
{
	uint32_t cnt = btf_vlen(t);
	struct type_value *v = arena_array_of(b->arena, struct type_value, cnt + 1);

	for (uint32_t i = 0; i < cnt; i++) {
		if (btf_is_enum(t)) {
			const struct btf_enum *e = btf_enum(t) + i;

			v[i].name = name_of(b, e->name_off);
			v[i].value = btf_kflag(t) ? e->val : (int64_t)(uint32_t)e->val;
		} else {
			const struct btf_enum64 *e = btf_enum64(t) + i;

			v[i].name = name_of(b, e->name_off);
			v[i].value = (int64_t)btf_enum64_value(e);
		}
	}
	to->values = v;
	to->count = cnt;
}

void ctype_btf_complete(struct ctype_btf *b, struct type *to)
{
	uint32_t id = to->def - b->def_base;
	const struct btf_type *t = btf__type_by_id(b->btf, id);

	set_size(b, to, id);
	if (to->kind == V_ENUM)
		values(b, to, t);
	else
		members(b, to, t);
}

/* ---- by name ---- */

/* One pass over all types: a few hundred microseconds for the kernel's. */
static uint32_t find(const struct ctype_btf *b, const char *name,
		     bool (*is)(const struct btf_type *))
{
	for (uint32_t id = b->first; id < b->cnt; id++) {
		const struct btf_type *t = btf__type_by_id(b->btf, id);

		if (t->name_off && is(t) && !strcmp(btf__name_by_offset(b->btf, t->name_off), name))
			return id;
	}
	return 0;
}

static bool is_struct(const struct btf_type *t)
{
	return btf_is_struct(t);
}

static bool is_union(const struct btf_type *t)
{
	return btf_is_union(t);
}

static bool is_named_type(const struct btf_type *t)
{
	return btf_is_typedef(t) || btf_is_int(t);
}

static bool is_function(const struct btf_type *t)
{
	return btf_is_func(t);
}

static uint32_t find_tag(const struct ctype_btf *b, enum vkind kind, const char *full)
{
	const char *name = strchr(full, ' ') + 1;

	return find(b, name,
		    kind == V_STRUCT  ? is_struct
		    : kind == V_UNION ? is_union
				      : is_any_enum);
}

bool ctype_btf_bind(struct ctype_btf *b, struct type *t)
{
	uint32_t id = find_tag(b, t->kind, t->name);

	if (id)
		t->def = b->def_base + id;
	return id != 0;
}

/* A name without a word before it may be that of a struct, which needs none. */
static bool is_for_no_word(const struct btf_type *t)
{
	return is_named_type(t) || is_struct(t);
}

void ctype_btf_nearest(const struct ctype_btf *b, const char *word, struct nearest *near)
{
	bool (*is)(const struct btf_type *t) = is_for_no_word;

	if (*word)
		is = *word == 's' ? is_struct : *word == 'u' ? is_union : is_any_enum;
	for (uint32_t id = b->first; id < b->cnt; id++) {
		const struct btf_type *t = btf__type_by_id(b->btf, id);

		if (t->name_off && is(t))
			nearest_feed(near, btf__name_by_offset(b->btf, t->name_off));
	}
}

bool ctype_btf_has_function(const struct ctype_btf *b, const char *name)
{
	return find(b, name, is_function) != 0;
}

const struct type *ctype_btf_find(struct ctype_btf *b, const char *name)
{
	uint32_t id = find(b, name, is_named_type);

	return id ? convert(b, id) : NULL;
}

static const char *enumerator(const struct ctype_btf *b, const struct btf_type *t, uint32_t i)
{
	return btf__name_by_offset(b->btf, btf_is_enum(t) ? btf_enum(t)[i].name_off
							  : btf_enum64(t)[i].name_off);
}

void ctype_btf_values_nearest(const struct ctype_btf *b, struct nearest *near)
{
	for (uint32_t id = b->first; id < b->cnt; id++) {
		const struct btf_type *t = btf__type_by_id(b->btf, id);

		for (uint32_t i = 0; is_any_enum(t) && i < btf_vlen(t); i++)
			nearest_feed(near, enumerator(b, t, i));
	}
}

bool ctype_btf_value(struct ctype_btf *b, const char *name, int64_t *value, const struct type **e)
{
	for (uint32_t id = b->first; id < b->cnt; id++) {
		const struct btf_type *t = btf__type_by_id(b->btf, id);

		if (!is_any_enum(t))
			continue;
		for (uint32_t i = 0; i < btf_vlen(t); i++) {
			const struct type *found;

			if (strcmp(enumerator(b, t, i), name))
				continue;
			found = type_complete(b->ts, convert(b, id));
			if (!found->values || i >= found->count)
				return false;
			*e = found;
			*value = found->values[i].value;
			return true;
		}
	}
	return false;
}

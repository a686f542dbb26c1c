/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DWARF to types, those of the programs that uprobes go to and of the headers that a compiler read. As
 * with BTF nothing is converted before somebody looks at it. Every unit of a program describes a type
 * anew: descriptions of one name, size and line are one definition.
 *
 * A program's types are its own: all pointers go to its memory, and what it only declares nobody else
 * defines. Those of headers are the script's: who reads says where pointers go to, and what they only
 * declare is the kernel's.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/type.h"
#include "lexer/arena.h"

enum { BUCKETS = 256, TYPE_DEPTH_MAX = 32, TYPE_ALIGN_MAX = 4096 };

struct definition {
	Dwarf *dw; /* where names are looked up */
	Dwarf_Die die;
	const char *name; /* "struct foo"; NULL: anonymous */
	uint64_t size, line;
	uint32_t def;
	struct definition *next;
};

/* What has been looked up by name. */
struct lookup {
	Dwarf *dw;
	const char *name;
	bool enumerator;
	const Dwarf_Die *die; /* NULL: there is none */
	struct lookup *next;
};

struct ctype_dwarf {
	struct types *ts;
	struct arena *arena;
	struct probe_env *env;
	uint32_t def_base;
	bool is_program; /* not headers */
	struct definition **defs; /* by number */
	uint32_t cnt, cap;
	struct definition *bucket[BUCKETS];
	struct lookup *lookups[BUCKETS];
};

static const struct type *convert(struct ctype_dwarf *c, Dwarf *dw, Dwarf_Die *die, unsigned depth);

struct ctype_dwarf *ctype_dwarf_new(struct types *ts, struct arena *arena, struct probe_env *env,
				    uint32_t def_base, bool is_program)
{
	struct ctype_dwarf *c = arena_new_of(arena, struct ctype_dwarf);

	c->ts = ts;
	c->arena = arena;
	c->env = env;
	c->def_base = def_base;
	c->is_program = is_program;
	return c;
}

/* ---- by name ---- */

static uint32_t hash(const char *s)
{
	uint32_t h = 5381;

	for (; s && *s; s++)
		h = h * 33 + (uint8_t)*s;
	return h % BUCKETS;
}

static const Dwarf_Die *look_up(struct ctype_dwarf *c, Dwarf *dw, const char *name, bool enumerator)
{
	struct lookup **slot = &c->lookups[hash(name)], *l;

	for (l = *slot; l; l = l->next)
		if (l->dw == dw && l->enumerator == enumerator && !strcmp(l->name, name))
			return l->die;
	l = arena_new_of(c->arena, struct lookup);
	*l = (struct lookup){ dw, arena_strdup(c->arena, name), enumerator, NULL, *slot };
	l->die = enumerator ? debug_find_enumerator(c->env, dw, name)
			    : debug_find_type(c->env, dw, name);
	*slot = l;
	return l->die;
}

/* ---- types ---- */

static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

static uint64_t number(Dwarf_Die *die, unsigned which)
{
	Dwarf_Attribute attr;
	Dwarf_Word v = 0;

	if (dwarf_attr_integrate(die, which, &attr))
		dwarf_formudata(&attr, &v);
	return v;
}

static enum vkind kind_of(int tag)
{
	return tag == DW_TAG_union_type		? V_UNION
	       : tag == DW_TAG_enumeration_type ? V_ENUM
						: V_STRUCT;
}

static const char *tag_word(enum vkind kind)
{
	return kind == V_STRUCT ? "struct" : kind == V_UNION ? "union" : "enum";
}

static uint32_t define(struct ctype_dwarf *c, const struct definition *d)
{
	struct definition **grown, *own = arena_new_of(c->arena, struct definition);
	uint32_t slot = hash(d->name);

	if (c->cnt == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		grown = arena_array_of(c->arena, struct definition *, c->cap);
		if (c->cnt)
			memcpy(grown, c->defs, c->cnt * sizeof(*grown));
		c->defs = grown;
	}
	*own = *d;
	own->def = c->def_base + c->cnt;
	own->next = c->bucket[slot];
	c->bucket[slot] = own;
	c->defs[c->cnt++] = own;
	return own->def;
}

static bool is_same(const struct definition *a, const struct definition *b)
{
	if (a->die.addr == b->die.addr)
		return true;
	return a->name && b->name && a->dw == b->dw && a->size == b->size && a->line == b->line &&
	       !strcmp(a->name, b->name);
}

/* The number of what a DIE defines. */
static uint32_t number_of(struct ctype_dwarf *c, Dwarf *dw, const Dwarf_Die *die, const char *name)
{
	struct definition d = { .dw = dw, .die = *die, .name = name }, *known;

	d.size = number(&d.die, DW_AT_byte_size);
	d.line = number(&d.die, DW_AT_decl_line);
	for (known = c->bucket[hash(name)]; known && !is_same(known, &d); known = known->next)
		;
	return known ? known->def : define(c, &d);
}

static const struct type *tagged(struct ctype_dwarf *c, Dwarf *dw, Dwarf_Die *die)
{
	enum vkind kind = kind_of(dwarf_tag(die));
	const char *name = dwarf_diename(die);
	const Dwarf_Die *real = die;
	struct type *to;
	uint32_t def;

	if (name)
		name = arena_printf(c->arena, "%s %s", tag_word(kind), name);
	if (name && dwarf_hasattr(die, DW_AT_declaration)) {
		real = look_up(c, dw, name, false);
		if (!real && !c->is_program)
			return type_tagged(c->ts, kind, name, 0);
	}
	def = number_of(c, dw, real ?: die, name);
	to = type_tagged(c->ts, kind, name, def);
	if (!to->size)
		to->size = (uint32_t)c->defs[def - c->def_base]->size;
	return to;
}

static const struct type *base(struct ctype_dwarf *c, Dwarf_Die *die)
{
	uint64_t enc = number(die, DW_AT_encoding), size = number(die, DW_AT_byte_size);
	bool is_signed = enc == DW_ATE_signed || enc == DW_ATE_signed_char;

	if (enc == DW_ATE_boolean && size == 1)
		return type_bool(c->ts);
	if (enc == DW_ATE_float || enc == DW_ATE_complex_float || enc == DW_ATE_decimal_float)
		return type_array(c->ts, type_int(c->ts, 1, false), (uint32_t)size);
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return type_int(c->ts, (uint32_t)size, is_signed);
	if (size % 8)
		return type_array(c->ts, type_int(c->ts, 1, false), (uint32_t)size);
	return type_array(c->ts, type_int(c->ts, 8, false), (uint32_t)(size / 8));
}

static bool is_char(Dwarf_Die *die)
{
	Dwarf_Die at = *die;
	const char *name;

	for (unsigned i = 0; i < TYPE_DEPTH_MAX && dwarf_tag(&at) != DW_TAG_base_type; i++)
		if (!type_of(&at, &at))
			return false;
	name = dwarf_tag(&at) == DW_TAG_base_type ? dwarf_diename(&at) : NULL;
	return name && !strcmp(name, "char");
}

/* Every dimension is a child; the last one varies fastest. */
static const struct type *dimensions(struct ctype_dwarf *c, Dwarf_Die *range,
				     const struct type *elem, bool text, unsigned depth)
{
	Dwarf_Die next = *range;
	uint64_t cnt = 0;
	bool is_last = depth > TYPE_DEPTH_MAX || debug_next_die(&next);

	if (dwarf_hasattr(range, DW_AT_count))
		cnt = number(range, DW_AT_count);
	else if (dwarf_hasattr(range, DW_AT_upper_bound))
		cnt = number(range, DW_AT_upper_bound) + 1; /* of "[0]" it is -1 */
	if (!is_last)
		elem = dimensions(c, &next, elem, text, depth + 1);
	if (cnt > INT32_MAX || !elem->size)
		cnt = 0; /* it lies */
	if (is_last && text && cnt)
		return type_string(c->ts, (uint32_t)cnt);
	return type_array(c->ts, elem, (uint32_t)cnt);
}

static const struct type *array(struct ctype_dwarf *c, Dwarf *dw, Dwarf_Die *die, unsigned depth)
{
	const struct type *elem = type_void(c->ts);
	Dwarf_Die of, range;
	bool text = false;

	if (type_of(die, &of)) {
		text = dwarf_tag(&of) != DW_TAG_array_type && is_char(&of);
		elem = convert(c, dw, &of, depth + 1);
	}
	type_complete(c->ts, elem);
	if (dwarf_child(die, &range))
		return type_array(c->ts, elem, 0);
	return dimensions(c, &range, elem, text, depth);
}

static const struct type *convert(struct ctype_dwarf *c, Dwarf *dw, Dwarf_Die *die, unsigned depth)
{
	Dwarf_Die to;

	if (depth > TYPE_DEPTH_MAX)
		return type_void(c->ts);
	switch (dwarf_tag(die)) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return type_of(die, &to) ? convert(c, dw, &to, depth + 1) : type_void(c->ts);
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return type_ptr(c->ts,
				type_of(die, &to) ? convert(c, dw, &to, depth + 1)
						  : type_void(c->ts),
				c->is_program ? AS_USER : AS_NONE);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type: return tagged(c, dw, die);
	case DW_TAG_base_type: return base(c, die);
	case DW_TAG_array_type: return array(c, dw, die, depth);
	case DW_TAG_ptr_to_member_type: return type_int(c->ts, 8, false);
	default: return type_void(c->ts);
	}
}

const struct type *ctype_dwarf_type(struct ctype_dwarf *c, struct Dwarf *dw, const void *die)
{
	Dwarf_Die copy = *(const Dwarf_Die *)die;

	return type_complete(c->ts, convert(c, dw, &copy, 0));
}

const struct type *ctype_dwarf_find(struct ctype_dwarf *c, struct Dwarf *dw, const char *name)
{
	const Dwarf_Die *die = look_up(c, dw, name, false);

	return die ? ctype_dwarf_type(c, dw, die) : NULL;
}

bool ctype_dwarf_value(struct ctype_dwarf *c, struct Dwarf *dw, const char *name, int64_t *value,
		       const struct type **e)
{
	const Dwarf_Die *die = look_up(c, dw, name, true);

	*e = die ? ctype_dwarf_type(c, dw, die) : NULL;
	for (uint32_t i = 0; *e && i < (*e)->count; i++) {
		if (strcmp((*e)->values[i].name, name))
			continue;
		*value = (*e)->values[i].value;
		return true;
	}
	return false;
}

bool ctype_dwarf_bind(struct ctype_dwarf *c, struct Dwarf *dw, struct type *t)
{
	const Dwarf_Die *die = look_up(c, dw, t->name, false);

	if (die)
		t->def = number_of(c, dw, die, t->name);
	return die != NULL;
}

/* ---- what is inside ---- */

static void place(struct ctype_dwarf *c, Dwarf_Die *die, struct type_field *f)
{
	uint64_t bits = number(die, DW_AT_bit_size);
	uint64_t at = number(die, DW_AT_data_member_location) * 8;

	f->off = (uint32_t)(at / 8);
	if (!bits || bits > 64)
		return;
	if (dwarf_hasattr(die, DW_AT_data_bit_offset))
		at = number(die, DW_AT_data_bit_offset);
	else if (dwarf_hasattr(die, DW_AT_bit_offset)) /* before DWARF 4: from the highest bit */
		at += (number(die, DW_AT_byte_size) ?: f->type->size) * 8 -
		      number(die, DW_AT_bit_offset) - bits;
	ctype_place_bits(c->ts, f, (uint32_t)at, (uint32_t)bits);
}

/* What its members need, or what it was given; one that does not keep to that is packed. */
static void align(struct type *to, const struct type_fields *l, uint64_t given)
{
	to->align = 1;
	for (uint32_t i = 0; i < l->cnt; i++)
		if (l->fields[i].type->align > to->align)
			to->align = l->fields[i].type->align;
	for (uint32_t i = 0; i < l->cnt; i++)
		if (l->fields[i].off % l->fields[i].type->align)
			to->align = 1;
	if (given && given <= TYPE_ALIGN_MAX)
		to->align = (uint32_t)given;
	if (to->size % to->align)
		to->align = 1;
}

static void members(struct ctype_dwarf *c, struct type *to, const struct definition *d)
{
	struct type_fields l = { 0 };
	Dwarf_Die parent = d->die, die, type;

	for (int rc = dwarf_child(&parent, &die); !rc; rc = debug_next_die(&die)) {
		int tag = dwarf_tag(&die);
		struct type_field f = { 0 };

		/* a base class is a member without a name: its own count as the class's */
		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
		    dwarf_hasattr(&die, DW_AT_external) || !type_of(&die, &type))
			continue;
		f.name = tag == DW_TAG_member ? dwarf_diename(&die) : NULL;
		f.type = convert(c, d->dw, &type, 0);
		place(c, &die, &f);
		if (f.off > d->size || f.type->size > d->size - f.off || f.type == to)
			continue; /* it lies */
		if (!c->is_program) /* the script may lay out what holds one */
			type_complete(c->ts, f.type);
		type_fields_add(c->ts, &l, &f);
	}
	to->fields = l.fields;
	to->count = l.cnt;
	align(to, &l, number(&parent, DW_AT_alignment));
}

static void values(struct ctype_dwarf *c, struct type *to, const struct definition *d)
{
	Dwarf_Die parent = d->die, die, type;
	struct type_value *v;
	uint32_t cnt = 0;

	for (int rc = dwarf_child(&parent, &die); !rc; rc = debug_next_die(&die))
		cnt++;
	v = arena_array_of(c->arena, struct type_value, cnt + 1);
	if (type_of(&parent, &type))
		to->is_signed = convert(c, d->dw, &type, 0)->is_signed;
	for (int rc = dwarf_child(&parent, &die); !rc && to->count < cnt;
	     rc = debug_next_die(&die)) {
		Dwarf_Attribute attr;
		Dwarf_Sword n;

		if (dwarf_tag(&die) != DW_TAG_enumerator || !dwarf_diename(&die) ||
		    !dwarf_attr(&die, DW_AT_const_value, &attr) || dwarf_formsdata(&attr, &n))
			continue;
		to->is_signed |= n < 0;
		v[to->count++] = (struct type_value){ dwarf_diename(&die), n };
	}
	to->values = v;
}

void ctype_dwarf_complete(struct ctype_dwarf *c, struct type *to)
{
	const struct definition *d = c->defs[to->def - c->def_base];

	to->size = (uint32_t)d->size;
	if (to->kind == V_ENUM) {
		to->align = d->size ? (uint32_t)d->size : 1;
		values(c, to, d);
	} else {
		members(c, to, d);
	}
}

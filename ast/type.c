/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ast/type.h"
#include "lexer/arena.h"

/*
 * Interning: a candidate is built on the stack, hashed over what tells it from others, and looked
 * up; only a new one is copied to the arena. Fields are compared by content, other types by address
 * (they are interned already).
 */

#define TYPE_BUCKETS 256

struct types {
	struct arena *arena;
	struct type *bucket[TYPE_BUCKETS];
	uint64_t next_id;
	type_complete_fn *complete;
	void *complete_arg;
};

struct types *types_new(struct arena *a)
{
	struct types *ts = arena_new_of(a, struct types);

	ts->arena = a;
	return ts;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x100000001b3ull;
}

static uint64_t mix_str(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = mix(h, (unsigned char)*s);
	return h;
}

static bool same_str(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static uint64_t type_hash(const struct type *t)
{
	uint64_t h = 0xcbf29ce484222325ull;

	h = mix(h, t->kind);
	h = mix(h, t->is_signed | t->is_lit << 1 | t->as << 2 | t->k << 8);
	h = mix(h, t->size);
	h = mix(h, t->count);
	h = mix(h, t->elem ? t->elem->id : 0);
	h = mix(h, (uint64_t)t->min);
	h = mix(h, (uint64_t)t->max);
	h = mix(h, (uint64_t)t->step);
	h = mix_str(h, t->name);
	for (uint32_t i = 0; t->fields && i < t->count; i++) {
		h = mix_str(h, t->fields[i].name);
		h = mix(h, t->fields[i].type->id);
		h = mix(h, t->fields[i].off);
	}
	return h ^ h >> 32;
}

static bool same_fields(const struct type *a, const struct type *b)
{
	if (!a->fields != !b->fields)
		return false;
	for (uint32_t i = 0; a->fields && i < a->count; i++) {
		const struct type_field *x = &a->fields[i], *y = &b->fields[i];

		if (x->type != y->type || x->off != y->off || x->bit_off != y->bit_off ||
		    x->bit_sz != y->bit_sz || x->loc != y->loc || x->reg[0] != y->reg[0] ||
		    x->reg[1] != y->reg[1] || x->disp != y->disp || !same_str(x->name, y->name))
			return false;
	}
	return true;
}

static bool same_type(const struct type *a, const struct type *b)
{
	return !a->is_tagged && a->kind == b->kind && a->is_signed == b->is_signed &&
	       a->is_lit == b->is_lit && a->as == b->as && a->k == b->k && a->size == b->size &&
	       a->align == b->align && a->count == b->count && a->elem == b->elem &&
	       a->min == b->min && a->max == b->max && a->step == b->step &&
	       same_str(a->name, b->name) && same_fields(a, b);
}

static const struct type *intern(struct types *ts, const struct type *cand)
{
	struct type **slot = &ts->bucket[type_hash(cand) % TYPE_BUCKETS];
	struct type *t;

	for (t = *slot; t; t = t->hash_next)
		if (same_type(t, cand))
			return t;

	t = arena_new_of(ts->arena, struct type);
	*t = *cand;
	if (cand->name)
		t->name = arena_strdup(ts->arena, cand->name);
	if (cand->fields) {
		struct type_field *f = arena_array_of(ts->arena, struct type_field, cand->count);

		for (uint32_t i = 0; i < cand->count; i++) {
			f[i] = cand->fields[i];
			if (f[i].name)
				f[i].name = arena_strdup(ts->arena, f[i].name);
		}
		t->fields = f;
	}
	t->id = ++ts->next_id;
	t->hash_next = *slot;
	*slot = t;
	return t;
}

const struct type *type_void(struct types *ts)
{
	return type_plain(ts, V_VOID);
}

const struct type *type_bool(struct types *ts)
{
	return type_plain(ts, V_BOOL);
}

const struct type *type_int(struct types *ts, uint32_t size, bool is_signed)
{
	struct type t = { .kind = V_INT, .is_signed = is_signed, .size = size, .align = size };

	return intern(ts, &t);
}

const struct type *type_lit(struct types *ts, uint32_t size)
{
	struct type t = {
		.kind = V_INT, .is_signed = true, .is_lit = true, .size = size, .align = size
	};

	return intern(ts, &t);
}

const struct type *type_lit_unsigned(struct types *ts, uint32_t size, uint32_t other)
{
	struct type t = { .kind = V_INT, .is_lit = true, .k = other, .size = size, .align = size };

	return intern(ts, &t);
}

const struct type *type_string(struct types *ts, uint32_t size)
{
	struct type t = { .kind = V_STRING, .size = size, .align = 1 };

	return intern(ts, &t);
}

const struct type *type_buffer(struct types *ts, uint32_t size)
{
	struct type t = { .kind = V_BUFFER, .size = 4 + size, .align = 4 };

	return intern(ts, &t);
}

const struct type *type_ptr(struct types *ts, const struct type *elem, enum addr_space as)
{
	struct type t = { .kind = V_PTR, .size = 8, .align = 8, .elem = elem, .as = as };

	return intern(ts, &t);
}

const struct type *type_array(struct types *ts, const struct type *elem, uint32_t count)
{
	struct type t = {
		.kind = V_ARRAY,
		.elem = elem,
		.count = count,
		.size = elem->size * count,
		.align = elem->align,
	};

	return intern(ts, &t);
}

/* Offsets as C gives them; a field's type may be unsized only as the last. */
static void lay_out(struct type *t, struct type_field *f, uint32_t cnt)
{
	uint32_t off = 0, align = 1;

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t a = f[i].type->align ? f[i].type->align : 1;

		off = (off + a - 1) / a * a;
		f[i].off = off;
		off += f[i].type->size;
		align = a > align ? a : align;
	}
	t->fields = f;
	t->count = cnt;
	t->align = align;
	t->size = (off + align - 1) / align * align;
}

const struct type *type_tuple(struct types *ts, const struct type *const *elems, uint32_t cnt)
{
	struct type_field *f = arena_array_of(ts->arena, struct type_field, cnt ? cnt : 1);
	struct type t = { .kind = V_TUPLE };

	for (uint32_t i = 0; i < cnt; i++)
		f[i].type = elems[i];
	lay_out(&t, f, cnt);
	return intern(ts, &t);
}

const struct type *type_record(struct types *ts, const struct type_field *fields, uint32_t cnt)
{
	struct type_field *f = arena_array_of(ts->arena, struct type_field, cnt ? cnt : 1);
	struct type t = { .kind = V_RECORD };

	for (uint32_t i = 0; i < cnt; i++) {
		f[i].name = fields[i].name;
		f[i].type = fields[i].type;
	}
	lay_out(&t, f, cnt);
	return intern(ts, &t);
}

const struct type *type_settled(struct types *ts, const struct type *t)
{
	struct type_field *f;
	struct type made = { .kind = t ? t->kind : V_NONE };

	if (!t)
		return NULL;
	if (t->is_lit)
		return type_int(ts, t->size, t->is_signed);
	if ((t->kind != V_TUPLE && t->kind != V_RECORD) || t->count == 0)
		return t;

	f = arena_array_of(ts->arena, struct type_field, t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		f[i].name = t->fields[i].name;
		f[i].type = type_settled(ts, t->fields[i].type);
	}
	lay_out(&made, f, t->count);
	return intern(ts, &made);
}

const struct type *type_agg(struct types *ts, enum vkind kind, bool is_signed)
{
	struct type t = {
		.kind = kind, .is_signed = is_signed, .size = kind == V_COUNT ? 8 : 16, .align = 8
	};

	return intern(ts, &t);
}

const struct type *type_hist(struct types *ts, uint32_t k)
{
	struct type t = {
		.kind = V_HIST, .is_signed = true, .k = k, .size = hist_buckets(k) * 8, .align = 8
	};

	return intern(ts, &t);
}

const struct type *type_lhist(struct types *ts, int64_t min, int64_t max, int64_t step)
{
	struct type t = {
		.kind = V_LHIST, .is_signed = true, .min = min, .max = max, .step = step, .align = 8
	};

	t.size = lhist_buckets(min, max, step) * 8;
	return intern(ts, &t);
}

const struct type *type_tseries(struct types *ts, enum tseries_kind kind, bool is_signed,
				int64_t interval, int64_t slots)
{
	struct type t = {
		.kind = V_TSERIES,
		.is_signed = is_signed,
		.k = kind,
		.size = (uint32_t)slots * sizeof(struct tseries_slot),
		.align = 8,
		.min = interval,
		.max = slots,
	};

	return intern(ts, &t);
}

const struct type *type_stack(struct types *ts, enum vkind kind, uint32_t mode, uint32_t limit)
{
	struct type t = {
		.kind = kind, .k = mode, .max = limit, .size = sizeof(struct stack_ref), .align = 8
	};

	return intern(ts, &t);
}

static uint32_t plain_size(enum vkind kind)
{
	switch (kind) {
	case V_BOOL: return 1;
	case V_MAC: return 6;
	case V_TIMESTAMP: return 16;
	case V_INET: return 20;
	case V_KSYM:
	case V_USERNAME: return 8;
	case V_USYM:
	case V_CGROUP_PATH:
	case V_KSTACK:
	case V_USTACK: return 16;
	case V_NONE:
	case V_VOID:
	case V_INT:
	case V_ENUM:
	case V_STRING:
	case V_BUFFER:
	case V_PTR:
	case V_ARRAY:
	case V_STRUCT:
	case V_UNION:
	case V_TUPLE:
	case V_RECORD:
	case V_COUNT:
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS:
	case V_HIST:
	case V_LHIST:
	case V_TSERIES:
	case V_KIND_CNT: return 0;
	}
	return 0;
}

const struct type *type_plain(struct types *ts, enum vkind kind)
{
	uint32_t sz = plain_size(kind);
	struct type t = { .kind = kind, .size = sz, .align = sz % 8 ? 1 : 8 };

	if (kind == V_INET)
		t.align = 4;
	return intern(ts, &t);
}

const struct type *type_struct(struct types *ts, enum vkind kind, const char *name, uint32_t size,
			       uint32_t align, const struct type_field *fields, uint32_t cnt)
{
	struct type t = {
		.kind = kind,
		.name = name,
		.size = size,
		.align = align ? align : 1,
		.fields = cnt ? fields : NULL,
		.count = cnt,
	};

	return intern(ts, &t);
}

static uint64_t tag_hash(enum vkind kind, const char *name, uint32_t def)
{
	uint64_t h = mix(0xcbf29ce484222325ull, kind);

	h = name ? mix_str(h, name) : mix(h, def);
	return h ^ h >> 32;
}

/* Whether t is the object for that definition, or may become it. */
static bool is_tag(const struct type *t, enum vkind kind, const char *name, uint32_t def)
{
	if (!t->is_tagged || t->kind != kind || !same_str(t->name, name))
		return false;
	if (t->def == def)
		return true;
	if (t->def >= TYPE_DEF_FOREIGN || def >= TYPE_DEF_FOREIGN)
		return false;
	return name && (!def || (!t->def && !t->is_complete));
}

struct type *type_tagged(struct types *ts, enum vkind kind, const char *name, uint32_t def)
{
	struct type **slot = &ts->bucket[tag_hash(kind, name, def) % TYPE_BUCKETS];
	struct type *t, *found = NULL;

	/* The youngest stand first; by name alone the oldest is meant. */
	for (t = *slot; t; t = t->hash_next)
		if (is_tag(t, kind, name, def) && (!found || !def || t->def == def))
			found = t;
	if (!found) {
		found = arena_new_of(ts->arena, struct type);
		found->kind = kind;
		found->name = name ? arena_strdup(ts->arena, name) : NULL;
		found->align = 1;
		found->is_tagged = true;
		found->id = ++ts->next_id;
		found->hash_next = *slot;
		*slot = found;
	}
	found->def = def ? def : found->def;
	return found;
}

void types_set_source(struct types *ts, type_complete_fn *fn, void *arg)
{
	ts->complete = fn;
	ts->complete_arg = arg;
}

const struct type *type_complete(struct types *ts, const struct type *t)
{
	if (!t->is_tagged || t->is_complete || !ts->complete)
		return t;
	((struct type *)t)->is_complete = true;
	ts->complete(ts->complete_arg, (struct type *)t);
	return t;
}

void type_fields_add(struct types *ts, struct type_fields *l, const struct type_field *f)
{
	const struct type *t = f->type;
	struct type_field inner;

	if (!f->name && (t->kind == V_STRUCT || t->kind == V_UNION)) {
		type_complete(ts, t);
		for (uint32_t i = 0; i < t->count; i++) {
			inner = t->fields[i];
			inner.off += f->off;
			type_fields_add(ts, l, &inner);
		}
		return;
	}
	if (!f->name) /* padding */
		return;
	if (l->cnt == l->cap) {
		struct type_field *grown;

		l->cap = l->cap ? l->cap * 2 : 8;
		grown = arena_array_of(ts->arena, struct type_field, l->cap);
		if (l->cnt)
			memcpy(grown, l->fields, l->cnt * sizeof(*grown));
		l->fields = grown;
	}
	l->fields[l->cnt++] = *f;
}

const struct type_field *type_field_find(const struct type *t, const char *name)
{
	for (uint32_t i = 0; t->fields && i < t->count; i++)
		if (t->fields[i].name && strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	return NULL;
}

const struct type_field *type_field_like(const struct type *t, const struct type *like, uint32_t i)
{
	if (t == like || like->kind != V_RECORD)
		return &t->fields[i];
	return type_field_find(t, like->fields[i].name);
}

bool type_is_agg(const struct type *t)
{
	return vkind_is_agg(t->kind);
}

bool type_is_empty(const struct type *t)
{
	return !t->size && (t->kind == V_TUPLE || t->kind == V_RECORD || t->kind == V_ARRAY ||
			    t->kind == V_STRUCT || t->kind == V_UNION);
}

bool type_is_bytes(const struct type *t)
{
	return t->kind == V_ARRAY && t->elem->kind == V_INT && t->elem->size == 1;
}

bool type_is_int(const struct type *t)
{
	return t->kind == V_INT || t->kind == V_ENUM || t->kind == V_BOOL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How types meet: the lattice that inference climbs. Every chain in it is finite. */
#include "ast/type.h"

#define JOIN_DEPTH 64 /* tuples deeper than this do not meet: bounds the recursion */

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static bool fits_signed(int64_t v, uint32_t size)
{
	int64_t max = size == 8 ? INT64_MAX : (INT64_C(1) << (size * 8 - 1)) - 1;

	return v >= -max - 1 && v <= max;
}

const struct type *type_of_literal(struct types *ts, uint64_t value, bool is_unsigned)
{
	int64_t v = (int64_t)value;
	uint32_t size = 1;

	if (is_unsigned && v < 0)
		return type_int(ts, 8, false);
	while (!fits_signed(v, size))
		size *= 2;
	return v < 0 ? type_int(ts, size, true) : type_lit(ts, size);
}

/*
 * What went into an integer type: the largest unsigned, signed and literal size, 0: none. Joining
 * takes the larger of each, so that order does not matter.
 */
struct parts {
	uint32_t u, s, lit;
};

static struct parts take_apart(const struct type *t)
{
	if (t->is_lit)
		return (struct parts){ .u = t->k, .lit = t->size };
	return t->is_signed ? (struct parts){ .s = t->size } : (struct parts){ .u = t->size };
}

static const struct type *put_together(struct types *ts, struct parts p, bool *lossy)
{
	uint32_t s = max32(p.s, p.lit);

	if (!p.s && p.lit > p.u)
		return p.u ? type_lit_unsigned(ts, p.lit, p.u) : type_lit(ts, p.lit);
	if (!p.s)
		return type_int(ts, p.u, false);
	if (s > p.u)
		return type_int(ts, s, true);
	if (p.u < 8)
		return type_int(ts, p.u * 2, true);
	if (lossy)
		*lossy = true;
	return type_int(ts, 8, true);
}

/* Both are V_INT. */
static const struct type *join_int(struct types *ts, const struct type *a, const struct type *b,
				   bool *lossy)
{
	struct parts x = take_apart(a), y = take_apart(b);

	x.u = max32(x.u, y.u);
	x.s = max32(x.s, y.s);
	x.lit = max32(x.lit, y.lit);
	return put_together(ts, x, lossy);
}

static const struct type *join_depth(struct types *ts, const struct type *a, const struct type *b,
				     bool *lossy, int depth);

/* Of tuples and records, which have at most TYPE_FIELDS_MAX fields. */
static const struct type *join_fields(struct types *ts, const struct type *a, const struct type *b,
				      bool *lossy, int depth)
{
	if (a->count != b->count || depth >= JOIN_DEPTH)
		return NULL;
	if (a->count == 0)
		return a;

	struct type_field f[TYPE_FIELDS_MAX];
	const struct type *elems[TYPE_FIELDS_MAX];

	for (uint32_t i = 0; i < a->count; i++) {
		const struct type_field *other = type_field_like(b, a, i);

		if (!other)
			return NULL;
		elems[i] = join_depth(ts, a->fields[i].type, other->type, lossy, depth + 1);
		if (!elems[i])
			return NULL;
		f[i] = (struct type_field){ .name = a->fields[i].name, .type = elems[i] };
	}
	return a->kind == V_TUPLE ? type_tuple(ts, elems, a->count) : type_record(ts, f, a->count);
}

/* Pointers to the same thing meet; void * takes any pointee. */
static const struct type *join_ptr(struct types *ts, const struct type *a, const struct type *b)
{
	const struct type *elem = a->elem;
	enum addr_space as = a->as == b->as	? a->as
			     : a->as == AS_NONE ? b->as
			     : b->as == AS_NONE ? a->as
						: AS_NONE;

	if (a->elem != b->elem) {
		if (a->elem && a->elem->kind != V_VOID && b->elem && b->elem->kind != V_VOID)
			return NULL;
		elem = type_void(ts);
	}
	return type_ptr(ts, elem, as);
}

static bool is_plain_int(const struct type *t)
{
	return t->kind == V_INT || t->kind == V_ENUM;
}

static const struct type *plain(struct types *ts, const struct type *t)
{
	return t->kind == V_ENUM ? type_int(ts, t->size, t->is_signed) : t;
}

static const struct type *join_tseries(struct types *ts, const struct type *a, const struct type *b)
{
	if (a->k != b->k || a->min != b->min || a->max != b->max)
		return NULL;
	return type_tseries(ts, a->k, a->is_signed || b->is_signed, a->min, a->max);
}

static const struct type *join_depth(struct types *ts, const struct type *a, const struct type *b,
				     bool *lossy, int depth)
{
	if (a == b)
		return a;
	if (is_plain_int(a) && is_plain_int(b))
		return join_int(ts, plain(ts, a), plain(ts, b), lossy);
	if (a->kind != b->kind)
		return NULL;

	switch (a->kind) {
	case V_STRING: return a->size > b->size ? a : b;
	case V_BUFFER: return a->size > b->size ? a : b;
	case V_PTR: return join_ptr(ts, a, b);
	case V_TUPLE:
	case V_RECORD: return join_fields(ts, a, b, lossy, depth);
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS: return type_agg(ts, a->kind, a->is_signed || b->is_signed);
	case V_TSERIES: return join_tseries(ts, a, b);
	case V_NONE:
	case V_VOID:
	case V_BOOL:
	case V_INT:
	case V_ENUM:
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
	case V_USERNAME:
	case V_COUNT:
	case V_HIST:
	case V_LHIST:
	case V_KIND_CNT: return NULL;
	}
	return NULL;
}

const struct type *type_join(struct types *ts, const struct type *a, const struct type *b,
			     bool *lossy)
{
	return join_depth(ts, a, b, lossy, 0);
}

const struct type *type_agg_value(struct types *ts, const struct type *agg)
{
	const struct type *n = type_int(ts, 8, agg->is_signed);
	const struct type_field stats[] = {
		{ .name = "count", .type = type_int(ts, 8, false) },
		{ .name = "average", .type = n },
		{ .name = "total", .type = n },
	};

	if (agg->kind == V_STATS)
		return type_record(ts, stats, 3);
	if (agg->kind == V_COUNT)
		return type_int(ts, 8, false);
	if (agg->kind == V_SUM || agg->kind == V_AVG || agg->kind == V_MIN || agg->kind == V_MAX)
		return n;
	return NULL;
}

bool type_fits(const struct type *from, const struct type *to)
{
	if (from == to)
		return true;
	if (is_plain_int(from) && to->kind == V_INT) {
		if (from->is_signed == to->is_signed || type_is_lit(from))
			return from->size <= to->size;
		return !from->is_signed && from->size < to->size;
	}
	if (from->kind != to->kind)
		return false;
	if (from->kind == V_STRING || from->kind == V_BUFFER)
		return from->size <= to->size;
	if (from->kind == V_PTR)
		return from->elem == to->elem || !to->elem || to->elem->kind == V_VOID;
	if ((from->kind != V_TUPLE && from->kind != V_RECORD) || from->count != to->count)
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		const struct type_field *f = type_field_like(to, from, i);

		if (!f || !type_fits(from->fields[i].type, f->type))
			return false;
	}
	return true;
}

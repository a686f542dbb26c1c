// SPDX-License-Identifier: Apache-2.0
/* Reading typed bytes. Offsets and sizes were checked with the image, so nothing here can stray. */
#include <string.h>

#include "runtime/value.h"

static int64_t load_int(const char *at, uint32_t sz, bool is_signed)
{
	uint64_t v = 0;
	uint32_t shift = 64 - sz * 8;

	memcpy(&v, at, sz); /* little endian, as BPF is here; big-endian machines shift below */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v >>= shift;
#endif
	return is_signed ? (int64_t)(v << shift) >> shift : (int64_t)v;
}

static int64_t load_bits(const struct value *v, bool is_signed)
{
	uint64_t word = (uint64_t)load_int(v->at, v->type->size, false);

	word >>= v->bit_off;
	word <<= 64 - v->bit_sz;
	return is_signed ? (int64_t)word >> (64 - v->bit_sz) : (int64_t)(word >> (64 - v->bit_sz));
}

bool value_is_number(const struct value *v)
{
	return v->type->kind == V_INT || v->type->kind == V_ENUM || v->type->kind == V_BOOL ||
	       v->type->kind == V_PTR;
}

int64_t value_int(const struct value *v)
{
	bool is_signed = v->type->flags & IMAGE_TYPE_SIGNED;

	if (!value_is_number(v))
		return 0;
	if (v->bit_sz)
		return load_bits(v, is_signed);
	return load_int(v->at, v->type->size, is_signed);
}

struct value value_part(const struct image *img, const struct value *v, uint32_t i)
{
	const struct image_field *f;
	struct value part;

	if (v->type->kind == V_ARRAY) {
		part = value_at(img, v->type->elem, v->at);
		part.at += (size_t)i * part.type->size;
		return part;
	}
	f = &img->fields[v->type->first + i];
	part = value_at(img, f->type, v->at + f->off);
	part.bit_off = f->bit_off;
	part.bit_sz = f->bit_sz;
	return part;
}

const char *value_bytes(const struct value *v, uint32_t *len)
{
	uint32_t most;

	if (v->tail) {
		*len = v->len;
		return v->at;
	}
	if (v->type->kind == V_BUFFER) {
		most = v->type->size - sizeof(uint32_t);
		memcpy(len, v->at, sizeof(*len));
		*len = *len < most ? *len : most;
		return v->at + sizeof(uint32_t);
	}
	*len = (uint32_t)strnlen(v->at, v->type->size);
	return v->at;
}

/*
 * A string that was kept or is part of something has no mark of its own: one that fills all the room
 * that str() has is taken to have been longer.
 */
bool value_is_cut(const struct value_env *env, const struct value *v)
{
	uint32_t len;

	if (v->tail || v->type->size != env->max_strlen + 1)
		return v->cut;
	value_bytes(v, &len);
	return len == env->max_strlen;
}

const char *value_enum_name(const struct image *img, const struct value *v)
{
	const struct image_enumerator *e = &img->enumerators[v->type->first];
	int64_t n = value_int(v);

	for (uint32_t i = 0; i < v->type->count; i++)
		if (e[i].value == n)
			return image_str(img, e[i].name);
	return NULL;
}

static int cmp_ints(const struct value *a, const struct value *b)
{
	int64_t x = value_int(a), y = value_int(b);

	if (a->type->flags & IMAGE_TYPE_SIGNED)
		return (x > y) - (x < y);
	return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
}

static int cmp_bytes(const struct value *a, const struct value *b)
{
	uint32_t x_len, y_len;
	const char *x = value_bytes(a, &x_len), *y = value_bytes(b, &y_len);
	int c = memcmp(x, y, x_len < y_len ? x_len : y_len);

	return c ?: (x_len > y_len) - (x_len < y_len);
}

static int cmp_values(const struct image *img, const struct value *a, const struct value *b)
{
	int c = 0;

	if (value_is_number(a))
		return cmp_ints(a, b);
	switch ((enum vkind)a->type->kind) {
	case V_STRING:
	case V_BUFFER: return cmp_bytes(a, b);
	case V_ARRAY:
	case V_STRUCT:
	case V_UNION:
	case V_TUPLE:
	case V_RECORD:
		for (uint32_t i = 0; i < a->type->count && !c; i++) {
			struct value x = value_part(img, a, i), y = value_part(img, b, i);

			c = cmp_values(img, &x, &y);
		}
		return c;
	case V_NONE:
	case V_VOID:
	case V_BOOL:
	case V_INT:
	case V_ENUM:
	case V_PTR:
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
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS:
	case V_HIST:
	case V_LHIST:
	case V_TSERIES:
	case V_KIND_CNT: break;
	}
	return memcmp(a->at, b->at, a->type->size);
}

int value_cmp(const struct image *img, uint32_t type, const void *a, const void *b)
{
	struct value x = value_at(img, type, a), y = value_at(img, type, b);

	return cmp_values(img, &x, &y);
}

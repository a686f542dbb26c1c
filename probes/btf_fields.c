// SPDX-License-Identifier: Apache-2.0
/* Where fields of the kernel's structures lie, for those who ask for few of them and in a hurry. */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

enum { DEPTH_MAX = 16 }; /* of types within types */

struct btf_fields {
	const struct btf_file *file;
	const struct btf_type **type; /* by id; 0: void */
	uint32_t cnt;
};

static int note(void *arg, const struct btf_type *t, const char *name, uint32_t id)
{
	struct btf_fields *b = arg;

	if (!(id & (id - 1))) { /* a power of two: full */
		void *more = realloc(b->type, 2 * (size_t)id * sizeof(*b->type));

		if (!more)
			return -ENOMEM;
		b->type = more;
		b->type[0] = NULL;
	}
	b->type[id] = t;
	b->cnt = id + 1;
	return 0;
}

static const struct btf_fields *fields_of(struct probe_env *env)
{
	struct btf_fields *b = env->btf_fields;
	struct probe_error err;

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->file = env_btf_file(env, &err);
	if (b->file && !btf_file_each(b->file, note, b))
		return env->btf_fields = b;
	btf_fields_free(b);
	return NULL;
}

void btf_fields_free(struct btf_fields *b)
{
	if (!b)
		return;
	free(b->type);
	free(b);
}

static bool is_aggregate(const struct btf_type *t)
{
	uint32_t kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static const struct btf_type *bare(const struct btf_fields *b, uint32_t id)
{
	for (unsigned i = 0; i < DEPTH_MAX && id && id < b->cnt; i++) {
		const struct btf_type *t = b->type[id];

		switch (BTF_INFO_KIND(t->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG: id = t->type; break;
		default: return t;
		}
	}
	return NULL;
}

/* Bits from the start of t; what has no name is looked into. -1: no such field. */
static int64_t member_bits(const struct btf_fields *b, const struct btf_type *t, const char *name,
			   size_t len, const struct btf_type **type, unsigned depth)
{
	const struct btf_member *m = (const void *)(t + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info) && depth < DEPTH_MAX; i++, m++) {
		int64_t at = BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
		const char *s = btf_file_str(b->file, m->name_off);
		int64_t inner = -1;

		*type = bare(b, m->type);
		if (!strncmp(s, name, len) && !s[len])
			return at;
		if (!*s && *type && is_aggregate(*type))
			inner = member_bits(b, *type, name, len, type, depth + 1);
		if (inner >= 0)
			return at + inner;
	}
	return -1;
}

int64_t probe_field_off(struct probe_env *env, const char *path)
{
	const struct btf_fields *b = fields_of(env);
	size_t len = strcspn(path, ".");
	const struct btf_type *t = NULL;
	int64_t bits = 0, at;

	for (uint32_t id = 1; b && id < b->cnt && !t; id++) {
		const char *s = btf_file_str(b->file, b->type[id]->name_off);

		if (BTF_INFO_KIND(b->type[id]->info) == BTF_KIND_STRUCT && !strncmp(s, path, len) &&
		    !s[len])
			t = b->type[id];
	}
	if (!t)
		return -1;
	while (path[len]) {
		path += len + 1;
		len = strcspn(path, ".");
		at = t && is_aggregate(t) ? member_bits(b, t, path, len, &t, 0) : -1;
		if (at < 0)
			return -1;
		bits += at;
	}
	return bits / 8;
}

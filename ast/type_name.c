/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/type.h"
#include "lexer/arena.h"

static const char *const kind_names[] = {
#define X(name, text) [V_##name] = text,
	VKINDS(X)
#undef X
};

const char *type_kind_name(const struct type *t)
{
	return kind_names[t->kind];
}

static const char *list_name(struct arena *a, const struct type *t)
{
	const char *s = "";

	for (uint32_t i = 0; i < t->count; i++) {
		const struct type_field *f = &t->fields[i];

		s = arena_printf(a, "%s%s%s%s%s", s, i ? "," : "", f->name ? f->name : "",
				 f->name ? "=" : "", type_name(a, f->type));
	}
	return arena_printf(a, "(%s)", s);
}

static const char *ptr_name(struct arena *a, const struct type *t)
{
	const char *to = t->elem ? type_name(a, t->elem) : "void";

	return arena_printf(a, "%s *", to);
}

const char *type_name(struct arena *a, const struct type *t)
{
	switch (t->kind) {
	case V_INT: return arena_printf(a, "%sint%u", t->is_signed ? "" : "u", t->size * 8);
	case V_STRING: return t->size ? arena_printf(a, "string[%u]", t->size) : "string";
	case V_BUFFER: return arena_printf(a, "buffer[%u]", t->size);
	case V_PTR: return ptr_name(a, t);
	case V_ARRAY: return arena_printf(a, "%s[%u]", type_name(a, t->elem), t->count);
	case V_TUPLE:
	case V_RECORD: return list_name(a, t);
	case V_ENUM:
	case V_STRUCT:
	case V_UNION: return t->name ? t->name : kind_names[t->kind];
	case V_NONE:
	case V_VOID:
	case V_BOOL:
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
	case V_KIND_CNT: return kind_names[t->kind];
	}
	return "";
}

// SPDX-License-Identifier: Apache-2.0
/* Values and strings as JSON. Strings come from anywhere on the machine: the output is UTF-8 always. */
#include <string.h>

#include "runtime/value.h"

/* Length of the UTF-8 sequence at p, 0 when it is none (overlong, surrogate, cut, beyond 10FFFF). */
size_t utf8_len(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void escape(struct buf *b, uint8_t c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *s = shorts; *s; s += 2) {
		if (c == (uint8_t)*s) {
			buf_putc(b, '\\');
			buf_putc(b, s[1]);
			return;
		}
	}
	buf_put(b, "\\u00", 4);
	buf_putc(b, "0123456789abcdef"[c >> 4]);
	buf_putc(b, "0123456789abcdef"[c & 15]);
}

void json_string(struct buf *b, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t plain = 0, i = 0, n;

	buf_putc(b, '"');
	while (i < len) {
		n = p[i] < 0x80 ? p[i] >= ' ' && p[i] != '"' && p[i] != '\\'
				: utf8_len(p + i, len - i);
		if (n) {
			i += n;
			continue;
		}
		buf_put(b, p + plain, i - plain);
		escape(b, p[i++]);
		plain = i;
	}
	if (len)
		buf_put(b, p + plain, i - plain);
	buf_putc(b, '"');
}

/* Whatever has no form of its own in JSON: its text as a string. */
static void quoted_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	struct buf tmp = { 0 };

	value_text(&tmp, env, v, false);
	json_string(b, tmp.p, tmp.len);
	b->nomem |= tmp.nomem;
	buf_free(&tmp);
}

static void list_json(struct buf *b, const struct value_env *env, const struct value *v)
{
	buf_putc(b, '[');
	for (uint32_t i = 0; i < v->type->count; i++) {
		struct value part = value_part(env->img, v, i);

		if (i)
			buf_putc(b, ',');
		value_json(b, env, &part);
	}
	buf_putc(b, ']');
}

static void object_json(struct buf *b, const struct value_env *env, const struct value *v)
{
	buf_putc(b, '{');
	for (uint32_t i = 0; i < v->type->count; i++) {
		struct value part = value_part(env->img, v, i);
		const char *name = image_str(env->img, env->img->fields[v->type->first + i].name);

		if (i)
			buf_puts(b, ", ");
		json_string(b, name, strlen(name));
		buf_puts(b, ": ");
		value_json(b, env, &part);
	}
	buf_putc(b, '}');
}

void value_json(struct buf *b, const struct value_env *env, const struct value *v)
{
	switch ((enum vkind)v->type->kind) {
	case V_INT:
	case V_ENUM:
		if (v->type->flags & IMAGE_TYPE_SIGNED)
			return buf_put_s64(b, value_int(v));
		return buf_put_u64(b, (uint64_t)value_int(v));
	case V_PTR: return buf_put_u64(b, (uint64_t)value_int(v));
	case V_BOOL: return value_text(b, env, v, false);
	case V_ARRAY:
	case V_TUPLE: return list_json(b, env, v);
	case V_STRUCT:
	case V_UNION:
	case V_RECORD: return object_json(b, env, v);
	case V_NONE:
	case V_VOID:
	case V_STRING:
	case V_BUFFER:
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
	case V_KIND_CNT: return quoted_text(b, env, v);
	}
}

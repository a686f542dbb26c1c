// SPDX-License-Identifier: Apache-2.0
/* Values and strings as JSON. Strings come from anywhere on the machine: the output is UTF-8 always. */
#include <string.h>

#include "runtime/utf8.h"
#include "runtime/value.h"

static void escape(struct buf *b, uint32_t c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *s = shorts; *s; s += 2) {
		if (c == (uint32_t)*s) {
			buf_putc(b, '\\');
			buf_putc(b, s[1]);
			return;
		}
	}
	buf_printf(b, "\\u%04x", c);
}

/* Length of what at p stands in a string as it is, 0: it does not. */
static size_t plain_len(const uint8_t *p, size_t left)
{
	size_t n;

	if (*p < 0x80)
		return *p >= ' ' && *p != '"' && *p != '\\' && *p != 0x7f;
	n = utf8_len(p, left);
	return n && !utf8_is_control(utf8_code(p, n)) ? n : 0;
}

void json_string(struct buf *b, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t plain = 0, i = 0, n;

	buf_putc(b, '"');
	while (i < len) {
		n = plain_len(p + i, len - i);
		if (n) {
			i += n;
			continue;
		}
		buf_put(b, p + plain, i - plain);
		n = utf8_len(p + i, len - i);
		escape(b, n ? utf8_code(p + i, n) : p[i]);
		i += n ?: 1;
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

static void bytes_json(struct buf *b, const struct value *v)
{
	uint32_t len;
	const char *bytes = value_bytes(v, &len);

	buf_putc(b, '[');
	for (uint32_t i = 0; i < len; i++) {
		if (i)
			buf_putc(b, ',');
		buf_put_u64(b, (uint8_t)bytes[i]);
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
	case V_BUFFER: return bytes_json(b, v);
	case V_STRUCT:
	case V_UNION:
	case V_RECORD: return object_json(b, env, v);
	case V_NONE:
	case V_VOID:
	case V_STRING:
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

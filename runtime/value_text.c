// SPDX-License-Identifier: Apache-2.0
/* Values as text and as JSON: one switch each over the kinds. */
#include <arpa/inet.h>
#include <link.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/cgroups.h"
#include "runtime/symbols.h"
#include "runtime/utf8.h"
#include "runtime/value.h"

/* Whether shared libraries are linked to this program. */
#pragma weak _DYNAMIC
#define RUNS_DYNAMIC (_DYNAMIC != NULL)

struct style {
	const struct value_env *env;
	const char *comma; /* between elements */
	bool compact;
};

static void text(struct buf *b, const struct style *s, const struct value *v);

/* What neither form has a better word for yet. */
static void raw_hex(struct buf *b, const struct value *v)
{
	for (uint32_t i = 0; i < v->type->size; i++)
		buf_printf(b, "%02x", (uint8_t)v->at[i]);
}

void bytes_text(struct buf *b, const char *s, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (s[i] >= ' ' && s[i] <= '~')
			buf_putc(b, s[i]);
		else
			buf_printf(b, "\\x%02x", (uint8_t)s[i]);
	}
}

/* Length of what at p may be shown. A byte that is no UTF-8 may be a control to an old terminal. */
static size_t harmless(const uint8_t *p, size_t left, bool lines)
{
	size_t n = utf8_len(p, left);

	if (lines && (*p == '\n' || *p == '\t'))
		return 1;
	return n && !utf8_is_control(utf8_code(p, n)) ? n : 0;
}

void traced_text(struct buf *b, const struct value_env *env, const char *s, size_t len, bool lines)
{
	if (!env->terminal) {
		buf_put(b, s, len);
		return;
	}
	for (size_t i = 0, n; i < len; i += n ?: 1) {
		n = harmless((const uint8_t *)s + i, len - i, lines);
		if (n)
			buf_put(b, s + i, n);
		else if (s[i] == '\n' || s[i] == '\t' || s[i] == '\r')
			buf_puts(b, s[i] == '\n' ? "\\n" : s[i] == '\t' ? "\\t" : "\\r");
		else
			buf_printf(b, "\\x%02x", (uint8_t)s[i]);
	}
}

static void cgroup_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	uint64_t id, filter;

	memcpy(&id, v->at, sizeof(id));
	memcpy(&filter, v->at + sizeof(id), sizeof(filter));
	if (filter < env->img->strings_cnt)
		cgroup_path_text(b, id, image_str(env->img, (uint32_t)filter));
}

/* The file alone: other sources of names are plugins, which a static program cannot rely on. */
static const struct passwd *user_in_file(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && pw->pw_uid != uid)
		;
	if (f)
		fclose(f);
	return pw;
}

static void username_text(struct buf *b, const struct value *v)
{
	uint64_t uid;
	const struct passwd *pw;

	memcpy(&uid, v->at, sizeof(uid));
	pw = user_in_file((uid_t)uid);
	if (!pw && RUNS_DYNAMIC)
		pw = getpwuid((uid_t)uid);
	if (pw)
		buf_puts(b, pw->pw_name);
	else
		buf_put_u64(b, uid);
}

/* Names of symbols and cgroups come from whoever made the files. */
static void named_by_others(struct buf *b, const struct style *s, const struct value *v)
{
	struct buf tmp = { 0 };
	bool stack = v->type->kind == V_KSTACK || v->type->kind == V_USTACK;

	if (stack)
		stack_text(&tmp, s->env, v, s->compact);
	else if (v->type->kind == V_CGROUP_PATH)
		cgroup_text(&tmp, s->env, v);
	else if (v->type->kind == V_USERNAME)
		username_text(&tmp, v);
	else
		symbol_text(&tmp, s->env, v);
	traced_text(b, s->env, tmp.p, tmp.len, stack);
	b->nomem |= tmp.nomem;
	buf_free(&tmp);
}

static void string_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	uint32_t len;
	const char *p = value_bytes(v, &len);

	traced_text(b, env, p, len, false);
	if (value_is_cut(env, v))
		buf_puts(b, env->cut_mark);
}

static void int_text(struct buf *b, const struct value *v)
{
	if (v->type->flags & IMAGE_TYPE_SIGNED)
		buf_put_s64(b, value_int(v));
	else
		buf_put_u64(b, (uint64_t)value_int(v));
}

static void enum_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	const char *name = value_enum_name(env->img, v);

	if (name)
		buf_puts(b, name);
	else
		int_text(b, v);
}

static void mac_text(struct buf *b, const struct value *v)
{
	const uint8_t *m = (const uint8_t *)v->at;

	buf_printf(b, "%02X:%02X:%02X:%02X:%02X:%02X", m[0], m[1], m[2], m[3], m[4], m[5]);
}

/* u32 family, then the address; a family that has no such addresses shows nothing. */
static void inet_text(struct buf *b, const struct value *v)
{
	char out[INET6_ADDRSTRLEN] = "";
	uint32_t family;

	memcpy(&family, v->at, sizeof(family));
	inet_ntop((int)family, v->at + sizeof(family), out, sizeof(out));
	buf_puts(b, out);
}

/* Microseconds are not strftime's: its %f is replaced before; everything else is its own. */
void time_text(struct buf *b, const char *fmt, int64_t wall_ns)
{
	time_t sec = (time_t)(wall_ns / 1000000000);
	int64_t ns = wall_ns % 1000000000;
	char out[1024], with_us[1024];
	size_t n = 0;
	struct tm tm;

	if (ns < 0) {
		ns += 1000000000;
		sec--;
	}
	for (const char *f = fmt; *f && n < sizeof(with_us) - 8; f++) {
		if (f[0] == '%' && f[1] == 'f') {
			n += (size_t)sprintf(with_us + n, "%06lld", (long long)ns / 1000);
			f++;
			continue;
		}
		if (f[0] == '%' && f[1])
			with_us[n++] = *f++;
		with_us[n++] = *f;
	}
	with_us[n] = '\0';
	if (localtime_r(&sec, &tm))
		buf_put(b, out, strftime(out, sizeof(out), with_us, &tm));
}

static void timestamp_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	uint32_t fmt;
	int64_t ns;

	memcpy(&ns, v->at, sizeof(ns));
	memcpy(&fmt, v->at + sizeof(ns), sizeof(fmt));
	if (fmt < env->img->strings_cnt) /* came from the kernel, not from the image */
		time_text(b, image_str(env->img, fmt),
			  (int64_t)((uint64_t)ns + (uint64_t)env->boot_ns));
}

static void list_text(struct buf *b, const struct style *s, const struct value *v,
		      const char *comma)
{
	for (uint32_t i = 0; i < v->type->count; i++) {
		struct value part = value_part(s->env->img, v, i);

		if (i)
			buf_puts(b, comma);
		text(b, s, &part);
	}
}

static void named_text(struct buf *b, const struct style *s, const struct value *v)
{
	const struct image *img = s->env->img;

	buf_puts(b, s->compact ? "{" : "{ ");
	for (uint32_t i = 0; i < v->type->count; i++) {
		struct value part = value_part(img, v, i);

		if (i)
			buf_puts(b, s->comma);
		buf_putc(b, '.');
		buf_puts(b, image_str(img, img->fields[v->type->first + i].name));
		buf_puts(b, s->compact ? "=" : " = ");
		text(b, s, &part);
	}
	buf_puts(b, s->compact ? "}" : " }");
}

static void bracketed(struct buf *b, const struct style *s, const struct value *v, const char *pair,
		      const char *comma)
{
	buf_putc(b, pair[0]);
	list_text(b, s, v, comma);
	buf_putc(b, pair[1]);
}

static void buffer_text(struct buf *b, const struct value *v)
{
	uint32_t len;
	const char *p = value_bytes(v, &len);

	bytes_text(b, p, len);
}

static void text(struct buf *b, const struct style *s, const struct value *v)
{
	switch ((enum vkind)v->type->kind) {
	case V_INT: return int_text(b, v);
	case V_STRING: return string_text(b, s->env, v);
	case V_BOOL: return buf_puts(b, value_int(v) ? "true" : "false");
	case V_ENUM: return enum_text(b, s->env, v);
	case V_PTR: return buf_put_ptr(b, (uint64_t)value_int(v));
	case V_BUFFER: return buffer_text(b, v);
	case V_ARRAY: return bracketed(b, s, v, "[]", ",");
	case V_TUPLE: return bracketed(b, s, v, "()", s->comma);
	case V_STRUCT:
	case V_UNION:
	case V_RECORD: return named_text(b, s, v);
	case V_TIMESTAMP: return timestamp_text(b, s->env, v);
	case V_MAC: return mac_text(b, v);
	case V_INET: return inet_text(b, v);
	case V_KSTACK:
	case V_USTACK:
	case V_KSYM:
	case V_USYM:
	case V_USERNAME:
	case V_CGROUP_PATH: return named_by_others(b, s, v);
	case V_NONE:
	case V_VOID:
	case V_COUNT:
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS:
	case V_HIST:
	case V_LHIST:
	case V_TSERIES:
	case V_KIND_CNT: return raw_hex(b, v);
	}
}

void value_text(struct buf *b, const struct value_env *env, const struct value *v, bool compact)
{
	struct style s = { env, compact ? "," : ", ", compact };

	text(b, &s, v);
}

void value_key_text(struct buf *b, const struct value_env *env, const struct value *v, bool compact)
{
	struct style s = { env, compact ? "," : ", ", compact };

	if (v->type->kind == V_TUPLE)
		list_text(b, &s, v, s.comma);
	else
		text(b, &s, v);
}

// SPDX-License-Identifier: Apache-2.0
/* The kernel's types: prototypes of functions as fields, types as C text. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/env.h"

enum { TYPE_DEPTH_MAX = 32 }; /* of a chain of pointers, arrays and qualifiers */

const char *kernel_types_path(void)
{
	const char *path = getenv("TRACE_BTF");

	path = path ? path : getenv("BPFTRACE_BTF");
	return path && *path ? path : NULL;
}

struct btf *kernel_types(void)
{
	const char *path = kernel_types_path();

	libbpf_set_print(NULL); /* a kernel without BTF is no news: the caller says what it means */
	return path ? btf__parse(path, NULL) : btf__load_vmlinux_btf();
}

const char *kernel_types_modules(void)
{
	return kernel_types_path() ? "" : "/sys/kernel/btf";
}

bool kernel_has_types(void)
{
	return !access(kernel_types_path() ?: "/sys/kernel/btf/vmlinux", R_OK);
}

int btf_missing(struct probe_error *err)
{
	return probe_fail(err, -1, -ENOENT,
			  "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF is off, "
			  "/sys/kernel/btf/vmlinux is missing)");
}

struct btf *env_btf(struct probe_env *env, struct probe_error *err)
{
	int rc;

	if (env->btf)
		return env->btf;
	libbpf_set_print(NULL); /* of a kernel without BTF the caller says what it means */
	env->btf = btf__load_vmlinux_btf();
	if (env->btf)
		return env->btf;
	rc = -errno;
	if (rc == -ENOENT || rc == -ESRCH)
		btf_missing(err);
	else
		probe_fail(err, -1, rc, "/sys/kernel/btf/vmlinux: %s", strerror(-rc));
	return NULL;
}

static const char *prefix_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT: return "struct ";
	case BTF_KIND_UNION: return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64: return "enum ";
	case BTF_KIND_FWD: return btf_kflag(t) ? "union " : "struct ";
	default: return "";
	}
}

static char *ctype(struct probe_env *env, const struct btf *btf, uint32_t id, unsigned depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name;
	char *inner;

	if (!id || !t || depth > TYPE_DEPTH_MAX || btf_is_func_proto(t))
		return env_strdup(env, "void");
	name = btf__name_by_offset(btf, t->name_off);
	if (btf_is_ptr(t)) {
		inner = ctype(env, btf, t->type, depth + 1);
		if (!inner)
			return NULL;
		return env_printf(env, inner[strlen(inner) - 1] == '*' ? "%s*" : "%s *", inner);
	}
	if (btf_is_array(t)) {
		inner = ctype(env, btf, btf_array(t)->type, depth + 1);
		return inner ? env_printf(env, "%s[%u]", inner, btf_array(t)->nelems) : NULL;
	}
	if (btf_is_const(t)) {
		inner = ctype(env, btf, t->type, depth + 1);
		return inner ? env_printf(env, "const %s", inner) : NULL;
	}
	if (btf_is_mod(t) && !btf_is_typedef(t)) /* volatile, restrict, tags */
		return ctype(env, btf, t->type, depth + 1);
	return env_printf(env, "%s%s", prefix_of(t), *name ? name : "{...}");
}

char *btf_ctype(struct probe_env *env, const struct btf *btf, uint32_t id)
{
	return ctype(env, btf, id, 0);
}

/* Without typedefs and qualifiers. */
static const struct btf_type *bare_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (unsigned i = 0; t && i < TYPE_DEPTH_MAX && (btf_is_mod(t) || btf_is_typedef(t)); i++)
		t = btf__type_by_id(btf, t->type);
	return t;
}

static bool is_user_pointer(const struct btf *btf, const struct btf_type *t)
{
	const struct btf_type *to = btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;

	return to && btf_kind(to) == BTF_KIND_TYPE_TAG &&
	       !strcmp(btf__name_by_offset(btf, to->name_off), "user");
}

static int fill_field(struct probe_env *env, const struct btf *btf, struct probe_field *f,
		      uint32_t id)
{
	const struct btf_type *t = bare_type(btf, id);
	int64_t size = btf__resolve_size(btf, id);

	f->ctype = btf_ctype(env, btf, id);
	if (!f->ctype || !f->name)
		return -ENOMEM;
	f->size = size > 0 && size < 4096 ? (uint32_t)size : 8;
	f->is_signed = t && ((btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED) ||
			     (btf_is_any_enum(t) && btf_kflag(t)));
	f->user_ptr = t && is_user_pointer(btf, t);
	f->decl = env_printf(env, "%s %s", f->ctype, f->name);
	return f->decl ? 0 : -ENOMEM;
}

int btf_proto_fields(struct probe_env *env, const struct btf *btf, uint32_t proto, uint32_t first,
		     bool is_return, struct probe_fields *out, uint32_t *words)
{
	const struct btf_type *t = bare_type(btf, proto), *ret;
	const struct btf_param *p;
	struct probe_field *f;
	uint32_t cnt, off = 0;

	if (t && btf_is_ptr(t))
		t = bare_type(btf, t->type);
	if (!t || !btf_is_func_proto(t))
		return -EINVAL;
	p = btf_params(t);
	cnt = btf_vlen(t);
	f = env_alloc(env, (cnt + 2) * sizeof(*f));
	if (!f)
		return -ENOMEM;
	*out = (struct probe_fields){ .fields = f };
	for (uint32_t i = first; i < cnt && p[i].type; i++, f++) { /* type 0: the "..." */
		const char *name = btf__name_by_offset(btf, p[i].name_off);

		f->name = name && *name ? name : env_printf(env, "arg%u", i - first);
		f->off = off;
		if (fill_field(env, btf, f, p[i].type))
			return -ENOMEM;
		if (btf_is_composite(
			    bare_type(btf, p[i].type))) { /* the verifier takes whole words */
			f->loc = LOC_REGS;
			f->reg[0] = (int16_t)off;
			f->reg[1] = (int16_t)(off + 8);
		}
		off += (f->size + 7) & ~7u;
		out->cnt++;
	}
	*words = off / 8;
	ret = bare_type(btf, t->type);
	if (is_return && t->type && ret) {
		f->name = "retval";
		f->off = off;
		if (fill_field(env, btf, f, t->type))
			return -ENOMEM;
		off += 8;
		out->cnt++;
	}
	out->size = off;
	return 0;
}

/* ---- kfuncs ---- */

struct kfunc_search {
	const char *const *names;
	uint32_t *ids;
	uint32_t cnt, left;
};

static int is_wanted(void *arg, const struct btf_type *t, const char *name, uint32_t id)
{
	struct kfunc_search *s = arg;

	if (!btf_is_func(t))
		return 0;
	for (uint32_t i = 0; i < s->cnt; i++) {
		if (s->ids[i] || strcmp(s->names[i], name))
			continue;
		s->ids[i] = id;
		s->left--;
	}
	return !s->left;
}

void probe_kfuncs(struct probe_env *env, const char *const *names, uint32_t *ids, uint32_t cnt)
{
	struct kfunc_search s = { names, ids, cnt, cnt };
	struct probe_error ignored;
	const struct btf_file *btf = env_btf_file(env, &ignored);

	memset(ids, 0, cnt * sizeof(*ids));
	if (btf)
		btf_file_each(btf, is_wanted, &s);
}

/* A BTF program has to say what it is for before the verifier looks at it: any raw tracepoint. */
static uint32_t some_raw_tracepoint(const struct btf *btf)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_typedef(t) &&
		    !strncmp(btf__name_by_offset(btf, t->name_off), "btf_trace_", 10))
			return id;
	}
	return 0;
}

/*
 * The verifier is asked: the sets of functions that it goes by are not to be seen otherwise. That the
 * call has no arguments is what it complains about next.
 */
bool probe_kfunc_allowed(struct probe_env *env, const struct probe_type *type, const char *name)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct btf *btf = env_btf(env, &(struct probe_error){ 0 });
	enum bpf_prog_type prog_type;
	char log[4096] = "";
	int fd, id;

	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -ENOENT;
	if (id < 0 ||
	    libbpf_prog_type_by_name(type->section, &prog_type, &opts.expected_attach_type))
		return false;
	insns[0].imm = id;
	if (prog_type == BPF_PROG_TYPE_TRACING) {
		opts.expected_attach_type = BPF_TRACE_RAW_TP;
		opts.attach_btf_id = some_raw_tracepoint(btf);
	}
	opts.log_buf = log;
	opts.log_size = sizeof(log);
	opts.log_level = 1;
	fd = bpf_prog_load(prog_type, NULL, "GPL", insns, sizeof(insns) / sizeof(*insns), &opts);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || (strstr(log, name) && !strstr(log, "not allowed"));
}

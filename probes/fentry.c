// SPDX-License-Identifier: Apache-2.0
/*
 * fentry and fexit: functions of the kernel by way of BPF trampolines (5.5), with their types from
 * BTF. Targets: a is the module ("vmlinux": the kernel), b the function, value the words that its
 * arguments take, value2 what is known of the result (low 16 bits, see enum) and the id of the
 * function in the BTF of this kernel, which only the compiler relies on.
 *
 * A program is bound to its function when it is loaded: a wildcard is as many programs.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/env.h"

enum { FUNC_ARGS_MAX = 12, ARG_SIZE_MAX = 16 }; /* of the kernel's struct btf_func_model */
enum { RET_SIZE = 0xff, RET_SIGNED = 0x100, ID_SHIFT = 32, NOT_SUPPORTED = 524 /* ENOTSUPP */ };

/* The module's BTF, kept for as long as env; NULL and err. */
static struct btf *btf_of(struct probe_env *env, const char *module, struct probe_error *err)
{
	struct btf *base = env_btf(env, err);
	struct module_btf *m;

	if (!base || !strcmp(module, "vmlinux"))
		return base;
	for (m = env->module_btfs; m; m = m->next)
		if (!strcmp(m->name, module))
			return m->btf;
	m = env_alloc(env, sizeof(*m));
	if (m)
		m->name = env_strdup(env, module);
	if (!m || !m->name) {
		probe_fail_oom(err);
		return NULL;
	}
	m->btf = btf__load_module_btf(module, base);
	if (!m->btf) {
		probe_fail(err, 1, -errno, "module %s is not loaded, or has no BTF", module);
		return NULL;
	}
	m->next = env->module_btfs;
	env->module_btfs = m;
	return m->btf;
}

/* ---- targets ---- */

static int parse_as(struct probe_env *env, const char *type, const struct probe_part *parts,
		    uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts(type, cnt, 1, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[cnt - 1].text)
		return probe_fail(err, -1, -EINVAL, "%s should specify a function", type);
	pat->a = cnt == 3 ? env_strdup(env, parts[1].text) : NULL;
	pat->b = env_strdup(env, parts[cnt - 1].text);
	pat->name = cnt == 3 ? env_printf(env, "%s:%s:%s", type, parts[1].text, parts[2].text)
			     : env_printf(env, "%s:%s", type, parts[1].text);
	return pat->b && pat->name && (pat->a || cnt < 3) ? 0 : probe_fail_oom(err);
}

/* Integers, pointers and enums that fit a register. */
static uint64_t describe_result(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t;
	int64_t size = btf__resolve_size(btf, id);
	int real = btf__resolve_type(btf, id);

	t = real > 0 ? btf__type_by_id(btf, (uint32_t)real) : NULL;
	while (t && btf_is_mod(t) && !btf_is_typedef(t))
		t = btf__type_by_id(btf, t->type);
	if (!id || !t || size < 1 || size > 8)
		return 0;
	return (uint64_t)size |
	       (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED ? RET_SIGNED : 0);
}

/* As the kernel's btf_distill_func_proto has it. */
static bool fits_trampoline(const struct btf *btf, const struct btf_type *proto)
{
	const struct btf_param *p = btf_params(proto);
	int ret = btf__resolve_type(btf, proto->type);

	if (btf_vlen(proto) > FUNC_ARGS_MAX ||
	    (ret > 0 && btf_is_composite(btf__type_by_id(btf, (uint32_t)ret))))
		return false;
	for (int i = 0; i < btf_vlen(proto); i++) {
		int64_t size = btf__resolve_size(btf, p[i].type);

		if (!p[i].type || size < 0 || size > ARG_SIZE_MAX) /* "...": type 0 */
			return false;
	}
	return true;
}

/* Fills in what the function with that id is; -EINVAL: not one that can be traced. */
static int make_target(struct probe_env *env, const char *type, const char *module,
		       const struct btf *btf, uint32_t id, struct probe_target *t)
{
	const struct btf_type *fn = btf__type_by_id(btf, id), *proto;
	const struct btf_param *p;
	uint64_t words = 0;

	proto = btf__type_by_id(btf, fn->type);
	if (!proto || !btf_is_func_proto(proto) || !fits_trampoline(btf, proto))
		return -EINVAL;
	p = btf_params(proto);
	for (int i = 0; i < btf_vlen(proto); i++)
		words += ((uint64_t)btf__resolve_size(btf, p[i].type) + 7) / 8;
	*t = (struct probe_target){
		.a = module,
		.b = btf__name_by_offset(btf, fn->name_off),
		.value = words,
		.value2 = describe_result(btf, proto->type) | (uint64_t)id << ID_SHIFT,
	};
	t->name = env_printf(env, "%s:%s:%s", type, module, t->b);
	return t->name ? 0 : -ENOMEM;
}

/* ---- expand ---- */

static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct probe_target *)a)->b, ((const struct probe_target *)b)->b);
}

static bool is_function(const struct function *all, int cnt, const char *name)
{
	int lo = 0, hi = cnt;

	while (lo < hi) {
		int mid = (lo + hi) / 2, c = strcmp(all[mid].name, name);

		if (!c)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

struct found {
	struct probe_target *at;
	uint32_t cnt, cap;
};

static int add_found(struct found *f, const struct probe_target *t)
{
	if (f->cnt == f->cap) {
		uint32_t cap = f->cap ? f->cap * 2 : 64;
		struct probe_target *grown = realloc(f->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		f->at = grown;
		f->cap = cap;
	}
	f->at[f->cnt++] = *t;
	return 0;
}

/* Functions of one BTF that match and that ftrace knows. */
static int collect(struct probe_env *env, const char *type, const char *module, const char *pattern,
		   struct found *f, struct probe_error *err)
{
	const struct btf *btf = btf_of(env, module, err);
	const struct function *all;
	struct probe_target t;
	int cnt, rc = 0;

	if (!btf)
		return -EOPNOTSUPP;
	cnt = env_functions(env, &all, err);
	if (cnt < 0)
		return cnt;
	for (uint32_t i = btf == env->btf ? 1 : btf__type_cnt(env->btf);
	     i < btf__type_cnt(btf) && !rc; i++) {
		const struct btf_type *fn = btf__type_by_id(btf, i);
		const char *name;

		if (!btf_is_func(fn))
			continue;
		name = btf__name_by_offset(btf, fn->name_off);
		if (!probe_glob_match(pattern, name) || !is_function(all, cnt, name))
			continue;
		rc = make_target(env, type, module, btf, i, &t);
		rc = rc == -EINVAL ? 0 : rc ?: add_found(f, &t);
	}
	return rc;
}

static int each_found(struct found *f, probe_fn fn, void *arg)
{
	int cnt = 0, rc = 0;

	if (f->cnt)
		qsort(f->at, f->cnt, sizeof(*f->at), compare_targets);
	for (uint32_t i = 0; i < f->cnt && !rc; i++) {
		if (i && !strcmp(f->at[i].b, f->at[i - 1].b))
			continue; /* static functions of one name: the kernel takes the first */
		rc = fn(arg, &f->at[i]);
		cnt++;
	}
	return rc ? rc : cnt;
}

/* Where a function without a module is: nearly always in the kernel. 0: nowhere. */
static int find_function(struct probe_env *env, const char **module, const char *name,
			 struct btf **btf, struct probe_error *err)
{
	const struct function *all;
	int id, cnt;

	*btf = btf_of(env, *module ?: "vmlinux", err);
	if (!*btf)
		return -EOPNOTSUPP;
	id = btf__find_by_name_kind(*btf, name, BTF_KIND_FUNC);
	if (id > 0 || *module) {
		*module = *module ?: "vmlinux";
		return id > 0 ? id : 0;
	}
	cnt = env_functions(env, &all, err);
	for (int i = 0; i < cnt; i++) {
		if (strcmp(all[i].name, name) || !all[i].module)
			continue;
		*module = all[i].module;
		*btf = btf_of(env, *module, err);
		id = *btf ? btf__find_by_name_kind(*btf, name, BTF_KIND_FUNC) : 0;
		return id > 0 ? id : 0;
	}
	return 0;
}

static int expand_as(struct probe_env *env, const char *type, const struct probe_target *pat,
		     probe_fn fn, void *arg, struct probe_error *err)
{
	const char *module = pat->a;
	struct found f = { 0 };
	struct probe_target t;
	struct btf *btf;
	int id, rc;

	if (pat->a && probe_is_glob(pat->a) && strcmp(pat->a, "*"))
		return probe_fail(err, 1, -EINVAL, "%s: the module can not be a pattern", type);
	if (pat->a && !strcmp(pat->a, "*"))
		module = NULL;
	if (probe_is_glob(pat->b)) {
		rc = collect(env, type, module ?: "vmlinux", pat->b, &f, err);
		rc = rc ?: each_found(&f, fn, arg);
		free(f.at);
		return rc == -ENOMEM ? probe_fail_oom(err) : rc;
	}
	id = find_function(env, &module, pat->b, &btf, err);
	if (id < 0)
		return id;
	if (!id) {
		functions_hint(env, pat->b, err);
		return 0;
	}
	rc = make_target(env, type, module, btf, (uint32_t)id, &t);
	if (rc && env->listing)
		return 0;
	if (rc)
		return probe_fail(err, -1, rc,
				  "%s has arguments or a result that no trampoline can pass",
				  pat->b);
	rc = fn(arg, &t);
	return rc ? rc : 1;
}

/* ---- args ---- */

static int args_as(struct probe_env *env, bool is_return, const struct probe_target *t,
		   struct probe_fields *out, struct probe_error *err)
{
	const struct btf *btf = btf_of(env, t->a, err);
	const struct btf_type *fn;
	uint32_t words;
	int rc;

	if (!btf)
		return -EOPNOTSUPP;
	fn = btf__type_by_id(btf, (uint32_t)(t->value2 >> ID_SHIFT));
	rc = fn ? btf_proto_fields(env, btf, fn->type, 0, is_return, out, &words) : -EINVAL;
	return rc ? probe_fail(err, -1, rc, "%s: its arguments are not understood", t->name) : 0;
}

static int arg(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err)
{
	if (n == PROBE_ARG_RETVAL || (uint64_t)n >= t->value)
		return -ENOENT;
	*out = (struct probe_arg){ .base = 8 * n, .index = PROBE_ARG_NONE, .size = 8 };
	return 0;
}

static int arg_return(const struct probe_target *t, int n, struct probe_arg *out,
		      struct probe_error *err)
{
	if (n != PROBE_ARG_RETVAL)
		return arg(t, n, out, err);
	if (!(t->value2 & RET_SIZE))
		return probe_fail(err, -1, -ENOENT, "%s returns nothing that fits a register",
				  t->b);
	*out = (struct probe_arg){
		.base = 8 * (int32_t)t->value,
		.index = PROBE_ARG_NONE,
		.size = t->value2 & RET_SIZE,
		.is_signed = t->value2 & RET_SIGNED,
	};
	return 0;
}

/* ---- load and attach ---- */

/* The fd of a module's BTF in the kernel. */
static int module_fd(const char *module)
{
	uint32_t id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		struct bpf_btf_info info = { 0 };
		char name[64] = "";
		uint32_t len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue;
		info.name = (uintptr_t)name;
		info.name_len = sizeof(name);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* An empty program for the function: what the kernel says to that is not the script's fault. */
static int try_load(const struct probe_target *t, const struct probe_load *how,
		    struct probe_error *err)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	opts.attach_btf_id = how->btf_id;
	opts.attach_btf_obj_fd = (uint32_t)how->btf_fd;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_probe", "GPL", insns, 2, &opts);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -EPERM)
		probe_fail(err, -1, fd, "%s: this kernel permits no fentry and fexit probes",
			   t->name);
	else
		probe_fail(err, -1, fd,
			   "%s can not be traced: inlined, marked notrace, or with arguments that "
			   "a trampoline can not pass",
			   t->name);
	env_hint(err,
		 "kprobes, tracepoints and rawtracepoints are other ways to trace the kernel.");
	return fd;
}

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	const struct btf *btf = btf_of(env, targets->a, err);
	int id;

	if (!btf)
		return -EOPNOTSUPP;
	id = btf__find_by_name_kind(btf, targets->b, BTF_KIND_FUNC);
	if (id <= 0)
		return probe_fail(err, -1, -ENOENT, "No matches for %s.", targets->name);
	out->attach_name = targets->b;
	out->btf_id = (uint32_t)id;
	if (strcmp(targets->a, "vmlinux")) {
		out->btf_fd = module_fd(targets->a);
		if (out->btf_fd < 0)
			return probe_fail(err, -1, out->btf_fd, "%s: the module is gone",
					  targets->name);
		if (env_keep_fd(env, out->btf_fd))
			return probe_fail_oom(err);
	}
	return try_load(targets, out, err);
}

static int explain(const struct probe_target *t, int rc, struct probe_error *err)
{
	if (rc != -NOT_SUPPORTED && rc != -EBUSY && rc != -EOPNOTSUPP && rc != -EINVAL)
		return probe_fail(err, -1, rc, "%s: attaching: %s", t->name, strerror(-rc));
	probe_fail(err, -1, rc,
		   "%s: this kernel has no trampoline for it (CONFIG_FUNCTION_TRACER, "
		   "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)",
		   t->name);
	env_hint(err, "kprobes, tracepoints and rawtracepoints need none.");
	return rc;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	union bpf_attr attr;
	int fd;

	/* without a name: to what it was loaded for */
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = (uint32_t)a->prog_fd;
	fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	if (fd < 0)
		return explain(a->targets, -errno, err);
	return probe_links_add(links, fd) ? probe_fail_oom(err) : 0;
}

/* ---- the two types ---- */

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "fentry", parts, cnt, pat, err);
}

static int parse_return(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
			struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "fexit", parts, cnt, pat, err);
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg_,
		  struct probe_error *err)
{
	return expand_as(env, "fentry", pat, fn, arg_, err);
}

static int expand_return(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			 void *arg_, struct probe_error *err)
{
	return expand_as(env, "fexit", pat, fn, arg_, err);
}

static int args(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		struct probe_error *err)
{
	return args_as(env, false, t, out, err);
}

static int args_return(struct probe_env *env, const struct probe_target *t,
		       struct probe_fields *out, struct probe_error *err)
{
	return args_as(env, true, t, out, err);
}

const struct probe_type probe_fentry = {
	.name = "fentry",
	.aliases = { "f", "kfunc" },
	.help = "fentry:[MODULE:]FUNCTION: a function of the kernel is called, arguments by type",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_OWN_PROGRAM | PROBE_BTF_POINTERS,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "fentry",
	.parse = parse,
	.expand = expand,
	.args = args,
	.arg = arg,
	.load = load,
	.attach = attach,
};

const struct probe_type probe_fexit = {
	.name = "fexit",
	.aliases = { "fr", "kretfunc" },
	.help = "fexit:[MODULE:]FUNCTION: a function of the kernel returns, with its arguments",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_OWN_PROGRAM | PROBE_BTF_POINTERS,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "fexit",
	.parse = parse_return,
	.expand = expand_return,
	.args = args_return,
	.arg = arg_return,
	.load = load,
	.attach = attach,
};

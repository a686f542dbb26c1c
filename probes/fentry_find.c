// SPDX-License-Identifier: Apache-2.0
/*
 * What fentry and fexit can be attached to: functions that BTF describes, of the kernel and its modules
 * when ftrace can stop at them, and of BPF programs.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/fentry.h"

enum { FUNC_ARGS_MAX = 12, ARG_SIZE_MAX = 16 }; /* of the kernel's struct btf_func_model */

struct btf *fentry_btf(struct probe_env *env, const char *module, struct probe_error *err)
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
	if (fentry_of_program(module)) {
		m->btf = bpf_prog_btf(env, module, err);
	} else {
		m->btf = btf__load_module_btf(module, base);
		if (!m->btf)
			probe_fail(err, 1, -errno, "module %s is not loaded, or has no BTF",
				   module);
	}
	if (!m->btf)
		return NULL;
	m->next = env->module_btfs;
	env->module_btfs = m;
	return m->btf;
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
	       (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED ? FENTRY_RET_SIGNED : 0);
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
		.value2 = describe_result(btf, proto->type) | (uint64_t)id << FENTRY_ID_SHIFT,
	};
	t->name = env_printf(env, "%s:%s:%s", type, module, t->b);
	return t->name ? 0 : -ENOMEM;
}

/* ---- expand ---- */

static int compare_targets(const void *a, const void *b)
{
	const struct probe_target *x = a, *y = b;
	int c = strverscmp(x->a, y->a); /* ids of programs are numbers */

	return c ?: strcmp(x->b, y->b);
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

int fentry_load_nothing(const char *type, uint32_t btf_id, int btf_fd, char *why, uint32_t why_sz)
{
	bool is_return = !strncmp(type, "fexit", 5);
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = is_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	*why = 0;
	opts.attach_btf_id = btf_id;
	opts.attach_btf_obj_fd = (uint32_t)btf_fd;
	opts.log_buf = why;
	opts.log_size = why_sz;
	opts.log_level = 1;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_probe", "GPL", insns, 2, &opts);
	if (fd >= 0 || !strncmp(why, "processed ", 10))
		*why = 0;
	why[strcspn(why, "\n")] = 0;
	return fd;
}

/*
 * Of what a pattern finds, functions that the kernel keeps from being traced are left out. Where it
 * permits nothing at all that is told later, once.
 */
static bool is_permitted(struct probe_env *env, const char *type, const char *module, uint32_t id)
{
	char why[256];
	int fd;

	if (env->listing || strcmp(module, "vmlinux"))
		return true;
	fd = fentry_load_nothing(type, id, 0, why, sizeof(why));
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EPERM;
}

/* Functions of one BTF that match and that ftrace knows. */
static int collect_in(struct probe_env *env, const char *type, const char *module,
		      const char *pattern, struct found *f, struct probe_error *err)
{
	const struct btf *btf = fentry_btf(env, module, err);
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
		if (!probe_glob_match(pattern, name) || !is_function(all, cnt, name) ||
		    !is_permitted(env, type, module, i))
			continue;
		rc = make_target(env, type, module, btf, i, &t);
		t.value2 |= FENTRY_OF_PATTERN;
		rc = rc == -EINVAL ? 0 : rc ?: add_found(f, &t);
	}
	return rc;
}

struct seen {
	const char **at;
	uint32_t cnt;
};

/* 1: first met now, 0: known, or -ENOMEM. */
static int see(struct seen *s, const char *name)
{
	const char **grown;

	for (uint32_t i = s->cnt; i > 0; i--)
		if (!strcmp(s->at[i - 1], name))
			return 0;
	grown = realloc(s->at, (s->cnt + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->at = grown;
	s->at[s->cnt++] = name;
	return 1;
}

/*
 * Functions that match in the modules that match; without a pattern for the module in all of them. Of
 * modules only those are looked into that the list of functions tells of.
 */
static int collect(struct probe_env *env, const char *type, const struct probe_target *pat,
		   struct found *f, struct probe_error *err)
{
	const char *modules = pat->a ?: "*";
	struct seen seen = { 0 };
	struct probe_error ignored;
	const struct function *all;
	int cnt, rc = 0;

	if (!probe_is_glob(modules))
		return collect_in(env, type, modules, pat->b, f, err);
	if (probe_glob_match(modules, "vmlinux"))
		rc = collect_in(env, type, "vmlinux", pat->b, f, err);
	cnt = rc ?: env_functions(env, &all, err);
	if (cnt < 0)
		return cnt;
	for (int i = 0; i < cnt && rc != -ENOMEM; i++) {
		if (!all[i].module || !probe_glob_match(modules, all[i].module) ||
		    !probe_glob_match(pat->b, all[i].name))
			continue;
		rc = see(&seen, all[i].module);
		if (rc > 0) /* one without BTF has nothing to give */
			rc = collect_in(env, type, all[i].module, pat->b, f, &ignored);
	}
	free(seen.at);
	return rc == -ENOMEM ? rc : 0;
}

static int each_found(struct found *f, probe_fn fn, void *arg)
{
	int cnt = 0, rc = 0;

	if (f->cnt)
		qsort(f->at, f->cnt, sizeof(*f->at), compare_targets);
	for (uint32_t i = 0; i < f->cnt && !rc; i++) {
		if (i && !compare_targets(&f->at[i], &f->at[i - 1]))
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

	*btf = fentry_btf(env, *module ?: "vmlinux", err);
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
		*btf = fentry_btf(env, *module, err);
		id = *btf ? btf__find_by_name_kind(*btf, name, BTF_KIND_FUNC) : 0;
		return id > 0 ? id : 0;
	}
	return 0;
}

struct in_programs {
	struct probe_env *env;
	const char *type, *pattern;
	struct found *f;
	struct near_name near;
};

static int in_program(void *arg, uint32_t prog_id, uint32_t btf_id)
{
	struct in_programs *in = arg;
	const char *module = env_printf(in->env, BPF_PROG_MODULE "%u", prog_id), *name;
	struct probe_error ignored;
	const struct btf *btf = module ? fentry_btf(in->env, module, &ignored) : NULL;
	const struct btf_type *fn = btf ? btf__type_by_id(btf, btf_id) : NULL;
	struct probe_target t;
	int rc;

	if (!module)
		return -ENOMEM;
	if (!fn || !btf_is_func(fn))
		return 0;
	name = btf__name_by_offset(btf, fn->name_off);
	near_name_feed(&in->near, name);
	if (!probe_glob_match(in->pattern, name))
		return 0;
	rc = make_target(in->env, in->type, module, btf, btf_id, &t);
	if (!rc && !in->env->listing && !strcmp(in->type, "fexit"))
		t.value = bpf_prog_words(prog_id, btf_id, (uint32_t)t.value);
	return rc == -EINVAL ? 0 : rc ?: add_found(in->f, &t);
}

static int expand_programs(struct probe_env *env, const char *type, const struct probe_target *pat,
			   struct found *f, struct probe_error *err)
{
	struct in_programs in = { env, type, pat->b, f, { .word = pat->b } };
	int rc;

	if (!env_btf(env, err))
		return -EOPNOTSUPP;
	rc = bpf_progs_each(pat->a + strlen(BPF_PROG_MODULE), in_program, &in);
	if (rc == -EPERM)
		return probe_fail(err, -1, rc, "%s: looking at BPF programs takes CAP_SYS_ADMIN",
				  pat->name);
	if (!rc && !f->cnt && in.near.best)
		env_hint(err, "Did you mean '%s'?", in.near.best);
	else if (!rc && !f->cnt)
		env_hint(err, "Programs need BTF, and those that trace are not traced themselves%s",
			 env->listing ? "." : ": see trace -l 'fentry:bpf:*'.");
	return rc;
}

int fentry_expand(struct probe_env *env, const char *type, const struct probe_target *pat,
		  probe_fn fn, void *arg, struct probe_error *err)
{
	const char *module = pat->a;
	struct found f = { 0 };
	struct probe_target t;
	struct btf *btf;
	int id, rc;

	if (!env_btf(env, err)) {
		if (!module || !fentry_of_program(module))
			env_hint(err, "kprobe:%s and kretprobe:%s need none.", pat->b, pat->b);
		return -EOPNOTSUPP;
	}
	if (probe_is_glob(pat->b) ||
	    (pat->a && (probe_is_glob(pat->a) || fentry_of_program(pat->a)))) {
		rc = pat->a && fentry_of_program(pat->a) ? expand_programs(env, type, pat, &f, err)
							 : collect(env, type, pat, &f, err);
		rc = rc ?: each_found(&f, fn, arg);
		free(f.at);
		return rc == -ENOMEM ? probe_fail_oom(err) : rc;
	}
	id = find_function(env, &module, pat->b, &btf, err);
	if (id < 0)
		return id;
	if (!id) {
		refusal_missing(env, pat, err);
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

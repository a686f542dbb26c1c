// SPDX-License-Identifier: Apache-2.0
/*
 * fentry and fexit: functions of the kernel by way of BPF trampolines (5.5), with their types from
 * BTF. Targets: see fentry.h.
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

#include "probes/fentry.h"

/* ---- targets ---- */

static int parse_as(struct probe_env *env, const char *type, const struct probe_part *parts,
		    uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	bool of_prog = cnt > 2 && !strcmp(parts[1].text, "bpf");
	int rc = probe_check_parts(type, cnt, 1, of_prog ? 3 : 2, err);
	const char *id = cnt > 3 ? parts[2].text : "*";

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[cnt - 1].text)
		return probe_fail(err, -1, -EINVAL, "%s should specify a function", type);
	if (of_prog && !probe_is_glob(id) && (!*id || strspn(id, "0123456789") != strlen(id)))
		return probe_fail(err, 2, -EINVAL, "Invalid id of a BPF program: %s", id);
	if (of_prog)
		pat->a = env_printf(env, BPF_PROG_MODULE "%s", id);
	else
		pat->a = cnt == 3 ? env_strdup(env, parts[1].text) : NULL;
	pat->b = env_strdup(env, parts[cnt - 1].text);
	pat->name = env_printf(env, "%s:%s", type, parts[1].text);
	for (uint32_t i = 2; pat->name && i < cnt; i++)
		pat->name = env_printf(env, "%s:%s", pat->name, parts[i].text);
	return pat->b && pat->name && (pat->a || cnt < 3) ? 0 : probe_fail_oom(err);
}

/* ---- args ---- */

static int args_as(struct probe_env *env, bool is_return, const struct probe_target *t,
		   struct probe_fields *out, struct probe_error *err)
{
	const struct btf *btf = fentry_btf(env, t->a, err);
	const struct btf_type *fn;
	uint32_t words;
	int rc;

	if (!btf)
		return -EOPNOTSUPP;
	fn = btf__type_by_id(btf, (uint32_t)(t->value2 >> FENTRY_ID_SHIFT));
	rc = fn ? btf_proto_fields(env, btf, fn->type, 0, is_return, out, &words) : -EINVAL;
	if (!rc && fentry_of_program(t->a))
		rc = bpf_prog_fields(env, t, out);
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
	if (!(t->value2 & FENTRY_RET_SIZE))
		return probe_fail(err, -1, -ENOENT, "%s returns nothing that fits a register",
				  t->b);
	*out = (struct probe_arg){
		.base = 8 * (int32_t)t->value,
		.index = PROBE_ARG_NONE,
		.size = t->value2 & FENTRY_RET_SIZE,
		.is_signed = t->value2 & FENTRY_RET_SIGNED,
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

static int program_fd(const char *module)
{
	return bpf_prog_open((uint32_t)strtoul(module + strlen(BPF_PROG_MODULE), NULL, 10));
}

/*
 * What the kernel says to an empty program for the function is not the script's fault. The program's fd, or
 * -errno with err filled in.
 */
static int load_nothing(struct probe_env *env, const struct probe_target *t,
			const struct probe_load *how, struct probe_error *err)
{
	char why[256];
	int rc = fentry_load_nothing(t->name, how->btf_id, how->btf_fd, why, sizeof(why));

	if (rc >= 0)
		return rc;
	if (rc != -EPERM && !how->of_prog && !refusal_exists(t->b)) {
		probe_fail(err, -1, rc, "%s can not be traced: there is no such function", t->name);
		refusal_missing(env, t, err);
		return rc;
	}
	if (rc == -EPERM)
		probe_fail(err, -1, rc, "%s: this kernel permits no fentry and fexit probes",
			   t->name);
	else if (*why)
		probe_fail(err, -1, rc, "%s can not be traced: %s", t->name, why);
	else if (how->of_prog)
		probe_fail(err, -1, rc,
			   "%s can not be traced: a trampoline can not pass its arguments, or "
			   "this kernel has none for BPF programs",
			   t->name);
	else
		probe_fail(err, -1, rc,
			   "%s can not be traced: inlined, marked notrace, or with arguments that "
			   "a trampoline can not pass",
			   t->name);
	env_hint(err,
		 "kprobes, tracepoints and rawtracepoints are other ways to trace the kernel.");
	return rc;
}

static int find(struct probe_env *env, const struct probe_target *t, struct probe_load *out,
		struct probe_error *err)
{
	const struct btf *btf = fentry_btf(env, t->a, err);
	int id;

	if (!btf)
		return -EOPNOTSUPP;
	id = btf__find_by_name_kind(btf, t->b, BTF_KIND_FUNC);
	if (id <= 0)
		return probe_fail(err, -1, -ENOENT, "No matches for %s.", t->name);
	out->attach_name = t->b;
	out->btf_id = (uint32_t)id;
	if (!strcmp(t->a, "vmlinux"))
		return 0;
	out->of_prog = fentry_of_program(t->a);
	out->btf_fd = out->of_prog ? program_fd(t->a) : module_fd(t->a);
	if (out->btf_fd < 0)
		return probe_fail(err, -1, out->btf_fd, "%s: the %s is gone", t->name,
				  out->of_prog ? "program" : "module");
	return env_keep_fd(env, out->btf_fd) ? probe_fail_oom(err) : 0;
}

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	int rc = find(env, targets, out, err);

	if (rc || env_has_named(env, targets->name)) /* the latter: it was tried */
		return rc;
	rc = load_nothing(env, targets, out, err);
	if (rc < 0)
		return rc;
	close(rc);
	return 0;
}

/* To what the program was loaded for. */
static int link_to(int prog_fd)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = (uint32_t)prog_fd;
	fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/* Whether it is the function's fault. */
static bool is_refusal(int rc)
{
	return rc == -KERNEL_ENOTSUPP || rc == -EBUSY || rc == -EOPNOTSUPP || rc == -EINVAL;
}

static int explain(struct probe_env *env, const struct probe_target *t, int rc,
		   struct probe_error *err)
{
	if (!is_refusal(rc))
		return probe_fail(err, -1, rc, "%s: attaching: %s", t->name, strerror(-rc));
	if (!fentry_of_program(t->a) && refusal_tell(env, t, t->name, rc, err))
		return rc;
	probe_fail(err, -1, rc,
		   "%s: this kernel has no trampoline for it (CONFIG_FUNCTION_TRACER, "
		   "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)",
		   t->name);
	env_hint(err, "kprobes, tracepoints and rawtracepoints need none.");
	return rc;
}

/*
 * What the script names gets a program that does nothing first: functions that the verifier lets pass may
 * still have no place for a trampoline. That one stays until the other is there too, as the last to leave
 * waits for a grace period.
 */
static int open_one(struct probe_env *env, const struct probe_target *t, struct probe_error *err)
{
	struct probe_load how = { 0 };
	int rc = find(env, t, &how, err), fd;

	if (rc)
		return rc;
	fd = load_nothing(env, t, &how, err);
	if (fd < 0)
		return fd;
	rc = link_to(fd);
	close(fd);
	if (rc < 0)
		return explain(env, t, rc, err);
	return env_keep_named(env, t->name, rc) ? probe_fail_oom(err) : 0;
}

static int open_named(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		      struct probe_error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < cnt && !rc; i++) {
		if (targets[i].value2 & FENTRY_OF_PATTERN)
			continue;
		err->target_no = i + 1;
		rc = open_one(env, &targets[i], err);
	}
	return rc;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	const struct probe_target *t = a->targets;
	int fd = link_to(a->prog_fd), opened = env_take_named(env, t->name);

	if (opened >= 0)
		close(opened);
	if (is_refusal(fd) && t->value2 & FENTRY_OF_PATTERN)
		return links_skip(env, t, links, err);
	if (fd < 0)
		return explain(env, t, fd, err);
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
	return fentry_expand(env, "fentry", pat, fn, arg_, err);
}

static int expand_return(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			 void *arg_, struct probe_error *err)
{
	return fentry_expand(env, "fexit", pat, fn, arg_, err);
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
	.help = "fentry:[MODULE:]FUNCTION, fentry:bpf:[ID:]FUNCTION: a function of the kernel is "
		"called",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_OWN_PROGRAM | PROBE_BTF_POINTERS |
		 PROBE_FUNCTIONS,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "fentry",
	.parse = parse,
	.expand = expand,
	.args = args,
	.arg = arg,
	.open = open_named,
	.load = load,
	.attach = attach,
};

const struct probe_type probe_fexit = {
	.name = "fexit",
	.aliases = { "fr", "kretfunc" },
	.help = "fexit:[MODULE:]FUNCTION, fexit:bpf:[ID:]FUNCTION: a function of the kernel "
		"returns",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_OWN_PROGRAM | PROBE_BTF_POINTERS |
		 PROBE_FUNCTIONS,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "fexit",
	.parse = parse_return,
	.expand = expand_return,
	.args = args_return,
	.arg = arg_return,
	.open = open_named,
	.load = load,
	.attach = attach,
};

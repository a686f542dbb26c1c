// SPDX-License-Identifier: Apache-2.0
/*
 * rawtracepoint: tracepoints as the kernel's code calls them, which needs neither tracefs nor perf
 * events. Targets: a is the module or NULL, b the event. What exists is told by BTF, where each
 * event has a typedef btf_trace_NAME of its function; names of arguments stand only with the
 * function __traceiter_NAME (5.10). Without BTF names are those of tracefs.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/tracepoint.h"

#define TYPEDEF_PREFIX "btf_trace_"
enum { PREFIX_LEN = sizeof(TYPEDEF_PREFIX) - 1 };

static int make_target(struct probe_env *env, const char *module, const char *event,
		       struct probe_target *t)
{
	*t = (struct probe_target){ 0 };
	t->a = module ? env_strdup(env, module) : NULL;
	t->b = env_strdup(env, event);
	t->name = module ? env_printf(env, "rawtracepoint:%s:%s", module, event)
			 : env_printf(env, "rawtracepoint:%s", event);
	return t->b && t->name && (t->a || !module) ? 0 : -ENOMEM;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts("rawtracepoint", cnt, 1, 2, err);

	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[cnt - 1].text)
		return probe_fail(err, -1, -EINVAL, "rawtracepoint probe must have a target");
	rc = make_target(env, cnt == 3 ? parts[1].text : NULL, parts[cnt - 1].text, pat);
	return rc ? probe_fail_oom(err) : 0;
}

/* ---- what exists ---- */

struct names {
	struct probe_env *env;
	const char *pattern;
	const char **at;
	uint32_t cnt, cap;
	struct near_name near;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_name(struct names *n, const char *name)
{
	if (n->cnt == n->cap) {
		uint32_t cap = n->cap ? n->cap * 2 : 256;
		const char **grown = realloc(n->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		n->at = grown;
		n->cap = cap;
	}
	n->at[n->cnt++] = name;
	return 0;
}

static int take_name(struct names *n, const char *name)
{
	if (n->near.word)
		near_name_feed(&n->near, name);
	else if (probe_glob_match(n->pattern, name))
		return add_name(n, name);
	return 0;
}

/* Events of tracefs that are made of something else than a tracepoint of their name. */
static bool is_made_up(const char *subsys)
{
	static const char *const names[] = { "eprobes",	 "ftrace",    "kprobes",
					     "syscalls", "synthetic", "uprobes" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(subsys, names[i]))
			return true;
	return false;
}

static int take_event(void *arg, const struct probe_target *t)
{
	return is_made_up(t->a) ? 0 : take_name(arg, t->b);
}

/* Without BTF: the events that tracefs makes of them have their names. */
static int event_names(struct names *n)
{
	struct probe_error ignored;
	uint32_t cnt = 0;
	int rc = tracepoint_list(n->env, take_event, n, &ignored);

	if (n->cnt)
		qsort(n->at, n->cnt, sizeof(*n->at), compare_names);
	for (uint32_t i = 0; i < n->cnt; i++)
		if (!cnt || strcmp(n->at[cnt - 1], n->at[i]))
			n->at[cnt++] = n->at[i];
	n->cnt = cnt;
	return rc < 0 ? rc : 0;
}

static int kernel_names(struct names *n, struct probe_error *err)
{
	const struct btf_names *all = env_btf_names(n->env, BTF_NAMES_TRACEPOINTS, err);
	int rc = 0;

	if (!all) {
		rc = event_names(n);
		if (rc)
			return -ENOTSUP;
		*err = (struct probe_error){ .part = -1 };
		return 0;
	}
	for (uint32_t i = 0; i < all->cnt && !rc; i++)
		rc = take_name(n, all->at[i].name);
	return rc;
}

/* The names in a module's BTF: its types lie behind those of the kernel. */
static int module_names(struct names *n, const struct btf *btf)
{
	uint32_t end = btf__type_cnt(btf);

	for (uint32_t i = btf__type_cnt(n->env->btf); i < end; i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		const char *name;

		if (!btf_is_typedef(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (strncmp(name, TYPEDEF_PREFIX, PREFIX_LEN))
			continue;
		if (take_name(n, name + PREFIX_LEN))
			return -ENOMEM;
	}
	if (n->cnt)
		qsort(n->at, n->cnt, sizeof(*n->at), compare_names);
	return 0;
}

/* The module's BTF, or the kernel's for NULL and "vmlinux"; to be freed when it is not env's. */
static const struct btf *open_btf(struct probe_env *env, const char *module,
				  struct probe_error *err)
{
	struct btf *base = env_btf(env, err), *btf;

	if (!base || !module || !strcmp(module, "vmlinux"))
		return base;
	btf = btf__load_module_btf(module, base);
	if (!btf)
		probe_fail(err, 1, -errno, "module %s is not loaded, or has no BTF", module);
	return btf;
}

static void close_btf(struct probe_env *env, const struct btf *btf)
{
	if (btf && btf != env->btf)
		btf__free((struct btf *)btf);
}

static int each_match(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		      struct probe_error *err)
{
	struct names n = { .env = env, .pattern = pat->b };
	const struct btf *btf = NULL;
	struct probe_target t;
	int rc;

	if (!pat->a || !strcmp(pat->a, "vmlinux")) {
		rc = kernel_names(&n, err);
	} else {
		btf = open_btf(env, pat->a, err);
		if (!btf)
			return env->btf ? 0 /* no such module */ : -ENOTSUP;
		rc = module_names(&n, btf);
	}
	for (uint32_t i = 0; i < n.cnt && !rc; i++) {
		rc = make_target(env, pat->a, n.at[i], &t);
		rc = rc ?: fn(arg, &t);
	}
	if (rc == -ENOMEM)
		probe_fail_oom(err);
	free(n.at);
	close_btf(env, btf);
	return rc ? rc : (int)n.cnt;
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	int rc;

	if (pat->a && probe_is_glob(pat->a))
		return probe_fail(err, 1, -EINVAL,
				  "rawtracepoint: wildcards are not allowed in the module");
	if (env->listing || probe_is_glob(pat->b))
		return each_match(env, pat, fn, arg, err);
	rc = fn(arg, pat);
	return rc ? rc : 1;
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	static const struct probe_target all = { .b = "*" };
	int rc = each_match(env, &all, fn, arg, err);

	return rc == -ENOTSUP ? 0 : rc; /* neither BTF nor tracefs: no list */
}

/* ---- args ---- */

static int args(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		struct probe_error *err)
{
	const struct btf *btf = open_btf(env, t->a, err);
	char *iter = env_printf(env, "__traceiter_%s", t->b);
	char *plain = env_printf(env, TYPEDEF_PREFIX "%s", t->b);
	uint32_t words;
	int id, rc;

	if (!btf) {
		env_hint(err, "arg0, arg1 and so on are there without types.");
		return -ENOTSUP;
	}
	if (!iter || !plain)
		return probe_fail_oom(err);
	id = btf__find_by_name_kind(btf, iter, BTF_KIND_FUNC);
	if (id > 0)
		id = (int)btf__type_by_id(btf, (uint32_t)id)->type;
	else
		id = btf__find_by_name_kind(btf, plain, BTF_KIND_TYPEDEF);
	/* the first parameter is the tracepoint's own data */
	rc = id < 0 ? -ENOENT : btf_proto_fields(env, btf, (uint32_t)id, 1, false, out, &words);
	close_btf(env, btf);
	if (rc == -ENOENT)
		return probe_fail(err, -1, rc, "No matches for %s.", t->name);
	return rc ? probe_fail(err, -1, rc, "%s: its arguments are not understood", t->name) : 0;
}

/* Twelve is what the kernel lets a program read (MAX_BPF_FUNC_ARGS). */
static int arg(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err)
{
	if (n == PROBE_ARG_RETVAL)
		return -ENOENT;
	*out = (struct probe_arg){ .base = 8 * n, .index = PROBE_ARG_NONE, .size = 8 };
	return 0;
}

/* ---- attach ---- */

static int no_such(struct probe_env *env, const struct probe_target *t, struct probe_error *err)
{
	struct names n = { .env = env, .near = { .word = t->b } };
	struct probe_error ignored;
	const struct btf *btf = t->a ? open_btf(env, t->a, &ignored) : NULL;
	int rc = probe_fail(err, -1, -ENOENT, "No matches for rawtracepoint %s.",
			    strchr(t->name, ':') + 1);

	if (btf && btf != env->btf)
		module_names(&n, btf);
	else
		kernel_names(&n, &ignored);
	if (n.near.best)
		env_hint(err, "Did you mean '%s'?", n.near.best);
	close_btf(env, btf);
	return rc;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	for (uint32_t i = 0; i < a->target_cnt; i++) {
		const struct probe_target *t = &a->targets[i];
		union bpf_attr attr;
		int fd, rc;

		memset(&attr, 0, sizeof(attr));
		attr.raw_tracepoint.name = (uintptr_t)t->b;
		attr.raw_tracepoint.prog_fd = (uint32_t)a->prog_fd;
		fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
		if (fd < 0 && errno == ENOENT)
			return no_such(env, t, err);
		/* the program was found to read more words than the event passes */
		if (fd < 0 && errno == EINVAL)
			return probe_fail(err, -1, -EINVAL, "%s has fewer arguments than are used",
					  t->name);
		if (fd < 0)
			return probe_fail(err, -1, -errno, "%s: attaching: %s", t->name,
					  strerror(errno));
		rc = probe_links_add(links, fd);
		if (rc)
			return probe_fail_oom(err);
	}
	return 0;
}

const struct probe_type probe_rawtracepoint = {
	.name = "rawtracepoint",
	.aliases = { "rt" },
	.help = "rawtracepoint:[MODULE:]EVENT: a static event, with the arguments of its function",
	/* cookies: 6.10 */
	.flags = PROBE_WILDCARDS | PROBE_LISTED | PROBE_LISTS_PATTERN | PROBE_NO_COOKIE,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "raw_tp",
	.parse = parse,
	.expand = expand,
	.list = list,
	.args = args,
	.arg = arg,
	.attach = attach,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * iter: the kernel walks its tasks, files, sockets, maps ... and runs the program for each, once
 * (5.8). Targets: a is what it walks ("task"), c the file in bpffs that is to keep it, or NULL,
 * value where in the context the object is.
 *
 * What there is to walk is told by BTF: a function bpf_iter_WHAT and a struct bpf_iter__WHAT, which
 * is the context. Each of its members is a word of its own. Most walks end with a call that has no
 * object, for programs that write a last line.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "probes/env.h"

#define BPFFS "/sys/fs/bpf"

/* Walks of one map's elements: which one cannot be said in a script. */
static bool needs_map(const char *what)
{
	return !strcmp(what, "bpf_map_elem") || !strcmp(what, "sockmap") ||
	       !strcmp(what, "bpf_sk_storage_map");
}

/* ---- what exists ---- */

/* In union bpf_iter_link_info, by size of what the kernel of that time knew of it. */
struct walk_info {
	union {
		struct {
			uint32_t order, fd;
			uint64_t id;
		} cgroup; /* 6.1 */
		struct {
			uint32_t tid, pid, pid_fd;
		} task; /* 6.1 */
	};
};
enum { CGROUP_PRE_ORDER = 2 };

static int name_target(struct probe_env *env, const char *what, const char *pin,
		       struct probe_target *t)
{
	*t = (struct probe_target){ .a = env_strdup(env, what) };
	t->name = pin ? env_printf(env, "iter:%s:%s", what, pin) : env_printf(env, "iter:%s", what);
	if (pin)
		t->c = *pin == '/' ? env_strdup(env, pin) : env_printf(env, BPFFS "/%s", pin);
	return t->a && t->name && (t->c || !pin) ? 0 : -ENOMEM;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts("iter", cnt, 1, 2, err);

	if (rc)
		return rc;
	if (!*parts[1].text)
		return probe_fail(err, -1, -EINVAL, "iter probe must have what it walks over");
	if (cnt == 3 && (!*parts[2].text || parts[2].text[strlen(parts[2].text) - 1] == '/'))
		return probe_fail(err, 2, -EINVAL, "iter probe: the pin must name a file");
	if (cnt == 3 && probe_is_glob(parts[1].text))
		return probe_fail(err, 2, -EINVAL,
				  "iter probe: one file cannot keep several iterators");
	rc = name_target(env, parts[1].text, cnt == 3 ? parts[2].text : NULL, pat);
	return rc ? probe_fail_oom(err) : 0;
}

/* The function that a program is bound to; 0: none. */
static uint32_t function_of(struct probe_env *env, const char *what)
{
	struct probe_error ignored;
	const struct btf_names *n = env_btf_names(env, BTF_NAMES_ITER_FUNCTIONS, &ignored);

	return n ? btf_names_find(n, what) : 0;
}

static const struct btf_type *context_of(struct probe_env *env, const char *what)
{
	struct probe_error ignored;
	const struct btf_names *n = env_btf_names(env, BTF_NAMES_ITER_CONTEXTS, &ignored);
	uint32_t id = n ? btf_names_find(n, what) : 0;
	const struct btf *btf = id ? env_btf(env, &ignored) : NULL;

	return btf ? btf__type_by_id(btf, id) : NULL;
}

/* Whether the kernel takes a program for it: some are built in without their struct and back. */
static int try_load(uint32_t btf_id)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_ITER);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	opts.attach_btf_id = btf_id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_probe", "GPL", insns, 2, &opts);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/*
 * The first member after meta that is a pointer is the object: NULL in the last call. Of a map's
 * elements that is the key.
 */
static uint64_t object_offset(struct probe_env *env, const char *what)
{
	const struct btf_type *t = context_of(env, what);
	const struct btf_member *m = t ? btf_members(t) : NULL;
	uint32_t i = needs_map(what) ? 2 : 1;

	return m && btf_vlen(t) > i ? m[i].offset / 8 : 0;
}

static int found(struct probe_env *env, const char *what, const char *pin, probe_fn fn, void *arg)
{
	struct probe_target t;

	if (name_target(env, what, pin, &t))
		return -ENOMEM;
	if (!env->listing)
		t.value = object_offset(env, what);
	return fn(arg, &t);
}

static int each_match(struct probe_env *env, const char *pattern, probe_fn fn, void *arg,
		      struct probe_error *err)
{
	const struct btf_names *n = env_btf_names(env, BTF_NAMES_ITER_CONTEXTS, err);
	int rc = 0, seen = 0;

	if (!n)
		return -ENOTSUP;
	for (uint32_t i = 0; i < n->cnt && !rc; i++) {
		const char *name = n->at[i].name;
		uint32_t id = 0;

		if (!needs_map(name) && probe_glob_match(pattern, name))
			id = function_of(env, name);
		if (!id || try_load(id))
			continue;
		seen++;
		rc = found(env, name, NULL, fn, arg);
	}
	return rc == -ENOMEM ? probe_fail_oom(err) : rc ? rc : seen;
}

static void nearest(struct probe_env *env, const char *what, struct probe_error *err)
{
	const struct btf_names *n = env_btf_names(env, BTF_NAMES_ITER_CONTEXTS, err);
	struct near_name near = { .word = what };

	for (uint32_t i = 0; n && i < n->cnt; i++)
		if (!needs_map(n->at[i].name))
			near_name_feed(&near, n->at[i].name);
	if (near.best)
		env_hint(err, "Did you mean '%s'?", near.best);
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	const char *pin = strchr(strchr(pat->name, ':') + 1, ':');
	int rc;

	if (probe_is_glob(pat->a))
		return each_match(env, pat->a, fn, arg, err);
	if (!env_btf_names(env, BTF_NAMES_ITER_CONTEXTS, err))
		return -ENOTSUP;
	if (needs_map(pat->a) && function_of(env, pat->a))
		return probe_fail(err, -1, -EINVAL,
				  "%s walks over one map, and there is no way to say which",
				  pat->name);
	if (!function_of(env, pat->a) || !context_of(env, pat->a)) {
		nearest(env, pat->a, err);
		return 0;
	}
	rc = found(env, pat->a, pin ? pin + 1 : NULL, fn, arg);
	return rc ? rc : 1;
}

static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	int rc = each_match(env, "*", fn, arg, err);

	return rc == -ENOTSUP ? 0 : rc; /* no BTF, no iterators */
}

/* ---- the context ---- */

static const char *context(struct probe_env *env, const struct probe_target *t)
{
	return env_printf(env, "struct bpf_iter__%s", t->a);
}

/* A pointer is wrapped in a nameless union, so that it takes 8 bytes in any program. */
static int fill_field(struct probe_env *env, const struct btf_member *m, struct probe_field *f)
{
	const struct btf_type *t = btf__type_by_id(env->btf, m->type);
	uint32_t off = m->offset / 8;

	if (!m->name_off && btf_is_union(t) && btf_vlen(t))
		m = btf_members(t);
	f->name = btf__name_by_offset(env->btf, m->name_off);
	f->ctype = btf_ctype(env, env->btf, m->type);
	f->size = (uint32_t)btf__resolve_size(env->btf, m->type);
	f->off = off;
	if (f->ctype)
		f->decl = env_printf(env, "%s %s", f->ctype, f->name);
	return f->decl ? 0 : -ENOMEM;
}

static int args(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		struct probe_error *err)
{
	const struct btf_type *s = env_btf(env, err) ? context_of(env, t->a) : NULL;
	struct probe_field *f;

	if (!s)
		return -ENOTSUP;
	f = env_alloc(env, (btf_vlen(s) + 1u) * sizeof(*f));
	if (!f)
		return probe_fail_oom(err);
	*out = (struct probe_fields){ .fields = f, .size = s->size };
	for (uint32_t i = 1; i < btf_vlen(s); i++) /* the first is "meta" of all */
		if (fill_field(env, &btf_members(s)[i], &f[out->cnt++]))
			return probe_fail_oom(err);
	return 0;
}

/* ---- load and attach ---- */

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	int rc;

	(void)cnt;
	if (!env_btf_names(env, BTF_NAMES_ITER_FUNCTIONS, err))
		return -EOPNOTSUPP;
	out->attach_name = targets->a;
	out->btf_id = function_of(env, targets->a);
	if (!out->btf_id)
		return probe_fail(err, -1, -ENOENT, "No matches for %s.", targets->name);
	rc = try_load(out->btf_id);
	if (rc)
		return probe_fail(err, -1, rc, "%s: this kernel takes no program for it: %s",
				  targets->name, strerror(-rc));
	return 0;
}

static bool walks_tasks(const char *what)
{
	return !strncmp(what, "task", 4);
}

/* The link, restricted to what the walk asks for; its fd or -errno. */
static int create_link(const struct probe_attach *a)
{
	struct walk_info info = { 0 };
	union bpf_attr attr;
	bool wanted = false;
	int fd;

	if (!strcmp(a->targets->a, "cgroup")) {
		info.cgroup.order = CGROUP_PRE_ORDER;
		wanted = true;
	} else if (a->pid && walks_tasks(a->targets->a)) {
		info.task.pid = (uint32_t)a->pid;
		wanted = true;
	}
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)a->prog_fd;
	attr.link_create.attach_type = BPF_TRACE_ITER;
	if (wanted) {
		attr.link_create.iter_info = (uintptr_t)&info;
		attr.link_create.iter_info_len = sizeof(info);
	}
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/* Why nothing can be kept there, found out after the kernel has refused. */
static int no_pin(const struct probe_target *t, int rc, struct probe_error *err)
{
	char *dir = strdup(t->c), *slash = dir ? strrchr(dir, '/') : NULL;
	struct statfs fs;

	if (!slash)
		return probe_fail_oom(err);
	slash[slash == dir] = 0;
	if (rc == -EEXIST) {
		probe_fail(err, -1, rc, "%s: the file is there already", t->c);
		env_hint(err, "Remove it to end what it keeps.");
	} else if (statfs(dir, &fs)) {
		probe_fail(err, -1, rc, "%s: %s", dir, strerror(errno));
	} else if ((unsigned long)fs.f_type != BPF_FS_MAGIC) {
		probe_fail(err, -1, rc, "%s: %s is in no BPF file system", t->c, dir);
		env_hint(err, "mount -t bpf bpf " BPFFS);
	} else {
		probe_fail(err, -1, rc, "%s: %s", t->c, strerror(-rc));
	}
	free(dir);
	return rc;
}

static int pin(const struct probe_target *t, int link, struct probe_links *links,
	       struct probe_error *err)
{
	int rc = bpf_obj_pin(link, t->c);

	if (rc)
		return no_pin(t, rc < 0 ? rc : -errno, err);
	return probe_links_add_pin(links, t->c) ? probe_fail_oom(err) : 0;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	const struct probe_target *t = a->targets;
	union bpf_attr attr;
	int link = create_link(a), fd;

	(void)env;
	if (link == -EINVAL && a->pid && walks_tasks(t->a))
		return probe_fail(err, -1, link,
				  "%s: before Linux 6.1 it can not be restricted to one process",
				  t->name);
	if (link < 0)
		return probe_fail(err, -1, link, "%s: attaching: %s", t->name, strerror(-link));
	if (probe_links_add(links, link))
		return probe_fail_oom(err);
	if (t->c)
		return pin(t, link, links, err);
	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = (uint32_t)link;
	fd = (int)syscall(SYS_bpf, BPF_ITER_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return probe_fail(err, -1, -errno, "%s: %s", t->name, strerror(errno));
	return probe_links_add_walk(links, fd) ? probe_fail_oom(err) : 0;
}

const struct probe_type probe_iter = {
	.name = "iter",
	.aliases = { "it" },
	.help = "iter:OBJECT[:PIN]: each of the kernel's objects of that kind, once",
	.flags = PROBE_TAKES_PID | PROBE_WILDCARDS | PROBE_LISTED | PROBE_LISTS_PATTERN |
		 PROBE_OWN_PROGRAM | PROBE_WALKS | PROBE_BTF_POINTERS | PROBE_UNGUARDED,
	.args_kind = PROBE_ARGS_WORDS,
	.section = "iter",
	.parse = parse,
	.expand = expand,
	.list = list,
	.args = args,
	.context = context,
	.load = load,
	.attach = attach,
};

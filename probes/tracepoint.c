// SPDX-License-Identifier: Apache-2.0
/*
 * tracepoint: the kernel's static events. Targets: a is the subsystem, b the event. An exact name
 * reads no list: only events/A/B of tracefs is looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/tracepoint.h"

enum { FORMAT_BUCKETS = 256 };

struct format_entry {
	struct format_entry *next;
	const char *a, *b;
	struct probe_fields fields;
};

struct tracepoints {
	const char **names; /* "subsys:event", sorted; NULL: not read yet */
	uint32_t cnt;
	const char *of; /* the pattern of the subsystems that were read */
	struct format_entry *formats[FORMAT_BUCKETS];
};

static struct tracepoints *tracepoints_get(struct probe_env *env)
{
	if (!env->tracepoints)
		env->tracepoints = env_alloc(env, sizeof(*env->tracepoints));
	return env->tracepoints;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts("tracepoint", cnt, 2, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[2].text)
		return probe_fail(err, -1, -EINVAL, "tracepoint probe must have a target");
	pat->a = env_strdup(env, parts[1].text);
	pat->b = env_strdup(env, parts[2].text);
	pat->name = env_printf(env, "tracepoint:%s:%s", parts[1].text, parts[2].text);
	return pat->a && pat->b && pat->name ? 0 : probe_fail_oom(err);
}

/* ---- the list of all ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* EPERM on a file of tracefs, for root too, is lockdown's. */
static int explain_file(const char *path, struct probe_error *err)
{
	int rc = -errno;

	return probe_fail(err, -1, rc, "tracefs: %s: %s%s", path, strerror(-rc),
			  rc == -EPERM	  ? ": the kernel is locked down (confidentiality)"
			  : rc == -EACCES ? ": root is needed"
					  : "");
}

/* Subdirectories of a directory of tracefs, one call of fn each, until that gives non-zero. */
static int each_dir(int at, const char *path, int (*fn)(void *arg, const char *name), void *arg,
		    struct probe_error *err)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		rc = explain_file(path, err);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (!rc && (e = readdir(dir))) {
		if (e->d_type == DT_DIR && *e->d_name != '.')
			rc = fn(arg, e->d_name);
	}
	closedir(dir);
	return rc;
}

struct reading {
	struct probe_env *env;
	struct tracepoints *tps;
	struct probe_error *err;
	int dir;
	const char *subsys;
	uint32_t cap;
};

static int read_event(void *arg, const char *event)
{
	struct reading *r = arg;
	struct tracepoints *tps = r->tps;

	if (tps->cnt == r->cap) {
		/* the old array stays behind in env: half as much again, all told */
		const char **grown = env_alloc(r->env, r->cap * 4 * sizeof(*grown));

		if (!grown)
			return probe_fail_oom(r->err);
		memcpy(grown, tps->names, tps->cnt * sizeof(*grown));
		tps->names = grown;
		r->cap *= 4;
	}
	tps->names[tps->cnt] = env_printf(r->env, "%s:%s", r->subsys, event);
	return tps->names[tps->cnt++] ? 0 : probe_fail_oom(r->err);
}

static int read_subsys(void *arg, const char *subsys)
{
	struct reading *r = arg;
	char path[300];
	int rc;

	/* "ftrace" is records of the tracers, nothing that can be attached to */
	if (!strcmp(subsys, "ftrace") || !probe_glob_match(r->tps->of, subsys))
		return 0;
	r->subsys = subsys;
	snprintf(path, sizeof(path), "events/%s", subsys);
	rc = each_dir(r->dir, path, read_event, r, r->err);
	return rc == -ENOENT ? 0 : rc; /* its module was unloaded just now */
}

/*
 * The directories are read although the file available_events says the same: reading that takes
 * event_mutex, which the kernel may hold for seconds while it tidies up after others (see links.c).
 */
static int read_names(struct probe_env *env, struct tracepoints *tps, const char *subsystems,
		      struct probe_error *err)
{
	struct reading r = { .env = env, .tps = tps, .err = err, .cap = 1024 };
	int rc;

	if (tps->names && (!strcmp(tps->of, "*") || !strcmp(tps->of, subsystems)))
		return 0;
	tps->names = NULL;
	tps->cnt = 0;
	tps->of = subsystems;
	r.dir = tracefs_dir(env, err);
	if (r.dir < 0)
		return r.dir;
	tps->names = env_alloc(env, r.cap * sizeof(*tps->names));
	if (!tps->names)
		return probe_fail_oom(err);
	rc = each_dir(r.dir, "events", read_subsys, &r, err);
	if (rc) {
		tps->names = NULL;
		tps->cnt = 0;
		return rc;
	}
	qsort(tps->names, tps->cnt, sizeof(*tps->names), compare_names);
	return 0;
}

static int make_target(struct probe_env *env, const char *name, struct probe_target *t)
{
	size_t len = strlen(name);
	char *full = env_alloc(env, 11 + len + 1), *parts = env_strndup(env, name, len);

	if (!full || !parts)
		return -ENOMEM;
	memcpy(full, "tracepoint:", 11);
	memcpy(full + 11, name, len);
	*t = (struct probe_target){ .name = full, .a = parts };
	parts = strchr(parts, ':');
	*parts = 0;
	t->b = parts + 1;
	return 0;
}

/* pattern: "subsys:event"; subsystems: its first part, which lasts as long as env. */
static int match_list(struct probe_env *env, const char *subsystems, const char *pattern,
		      probe_fn fn, void *arg, struct probe_error *err)
{
	struct tracepoints *tps = tracepoints_get(env);
	struct probe_target t;
	int cnt = 0, rc;

	if (!tps)
		return probe_fail_oom(err);
	rc = read_names(env, tps, subsystems, err);
	for (uint32_t i = 0; i < tps->cnt && !rc; i++) {
		if (!probe_glob_match(pattern, tps->names[i]))
			continue;
		if (make_target(env, tps->names[i], &t))
			return probe_fail_oom(err);
		rc = fn(arg, &t);
		cnt++;
	}
	return rc ? rc : cnt;
}

/* ---- expand ---- */

/* Names lead to files: nothing in them may lead elsewhere. */
static bool is_plain_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

static void hint_nearest(struct probe_env *env, const struct probe_target *pat,
			 struct probe_error *err)
{
	const char *wanted = pat->name + strlen("tracepoint:");
	struct near_name near = { .word = wanted };
	struct probe_error ignored;
	struct tracepoints *tps = tracepoints_get(env);

	if (!tps || read_names(env, tps, "*", &ignored))
		return;
	for (uint32_t i = 0; i < tps->cnt; i++)
		near_name_feed(&near, tps->names[i]);
	/* the right event in the wrong place: "execve" is far from no name but one */
	for (uint32_t i = 0; i < tps->cnt && !near.best; i++) {
		if (!strcmp(strchr(tps->names[i], ':') + 1, pat->b))
			near.best = tps->names[i];
	}
	if (near.best)
		snprintf(err->hint, sizeof(err->hint), "Did you mean '%s'?", near.best);
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	const char *name = pat->name + strlen("tracepoint:");
	char path[512];
	int dir, rc;

	if (probe_is_glob(name)) {
		rc = match_list(env, pat->a, name, fn, arg, err);
		if (!rc)
			probe_fail(err, -1, 0, "No matches for tracepoint %s.", name);
		return rc;
	}
	dir = tracefs_dir(env, err);
	if (dir < 0)
		return dir;
	snprintf(path, sizeof(path), "events/%s/%s/id", pat->a, pat->b);
	errno = ENOENT;
	if (!is_plain_name(pat->a) || !is_plain_name(pat->b) || faccessat(dir, path, F_OK, 0)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return explain_file(path, err);
		probe_fail(err, -1, 0, "No matches for tracepoint %s.", name);
		hint_nearest(env, pat, err);
		return 0;
	}
	rc = fn(arg, pat);
	return rc ? rc : 1;
}

int tracepoint_list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	return match_list(env, "*", "*", fn, arg, err);
}

/* ---- args ---- */

static struct format_entry **format_slot(struct tracepoints *tps, const struct probe_target *t)
{
	struct format_entry **slot;
	uint32_t hash = 5381;

	for (const char *p = t->b; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	slot = &tps->formats[hash % FORMAT_BUCKETS];
	while (*slot && (strcmp((*slot)->a, t->a) || strcmp((*slot)->b, t->b)))
		slot = &(*slot)->next;
	return slot;
}

static int args(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		struct probe_error *err)
{
	struct tracepoints *tps = tracepoints_get(env);
	struct format_entry **slot, *f;
	char path[512], *text;
	int dir, rc;

	if (!tps)
		return probe_fail_oom(err);
	slot = format_slot(tps, t);
	if (*slot) {
		*out = (*slot)->fields;
		return 0;
	}
	dir = tracefs_dir(env, err);
	if (dir < 0)
		return dir;
	snprintf(path, sizeof(path), "events/%s/%s/format", t->a, t->b);
	text = tracefs_read(dir, path, NULL);
	if (!text)
		return explain_file(path, err);
	f = env_alloc(env, sizeof(*f));
	rc = f ? tracepoint_format(env, t->a, text, &f->fields) : -ENOMEM;
	free(text);
	if (rc)
		return probe_fail(err, -1, rc, "tracefs: %s: %s", path,
				  rc == -ENOMEM ? "out of memory" : "not understood");
	f->a = env_strdup(env, t->a);
	f->b = env_strdup(env, t->b);
	if (!f->a || !f->b)
		return probe_fail_oom(err);
	*slot = f;
	*out = f->fields;
	return 0;
}

/* ---- attach ---- */

static int read_id(int dir, const struct probe_target *t, uint64_t *id, struct probe_error *err)
{
	char path[512], text[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "events/%s/%s/id", t->a, t->b);
	fd = is_plain_name(t->a) && is_plain_name(t->b) ? openat(dir, path, O_RDONLY | O_CLOEXEC)
							: (errno = ENOENT, -1);
	if (fd < 0 && errno == ENOENT)
		return probe_fail(err, -1, -ENOENT, "No matches for tracepoint %s:%s.", t->a, t->b);
	if (fd < 0)
		return explain_file(path, err);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0) {
		explain_file(path, err);
		n = -errno;
		close(fd);
		return (int)n;
	}
	close(fd);
	text[n] = 0;
	*id = strtoull(text, NULL, 10);
	return 0;
}

/* The program runs for everybody wherever the event happens: one perf event on any CPU is enough. */
static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	struct perf_where where = { .one_cpu = true };
	int dir = tracefs_dir(env, err), rc = 0;
	uint64_t id = 0;

	if (dir < 0)
		return dir;
	where.holder = links_holder(links, a->target_cnt);
	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1 };

		rc = read_id(dir, &a->targets[i], &id, err);
		attr.config = id;
		if (!rc)
			rc = perf_attach(a, i, &attr, &where, links, err);
	}
	perf_where_done(&where);
	return rc;
}

const struct probe_type probe_tracepoint = {
	.name = "tracepoint",
	.aliases = { "t" },
	.help = "tracepoint:SUBSYSTEM:EVENT: a static event of the kernel",
	.flags = PROBE_EXCLUSIVE | PROBE_WILDCARDS | PROBE_LISTED,
	.args_kind = PROBE_ARGS_RECORD,
	.section = "tracepoint",
	.parse = parse,
	.expand = expand,
	.list = tracepoint_list,
	.args = args,
	.attach = attach,
};

// SPDX-License-Identifier: Apache-2.0
/* From what a script calls a program or library to files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/elf.h"

/* /etc/ld.so.cache as glibc writes it (sysdeps/generic/dl-cache.h), the old format may precede. */
struct cache_head {
	char magic[20]; /* "glibc-ld.so.cache1.1" */
	uint32_t cnt, strings_sz;
	uint32_t unused[5];
};
struct cache_entry {
	int32_t flags;
	uint32_t key, value; /* of the head */
	uint32_t os_version;
	uint64_t hwcap;
};
#if defined(__x86_64__)
enum { CACHE_FLAGS = 0x0303 };
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
enum { CACHE_FLAGS = 0x0a03 };
#define TRIPLET "aarch64-linux-gnu"
#else
enum { CACHE_FLAGS = -1 }; /* any */
#define TRIPLET ""
#endif

bool path_exists(const char *path)
{
	return !access(path, F_OK);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* "libc.so.6", "libc" or "c" */
static bool names_library(const char *name, const char *key)
{
	size_t len = strlen(name);

	if (!strcmp(key, name))
		return true;
	if (!strncmp(key, "lib", 3) && strncmp(name, "lib", 3))
		key += 3;
	return !strncmp(key, name, len) && !strncmp(key + len, ".so", 3);
}

/* root: that of the process of -p, or "". */
static const char *library_in_cache(struct probe_env *env, const char *root, const char *name)
{
	const char *path = env_printf(env, "%s/etc/ld.so.cache", root);
	size_t len = 0, left;
	char *text = path ? tracefs_read(AT_FDCWD, path, &len) : NULL;
	const char *head = text ? memmem(text, len, "glibc-ld.so.cache1.1", 20) : NULL;
	const struct cache_head *h = (const void *)head;
	const struct cache_entry *e;
	const char *found = NULL;

	if (!head || (uintptr_t)head % 8)
		goto out;
	left = len - (size_t)(head - text);
	if (left < sizeof(*h) || (left - sizeof(*h)) / sizeof(*e) < h->cnt)
		goto out;
	e = (const void *)(h + 1);
	for (uint32_t i = 0; i < h->cnt && !found; i++) {
		if (e[i].key >= left || e[i].value >= left ||
		    (CACHE_FLAGS != -1 && (e[i].flags & 0xffff) != CACHE_FLAGS) ||
		    !names_library(name, head + e[i].key))
			continue;
		path = env_printf(env, "%s%s", root, head + e[i].value);
		if (path && is_file(path))
			found = env_strdup(env, head + e[i].value);
	}
out:
	free(text);
	return found;
}

static bool is_elf(const char *path)
{
	char magic[4] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool yes = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		   !memcmp(magic, "\177ELF", sizeof(magic));

	if (fd >= 0)
		close(fd);
	return yes;
}

/* The first by its name; "libc.so" beside "libc.so.6" is no library but a text for the linker. */
static const char *library_in_dir(struct probe_env *env, const char *root, const char *dir,
				  const char *name)
{
	struct dirent **entries = NULL;
	const char *at = env_printf(env, "%s%s", root, dir), *found = NULL;
	int cnt = at ? scandir(at, &entries, NULL, alphasort) : 0;

	for (int i = 0; i < cnt; i++) {
		if (!found && names_library(name, entries[i]->d_name)) {
			const char *path = env_printf(env, "%s/%s", at, entries[i]->d_name);

			if (path && is_file(path) && is_elf(path))
				found = env_strdup(env, path + strlen(root));
		}
		free(entries[i]);
	}
	free(entries);
	return found;
}

/* Not every system has a cache: musl's, small images of containers. */
const char *path_library(struct probe_env *env, const char *root, const char *name)
{
	static const char *const dirs[] = {
		"/lib64",	 "/usr/lib64",	      "/lib", "/usr/local/lib", "/usr/lib",
		"/lib/" TRIPLET, "/usr/lib/" TRIPLET,
	};
	const char *found = library_in_cache(env, root, name);

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !found; i++)
		found = library_in_dir(env, root, dirs[i], name);
	return found;
}

static const char *program_find(struct probe_env *env, const char *name)
{
	const char *p =
		getenv("PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

	while (*p) {
		int len = (int)strcspn(p, ":");
		char *path = env_printf(env, "%.*s/%s", len, p, name);

		if (path && len && is_file(path) && !access(path, X_OK))
			return path;
		p += len + (p[len] == ':');
	}
	return NULL;
}

/* The process of -p may see other files by the same path. */
static const char *path_for_pid(struct probe_env *env, const char *path)
{
	struct stat ours, theirs;
	char *there;

	if (!env->opt.pid || *path != '/')
		return path;
	there = env_printf(env, "/proc/%d/root%s", env->opt.pid, path);
	if (!there || stat(there, &theirs))
		return path;
	if (!stat(path, &ours) && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return path;
	return there;
}

static int found(struct probe_env *env, const char *path, path_fn fn, void *arg)
{
	const char *open_as = path_for_pid(env, path);
	char real[PATH_MAX];

	/*
	 * Links as /bin/sh are followed, so that equal files have one name; those of /proc lead to
	 * where their text does not.
	 */
	if (open_as == path && strncmp(path, "/proc/", 6) && realpath(path, real))
		open_as = path = env_strdup(env, real);
	return path ? fn(arg, open_as, path) : -ENOMEM;
}

/* ---- what the process of -p has mapped ---- */

/* Lines of /proc/PID/maps. */
struct mappings {
	char *text, *next;
	uint64_t from, to;
	char *path;
};

struct mapped {
	const char *shown, *open_as; /* open_as NULL: by its path */
};

static bool mappings_open(struct probe_env *env, struct mappings *m)
{
	char *path = env_printf(env, "/proc/%d/maps", env->opt.pid);

	*m = (struct mappings){ 0 };
	m->next = m->text = path && env->opt.pid ? tracefs_read(AT_FDCWD, path, NULL) : NULL;
	return m->text;
}

/* The next one of code from a file. */
static bool mappings_next(struct mappings *m)
{
	while (m->next && *m->next) {
		char *line = m->next, *end = strchr(line, '\n'), *code;

		m->next = end ? end + 1 : NULL;
		if (end)
			*end = 0;
		code = strstr(line, " r-xp ");
		m->path = code ? strchr(code, '/') : NULL;
		m->from = strtoull(line, &line, 16);
		m->to = *line == '-' ? strtoull(line + 1, NULL, 16) : 0;
		if (m->path)
			return true;
	}
	return false;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * A file that has been deleted or replaced is still what runs; and one in a file system of the process's
 * own has a path that leads nowhere, or elsewhere, from here.
 */
static bool mapped_file(struct probe_env *env, const struct mappings *m, struct mapped *to)
{
	static const char deleted[] = " (deleted)";
	const char *cut = strstr(m->path, deleted);
	bool there = !cut || cut[sizeof(deleted) - 1];
	char *mapping = env_printf(env, "/proc/%d/map_files/%llx-%llx", env->opt.pid,
				   (unsigned long long)m->from, (unsigned long long)m->to);

	to->shown = there ? env_strdup(env, m->path)
			  : env_strndup(env, m->path, (size_t)(cut - m->path));
	to->open_as = mapping;
	if (!to->shown || !mapping)
		return false;
	/* looking at a mapping takes a capability that tracing does not */
	if (there && (access(mapping, R_OK) || same_file(mapping, path_for_pid(env, to->shown))))
		to->open_as = NULL;
	return true;
}

static int found_mapping(struct probe_env *env, const struct mapped *m, path_fn fn, void *arg)
{
	return m->open_as ? fn(arg, m->open_as, m->shown) : found(env, m->shown, fn, arg);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct mapped *)a)->shown, ((const struct mapped *)b)->shown);
}

static int each_mapping(struct probe_env *env, path_fn fn, void *arg)
{
	struct mapped *all = NULL, *more;
	uint32_t cnt = 0, cap = 0, files = 0;
	struct mappings m;
	int rc = 0;

	if (!mappings_open(env, &m))
		return 0;
	while (!rc && mappings_next(&m)) {
		if (cnt == cap) {
			cap = cap ? cap * 2 : 64;
			more = realloc(all, cap * sizeof(*all));
			all = more ?: all;
			rc = more ? 0 : -ENOMEM;
		}
		if (!rc && !mapped_file(env, &m, &all[cnt++]))
			rc = -ENOMEM;
	}
	if (cnt && !rc)
		qsort(all, cnt, sizeof(*all), compare);
	for (uint32_t i = 0; i < cnt && !rc; i++) {
		if (i && !compare(&all[i - 1], &all[i]))
			continue;
		rc = found_mapping(env, &all[i], fn, arg);
		files++;
	}
	free(m.text);
	free(all);
	return rc ? rc : (int)files;
}

/* "libc" of that process, wherever it has it from. 0: it has none. */
static int mapped_library(struct probe_env *env, const char *name, path_fn fn, void *arg)
{
	struct mappings m;
	struct mapped file;
	int rc = 0;

	if (!mappings_open(env, &m))
		return 0;
	while (mappings_next(&m)) {
		if (!names_library(name, strrchr(m.path, '/') + 1))
			continue;
		rc = mapped_file(env, &m, &file) ? found_mapping(env, &file, fn, arg) : -ENOMEM;
		rc = rc ?: 1;
		break;
	}
	free(m.text);
	return rc;
}

/* ---- patterns ---- */

/* Links lead to the same file twice. */
struct once {
	path_fn fn;
	void *arg;
	const char **paths;
	size_t cnt;
};

static int only_once(void *arg, const char *path, const char *shown)
{
	struct once *o = arg;

	for (size_t i = 0; i < o->cnt; i++)
		if (!strcmp(o->paths[i], path))
			return 0;
	o->paths[o->cnt++] = path;
	return o->fn(o->arg, path, shown);
}

static int each_glob(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	struct once o = { .fn = fn, .arg = arg };
	int cnt = 0, rc = 0;
	glob_t g;

	if (glob(pattern, 0, NULL, &g))
		return 0;
	o.paths = env_alloc(env, g.gl_pathc * sizeof(*o.paths));
	if (!o.paths)
		rc = -ENOMEM;
	for (size_t i = 0; i < g.gl_pathc && !rc; i++) {
		if (!is_file(g.gl_pathv[i]))
			continue;
		rc = found(env, env_strdup(env, g.gl_pathv[i]), only_once, &o);
		cnt++;
	}
	globfree(&g);
	return rc ? rc : cnt;
}

/* "a.apk!/lib.so": the file is there when the archive is; whoever opens it says what is wrong. */
static bool in_archive(struct probe_env *env, const char *path)
{
	const char *inside = strstr(path, "!/"), *archive;

	if (!inside)
		return false;
	archive = env_strndup(env, path, (size_t)(inside - path));
	return archive && is_file(archive);
}

int paths_match(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	const char *path = pattern, *root = "";
	int rc;

	if (env->opt.pid && !strcmp(pattern, "*"))
		return each_mapping(env, fn, arg);
	if (in_archive(env, pattern))
		return fn(arg, pattern, pattern) ?: 1;
	if (probe_is_glob(pattern))
		return each_glob(env, pattern, fn, arg);
	if (!strchr(pattern, '/')) {
		rc = mapped_library(env, pattern, fn, arg);
		if (rc)
			return rc;
		path = program_find(env, pattern);
		if (!path && env->opt.pid) {
			root = env_printf(env, "/proc/%d/root", env->opt.pid);
			path = root ? path_library(env, root, pattern) : NULL;
		}
		if (!path)
			path = path_library(env, "", pattern);
		if (!path && is_file(pattern))
			path = pattern;
	}
	if (!path || !is_file(path_for_pid(env, path)))
		return 0;
	rc = found(env, path, fn, arg);
	return rc ? rc : 1;
}

bool paths_hint(struct probe_env *env, const char *pattern, struct probe_error *err)
{
	bool here = !env->opt.pid && probe_is_glob(pattern) && !strchr(pattern, '/');

	if (here)
		env_hint(err, "Without a '/' the files of this directory are meant; with -p '*' is "
			      "all that the process has mapped.");
	return here;
}

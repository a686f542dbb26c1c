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

/* name in the next directory where programs are looked for, *dirs: NULL at first. NULL: no more. */
static const char *program_next(struct probe_env *env, const char **dirs, const char *name)
{
	if (!*dirs)
		*dirs = getenv("PATH")
				?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (**dirs) {
		const char *dir = *dirs;
		int len = (int)strcspn(dir, ":");

		*dirs += len + (dir[len] == ':');
		if (len)
			return env_printf(env, "%.*s/%s", len, dir, name);
	}
	return NULL;
}

static const char *program_find(struct probe_env *env, const char *name)
{
	const char *dirs = NULL, *path;

	while ((path = program_next(env, &dirs, name)))
		if (is_file(path) && !access(path, X_OK))
			return path;
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

/* shown: what users call it; open_as: where it is, the same for all that lead there. */
struct file {
	const char *shown, *open_as;
};

/* Links are followed, but for those of /proc, which lead to where their text does not. */
static bool file_at(struct probe_env *env, const char *path, struct file *f)
{
	char real[PATH_MAX];

	if (!path)
		return false;
	f->open_as = path_for_pid(env, path);
	f->shown = path;
	if (f->open_as == path && strncmp(path, "/proc/", 6) && realpath(path, real))
		f->open_as = env_strdup(env, real);
	return f->open_as;
}

static int found(struct probe_env *env, const char *path, path_fn fn, void *arg)
{
	struct file f;

	return file_at(env, path, &f) ? fn(arg, f.open_as, f.shown) : -ENOMEM;
}

/* ---- many ---- */

struct files {
	struct file *at;
	uint32_t cnt, cap;
};

static int files_add(struct files *all, const struct file *f)
{
	if (all->cnt == all->cap) {
		uint32_t cap = all->cap ? all->cap * 2 : 64;
		struct file *grown = realloc(all->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		all->at = grown;
		all->cap = cap;
	}
	all->at[all->cnt++] = *f;
	return 0;
}

/* As the lines of -l sort, where a ':' follows each path. */
static int by_shown(const void *a, const void *b)
{
	const char *x = ((const struct file *)a)->shown, *y = ((const struct file *)b)->shown;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return *x == *y ? 0 : (*x ? *x : ':') - (*y ? *y : ':');
}

static int by_place(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->open_as, y->open_as) ?: by_shown(a, b);
}

/* Calls fn for each of them once. Returns how many these are, or what fn stopped with. */
static int files_each(struct files *all, path_fn fn, void *arg)
{
	uint32_t cnt = 0;
	int rc = 0;

	if (!all->cnt)
		return 0;
	qsort(all->at, all->cnt, sizeof(*all->at), by_place);
	for (uint32_t i = 0; i < all->cnt; i++)
		if (!cnt || strcmp(all->at[cnt - 1].open_as, all->at[i].open_as))
			all->at[cnt++] = all->at[i];
	qsort(all->at, cnt, sizeof(*all->at), by_shown);
	for (uint32_t i = 0; i < cnt && !rc; i++)
		rc = fn(arg, all->at[i].open_as, all->at[i].shown);
	return rc ?: (int)cnt;
}

/* ---- what the process of -p has mapped ---- */

/* Lines of /proc/PID/maps. */
struct mappings {
	char *text, *next;
	uint64_t from, to;
	char *path;
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
static bool mapped_file(struct probe_env *env, const struct mappings *m, struct file *f)
{
	static const char deleted[] = " (deleted)";
	const char *cut = strstr(m->path, deleted);
	bool there = !cut || cut[sizeof(deleted) - 1];

	f->open_as = env_printf(env, "/proc/%d/map_files/%llx-%llx", env->opt.pid,
				(unsigned long long)m->from, (unsigned long long)m->to);
	f->shown = there ? env_strdup(env, m->path)
			 : env_strndup(env, m->path, (size_t)(cut - m->path));
	if (!f->shown || !f->open_as)
		return false;
	/* looking at a mapping takes a capability that tracing does not */
	if (there &&
	    (access(f->open_as, R_OK) || same_file(f->open_as, path_for_pid(env, f->shown))))
		return file_at(env, f->shown, f);
	return true;
}

/* Of the files whose name matches. */
static int each_mapping(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	struct files all = { 0 };
	struct mappings m;
	struct file f;
	int rc = 0;

	if (!mappings_open(env, &m))
		return 0;
	while (!rc && mappings_next(&m)) {
		if (!probe_glob_match(pattern, strrchr(m.path, '/') + 1))
			continue;
		rc = mapped_file(env, &m, &f) ? files_add(&all, &f) : -ENOMEM;
	}
	rc = rc ?: files_each(&all, fn, arg);
	free(m.text);
	free(all.at);
	return rc;
}

/* "libc" of that process, wherever it has it from. 0: it has none. */
static int mapped_library(struct probe_env *env, const char *name, path_fn fn, void *arg)
{
	struct mappings m;
	struct file f;
	int rc = 0;

	if (!mappings_open(env, &m))
		return 0;
	while (mappings_next(&m)) {
		if (!names_library(name, strrchr(m.path, '/') + 1))
			continue;
		rc = mapped_file(env, &m, &f) ? fn(arg, f.open_as, f.shown) : -ENOMEM;
		rc = rc ?: 1;
		break;
	}
	free(m.text);
	return rc;
}

/* ---- patterns ---- */

/* Without a '/' as names without one: here, and where programs are looked for. */
static bool glob_all(struct probe_env *env, const char *pattern, glob_t *g)
{
	const char *dirs = NULL, *there;
	int rc = glob(pattern, 0, NULL, g);

	if (strchr(pattern, '/'))
		return !rc;
	while ((!rc || rc == GLOB_NOMATCH) && (there = program_next(env, &dirs, pattern)))
		rc = glob(there, GLOB_APPEND, NULL, g);
	return !rc || rc == GLOB_NOMATCH;
}

static int each_glob(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	struct files all = { 0 };
	struct file f;
	glob_t g = { 0 };
	int rc = 0;

	if (glob_all(env, pattern, &g))
		for (size_t i = 0; i < g.gl_pathc && !rc; i++)
			if (is_file(g.gl_pathv[i]))
				rc = file_at(env, env_strdup(env, g.gl_pathv[i]), &f)
					     ? files_add(&all, &f)
					     : -ENOMEM;
	rc = rc ?: files_each(&all, fn, arg);
	globfree(&g);
	free(all.at);
	return rc;
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

	if (env->opt.pid && probe_is_glob(pattern) && !strchr(pattern, '/')) {
		rc = each_mapping(env, pattern, fn, arg);
		if (rc || !strcmp(pattern, "*"))
			return rc;
	}
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

static void feed_dir(struct probe_env *env, const char *path, struct near_name *near)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (e->d_type == DT_DIR)
			continue;
		near_name_feed(near, e->d_name);
		if (near->best == e->d_name)
			near->best = env_strdup(env, e->d_name);
	}
	if (dir)
		closedir(dir);
}

int paths_missing(struct probe_env *env, const char *type, const char *path,
		  struct probe_error *err)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char *dir = env_strndup(env, path, (size_t)(name - path));
	struct near_name near = { .word = name };
	const char *dirs = NULL, *next;
	int rc = probe_fail(err, -1, -EINVAL,
			    "%s target file '%s' does not exist or is not executable", type, path);

	if (!dir)
		return rc;
	feed_dir(env, *dir ? dir : ".", &near);
	while (!*dir && (next = program_next(env, &dirs, ".")))
		feed_dir(env, next, &near);
	if (near.best)
		env_hint(err, "Did you mean '%s%s'?", dir, near.best);
	return rc;
}

bool paths_hint(struct probe_env *env, const char *pattern, struct probe_error *err)
{
	bool here = !env->opt.pid && probe_is_glob(pattern) && !strchr(pattern, '/');

	if (here)
		env_hint(err, "Without a '/' the files of this directory and of PATH are meant; "
			      "with -p what the process has mapped.");
	return here;
}

// SPDX-License-Identifier: Apache-2.0
/* From what a script calls a program or library to files. */
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
#elif defined(__aarch64__)
enum { CACHE_FLAGS = 0x0a03 };
#else
enum { CACHE_FLAGS = -1 }; /* any */
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

static const char *library_find(struct probe_env *env, const char *name)
{
	size_t len = 0;
	char *text = tracefs_read(AT_FDCWD, "/etc/ld.so.cache", &len);
	const char *head = text ? memmem(text, len, "glibc-ld.so.cache1.1", 20) : NULL;
	const struct cache_head *h = (const void *)head;
	const struct cache_entry *e;
	const char *found = NULL;
	size_t left;

	if (!head || (uintptr_t)head % 8)
		goto out;
	left = len - (size_t)(head - text);
	if (left < sizeof(*h) || (left - sizeof(*h)) / sizeof(*e) < h->cnt)
		goto out;
	e = (const void *)(h + 1);
	for (uint32_t i = 0; i < h->cnt && !found; i++) {
		if (e[i].key >= left || e[i].value >= left ||
		    (CACHE_FLAGS != -1 && (e[i].flags & 0xffff) != CACHE_FLAGS))
			continue;
		if (names_library(name, head + e[i].key) && is_file(head + e[i].value))
			found = env_strdup(env, head + e[i].value);
	}
out:
	free(text);
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

	/* links as /bin/sh are followed, so that equal files have one name */
	if (open_as == path && realpath(path, real))
		open_as = path = env_strdup(env, real);
	return path ? fn(arg, open_as, path) : -ENOMEM;
}

static int each_mapping(struct probe_env *env, path_fn fn, void *arg)
{
	char *path = env_printf(env, "/proc/%d/maps", env->opt.pid), *text, *line, *next, *at;
	const char *last = "";
	int cnt = 0, rc = 0;

	text = path ? tracefs_read(AT_FDCWD, path, NULL) : NULL;
	for (line = text; line && *line && !rc; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		at = strchr(line, '/');
		if (!at || !strstr(line, "r-xp ") || !strcmp(at, last) || strstr(at, " (deleted)"))
			continue;
		last = at;
		rc = found(env, env_strdup(env, at), fn, arg);
		cnt++;
	}
	free(text);
	return rc ? rc : cnt;
}

static int each_glob(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	int cnt = 0, rc = 0;
	glob_t g;

	if (glob(pattern, 0, NULL, &g))
		return 0;
	for (size_t i = 0; i < g.gl_pathc && !rc; i++) {
		if (!is_file(g.gl_pathv[i]))
			continue;
		rc = found(env, env_strdup(env, g.gl_pathv[i]), fn, arg);
		cnt++;
	}
	globfree(&g);
	return rc ? rc : cnt;
}

int paths_match(struct probe_env *env, const char *pattern, path_fn fn, void *arg)
{
	const char *path = pattern;
	int rc;

	if (env->opt.pid && !strcmp(pattern, "*"))
		return each_mapping(env, fn, arg);
	if (probe_is_glob(pattern))
		return each_glob(env, pattern, fn, arg);
	if (!strchr(pattern, '/')) {
		path = program_find(env, pattern);
		if (!path)
			path = library_find(env, pattern);
		if (!path && is_file(pattern))
			path = pattern;
	}
	if (!path || !is_file(path_for_pid(env, path)))
		return 0;
	rc = found(env, path, fn, arg);
	return rc ? rc : 1;
}

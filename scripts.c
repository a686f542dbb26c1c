// SPDX-License-Identifier: Apache-2.0
/*
 * The installed scripts. They are in the directory that TRACE_SCRIPTS names; without it, in the one
 * called scripts beside the program itself, which is how a build tree has it, or else where they were
 * installed. Never in the current directory: what runs here runs as root. For the same reason a
 * directory in which everybody may write is no place for them.
 *
 * What a script is for stands in the first line of its leading comment, "name - purpose".
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lexer/diag.h"
#include "install.h"
#include "options.h"
#include "scripts.h"

#define SUFFIX ".bt"

static bool is_safe_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode) && !(st.st_mode & S_IWOTH);
}

/* To be freed; NULL: there is no such directory. */
static char *scripts_dir(void)
{
	const char *env = getenv("TRACE_SCRIPTS");
	char *path = env && *env ? strdup(env) : install_find("scripts", PKGDATADIR);

	if (path && is_safe_dir(path))
		return path;
	free(path);
	return NULL;
}

/* The length of a script's name without the suffix; 0: it is no script's. */
static size_t stem(const char *file)
{
	size_t len = strlen(file), end = strlen(SUFFIX);

	return len > end && file[0] != '.' && !strcmp(file + len - end, SUFFIX) ? len - end : 0;
}

static int is_script(const struct dirent *e)
{
	return stem(e->d_name) > 0;
}

char *scripts_find(const char *name)
{
	char *dir, *path = NULL;
	size_t len = stem(name);

	if (strchr(name, '/') || !*name)
		return NULL;
	dir = scripts_dir();
	if (dir && asprintf(&path, "%s/%.*s%s", dir, (int)(len ?: strlen(name)), name, SUFFIX) < 0)
		path = NULL;
	free(dir);
	if (path && access(path, F_OK)) {
		free(path);
		path = NULL;
	}
	return path;
}

/* The names of all, sorted; their number. */
static int read_names(const char *dir, struct dirent ***names)
{
	int cnt = dir ? scandir(dir, names, is_script, alphasort) : 0;

	return cnt < 0 ? 0 : cnt;
}

char *scripts_nearest(const char *name)
{
	char *dir = scripts_dir(), *best;
	struct dirent **names = NULL;
	int cnt = read_names(dir, &names);
	struct nearest near;

	nearest_init(&near, name);
	for (int i = 0; i < cnt; i++) {
		names[i]->d_name[stem(names[i]->d_name)] = 0;
		nearest_feed(&near, names[i]->d_name);
	}
	best = near.best ? strdup(near.best) : NULL;
	for (int i = 0; i < cnt; i++)
		free(names[i]);
	free(names);
	free(dir);
	return best;
}

/* What follows "name - " in the leading comment; "" when it is written otherwise. */
static void read_purpose(const char *dir, const char *name, char *out, size_t out_sz)
{
	char line[256], *path, *at, *end;
	FILE *f = NULL;

	*out = 0;
	if (asprintf(&path, "%s/%s%s", dir, name, SUFFIX) < 0)
		return;
	f = fopen(path, "re");
	free(path);
	for (int i = 0; f && i < 8 && !*out && fgets(line, sizeof(line), f); i++) {
		at = line + strspn(line, " */#");
		if (strncmp(at, name, strlen(name)) || strncmp(at + strlen(name), " - ", 3))
			continue;
		at += strlen(name) + 3;
		end = at + strcspn(at, "\n");
		snprintf(out, out_sz, "%.*s", (int)(end - at), at);
	}
	if (f)
		fclose(f);
}

int scripts_each(scripts_fn fn, void *arg)
{
	char *dir = scripts_dir(), purpose[256];
	struct dirent **names = NULL;
	int cnt = read_names(dir, &names);

	for (int i = 0; i < cnt; i++) {
		names[i]->d_name[stem(names[i]->d_name)] = 0;
		read_purpose(dir, names[i]->d_name, purpose, sizeof(purpose));
		fn(arg, names[i]->d_name, purpose);
		free(names[i]);
	}
	free(names);
	free(dir);
	return cnt;
}

static void print_script(void *arg, const char *name, const char *purpose)
{
	printf("%-16s%s%s\n", name, *purpose ? " " : "", purpose);
}

int scripts_list(void)
{
	if (scripts_each(print_script, NULL))
		return 0;
	return fail("no scripts are installed: neither in TRACE_SCRIPTS nor in %s",
		    PKGDATADIR "/scripts");
}

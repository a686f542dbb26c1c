// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's functions. available_filter_functions of tracefs has those that ftrace can stop at,
 * which is what can be traced; where it is not there or not readable, the text symbols of
 * /proc/kallsyms stand in, some of which the kernel will refuse. --traceable-functions names a file in
 * place of the first, with lines such as it has: "name" or "name [module]".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/env.h"

struct functions {
	struct function *at;
	uint32_t cnt, cap;
};

static int compare(const void *a, const void *b)
{
	const struct function *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ?: strcmp(x->module ?: "", y->module ?: "");
}

static int add(struct probe_env *env, struct functions *f, const char *name, const char *module)
{
	if (f->cnt == f->cap) {
		uint32_t cap = f->cap ? f->cap * 4 : 16384;
		/* the old array stays behind in env: a third as much again, all told */
		struct function *grown = env_alloc(env, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (f->cnt)
			memcpy(grown, f->at, f->cnt * sizeof(*grown));
		f->at = grown;
		f->cap = cap;
	}
	f->at[f->cnt++] = (struct function){ name, module };
	return 0;
}

/* "name" or "name [module]", in place; NULL: nothing to trace. */
static char *split_module(char *line, char **module)
{
	char *at = strpbrk(line, " \t");

	*module = NULL;
	if (at) {
		*at++ = 0;
		at = strchr(at, '[');
		if (at) {
			*module = at + 1;
			at[strcspn(at, "]")] = 0;
		}
	}
	/* places that the linker dropped (6.0) */
	return strncmp(line, "__ftrace_invalid_address", 24) ? line : NULL;
}

/* "ffffffff81000000 T name\t[module]", in place. */
static char *kallsyms_name(char *line, char **module)
{
	char *type = strchr(line, ' ');

	if (!type || !strchr("tTwW", type[1]) || type[2] != ' ')
		return NULL;
	return split_module(type + 3, module);
}

static int parse_list(struct probe_env *env, struct functions *f, char *text, bool is_kallsyms)
{
	char *next, *name, *module;
	uint32_t kept = 0;

	for (char *line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		name = is_kallsyms ? kallsyms_name(line, &module) : split_module(line, &module);
		if (name && add(env, f, name, module))
			return -ENOMEM;
	}
	if (f->cnt)
		qsort(f->at, f->cnt, sizeof(*f->at), compare);
	for (uint32_t i = 0; i < f->cnt; i++)
		if (!kept || compare(&f->at[kept - 1], &f->at[i]))
			f->at[kept++] = f->at[i];
	f->cnt = kept;
	return 0;
}

static int read_functions(struct probe_env *env, struct functions *f, struct probe_error *err)
{
	const char *given = env->opt.functions, *path = given ?: "/proc/kallsyms";
	struct probe_error ignored;
	int dir = given ? -1 : tracefs_dir(env, &ignored);
	bool is_kallsyms = false;
	char *text = NULL, *copy;
	size_t len = 0;
	int rc;

	if (dir >= 0)
		text = tracefs_read(dir, "available_filter_functions", &len);
	if (!text || !len) {
		free(text);
		text = tracefs_read(AT_FDCWD, path, &len);
		is_kallsyms = !given;
	}
	if (!text)
		return probe_fail(err, -1, -errno, "%s: %s", path, strerror(errno));
	copy = env_strndup(env, text, len);
	free(text);
	rc = copy ? parse_list(env, f, copy, is_kallsyms) : -ENOMEM;
	return rc ? probe_fail_oom(err) : 0;
}

int env_functions(struct probe_env *env, const struct function **out, struct probe_error *err)
{
	struct functions *f = env->functions;
	int rc;

	if (!f) {
		f = env_alloc(env, sizeof(*f));
		if (!f)
			return probe_fail_oom(err);
		rc = read_functions(env, f, err);
		if (rc)
			return rc;
		env->functions = f;
	}
	*out = f->at;
	return (int)f->cnt;
}

int functions_match(struct probe_env *env, const char *module, const char *pattern,
		    int (*fn)(void *arg, const struct function *f), void *arg,
		    struct probe_error *err)
{
	const struct function *f;
	int cnt = env_functions(env, &f, err), found = 0, rc;

	for (int i = 0; i < cnt; i++) {
		const char *in = f[i].module ?: "vmlinux";

		if ((module && !probe_glob_match(module, in)) ||
		    !probe_glob_match(pattern, f[i].name))
			continue;
		/* without a module a name is wanted once, wherever it is */
		if (!module && i && !strcmp(f[i - 1].name, f[i].name))
			continue;
		found++;
		rc = fn(arg, &f[i]);
		if (rc)
			return rc;
	}
	return cnt < 0 ? cnt : found;
}

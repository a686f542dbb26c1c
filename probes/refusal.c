// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel knows of a function that it would not trace. Its answer is a number that stands for
 * several reasons; the lists that tell them apart have many thousands of lines, so nobody reads them
 * before there is something to tell.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

#define KALLSYMS "/proc/kallsyms"

/* Whether a line has the name as its n-th word (0: the first). */
static bool has_word(const char *text, unsigned n, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		for (unsigned i = 0; i < n; i++) {
			line += strcspn(line, " \t\n");
			line += strspn(line, " \t");
		}
		if (!strncmp(line, name, len) && (!line[len] || isspace((unsigned char)line[len])))
			return true;
	}
	return false;
}

bool functions_notrace(struct probe_env *env, const char *name)
{
	struct probe_error ignored;
	int dir = tracefs_dir(env, &ignored);
	char *list = dir < 0 ? NULL : tracefs_read(dir, "available_filter_functions", NULL);
	bool is = list && *list && !has_word(list, 0, name);

	free(list);
	return is;
}

const char *functions_why(struct probe_env *env, const char *name)
{
	char *black = debugfs_read("kprobes/blacklist", NULL); /* "0xFROM-0xTO NAME" */
	const char *why =
		"it is on the kernel's blacklist of kprobes, marked notrace, or not where an "
		"instruction begins";

	if (black && has_word(black, 1, name))
		why = "it is on the kernel's blacklist of kprobes";
	else if (functions_notrace(env, name))
		why = "it is marked notrace";
	free(black);
	return why;
}

/* "ADDR TYPE NAME[\t[MODULE]]" */
static bool is_function(const char *line, const char *module, const char *name)
{
	const char *type = strchr(line, ' ');
	size_t len = strlen(name);

	if (!type || !strchr("tTwW", type[1]) || type[2] != ' ' || strncmp(type + 3, name, len))
		return false;
	line = type + 3 + len;
	if (*line == '\n' || !*line)
		return !module || !strcmp(module, "vmlinux");
	len = module ? strlen(module) : 0;
	return *line == '\t' && line[1] == '[' &&
	       (!module || (!strncmp(line + 2, module, len) && line[2 + len] == ']'));
}

uint32_t functions_at(const char *module, const char *name, uint64_t **addrs)
{
	char *text = tracefs_read(AT_FDCWD, KALLSYMS, NULL);
	uint64_t *grown;
	uint32_t cnt = 0;

	*addrs = NULL;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!is_function(line, module, name))
			continue;
		grown = realloc(*addrs, (cnt + 1) * sizeof(*grown));
		if (!grown)
			break;
		*addrs = grown;
		grown[cnt] = strtoull(line, NULL, 16);
		cnt += grown[cnt] != 0; /* kptr_restrict */
	}
	free(text);
	return cnt;
}

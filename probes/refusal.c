// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel knows of a function that it would not trace. Its answer is a number that stands for
 * several reasons; the lists that tell them apart have many thousands of lines, so nobody reads them
 * before there is something to tell.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

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

// SPDX-License-Identifier: Apache-2.0
/* The program's text: of -e, a file, standard input, or an installed script. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/unit.h"
#include "options.h"
#include "program.h"
#include "scripts.h"

static int read_stream(FILE *f, const char *name, char **text, size_t *len)
{
	size_t cap = 64 << 10, n;
	char *grown;

	*text = NULL;
	*len = 0;
	do {
		grown = realloc(*text, cap);
		if (!grown)
			return fail_oom();
		*text = grown;
		n = fread(*text + *len, 1, cap - *len, f);
		*len += n;
		if (*len == cap)
			cap *= 2;
	} while (n);
	return ferror(f) ? fail("failed to read '%s': %s", name, strerror(errno)) : 0;
}

/* "NAME.bt" when that is there, to be freed; NULL: it is not. */
static char *with_ending(const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s.bt", name) < 0)
		return NULL;
	if (!access(path, F_OK))
		return path;
	free(path);
	return NULL;
}

static void hint_open(const char *name, int why)
{
	bool is_name = why == ENOENT && !strpbrk(name, "/.");
	char *near = is_name ? with_ending(name) ?: scripts_nearest(name) : NULL;

	if (!strcmp(name, "help"))
		fprintf(stderr, "HINT: trace --help lists the options.\n");
	else if (strchr(name, '{') || (strchr(name, ':') && why == ENOENT))
		fprintf(stderr, "HINT: A program on the command line stands behind -e: "
				"trace -e '...'\n");
	else if (near)
		fprintf(stderr, "HINT: Did you mean '%s'? trace --scripts lists all.\n", near);
	else if (is_name)
		fprintf(stderr, "HINT: trace --scripts lists the tools, trace -l '*%s*' probes.\n",
			name);
	free(near);
}

/* A name that is no path and not here is looked up among the installed scripts. path: to be freed. */
static FILE *open_script(const char *name, char **path)
{
	FILE *f = fopen(name, "re");
	int why = errno;

	*path = f || why != ENOENT ? NULL : scripts_find(name);
	if (*path) {
		f = fopen(*path, "re");
		why = errno;
	}
	if (f)
		return f;
	fail("failed to open file '%s': %s", *path ?: name, strerror(why));
	hint_open(name, why);
	return NULL;
}

int add_source(struct unit *u, const char *name, const char *text, size_t len)
{
	u->main_source = source_add(u->sources, name, text, len);
	return u->main_source ? 0 : fail("'%s' is longer than 2 GiB", name);
}

int read_program(struct unit *u, const struct options *o)
{
	bool is_stdin = o->file && !strcmp(o->file, "-");
	char *text = NULL, *path = NULL;
	const char *name = is_stdin ? "stdin" : o->file;
	size_t len;
	FILE *f;
	int err;

	if (o->program)
		return add_source(u, "stdin", o->program, strlen(o->program));
	f = is_stdin ? stdin : open_script(o->file, &path);
	if (!f) {
		free(path);
		return -ENOENT;
	}
	err = read_stream(f, o->file, &text, &len);
	err = err ?: add_source(u, path ?: name, text, len);
	free(text);
	free(path);
	if (!is_stdin)
		fclose(f);
	return err;
}

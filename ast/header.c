/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C headers. Nobody reads C as the system's compiler does, so it is asked: it writes the types as debug
 * information (also those that no code uses), its preprocessor lists the macros. Without a compiler
 * scripts still run that need no headers, and types of the kernel never need one.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/import.h"
#include "ast/unit.h"

enum { ARGS_MAX = 64, VERSION_FIRST = 4, VERSION_LAST = 40 };

/* Files of one run of the compiler, in a directory of their own. */
struct workplace {
	char dir[32];
	char *in, *obj, *defines, *errors;
};

void header_add(struct header_list *l, struct arena *a, struct span sp, const char *line)
{
	struct header *h = arena_new_of(a, struct header);

	*h = (struct header){ sp, line, NULL };
	if (!l->first)
		l->tail = &l->first;
	*l->tail = h;
	l->tail = &h->next;
}

void header_done(struct header_list *l)
{
	free(l->defines);
	l->defines = NULL;
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!f)
		return NULL;
	len = getdelim(&text, &cap, '\0', f);
	fclose(f);
	if (len >= 0)
		return text;
	free(text);
	return calloc(1, 1);
}

static int workplace_open(struct workplace *w, struct arena *a, const struct header_list *l)
{
	FILE *f;

	strcpy(w->dir, "/tmp/trace-XXXXXX");
	if (!mkdtemp(w->dir))
		return -errno;
	w->in = arena_printf(a, "%s/in.c", w->dir);
	w->obj = arena_printf(a, "%s/out.o", w->dir);
	w->defines = arena_printf(a, "%s/defines", w->dir);
	w->errors = arena_printf(a, "%s/errors", w->dir);
	f = fopen(w->in, "we");
	if (!f)
		return -errno;
	for (const struct header *h = l->first; h; h = h->next)
		fprintf(f, "%s\n", h->line);
	return fclose(f) ? -errno : 0;
}

static void workplace_close(const struct workplace *w)
{
	unlink(w->in);
	unlink(w->obj);
	unlink(w->defines);
	unlink(w->errors);
	rmdir(w->dir);
}

/* Exit status; -ENOENT: there is no such compiler. */
static int run(const char *const *argv, const char *errors)
{
	extern char **environ;
	posix_spawn_file_actions_t fa;
	int err, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC,
					 0600);
	err = posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* As run, by the first compiler that is there. Some have their version in the name: the newest. */
static int run_any(const char **argv, const char *errors)
{
	static const char *const plain[] = { "gcc", "cc", "clang" };
	static const char *const versioned[] = { "gcc-%d", "clang-%d" };
	int rc = -ENOENT;
	char name[16];

	for (size_t i = 0; rc == -ENOENT && i < sizeof(plain) / sizeof(*plain); i++) {
		argv[0] = plain[i];
		rc = run(argv, errors);
	}
	argv[0] = name;
	for (size_t i = 0; i < sizeof(versioned) / sizeof(*versioned); i++) {
		for (int v = VERSION_LAST; rc == -ENOENT && v >= VERSION_FIRST; v--) {
			snprintf(name, sizeof(name), versioned[i], v);
			rc = run(argv, errors);
		}
	}
	return rc;
}

static int compile(struct unit *u, const struct workplace *w, const char *const *how,
		   uint32_t how_cnt, const char *out)
{
	const char *argv[ARGS_MAX + 16];
	uint32_t n = 1;

	for (uint32_t i = 0; i < how_cnt; i++)
		argv[n++] = how[i];
	for (uint32_t i = 0; i < u->opt->include_dir_cnt && n < ARGS_MAX; i++)
		argv[n++] = arena_printf(u->arena, "-I%s", u->opt->include_dirs[i]);
	argv[n++] = "-I.";
	argv[n++] = "-o";
	argv[n++] = out;
	argv[n++] = w->in;
	argv[n] = NULL;
	return run_any(argv, w->errors);
}

/* "/tmp/x/in.c:2:10: fatal error: a.h: No such file": the line is the header's number. */
static void tell(struct unit *u, const struct workplace *w, const struct header_list *l)
{
	char *text = slurp(w->errors), *line = text;
	const struct header *h = l->first;
	const char *why = "";
	unsigned long nr = 1;

	for (char *next; line && *line; line = next) {
		char *err = strstr(line, "error: ");

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!err || err > next)
			continue;
		why = err + strlen("error: ");
		if (strncmp(line, w->in, strlen(w->in)) == 0 && line[strlen(w->in)] == ':')
			nr = strtoul(line + strlen(w->in) + 1, NULL, 10);
		break;
	}
	while (nr-- > 1 && h->next)
		h = h->next;
	diag_hint(diag(u->diags, h->span, D_HEADER, h->line, why),
		  "Types of the kernel need no header where it has BTF.");
	free(text);
}

int header_read(struct unit *u, struct header_list *l)
{
	static const char *const types[] = {
		"-x", "c", "-w", "-g", "-fno-eliminate-unused-debug-types", "-c"
	};
	static const char *const macros[] = { "-x", "c", "-w", "-dM", "-E" };
	struct workplace w = { .dir = "" };
	int err = workplace_open(&w, u->arena, l);

	err = err ?: compile(u, &w, types, 6, w.obj);
	err = err ?: compile(u, &w, macros, 5, w.defines);
	if (!err) {
		l->defines = slurp(w.defines);
		err = ctypes_headers(u->ctypes, w.obj);
	}
	if (err == -ENOENT)
		diag_hint(diag(u->diags, l->first->span, D_NO_COMPILER), "Install gcc or clang.");
	else if (err < 0)
		diag(u->diags, l->first->span, D_HEADER, l->first->line, strerror(-err));
	else if (err)
		tell(u, &w, l);
	workplace_close(&w);
	return err;
}

const char *header_define(const struct header_list *l, struct arena *a, const char *name)
{
	size_t len = strlen(name);
	const char *s = l->defines;

	while (s && *s) {
		const char *end = strchrnul(s, '\n');

		if (strncmp(s, "#define ", 8) == 0 && strncmp(s + 8, name, len) == 0 &&
		    (s[8 + len] == ' ' || s[8 + len] == '('))
			return arena_strndup(a, s, (size_t)(end - s));
		s = *end ? end + 1 : end;
	}
	return NULL;
}

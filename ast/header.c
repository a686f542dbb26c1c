/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C headers. Nobody reads C as the system's compiler does, so it is asked: it writes the types as debug
 * information (also those that no code uses), its preprocessor lists the macros. Without a compiler
 * scripts still run that need no headers, and types of the kernel never need one.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/import.h"
#include "ast/unit.h"

enum { ARGS_MAX = 16, VERSION_FIRST = 4, VERSION_LAST = 40, HEADER_TOLD = 1000 };

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

/* Ours, but compilers are to speak the language in which their messages are read. */
static char **environment(struct arena *a)
{
	extern char **environ;
	uint32_t n = 0, kept = 0;
	char **env;

	while (environ[n])
		n++;
	env = arena_array_of(a, char *, n + 2);
	for (uint32_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_ALL=", strlen("LC_ALL=")))
			env[kept++] = environ[i];
	env[kept] = "LC_ALL=C";
	return env;
}

/* Exit status; -ENOENT: there is no such compiler. */
static int run(const char *const *argv, char *const *env, const char *errors)
{
	posix_spawn_file_actions_t fa;
	int err, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC,
					 0600);
	err = posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)argv, env);
	posix_spawn_file_actions_destroy(&fa);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* As run, by the first compiler that is there. Some have their version in the name: the newest. */
static int run_any(const char **argv, char *const *env, const char *errors)
{
	static const char *const plain[] = { "gcc", "cc", "clang" };
	static const char *const versioned[] = { "gcc-%d", "clang-%d" };
	int rc = -ENOENT;
	char name[24];

	for (size_t i = 0; rc == -ENOENT && i < sizeof(plain) / sizeof(*plain); i++) {
		argv[0] = plain[i];
		rc = run(argv, env, errors);
	}
	argv[0] = name;
	for (size_t i = 0; i < sizeof(versioned) / sizeof(*versioned); i++) {
		for (int v = VERSION_LAST; rc == -ENOENT && v >= VERSION_FIRST; v--) {
			snprintf(name, sizeof(name), versioned[i], v);
			rc = run(argv, env, errors);
		}
	}
	return rc;
}

/* kernel: with its headers in place of the system's; NULL: with those. */
static int compile(struct unit *u, const struct workplace *w, const struct kernel_tree *kernel,
		   const char *const *how, const char *out)
{
	const char **argv = arena_array_of(
		u->arena, const char *, ARGS_MAX + KERNEL_TREE_ARGS_MAX + u->opt->include_dir_cnt);
	uint32_t n = 1;

	while (*how)
		argv[n++] = *how++;
	for (uint32_t i = 0; i < u->opt->include_dir_cnt; i++)
		argv[n++] = arena_printf(u->arena, "-I%s", u->opt->include_dirs[i]);
	argv[n++] = "-I.";
	if (kernel)
		n += kernel_tree_args(kernel, u->arena, argv + n);
	argv[n++] = "-o";
	argv[n++] = out;
	argv[n++] = w->in;
	argv[n] = NULL;
	return run_any(argv, environment(u->arena), w->errors);
}

/* What the compiler said first. */
struct complaint {
	unsigned long nr; /* of the header, from 1 on; 0: nothing said */
	const char *why;
};

/* The number of the header that a line speaks of, its line in what was compiled; 0: it does of none. */
static unsigned long header_nr(const struct workplace *w, const char *line)
{
	const char *in = strstr(line, w->in);

	return in && in[strlen(w->in)] == ':' ? strtoul(in + strlen(w->in) + 1, NULL, 10) : 0;
}

/*
 * "/tmp/x/in.c:2:10: fatal error: a.h: No such file", or of what a header has in it:
 * "In file included from /tmp/x/in.c:2:", "./a.h:1:12: error: unknown type name"
 */
static struct complaint listen(struct unit *u, const struct workplace *w)
{
	char *text = slurp(w->errors), *line = text;
	struct complaint c = { 1, "" };

	for (char *next; line && *line && !*c.why; line = next) {
		static const char word[] = "error: ", fatal[] = "fatal ";
		char *err, *what;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		c.nr = header_nr(w, line) ?: c.nr;
		err = strstr(line, word);
		if (!err)
			continue;
		what = err + strlen(word);
		if (err - line > (long)strlen(fatal) &&
		    !strncmp(err - strlen(fatal), fatal, strlen(fatal)))
			err -= strlen(fatal);
		c.why = arena_printf(u->arena, "%.*s%s", header_nr(w, line) ? 0 : (int)(err - line),
				     line, what);
	}
	free(text);
	return c;
}

static void tell(struct unit *u, const struct complaint *c, const struct header_list *l)
{
	const struct header *h = l->first;

	for (unsigned long nr = c->nr; nr > 1 && h->next; nr--)
		h = h->next;
	diag_hint(diag(u->diags, h->span, D_HEADER, h->line, c->why),
		  "Types of the kernel need no header where it has BTF.");
}

/* Types and macros, by one set of headers. As run. */
static int compile_both(struct unit *u, const struct workplace *w, const struct kernel_tree *kernel,
			struct complaint *c)
{
	static const char *const types[] = {
		"-x", "c", "-w", "-g", "-fno-eliminate-unused-debug-types", "-c", NULL
	};
	static const char *const macros[] = { "-x", "c", "-w", "-dM", "-E", NULL };
	struct complaint said;
	int err = compile(u, w, kernel, types, w->obj);

	err = err ?: compile(u, w, kernel, macros, w->defines);
	if (err <= 0)
		return err;
	said = listen(u, w);
	if (said.nr > c->nr) /* the set that more was found in is the one that was meant */
		*c = said;
	return err;
}

/* Where the kernel's types are only in its headers these are meant, else they take their time for nothing. */
static int compile_any(struct unit *u, const struct workplace *w, struct header_list *l,
		       struct complaint *c)
{
	bool kernel_first;
	int err;

	if (kernel_tree_find(u, &l->kernel))
		return HEADER_TOLD;
	if (!kernel_tree_is_there(&l->kernel))
		return compile_both(u, w, NULL, c);
	kernel_first = l->kernel.is_named || !u->opt->have_btf;
	l->of_kernel = kernel_first;
	err = compile_both(u, w, l->of_kernel ? &l->kernel : NULL, c);
	if (err <= 0)
		return err;
	l->of_kernel = !kernel_first;
	return compile_both(u, w, l->of_kernel ? &l->kernel : NULL, c);
}

int header_read(struct unit *u, struct header_list *l)
{
	struct workplace w = { .dir = "" };
	struct complaint c = { 0 };
	int err = workplace_open(&w, u->arena, l);

	err = err ?: compile_any(u, &w, l, &c);
	if (!err) {
		l->defines = slurp(w.defines);
		err = ctypes_headers(u->ctypes, w.obj);
	}
	if (err == -ENOENT)
		diag_hint(diag(u->diags, l->first->span, D_NO_COMPILER), "Install gcc or clang.");
	else if (err < 0)
		diag(u->diags, l->first->span, D_HEADER, l->first->line, strerror(-err));
	else if (err && err != HEADER_TOLD)
		tell(u, &c, l);
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

/* ---- macros that only C can read ---- */

/*
 * Calls of other macros may paste tokens and have types for arguments, casts and "~" mean the int of C.
 * One name stands for another macro, which is looked at itself.
 */
static bool is_for_c(const char *text)
{
	const char *name = text + strlen("#define "), *s = name + strcspn(name, " (");
	bool word = false, other = false;

	if (*s == '(' || strchr(s, '"'))
		return false; /* it has parameters; a text */
	for (; *s; s++) {
		if (isdigit((unsigned char)*s)) {
			s += strspn(s, "0123456789abcdefABCDEFxXuUlL") - 1;
			other = true;
		} else if (isalpha((unsigned char)*s) || *s == '_') {
			while (isalnum((unsigned char)s[1]) || s[1] == '_')
				s++;
			other |= word;
			word = true;
		} else if (*s == '~') {
			return true;
		} else if (!isspace((unsigned char)*s)) {
			other = true;
		}
	}
	return word && other;
}

enum { NUMBER_WORDS = 2 }; /* the value, whether it has a sign */

static bool read_number(const char *obj, int64_t words[NUMBER_WORDS])
{
	int fd = open(obj, O_RDONLY | O_CLOEXEC);
	Elf *e = fd < 0 ? NULL : (elf_version(EV_CURRENT), elf_begin(fd, ELF_C_READ, NULL));
	Elf_Scn *scn = NULL;
	bool found = false;
	size_t names;
	GElf_Shdr sh;

	while (e && !elf_getshdrstrndx(e, &names) && (scn = elf_nextscn(e, scn))) {
		const char *name = gelf_getshdr(scn, &sh) ? elf_strptr(e, names, sh.sh_name) : NULL;
		Elf_Data *d = name && !strcmp(name, ".number") ? elf_getdata(scn, NULL) : NULL;

		if (!d || d->d_size != NUMBER_WORDS * sizeof(*words))
			continue;
		memcpy(words, d->d_buf, d->d_size);
		found = true;
	}
	elf_end(e);
	if (fd >= 0)
		close(fd);
	return found;
}

const char *header_number(struct unit *u, const struct header_list *l, const char *text)
{
	static const char *const how[] = { "-x", "c", "-w", "-c", NULL };
	struct workplace w = { .dir = "" };
	int64_t words[NUMBER_WORDS];
	const char *name = text + strlen("#define ");
	int len = (int)strcspn(name, " ");
	const char *number = NULL;
	FILE *f;

	if (!is_for_c(text))
		return NULL;
	f = workplace_open(&w, u->arena, l) ? NULL : fopen(w.in, "ae");
	if (f) {
		/* "~" takes integers only */
		fprintf(f,
			"__attribute__((section(\".number\"))) long long trace_number[] = { "
			"~~(%.*s), (__typeof__(~(%.*s)))-1 < 0 };\n",
			len, name, len, name);
		fclose(f);
		if (!compile(u, &w, l->of_kernel ? &l->kernel : NULL, how, w.obj) &&
		    read_number(w.obj, words))
			number = arena_printf(u->arena, words[1] ? "%lld" : "%llu",
					      (long long)words[0]);
	}
	workplace_close(&w);
	return number;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program brings in: other scripts, C headers, #define. An imported script's items stand where
 * the import stood. A #define becomes a macro of the language, so that its value is an expression
 * like any other; one that is none (a piece of syntax) is passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ast/ctype.h"
#include "ast/import.h"
#include "ast/unit.h"

#define FILE_SIZE_MAX (16 << 20)

struct seen {
	dev_t dev;
	ino_t ino;
	struct seen *next;
};

struct importer {
	struct unit *u;
	struct seen *seen;
	struct header_list headers;
};

static struct node *import_items(struct importer *im, struct node *items, const char *dir,
				 bool is_main);

/* ---- files ---- */

static bool is_new(struct importer *im, const struct stat *st)
{
	struct seen *s;

	for (s = im->seen; s; s = s->next)
		if (s->dev == st->st_dev && s->ino == st->st_ino)
			return false;
	s = arena_new_of(im->u->arena, struct seen);
	*s = (struct seen){ st->st_dev, st->st_ino, im->seen };
	im->seen = s;
	return true;
}

static const char *dir_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static struct node *cannot(struct importer *im, const struct node *n, const char *path,
			   const char *why)
{
	diag(im->u->diags, n->span, D_IMPORT, path, why);
	return NULL;
}

/* Whoever may write there could make us run anything, as root. */
static bool is_open_to_all(const char *dir)
{
	struct stat st;

	return stat(dir, &st) || st.st_mode & S_IWOTH;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_SIZE_MAX) : NULL;

	*len = 0;
	if (text)
		*len = fread(text, 1, FILE_SIZE_MAX, f);
	if (f && (ferror(f) || *len == FILE_SIZE_MAX)) {
		errno = ferror(f) ? errno : EFBIG;
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static struct node *import_script(struct importer *im, const struct node *n, const char *path)
{
	const struct source *src;
	struct node *program;
	size_t len;
	char *text = read_file(path, &len);

	if (!text)
		return cannot(im, n, path, strerror(errno));
	src = source_add(im->u->sources, path, text, len);
	free(text);
	program = src ? parse_source(im->u, src) : NULL;
	return program ? import_items(im, program->program.items, dir_of(im->u->arena, path), false)
		       : NULL;
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a > b && strcmp(s + a - b, end) == 0;
}

static struct node *import_path(struct importer *im, const struct node *n, const char *path);

static struct node **list_end(struct node **at)
{
	while (*at)
		at = &(*at)->next;
	return at;
}

static int is_script(const struct dirent *e)
{
	return e->d_name[0] != '.' && (ends_with(e->d_name, ".bt") || ends_with(e->d_name, ".h"));
}

/* Scripts and headers of a directory, by name. */
static struct node *import_dir(struct importer *im, const struct node *n, const char *path)
{
	struct node *all = NULL, **tail = &all;
	struct dirent **names;
	int cnt = scandir(path, &names, is_script, alphasort);

	if (cnt < 0)
		return cannot(im, n, path, strerror(errno));
	for (int i = 0; i < cnt; i++) {
		*tail = import_path(im, n,
				    arena_printf(im->u->arena, "%s/%s", path, names[i]->d_name));
		tail = list_end(tail);
		free(names[i]);
	}
	free(names);
	return all;
}

static struct node *import_path(struct importer *im, const struct node *n, const char *path)
{
	struct stat st;
	char *full;
	bool is_dir;

	if (stat(path, &st))
		return cannot(im, n, path, strerror(errno));
	is_dir = S_ISDIR(st.st_mode);
	if (is_open_to_all(is_dir ? path : dir_of(im->u->arena, path)))
		return cannot(im, n, path, "everybody may write to its directory");
	if (!is_new(im, &st))
		return NULL;
	if (is_dir)
		return import_dir(im, n, path);
	if (!ends_with(path, ".h"))
		return import_script(im, n, path);
	full = realpath(path, NULL);
	header_add(&im->headers, im->u->arena, n->span,
		   arena_printf(im->u->arena, "#include \"%s\"", full ? full : path));
	free(full);
	return NULL;
}

static struct node *import_one(struct importer *im, const struct node *n, const char *dir)
{
	const char *path = n->import.path;

	if (strcmp(path, "stdlib") == 0 || strncmp(path, "stdlib/", 7) == 0)
		return NULL; /* built in */
	if (*path != '/' && strcmp(dir, ".") != 0)
		path = arena_printf(im->u->arena, "%s/%s", dir, path);
	return import_path(im, n, path);
}

/* ---- #define ---- */

/* The name that "#define NAME(a, b) value" defines. */
static const char *defined_name(const char *text, size_t *len)
{
	const char *name = strstr(text, "define") + strlen("define");

	name += strspn(name, " \t");
	*len = strcspn(name, " \t(");
	return name;
}

/* "#define NAME(a, b) value" as a macro; NULL: no expression. */
static struct node *define_macro(struct unit *u, const char *text)
{
	const char *name, *params = "()", *value;
	struct diags *diags = u->diags;
	const struct source *src;
	struct node *program;
	size_t len, params_len = 2;
	char *code;

	name = defined_name(text, &len);
	value = name + len;
	if (*value == '(') {
		params = value;
		params_len = strcspn(value, ")") + 1;
		value += params_len <= strlen(value) ? params_len : strlen(value);
	}
	value += strspn(value, " \t");
	if (!len || !*value || (strncmp(value, name, len) == 0 && !value[len]))
		return NULL; /* no value; an enumerator that headers tell of by its own name */
	code = arena_printf(u->arena, "macro %.*s%.*s { %s\n}", (int)len, name, (int)params_len,
			    params, value);
	src = source_add(u->sources, arena_printf(u->arena, "#define %.*s", (int)len, name), code,
			 strlen(code));
	u->diags = diags_new(u->arena, u->sources);
	program = src ? parse_source(u, src) : NULL;
	u->diags = diags;
	if (!program)
		return NULL;
	program->program.items->macro.is_define = true;
	return program->program.items;
}

/* That of the script. What is no expression may be meant for C definitions alone, and is remembered. */
static struct node *script_define(struct unit *u, const struct node *n)
{
	struct node *macro = define_macro(u, n->cpp.text);
	struct define_other *other;
	const char *name;
	size_t len;

	if (macro)
		return macro;
	name = defined_name(n->cpp.text, &len);
	other = arena_new_of(u->arena, struct define_other);
	*other = (struct define_other){ arena_strndup(u->arena, name, len), n->span,
					u->other_defines };
	u->other_defines = other;
	return NULL;
}

/* ---- names that only a header or the library defines ---- */

/* A mistake in a call of it is told where the call stands: see macro.c. */
static void spanless(struct walker *w, struct node *n)
{
	n->span = SPAN_NONE;
	if (n->kind == N_CALL)
		n->call.name_span = SPAN_NONE;
	else if (n->kind == N_FIELD)
		n->field.name_span = SPAN_NONE;
	else if (n->kind == N_OFFSETOF)
		n->sizeof_.path_spans = NULL;
}

static struct node *library_macros(struct unit *u, const char *name, const char *text)
{
	const struct source *src = source_add(
		u->sources, arena_printf(u->arena, "library: %s", name), text, strlen(text));
	struct node *program = src ? parse_source(u, src) : NULL;
	struct walker w = { .post = spanless };

	if (program)
		walk_list(&w, program->program.items);
	return program ? program->program.items : NULL;
}

struct wanted {
	struct importer *im;
	struct node **tail;
};

static bool is_defined(const struct node *items, const char *name)
{
	for (const struct node *n = items; n; n = n->next)
		if (n->kind == N_MACRO && strcmp(n->macro.name, name) == 0)
			return true;
	return false;
}

static void want(struct walker *w, struct node *n)
{
	struct wanted *wd = w->arg;
	struct unit *u = wd->im->u;
	const char *name = n->kind == N_IDENT ? n->ident.name : NULL, *text, *number;
	struct node *macro;

	if (n->kind == N_CALL)
		name = n->call.name;
	if (!name || is_defined(u->program->program.items, name))
		return;
	if (builtin_is_value(name) && !(n->kind == N_CALL && n->call.args))
		return;
	text = header_define(&wd->im->headers, u->arena, name);
	number = text ? header_number(u, &wd->im->headers, text) : NULL;
	if (number)
		text = arena_printf(u->arena, "#define %s %s", name, number);
	macro = text ? define_macro(u, text) : NULL;
	text = library_find(name);
	if (!macro && text)
		macro = library_macros(u, name, text);
	if (!macro)
		return;
	*wd->tail = macro; /* the walk over the items comes to it too */
	wd->tail = list_end(wd->tail);
}

static void take_names(struct importer *im)
{
	struct wanted wd = { im, list_end(&im->u->program->program.items) };
	struct walker w = { .post = want, .arg = &wd };

	if (im->headers.first && header_read(im->u, &im->headers))
		return;
	for (struct node *n = im->u->program->program.items; n; n = n->next)
		walk(&w, n);
	header_done(&im->headers);
}

/* ---- the program ---- */

static struct node *replace(struct importer *im, struct node *n, const char *dir, bool is_main)
{
	if (n->kind == N_IMPORT)
		return import_one(im, n, dir);
	if (n->kind == N_CONFIG && !is_main) {
		diag(im->u->diags, n->span, D_IMPORT_CONFIG);
		return NULL;
	}
	if (strstr(n->cpp.text, "define") && n->cpp.text[0] == '#' &&
	    strncmp(n->cpp.text + 1 + strspn(n->cpp.text + 1, " \t"), "define", 6) == 0)
		return script_define(im->u, n);
	header_add(&im->headers, im->u->arena, n->span, n->cpp.text);
	return NULL;
}

static struct node *import_items(struct importer *im, struct node *items, const char *dir,
				 bool is_main)
{
	struct node **at = &items;

	while (*at) {
		struct node *n = *at, *next = n->next;

		if (n->kind != N_IMPORT && n->kind != N_CPP && (n->kind != N_CONFIG || is_main)) {
			at = &n->next;
			continue;
		}
		*at = replace(im, n, dir, is_main);
		at = list_end(at);
		*at = next;
	}
	return items;
}

static bool is_defined_again(const struct node *macro)
{
	for (const struct node *n = macro->next; n; n = n->next)
		if (n->kind == N_MACRO && n->macro.is_define &&
		    strcmp(n->macro.name, macro->macro.name) == 0)
			return true;
	return false;
}

/* Of two #define of one name the later one counts, as in C. */
static void drop_redefined(struct node **at)
{
	while (*at) {
		if ((*at)->kind == N_MACRO && (*at)->macro.is_define && is_defined_again(*at))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

/* Needs: the tree. Gives: the same with all that it brings in; no imports and directives. */
int import(struct unit *u)
{
	struct importer im = { .u = u };
	struct node *program = u->program;
	const char *name = u->main_source->name;
	unsigned errors = diags_errors(u->diags);

	u->ctypes = ctypes_new(u);
	for (uint32_t i = 0; i < u->opt->include_cnt; i++)
		header_add(&im.headers, u->arena, SPAN_NONE,
			   arena_printf(u->arena, "#include \"%s\"", u->opt->includes[i]));
	program->program.items =
		import_items(&im, program->program.items, dir_of(u->arena, name), true);
	drop_redefined(&program->program.items);
	take_names(&im);
	return diags_errors(u->diags) > errors ? -EINVAL : 0;
}

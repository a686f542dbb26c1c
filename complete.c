// SPDX-License-Identifier: Apache-2.0
/*
 * What a shell offers when TAB is pressed. The shells' own files (scripts/shell/) only pass on the words and show the
 * answer, so that options, probes, fields, functions and scripts are named where they are defined and nowhere else.
 *
 * A program is only skimmed: where strings, comments, predicates and braces begin and end tells whether an attach point
 * is being typed or an expression, and which attach point the expression belongs to. Only the options of a script, behind
 * "--", are known when it was compiled half-way: whoever calls does that.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ast/builtins.h"
#include "complete.h"
#include "options.h"
#include "probes/probe.h"
#include "scripts.h"

enum { WANT_FILES = 3 };
#define SPACE " \t\n"

/* The word, and where in it the part begins that is being completed. */
struct word {
	const char *text, *part;
	struct probe_env *env; /* for lists */
};

/* The first len bytes of a name go where the part is. */
static void offer(const struct word *w, const char *name, size_t len, const char *help)
{
	printf("%.*s%.*s\t%.*s\t", (int)(w->part - w->text), w->text, (int)len, name, (int)len,
	       name);
	for (; *help; help++)
		putchar(*help == '\n' ? ' ' : *help);
	putchar('\n');
}

static void offer_joined(const struct word *w, const char *name, const char *after,
			 const char *help)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", name, after);
	offer(w, text, strlen(text), help);
}

static bool begins(const char *name, const char *part)
{
	return !strncmp(name, part, strlen(part));
}

/* ---- attach points */

struct offered {
	struct word w; /* its part begins behind the type's colon */
	char *last;
};

/* What several lines have in common up to their next colon is offered once: they are sorted. */
static int offer_line(void *arg, const struct probe_type *type, const struct probe_target *t)
{
	struct offered *o = arg;
	const char *name = strchr(t->name, ':') + 1, *colon;
	size_t len = strlen(name);

	if (!begins(name, o->w.part))
		return 0;
	colon = strchr(name + strlen(o->w.part), ':');
	if (colon)
		len = (size_t)(colon - name) + 1;
	if (o->last && strlen(o->last) == len && !strncmp(o->last, name, len))
		return 0;
	free(o->last);
	o->last = strndup(name, len);
	offer(&o->w, name, len, "");
	return 0;
}

static void offer_types(const struct word *w)
{
	uint32_t cnt;
	const struct probe_type *const *types = probe_types(&cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		if (begins(types[i]->name, w->part))
			offer_joined(w, types[i]->name, types[i]->attach ? ":" : "",
				     types[i]->help);
	}
}

static void offer_paths(const struct word *w)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s*", w->part);
	if (glob(pattern, GLOB_MARK, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i];

		offer_joined(w, name, name[strlen(name) - 1] == '/' ? "" : ":", "");
	}
	globfree(&found);
}

static const struct probe_type *type_before(const char *text, const char *colon)
{
	char *name = strndup(text, (size_t)(colon - text));
	const struct probe_type *type = name ? probe_type_find(name) : NULL;

	free(name);
	return type;
}

static void offer_probes(const struct word *w)
{
	const char *colon = strchr(w->part, ':');
	const struct probe_type *type = colon ? type_before(w->part, colon) : NULL;
	struct offered o = { .w = *w };
	struct probe_error err;
	char *pattern;

	if (!colon) {
		offer_types(w);
		return;
	}
	o.w.part = colon + 1;
	if (!type || probe_is_glob(w->part))
		return;
	if ((type->flags & PROBE_USER_MEMORY) && *o.w.part == '/' && !strchr(o.w.part, ':')) {
		offer_paths(&o.w);
		return;
	}
	if (asprintf(&pattern, "%s%s*", type->name, colon) < 0)
		return;
	probe_list(w->env, pattern, offer_line, &o, &err);
	free(o.last);
	free(pattern);
}

/* ---- expressions */

static int offer_args(void *arg, const struct probe_type *type, const struct probe_target *t)
{
	const struct word *w = arg;
	struct probe_fields fields;
	struct probe_error err;

	if (!type->args || type->args(w->env, t, &fields, &err))
		return 1;
	for (uint32_t i = 0; i < fields.cnt; i++) {
		if (begins(fields.fields[i].name, w->part))
			offer(w, fields.fields[i].name, strlen(fields.fields[i].name),
			      fields.fields[i].decl);
	}
	return 1; /* the first target stands for all */
}

static void offer_fields(struct word *w, const char *attach, size_t len)
{
	char *pattern = strndup(attach, len);
	struct probe_error err;

	if (pattern)
		probe_list(w->env, pattern, offer_args, w, &err);
	free(pattern);
}

static void offer_builtins(const struct word *w)
{
	for (int id = 0; id < B_COUNT; id++) {
		const struct builtin *b = builtin_by_id((enum builtin_id)id);

		if (begins(b->name, w->part))
			offer_joined(w, b->name, b->flags & BI_VALUE ? "" : "(", b->help);
	}
}

/* ---- programs */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Behind a string or a comment that begins at p; NULL: it does not end. p itself: there is none. */
static const char *skip_text(const char *p)
{
	const char *end;

	if (!strncmp(p, "//", 2))
		return strchr(p, '\n');
	if (!strncmp(p, "/*", 2)) {
		end = strstr(p + 2, "*/");
		return end ? end + 2 : NULL;
	}
	if (*p != '"')
		return p;
	for (p++; *p && *p != '"'; p++)
		p += *p == '\\' && p[1];
	return *p ? p + 1 : NULL;
}

/* Where a program's text ends. */
struct place {
	const char *
		attach; /* the attach point that is being typed, or the first of those that rule here */
	size_t attach_len; /* 0: it is being typed */
	bool hidden; /* inside a string or a comment */
};

/*
 * Between actions a string or a comment begins only where a word begins, and so does a predicate: the
 * rest are slashes of paths.
 */
static struct place find_place(const char *text)
{
	struct place pl = { .attach = text };
	const char *first = text, *behind;
	bool predicate = false, starts = true;
	int depth = 0;

	for (const char *p = text; *p; p++) {
		bool inside = predicate || depth;

		behind = inside || starts ? skip_text(p) : p;
		if (!behind || !*behind) {
			pl.hidden = !behind;
			break;
		}
		if (behind > p && !inside) /* a comment before an attach point */
			pl.attach = first = behind;
		p = behind;
		if (*p == '/' && !depth && (predicate || starts))
			predicate = !predicate;
		else if (*p == '{')
			depth++;
		else if (*p == '}' && depth && !--depth)
			pl = (struct place){ .attach = first = p + 1 };
		if (!inside && (predicate || depth) && !pl.attach_len) {
			pl.attach = first + strspn(first, SPACE);
			pl.attach_len = strcspn(pl.attach, ",{/" SPACE);
		} else if (!inside && *p == ',')
			pl.attach = p + 1;
		starts = isspace((unsigned char)*p) || *p == ',' || *p == '}';
	}
	return pl;
}

static void offer_in_program(struct word *w)
{
	struct place pl = find_place(w->text);
	const char *end = w->text + strlen(w->text);

	if (pl.hidden)
		return;
	if (!pl.attach_len) {
		w->part = pl.attach + strspn(pl.attach, SPACE);
		offer_probes(w);
		return;
	}
	for (w->part = end; w->part > w->text && is_name(w->part[-1]);)
		w->part--;
	if (w->part - w->text > 5 && !strncmp(w->part - 5, "args.", 5))
		offer_fields(w, pl.attach, pl.attach_len);
	else if (w->part > w->text && !strchr("$@.>\"", w->part[-1]) && w->part < end)
		offer_builtins(w);
}

/* ---- options */

static void offer_named(void *arg, const char *name, const char *help)
{
	const struct word *w = arg;

	if (begins(name, w->part))
		offer_joined(w, name, "", help);
}

/* Several patterns may stand between commas. */
static void offer_patterns(struct word *w)
{
	const char *comma = strrchr(w->text, ',');

	w->part = comma ? comma + 1 : w->text;
	offer_probes(w);
}

/* What the words before the last one have settled. */
struct line {
	const char *before; /* the word just before it, "" at the beginning */
	bool list; /* -l: patterns follow */
	const char *program, *file; /* one of them, or NULL: its arguments follow */
	bool behind; /* "--": what follows is the script's */
};

static void ignore(void *arg, const char *name, const char *help)
{
}

static struct line read_line(int cnt, char **words)
{
	struct line l = { .before = "" };

	for (int i = 0; i < cnt && !l.behind; i++) {
		bool is_value = options_each_value(l.before, ignore, NULL);

		if (!strcmp(l.before, "-e"))
			l.program = words[i];
		l.before = words[i];
		if (*l.before != '-' && !is_value && !l.file)
			l.file = l.before;
		l.behind = !strcmp(l.before, "--") && !is_value;
		l.list |= !strcmp(l.before, "--list") ||
			  (*l.before == '-' && l.before[1] != '-' && strchr(l.before, 'l'));
	}
	return l;
}

static int offer_script_options(struct word *w, const struct line *l, script_options_fn each)
{
	struct options o = { .file = l->file, .program = l->program ? strdup(l->program) : NULL };

	if (*w->text == '-' || !*w->text) {
		offer_named(w, "--help", "what the script is for, and its options");
		if (o.program || o.file)
			each(&o, offer_named, w);
	}
	free(o.program);
	return *w->text == '-' ? 0 : WANT_FILES;
}

int complete(int word_cnt, char **words, script_options_fn script_options)
{
	const char *last = word_cnt ? words[word_cnt - 1] : "";
	struct line l = read_line(word_cnt - 1, words);
	struct probe_env_options opt = { 0 };
	struct word w = { .text = last, .part = last, .env = probe_env_new(&opt) };
	int status = 0;

	if (!w.env)
		return fail_oom();
	if (l.behind)
		status = offer_script_options(&w, &l, script_options);
	else if (!strcmp(l.before, "-e"))
		offer_in_program(&w);
	else if (options_each_value(l.before, offer_named, &w))
		status = WANT_FILES;
	else if (*last == '-')
		options_each(offer_named, &w);
	else if (l.list)
		offer_patterns(&w);
	else {
		if (!l.program && !l.file)
			scripts_each(offer_named, &w);
		status = WANT_FILES;
	}
	probe_env_free(w.env);
	return status;
}

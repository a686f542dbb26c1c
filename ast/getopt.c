/* SPDX-License-Identifier: Apache-2.0 */
/* getopt("name", default, "description"): options of the script, given after "--". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ast/getopt.h"
#include "ast/unit.h"

struct script_option {
	const char *name, *help;
	const struct node *def; /* NULL: a flag */
	struct script_option *next;
};

/* What follows "--name=", "" when only the name is there, NULL when it is not. The last one counts. */
static const char *given(const struct unit *u, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (uint32_t i = 0; i < u->opt->named_cnt; i++) {
		const char *s = u->opt->named[i] + 2;

		if (strncmp(s, name, len) == 0 && (!s[len] || s[len] == '='))
			found = s[len] ? s + len + 1 : s + len;
	}
	return found;
}

static void remember(struct unit *u, const struct node *call)
{
	const struct node *name = call->call.args, *def = name->next;
	const char *help = def && def->next && def->next->kind == N_STR ? def->next->str.text : "";
	struct script_option **at = &u->script_options, *o;

	while (*at && strcmp((*at)->name, name->str.text) != 0)
		at = &(*at)->next;
	if (*at) { /* one of its uses describes it, not always the first */
		if (!*(*at)->help)
			(*at)->help = help;
		return;
	}
	o = arena_new_of(u->arena, struct script_option);
	o->name = name->str.text;
	o->def = def ? node_clone(u->arena, def) : NULL;
	o->help = help;
	*at = o;
}

static void set(struct node *n, enum node_kind kind, uint64_t value)
{
	n->kind = kind;
	memset(&n->num, 0, sizeof(n->num));
	n->num.value = value;
}

static bool is_true(const char *text)
{
	return !*text || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static void set_int(struct unit *u, struct node *n, const char *text)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (errno || *end || end == text)
		diag(u->diags, n->span, D_GETOPT_INT, n->call.args->str.text, text);
	set(n, N_INT, (uint64_t)v);
}

void getopt_resolve(struct unit *u, struct node *n)
{
	const struct node *name = n->call.args, *def = name ? name->next : NULL;
	const char *text;
	struct node *next = n->next, *copy;

	if (!name || name->kind != N_STR)
		return; /* check tells */
	if (def && def->kind != N_INT && def->kind != N_STR && def->kind != N_BOOL) {
		diag(u->diags, def->span, D_GETOPT_DEFAULT);
		return;
	}
	remember(u, n);
	text = given(u, name->str.text);
	if (!def || def->kind == N_BOOL) {
		set(n, N_BOOL, text ? is_true(text) : def ? def->num.value : 0);
	} else if (!text) {
		copy = node_clone(u->arena, def);
		*n = *copy;
		n->next = next;
	} else if (def->kind == N_INT) {
		set_int(u, n, text);
	} else {
		n->kind = N_STR;
		n->str.text = text;
		n->str.len = strlen(text);
	}
}

static bool is_known(const struct unit *u, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct script_option *o = u->script_options; o; o = o->next)
		if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
			return true;
	return false;
}

/* The comment that a script begins with, without its marks: what it is for, and how to use it. */
static void print_leading_comment(const char *text)
{
	const char *end;
	int len;

	while (!strncmp(text, "//", 2) || !strncmp(text, "#!", 2) || *text == '\n')
		text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
	if (strncmp(text, "/*", 2))
		return;
	text += 2;
	end = strstr(text, "*/");
	for (text += strspn(text, " \n"); end && text < end; text += len + (text[len] == '\n')) {
		if (!strncmp(text, " *", 2) || *text == '*')
			text += strcspn(text, "*") + 1;
		text += *text == ' ';
		if (text >= end)
			break;
		len = (int)strcspn(text, "\n");
		printf("%.*s\n", len < end - text ? len : (int)(end - text), text);
	}
	printf("\n");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_help(const struct unit *u)
{
	print_leading_comment(u->main_source->text);
	printf("Options of %s:\n", base_name(u->main_source->name));
	for (const struct script_option *o = u->script_options; o; o = o->next) {
		const struct node *d = o->def;

		printf("  --%s", o->name);
		if (d && d->kind == N_STR)
			printf("=TEXT (\"%s\")", d->str.text);
		else if (d && d->kind == N_INT)
			printf("=NUMBER (%lld)", (long long)d->num.value);
		printf("%s%s\n", *o->help ? "  " : "", o->help);
	}
}

int getopt_check(struct unit *u)
{
	const char *known = "";

	for (uint32_t i = 0; i < u->opt->named_cnt; i++) {
		if (strcmp(u->opt->named[i], "--help") == 0 && !is_known(u, "help")) {
			print_help(u);
			u->diags = diags_new(u->arena, u->sources); /* nobody asked for errors */
			return -ECANCELED;
		}
	}
	for (const struct script_option *o = u->script_options; o; o = o->next)
		known = arena_printf(u->arena, "%s%s--%s", known, *known ? ", " : "", o->name);
	for (uint32_t i = 0; i < u->opt->named_cnt; i++)
		if (!is_known(u, u->opt->named[i] + 2))
			diag_hint(diag(u->diags, SPAN_NONE, D_GETOPT_UNKNOWN, u->opt->named[i]),
				  *known ? "Options of the script: %s" : "It has no options.%s",
				  known);
	return 0;
}

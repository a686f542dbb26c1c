/* SPDX-License-Identifier: Apache-2.0 */
/* getopt("name", default, "description"): options of the script, given after "--". */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ast/getopt.h"
#include "ast/unit.h"

/* As this call has it: others of the same name may say otherwise. */
static struct script_option option_of(const struct node *call)
{
	const struct node *name = call->call.args, *def = name->next;
	const struct node *help = def ? def->next : NULL;
	struct script_option o = { .name = name->str.text, .help = "" };

	if (help && help->kind == N_STR)
		o.help = help->str.text;
	if (def && def->kind == N_STR) {
		o.kind = SCRIPT_TEXT;
		o.text = def->str.text;
	} else {
		o.kind = def && def->kind == N_INT ? SCRIPT_NUMBER : SCRIPT_FLAG;
		o.num = def ? (int64_t)def->num.value : 0;
	}
	return o;
}

static struct asked_option *remember(struct unit *u, const struct script_option *o)
{
	struct asked_option **at = &u->script_options;

	while (*at && strcmp((*at)->opt.name, o->name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = arena_new_of(u->arena, struct asked_option);
		(*at)->opt = *o;
	} else if (!*(*at)->opt.help) { /* one of its uses describes it, not always the first */
		(*at)->opt.help = o->help;
	}
	return *at;
}

static bool same_value(const struct script_option *a, const struct script_option *b)
{
	return a->kind == b->kind &&
	       (a->kind == SCRIPT_TEXT ? !strcmp(a->text, b->text) : a->num == b->num);
}

static void set_literal(struct node *n, const struct script_option *o)
{
	if (o->kind == SCRIPT_TEXT) {
		n->kind = N_STR;
		n->str.text = o->text;
		n->str.len = strlen(o->text);
		return;
	}
	n->kind = o->kind == SCRIPT_FLAG ? N_BOOL : N_INT;
	memset(&n->num, 0, sizeof(n->num));
	n->num.value = (uint64_t)o->num;
}

/* Why an option cannot be left open; NULL: it can. */
static const char *why_fixed(const struct script_option *o, const struct script_option *first,
			     bool wants_constant)
{
	if (wants_constant)
		return "a constant has to stand here";
	if (!same_value(o, first))
		return "it is not the same in all calls";
	if (o->kind == SCRIPT_TEXT && strlen(o->text) >= SCRIPT_TEXT_SZ)
		return "the default is too long";
	return NULL;
}

static void tell_fixed(struct unit *u, const struct node *call, const struct script_option *o,
		       const char *why)
{
	diag_hint(diag(u->diags, call->span, D_GETOPT_FIXED, o->name, why),
		  "To fix it at another value, give --%s=VALUE when compiling.", o->name);
}

void getopt_resolve(struct unit *u, struct node *n, bool wants_constant)
{
	const struct node *name = n->call.args, *def = name ? name->next : NULL;
	struct asked_option *asked;
	struct script_option o;
	const char *text, *why;

	if (!name || name->kind != N_STR)
		return; /* check tells */
	if (def && def->kind != N_INT && def->kind != N_STR && def->kind != N_BOOL) {
		diag(u->diags, def->span, D_GETOPT_DEFAULT);
		return;
	}
	o = option_of(n);
	asked = remember(u, &o);
	text = script_option_given(o.name, u->opt->named, u->opt->named_cnt);
	if (!text && u->opt->open_options) {
		why = why_fixed(&o, &asked->opt, wants_constant);
		if (!why) {
			asked->is_open = true;
			n->kind = N_OPTION;
			n->option = asked;
			return;
		}
		tell_fixed(u, n, &o, why);
	}
	if (text && script_option_set(&o, text))
		diag(u->diags, n->span, D_GETOPT_INT, o.name, text);
	set_literal(n, &o);
}

static bool is_known(const struct unit *u, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct asked_option *o = u->script_options; o; o = o->next)
		if (strlen(o->opt.name) == len && strncmp(o->opt.name, word, len) == 0)
			return true;
	return false;
}

const char *getopt_about(struct unit *u)
{
	const char *text = u->main_source->text, *end, *about = "";
	int len;

	while (!strncmp(text, "//", 2) || !strncmp(text, "#!", 2) || *text == '\n')
		text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
	end = strncmp(text, "/*", 2) ? NULL : strstr(text, "*/");
	if (!end)
		return about;
	text += 2;
	for (text += strspn(text, " \n"); text < end; text += len + (text[len] == '\n')) {
		if (!strncmp(text, " *", 2) || *text == '*')
			text += strcspn(text, "*") + 1;
		text += *text == ' ';
		if (text >= end)
			break;
		len = (int)strcspn(text, "\n");
		len = len < end - text ? len : (int)(end - text);
		about = arena_printf(u->arena, "%s%.*s\n", about, len, text);
	}
	return about;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_help(struct unit *u)
{
	const char *about = getopt_about(u);

	printf("%s%sOptions of %s:\n", about, *about ? "\n" : "", base_name(u->main_source->name));
	for (const struct asked_option *o = u->script_options; o; o = o->next)
		script_option_print(stdout, &o->opt);
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
	for (const struct asked_option *o = u->script_options; o; o = o->next)
		known = arena_printf(u->arena, "%s%s--%s", known, *known ? ", " : "", o->opt.name);
	for (uint32_t i = 0; i < u->opt->named_cnt; i++)
		if (!is_known(u, u->opt->named[i] + 2))
			diag_hint(diag(u->diags, SPAN_NONE, D_GETOPT_UNKNOWN, u->opt->named[i]),
				  *known ? "Options of the script: %s" : "It has no options.%s",
				  known);
	return 0;
}

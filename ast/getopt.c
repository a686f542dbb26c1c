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
	if (o->kind == SCRIPT_TEXT)
		node_become_text(n, o->text);
	else
		node_become_number(n, o->kind == SCRIPT_FLAG ? N_BOOL : N_INT, (uint64_t)o->num,
				   false);
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
	if (text)
		script_option_set(&o, text); /* whether it can be: check_value() */
	set_literal(n, &o);
}

/* The option that a word names; NULL: there is none. */
static const struct script_option *known(const struct unit *u, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct asked_option *o = u->script_options; o; o = o->next)
		if (strlen(o->opt.name) == len && strncmp(o->opt.name, word, len) == 0)
			return &o->opt;
	return NULL;
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
	int width, widest = 0;

	printf("%s%sOptions of %s:\n", about, *about ? "\n" : "", base_name(u->main_source->name));
	for (const struct asked_option *o = u->script_options; o; o = o->next) {
		width = script_option_width(&o->opt);
		widest = width > widest ? width : widest;
	}
	for (const struct asked_option *o = u->script_options; o; o = o->next)
		script_option_print(stdout, &o->opt, widest);
}

static void check_value(struct unit *u, const struct script_option *o, const char *word)
{
	const char *value = strchr(word, '=');
	struct script_option copy = *o;

	if (!value && o->kind != SCRIPT_FLAG)
		diag(u->diags, SPAN_NONE, D_GETOPT_BARE, o->name, o->name,
		     o->kind == SCRIPT_NUMBER ? "NUMBER" : "TEXT");
	else if (value && script_option_set(&copy, value + 1))
		diag(u->diags, SPAN_NONE, D_GETOPT_VALUE, o->name, script_option_wants(o),
		     value + 1);
}

static const char *all_known(const struct unit *u)
{
	const char *all = "";

	for (const struct asked_option *o = u->script_options; o; o = o->next)
		all = arena_printf(u->arena, "%s%s--%s", all, *all ? ", " : "", o->opt.name);
	return all;
}

/* A word that is no option and that nothing asks for is as a rule an option written wrongly. */
static void warn_unused(struct unit *u)
{
	for (uint32_t i = 0; i < u->opt->param_cnt && i < 64; i++) {
		struct diag *d;

		if (u->params_used & 1ull << i)
			continue;
		d = diag(u->diags, SPAN_NONE, D_PARAM_UNUSED, u->opt->params[i]);
		if (known(u, u->opt->params[i]))
			diag_hint(d, "Did you mean '--%s'?", u->opt->params[i]);
		else if (u->script_options)
			diag_hint(d, "Options of the script: %s", all_known(u));
	}
}

int getopt_check(struct unit *u)
{
	const struct script_option *o;
	const char *word, *all;

	for (uint32_t i = 0; i < u->opt->named_cnt; i++) {
		if (strcmp(u->opt->named[i], "--help") == 0 && !known(u, "help")) {
			print_help(u);
			u->diags = diags_new(u->arena, u->sources); /* nobody asked for errors */
			return -ECANCELED;
		}
	}
	for (uint32_t i = 0; i < u->opt->named_cnt; i++) {
		word = u->opt->named[i];
		o = known(u, word + 2);
		if (o) {
			check_value(u, o, word + 2);
			continue;
		}
		all = all_known(u);
		diag_hint(diag(u->diags, SPAN_NONE, D_GETOPT_UNKNOWN, word),
			  *all ? "Options of the script: %s" : "It has no options.%s", all);
	}
	warn_unused(u);
	return 0;
}

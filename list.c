// SPDX-License-Identifier: Apache-2.0
/* -l: probes by pattern, those of a program, and types. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/unit.h"
#include "list.h"
#include "options.h"
#include "probes/probe.h"
#include "program.h"
#include "runtime/value.h"

struct listing {
	struct probe_env *env;
	bool args;
	bool terminal;
};

/* Names of files and functions are whatever their makers chose: on a terminal they are to be text. */
static void print_name(const struct listing *l, const char *name)
{
	const struct value_env env = { .terminal = l->terminal };
	struct buf b = { 0 };

	traced_text(&b, &env, name, strlen(name), false);
	printf("%.*s\n", (int)b.len, b.p ?: "");
	buf_free(&b);
}

static int print_line(void *arg, const struct probe_type *type, const struct probe_target *t)
{
	const struct listing *l = arg;
	struct probe_fields fields;
	struct probe_error err;

	if (l->terminal)
		print_name(l, t->name);
	else
		puts(t->name);
	if (!l->args || !type->args || type->args(l->env, t, &fields, &err))
		return 0;
	for (uint32_t i = 0; i < fields.cnt; i++)
		printf("    %s\n", fields.fields[i].decl);
	return 0;
}

/* The lines that the probes of a program fall under, in its order. */
static int list_program(struct unit *u, const struct options *o, struct listing *l)
{
	const char *last = "";
	int err = read_program(u, o);

	err = err ?: parse(u);
	err = err ?: import(u);
	err = err ?: configure(u);
	err = err ?: expand(u);
	if (!err && diags_errors(u->diags))
		err = -EINVAL;
	if (err)
		return err;
	for (const struct node *n = u->program->program.items; n; n = n->next) {
		const struct probe_type *type = n->kind == N_PROBE ? n->probe.ptype : NULL;

		if (!type || !(type->list || type->flags & PROBE_LISTS_PATTERN))
			continue;
		for (const struct node *a = n->probe.attaches; a; a = a->next) {
			struct probe_target line = *a->attach.target;

			if (type->list_name)
				line.name = type->list_name(u->env, &line);
			/* places of a usdt probe that differ in their arguments are one line */
			if (!line.name || !strcmp(line.name, last))
				continue;
			print_line(l, type, &line);
			last = line.name;
		}
	}
	return 0;
}

static bool looks_like_file(const char *arg)
{
	const char *dot = strrchr(arg, '.');

	return dot && !strcmp(dot, ".bt");
}

/* Nothing is near the pattern: of "uprobe:*", where something else has to come first, the form is told. */
static void hint_type(const char *pattern)
{
	size_t len = strcspn(pattern, ":");
	char *name = pattern[len] ? strndup(pattern, len) : NULL;
	const struct probe_type *type = name ? probe_type_find(name) : NULL;

	if (type && probe_is_glob(pattern + len) && !strchr(pattern + len + 1, ':'))
		fprintf(stderr, "HINT: %s\n", type->help);
	else if (name && !type && !probe_is_glob(name))
		fprintf(stderr, "HINT: '%s' is no type of probes: trace-lang(7) has them all.\n",
			name);
	free(name);
}

static int list_pattern(const char *pattern, struct listing *l)
{
	struct probe_error err;
	int cnt;

	cnt = probe_list(l->env, pattern, print_line, l, &err);
	if (cnt < 0)
		return fail("%s", err.text);
	if (!cnt && pattern)
		fprintf(stderr, "WARNING: No probes match '%s'.\n", pattern);
	if (!cnt && err.hint[0])
		fprintf(stderr, "HINT: %s\n", err.hint);
	else if (!cnt && pattern)
		hint_type(pattern);
	return 0;
}

static int list_types(const char *pattern, bool as_c)
{
	char *near;
	int cnt = ctypes_list(pattern, as_c, &near);

	if (cnt < 0 && !kernel_has_types() && !kernel_types_path())
		return fail("this kernel does not tell its types: it has no BTF "
			    "(/sys/kernel/btf/vmlinux)");
	if (cnt < 0)
		return fail("the kernel's types cannot be read: %s", strerror(-cnt));
	if (!cnt)
		fprintf(stderr, "WARNING: No types match '%s'.\n", pattern);
	if (!cnt && near)
		fprintf(stderr, "HINT: Did you mean '%s'?\n", near);
	free(near);
	return 0;
}

int list(struct unit *u, struct options *o)
{
	struct listing l = { .env = u->env,
			     .args = o->run.verbose,
			     .terminal = isatty(STDOUT_FILENO) };
	int err = 0;

	setvbuf(stdout, NULL, _IOFBF, 64 << 10);
	if (o->program)
		return list_program(u, o, &l);
	if (!o->param_cnt)
		return list_pattern(NULL, &l);
	for (uint32_t i = 0; i < o->param_cnt && !err; i++) {
		o->file = o->params[i];
		if (!strcmp(o->file, "-") || !access(o->file, F_OK)) {
			err = list_program(u, o, &l);
			continue;
		}
		if (ctypes_is_pattern(o->file)) {
			err = list_types(o->file, l.args);
			continue;
		}
		if (looks_like_file(o->file))
			fprintf(stderr,
				"WARNING: It appears that '%s' is a filename but the file does "
				"not exist. Treating '%s' as a search pattern.\n",
				o->file, o->file);
		err = list_pattern(o->file, &l);
	}
	return err;
}

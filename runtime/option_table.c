/* SPDX-License-Identifier: Apache-2.0 */
/* A command line read by a table of options, and the help that is made of it. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/run_options.h"

int fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ERROR: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return -EINVAL;
}

int fail_oom(void)
{
	fail("out of memory");
	return -ENOMEM;
}

int option_choose(const char *option, const char *arg, const char *const *words, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		if (!strcmp(arg, words[i]))
			return i;
	}
	fprintf(stderr, "ERROR: %s must be ", option);
	for (int i = 0; i < cnt; i++)
		fprintf(stderr, "%s'%s'", i == 0 ? "" : i == cnt - 1 ? " or " : ", ", words[i]);
	fprintf(stderr, ", not '%s'\n", arg);
	return -EINVAL;
}

/* ---- help */

static void print_option(const struct option_row *r)
{
	char left[64], letter[3] = { '-', r->letter, 0 };
	int len, part;

	len = snprintf(left, sizeof(left), "  %s%s%s%s%s%s", r->letter ? letter : "    ",
		       r->letter && r->name ? ", " : "", r->name ? "--" : "",
		       r->name ? r->name : "", r->arg ? " " : "", r->arg ? r->arg : "");
	printf("%s", left);
	if (len > 25) {
		printf("\n");
		len = 0;
	}
	for (const char *text = r->help; *text; text += part + (text[part] == '\n')) {
		part = (int)strcspn(text, "\n");
		printf("%*s%.*s\n", 27 - len, "", part, text);
		len = 0;
	}
}

void option_table_print(const struct option_table *t)
{
	for (size_t i = 0; i < t->cnt; i++) {
		if (t->rows[i].group)
			printf("\n%s:\n", t->rows[i].group);
		else
			print_option(&t->rows[i]);
	}
}

/* ---- reading */

const struct option_row *option_table_find(const struct option_table *t, const char *word)
{
	for (size_t i = 0; i < t->cnt; i++) {
		const struct option_row *r = &t->rows[i];
		bool is_letter = word[0] == '-' && word[1] && word[1] == r->letter && !word[2];

		if (is_letter || (r->name && !strncmp(word, "--", 2) && !strcmp(word + 2, r->name)))
			return r;
	}
	return NULL;
}

enum { LONG_BASE = 256 }; /* getopt's value of a long option: this and its row */

/* letters: room for two a row, three at the front and the end; longs: one a row and one. */
static void make_tables(const struct option_table *t, char *letters, struct option *longs)
{
	size_t n = 0;

	*letters++ = '-'; /* arguments come in order, as option 1 */
	*letters++ = ':'; /* a missing argument is told from an unknown option */
	for (size_t i = 0; i < t->cnt; i++) {
		const struct option_row *r = &t->rows[i];
		int takes = !r->arg	  ? no_argument
			    : r->may_lack ? optional_argument
					  : required_argument;

		if (r->letter) {
			*letters++ = r->letter;
			if (r->arg)
				*letters++ = ':';
		}
		if (r->name)
			longs[n++] = (struct option){ r->name, takes, NULL, LONG_BASE + (int)i };
	}
	*letters = 0;
}

static int unknown_option(const struct option_table *t, const char *word)
{
	if (word[0] != '-' || word[1] != '-')
		return fail("unknown option: -%c; %s --help lists them", optopt, t->program);
	if (optopt >= LONG_BASE)
		return fail("option --%s takes no argument", t->rows[optopt - LONG_BASE].name);
	fail("unknown option: %s; %s --help lists them", word, t->program);
	if (t->unknown)
		t->unknown(t->arg, word);
	return -EINVAL;
}

static int missing_argument(const struct option_table *t)
{
	if (optopt < LONG_BASE)
		return fail("option -%c needs an argument", optopt);
	return fail("option --%s needs an argument: %s", t->rows[optopt - LONG_BASE].name,
		    t->rows[optopt - LONG_BASE].arg);
}

static const struct option_row *row_of(const struct option_table *t, int c)
{
	const char word[3] = { '-', (char)c, 0 };

	return c >= LONG_BASE ? &t->rows[c - LONG_BASE] : option_table_find(t, word);
}

int option_table_parse(const struct option_table *t, int argc, char **argv, int *rest)
{
	char *letters = malloc(t->cnt * 2 + 3);
	struct option *longs = calloc(t->cnt + 1, sizeof(*longs));
	int c, err = letters && longs ? 0 : fail_oom(), at = 1;

	if (!err)
		make_tables(t, letters, longs);
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == 1)
			err = t->set(t->arg, NULL, optarg);
		else if (c == '?')
			err = unknown_option(t, argv[at]);
		else if (c == ':')
			err = missing_argument(t);
		else
			err = t->set(t->arg, row_of(t, c), optarg);
		at = optind;
	}
	*rest = optind;
	free(letters);
	free(longs);
	return err;
}

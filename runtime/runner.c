// SPDX-License-Identifier: Apache-2.0
/*
 * The program that a compiled tool begins with (trace --aot); by itself it runs images from files. It
 * holds no compiler.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/run_options.h"
#include "runtime/tool.h"

#define OPTIONS(GROUP, OPT, RUN)                                                                   \
	GROUP("What to trace")                                                                     \
	RUN_TARGET_OPTIONS(RUN)                                                                    \
	GROUP("Output")                                                                            \
	RUN_OUTPUT_OPTIONS(RUN)                                                                    \
	GROUP("Other")                                                                             \
	OPT(VERBOSE, 'v', "verbose", NULL, "say more")                                             \
	OPT(DRY_RUN, 0, "dry-run", NULL, "end once all probes are attached")                       \
	OPT(DEBUG, 'd', "debug", "libbpf|verifier", "print what libbpf or the verifier says")      \
	OPT(INFO, 0, "info", NULL, "print what this kernel has of what is made use of")            \
	OPT(VERSION, 'V', "version", NULL, "print the version")                                    \
	OPT(HELP, 'h', "help", NULL, "print this help")

enum option_id {
	OPT_BEFORE = RUN_OPT_CNT - 1,
	OPTIONS(OPTION_NONE, OPTION_ID, OPTION_NONE)
		OPT_SCRIPT /* this and the row in the image's options */
};

static const struct option_row own_rows[] = { OPTIONS(OPTION_GROUP, OPTION_ROW, OPTION_RUN) };
enum { OWN_CNT = sizeof(own_rows) / sizeof(*own_rows) };

struct runner {
	const char *program;
	struct tool_image file;
	bool is_tool; /* the image is behind the program, not in a file that is named */
	struct image img;
	struct script_option *script; /* by row in the image's options */
	struct run_options run;
	bool help, version, info;
};

/* ---- the image ---- */

static int read_image(struct runner *r, const char *name)
{
	char why[256];
	int rc = image_read(&r->img, r->file.at, r->file.sz, why, sizeof(why));

	if (rc)
		return fail("%s: %s", name, why);
	r->script = calloc((size_t)r->img.options_cnt + 1, sizeof(*r->script));
	if (!r->script)
		return fail_oom();
	for (uint32_t i = 0; i < r->img.options_cnt; i++)
		r->script[i] = image_option(&r->img, i);
	r->run.script_options = r->script;
	return 0;
}

static int open_own(struct runner *r)
{
	int rc = tool_open_own(&r->file);

	r->is_tool = !rc && r->file.at;
	return rc ?: r->is_tool ? read_image(r, r->program) : 0;
}

static int open_named(struct runner *r, const char *path)
{
	int rc;

	if (r->is_tool || r->script)
		return fail("unexpected argument: %s", path);
	rc = tool_open_file(&r->file, path);
	return rc ?: read_image(r, path);
}

/* ---- options of the script ---- */

static int set_script_option(struct script_option *o, const char *text)
{
	if (script_option_set(o, text))
		return fail("option --%s needs %s, not '%s'", o->name, script_option_wants(o),
			    text);
	if (o->kind == SCRIPT_TEXT && strlen(text) >= SCRIPT_TEXT_SZ)
		return fail("option --%s is longer than %d bytes", o->name, SCRIPT_TEXT_SZ - 1);
	return 0;
}

static void hint_script_options(void *arg, const char *word)
{
	const struct runner *r = arg;

	if (!r->script)
		return;
	fprintf(stderr, "HINT: The script has %s", r->img.options_cnt ? "these:" : "no options.");
	for (uint32_t i = 0; i < r->img.options_cnt; i++)
		fprintf(stderr, "%s --%s", i ? "," : "", r->script[i].name);
	fprintf(stderr, "\n");
}

static int unknown_script_option(struct runner *r, const char *word)
{
	fail("unknown option of the script: %s", word);
	hint_script_options(r, word);
	return -EINVAL;
}

/* "--name=value" as it stands behind "--". */
static int set_script_word(struct runner *r, const char *word)
{
	size_t len = strcspn(word, "=");

	if (!strcmp(word, "--help")) {
		r->help = true;
		return 0;
	}
	if (strncmp(word, "--", 2))
		return fail("unexpected argument: %s", word);
	for (uint32_t i = 0; i < r->img.options_cnt; i++) {
		const char *name = r->script[i].name;

		if (strlen(name) == len - 2 && !strncmp(name, word + 2, len - 2))
			return set_script_option(&r->script[i], word + len + !!word[len]);
	}
	return unknown_script_option(r, word);
}

/* ---- the command line ---- */

/* Those of the script come first: a name that both have is the script's. */
static struct option_row *make_rows(const struct runner *r, size_t *cnt)
{
	uint32_t script_cnt = r->is_tool ? r->img.options_cnt : 0;
	struct option_row *rows = calloc((size_t)script_cnt + OWN_CNT, sizeof(*rows));
	struct option_table script = { .rows = rows };

	for (uint32_t i = 0; rows && i < script_cnt; i++) {
		const struct script_option *o = &r->script[i];

		rows[i] = (struct option_row){ .id = OPT_SCRIPT + (int)i,
					       .name = o->name,
					       .arg = o->kind == SCRIPT_FLAG	 ? "true|false"
						      : o->kind == SCRIPT_NUMBER ? "NUMBER"
										 : "TEXT",
					       .may_lack = o->kind == SCRIPT_FLAG,
					       .help = o->help };
	}
	script.cnt = script_cnt;
	for (size_t i = 0; rows && i < OWN_CNT; i++) {
		struct option_row *row = &rows[script_cnt + i];
		char word[64];

		*row = own_rows[i];
		snprintf(word, sizeof(word), "--%s", row->name ? row->name : "");
		if (option_table_find(&script, word))
			row->name = NULL;
	}
	*cnt = script_cnt + OWN_CNT;
	return rows;
}

static int set_debug(struct runner *r, const char *arg)
{
	static const char *const words[] = { "libbpf", "verifier" };
	static const unsigned flags[] = { RUN_DEBUG_LIBBPF, RUN_DEBUG_VERIFIER };
	int i = option_choose("-d", arg, words, 2);

	if (i >= 0)
		r->run.debug |= flags[i];
	return i < 0 ? i : 0;
}

static int set_option(void *arg, const struct option_row *row, const char *value)
{
	struct runner *r = arg;

	if (!row)
		return open_named(r, value);
	if (row->id < RUN_OPT_CNT)
		return run_option_set(&r->run, (enum run_option)row->id, value);
	if (row->id >= OPT_SCRIPT)
		return set_script_option(&r->script[row->id - OPT_SCRIPT], value ? value : "");
	switch ((enum option_id)row->id) {
	case OPT_VERBOSE: r->run.verbose = true; break;
	case OPT_DRY_RUN: r->run.dry_run = true; break;
	case OPT_DEBUG: return set_debug(r, value);
	case OPT_INFO: r->info = true; break;
	case OPT_VERSION: r->version = true; break;
	case OPT_HELP: r->help = true; break;
	case OPT_BEFORE:
	case OPT_SCRIPT: break;
	}
	return 0;
}

static int parse(struct runner *r, int argc, char **argv)
{
	struct option_table t = {
		.program = r->program, .set = set_option, .unknown = hint_script_options, .arg = r
	};
	struct option_row *rows = make_rows(r, &t.cnt);
	int rest = argc, err;

	t.rows = rows;
	err = rows ? option_table_parse(&t, argc, argv, &rest) : fail_oom();
	for (int i = rest; i < argc && !err; i++)
		err = r->script ? set_script_word(r, argv[i]) : open_named(r, argv[i]);
	free(rows);
	return err ?: run_options_settle(&r->run);
}

static void print_help(const struct runner *r)
{
	const struct option_table own = { .rows = own_rows, .cnt = OWN_CNT };
	int width = 0;

	const char *about = r->img.abouts_cnt ? image_str(&r->img, r->img.abouts[0].text) : "";

	if (*about)
		printf("%s\n", about);
	if (r->is_tool)
		printf("Usage: %s [options]\n", r->program);
	else
		printf("Usage: %s [options] IMAGE [-- --name=value ...]\n", r->program);
	if (r->img.options_cnt)
		printf("\nOf this tool:\n");
	for (uint32_t i = 0; i < r->img.options_cnt; i++) {
		struct script_option o = image_option(&r->img, i);

		width = script_option_width(&o) > width ? script_option_width(&o) : width;
	}
	for (uint32_t i = 0; i < r->img.options_cnt; i++) {
		struct script_option o = image_option(&r->img, i);

		script_option_print(stdout, &o, width);
	}
	option_table_print(&own);
}

static int run(struct runner *r)
{
	if (r->help)
		print_help(r);
	else if (r->version)
		printf("trace v%s\n", PACKAGE_VERSION);
	else if (r->info)
		return run_print_info(stdout, r->run.no_features);
	else if (!r->script)
		return fail("no image is given; %s --help tells more", r->program);
	else
		return run_image(&r->img, &r->run);
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct runner r = { .program = argc ? argv[0] : "trace-run" };
	int err;

	run_fill_streams();
	err = open_own(&r);
	err = err ?: parse(&r, argc, argv);
	err = err ?: run(&r);
	free(r.script);
	tool_close(&r.file);
	return err < 0 ? 1 : err;
}

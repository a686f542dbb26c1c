// SPDX-License-Identifier: Apache-2.0
/* Options: one table, from which getopt's tables, the help and the hints are made. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer/diag.h"
#include "options.h"

/*
 * Every option, once. GROUP(title), OPT(ID, short letter or 0, long name or NULL, argument or NULL,
 * help), LATER: the same for an option of a version to come. \n in a help text breaks its line.
 */
#define OPTIONS(GROUP, OPT, LATER)                                                                 \
	GROUP("What to do")                                                                        \
	OPT(EVAL, 'e', NULL, "PROGRAM", "run this program; several are joined")                    \
	OPT(LIST, 'l', "list", NULL, "list probes that match a pattern, or a program's")           \
	OPT(SCRIPTS, 0, "scripts", NULL, "list the installed scripts; trace NAME runs one")        \
	OPT(VERBOSE, 'v', "verbose", NULL, "say more; with -l, also the arguments of probes")      \
	OPT(HELP, 'h', "help", NULL, "print this help")                                            \
	OPT(VERSION, 'V', "version", NULL, "print the version")                                    \
	OPT(INFO, 0, "info", NULL, "print what this kernel has of what trace can use")             \
	GROUP("What to trace")                                                                     \
	OPT(PID, 'p', "pid", "PID", "trace this process only, and end with it")                    \
	OPT(CMD, 'c', "cmd", "COMMAND", "run a command, and end with it")                          \
	OPT(UNSAFE, 0, "unsafe", NULL, "allow what can do harm: system(), signal(), ...")          \
	OPT(NO_FEATURE, 0, "no-feature", "NAME,...", "do without these features of the kernel")    \
	LATER(DWARF_PID, 0, "dwarf-pid", "PID", "unwind this process by its DWARF too")            \
	OPT(USDT_FILE, 0, "usdt-file-activation", NULL, "nothing to do here: it is always so")     \
	LATER(TRACEABLE, 0, "traceable-functions", "FILE", "read kernel functions from FILE")      \
	OPT(DEBUGINFO, 0, "debuginfo", "DIR:...", "look for debug information here too")           \
	GROUP("Output")                                                                            \
	OPT(OUTPUT, 'o', "output", "FILE", "write the output to FILE")                             \
	OPT(FORMAT, 'f', NULL, "text|json|csv|openmetrics|folded|flame",                           \
	    "of the output; folded: stacks, one a line;\n"                                         \
	    "flame: a flame graph, as SVG")                                                        \
	OPT(LIVE, 0, "live", NULL, "show the maps on the terminal while they change")              \
	OPT(PERCENTILES, 0, "percentiles", NULL, "p50 p90 p99 max under each histogram")           \
	OPT(BUFFERING, 'B', NULL, "none|line|full", "when output is written")                      \
	OPT(QUIET, 'q', "quiet", NULL, "no \"Attached N probes\"")                                 \
	OPT(NO_WARNINGS, 0, "no-warnings", NULL, "no warnings")                                    \
	OPT(HELPER_ERRORS, 'k', "warnings", NULL, "report failing reads and map updates")          \
	GROUP("Compiling")                                                                         \
	OPT(INCLUDE_DIR, 'I', NULL, "DIR", "look for C headers here too")                          \
	OPT(INCLUDE, 0, "include", "FILE", "include this C header first")                          \
	OPT(DRY_RUN, 0, "dry-run", NULL, "end once all probes are attached")                       \
	OPT(DEBUG, 'd', "debug", "STAGE,...",                                                      \
	    "print what a stage made: ast, types, codegen,\n"                                      \
	    "codegen-opt, dis, libbpf, verifier, or all")                                          \
	OPT(EMIT_ELF, 0, "emit-elf", "FILE", "write the compiled program to FILE, do not run it")  \
	OPT(EMIT_LLVM, 0, "emit-llvm", "FILE", "write the optimised LLVM IR to FILE")              \
	OPT(VERIFY, 0, "verify-llvm-ir", NULL, "check the LLVM IR")                                \
	LATER(AOT, 0, "aot", "FILE", "write a tool that runs without the compiler")                \
	OPT(FMT, 0, "fmt", NULL, "print the program in canonical form, do not run it")             \
	OPT(TEST, 0, "test", NULL, "run the test: probes and tell which of them passed")           \
	OPT(BENCH, 0, "bench", NULL, "run the bench: probes and tell how long they take")          \
	OPT(PROBE_FILTER, 0, "probe-filter", "REGEX", "only probes whose name matches")            \
	OPT(MODE, 0, "mode", "MODE",                                                               \
	    "codegen (compile, no more), compiler-bench\n"                                         \
	    "(time the compiler), bench, test or format\n"                                         \
	    "(the same as --bench, --test, --fmt)")

enum option_id {
#define NONE(title)
#define ID(id, letter, name, arg, help) OPT_##id,
	OPTIONS(NONE, ID, ID)
#undef ID
#undef NONE
		OPT_CNT
};

struct option_row {
	const char *group; /* a title: the rest is empty */
	enum option_id id;
	char letter;
	bool later;
	const char *name, *arg, *help;
};

static const struct option_row rows[] = {
#define GROUP(title) { .group = title },
#define ROW(id, letter, name, arg, help) { NULL, OPT_##id, letter, false, name, arg, help },
#define LATER(id, letter, name, arg, help) { NULL, OPT_##id, letter, true, name, arg, help },
	OPTIONS(GROUP, ROW, LATER)
#undef LATER
#undef ROW
#undef GROUP
};
enum { ROW_CNT = sizeof(rows) / sizeof(*rows) };

/* X(name, what it sets) */
#define STAGES(X)                                                                                  \
	X("ast", o->dump_ast)                                                                      \
	X("types", o->dump_types)                                                                  \
	X("codegen", o->gen.dump_ir)                                                               \
	X("codegen-opt", o->gen.dump_ir_opt)                                                       \
	X("dis", o->gen.dump_asm)                                                                  \
	X("libbpf", o->debug_libbpf)                                                               \
	X("verifier", o->debug_verifier)

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

void options_print_help(void)
{
	printf("trace compiles a tracing program to BPF and runs it in the kernel.\n\n"
	       "  trace [options] FILE [arguments]         FILE may be - for standard input\n"
	       "  trace [options] -e PROGRAM [arguments]\n"
	       "  trace -l[v] [PATTERN,... | FILE | -e PROGRAM]\n");
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].group)
			printf("\n%s:\n", rows[i].group);
		else if (!rows[i].later)
			print_option(&rows[i]);
	}
	printf("\nNot in this version:\n");
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].later)
			print_option(&rows[i]);
	}
	printf("\nThe manual: trace(8) for the command, trace-lang(7) for the language.\n");
}

/* ---- completion */

void options_each(options_fn fn, void *arg)
{
	char name[32];

	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].group || rows[i].later)
			continue;
		snprintf(name, sizeof(name), "-%c", rows[i].letter);
		if (rows[i].letter)
			fn(arg, name, rows[i].help);
		snprintf(name, sizeof(name), "--%s", rows[i].name ? rows[i].name : "");
		if (rows[i].name)
			fn(arg, name, rows[i].help);
	}
}

static const struct option_row *row_of(const char *word)
{
	for (size_t i = 0; i < ROW_CNT; i++) {
		bool is_letter = word[0] == '-' && word[1] && word[1] == rows[i].letter && !word[2];

		if (is_letter ||
		    (rows[i].name && !strncmp(word, "--", 2) && !strcmp(word + 2, rows[i].name)))
			return &rows[i];
	}
	return NULL;
}

bool options_each_value(const char *option, options_fn fn, void *arg)
{
	const struct option_row *r = row_of(option);
	char *words = r && r->arg ? strdup(r->arg) : NULL, *save = NULL;

	if (words && r->id == OPT_DEBUG) {
#define X(name, member) fn(arg, name, "");
		STAGES(X)
#undef X
		fn(arg, "all", "");
	} else if (words && strchr(words, '|')) {
		for (char *s = strtok_r(words, "|", &save); s; s = strtok_r(NULL, "|", &save))
			fn(arg, s, "");
	}
	free(words);
	return r && r->arg;
}

/* ---- values */

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

static int unknown_stage(const char *word)
{
	struct nearest near;

	nearest_init(&near, word);
	fprintf(stderr, "ERROR: -d has no stage '%s': there are ", word);
#define X(name, member)                                                                            \
	fprintf(stderr, "%s, ", name);                                                             \
	nearest_feed(&near, name);
	STAGES(X)
#undef X
	fprintf(stderr, "and all\n");
	if (near.best)
		fprintf(stderr, "HINT: Did you mean '%s'?\n", near.best);
	return -EINVAL;
}

static int set_stages(struct options *o, const char *list)
{
	char *text = strdup(list), *save = NULL;
	int err = text ? 0 : fail_oom();

	for (char *s = text ? strtok_r(text, ",", &save) : NULL; s && !err;
	     s = strtok_r(NULL, ",", &save)) {
		bool all = !strcmp(s, "all"), known = all;
#define X(name, member)                                                                            \
	if (all || !strcmp(s, name))                                                               \
		member = known = true;
		STAGES(X)
#undef X
		if (!known)
			err = unknown_stage(s);
	}
	free(text);
	o->gen.headings = o->dump_ast + o->dump_types + o->gen.dump_ir + o->gen.dump_ir_opt +
				  o->gen.dump_asm >
			  1;
	return err;
}

/* The index of the word that the argument is, or -EINVAL. */
static int choose(const char *letter, const char *arg, const char *const *words, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		if (!strcmp(arg, words[i]))
			return i;
	}
	fprintf(stderr, "ERROR: %s must be ", letter);
	for (int i = 0; i < cnt; i++)
		fprintf(stderr, "%s'%s'", i == 0 ? "" : i == cnt - 1 ? " or " : ", ", words[i]);
	fprintf(stderr, ", not '%s'\n", arg);
	return -EINVAL;
}

static int set_format(struct options *o, const char *arg)
{
	static const char *const words[] = {
		"text", "json", "csv", "openmetrics", "folded", "flame",
	};
	static const enum run_format formats[] = {
		RUN_TEXT, RUN_JSON, RUN_CSV, RUN_OPENMETRICS, RUN_FOLDED, RUN_FLAME,
	};
	int i = choose("-f", arg, words, 6);

	if (i >= 0)
		o->run.format = formats[i];
	return i < 0 ? i : 0;
}

static int set_buffering(struct options *o, const char *arg)
{
	static const char *const words[] = { "line", "full", "none" };
	static const enum run_buffering modes[] = { RUN_BUF_LINE, RUN_BUF_FULL, RUN_BUF_NONE };
	int i = choose("-B", arg, words, 3);

	if (i >= 0)
		o->run.buffering = modes[i];
	return i < 0 ? i : 0;
}

/* There is one mode; the same one may be asked for twice. */
static int set_mode(struct options *o, enum mode mode, const char *option)
{
	if (o->mode != MODE_RUN && o->mode != mode)
		return fail("%s conflicts with the mode that was chosen before", option);
	o->mode = mode;
	return 0;
}

static int choose_mode(struct options *o, const char *arg)
{
	static const char *const words[] = { "codegen", "compiler-bench", "bench", "test",
					     "format" };
	int i = choose("--mode", arg, words, 5);

	return i < 0 ? i : set_mode(o, (enum mode)(MODE_CODEGEN + i), "--mode");
}

static int set_probe_filter(struct options *o, const char *arg)
{
	char why[128];
	int rc;

	if (o->has_probe_filter)
		return fail("--probe-filter is given twice");
	rc = regcomp(&o->probe_filter, arg, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &o->probe_filter, why, sizeof(why));
		return fail("--probe-filter: not a regular expression: '%s': %s", arg, why);
	}
	o->has_probe_filter = true;
	return 0;
}

static int set_pid(struct options *o, const char *arg)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(arg, &end, 10);
	if (errno || *end || end == arg || pid <= 0 || pid > INT_MAX)
		return fail("-p: not a process id: '%s'", arg);
	o->run.pid = (int)pid;
	return 0;
}

static int set_no_feature(struct options *o, const char *arg)
{
	char *unknown = run_unknown_feature(arg);
	int err = 0;

	if (unknown)
		err = fail("--no-feature: no such feature: '%s'; trace --info lists them", unknown);
	free(unknown);
	o->run.no_features = arg;
	return err;
}

static int add_program(struct options *o, const char *text)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s%s", o->program ? o->program : "", o->program ? "\n" : "",
		     text) < 0)
		return fail_oom();
	free(o->program);
	o->program = joined;
	return 0;
}

static int set_later(const struct option_row *r)
{
	if (r->letter)
		return fail("-%c is not available in this version", r->letter);
	return fail("--%s is not available in this version", r->name);
}

static int set_option(struct options *o, const struct option_row *r, char *arg)
{
	bool *flag = NULL;

	if (r->later)
		return set_later(r);
	switch (r->id) {
	case OPT_EVAL: return add_program(o, arg);
	case OPT_LIST: flag = &o->list; break;
	case OPT_SCRIPTS: flag = &o->scripts; break;
	case OPT_VERBOSE: flag = &o->run.verbose; break;
	case OPT_INFO: flag = &o->info; break;
	case OPT_PID: return set_pid(o, arg);
	case OPT_CMD: o->run.child_cmd = arg; break;
	case OPT_UNSAFE: flag = &o->unsafe; break;
	case OPT_NO_FEATURE: return set_no_feature(o, arg);
	case OPT_USDT_FILE: break; /* the kernel counts semaphores up in whoever runs the file */
	case OPT_DEBUGINFO: o->run.debuginfo = arg; break;
	case OPT_OUTPUT: o->run.output = arg; break;
	case OPT_FORMAT: return set_format(o, arg);
	case OPT_LIVE: flag = &o->run.live; break;
	case OPT_PERCENTILES: flag = &o->run.percentiles; break;
	case OPT_BUFFERING: return set_buffering(o, arg);
	case OPT_HELPER_ERRORS:
		o->run.failures = true;
		flag = &o->gen.helper_errors;
		break;
	case OPT_QUIET: flag = &o->run.quiet; break;
	case OPT_NO_WARNINGS: flag = &o->run.no_warnings; break;
	case OPT_DRY_RUN: flag = &o->dry_run; break;
	case OPT_DEBUG: return set_stages(o, arg);
	case OPT_EMIT_ELF: o->emit_elf = arg; break;
	case OPT_EMIT_LLVM: o->gen.emit_llvm = arg; break;
	case OPT_FMT: return set_mode(o, MODE_FORMAT, "--fmt");
	case OPT_TEST: return set_mode(o, MODE_TEST, "--test");
	case OPT_BENCH: return set_mode(o, MODE_BENCH, "--bench");
	case OPT_MODE: return choose_mode(o, arg);
	case OPT_PROBE_FILTER: return set_probe_filter(o, arg);
	case OPT_VERIFY: flag = &o->gen.verify; break;
	case OPT_INCLUDE: o->includes[o->include_cnt++] = arg; break;
	case OPT_INCLUDE_DIR: o->include_dirs[o->include_dir_cnt++] = arg; break;
	case OPT_HELP: flag = &o->help; break;
	case OPT_VERSION: flag = &o->version; break;
	case OPT_DWARF_PID:
	case OPT_TRACEABLE:
	case OPT_AOT:
	case OPT_CNT: break;
	}
	if (flag)
		*flag = true;
	return 0;
}

enum { LONG_BASE = 256 }; /* getopt's value of a long option: this and its row */

static void make_tables(char *letters, struct option *longs)
{
	size_t n = 0;

	*letters++ = '-'; /* arguments come in order, as option 1 */
	*letters++ = ':'; /* a missing argument is told from an unknown option */
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].letter) {
			*letters++ = rows[i].letter;
			if (rows[i].arg)
				*letters++ = ':';
		}
		if (rows[i].name)
			longs[n++] = (struct option){ rows[i].name, !!rows[i].arg, NULL,
						      LONG_BASE + (int)i };
	}
	*letters = 0;
}

static int unknown_option(const struct options *o, const char *word)
{
	struct nearest near;

	if (word[0] != '-' || word[1] != '-')
		return fail("unknown option: -%c; trace --help lists them", optopt);
	if (optopt >= LONG_BASE)
		return fail("option --%s takes no argument", rows[optopt - LONG_BASE].name);
	fail("unknown option: %s; trace --help lists them", word);
	nearest_init(&near, word + 2);
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].name)
			nearest_feed(&near, rows[i].name);
	}
	if (near.best)
		fprintf(stderr, "HINT: Did you mean '--%s'?\n", near.best);
	else if (o->param_cnt && !o->program)
		fprintf(stderr, "HINT: A script's own options stand behind --: trace %s -- %s\n",
			o->params[0], word);
	return -EINVAL;
}

static int missing_argument(void)
{
	if (optopt >= LONG_BASE)
		return fail("option --%s needs an argument: %s", rows[optopt - LONG_BASE].name,
			    rows[optopt - LONG_BASE].arg);
	return fail("option -%c needs an argument", optopt);
}

static const struct option_row *find_row(int c)
{
	if (c >= LONG_BASE)
		return &rows[c - LONG_BASE];
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].letter == c)
			return &rows[i];
	}
	return NULL;
}

/* Without -e the first argument is the FILE; -e may stand behind it, so this is settled at the end. */
static int settle_arguments(struct options *o)
{
	if (o->run.pid && o->run.child_cmd)
		return fail("cannot use both -c and -p");
	if (o->list || o->mode == MODE_FORMAT || o->program || !o->param_cnt)
		return 0;
	o->file = *o->params++;
	o->param_cnt--;
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	char letters[2 * ROW_CNT + 3];
	struct option longs[ROW_CNT + 1] = { 0 };
	int c, err = 0, at = 1;

	/* one table for four lists, each no longer than argv */
	*o = (struct options){ .params = calloc((size_t)argc * 4, sizeof(*o->params)) };
	if (!o->params)
		return fail_oom();
	o->free_params = o->params;
	o->includes = o->params + argc;
	o->include_dirs = o->includes + argc;
	o->named = o->include_dirs + argc;
	make_tables(letters, longs);
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == 1)
			o->params[o->param_cnt++] = optarg;
		else if (c == '?')
			err = unknown_option(o, argv[at]);
		else if (c == ':')
			err = missing_argument();
		else
			err = set_option(o, find_row(c), optarg);
		at = optind;
	}
	for (int i = optind; i < argc && !err; i++) {
		if (!strncmp(argv[i], "--", 2))
			o->named[o->named_cnt++] = argv[i];
		else
			o->params[o->param_cnt++] = argv[i];
	}
	return err ? err : settle_arguments(o);
}

void options_done(struct options *o)
{
	if (o->has_probe_filter)
		regfree(&o->probe_filter);
	free(o->program);
	free(o->free_params);
}

// SPDX-License-Identifier: Apache-2.0
/* Options: one table, from which getopt's tables, the help and the hints are made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer/diag.h"
#include "options.h"

/*
 * Every option that is not one of running (runtime/run_options.h), once. GROUP(title), OPT(ID, short
 * letter or 0, long name or NULL, argument or NULL, help).
 */
#define OPTIONS(GROUP, OPT, RUN)                                                                   \
	GROUP("What to do")                                                                        \
	OPT(EVAL, 'e', NULL, "PROGRAM", "run this program; several are joined")                    \
	OPT(LIST, 'l', "list", NULL, "list probes that match a pattern, or a program's")           \
	OPT(SCRIPTS, 0, "scripts", NULL, "list the installed scripts; trace NAME runs one")        \
	OPT(VERBOSE, 'v', "verbose", NULL, "say more; with -l, also the arguments of probes")      \
	OPT(HELP, 'h', "help", NULL, "print this help")                                            \
	OPT(VERSION, 'V', "version", NULL, "print the version")                                    \
	OPT(INFO, 0, "info", NULL, "print what this kernel has of what trace can use")             \
	GROUP("What to trace")                                                                     \
	RUN_TARGET_OPTIONS(RUN)                                                                    \
	OPT(UNSAFE, 0, "unsafe", NULL, "allow what can do harm: system(), signal(), ...")          \
	OPT(USDT_FILE, 0, "usdt-file-activation", NULL, "nothing to do here: it is always so")     \
	OPT(TRACEABLE, 0, "traceable-functions", "FILE",                                           \
	    "functions of the kernel are those in FILE")                                           \
	GROUP("Output")                                                                            \
	RUN_OUTPUT_OPTIONS(RUN)                                                                    \
	GROUP("Compiling")                                                                         \
	OPT(INCLUDE_DIR, 'I', NULL, "DIR", "look for C headers here too")                          \
	OPT(INCLUDE, 0, "include", "FILE", "include this C header first")                          \
	OPT(DRY_RUN, 0, "dry-run", NULL, "end once all probes are attached")                       \
	OPT(DEBUG, 'd', "debug", "STAGE,...",                                                      \
	    "print what a stage made: ast, types, codegen,\n"                                      \
	    "codegen-opt, dis, libbpf, verifier, or all")                                          \
	OPT(AOT, 0, "aot", "FILE", "write a tool that runs without the compiler")                  \
	OPT(EMIT_ELF, 0, "emit-elf", "FILE", "write the compiled program to FILE, do not run it")  \
	OPT(EMIT_LLVM, 0, "emit-llvm", "FILE", "write the optimised LLVM IR to FILE")              \
	OPT(VERIFY, 0, "verify-llvm-ir", NULL, "check the LLVM IR")                                \
	OPT(FMT, 0, "fmt", NULL, "print the program in canonical form, do not run it")             \
	OPT(TEST, 0, "test", NULL, "run the test: probes and tell which of them passed")           \
	OPT(BENCH, 0, "bench", NULL, "run the bench: probes and tell how long they take")          \
	OPT(PROBE_FILTER, 0, "probe-filter", "REGEX", "only probes whose name matches")            \
	OPT(MODE, 0, "mode", "MODE",                                                               \
	    "codegen (compile, no more), compiler-bench\n"                                         \
	    "(time the compiler), bench, test or format\n"                                         \
	    "(the same as --bench, --test, --fmt)")

enum option_id { OPT_BEFORE = RUN_OPT_CNT - 1, OPTIONS(OPTION_NONE, OPTION_ID, OPTION_NONE) };

static const struct option_row rows[] = { OPTIONS(OPTION_GROUP, OPTION_ROW, OPTION_RUN) };
enum { ROW_CNT = sizeof(rows) / sizeof(*rows) };

static const struct option_table table = { .program = "trace", .rows = rows, .cnt = ROW_CNT };

/* X(name, what it sets) */
#define STAGES(X)                                                                                  \
	X("ast", o->dump_ast)                                                                      \
	X("types", o->dump_types)                                                                  \
	X("codegen", o->gen.dump_ir)                                                               \
	X("codegen-opt", o->gen.dump_ir_opt)                                                       \
	X("dis", o->gen.dump_asm)                                                                  \
	X("libbpf", o->debug_libbpf)                                                               \
	X("verifier", o->debug_verifier)

void options_print_help(void)
{
	printf("trace compiles a tracing program to BPF and runs it in the kernel.\n\n"
	       "  trace [options] FILE [arguments]         FILE may be - for standard input\n"
	       "  trace [options] -e PROGRAM [arguments]\n"
	       "  trace -l[v] [PATTERN,... | FILE | -e PROGRAM]\n");
	option_table_print(&table);
	printf("\nThe manual: trace(8) for the command, trace-lang(7) for the language.\n");
}

/* ---- completion */

void options_each(options_fn fn, void *arg)
{
	char name[32];

	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].group)
			continue;
		snprintf(name, sizeof(name), "-%c", rows[i].letter);
		if (rows[i].letter)
			fn(arg, name, rows[i].help);
		snprintf(name, sizeof(name), "--%s", rows[i].name ? rows[i].name : "");
		if (rows[i].name)
			fn(arg, name, rows[i].help);
	}
}

bool options_each_value(const char *option, options_fn fn, void *arg)
{
	const struct option_row *r = option_table_find(&table, option);
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
	int i = option_choose("--mode", arg, words, 5);

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

static int set_option(struct options *o, const struct option_row *r, const char *arg)
{
	bool *flag = NULL;

	if (r->id < RUN_OPT_CNT) {
		o->gen.helper_errors |= r->id == RUN_OPT_HELPER_ERRORS;
		return run_option_set(&o->run, (enum run_option)r->id, arg);
	}
	switch ((enum option_id)r->id) {
	case OPT_EVAL: return add_program(o, arg);
	case OPT_LIST: flag = &o->list; break;
	case OPT_SCRIPTS: flag = &o->scripts; break;
	case OPT_VERBOSE: flag = &o->run.verbose; break;
	case OPT_INFO: flag = &o->info; break;
	case OPT_UNSAFE: flag = &o->unsafe; break;
	case OPT_TRACEABLE: o->functions = arg; break;
	case OPT_USDT_FILE: break; /* the kernel counts semaphores up in whoever runs the file */
	case OPT_DRY_RUN: flag = &o->dry_run; break;
	case OPT_DEBUG: return set_stages(o, arg);
	case OPT_AOT: o->aot = arg; break;
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
	case OPT_BEFORE: break;
	}
	if (flag)
		*flag = true;
	return 0;
}

static int set_word(void *arg, const struct option_row *r, const char *value)
{
	struct options *o = arg;

	if (r)
		return set_option(o, r, value);
	o->params[o->param_cnt++] = value;
	return 0;
}

static void hint_unknown(void *arg, const char *word)
{
	const struct options *o = arg;
	struct nearest near;

	nearest_init(&near, word + 2);
	for (size_t i = 0; i < ROW_CNT; i++) {
		if (rows[i].name)
			nearest_feed(&near, rows[i].name);
	}
	if (near.best)
		fprintf(stderr, "HINT: Did you mean '--%s'?\n", near.best);
	if (o->param_cnt && !o->program)
		fprintf(stderr, "HINT: A script's own options stand behind --: trace %s -- %s\n",
			o->params[0], word);
}

/* Without -e the first argument is the FILE; -e may stand behind it, so this is settled at the end. */
static int settle_arguments(struct options *o)
{
	int err = run_options_settle(&o->run);

	if (err)
		return err;
	if (o->list || o->mode == MODE_FORMAT || o->program || !o->param_cnt)
		return 0;
	o->file = *o->params++;
	o->param_cnt--;
	if (o->help) { /* who asks behind a script's name means the script */
		o->named[o->named_cnt++] = "--help";
		o->help = false;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	struct option_table t = table;
	int err, rest;

	/* one table for four lists, each no longer than argv, the last with one more word */
	*o = (struct options){ .params = calloc((size_t)argc * 4 + 1, sizeof(*o->params)) };
	if (!o->params)
		return fail_oom();
	o->free_params = o->params;
	o->includes = o->params + argc;
	o->include_dirs = o->includes + argc;
	o->named = o->include_dirs + argc;
	t.set = set_word;
	t.unknown = hint_unknown;
	t.arg = o;
	err = option_table_parse(&t, argc, argv, &rest);
	for (int i = rest; i < argc && !err; i++) {
		/* getopt leaves none but those behind "--" */
		if (!strcmp(argv[i], "-h"))
			o->named[o->named_cnt++] = "--help";
		else if (!strncmp(argv[i], "--", 2))
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

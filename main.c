// SPDX-License-Identifier: Apache-2.0
/*
 * trace: the pipeline from text to output. The only file that sees both halves and that ends the
 * process.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/getopt.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "codegen/codegen.h"
#include "compile.h"
#include "complete.h"
#include "install.h"
#include "list.h"
#include "options.h"
#include "probes/probe.h"
#include "program.h"
#include "runtime/features.h"
#include "runtime/image.h"
#include "runtime/load.h"
#include "runtime/run.h"
#include "runtime/tool.h"
#include "scripts.h"

/* ---- one compilation */

static int write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "we");
	bool bad = !f || fwrite(data, 1, len, f) != len;

	if ((f && fclose(f)) || bad)
		return fail("failed to write '%s': %s", path, strerror(errno));
	return 0;
}

static int write_tool(const struct options *o, const void *elf, size_t elf_sz)
{
	char *runner = install_find("trace-run", PKGLIBEXECDIR);
	int err = runner ? tool_write(o->aot, runner, elf, elf_sz)
			 : fail("--aot: trace-run, which tools begin with, is neither beside trace "
				"nor in %s",
				PKGLIBEXECDIR);

	if (!err && (o->run.child_cmd || o->run.pid))
		fprintf(stderr, "WARNING: %s is not part of a tool: it is for whoever runs %s\n",
			o->run.child_cmd ? "-c" : "-p", o->aot);
	free(runner);
	return err;
}

/* What goes into the image for kernels that take no key as long as the program's: see fit.c. */
static void *compile_short(const struct unit *u, struct codegen_options *gen)
{
	struct codegen_options own = { .helper_errors = gen->helper_errors, .give_up = unit_tell };
	void *elf = NULL;
	struct unit s;

	if (fit_short(u, &s))
		return NULL;
	own.round = gen->round++;
	if (!codegen(&s, &own, &elf, &gen->short_sz))
		gen->short_image = elf;
	fit_short_done(&s);
	return elf;
}

/* checked tree -> exit status, or negative errno when it was not run */
static int back_end(struct unit *u, const struct options *o)
{
	struct codegen_options gen = o->gen;
	struct image img;
	char why[256];
	void *elf = NULL, *short_elf;
	size_t elf_sz;
	int err;

	err = check_privilege(o);
	short_elf = err ? NULL : compile_short(u, &gen);
	err = err ?: codegen(u, &gen, &elf, &elf_sz);
	free(short_elf);
	unit_tell(u);
	if (err || o->emit_elf || o->aot || o->mode == MODE_CODEGEN) {
		if (!err && o->emit_elf)
			err = write_file(o->emit_elf, elf, elf_sz);
		if (!err && o->aot)
			err = write_tool(o, elf, elf_sz);
		free(elf);
		return err;
	}
	/* From here on nothing of the compiler is needed; its memory goes to the tracing. */
	err = image_read(&img, elf, elf_sz, why, sizeof(why));
	err = err ? fail("%s", why) : run_image(&img, &o->run);
	free(elf);
	return err;
}

/* ---- --complete */

/* Compiled as far as names are resolved: getopt() is called then. What is wrong with it is not told. */
static void each_script_option(struct options *o, options_fn fn, void *arg)
{
	struct compile_options compile = { .have_btf = kernel_has_types() };
	struct probe_env_options none = { 0 };
	struct probe_env *env = probe_env_new(&none);
	struct unit u;
	char name[256];
	int err = env ? unit_init(&u, &compile, env) : fail_oom();

	if (!err) {
		err = read_program(&u, o);
		for (const struct pass *p = passes; !err && p->run != infer; p++)
			err = p->run(&u);
		for (const struct asked_option *a = u.script_options; a; a = a->next) {
			snprintf(name, sizeof(name), "--%s%s", a->opt.name,
				 a->opt.kind == SCRIPT_FLAG ? "" : "=");
			fn(arg, name, a->opt.help);
		}
		u.diags = NULL;
		unit_done(&u);
	}
	probe_env_free(env);
}

/* ---- --mode compiler-bench */

struct timing {
	double sum, squares; /* ns */
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One compilation; codegen counts as the pass after the last. */
static int compile_once(struct unit *u, const struct codegen_options *gen, struct timing *timings)
{
	void *elf = NULL;
	size_t elf_sz;
	int err = 0;

	for (int i = 0; i <= PASS_CNT && !err; i++) {
		double from = now_ns(), took;

		err = i < PASS_CNT ? passes[i].run(u) : codegen(u, gen, &elf, &elf_sz);
		took = now_ns() - from;
		timings[i].sum += took;
		timings[i].squares += took * took;
	}
	free(elf);
	return err;
}

static void print_timing(const char *name, const struct timing *t, double rounds)
{
	double mean = t->sum / rounds, sd = sqrt(fmax(0, t->squares / rounds - mean * mean));

	printf("%-30s%-10.0f%-14.0f%.1f ± %.1f µs\n", name, rounds, t->sum, mean / 1e3, sd / 1e3);
}

/* The whole compilation again and again, for a second. */
static int compiler_bench(struct unit *u, const struct options *o)
{
	struct timing timings[PASS_CNT + 1] = { 0 };
	double start = now_ns();
	struct codegen_options gen = o->gen;
	int rounds = 0, err = read_program(u, o);

	while (!err && (rounds < 3 || now_ns() - start < 1e9)) {
		struct unit round;

		err = unit_init(&round, u->opt, u->env);
		err = err
			      ?: add_source(&round, u->main_source->name, u->main_source->text,
					    u->main_source->len);
		err = err ?: compile_once(&round, &gen, timings);
		unit_done(&round);
		gen.round = (uint32_t)++rounds;
	}
	for (int i = 0; i <= PASS_CNT && !err; i++)
		print_timing(i < PASS_CNT ? passes[i].name : "codegen", &timings[i], rounds);
	return err;
}

/* ---- --fmt */

static int format_program(struct unit *u, const struct options *o, FILE *out)
{
	char *text = NULL;
	size_t len = 0;
	int err = read_program(u, o);

	err = err ?: parse(u);
	if (err)
		return err;
	err = format(u, &text, &len);
	if (err)
		fail("%s: cannot be formatted: a mistake in trace", u->main_source->name);
	else
		fwrite(text, 1, len, out);
	free(text);
	return err;
}

static int format_each(struct options *o, FILE *out)
{
	/* What is printed must not depend on the machine. */
	struct compile_options compile = { .warnings = !o->run.no_warnings, .have_btf = true };
	uint32_t cnt = o->program ? 1 : o->param_cnt;
	int err = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		struct unit u;
		int one;

		o->file = o->program ? NULL : o->params[i];
		one = unit_init(&u, &compile, NULL) ?: format_program(&u, o, out);
		unit_done(&u);
		err = err ?: one;
	}
	return err;
}

/* All or nothing, and written when all has been read: the output may be the input's file. */
static int format_all(struct options *o)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);
	int err;

	if (!mem)
		return fail_oom();
	err = format_each(o, mem);
	if (fclose(mem))
		err = err ?: fail_oom();
	if (!err && o->run.output)
		err = write_file(o->run.output, text, len);
	else if (!err && fwrite(text, 1, len, stdout) != len)
		err = fail("failed to write: %s", strerror(errno));
	free(text);
	return err;
}

/* ---- all of it */

static int print_info(const struct options *o)
{
	printf("trace v%s, %s\n", PACKAGE_VERSION, codegen_version());
	return run_print_info(stdout, o->run.no_features);
}

static int run(struct options *o)
{
	struct compile_options compile = {
		.unsafe = o->unsafe,
		.warnings = !o->run.no_warnings && o->mode != MODE_COMPILER_BENCH,
		.mode = o->mode == MODE_TEST	? COMPILE_TEST
			: o->mode == MODE_BENCH ? COMPILE_BENCH
						: COMPILE_RUN,
		.probe_filter = o->has_probe_filter ? &o->probe_filter : NULL,
		.have_btf = kernel_has_types(),
		.has_child = o->run.child_cmd,
		.open_options = o->emit_elf || o->aot,
		.pid = o->run.pid,
		.params = o->params,
		.param_cnt = o->param_cnt,
		.named = o->named,
		.named_cnt = o->named_cnt,
		.includes = o->includes,
		.include_cnt = o->include_cnt,
		.include_dirs = o->include_dirs,
		.include_dir_cnt = o->include_dir_cnt,
	};
	struct probe_env_options env_opt = { .pid = o->run.pid,
					     .unsafe = o->unsafe,
					     .debuginfo = o->run.debuginfo,
					     .functions = o->functions,
					     .no_features = o->run.no_features };
	struct consts_here here;
	struct unit u;
	int err;

	o->run.env = probe_env_new(&env_opt);
	o->run.features = features_new(o->run.no_features);
	here = (struct consts_here){ o->run.features, o->run.env };
	o->gen.give_up = unit_tell;
	o->gen.known = compile.open_options ? NULL : consts_here;
	o->gen.here = &here;
	o->run.dry_run = o->gen.dry_run = o->dry_run;
	o->run.debug = (o->debug_libbpf ? RUN_DEBUG_LIBBPF : 0) |
		       (o->debug_verifier ? RUN_DEBUG_VERIFIER : 0);
	err = unit_init(&u, &compile, o->run.env);
	if (!o->run.env || !o->run.features)
		err = fail_oom();
	if (!err && o->list)
		err = list(&u, o);
	else if (!err && o->mode == MODE_COMPILER_BENCH)
		err = compiler_bench(&u, o);
	else if (!err)
		err = front_end(&u, o) ?: back_end(&u, o);
	if (err == -ECANCELED) /* the script's own help was all */
		err = 0;
	unit_done(&u);
	features_free(o->run.features);
	probe_env_free(o->run.env);
	return err;
}

static int print_usage(void)
{
	fprintf(stderr,
		"trace compiles a tracing program to BPF and runs it in the kernel.\n\n"
		"  trace FILE             run a script\n"
		"  trace -e PROGRAM       run a program, for example\n"
		"      trace -e 'tracepoint:syscalls:sys_enter_execve { @[comm] = count(); }'\n"
		"      trace -e 'profile:hz:99 { @[comm] = count(); }' -c 'make -s'\n"
		"  trace -l '*exec*'      list probes; -lv also their arguments\n"
		"  trace --scripts        the tools that come with it; trace NAME runs one\n"
		"  trace --help           all options\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct options o;
	int err;

	run_fill_streams();
	if (argc > 1 && !strcmp(argv[1], "--complete"))
		return complete(argc - 2, argv + 2, each_script_option);
	err = options_parse(&o, argc, argv);
	if (err)
		;
	else if (o.help)
		options_print_help();
	else if (o.version)
		printf("trace v%s\n", PACKAGE_VERSION);
	else if (o.info)
		err = print_info(&o);
	else if (o.mode == MODE_FORMAT && (o.program || o.param_cnt))
		err = format_all(&o);
	else if (o.scripts)
		err = scripts_list();
	else if (o.list || o.program || o.file)
		err = run(&o);
	else
		err = print_usage();
	if (fflush(stdout) && err >= 0)
		err = 1;
	options_done(&o);
	return err < 0 ? 1 : err;
}

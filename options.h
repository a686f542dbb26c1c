/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line says. */
#ifndef TRACE_OPTIONS_H
#define TRACE_OPTIONS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "codegen/codegen.h"
#include "runtime/run_options.h"

/* --mode: what is done with the program. */
enum mode {
	MODE_RUN,
	MODE_CODEGEN, /* compile, no more */
	MODE_COMPILER_BENCH,
	MODE_BENCH,
	MODE_TEST,
	MODE_FORMAT,
};

struct options {
	char *program; /* of -e; NULL: none */
	const char *file; /* NULL: none */
	const char **params; /* arguments after the program; with -l all of them are patterns */
	uint32_t param_cnt;
	const char **free_params;
	const char **includes, **include_dirs; /* --include, -I; as long as free_params */
	const char **named; /* options of the script: "--name=value" */
	uint32_t include_cnt, include_dir_cnt, named_cnt;
	bool help, version, list, scripts, info, unsafe, dry_run;
	enum mode mode;
	regex_t probe_filter;
	bool has_probe_filter;
	bool dump_ast, dump_types, debug_libbpf, debug_verifier;
	const char *emit_elf, *aot; /* files to write; NULL */
	const char *functions; /* --traceable-functions; NULL */
	struct codegen_options gen;
	struct run_options run;
};

/* 0, or a negative errno after a line on stderr. To be done with in both cases. */
int options_parse(struct options *o, int argc, char **argv);
void options_done(struct options *o);
void options_print_help(void);
/* For completion: every option ("-e", "--list") with what it is; the values of an option's argument. */
typedef void (*options_fn)(void *arg, const char *name, const char *help);
void options_each(options_fn fn, void *arg);
/* False: the option takes none. */
bool options_each_value(const char *option, options_fn fn, void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One compilation: what every pass is given. */
#ifndef TRACE_UNIT_H
#define TRACE_UNIT_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ast/ast.h"
#include "lexer/arena.h"
#include "lexer/diag.h"
#include "lexer/source.h"

struct types;
struct probe_env;
struct settings;
struct ctypes;

enum compile_mode {
	COMPILE_RUN, /* without test: and bench: probes */
	COMPILE_TEST,
	COMPILE_BENCH,
};

struct compile_options {
	bool unsafe;
	bool warnings;
	bool have_btf; /* defines BPFTRACE_HAVE_BTF and TRACE_HAVE_BTF */
	bool has_child; /* -c */
	int pid; /* -p; 0: none */
	enum compile_mode mode;
	const regex_t *probe_filter; /* NULL: all */
	const char *const *params; /* $1 .. */
	uint32_t param_cnt;
	const char *const *named; /* options of the script: "--name=value" */
	uint32_t named_cnt;
	bool open_options; /* --aot, --emit-elf: those not given, and -p, are for whoever runs it */
	const char *const *includes, *const *include_dirs; /* --include, -I */
	uint32_t include_cnt, include_dir_cnt;
};

/* sizeof(), or offsetof() where a constant is needed, of the kernel's structures: a number by now. */
struct size_used {
	const struct type *type;
	const char *const *path; /* of offsetof() */
	uint32_t path_cnt; /* 0: sizeof() */
	struct span span;
	struct size_used *next;
};

/* A #define of the script that is no expression: who uses its name in an action is told so. */
struct define_other {
	const char *name;
	struct span span;
	struct define_other *next;
};

struct unit {
	struct arena *arena;
	struct sources *sources;
	struct diags *diags;
	struct types *types;
	const struct compile_options *opt;
	struct settings
		*settings; /* config variables: defaults, environment, then the config block */
	struct define_other *other_defines; /* import */
	struct size_used *sizes; /* infer: of the kernel's structures, that code depends on */
	struct ctypes *ctypes; /* import makes it, define adds the program's own */
	struct asked_option *script_options; /* resolve: what getopt() asks for */
	uint64_t params_used; /* parse, resolve: bit N - 1 for $N, all for $# */
	struct probe_env *env; /* what probes are looked up in */
	const struct source *main_source;
	struct node *program;
	const struct node *macros; /* expand: what the program no longer holds; N_MACRO */
};

/*
 * The passes, in their order. Each returns 0 or a negative errno; -EINVAL means that diagnostics
 * were queued. Contracts (needs / gives) stand above each definition.
 *
 * So that one run tells all errors, configure to infer go on after one: they mark what they could
 * not make sense of, later passes are silent about it, and check gives -EINVAL when any error has
 * been queued. Whoever stops before check asks diags_errors().
 */
int parse(struct unit *u); /* parser/: text -> program */
/* The same for one more text (an import): an N_PROGRAM, NULL when diagnostics were queued. */
struct node *parse_source(struct unit *u, const struct source *src);
int import(struct unit *u); /* other scripts, headers, #define */
int configure(struct unit *u); /* config block -> settings */
int expand_macros(struct unit *u); /* run by expand */
int expand(struct unit *u); /* wildcards -> concrete targets; one probe per type and args layout */
int define(struct unit *u); /* C definitions -> ctypes */
int resolve(struct unit *u); /* names -> symbols, builtins, positional parameters -> literals */
int infer(struct unit *u); /* types of everything, to a fixed point */
int check(struct unit *u); /* what the types do not say: call rules, formats, placement */
int fold(struct unit *u); /* constants */
int pick(struct unit *u); /* the probes that are to run */

int format(struct unit *u, char **text, size_t *len); /* --fmt: the program as text again */

void ast_dump(FILE *out, const struct node *n, bool with_types);

#endif

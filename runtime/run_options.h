/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of running, which trace and every compiled tool have, and how a command line is read by a
 * table of options.
 */
#ifndef TRACE_RUN_OPTIONS_H
#define TRACE_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/run.h"

/* X(ID, short letter or 0, long name or NULL, argument or NULL, help); \n in a help breaks its line */
#define RUN_TARGET_OPTIONS(X)                                                                      \
	X(PID, 'p', "pid", "PID", "trace this process only, and end with it")                      \
	X(CMD, 'c', "cmd", "COMMAND", "run a command, and end with it")                            \
	X(NO_FEATURE, 0, "no-feature", "NAME,...", "do without these features of the kernel")      \
	X(DEBUGINFO, 0, "debuginfo", "DIR:...", "look for debug information here too")             \
	X(DWARF_PID, 0, "dwarf-pid", "PID,...",                                                    \
	  "be ready for the stacks of these processes\n"                                           \
	  "before they are met; others need no option")
#define RUN_OUTPUT_OPTIONS(X)                                                                      \
	X(OUTPUT, 'o', "output", "FILE", "write the output to FILE")                               \
	X(FORMAT, 'f', NULL, "text|json|csv|openmetrics|folded|flame",                             \
	  "of the output; folded: stacks, one a line;\n"                                           \
	  "flame: a flame graph, as SVG")                                                          \
	X(LIVE, 0, "live", NULL, "show the maps on the terminal while they change")                \
	X(PERCENTILES, 0, "percentiles", NULL, "p50 p90 p99 max under each histogram")             \
	X(BUFFERING, 'B', NULL, "none|line|full", "when output is written")                        \
	X(QUIET, 'q', "quiet", NULL, "no \"Attached N probes\"")                                   \
	X(NO_WARNINGS, 0, "no-warnings", NULL, "no warnings")                                      \
	X(HELPER_ERRORS, 'k', "warnings", NULL, "report failing reads and map updates")

enum run_option {
#define X(id, letter, name, arg, help) RUN_OPT_##id,
	RUN_TARGET_OPTIONS(X) RUN_OUTPUT_OPTIONS(X)
#undef X
		RUN_OPT_CNT
};

/* 0, or a negative errno after a line on stderr. */
int run_option_set(struct run_options *o, enum run_option id, const char *arg);
/* What only all of them tell. */
int run_options_settle(const struct run_options *o);

/* ---- tables of options ---- */

struct option_row {
	const char *group; /* a title: the rest is empty */
	int id; /* below RUN_OPT_CNT: one of the above */
	char letter; /* 0: none */
	bool may_lack; /* the long form's argument may be left out */
	const char *name, *arg, *help; /* NULL: none */
};

struct option_table {
	const char *program; /* for "PROGRAM --help lists them" */
	const struct option_row *rows;
	size_t cnt;
	/* One option, or with row NULL a word that is none. Stops at what is not 0. */
	int (*set)(void *arg, const struct option_row *row, const char *value);
	/* After "unknown option: WORD", for a hint; may be NULL. */
	void (*unknown)(void *arg, const char *word);
	void *arg;
};

/*
 * A program writes its list once, as OPTIONS(GROUP, OPT, RUN), and expands it to an enum (after
 * RUN_OPT_CNT - 1) and to rows.
 */
#define OPTION_NONE(...)
#define OPTION_ID(id, letter, name, arg, help) OPT_##id,
#define OPTION_GROUP(title) { .group = title },
#define OPTION_ROW(id, letter, name, arg, help) { NULL, OPT_##id, letter, false, name, arg, help },
#define OPTION_RUN(id, letter, name, arg, help)                                                    \
	{ NULL, RUN_OPT_##id, letter, false, name, arg, help },

/* Gives the index of the first word behind "--" in *rest. */
int option_table_parse(const struct option_table *t, int argc, char **argv, int *rest);
void option_table_print(const struct option_table *t);
/* By "-x" or "--name"; NULL: there is none. */
const struct option_row *option_table_find(const struct option_table *t, const char *word);

/* "ERROR: ..." on stderr; gives -EINVAL, -ENOMEM. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int fail_oom(void);
/* The index of the word that an option's argument is, or -EINVAL. */
int option_choose(const char *option, const char *arg, const char *const *words, int cnt);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Running an image: the runtime half as main.c and tests/image_run.c see it. */
#ifndef TRACE_RUN_H
#define TRACE_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "runtime/image.h"

struct probe_env;

enum run_format {
	RUN_TEXT,
	RUN_JSON,
	RUN_CSV,
	RUN_OPENMETRICS,
	RUN_FOLDED,
	RUN_FLAME,
};

enum run_buffering {
	RUN_BUF_AUTO, /* large blocks, but whatever there is as soon as nothing more is to read */
	RUN_BUF_NONE, /* -B none: every write at once */
	RUN_BUF_LINE, /* -B line */
	RUN_BUF_FULL, /* -B full: large blocks only */
};

enum {
	RUN_DEBUG_LIBBPF = 1, /* -d libbpf: what libbpf has to say, on stderr */
	RUN_DEBUG_VERIFIER = 2, /* -d verifier: the verifier's log of every program, on stderr */
};

/* All zero is the default. Strings are the caller's and must outlive the call. */
struct run_options {
	const char *output; /* -o FILE; NULL: stdout */
	enum run_format format;
	enum run_buffering buffering;
	const char *child_cmd; /* -c: words as a shell splits them */
	int pid; /* -p; 0: none */
	bool quiet; /* -q: no "Attached N probes" */
	bool verbose; /* -v */
	bool percentiles; /* --percentiles */
	bool failures; /* -k: told once a second */
	bool live; /* --live */
	bool no_warnings; /* --no-warnings */
	bool dry_run; /* load and attach, then leave without running anything */
	unsigned debug; /* RUN_DEBUG_* */
	const char *debuginfo; /* --debuginfo DIR:...; NULL: none */
	const char *dwarf_pids; /* --dwarf-pid PID,...; NULL: none. See run_next_pid(). */
	const char *no_features; /* --no-feature a,b: treated as missing */
	const struct script_option *script_options; /* by row in the image's; NULL: the defaults */
	struct probe_env *env; /* shared with the compiler half; NULL: one of its own */
	struct features *features; /* the same */
};

/*
 * Loads, attaches and runs until exit(), a signal, the end of the child or of -p. The exit status
 * of trace (0, or the code given to exit()); or a negative errno after one line on stderr said why.
 */
int run_image(const struct image *img, const struct run_options *opt);

/*
 * A standard stream that we were started without: its number must not go to a map or a program, and
 * what is written there (or read) is to fail, so it is opened the wrong way round.
 */
void run_fill_streams(void);

/* -v: that the program is the one for kernels that take short keys only. */
void run_tell_short(uint64_t max_strlen);

/* The first pid of a list "1,2", and what is left of it; NULL: there was none. */
const char *run_next_pid(const char *list, int *pid);

/*
 * --info: kernel, lockdown, capabilities and every feature with what it is for. 0, or a negative
 * errno when out could not be written. no_features as above.
 */
int run_print_info(FILE *out, const char *no_features);

/* NULL when every name in the list a,b is a feature; else the first that is none (malloc'ed). */
char *run_unknown_feature(const char *list);

#endif

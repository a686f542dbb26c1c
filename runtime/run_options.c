/* SPDX-License-Identifier: Apache-2.0 */
/* Options of running: what each sets. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/run_options.h"

static int set_format(struct run_options *o, const char *arg)
{
	static const char *const words[] = {
		"text", "json", "csv", "openmetrics", "folded", "flame",
	};
	static const enum run_format formats[] = {
		RUN_TEXT, RUN_JSON, RUN_CSV, RUN_OPENMETRICS, RUN_FOLDED, RUN_FLAME,
	};
	int i = option_choose("-f", arg, words, 6);

	if (i >= 0)
		o->format = formats[i];
	return i < 0 ? i : 0;
}

static int set_buffering(struct run_options *o, const char *arg)
{
	static const char *const words[] = { "line", "full", "none" };
	static const enum run_buffering modes[] = { RUN_BUF_LINE, RUN_BUF_FULL, RUN_BUF_NONE };
	int i = option_choose("-B", arg, words, 3);

	if (i >= 0)
		o->buffering = modes[i];
	return i < 0 ? i : 0;
}

/* Reads a process id; NULL: there is none. Else what stands behind it. */
static const char *read_pid(const char *text, int *pid)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || n <= 0 || n > INT_MAX)
		return NULL;
	*pid = (int)n;
	return end;
}

static int set_pid(struct run_options *o, const char *arg)
{
	const char *end = read_pid(arg, &o->pid);

	return end && !*end ? 0 : fail("-p: not a process id: '%s'", arg);
}

const char *run_next_pid(const char *list, int *pid)
{
	list = read_pid(list, pid);
	return list ? list + (*list == ',') : NULL;
}

static int set_dwarf_pids(struct run_options *o, const char *arg)
{
	const char *at = arg;
	int pid;

	do {
		at = read_pid(at, &pid);
		if (!at || (*at && *at != ','))
			return fail("--dwarf-pid: not a process id: '%s'", arg);
	} while (*at++);
	o->dwarf_pids = arg;
	return 0;
}

static int set_no_feature(struct run_options *o, const char *arg)
{
	char *unknown = run_unknown_feature(arg);
	int err = 0;

	if (unknown)
		err = fail("--no-feature: no such feature: '%s'; trace --info lists them", unknown);
	free(unknown);
	o->no_features = arg;
	return err;
}

int run_option_set(struct run_options *o, enum run_option id, const char *arg)
{
	switch (id) {
	case RUN_OPT_PID: return set_pid(o, arg);
	case RUN_OPT_CMD: o->child_cmd = arg; break;
	case RUN_OPT_NO_FEATURE: return set_no_feature(o, arg);
	case RUN_OPT_DEBUGINFO: o->debuginfo = arg; break;
	case RUN_OPT_DWARF_PID: return set_dwarf_pids(o, arg);
	case RUN_OPT_OUTPUT: o->output = arg; break;
	case RUN_OPT_FORMAT: return set_format(o, arg);
	case RUN_OPT_LIVE: o->live = true; break;
	case RUN_OPT_PERCENTILES: o->percentiles = true; break;
	case RUN_OPT_BUFFERING: return set_buffering(o, arg);
	case RUN_OPT_QUIET: o->quiet = true; break;
	case RUN_OPT_NO_WARNINGS: o->no_warnings = true; break;
	case RUN_OPT_HELPER_ERRORS: o->failures = true; break;
	case RUN_OPT_CNT: break;
	}
	return 0;
}

int run_options_settle(const struct run_options *o)
{
	return o->pid && o->child_cmd ? fail("cannot use both -c and -p") : 0;
}

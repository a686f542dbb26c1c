/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/maps, one line at a time. */
#ifndef TRACE_PROCMAPS_H
#define TRACE_PROCMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_line {
	uint64_t start, end, off, ino;
	uint32_t dev_major, dev_minor;
	bool exec;
	uint64_t since; /* CLOCK_MONOTONIC; 0: it has been there for a while */
	const char *path; /* "" when there is none; without " (deleted)" */
};

/*
 * Calls fn for each line of the text, which is changed and must end in NUL; lines that are no
 * mapping are passed over. Stops at a non-zero result and returns it.
 */
int procmaps_parse(char *text, int (*fn)(void *arg, const struct map_line *l), void *arg);
/* What the kernel puts behind the path of a file that has no name any more. */
void procmaps_cut_deleted(char *path);
/* A whole file that does not know its size; malloc'ed, ends in NUL. NULL with errno. */
char *procmaps_slurp(const char *path, size_t limit, size_t *sz);

#endif

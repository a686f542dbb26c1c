/* SPDX-License-Identifier: Apache-2.0 */
/* How the file of a mapping is opened. */
#ifndef TRACE_MAPPED_H
#define TRACE_MAPPED_H

#include <stdint.h>
#include <sys/stat.h>

/* A process that has a file mapped, or had. */
struct mapped_by {
	uint32_t tgid;
	uint64_t start, end; /* where */
	uint64_t since; /* CLOCK_MONOTONIC; 0: as long as it has been looked at */
};

/*
 * Through the process, if it lives: then it does not matter that the file was deleted or replaced, nor
 * in which namespace it lies; else by its name, if a file of that inode is there. -ESTALE: there is, but
 * it was written after it was mapped.
 */
int mapped_open(const char *path, uint64_t ino, const struct mapped_by *by);
/* What stands under the name, if it is the inode. */
int mapped_stat(const char *path, uint64_t ino, uint32_t tgid, struct stat *st);
/* When the file was last written, as CLOCK_MONOTONIC has it; 0: before there was such a clock. */
uint64_t mapped_written_ns(const struct stat *st);

#endif

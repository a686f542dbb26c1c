/* SPDX-License-Identifier: Apache-2.0 */
/* What programs unwind user stacks by (codegen/unwind.c), kept as processes and files come and go. */
#ifndef TRACE_UNWIND_H
#define TRACE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unwind;

struct unwind_fds {
	int procs, files, tables, rules, marks; /* maps */
};

/* files has to last. NULL with errno. */
struct ufiles;
struct unwind *unwind_new(const struct unwind_fds *fds, struct ufiles *files);
void unwind_free(struct unwind *u);

/* Readable when unwind_update should be called; negative: processes are met only as they are asked for. */
int unwind_fd(const struct unwind *u);
/* Takes in what processes have done. */
void unwind_update(struct unwind *u);
/* A program knew nothing of an address (struct event_unwind). -EINVAL: it is no such record. */
int unwind_need(struct unwind *u, const void *rec, size_t sz);
/* This process will be met. */
void unwind_expect(struct unwind *u, uint32_t tgid);
/* What this one is going to execute will be, and all that comes of it. */
struct probe_env;
void unwind_expect_child(struct unwind *u, struct probe_env *env, uint32_t tgid, const char *path);

#endif

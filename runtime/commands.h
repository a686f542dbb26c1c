/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of system(): run one after the other while tracing goes on. */
#ifndef TRACE_COMMANDS_H
#define TRACE_COMMANDS_H

#include <signal.h>
#include <stdbool.h>

#include "runtime/out.h"

struct commands;

/* mask: that of the commands. NULL: no memory or descriptors. */
struct commands *commands_new(struct out *o, const sigset_t *mask);
/* Ends the one that runs, by SIGTERM. */
void commands_free(struct commands *c);
/* Readable when commands_step has something to do. */
int commands_fd(const struct commands *c);
/* What it prints will stand here in the output; what is put out after it waits. -errno */
int commands_add(struct commands *c, const char *text, size_t len, const char *json);
/* A message to stderr: at once, or behind what the commands before it print. */
int commands_message(struct commands *c, const char *json, const char *level, uint32_t place,
		     const char *text);
void commands_step(struct commands *c);
/* Whether so much waits that nothing should be added. */
bool commands_full(const struct commands *c);
/* Until all have ended, or a signal comes at signal_fd. */
void commands_wait(struct commands *c, int signal_fd);

#endif

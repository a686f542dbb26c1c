/* SPDX-License-Identifier: Apache-2.0 */
/* The process that -c starts, and the watch over it or over -p. */
#ifndef TRACE_CHILD_H
#define TRACE_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct child;

/*
 * Splits cmd into words and forks a process that waits before its exec. mask is its signal mask.
 * 0, or a negative errno with one line in err.
 */
int child_start(struct child **c, const char *cmd, const sigset_t *mask, char *err, size_t err_sz);
/* Waits until it does nothing but wait: to be called before anything is attached. */
void child_settle(struct child *c);
/* Lets it go. -errno of its exec when that failed. */
int child_go(struct child *c, char *err, size_t err_sz);
/* A word of the command that only a shell takes for more than an argument: "|"; NULL. */
const char *child_shell_word(const struct child *c);
int child_pid(const struct child *c);
/* The program that it is going to execute. */
const char *child_path(const struct child *c);
/* Reaps it when it has ended. */
void child_reap(struct child *c);
/* Ends it when it still runs. */
void child_free(struct child *c);

/* Becomes readable when the process ends. -errno. */
int pid_watch(int pid);

/* Words as a shell splits them: blanks, '...', "..." and backslashes. NULL-terminated, in one block. */
int words_split(const char *s, char ***words);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What tracers leave in a program that lives on: breakpoints and raised semaphores. */
#ifndef TRACE_CANARY_H
#define TRACE_CANARY_H

#include <stdio.h>

/*
 * How many bytes of the process's code are not those of its file, and how many of its semaphores are not
 * zero; told on out, which may be NULL. -1: it is not to be looked at.
 */
int canary_touched(int pid, FILE *out);

#endif

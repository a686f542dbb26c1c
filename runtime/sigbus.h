/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_SIGBUS_H
#define TRACE_SIGBUS_H

#include <signal.h>

/*
 * From here on, what was mapped of a file that somebody cuts short reads as zeroes, where the kernel would
 * end us. old: for sigaction(), to undo it.
 */
void sigbus_survive(struct sigaction *old);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name. */
#ifndef TRACE_SIGNALS_H
#define TRACE_SIGNALS_H

struct arena;
struct nearest;

/* "SIGKILL" or "KILL"; 0: no such signal. */
int signal_by_name(const char *name);
/* Feeds them all, with SIG when the word has it, to the search for the nearest one. */
void signals_nearest(struct arena *a, struct nearest *near);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name. */
#ifndef TRACE_SIGNALS_H
#define TRACE_SIGNALS_H

/* "SIGKILL" or "KILL"; 0: no such signal. */
int signal_by_name(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Tracepoints, and their format files. */
#ifndef TRACE_PROBES_TRACEPOINT_H
#define TRACE_PROBES_TRACEPOINT_H

#include "probes/env.h"

/* All of them: probe_type's list. */
int tracepoint_list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err);

/*
 * Reads a format file's text, which is taken apart in place. Fields that every event has (common_*)
 * are left out: BPF programs find something else there. 0, -EINVAL or -ENOMEM.
 */
int tracepoint_format(struct probe_env *env, const char *subsys, char *text,
		      struct probe_fields *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_CGROUPS_H
#define TRACE_CGROUPS_H

#include "runtime/buf.h"

/*
 * "unified:/path", then those of version 1, "cpu:/path", where there are any: of the hierarchies that
 * match filter (a glob, "" for all) and have such an id.
 */
void cgroup_path_text(struct buf *b, uint64_t id, const char *filter);

/* Of the cgroup at a path; 0 and errno: there is none. */
uint64_t cgroup_id(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_CGROUPS_H
#define TRACE_CGROUPS_H

#include "runtime/buf.h"

/* "unified:/path"; nothing when there is none, or filter (a glob, "" for all) leaves it out. */
void cgroup_path_text(struct buf *b, uint64_t id, const char *filter);

/* Of the cgroup at a path; 0 and errno: there is none. */
uint64_t cgroup_id(const char *path);

#endif

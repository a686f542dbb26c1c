/* SPDX-License-Identifier: Apache-2.0 */
/* What did not get through: lost records, refused map updates, missed probe hits. */
#ifndef TRACE_REPORT_H
#define TRACE_REPORT_H

#include "runtime/event.h"
#include "runtime/load.h"

struct report;

/* All arguments outlive it. NULL: no memory. */
struct report *report_new(const struct run_options *opt, const struct loaded *l,
			  struct event_ctx *events);
void report_free(struct report *r);
/* While tracing: what was lost since the last time. */
void report_live(struct report *r);
/* Before all is detached: how many hits there should have been. */
struct probe_links;
void report_settle(struct report *r, struct probe_links *links);
/* Once, after the last record: the rest, and everything else there is to tell. */
void report_end(struct report *r);

#endif

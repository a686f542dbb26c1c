/* SPDX-License-Identifier: Apache-2.0 */
/* Hits of perf events that the kernel skipped without counting them (PROBE_OVERFLOWS). */
#ifndef TRACE_SKIPS_H
#define TRACE_SKIPS_H

#include "probes/probe.h"
#include "runtime/load.h"

struct skips;

/* Stops the events, which are to be detached next. NULL: nothing can be known, or no memory. */
struct skips *skips_new(const struct loaded *l, const struct image *img, struct probe_links *links);
void skips_free(struct skips *s);
/* How many there were of the probe, once its programs run no more. */
uint64_t skips_of(const struct skips *s, uint32_t probe);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Beats of timers that the kernel has skipped are made up for. */
#ifndef TRACE_BEATS_H
#define TRACE_BEATS_H

#include "probes/probe.h"

struct beats;

/* links must outlive it; map_fd: IMAGE_MAP_BEATS. NULL and errno. */
struct beats *beats_new(struct probe_links *links, int map_fd, uint32_t slot_cnt);
void beats_free(struct beats *b);
/* Readable when beats_step is due. */
int beats_fd(const struct beats *b);
void beats_step(void *beats);

#endif

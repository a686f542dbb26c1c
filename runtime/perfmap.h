/* SPDX-License-Identifier: Apache-2.0 */
/* perf-PID.map: what a runtime says of the code it has made itself. */
#ifndef TRACE_PERFMAP_H
#define TRACE_PERFMAP_H

#include <stdint.h>

struct perfmap;

/* Reads nothing yet. */
struct perfmap *perfmap_new(uint32_t tgid);
void perfmap_free(struct perfmap *p);
/* Opens the file, if there is one by now: it can be read when the process has gone. */
void perfmap_hold(struct perfmap *p);
/* Name of the code at addr and where that begins; NULL: unknown. It lives until the next question. */
const char *perfmap_find(struct perfmap *p, uint64_t addr, uint64_t *start);

#endif

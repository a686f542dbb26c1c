/* SPDX-License-Identifier: Apache-2.0 */
/* --live: maps redrawn in place on the terminal. */
#ifndef TRACE_LIVE_H
#define TRACE_LIVE_H

#include "runtime/out.h"

struct live;

/*
 * Takes over the terminal that o writes to until live_free; what is put out meanwhile appears after.
 * 0 or a negative errno.
 */
int live_new(struct live **l, struct out *o, struct maps *maps);
void live_free(struct live *l);
void live_draw(struct live *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Values over time: the intervals of a tseries() and how they are shown. */
#ifndef TRACE_TSERIES_H
#define TRACE_TSERIES_H

#include "runtime/buf.h"
#include "runtime/image.h"

/* The number of the latest interval that has a value; 0: none. */
uint64_t tseries_latest(const struct image_type *t, const struct tseries_slot *slots);
/*
 * The first interval with a value among the last that a map shows, where "last" is the latest of all
 * its entries; 0: none.
 */
uint64_t tseries_first(const struct image_type *t, const struct tseries_slot *slots, uint64_t last);
/* The slot of an interval, NULL when it has no value. */
const struct tseries_slot *tseries_at(const struct image_type *t, const struct tseries_slot *slots,
				      uint64_t interval);
/* What is shown: for an average sum / cnt. */
int64_t tseries_value(const struct image_type *t, const struct tseries_slot *s);
void tseries_put_value(struct buf *b, const struct image_type *t, const struct tseries_slot *s,
		       uint64_t div);
/* When an interval begins, "2026-11-21 12:21:52.200000000" in UTC. */
void tseries_put_start(struct buf *b, const struct image_type *t, uint64_t interval);

/* A chart: time of day at the left, the value at the right; then a blank line. */
void tseries_text(struct buf *b, const struct image_type *t, const struct tseries_slot *slots,
		  uint64_t last, uint64_t div);
/* [{"interval_start":"..","value":..},..] */
void tseries_json(struct buf *b, const struct image_type *t, const struct tseries_slot *slots,
		  uint64_t last, uint64_t div);

#endif

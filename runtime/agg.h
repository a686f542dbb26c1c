/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: adding up what each CPU has. */
#ifndef TRACE_AGG_H
#define TRACE_AGG_H

#include "runtime/image.h"

/* sum += cpu; sum starts as zeroes. */
void agg_add(const struct image_type *t, void *sum, const void *cpu);
/*
 * sum -= part, where agg_is_sum(); left alone where part is more (a key that was deleted
 * and came again).
 */
void agg_sub(const struct image_type *t, void *sum, const void *part);
/* A part can be taken away again: all but min and max are sums, or forget by the interval. */
bool agg_is_sum(const struct image_type *t);
/* Whether anything was ever counted in it. */
bool agg_used(const struct image_type *t, const void *sum);

/* Takes many lines of text: a histogram or a chart. */
static inline bool agg_is_chart(const struct image_type *t)
{
	return t->kind == V_HIST || t->kind == V_LHIST || t->kind == V_TSERIES;
}

#endif

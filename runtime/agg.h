/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: adding up what each CPU has. */
#ifndef TRACE_AGG_H
#define TRACE_AGG_H

#include "runtime/image.h"

/* sum += cpu; sum starts as zeroes. */
void agg_add(const struct image_type *t, void *sum, const void *cpu);
/*
 * sum -= part, for those that are made of sums; left alone where part is more (a key that was deleted
 * and came again).
 */
void agg_sub(const struct image_type *t, void *sum, const void *part);
/* Made of sums, so that a part can be taken away again: all but min and max. */
bool agg_is_sum(const struct image_type *t);
/* Whether anything was ever counted in it. */
bool agg_used(const struct image_type *t, const void *sum);

#endif

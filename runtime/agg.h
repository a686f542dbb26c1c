/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: adding up what each CPU has. */
#ifndef TRACE_AGG_H
#define TRACE_AGG_H

#include "runtime/image.h"

/* sum += cpu; sum starts as zeroes. */
void agg_add(const struct image_type *t, void *sum, const void *cpu);
/* Whether anything was ever counted in it. */
bool agg_used(const struct image_type *t, const void *sum);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic additions that give a value, on kernels without them. */
#ifndef TRACE_ATOMICS_H
#define TRACE_ATOMICS_H

#include <stddef.h>

#include "runtime/features.h"

/*
 * Needs an object of ours. On a kernel that lacks them changes its fetching additions in *copy, which
 * is made when there is none yet (the caller frees it).
 */
int atomics_settle(const void *elf, size_t sz, struct features *f, void **copy);

#endif

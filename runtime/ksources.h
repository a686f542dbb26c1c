/* SPDX-License-Identifier: Apache-2.0 */
/* File and line of kernel code, where debug information of this very kernel or its modules is installed. */
#ifndef TRACE_KSOURCES_H
#define TRACE_KSOURCES_H

#include <stdint.h>

#include "runtime/elfsyms.h"
#include "runtime/ksyms.h"

struct ksources;

/* Reads nothing yet. dirs: of --debuginfo, or NULL; it has to last, as has ksyms. NULL: no memory. */
struct ksources *ksources_new(const char *dirs, struct ksyms *ksyms);
void ksources_free(struct ksources *k);

/* module: as struct ksym's. NULL: nothing is known. It lives as long as k. */
const struct elfplace *ksources_find(struct ksources *k, uint64_t addr, const char *module);

#endif

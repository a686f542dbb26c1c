/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a Go program carries for its own tracebacks, which stripping leaves. */
#ifndef TRACE_GOSYMS_H
#define TRACE_GOSYMS_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * fn for each function, in the order of addresses; until it says no. The name lives as long as elf. A
 * program of another kind has none.
 */
void gosyms_each(Elf *elf, bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name),
		 void *arg);

#endif

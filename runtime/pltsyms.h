/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a file's procedure linkage table, which no symbol names. */
#ifndef TRACE_PLTSYMS_H
#define TRACE_PLTSYMS_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

/* fn for each entry, with the name of the function that it jumps to; until it says no. The name lives as long as elf. */
void pltsyms_each(Elf *elf, bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name),
		  void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Source of a place, by DWARF. */
#ifndef TRACE_DWARF_H
#define TRACE_DWARF_H

#include "runtime/elfsyms.h"

struct Dwfl_Module;

/* Fills in the sources; none when there is no debug information. addr: as the module has it. */
void dwarf_sources(struct Dwfl_Module *mod, uint64_t addr, bool demangled, struct elfplace *place);
void dwarf_sources_free(struct elfplace *place);

#endif

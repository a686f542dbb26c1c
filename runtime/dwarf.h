/* SPDX-License-Identifier: Apache-2.0 */
/* Source of a place, by DWARF. */
#ifndef TRACE_DWARF_H
#define TRACE_DWARF_H

#include "runtime/elfsyms.h"

struct Dwfl_Module;
struct dwarf;

/* Of a module that lives as long; path: of its program. NULL: no debug information, or no memory. */
struct dwarf *dwarf_new(struct Dwfl_Module *mod, const char *path, bool demangled);
void dwarf_free(struct dwarf *d);

/* Fills in the sources of an address as the module has it; none where nothing is known. */
void dwarf_sources(struct dwarf *d, uint64_t addr, struct elfplace *place);
void dwarf_sources_free(struct elfplace *place);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The line table says which line an address belongs to; the scopes around it, from the inside out,
 * which functions were inlined there and from which lines.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probe.h"
#include "runtime/dwarf.h"

enum { INLINED_MAX = 64 };

static struct elfsource *add(struct elfplace *place)
{
	struct elfsource *more;

	if (place->source_cnt > INLINED_MAX)
		return NULL;
	more = realloc(place->sources, (place->source_cnt + 1) * sizeof(*more));
	if (!more)
		return NULL;
	place->sources = more;
	more += place->source_cnt++;
	*more = (struct elfsource){ 0 };
	return more;
}

/* malloc'ed, as a demangled name is. */
static char *name_of(Dwarf_Die *die, bool demangled)
{
	Dwarf_Attribute attr;
	const char *name;
	char *s = NULL;

	if (demangled && (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
			  dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))) {
		name = dwarf_formstring(&attr);
		s = name ? demangle(name) : NULL;
	}
	name = s ? NULL : dwarf_diename(die);
	return s ?: name ? strdup(name) : NULL;
}

static int number(Dwarf_Die *die, unsigned which)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr(die, which, &attr) || dwarf_formudata(&attr, &v) || v > INT32_MAX)
		return 0;
	return (int)v;
}

/* Where the inlined function was called from: the line of the function around it. */
static void call_site(Dwarf_Die *cu, Dwarf_Die *die, struct elfsource *src)
{
	Dwarf_Files *files;
	size_t cnt, i = (size_t)number(die, DW_AT_call_file);

	src->line = number(die, DW_AT_call_line);
	if (!dwarf_getsrcfiles(cu, &files, &cnt) && i < cnt)
		src->file = dwarf_filesrc(files, i, NULL, NULL);
}

void dwarf_sources(struct Dwfl_Module *mod, uint64_t addr, bool demangled, struct elfplace *place)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu, *scopes = NULL;
	Dwfl_Line *line = dwfl_module_getsrc(mod, addr);
	struct elfsource *src;
	int cnt;

	if (!line)
		return;
	src = add(place);
	if (!src)
		return;
	src->file = dwfl_lineinfo(line, NULL, &src->line, NULL, NULL, NULL);
	cu = dwfl_module_addrdie(mod, addr, &bias);
	cnt = cu ? dwarf_getscopes(cu, addr - bias, &scopes) : 0;
	for (int i = 0; i < cnt && src; i++) {
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			break;
		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		src->inlined = name_of(&scopes[i], demangled);
		if (!src->inlined)
			break;
		src = add(place);
		if (src)
			call_site(cu, &scopes[i], src);
	}
	free(scopes);
}

void dwarf_sources_free(struct elfplace *place)
{
	for (uint32_t i = 0; i < place->source_cnt; i++)
		free((char *)place->sources[i].inlined);
	free(place->sources);
}

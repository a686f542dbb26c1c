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

enum {
	INLINED_MAX = 64,
	BLOCKS_MAX = 256,
	NESTED_MAX = 32, /* of namespaces and types */
};

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

/* A path of our own: those of libdw may stand in a file that somebody writes to. */
static char *copy(const char *path)
{
	return path && *path ? strdup(path) : NULL;
}

/*
 * Where the inlined function was called from: the line of the function around it. A split unit without
 * a list of files uses its skeleton's.
 */
static void call_site(Dwarf_Die *skeleton, Dwarf_Die *unit, Dwarf_Die *die, struct elfsource *src)
{
	Dwarf_Files *files;
	size_t cnt, i = (size_t)number(die, DW_AT_call_file);
	bool found = !dwarf_getsrcfiles(unit, &files, &cnt) ||
		     !dwarf_getsrcfiles(skeleton, &files, &cnt);

	src->line = number(die, DW_AT_call_line);
	if (found && i < cnt)
		src->file = copy(dwarf_filesrc(files, i, NULL, NULL));
}

/* An address, and where the unit that it is in begins. */
struct where {
	Dwarf_Addr addr, base;
};

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/*
 * The function around an address. libdw's own search looks into nothing that has no addresses: not into
 * namespaces, where those of Rust are.
 */
static bool find_function(Dwarf_Die *in, const struct where *at, unsigned depth, Dwarf_Die *fn)
{
	Dwarf_Die die;

	if (depth > NESTED_MAX || dwarf_child(in, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram && debug_has_addr(&die, at->base, at->addr)) {
			*fn = die;
			return true;
		}
		if (holds_functions(tag) && find_function(&die, at, depth + 1, fn))
			return true;
	} while (!debug_next_die(&die));
	return false;
}

/* From a function or block to the one in it that has the address. */
static bool step_in(Dwarf_Die *die, const struct where *at)
{
	Dwarf_Die in;

	if (dwarf_child(die, &in))
		return false;
	do {
		int tag = dwarf_tag(&in);

		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
		     tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
		    debug_has_addr(&in, at->base, at->addr)) {
			*die = in;
			return true;
		}
	} while (!debug_next_die(&in));
	return false;
}

/* The inlined functions that an address is in, the innermost last. */
static int find_inlined(Dwarf_Die *cu, const struct where *at, Dwarf_Die *inlined)
{
	Dwarf_Die die;
	int cnt = 0;

	if (!find_function(cu, at, 0, &die))
		return 0;
	for (unsigned i = 0; i < BLOCKS_MAX && cnt < INLINED_MAX && step_in(&die, at); i++)
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			inlined[cnt++] = die;
	return cnt;
}

struct dwarf {
	struct debug_units *units;
	Dwarf_Addr bias;
	bool demangled;
};

struct dwarf *dwarf_new(struct Dwfl_Module *mod, const char *path, bool demangled)
{
	struct dwarf *d = calloc(1, sizeof(*d));
	Dwarf *dw = d ? dwfl_module_getdwarf(mod, &d->bias) : NULL;

	if (dw)
		d->units = debug_units_new(dw, path);
	if (!dw || !d->units) {
		free(d);
		return NULL;
	}
	d->demangled = demangled;
	return d;
}

void dwarf_free(struct dwarf *d)
{
	if (!d)
		return;
	debug_units_free(d->units);
	free(d);
}

void dwarf_sources(struct dwarf *d, uint64_t addr, struct elfplace *place)
{
	Dwarf_Die cu, unit, inlined[INLINED_MAX];
	struct elfsource *src;
	struct where at = { .addr = addr - d->bias };
	Dwarf_Line *line;
	int cnt;

	if (!debug_units_find(d->units, at.addr, &cu))
		return;
	line = dwarf_getsrc_die(&cu, at.addr);
	src = line ? add(place) : NULL;
	if (!src)
		return;
	src->file = copy(dwarf_linesrc(line, NULL, NULL));
	dwarf_lineno(line, &src->line);
	at.base = debug_unit_base(&cu);
	unit = cu;
	if (!debug_units_split(d->units, &unit)) /* what was inlined is told there */
		return;
	cnt = find_inlined(&unit, &at, inlined);
	while (cnt-- > 0 && src) {
		src->inlined = name_of(&inlined[cnt], d->demangled);
		if (!src->inlined)
			break;
		src = add(place);
		if (src)
			call_site(&cu, &unit, &inlined[cnt], src);
	}
}

void dwarf_sources_free(struct elfplace *place)
{
	for (uint32_t i = 0; i < place->source_cnt; i++) {
		free((char *)place->sources[i].inlined);
		free((char *)place->sources[i].file);
	}
	free(place->sources);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Which unit of a program's debug information an address belongs to. .debug_aranges says so, but clang
 * and Go write none, and in a program of many makers some units are missing from it: then what each unit
 * says of itself is collected, once.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "probes/debug.h"

enum { RANGES_MAX = 4 << 20 }; /* more is a file that lies */

struct range {
	uint64_t from, to;
	Dwarf_Die unit;
};

struct debug_units {
	Dwarf *dw;
	char *program; /* its path */
	struct dwp *package; /* NULL: not looked for yet */
	bool read;
	struct range *ranges; /* by from */
	uint32_t cnt, cap;
};

struct debug_units *debug_units_new(struct Dwarf *dw, const char *program)
{
	struct debug_units *u = calloc(1, sizeof(*u));

	if (u)
		u->program = strdup(program);
	if (!u || !u->program) {
		free(u);
		return NULL;
	}
	u->dw = dw;
	return u;
}

void debug_units_free(struct debug_units *u)
{
	if (!u)
		return;
	dwp_close(u->package);
	free(u->program);
	free(u->ranges);
	free(u);
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static bool add(struct debug_units *u, const struct range *r)
{
	if (u->cnt == u->cap) {
		uint32_t cap = u->cap ? u->cap * 2 : 64;
		struct range *more = realloc(u->ranges, cap * sizeof(*more));

		if (!more)
			return false;
		u->ranges = more;
		u->cap = cap;
	}
	u->ranges[u->cnt++] = *r;
	return u->cnt < RANGES_MAX;
}

static void read_ranges(struct debug_units *u)
{
	Dwarf_CU *cu = NULL;
	struct range r;
	uint8_t type;
	bool ok = true;

	u->read = true;
	while (ok && !dwarf_get_units(u->dw, cu, &cu, NULL, &type, &r.unit, NULL)) {
		Dwarf_Addr base;
		ptrdiff_t at = 0;

		if (type == DW_UT_type || type == DW_UT_split_type)
			continue;
		while (ok && (at = dwarf_ranges(&r.unit, at, &base, &r.from, &r.to)) > 0)
			ok = add(u, &r);
	}
	if (u->cnt)
		qsort(u->ranges, u->cnt, sizeof(*u->ranges), compare);
}

bool debug_units_find(struct debug_units *u, uint64_t addr, void *unit)
{
	uint32_t lo = 0, hi;

	if (!u)
		return false;
	if (dwarf_addrdie(u->dw, addr, unit))
		return true;
	if (!u->read)
		read_ranges(u);
	hi = u->cnt;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (u->ranges[mid].from <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr >= u->ranges[lo - 1].to)
		return false;
	*(Dwarf_Die *)unit = u->ranges[lo - 1].unit;
	return true;
}

/* ---- split units ---- */

bool debug_units_split(struct debug_units *u, void *unit)
{
	Dwarf_Die *skeleton = unit, sub = { 0 };
	uint8_t type;

	if (dwarf_cu_info(skeleton->cu, NULL, &type, NULL, &sub, NULL, NULL, NULL) ||
	    type != DW_UT_skeleton)
		return true;
	if (!sub.addr && !u->package)
		u->package = dwp_open(u->program);
	if (!sub.addr && (!u->package || !dwp_unit(u->package, u->dw, skeleton, &sub)))
		return false;
	*skeleton = sub;
	return true;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Functions in debug information, by address: names are no way, a program has many static functions
 * of one name. A unit's functions are collected when one of them is asked for, so that thousands
 * matched by a wildcard are as cheap each as one.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "probes/debug.h"

enum { NESTING_MAX = 16 }; /* of namespaces and classes */

struct debug_row {
	uint64_t addr;
	Dwarf_Die die;
};

/* The functions of a unit, by address. */
struct debug_unit {
	struct debug_unit *next;
	const void *addr; /* of the unit's DIE, which tells units apart */
	struct debug_row *rows;
	uint32_t cnt, cap;
};

struct Dwfl_Module *debug_module(struct probe_env *env, struct elf_file *f)
{
	int fd;

	if (!f->debug_tried) {
		f->debug_tried = true;
		fd = elf_file_open(f);
		f->debug = fd < 0 ? NULL : debugfile_open(fd, f->path, env->opt.debuginfo);
	}
	return f->debug ? debugfile_module(f->debug) : NULL;
}

Dwarf *debug_of(struct probe_env *env, struct elf_file *f)
{
	Dwarf_Addr elf_bias = 0, dwarf_bias = 0;
	struct Dwfl_Module *mod = debug_module(env, f);

	if (f->dwarf || f->dwarf_tried || !mod || !dwfl_module_getelf(mod, &elf_bias))
		return f->dwarf;
	f->dwarf_tried = true;
	f->dwarf = dwfl_module_getdwarf(mod, &dwarf_bias);
	f->debug_bias = (int64_t)(elf_bias - dwarf_bias);
	return f->dwarf;
}

void debug_close(struct elf_file *f)
{
	for (struct debug_unit *u = f->units; u; u = u->next)
		free(u->rows);
	debug_units_free(f->addresses);
	debugfile_close(f->debug);
}

int64_t debug_bias(const struct elf_file *f)
{
	return f->debug_bias;
}

/* ---- units ---- */

static struct debug_units *units_of(struct elf_file *f)
{
	if (!f->addresses)
		f->addresses = debug_units_new(f->dwarf, f->open_as);
	return f->addresses;
}

static struct debug_units *units_in(struct probe_env *env, const Dwarf *dw)
{
	struct elf_file *f = env->files;

	while (f && f->dwarf != dw)
		f = f->next;
	return f ? units_of(f) : NULL;
}

bool debug_next_unit(struct probe_env *env, Dwarf *dw, struct debug_walk *w)
{
	struct debug_units *units = units_in(env, dw);
	uint8_t type;

	while (!w->ended) {
		if (dwarf_get_units(dw, w->cu, &w->cu, NULL, &type, &w->skeleton, NULL)) {
			w->ended = true;
			break;
		}
		w->unit = w->skeleton;
		if (type == DW_UT_skeleton && !(units && debug_units_split(units, &w->unit)))
			continue;
		if (type != DW_UT_type && type != DW_UT_split_type)
			return true;
	}
	return false;
}

/* ---- functions ---- */

static bool add_row(struct debug_unit *u, uint64_t addr, const Dwarf_Die *die)
{
	if (u->cnt == u->cap) {
		uint32_t cap = u->cap ? u->cap * 2 : 64;
		struct debug_row *more = realloc(u->rows, cap * sizeof(*more));

		if (!more)
			return false;
		u->rows = more;
		u->cap = cap;
	}
	u->rows[u->cnt++] = (struct debug_row){ addr, *die };
	return true;
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_module ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* One that the compiler split into hot and cold parts has ranges, that of the entry first. */
static bool entry_of(Dwarf_Die *fn, Dwarf_Addr *addr)
{
	Dwarf_Addr base, end;

	return !dwarf_entrypc(fn, addr) || dwarf_ranges(fn, 0, &base, addr, &end) > 0;
}

static bool collect(struct debug_unit *u, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;
	Dwarf_Addr addr;
	int rc;

	for (rc = dwarf_child(parent, &die); !rc; rc = debug_next_die(&die)) {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram) {
			if (entry_of(&die, &addr) && !add_row(u, addr, &die))
				return false;
		} else if (is_scope(tag) && depth < NESTING_MAX && !collect(u, &die, depth + 1)) {
			return false;
		}
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct debug_row *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static struct debug_unit *functions_of(struct probe_env *env, struct elf_file *f, Dwarf_Die *unit)
{
	struct debug_unit *u;

	for (u = f->units; u; u = u->next)
		if (u->addr == unit->addr)
			return u;
	u = env_alloc(env, sizeof(*u));
	if (!u)
		return NULL;
	u->addr = unit->addr;
	u->next = f->units;
	f->units = u;
	collect(u, unit, 0);
	if (u->cnt)
		qsort(u->rows, u->cnt, sizeof(*u->rows), compare);
	return u;
}

static bool find_row(const struct debug_unit *u, uint64_t addr, Dwarf_Die *die)
{
	const struct debug_row key = { .addr = addr }, *row;

	row = u && u->cnt ? bsearch(&key, u->rows, u->cnt, sizeof(key), compare) : NULL;
	if (row)
		*die = row->die;
	return row != NULL;
}

bool debug_find_function(struct probe_env *env, struct elf_file *f, uint64_t addr, Dwarf_Die *die)
{
	struct debug_units *units = debug_of(env, f) ? units_of(f) : NULL;
	Dwarf_Die cu;

	addr += (uint64_t)f->debug_bias;
	return units && debug_units_find(units, addr, &cu) && debug_units_split(units, &cu) &&
	       find_row(functions_of(env, f, &cu), addr, die);
}

// SPDX-License-Identifier: Apache-2.0
/* Types of a program by name: the first unit that defines one. Namespaces are looked through. */
#include <dwarf.h>
#include <string.h>

#include "probes/debug.h"

enum { NESTING_MAX = 16 };

struct wanted {
	const char *name;
	bool (*is)(const struct wanted *w, Dwarf_Die *die);
	Dwarf_Die found;
};

static bool is_named(const struct wanted *w, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name && !strcmp(name, w->name) && !dwarf_hasattr(die, DW_AT_declaration);
}

static bool is_struct(const struct wanted *w, Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return (tag == DW_TAG_structure_type || tag == DW_TAG_class_type) && is_named(w, die);
}

static bool is_union(const struct wanted *w, Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_union_type && is_named(w, die);
}

static bool is_enum(const struct wanted *w, Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_enumeration_type && is_named(w, die);
}

static bool is_type(const struct wanted *w, Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return (tag == DW_TAG_typedef || tag == DW_TAG_base_type) && is_named(w, die);
}

/* C++ needs no "struct". */
static bool is_class(const struct wanted *w, Dwarf_Die *die)
{
	return is_struct(w, die) || is_union(w, die) || is_enum(w, die);
}

static bool has_enumerator(const struct wanted *w, Dwarf_Die *die)
{
	Dwarf_Die e;

	if (dwarf_tag(die) != DW_TAG_enumeration_type)
		return false;
	for (int rc = dwarf_child(die, &e); !rc; rc = debug_next_die(&e)) {
		const char *name = dwarf_diename(&e);

		if (name && !strcmp(name, w->name))
			return true;
	}
	return false;
}

static bool search(struct wanted *w, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	for (int rc = dwarf_child(parent, &die); !rc; rc = debug_next_die(&die)) {
		if (w->is(w, &die)) {
			w->found = die;
			return true;
		}
		if (dwarf_tag(&die) == DW_TAG_namespace && depth < NESTING_MAX &&
		    search(w, &die, depth + 1))
			return true;
	}
	return false;
}

static const void *find(struct probe_env *env, Dwarf *dw, struct wanted *w)
{
	struct debug_walk walk = { 0 };
	Dwarf_Die *die;

	while (debug_next_unit(env, dw, &walk)) {
		if (!search(w, &walk.unit, 0))
			continue;
		die = env_alloc(env, sizeof(*die));
		if (die)
			*die = w->found;
		return die;
	}
	return NULL;
}

const void *debug_find_type(struct probe_env *env, struct Dwarf *dw, const char *name)
{
	struct wanted w = { .name = name, .is = is_type };
	const char *space = strchr(name, ' ');
	const void *die;

	if (space && !strncmp(name, "struct ", 7))
		w.is = is_struct;
	else if (space && !strncmp(name, "union ", 6))
		w.is = is_union;
	else if (space && !strncmp(name, "enum ", 5))
		w.is = is_enum;
	if (w.is != is_type) {
		w.name = space + 1;
		return find(env, dw, &w);
	}
	die = find(env, dw, &w);
	w.is = is_class;
	return die ?: find(env, dw, &w);
}

const void *debug_find_enumerator(struct probe_env *env, struct Dwarf *dw, const char *name)
{
	struct wanted w = { .name = name, .is = has_enumerator };

	return find(env, dw, &w);
}

// SPDX-License-Identifier: Apache-2.0
/* Types of debug information as C text and by their size. Chains in it may be endless: they lie. */
#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "probes/debug.h"

enum { TYPE_DEPTH_MAX = 32 };

bool debug_type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

bool debug_bare_type(Dwarf_Die *type, Dwarf_Die *bare)
{
	*bare = *type;
	for (unsigned i = 0; i < TYPE_DEPTH_MAX; i++) {
		switch (dwarf_tag(bare)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (!debug_type_of(bare, bare))
				return false;
			break;
		default: return true;
		}
	}
	return false;
}

uint64_t debug_size(Dwarf_Die *type)
{
	Dwarf_Word size;
	Dwarf_Die bare;

	if (!debug_bare_type(type, &bare))
		return 0;
	switch (dwarf_tag(&bare)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type: return 8;
	default: return dwarf_aggregate_size(&bare, &size) ? 0 : size;
	}
}

/* ---- as text ---- */

static const char *tag_word(int tag)
{
	switch (tag) {
	case DW_TAG_structure_type: return "struct ";
	case DW_TAG_class_type: return "class ";
	case DW_TAG_union_type: return "union ";
	case DW_TAG_enumeration_type: return "enum ";
	default: return "";
	}
}

static uint64_t element_cnt(Dwarf_Die *array)
{
	Dwarf_Attribute attr;
	Dwarf_Word cnt = 0;
	Dwarf_Die range;

	if (dwarf_child(array, &range))
		return 0;
	if (dwarf_attr(&range, DW_AT_count, &attr))
		return dwarf_formudata(&attr, &cnt) ? 0 : cnt;
	if (dwarf_attr(&range, DW_AT_upper_bound, &attr) && !dwarf_formudata(&attr, &cnt))
		return cnt + 1;
	return 0;
}

static char *text_of(struct probe_env *env, Dwarf_Die *die, unsigned depth);

/* "int (*)(int, char*)": with a name it would stand in the middle, as C has it. */
static char *function_text(struct probe_env *env, Dwarf_Die *fn, unsigned depth)
{
	Dwarf_Die type, param;
	char *text = debug_type_of(fn, &type) ? text_of(env, &type, depth) : "void", *one;
	const char *sep = "";
	int rc;

	text = text ? env_printf(env, "%s (*)(", text) : NULL;
	for (rc = dwarf_child(fn, &param); text && !rc; rc = debug_next_die(&param)) {
		if (dwarf_tag(&param) == DW_TAG_unspecified_parameters)
			one = "...";
		else if (dwarf_tag(&param) == DW_TAG_formal_parameter &&
			 debug_type_of(&param, &type))
			one = text_of(env, &type, depth);
		else
			continue;
		text = one ? env_printf(env, "%s%s%s", text, sep, one) : NULL;
		sep = ", ";
	}
	return text ? env_printf(env, "%s)", text) : NULL;
}

static char *around(struct probe_env *env, Dwarf_Die *die, unsigned depth, const char *before,
		    const char *after)
{
	Dwarf_Die to;
	char *inner;

	if (!debug_type_of(die, &to))
		return env_printf(env, "%svoid%s", before, after);
	if (*after == '*' && dwarf_tag(&to) == DW_TAG_subroutine_type)
		return function_text(env, &to, depth + 1);
	inner = text_of(env, &to, depth + 1);
	if (!inner)
		return NULL;
	/* what is const in "char *const" is the pointer */
	if (*before && inner[strlen(inner) - 1] == '*')
		return env_printf(env, "%s %.*s", inner, (int)strlen(before) - 1, before);
	return env_printf(env, "%s%s%s", before, inner, after);
}

static char *text_of(struct probe_env *env, Dwarf_Die *die, unsigned depth)
{
	const char *name;
	int tag = dwarf_tag(die);
	char cnt[24] = "[]";

	if (depth > TYPE_DEPTH_MAX)
		return env_strdup(env, "void");
	switch (tag) {
	case DW_TAG_pointer_type: return around(env, die, depth, "", "*");
	case DW_TAG_reference_type: return around(env, die, depth, "", "&");
	case DW_TAG_rvalue_reference_type: return around(env, die, depth, "", "&&");
	case DW_TAG_const_type: return around(env, die, depth, "const ", "");
	case DW_TAG_volatile_type: return around(env, die, depth, "volatile ", "");
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type: return around(env, die, depth, "", "");
	case DW_TAG_array_type:
		if (element_cnt(die))
			snprintf(cnt, sizeof(cnt), "[%llu]", (unsigned long long)element_cnt(die));
		return around(env, die, depth, "", cnt);
	case DW_TAG_subroutine_type: return function_text(env, die, depth + 1);
	default:
		name = dwarf_diename(die);
		return env_printf(env, "%s%s", tag_word(tag), name ?: "<anonymous>");
	}
}

char *debug_type_text(struct probe_env *env, Dwarf_Die *type)
{
	return text_of(env, type, 0);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Whether an address is in a DIE of a split unit. The ranges of one may count from where the unit begins,
 * which its skeleton says. libdw sees the skeleton of no unit that comes from a package, and misses that
 * of DWARF 5 in object files too (0.188).
 */
#include <dwarf.h>
#include <gelf.h>
#include <string.h>

#include "probes/debug.h"

uint64_t debug_unit_base(void *skeleton)
{
	Dwarf_Addr base;

	return dwarf_lowpc(skeleton, &base) ? 0 : base;
}

/*
 * In DWARF 5 a list may go by a number. Where it begins says a table behind the header of its section:
 * a split unit has no more than one of them.
 */
static bool numbered_list(Dwarf_Die *die, const Dwarf_Attribute *attr, uint64_t *at)
{
	enum { HEADER_SZ = 12, DWARF_64 = 0xffffffff };
	Elf *elf = dwarf_getelf(dwarf_cu_getdwarf(die->cu));
	const Elf_Data *d = debug_section(elf, ".debug_rnglists.dwo");
	uint64_t number = 0, entry;
	uint32_t len, off;

	for (uint32_t i = 0; i < 4; i++) {
		number |= (uint64_t)(attr->valp[i] & 0x7f) << 7 * i;
		if (!(attr->valp[i] & 0x80))
			break;
	}
	entry = HEADER_SZ + number * sizeof(off);
	if (!d || entry + sizeof(off) > d->d_size)
		return false;
	memcpy(&len, d->d_buf, sizeof(len));
	memcpy(&off, (const char *)d->d_buf + entry, sizeof(off));
	*at = (uint64_t)HEADER_SZ + off;
	return len != DWARF_64 && *at < d->d_size;
}

/* Where in its section a DIE's list begins. */
static bool list_of(Dwarf_Die *die, uint64_t *at)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr(die, DW_AT_ranges, &attr))
		return false;
	if (attr.form == DW_FORM_rnglistx)
		return numbered_list(die, &attr, at);
	if (dwarf_formudata(&attr, &word))
		return false;
	*at = word;
	return true;
}

bool debug_has_addr(void *die, uint64_t base, uint64_t addr)
{
	Dwarf_Addr from, to, since = base;
	uint64_t first;
	bool restarted; /* at the section's first byte libdw takes its own idea of the base */

	if (!base || !list_of(die, &first))
		return dwarf_haspc(die, addr) > 0;
	restarted = !first;
	for (ptrdiff_t at = (ptrdiff_t)first;
	     (at = dwarf_ranges(die, at, &since, &from, &to)) > 0;) {
		if (restarted && !since) {
			since = base;
			from += base;
			to += base;
		}
		restarted = false;
		if (addr >= from && addr < to)
			return true;
	}
	return false;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * DWARF packages (DWARF 5, 7.3.5, and GNU's version 2 before it): the split units of a whole program in
 * one file beside it, prog.dwp. An index says which slice of each section is a unit's. libdw knows
 * packages from 0.191 on; for older ones the slices are made into the object file that the unit came
 * from. What the unit's program keeps apart, the tables of its addresses, is put beside them; where the
 * unit begins stays with the skeleton, which libdw does not see (debug_ranges.c).
 */
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probes/debug.h"

/* Sections of an object file, those with a number are cut to the unit's slice. */
enum { SLICED_MAX = 8, NO_SLICE = 0 };
static const struct {
	const char *name;
	uint32_t id, id_v2; /* column of the index */
} sections[] = {
	{ ".debug_info.dwo", 1, 1 },
	{ ".debug_abbrev.dwo", 3, 3 },
	{ ".debug_line.dwo", 4, 4 },
	{ ".debug_loc.dwo", NO_SLICE, 5 },
	{ ".debug_loclists.dwo", 5, NO_SLICE },
	{ ".debug_str_offsets.dwo", 6, 6 },
	{ ".debug_rnglists.dwo", 8, NO_SLICE },
	{ ".debug_str.dwo", NO_SLICE, NO_SLICE },
};
enum { SECTION_CNT = sizeof(sections) / sizeof(*sections) };

struct dwp_unit {
	struct dwp_unit *next;
	uint64_t id;
	int fd;
	Elf *elf;
	Dwarf *dwarf; /* NULL: there is none, or it cannot be read */
	Dwarf_Die die;
};

struct dwp {
	int fd;
	Elf *elf;
	Elf_Data *index;
	struct dwp_unit *units; /* made so far */
};

Elf_Data *debug_section(Elf *elf, const char *wanted)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (name && !strcmp(name, wanted) && sh.sh_type != SHT_NOBITS)
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

/* ---- the index ---- */

static uint32_t u32_at(const Elf_Data *d, uint64_t off)
{
	uint32_t v = 0;

	if (off <= d->d_size && d->d_size - off >= sizeof(v))
		memcpy(&v, (const char *)d->d_buf + off, sizeof(v));
	return v;
}

/* What a unit's slices are. */
struct slices {
	bool is_v2;
	uint32_t off[SLICED_MAX + 1], size[SLICED_MAX + 1]; /* by column */
};

static bool find_slices(const Elf_Data *index, uint64_t id, struct slices *s)
{
	uint64_t columns = u32_at(index, 4), rows = u32_at(index, 8), slots = u32_at(index, 12);
	uint64_t ids = 16, numbers = ids + slots * 8, offsets = numbers + slots * 4;
	uint64_t sizes = offsets + (rows + 1) * columns * 4, slot, row = 0;

	*s = (struct slices){ .is_v2 = u32_at(index, 0) == 2 };
	if (slots > index->d_size || rows > index->d_size || columns > 16)
		return false;
	for (slot = 0; slot < slots && !row; slot++) {
		uint64_t found = u32_at(index, ids + slot * 8) |
				 (uint64_t)u32_at(index, ids + slot * 8 + 4) << 32;

		if (found == id)
			row = u32_at(index, numbers + slot * 4); /* 0: the slot is empty */
	}
	if (!row || row > rows)
		return false;
	for (uint64_t c = 0; c < columns; c++) {
		uint32_t column = u32_at(index, offsets + c * 4);

		if (column > SLICED_MAX)
			continue;
		s->off[column] = u32_at(index, offsets + (row * columns + c) * 4);
		s->size[column] = u32_at(index, sizes + ((row - 1) * columns + c) * 4);
	}
	return true;
}

/* ---- the object file ---- */

struct part {
	const char *name;
	const char *bytes;
	size_t size;
};

static uint32_t cut(const struct dwp *p, const struct slices *s, struct part *parts)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < SECTION_CNT; i++) {
		uint32_t column = s->is_v2 ? sections[i].id_v2 : sections[i].id;
		Elf_Data *d = debug_section(p->elf, sections[i].name);

		if (!d)
			continue;
		parts[cnt] = (struct part){ sections[i].name, d->d_buf, d->d_size };
		if (column != NO_SLICE) {
			if (s->off[column] > d->d_size ||
			    s->size[column] > d->d_size - s->off[column])
				continue;
			parts[cnt].bytes += s->off[column];
			parts[cnt].size = s->size[column];
		}
		cnt += parts[cnt].size > 0;
	}
	return cnt;
}

/* A table of the program's, from where on it is the unit's. */
static uint32_t take_table(Dwarf *main, const char *name, const Dwarf_Attribute *from,
			   const char *taken_as, struct part *part)
{
	Elf_Data *d = debug_section(dwarf_getelf(main), name);
	Dwarf_Word base = 0;

	if (!d || !from || dwarf_formudata((Dwarf_Attribute *)from, &base) || base >= d->d_size)
		return 0;
	*part = (struct part){ taken_as, (const char *)d->d_buf + base, d->d_size - base };
	return 1;
}

/* What a unit refers to in its program: addresses, and before DWARF 5 ranges of them. */
static uint32_t take_tables(Dwarf *main, Dwarf_Die *skeleton, struct part *parts)
{
	Dwarf_Attribute attr;
	Dwarf_Attribute *from = dwarf_attr(skeleton, DW_AT_addr_base, &attr)
					?: dwarf_attr(skeleton, DW_AT_GNU_addr_base, &attr);
	uint32_t cnt = take_table(main, ".debug_addr", from, ".debug_addr.dwo", parts);

	from = dwarf_attr(skeleton, DW_AT_GNU_ranges_base, &attr);
	return cnt + take_table(main, ".debug_ranges", from, ".debug_ranges.dwo", parts + cnt);
}

static bool add_section(Elf *elf, const struct part *part, size_t name, uint32_t type)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	GElf_Shdr sh;

	if (!d || !gelf_getshdr(scn, &sh))
		return false;
	d->d_buf = (void *)part->bytes;
	d->d_size = part->size;
	d->d_align = 1;
	d->d_type = ELF_T_BYTE;
	sh.sh_name = (GElf_Word)name;
	sh.sh_type = type;
	return gelf_update_shdr(scn, &sh);
}

static bool write_object(int fd, Dwarf *main, const struct part *parts, uint32_t cnt)
{
	Elf *elf = elf_begin(fd, ELF_C_WRITE, NULL);
	char names[512] = "";
	size_t at = 1;
	GElf_Ehdr eh, like;
	bool ok = elf && gelf_getehdr(dwarf_getelf(main), &like) &&
		  gelf_newehdr(elf, like.e_ident[EI_CLASS]) && gelf_getehdr(elf, &eh);

	for (uint32_t i = 0; i < cnt && ok; i++) {
		ok = add_section(elf, &parts[i], at, SHT_PROGBITS);
		strcpy(names + at, parts[i].name); /* constants of this file */
		at += strlen(parts[i].name) + 1;
	}
	if (ok) {
		strcpy(names + at, ".shstrtab");
		ok = add_section(elf, &(struct part){ NULL, names, at + 10 }, at, SHT_STRTAB);
		eh.e_ident[EI_DATA] = like.e_ident[EI_DATA];
		eh.e_type = ET_REL;
		eh.e_machine = like.e_machine;
		eh.e_version = EV_CURRENT;
		eh.e_shstrndx = (GElf_Half)(cnt + 1);
		ok = ok && gelf_update_ehdr(elf, &eh) && elf_update(elf, ELF_C_WRITE) >= 0;
	}
	elf_end(elf);
	return ok;
}

static void make_unit(const struct dwp *p, Dwarf *main, Dwarf_Die *skeleton, struct dwp_unit *u)
{
	struct part parts[SECTION_CNT + 2];
	struct slices s;
	Dwarf_CU *cu;
	uint32_t cnt;

	if (!find_slices(p->index, u->id, &s))
		return;
	cnt = cut(p, &s, parts);
	cnt += take_tables(main, skeleton, &parts[cnt]);
	u->fd = memfd_create("unit.dwo", MFD_CLOEXEC);
	if (u->fd < 0 || !write_object(u->fd, main, parts, cnt))
		return;
	u->elf = elf_begin(u->fd, ELF_C_READ, NULL);
	u->dwarf = u->elf ? dwarf_begin_elf(u->elf, DWARF_C_READ, NULL) : NULL;
	if (u->dwarf && dwarf_get_units(u->dwarf, NULL, &cu, NULL, NULL, &u->die, NULL)) {
		dwarf_end(u->dwarf);
		u->dwarf = NULL;
	}
}

/* ---- asking ---- */

struct dwp *dwp_open(const char *program)
{
	struct dwp *p = calloc(1, sizeof(*p));
	char *path = NULL;

	if (!p)
		return NULL;
	p->fd = asprintf(&path, "%s.dwp", program) < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	p->elf = p->fd < 0 ? NULL : elf_begin(p->fd, ELF_C_READ, NULL);
	p->index = debug_section(p->elf, ".debug_cu_index");
	return p;
}

bool dwp_unit(struct dwp *p, Dwarf *main, Dwarf_Die *skeleton, Dwarf_Die *unit)
{
	struct dwp_unit *u;
	uint64_t id = 0;

	if (!p->index || dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, NULL, &id, NULL, NULL))
		return false;
	for (u = p->units; u; u = u->next)
		if (u->id == id)
			break;
	if (!u) {
		u = malloc(sizeof(*u));
		if (!u)
			return false;
		*u = (struct dwp_unit){ .next = p->units, .id = id, .fd = -1 };
		p->units = u;
		make_unit(p, main, skeleton, u);
	}
	*unit = u->die;
	return u->dwarf != NULL;
}

void dwp_close(struct dwp *p)
{
	if (!p)
		return;
	for (struct dwp_unit *u = p->units, *next; u; u = next) {
		next = u->next;
		dwarf_end(u->dwarf);
		elf_end(u->elf);
		if (u->fd >= 0)
			close(u->fd);
		free(u);
	}
	elf_end(p->elf);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

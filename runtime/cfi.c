// SPDX-License-Identifier: Apache-2.0
/*
 * Call frame information, found and put into the order of addresses. libdw has an interpreter of it, but
 * that answers for one address at a time, some microseconds each: a second for the 60,000 rows of a C
 * library and what comes with it. Ours (cfi_run.c) goes through each description once, and gives its
 * rows as it goes.
 *
 * What unwinds is in .eh_frame; but Go has .debug_frame alone, and so has some assembly. Files are
 * whatever a process has mapped: nothing in them is believed, and no instruction is gone through twice,
 * however long the list of those who share it.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cfi_run.h"
#include "runtime/gosyms.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
enum { MACHINE = EM_NONE };
#endif

enum { SECTION_MAX = 512 << 20 };

struct cfi {
	struct cfi_section sections[2], *section; /* the one that is being read */
	struct cfi_cie *cies; /* those of the section by offset, from cie_first on */
	struct cfi_fde *fdes;
	uint32_t cie_cnt, fde_cnt, cie_cap, fde_cap, cie_first;
	bool go;
};

/* ---- entries ---- */

static void *grow(void *rows, uint32_t cnt, uint32_t *cap, size_t size)
{
	if (cnt < *cap)
		return rows;
	*cap = *cap ? *cap * 2 : 256;
	return realloc(rows, *cap * size);
}

static int add_cie(struct cfi *c, uint64_t off, const Dwarf_CIE *d)
{
	struct cfi_cie *cies = grow(c->cies, c->cie_cnt, &c->cie_cap, sizeof(*cies)), *cie;
	const uint8_t *aug = d->augmentation_data;

	if (!cies)
		return -ENOMEM;
	c->cies = cies;
	cie = &cies[c->cie_cnt];
	*cie = (struct cfi_cie){
		.off = off,
		.code_align = d->code_alignment_factor,
		.data_align = d->data_alignment_factor,
		.ra = d->return_address_register,
		.section = c->section,
		.enc = DW_EH_PE_absptr,
		.sized = *d->augmentation == 'z',
		.signal = strchr(d->augmentation, 'S'),
		.go = c->go && c->section == &c->sections[0],
	};
	for (const char *s = d->augmentation; aug && *s; s++) {
		struct cfi_reader r = { aug, d->augmentation_data + d->augmentation_data_size,
					false };

		if (*s == 'R') {
			cie->enc = (uint8_t)cfi_take(&r, 1);
		} else if (*s == 'P') {
			uint8_t enc = (uint8_t)cfi_take(&r, 1);

			cfi_take_addr(c->section, &r, enc & 0x0f);
		} else if (*s == 'L') {
			cfi_take(&r, 1);
		}
		aug = r.p;
	}
	if (!cfi_run_cie(cie, d->initial_instructions, d->initial_instructions_end))
		c->cie_cnt++;
	return 0;
}

static int cmp_cie(const void *key, const void *row)
{
	uint64_t off = *(const uint64_t *)key, at = ((const struct cfi_cie *)row)->off;

	return off < at ? -1 : off > at;
}

static int add_fde(struct cfi *c, const Dwarf_FDE *d)
{
	struct cfi_fde *fdes = grow(c->fdes, c->fde_cnt, &c->fde_cap, sizeof(*fdes)), f = { 0 };
	struct cfi_reader r = { d->start, d->end, false };
	uint64_t off = d->CIE_pointer;
	const struct cfi_cie *cie;

	if (!fdes)
		return -ENOMEM;
	c->fdes = fdes;
	cie = c->cie_cnt > c->cie_first ? bsearch(&off, c->cies + c->cie_first,
						  c->cie_cnt - c->cie_first, sizeof(*cie), cmp_cie)
					: NULL;
	if (!cie)
		return 0;
	f.start = cfi_take_addr(c->section, &r, cie->enc);
	f.end = f.start + cfi_take_addr(c->section, &r, cie->enc & 0x0f);
	if (cie->sized)
		cfi_take_block(&r); /* where exceptions are handled */
	if (r.bad || f.end <= f.start)
		return 0;
	f.cie = (uint32_t)(cie - c->cies);
	f.ins = r.p;
	f.ins_end = r.end;
	c->fdes[c->fde_cnt++] = f;
	return 0;
}

static int read_entries(struct cfi *c, const unsigned char *ident, Elf_Data *data, bool eh)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off off = 0, next;
	int rc = 0;

	while (!rc && !dwarf_next_cfi(ident, data, eh, off, &next, &entry)) {
		if (dwarf_cfi_cie_p(&entry))
			rc = add_cie(c, off, &entry.cie);
		else
			rc = add_fde(c, &entry.fde);
		if (next <= off)
			break;
		off = next;
	}
	return rc;
}

static int cmp_fdes(const void *x, const void *y)
{
	const struct cfi_fde *a = x, *b = y;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* ---- files ---- */

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, sh) ? elf_strptr(elf, names, sh->sh_name) : NULL;

		if (s && !strcmp(s, name))
			return scn;
	}
	return NULL;
}

static int add_signal(struct cfi *c, uint64_t addr)
{
	struct cfi_cie *cies = grow(c->cies, c->cie_cnt, &c->cie_cap, sizeof(*cies));
	struct cfi_fde *fdes;

	if (!cies)
		return -ENOMEM;
	c->cies = cies;
	fdes = grow(c->fdes, c->fde_cnt, &c->fde_cap, sizeof(*fdes));
	if (!fdes)
		return -ENOMEM;
	c->fdes = fdes;
	cies[c->cie_cnt] = (struct cfi_cie){ .signal = true };
	/* what is looked up is the instruction before the one that a handler returns to */
	fdes[c->fde_cnt++] =
		(struct cfi_fde){ .start = addr - 4, .end = addr + 8, .cie = c->cie_cnt++ };
	return 0;
}

/* Where handlers of signals return to, in the vdso of arm64: since 5.9 it is known by its name alone. */
static int find_trampoline(struct cfi *c, Elf *elf)
{
	Elf_Data *data;
	GElf_Shdr sh;
	GElf_Sym sym;
	Elf_Scn *scn = find_section(elf, ".dynsym", &sh);

	data = scn && sh.sh_entsize ? elf_getdata(scn, NULL) : NULL;
	for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, sh.sh_link, sym.st_name);

		if (name && !strcmp(name, "__kernel_rt_sigreturn"))
			return add_signal(c, sym.st_value);
	}
	return 0;
}

/* Its bytes; false: the file has none, or none that can be believed. */
static bool section_bytes(Elf_Scn *scn, const GElf_Shdr *sh, struct cfi_section *to,
			  Elf_Data **data)
{
	GElf_Chdr ch;

	if (sh->sh_type == SHT_NOBITS || sh->sh_size > SECTION_MAX)
		return false;
	if (sh->sh_flags & SHF_COMPRESSED &&
	    (!gelf_getchdr(scn, &ch) || ch.ch_size > SECTION_MAX || elf_compress(scn, 0, 0) < 0))
		return false;
	*data = sh->sh_flags & SHF_COMPRESSED ? elf_getdata(scn, NULL) : elf_rawdata(scn, NULL);
	if (!*data || !(*data)->d_buf)
		return false;
	*to = (struct cfi_section){ (*data)->d_buf, sh->sh_addr };
	return true;
}

/* Some have none: that of a program without it ends up without rows. */
static int read_section(struct cfi *c, Elf *elf, const char *name, bool eh)
{
	const unsigned char *ident = (const unsigned char *)elf_getident(elf, NULL);
	struct cfi_section *to = &c->sections[eh];
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(elf, name, &sh);
	Elf_Data *data;

	if (!scn || !section_bytes(scn, &sh, to, &data))
		return 0;
	c->section = to;
	c->cie_first = c->cie_cnt;
	return read_entries(c, ident, data, eh);
}

/* ---- Go ---- */

static bool is_go(Elf *elf)
{
	GElf_Shdr sh;

	return MACHINE == EM_X86_64 && (find_section(elf, ".gopclntab", &sh) ||
					find_section(elf, ".data.rel.ro.gopclntab", &sh));
}

static int cmp_start(const void *key, const void *row)
{
	uint64_t start = *(const uint64_t *)key, at = ((const struct cfi_fde *)row)->start;

	return start < at ? -1 : start > at;
}

/*
 * Functions of Go's runtime that go on on another stack, the thread's. What is written about them holds for
 * the one that they come from: the frame pointer alone leads back to it, which is that of the function
 * that called them, as they have no frame of their own.
 */
static bool mark_switch(void *arg, uint64_t vaddr, uint64_t sz, const char *name)
{
	static const char *const names[] = { "systemstack", "mcall", "morestack", "asmcgocall" };
	static const char package[] = "runtime.";
	struct cfi *c = arg;
	struct cfi_fde *f;
	size_t len;

	(void)sz;
	if (strncmp(name, package, strlen(package)))
		return true;
	name += strlen(package);
	len = strcspn(name, ".");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (len != strlen(names[i]) || strncmp(name, names[i], len))
			continue;
		f = bsearch(&vaddr, c->fdes, c->fde_cnt, sizeof(*f), cmp_start);
		if (f)
			f->switches = true;
	}
	return true;
}

static int put_entries(struct cfi *c, Elf *elf, struct cfi_table *to)
{
	int rc = 0;

	if (c->fde_cnt)
		qsort(c->fdes, c->fde_cnt, sizeof(*c->fdes), cmp_fdes);
	if (c->fde_cnt && c->go)
		gosyms_each(elf, mark_switch, c);
	for (uint32_t i = 0; i < c->fde_cnt && !rc; i++)
		rc = cfi_run_fde(to, &c->cies[c->fdes[i].cie], &c->fdes[i]);
	return rc;
}

int cfi_read(Elf *elf, uint64_t base, cfi_intern intern, void *arg, struct cfi_rows *rows)
{
	const unsigned char *ident = (const unsigned char *)elf_getident(elf, NULL);
	struct cfi c = { 0 };
	struct cfi_table to = { base, intern, arg, rows };
	GElf_Ehdr eh;
	int rc;

	*rows = (struct cfi_rows){ .base = base };
	if (!ident || !gelf_getehdr(elf, &eh) || eh.e_machine != MACHINE ||
	    ident[EI_CLASS] != ELFCLASS64)
		return -ENOENT;
	c.go = is_go(elf);
	rc = read_section(&c, elf, ".eh_frame", true);
	rc = rc ?: read_section(&c, elf, ".debug_frame", false);
	if (!rc && MACHINE == EM_AARCH64)
		rc = find_trampoline(&c, elf);
	rc = rc ?: put_entries(&c, elf, &to);
	free(c.cies);
	free(c.fdes);
	if (!rc && rows->cnt)
		return 0;
	cfi_rows_free(rows);
	return rc ?: -ENOENT;
}

void cfi_rows_free(struct cfi_rows *rows)
{
	free(rows->row);
	*rows = (struct cfi_rows){ 0 };
}

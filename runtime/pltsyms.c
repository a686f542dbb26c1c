// SPDX-License-Identifier: Apache-2.0
/*
 * Linkers lay the table out in many ways (.plt, .plt.sec, .plt.got, with or without marks for indirect
 * branches), but an entry always jumps to what stands in a word of its own, and a relocation says whose
 * address is put there. So the jump is decoded, and the word looked up.
 */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/pltsyms.h"

enum { ENTRY_SZ = 16, SLOTS_MAX = 1 << 20 };

#if defined(__aarch64__)
enum { MACHINE = EM_AARCH64, JUMP_SLOT = R_AARCH64_JUMP_SLOT, GLOB_DAT = R_AARCH64_GLOB_DAT };
#else
enum { MACHINE = EM_X86_64, JUMP_SLOT = R_X86_64_JUMP_SLOT, GLOB_DAT = R_X86_64_GLOB_DAT };
#endif

struct slot {
	uint64_t vaddr;
	const char *name;
};

struct slots {
	struct slot *at;
	size_t cnt, cap;
};

static bool add_slot(struct slots *s, uint64_t vaddr, const char *name)
{
	if (s->cnt == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct slot *more = realloc(s->at, cap * sizeof(*more));

		if (!more)
			return false;
		s->at = more;
		s->cap = cap;
	}
	s->at[s->cnt++] = (struct slot){ vaddr, name };
	return s->cnt < SLOTS_MAX;
}

static void read_slots(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, struct slots *s)
{
	Elf_Scn *syms = elf_getscn(elf, sh->sh_link);
	Elf_Data *data = elf_getdata(scn, NULL), *sym_data = syms ? elf_getdata(syms, NULL) : NULL;
	GElf_Shdr sym_sh;
	GElf_Rela r;
	GElf_Sym sym;

	if (!data || !sym_data || !gelf_getshdr(syms, &sym_sh) || sym_sh.sh_type != SHT_DYNSYM)
		return;
	for (int i = 0; gelf_getrela(data, i, &r); i++) {
		unsigned type = (unsigned)GELF_R_TYPE(r.r_info);
		const char *name;

		if ((type != JUMP_SLOT && type != GLOB_DAT) ||
		    !gelf_getsym(sym_data, (int)GELF_R_SYM(r.r_info), &sym))
			continue;
		name = elf_strptr(elf, sym_sh.sh_link, sym.st_name);
		if (name && *name && !add_slot(s, r.r_offset, name))
			return;
	}
}

static int cmp_slots(const void *x, const void *y)
{
	const struct slot *a = x, *b = y;

	return (a->vaddr > b->vaddr) - (a->vaddr < b->vaddr);
}

/* The word that the entry at vaddr jumps to; 0: it is none. */
static uint64_t slot_of(const uint8_t *entry, uint64_t vaddr)
{
#if defined(__aarch64__)
	uint32_t adrp, ldr;

	/* adrp x16, page; ldr x17, [x16, off]; with or without bti before them */
	for (unsigned at = 0; at + 8 <= ENTRY_SZ; at += 4) {
		memcpy(&adrp, entry + at, 4);
		memcpy(&ldr, entry + at + 4, 4);
		if ((adrp & 0x9f00001f) == 0x90000010 && (ldr & 0xffc003ff) == 0xf9400211) {
			int64_t page = (int64_t)((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3));

			page = (page ^ 0x100000) - 0x100000;
			return ((vaddr + at) & ~0xfffull) + (uint64_t)(page * 4096) +
			       (ldr >> 10 & 0xfff) * 8;
		}
	}
#else
	int32_t rel;

	/* jmp *rel(%rip), behind endbr64 or not, with a bnd prefix or not */
	for (unsigned at = 0; at + 6 <= ENTRY_SZ; at++) {
		if (entry[at] != 0xff || entry[at + 1] != 0x25)
			continue;
		memcpy(&rel, entry + at + 2, sizeof(rel));
		return vaddr + at + 6 + (uint64_t)(int64_t)rel;
	}
#endif
	return 0;
}

struct table {
	const struct slots *slots;
	bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name);
	void *arg;
};

static bool each_entry(Elf_Scn *scn, const GElf_Shdr *sh, const struct table *t)
{
	/* .plt.got of x86 has entries of 8 bytes */
	size_t sz = sh->sh_entsize == 8 ? 8 : ENTRY_SZ;
	Elf_Data *data = elf_rawdata(scn, NULL);
	uint8_t entry[ENTRY_SZ] = { 0 };

	for (size_t at = 0; data && data->d_buf && at + sz <= data->d_size; at += sz) {
		struct slot key = { 0, NULL }, *found;

		memcpy(entry, (const uint8_t *)data->d_buf + at, sz);
		key.vaddr = slot_of(entry, sh->sh_addr + at);
		found = bsearch(&key, t->slots->at, t->slots->cnt, sizeof(key), cmp_slots);
		if (found && !t->fn(t->arg, sh->sh_addr + at, sz, found->name))
			return false;
	}
	return true;
}

void pltsyms_each(Elf *elf, bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name),
		  void *arg)
{
	struct slots slots = { 0 };
	const struct table t = { &slots, fn, arg };
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Ehdr eh;
	GElf_Shdr sh;
	bool more = true;

	if (!gelf_getehdr(elf, &eh) || eh.e_machine != MACHINE || elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_RELA)
			read_slots(elf, scn, &sh, &slots);
	if (slots.cnt)
		qsort(slots.at, slots.cnt, sizeof(*slots.at), cmp_slots);
	while (slots.cnt && more && (scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (s && !strncmp(s, ".plt", 4) && sh.sh_type == SHT_PROGBITS)
			more = each_entry(scn, &sh, &t);
	}
	free(slots.at);
}

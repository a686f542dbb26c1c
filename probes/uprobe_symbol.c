// SPDX-License-Identifier: Apache-2.0
/*
 * Variables of a program by their names. Where a program is loaded anywhere only distances within it are
 * known beforehand: from the place of the probe, whose address the program has when it is hit.
 */
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "probes/elf.h"

static bool is_meant(const GElf_Sym *sym, const char *have, const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return have && sym->st_shndx != SHN_UNDEF && !strcmp(have, name) &&
	       (type == STT_OBJECT || type == STT_NOTYPE || type == STT_FUNC);
}

static bool find_in(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, const char *name, GElf_Sym *sym)
{
	Elf_Data *data = elf_getdata(scn, NULL);

	for (size_t i = 0; data && sh->sh_entsize && i < sh->sh_size / sh->sh_entsize; i++)
		if (gelf_getsym(data, (int)i, sym) &&
		    is_meant(sym, elf_strptr(elf, sh->sh_link, sym->st_name), name))
			return true;
	return false;
}

static bool find(Elf *elf, const char *name, GElf_Sym *sym)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) &&
		    (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM) &&
		    find_in(elf, scn, &sh, name, sym))
			return true;
	return false;
}

static bool loaded_at(const struct elf_file *f, uint64_t off, uint64_t *addr)
{
	for (uint32_t i = 0; i < f->load_cnt; i++) {
		if (off < f->loads[i].off || off - f->loads[i].off >= f->loads[i].size)
			continue;
		*addr = off - f->loads[i].off + f->loads[i].addr;
		return true;
	}
	return false;
}

int uprobe_symbol(struct probe_env *env, const char *path, uint64_t off, const char *name,
		  struct probe_symbol *out, struct probe_error *err)
{
	struct elf_file *f = elf_file_get(env, path, err);
	uint64_t place = 0;
	GElf_Ehdr head;
	GElf_Sym sym;

	if (!f)
		return -ENOENT;
	if (!find(f->elf, name, &sym))
		return probe_fail(err, -1, -ENOENT, "%s has no symbol %s", f->path, name);
	*out = (struct probe_symbol){
		.value = sym.st_value,
		.size = (uint32_t)sym.st_size,
		.is_fixed = gelf_getehdr(f->elf, &head) && head.e_type == ET_EXEC,
	};
	if (out->is_fixed)
		return 0;
	if (!loaded_at(f, off, &place))
		return probe_fail(err, -1, -EINVAL,
				  "%s is loaded anywhere: where %s is can only be known from one "
				  "place in it",
				  f->path, name);
	out->value -= place;
	return 0;
}

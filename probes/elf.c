// SPDX-License-Identifier: Apache-2.0
/* Functions of a program or library, from .symtab and .dynsym. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/elf.h"

static int compare(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ?: (x->addr > y->addr) - (x->addr < y->addr);
}

struct reading {
	struct probe_env *env;
	struct elf_file *f;
	Elf *elf;
};

uint64_t elf_file_offset(const struct elf_file *f, uint64_t addr)
{
	for (uint32_t i = 0; i < f->load_cnt; i++) {
		const struct elf_load *l = &f->loads[i];

		if (addr >= l->addr && addr - l->addr < l->size)
			return addr - l->addr + l->off;
	}
	return 0;
}

static int read_loads(struct reading *r)
{
	struct elf_file *f = r->f;
	GElf_Phdr p;
	size_t cnt;

	if (elf_getphdrnum(r->elf, &cnt) || cnt > UINT16_MAX)
		return -ENOEXEC;
	f->loads = env_alloc(r->env, (cnt + 1) * sizeof(*f->loads));
	if (!f->loads)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		if (gelf_getphdr(r->elf, (int)i, &p) && p.p_type == PT_LOAD)
			f->loads[f->load_cnt++] =
				(struct elf_load){ p.p_vaddr, p.p_offset, p.p_filesz };
	return 0;
}

static int add_symbol(struct reading *r, const char *name, const GElf_Sym *sym)
{
	struct elf_file *f = r->f;
	uint64_t off = elf_file_offset(f, sym->st_value);

	if (!off)
		return 0;
	if (f->cnt == f->cap) {
		uint32_t cap = f->cap ? f->cap * 4 : 1024;
		struct elf_symbol *grown = env_alloc(r->env, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (f->cnt)
			memcpy(grown, f->syms, f->cnt * sizeof(*grown));
		f->syms = grown;
		f->cap = cap;
	}
	name = env_strdup(r->env, name);
	f->syms[f->cnt++] = (struct elf_symbol){ name, sym->st_value, sym->st_size, off };
	return name ? 0 : -ENOMEM;
}

static int read_table(struct reading *r, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t cnt = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;
	GElf_Sym sym;
	int rc = 0;

	for (size_t i = 0; i < cnt && !rc; i++) {
		const char *name;
		int type;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF)
			continue;
		type = GELF_ST_TYPE(sym.st_info);
		name = elf_strptr(r->elf, sh->sh_link, sym.st_name);
		if ((type == STT_FUNC || type == STT_GNU_IFUNC) && name && *name)
			rc = add_symbol(r, name, &sym);
	}
	return rc;
}

static int read_symbols(struct reading *r)
{
	struct elf_file *f = r->f;
	Elf_Scn *scn = NULL;
	uint32_t kept = 0;
	GElf_Shdr sh;
	int rc = read_loads(r);

	while (!rc && (scn = elf_nextscn(r->elf, scn)))
		if (gelf_getshdr(scn, &sh) &&
		    (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM))
			rc = read_table(r, scn, &sh);
	if (rc)
		return rc;
	if (f->cnt)
		qsort(f->syms, f->cnt, sizeof(*f->syms), compare);
	for (uint32_t i = 0; i < f->cnt; i++)
		if (!kept || strcmp(f->syms[kept - 1].name, f->syms[i].name))
			f->syms[kept++] = f->syms[i];
	f->cnt = kept;
	return 0;
}

static int open_file(const char *path, struct probe_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	rc = fd < 0 ? -errno : -EINVAL;
	if (fd >= 0)
		close(fd);
	return probe_fail(err, -1, rc, "%s: %s", path,
			  rc == -EINVAL ? "not a regular file" : strerror(-rc));
}

struct elf_file *elf_file_get(struct probe_env *env, const char *path, struct probe_error *err)
{
	struct reading r = { .env = env };
	int fd, rc = -ENOEXEC;

	for (struct elf_file *f = env->files; f; f = f->next)
		if (!strcmp(f->path, path))
			return f;
	fd = open_file(path, err);
	if (fd < 0)
		return NULL;
	elf_version(EV_CURRENT);
	r.f = env_alloc(env, sizeof(*r.f));
	r.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (r.f && r.elf && elf_kind(r.elf) == ELF_K_ELF)
		rc = read_symbols(&r);
	elf_end(r.elf);
	close(fd);
	if (!rc) {
		r.f->path = env_strdup(env, path);
		rc = r.f->path ? 0 : -ENOMEM;
	}
	if (rc) {
		probe_fail(err, -1, rc, "%s: %s", path,
			   rc == -ENOMEM ? "out of memory" : "not an ELF file");
		return NULL;
	}
	r.f->next = env->files;
	env->files = r.f;
	return r.f;
}

const struct elf_symbol *elf_symbol_find(const struct elf_file *f, const char *name)
{
	uint32_t lo = 0, hi = f->cnt;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = strcmp(f->syms[mid].name, name);

		if (!c)
			return &f->syms[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

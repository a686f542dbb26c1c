// SPDX-License-Identifier: Apache-2.0
/*
 * Functions of a program or library: .symtab and .dynsym, and when it has been stripped what is left
 * in .gnu_debugdata or in its debug file, which are looked for when a name is not found without them.
 */
#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/debug.h"

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
			return addr - l->addr + l->off + f->base;
	}
	return 0;
}

/* ---- opening ---- */

int elf_file_open(const struct elf_file *f)
{
	int fd = f->base ? memfd_create(f->path, MFD_CLOEXEC) : -1;
	size_t done = 0;

	if (!f->base)
		return open(f->open_as, O_RDONLY | O_CLOEXEC);
	/* libdwfl knows no offset: it gets a copy of the archive's member */
	while (fd >= 0 && done < f->size) {
		ssize_t n = write(fd, f->image + f->base + done, f->size - done);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

const uint8_t *elf_file_bytes(const struct elf_file *f, uint64_t off, size_t *left)
{
	if (off < f->base || off - f->base >= f->size)
		return NULL;
	*left = f->size - (off - f->base);
	return f->image + off;
}

void elf_file_close(struct elf_file *f)
{
	elf_end(f->elf);
	if (f->image)
		munmap((void *)f->image, f->mapped);
}

static int map_file(struct elf_file *f, struct probe_error *err)
{
	int fd = open(f->open_as, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	/* into private mappings the kernel writes the breakpoints of others, while they trace */
	at = rc || !st.st_size ? MAP_FAILED
			       : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED) {
		f->image = at;
		f->mapped = f->size = (size_t)st.st_size;
	} else if (!rc) {
		rc = st.st_size ? -errno : -ENOEXEC;
	}
	if (fd >= 0)
		close(fd);
	if (!rc)
		return 0;
	return probe_fail(err, -1, rc, "%s: %s", f->path,
			  rc == -EINVAL	   ? "not a regular file"
			  : rc == -ENOEXEC ? "not an ELF file"
					   : strerror(-rc));
}

/* "a.apk!/lib.so": a file in an archive, where it lies as it is to be mapped. */
static int enter_archive(struct elf_file *f, const char *member, struct probe_error *err)
{
	uint64_t off, size;
	int rc = zip_find(f->image, f->mapped, member, &off, &size);

	if (rc == -ENOENT)
		return probe_fail(err, -1, rc, "%s: the archive has no such file", f->path);
	if (rc == -EINVAL)
		return probe_fail(err, -1, rc, "%s: not in a zip archive", f->path);
	if (rc == -EOPNOTSUPP || off % (uint64_t)sysconf(_SC_PAGESIZE))
		return probe_fail(err, -1, -ENOEXEC,
				  "%s: it is compressed or not aligned, so that no process runs it "
				  "from there",
				  f->path);
	f->base = off;
	f->size = size;
	return 0;
}

/* ---- symbols ---- */

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

static bool is_function(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF;
}

/* Of several of one name the first is meant. */
static uint8_t rank_of(const GElf_Sym *sym, bool hidden)
{
	return (uint8_t)(hidden * 2 + (GELF_ST_BIND(sym->st_info) == STB_LOCAL));
}

static int add_symbol(struct reading *r, const char *name, const GElf_Sym *sym, uint64_t addr,
		      bool hidden)
{
	const char *version = strstr(name, "@@");
	struct elf_file *f = r->f;
	uint64_t off = elf_file_offset(f, addr);

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
	if (version) /* the default one, "foo@@V2", is what foo means */
		name = env_strndup(r->env, name, (size_t)(version - name));
	f->syms[f->cnt++] = (struct elf_symbol){
		.name = name,
		.addr = addr,
		.size = sym->st_size,
		.off = off,
		.rank = rank_of(sym, hidden),
		.is_ifunc = GELF_ST_TYPE(sym->st_info) == STT_GNU_IFUNC,
	};
	return name ? 0 : -ENOMEM;
}

static Elf_Data *versions_of(struct reading *r)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(r->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_GNU_versym)
			return elf_getdata(scn, NULL);
	return NULL;
}

/* Names stay where they are: the file is mapped for as long as env. */
static int read_table(struct reading *r, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Data *versions = sh->sh_type == SHT_DYNSYM ? versions_of(r) : NULL;
	size_t cnt = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;
	int rc = 0;

	for (size_t i = 0; i < cnt && !rc; i++) {
		GElf_Versym version = 0;
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || !is_function(&sym))
			continue;
		if (versions)
			gelf_getversym(versions, (int)i, &version);
		name = elf_strptr(r->elf, sh->sh_link, sym.st_name);
		if (name && *name)
			rc = add_symbol(r, name, &sym, sym.st_value, version & 0x8000);
	}
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	c = c ?: (x->rank > y->rank) - (x->rank < y->rank);
	return c ?: (x->addr > y->addr) - (x->addr < y->addr);
}

static void sort_symbols(struct elf_file *f)
{
	uint32_t kept = 0;

	if (f->cnt)
		qsort(f->syms, f->cnt, sizeof(*f->syms), compare);
	for (uint32_t i = 0; i < f->cnt; i++)
		if (!kept || strcmp(f->syms[kept - 1].name, f->syms[i].name))
			f->syms[kept++] = f->syms[i];
	f->cnt = kept;
}

static bool is_go_mark(const char *section)
{
	return !strcmp(section, ".note.go.buildid") || !strcmp(section, ".go.buildinfo");
}

static int read_symbols(struct reading *r)
{
	struct elf_file *f = r->f;
	Elf_Scn *scn = NULL;
	size_t names = 0;
	GElf_Shdr sh;
	int rc = read_loads(r);

	elf_getshdrstrndx(r->elf, &names);
	while (!rc && (scn = elf_nextscn(r->elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(r->elf, names, sh.sh_name);
		f->is_go |= name && is_go_mark(name);
		f->complete |= sh.sh_type == SHT_SYMTAB;
		if (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM)
			rc = read_table(r, scn, &sh);
	}
	if (!rc)
		sort_symbols(f);
	return rc;
}

/* What the file itself does not tell. */
static void read_debug_symbols(struct probe_env *env, struct elf_file *f)
{
	struct reading r = { .env = env, .f = f };
	struct Dwfl_Module *mod = debug_module(env, f);
	GElf_Addr bias = 0;
	int cnt = mod && dwfl_module_getelf(mod, &bias) ? dwfl_module_getsymtab(mod) : 0;

	for (int i = 0; i < cnt; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		const char *name = dwfl_module_getsym_info(mod, i, &sym, &addr, NULL, NULL, NULL);

		if (name && *name && is_function(&sym) &&
		    add_symbol(&r, name, &sym, addr - bias, false))
			break;
	}
	sort_symbols(f);
}

const struct elf_symbol *elf_symbols(struct probe_env *env, struct elf_file *f, uint32_t *cnt)
{
	if (!f->complete)
		read_debug_symbols(env, f);
	f->complete = true;
	*cnt = f->cnt;
	return f->syms;
}

static bool is_native(Elf *elf)
{
	GElf_Ehdr eh;

	if (!gelf_getehdr(elf, &eh) || gelf_getclass(elf) != ELFCLASS64)
		return false;
#if defined(__x86_64__)
	return eh.e_machine == EM_X86_64;
#elif defined(__aarch64__)
	return eh.e_machine == EM_AARCH64;
#else
	return true;
#endif
}

static int open_elf(struct reading *r, struct probe_error *err)
{
	struct elf_file *f = r->f;
	const char *inside = strstr(f->path, "!/");
	int rc;

	f->open_as = inside ? env_strndup(r->env, f->path, (size_t)(inside - f->path)) : f->path;
	if (!f->open_as)
		return probe_fail_oom(err);
	rc = map_file(f, err);
	if (!rc && inside)
		rc = enter_archive(f, inside + 2, err);
	if (rc)
		return rc;
	elf_version(EV_CURRENT);
	f->elf = r->elf = elf_memory((char *)f->image + f->base, f->size);
	if (!r->elf || elf_kind(r->elf) != ELF_K_ELF)
		return probe_fail(err, -1, -ENOEXEC, "%s: not an ELF file", f->path);
	f->is_native = is_native(r->elf);
	rc = read_symbols(r);
	if (rc == -ENOMEM)
		return probe_fail_oom(err);
	return rc ? probe_fail(err, -1, rc, "%s: not an ELF file", f->path) : 0;
}

struct elf_file *elf_file_get(struct probe_env *env, const char *path, struct probe_error *err)
{
	struct reading r = { .env = env };

	for (struct elf_file *f = env->files; f; f = f->next)
		if (!strcmp(f->path, path))
			return f;
	r.f = env_alloc(env, sizeof(*r.f));
	if (r.f)
		r.f->path = env_strdup(env, path);
	if (!r.f || !r.f->path) {
		probe_fail_oom(err);
		return NULL;
	}
	if (open_elf(&r, err)) {
		elf_file_close(r.f);
		return NULL;
	}
	r.f->next = env->files;
	env->files = r.f;
	return r.f;
}

/* ---- looking up ---- */

static const struct elf_symbol *search(const struct elf_file *f, const char *name)
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

const struct elf_symbol *elf_symbol_find(struct probe_env *env, struct elf_file *f,
					 const char *name)
{
	const struct elf_symbol *s = search(f, name);
	uint32_t cnt;

	if (s || f->complete)
		return s;
	elf_symbols(env, f, &cnt);
	return search(f, name);
}

const struct elf_symbol *elf_symbol_at(struct probe_env *env, struct elf_file *f, uint64_t addr)
{
	uint32_t cnt;
	const struct elf_symbol *s = elf_symbols(env, f, &cnt), *best = NULL;

	for (const struct elf_symbol *end = s + cnt; s < end; s++)
		if (addr >= s->addr && addr - s->addr < s->size && (!best || s->addr > best->addr))
			best = s;
	return best;
}

/*
 * What processes call by the name of an IFUNC is what its resolver, whose address the symbol has,
 * picked for this CPU. Of a library that we have loaded ourselves (libc) the dynamic linker knows.
 */
uint64_t elf_symbol_addr(const struct elf_file *f, const struct elf_symbol *s)
{
	void *lib = s->is_ifunc && !f->base ? dlopen(f->path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
	uint64_t addr = s->addr;
	Dl_info info;
	void *at;

	if (!lib)
		return addr;
	at = dlsym(lib, s->name);
	if (at && dladdr(at, &info) && f->load_cnt)
		addr = (uintptr_t)at - (uintptr_t)info.dli_fbase + f->loads[0].addr -
		       f->loads[0].off;
	dlclose(lib);
	return addr;
}

bool elf_imports(struct elf_file *f, const char *name)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Sym sym;

	while ((scn = elf_nextscn(f->elf, scn))) {
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
			const char *n = elf_strptr(f->elf, sh.sh_link, sym.st_name);

			if (n && sym.st_shndx == SHN_UNDEF && !strcmp(n, name))
				return true;
		}
	}
	return false;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * libdwfl reads the file and whatever belongs to it: .symtab, .dynsym, .gnu_debugdata, debug files. Its
 * own search by address walks all symbols each time, so they are put into a sorted array once.
 *
 * Files are whatever a traced process had mapped: nothing about them is believed.
 */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/dwarf.h"
#include "runtime/elfsyms.h"
#include "runtime/filestamp.h"
#include "runtime/gosyms.h"
#include "runtime/pltsyms.h"

enum {
	SEGMENTS_MAX = 64,
	KNOWN_BUCKETS = 512,
	SYMBOLS_MAX = 8 << 20, /* more is a file that lies */
};

struct segment {
	uint64_t off, vaddr, sz;
};

struct row {
	uint64_t vaddr, sz;
	const char *name;
	char *demangled; /* what to show, malloc'ed; NULL: not yet, or it is no mangled name */
	uint8_t rank; /* among those of one address the highest is the best */
};

struct known {
	uint64_t off;
	bool lines; /* looked for */
	struct elfplace place;
	struct known *next;
};

struct elfsyms {
	int fd; /* lent; -1: none */
	char *path;
	struct filestamp stamp;
	const char *dirs; /* of debug files */
	bool demangle, opened;
	int err;
	struct debugfile *file;
	Dwfl_Module *mod;
	struct dwarf *dwarf; /* NULL: none, or nobody has asked yet */
	bool dwarf_tried;
	GElf_Addr bias;
	struct segment seg[SEGMENTS_MAX];
	uint32_t seg_cnt;
	struct row *rows;
	size_t cnt, cap;
	struct known *known[KNOWN_BUCKETS];
};

struct elfsyms *elfsyms_new(const char *path, const char *dirs, bool demangle)
{
	struct elfsyms *e = calloc(1, sizeof(*e));

	if (e)
		e->path = strdup(path);
	if (!e || !e->path) {
		free(e);
		return NULL;
	}
	e->fd = -1;
	e->dirs = dirs;
	e->demangle = demangle;
	return e;
}

void elfsyms_lend(struct elfsyms *e, int fd, const struct filestamp *stamp)
{
	e->fd = fd;
	e->stamp = *stamp;
}

void elfsyms_rest(struct elfsyms *e)
{
	dwarf_free(e->dwarf);
	e->dwarf = NULL;
	e->dwarf_tried = false;
	debugfile_close(e->file);
	e->file = NULL;
	for (size_t i = 0; i < e->cnt; i++)
		free(e->rows[i].demangled);
	free(e->rows);
	e->rows = NULL;
	e->cnt = e->cap = 0;
	e->seg_cnt = 0;
	e->opened = false;
	e->fd = -1;
}

void elfsyms_free(struct elfsyms *e)
{
	if (!e)
		return;
	elfsyms_rest(e);
	for (unsigned i = 0; i < KNOWN_BUCKETS; i++) {
		for (struct known *k = e->known[i], *next; k; k = next) {
			next = k->next;
			dwarf_sources_free(&k->place);
			free((char *)k->place.name);
			free(k);
		}
	}
	free(e->path);
	free(e);
}

const char *elfsyms_path(const struct elfsyms *e)
{
	return e->path;
}

/* ---- opening ---- */

static void read_segments(struct elfsyms *e, Elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &n))
		return;
	for (size_t i = 0; i < n && e->seg_cnt < SEGMENTS_MAX; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD)
			e->seg[e->seg_cnt++] =
				(struct segment){ ph.p_offset, ph.p_vaddr, ph.p_filesz };
}

/* A global name is the one that others use; a weak one is often an alias of it. */
static uint8_t rank_of(const GElf_Sym *sym)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);

	return (uint8_t)((sym->st_size ? 4 : 0) + (bind == STB_GLOBAL ? 2 : bind == STB_WEAK));
}

static bool is_code(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE ||
		type == STT_OBJECT) &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS;
}

static int cmp_rows(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->vaddr != b->vaddr)
		return a->vaddr < b->vaddr ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(b->name, a->name); /* the same one on every machine */
}

static bool add_row(struct elfsyms *e, const struct row *r)
{
	if (e->cnt == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 256;
		struct row *more = realloc(e->rows, cap * sizeof(*more));

		if (!more)
			return false;
		e->rows = more;
		e->cap = cap;
	}
	e->rows[e->cnt++] = *r;
	return true;
}

static bool add_go(void *arg, uint64_t vaddr, uint64_t sz, const char *name)
{
	const struct elfsyms *e = arg;

	return e->cnt < SYMBOLS_MAX && add_row(arg, &(struct row){ vaddr, sz, name, NULL, 0 });
}

static bool add_plt(void *arg, uint64_t vaddr, uint64_t sz, const char *name)
{
	struct elfsyms *e = arg;
	char *plain = e->demangle ? demangle(name) : NULL, *full = NULL;
	bool ok = asprintf(&full, "%s@plt", plain ?: name) > 0;

	free(plain);
	if (ok && e->cnt < SYMBOLS_MAX && add_row(e, &(struct row){ vaddr, sz, name, full, 0 }))
		return true;
	free(ok ? full : NULL);
	return false;
}

static bool is_stripped(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			return false;
	return true;
}

static int read_symbols(struct elfsyms *e, Elf *elf)
{
	int n = dwfl_module_getsymtab(e->mod);

	for (int i = 0; i < n && n <= SYMBOLS_MAX; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		const char *name =
			dwfl_module_getsym_info(e->mod, i, &sym, &addr, NULL, NULL, NULL);

		if (!name || !*name || *name == '$' || !is_code(&sym))
			continue;
		if (!add_row(e, &(struct row){ addr - e->bias, sym.st_size, name, NULL,
					       rank_of(&sym) }))
			return -ENOMEM;
	}
	if (is_stripped(elf))
		gosyms_each(elf, add_go, e);
	pltsyms_each(elf, add_plt, e);
	if (e->cnt)
		qsort(e->rows, e->cnt, sizeof(*e->rows), cmp_rows);
	return 0;
}

static int open_module(struct elfsyms *e)
{
	Elf *elf;

	int fd = dup(e->fd);

	if (fd < 0)
		return -errno;
	e->file = debugfile_open(fd, e->path, e->dirs);
	if (!e->file)
		return -ENOEXEC;
	e->mod = debugfile_module(e->file);
	elf = dwfl_module_getelf(e->mod, &e->bias);
	if (!elf)
		return -ENOEXEC;
	read_segments(e, elf);
	return read_symbols(e, elf);
}

/* What is mapped of a file changes with it: of one that is written anew no more than is known is told. */
static bool is_rewritten(const struct elfsyms *e)
{
	struct filestamp now;
	struct stat st;

	if (fstat(e->fd, &st)) /* none was lent */
		return true;
	now = filestamp_of(&st);
	return !filestamp_same(&now, &e->stamp);
}

static int ready(struct elfsyms *e)
{
	if (is_rewritten(e))
		return -ESTALE;
	if (!e->opened) {
		e->opened = true;
		e->err = open_module(e);
	}
	return e->err;
}

/* ---- asking ---- */

static bool to_vaddr(const struct elfsyms *e, uint64_t off, uint64_t *vaddr)
{
	for (uint32_t i = 0; i < e->seg_cnt; i++) {
		const struct segment *s = &e->seg[i];

		if (off < s->off || off - s->off >= s->sz)
			continue;
		*vaddr = off - s->off + s->vaddr;
		return true;
	}
	return false;
}

/*
 * The symbol that holds vaddr. One without a size (assembly) reaches to the next; a sized one that
 * ends before vaddr may lie inside a longer one further back.
 */
static struct row *search(const struct elfsyms *e, uint64_t vaddr)
{
	size_t lo = 0, hi = e->cnt, steps = 16;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->rows[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo && steps--; lo--) {
		struct row *r = &e->rows[lo - 1];

		if (!r->sz || vaddr - r->vaddr < r->sz)
			return r;
	}
	return NULL;
}

static struct known *known_new(struct elfsyms *e, uint64_t file_off)
{
	struct known *k = calloc(1, sizeof(*k));
	uint64_t vaddr;
	struct row *r;

	if (!k)
		return NULL;
	k->off = file_off;
	if (!to_vaddr(e, file_off, &vaddr))
		return k;
	r = search(e, vaddr);
	if (r) {
		if (e->demangle && !r->demangled)
			r->demangled = demangle(r->name);
		k->place.name = *r->name ? strdup(r->demangled ?: r->name) : NULL;
		k->place.start = file_off - (vaddr - r->vaddr);
	}
	return k;
}

/* Of a place that may have been asked about before, by somebody who wanted its name alone. */
static void find_lines(struct elfsyms *e, struct known *k)
{
	uint64_t vaddr;

	k->lines = true;
	if (!to_vaddr(e, k->off, &vaddr))
		return;
	if (!e->dwarf_tried) {
		e->dwarf_tried = true;
		e->dwarf = dwarf_new(e->mod, e->path, e->demangle);
	}
	if (e->dwarf)
		dwarf_sources(e->dwarf, vaddr + e->bias, &k->place);
}

const struct elfplace *elfsyms_find(struct elfsyms *e, uint64_t file_off, bool lines)
{
	struct known **slot = &e->known[(file_off ^ file_off >> 12) % KNOWN_BUCKETS], *k;

	for (k = *slot; k && k->off != file_off;)
		k = k->next;
	if (k && (k->lines || !lines))
		return &k->place;
	if (ready(e))
		return k ? &k->place : NULL;
	if (!k) {
		k = known_new(e, file_off);
		if (!k)
			return NULL;
		k->next = *slot;
		*slot = k;
	}
	if (lines)
		find_lines(e, k);
	return &k->place;
}

bool elfsyms_behind_syscall(const struct elfsyms *e, uint64_t file_off)
{
#if defined(__x86_64__)
	static const uint8_t call[] = { 0x0f, 0x05 }; /* syscall */
#elif defined(__aarch64__)
	static const uint8_t call[] = { 0x01, 0x00, 0x00, 0xd4 }; /* svc #0 */
#else
	static const uint8_t call[] = { 0 }; /* not known: nothing is taken for one */
#endif
	uint8_t code[sizeof(call)];

	return sizeof(call) > 1 && file_off >= sizeof(call) &&
	       pread(e->fd, code, sizeof(code), (off_t)(file_off - sizeof(call))) == sizeof(code) &&
	       !memcmp(code, call, sizeof(call));
}

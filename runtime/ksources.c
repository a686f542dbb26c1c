// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel has its debug information in a vmlinux, a module in its .ko or beside it; both are where
 * distributions or --debuginfo put them, and are believed when their build-id is that of what runs. The
 * kernel may have moved itself away from where it was linked to, and a module is linked to nowhere: one
 * address that is known on both sides tells how far.
 */
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/dwarf.h"
#include "runtime/ksources.h"
#include "runtime/procmaps.h"

enum { BUCKETS = 512, BUILD_ID_MAX = 64, NOTES_MAX = 64 << 10 };

/* The kernel, or a module. */
struct part {
	char *name; /* of the module; NULL: the kernel */
	struct debugfile *file;
	struct dwarf *dwarf; /* NULL: nothing is installed */
	uint64_t away; /* from where it runs to where the file has it: add this */
	struct part *next;
};

struct known {
	uint64_t addr;
	struct elfplace place;
	struct known *next;
};

struct ksources {
	const char *dirs;
	struct ksyms *ksyms;
	struct utsname uts;
	struct part *parts;
	struct known *known[BUCKETS];
};

struct ksources *ksources_new(const char *dirs, struct ksyms *ksyms)
{
	struct ksources *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->dirs = dirs;
	k->ksyms = ksyms;
	uname(&k->uts);
	return k;
}

void ksources_free(struct ksources *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct known *n = k->known[i], *next; n; n = next) {
			next = n->next;
			dwarf_sources_free(&n->place);
			free(n);
		}
	}
	for (struct part *p = k->parts, *next; p; p = next) {
		next = p->next;
		dwarf_free(p->dwarf);
		debugfile_close(p->file);
		free(p->name);
		free(p);
	}
	free(k);
}

/* ---- which file ---- */

struct build_id {
	uint8_t bytes[BUILD_ID_MAX];
	size_t len; /* 0: unknown */
};

/* Of what runs: its notes, as the kernel shows them. */
static struct build_id running_id(const char *notes)
{
	struct build_id id = { .len = 0 };
	size_t sz = 0, off = 0, name, desc;
	char *bytes = procmaps_slurp(notes, NOTES_MAX, &sz);
	Elf_Data data = {
		.d_buf = bytes, .d_type = ELF_T_NHDR, .d_version = EV_CURRENT, .d_size = sz
	};
	GElf_Nhdr n;

	while (bytes && (off = gelf_getnote(&data, off, &n, &name, &desc))) {
		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != sizeof("GNU") ||
		    memcmp(bytes + name, "GNU", sizeof("GNU")) || n.n_descsz > BUILD_ID_MAX)
			continue;
		id.len = n.n_descsz;
		memcpy(id.bytes, bytes + desc, id.len);
		break;
	}
	free(bytes);
	return id;
}

/* Opens path when it is that build. */
static bool open_part(struct part *p, const char *path, const char *dirs, const struct build_id *id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const unsigned char *bits;
	struct Dwfl_Module *mod;
	GElf_Addr bias;
	int len;

	if (fd < 0)
		return false;
	p->file = debugfile_open(fd, path, dirs);
	mod = p->file ? debugfile_module(p->file) : NULL;
	if (mod && dwfl_module_getelf(mod, &bias)) {
		len = dwfl_module_build_id(mod, &bits, &bias);
		if (len > 0 && (size_t)len == id->len && !memcmp(bits, id->bytes, id->len))
			p->dwarf = dwarf_new(mod, path, false);
	}
	if (p->dwarf)
		return true;
	debugfile_close(p->file);
	p->file = NULL;
	return false;
}

/* DIR/.build-id/ab/cdef.debug */
static bool open_by_id(struct part *p, const char *dir, size_t dir_len, const char *dirs,
		       const struct build_id *id)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%.*s/.build-id/%02x/", (int)dir_len, dir,
			 id->bytes[0]);

	for (size_t i = 1; i < id->len && n < (int)sizeof(path) - 16; i++)
		n += sprintf(path + n, "%02x", id->bytes[i]);
	strcpy(path + n, ".debug");
	return open_part(p, path, dirs, id);
}

/* The names that it has below a directory: "%s" is the kernel's release, the other one the module's path. */
static bool open_below(struct ksources *k, struct part *p, const char *dir, size_t dir_len,
		       const char *const *names, const char *module, const struct build_id *id)
{
	char name[1024], path[4096];

	if (open_by_id(p, dir, dir_len, k->dirs, id))
		return true;
	for (; *names; names++) {
		snprintf(name, sizeof(name), *names, k->uts.release, module);
		snprintf(path, sizeof(path), "%.*s/%s", (int)dir_len, dir, name);
		if (open_part(p, path, k->dirs, id))
			return true;
	}
	return false;
}

/* In the directories of --debuginfo, then where distributions put it. */
static bool open_anywhere(struct ksources *k, struct part *p, const char *const *names,
			  const char *module, const struct build_id *id)
{
	static const char *const usual[] = { "/usr/lib/debug", "/usr/lib/debug/usr", "", "/usr" };
	const char *dir = k->dirs, *end;

	if (!id->len)
		return false;
	for (; dir && *dir; dir = *end ? end + 1 : end) {
		end = dir + strcspn(dir, ":");
		if (open_below(k, p, dir, (size_t)(end - dir), names, module, id))
			return true;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (open_below(k, p, usual[i], strlen(usual[i]), names, module, id))
			return true;
	return false;
}

/* ---- where it is ---- */

/* Where the file has a symbol; 0: nowhere. */
static uint64_t symbol_at(struct Dwfl_Module *mod, const char *wanted)
{
	int n = dwfl_module_getsymtab(mod);

	for (int i = 0; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		const char *name = dwfl_module_getsym_info(mod, i, &sym, &addr, NULL, NULL, NULL);

		if (name && !strcmp(name, wanted))
			return addr;
	}
	return 0;
}

/* The file that the environment names. */
static bool open_named(struct ksources *k, struct part *p, const struct build_id *id)
{
	const char *path = getenv("TRACE_VMLINUX");

	path = path ? path : getenv("BPFTRACE_VMLINUX");
	if (!path)
		return false;
	if (id->len && open_part(p, path, k->dirs, id))
		return true;
	fprintf(stderr, "WARNING: TRACE_VMLINUX: %s is not the vmlinux of the kernel that runs\n",
		path);
	return false;
}

static bool open_kernel(struct ksources *k, struct part *p)
{
	static const char *const names[] = {
		"vmlinux-%s",
		"boot/vmlinux-%s",
		"lib/modules/%s/vmlinux",
		"lib/modules/%s/build/vmlinux",
		"vmlinux",
		NULL,
	};
	struct build_id id = running_id("/sys/kernel/notes");
	uint64_t here = ksyms_addr(k->ksyms, "_stext"), there;

	if (!here || !(open_named(k, p, &id) || open_anywhere(k, p, names, "", &id)))
		return false;
	there = symbol_at(debugfile_module(p->file), "_stext");
	p->away = there - here;
	return there;
}

/* "kernel/fs/ext4/ext4.ko": where the module lies below /lib/modules/RELEASE, by modules.dep. */
static bool module_path(const struct ksources *k, const char *module, char *path, size_t sz)
{
	char file[256], *text, *line, *end;
	bool found = false;

	snprintf(file, sizeof(file), "/lib/modules/%s/modules.dep", k->uts.release);
	text = procmaps_slurp(file, 64 << 20, NULL);
	for (line = text; line && *line && !found; line = *end ? end + 1 : end) {
		char *name = line, *p;
		size_t len = strcspn(line, ":\n");

		end = line + strcspn(line, "\n");
		for (p = line; p < line + len; p++)
			if (*p == '/')
				name = p + 1;
		for (p = name; *p && module[p - name]; p++)
			if (*p != module[p - name] && !(*p == '-' && module[p - name] == '_'))
				break;
		found = !module[p - name] && !strncmp(p, ".ko", 3);
		if (found)
			snprintf(path, sz, "%.*s", (int)(p + 3 - line), line);
	}
	free(text);
	return found;
}

/* The address that libdwfl has given the section. */
static uint64_t section_at(struct Dwfl_Module *mod, const char *wanted)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(mod, &bias);
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (s && !strcmp(s, wanted))
			return sh.sh_addr + bias;
	}
	return 0;
}

static bool open_module(struct ksources *k, struct part *p)
{
	static const char *const names[] = {
		"lib/modules/%s/%s", "lib/modules/%s/%s.debug", "%2$s", "%2$s.debug", NULL,
	};
	char file[256], path[512], *text;
	struct build_id id;
	uint64_t here, there;

	if (strlen(p->name) > 64)
		return false;
	snprintf(file, sizeof(file), "/sys/module/%s/notes/.note.gnu.build-id", p->name);
	id = running_id(file);
	snprintf(file, sizeof(file), "/sys/module/%s/sections/.text", p->name);
	text = procmaps_slurp(file, 64, NULL);
	here = text ? strtoull(text, NULL, 16) : 0;
	free(text);
	if (!module_path(k, p->name, path, sizeof(path)))
		snprintf(path, sizeof(path), "%s.ko", p->name);
	if (!here || !open_anywhere(k, p, names, path, &id))
		return false;
	there = section_at(debugfile_module(p->file), ".text");
	p->away = there - here;
	return true;
}

/* ---- asking ---- */

static struct part *part_of(struct ksources *k, const char *module)
{
	struct part *p;
	bool ok;

	for (p = k->parts; p; p = p->next)
		if (module ? p->name && !strcmp(p->name, module) : !p->name)
			return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->name = module ? strdup(module) : NULL;
	p->next = k->parts;
	k->parts = p;
	ok = module ? p->name && open_module(k, p) : open_kernel(k, p);
	if (!ok) {
		dwarf_free(p->dwarf);
		p->dwarf = NULL;
	}
	return p;
}

const struct elfplace *ksources_find(struct ksources *k, uint64_t addr, const char *module)
{
	struct known **slot = &k->known[(addr ^ addr >> 12) % BUCKETS], *n;
	struct part *p;

	for (n = *slot; n; n = n->next)
		if (n->addr == addr)
			return &n->place;
	if (module && !strcmp(module, "bpf"))
		return NULL;
	p = part_of(k, module);
	if (!p || !p->dwarf)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->addr = addr;
	dwarf_sources(p->dwarf, addr + p->away, &n->place);
	n->next = *slot;
	*slot = n;
	return &n->place;
}

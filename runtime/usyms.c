// SPDX-License-Identifier: Apache-2.0
/*
 * Processes and files. A file is known by device and inode and opened as soon as an address is seen
 * in it, through the process that maps it (so that namespaces do not matter, nor that it was deleted
 * or replaced); what is in it is read when a name is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/elfsyms.h"
#include "runtime/procmaps.h"
#include "runtime/usyms.h"

enum {
	BUCKETS = 1024,
	MAPS_TEXT_MAX = 64 << 20,
	REREADS_FREE = 16, /* of a process's mappings; then they get a tenth of the time */
};

struct file {
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	char *path;
	bool tried;
	struct elfsyms *elf; /* NULL: could not be opened */
	struct file *next;
};

struct umap {
	uint64_t start, end, off;
	struct file *file; /* NULL: anonymous */
	struct umap *next; /* all there are */
};

struct process {
	uint32_t tgid, cnt, cap;
	struct umap **maps; /* by start */
	uint64_t read_ns, cost_ns;
	unsigned rereads;
	struct process *next;
};

struct usyms {
	struct process *procs[BUCKETS];
	struct file *files[BUCKETS];
	struct umap *all;
	bool demangle;
};

struct usyms *usyms_new(bool demangle)
{
	struct usyms *u = calloc(1, sizeof(*u));

	if (u)
		u->demangle = demangle;
	return u;
}

static void free_process(struct process *p)
{
	free(p->maps);
	free(p);
}

static void free_file(struct file *f)
{
	elfsyms_free(f->elf);
	free(f->path);
	free(f);
}

void usyms_free(struct usyms *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct process *p = u->procs[i], *next; p; p = next) {
			next = p->next;
			free_process(p);
		}
		for (struct file *f = u->files[i], *next; f; f = next) {
			next = f->next;
			free_file(f);
		}
	}
	for (struct umap *m = u->all, *next; m; m = next) {
		next = m->next;
		free(m);
	}
	free(u);
}

/* ---- files ---- */

static struct file *file_get(struct usyms *u, const struct map_line *l)
{
	struct file **slot = &u->files[(l->ino ^ l->dev_minor) % BUCKETS], *f;

	for (f = *slot; f; f = f->next)
		if (f->ino == l->ino && f->dev_major == l->dev_major &&
		    f->dev_minor == l->dev_minor && !strcmp(f->path, l->path))
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->path = strdup(l->path);
	if (!f->path) {
		free(f);
		return NULL;
	}
	f->ino = l->ino;
	f->dev_major = l->dev_major;
	f->dev_minor = l->dev_minor;
	f->next = *slot;
	*slot = f;
	return f;
}

/* The kernel maps the same one into every process. */
static int open_vdso(void)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	int fd = image ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	ssize_t n = 0;

	/* two pages at most on all architectures but the newest: as much as can be read */
	for (size_t at = 0; fd >= 0 && n >= 0 && at < 4 * 4096; at += 4096)
		n = write(fd, image + at, 4096);
	return fd;
}

/* A file whose inode is the right one; its device is not, on btrfs and overlayfs. */
static int open_checked(const char *path, uint64_t ino)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == ino)
		return fd;
	close(fd);
	return -1;
}

static void file_open(struct usyms *u, const struct process *p, const struct umap *m)
{
	struct file *f = m->file;
	char path[4096 + 64];
	int fd = -1;

	f->tried = true;
	if (!strcmp(f->path, "[vdso]")) {
		fd = open_vdso();
	} else if (f->path[0] == '/') {
		snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", p->tgid,
			 (unsigned long long)m->start, (unsigned long long)m->end);
		fd = open_checked(path, f->ino);
		snprintf(path, sizeof(path), "/proc/%u/root%s", p->tgid, f->path);
		if (fd < 0)
			fd = open_checked(path, f->ino);
		if (fd < 0) /* the process has gone: a file of the same name and inode is it */
			fd = open_checked(f->path, f->ino);
	}
	if (fd >= 0)
		f->elf = elfsyms_new(fd, f->path, u->demangle);
}

/* ---- processes ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct umap *find(const struct process *p, uint64_t addr)
{
	uint32_t lo = 0, hi = p->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->maps[mid]->end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->cnt && p->maps[lo]->start <= addr ? p->maps[lo] : NULL;
}

struct reading {
	struct usyms *u;
	struct process *old, now;
};

static struct umap *new_map(struct usyms *u, const struct map_line *l, struct file *f)
{
	struct umap *m = malloc(sizeof(*m));

	if (!m)
		return NULL;
	*m = (struct umap){ l->start, l->end, l->off, f, u->all };
	u->all = m;
	return m;
}

static int on_line(void *arg, const struct map_line *l)
{
	struct reading *r = arg;
	struct process *p = &r->now;
	struct file *f = *l->path ? file_get(r->u, l) : NULL;
	struct umap *m, **more;

	if (!l->exec && !l->ino)
		return 0;
	if (p->cnt && l->start < p->maps[p->cnt - 1]->end)
		return 0; /* changed while it was read */
	if (p->cnt == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		more = realloc(p->maps, p->cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->maps = more;
	}
	m = find(r->old, l->start);
	if (!m || m->start != l->start || m->end != l->end || m->off != l->off || m->file != f)
		m = new_map(r->u, l, f);
	if (!m)
		return -ENOMEM;
	p->maps[p->cnt++] = m;
	return 0;
}

/* What there was stays when the process is gone or its maps cannot be read. */
static void read_maps(struct usyms *u, struct process *p)
{
	struct reading r = { .u = u, .old = p };
	uint64_t began = now_ns();
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%u/maps", p->tgid);
	text = procmaps_slurp(path, MAPS_TEXT_MAX, NULL);
	if (text && !procmaps_parse(text, on_line, &r) && r.now.cnt) {
		free(p->maps);
		p->maps = r.now.maps;
		p->cnt = r.now.cnt;
		p->cap = r.now.cap;
	} else {
		free(r.now.maps);
	}
	free(text);
	p->read_ns = now_ns();
	p->cost_ns = p->read_ns - began;
}

static struct process *process_get(struct usyms *u, uint32_t tgid)
{
	struct process **slot = &u->procs[tgid % BUCKETS], *p;

	for (p = *slot; p; p = p->next)
		if (p->tgid == tgid)
			return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->tgid = tgid;
	p->next = *slot;
	*slot = p;
	read_maps(u, p);
	return p;
}

/* Stacks without frame pointers are full of addresses that are none: they shall not cost us much. */
static bool may_reread(struct process *p)
{
	return p->rereads++ < REREADS_FREE || now_ns() - p->read_ns > 10 * p->cost_ns;
}

const struct umap *usyms_place(struct usyms *u, uint32_t tgid, uint64_t addr)
{
	struct process *p = process_get(u, tgid);
	struct umap *m = p ? find(p, addr) : NULL;

	if (!m && p && may_reread(p)) {
		read_maps(u, p);
		m = find(p, addr);
	}
	if (m && m->file && !m->file->tried)
		file_open(u, p, m);
	return m;
}

/* ---- names ---- */

void usyms_find(const struct umap *m, uint64_t addr, bool lines, struct usym *sym)
{
	struct elfsym es;

	*sym = (struct usym){ 0 };
	if (!m || !m->file)
		return;
	sym->module = m->file->path;
	if (!m->file->elf || elfsyms_find(m->file->elf, addr - m->start + m->off, &es))
		return;
	sym->name = es.name;
	sym->off = es.off;
	if (lines)
		sym->file = elfsyms_line(m->file->elf, es.vaddr, &sym->line);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What a process has mapped is told to the kernel when a program has met it, or it was seen to begin;
 * from then on as soon as the kernel's events tell of it. A file's table (cfi.h) is made when a
 * program has met a process that maps it, and shared by all that map a file of the same build-id: so
 * a process that nobody has met costs a few microseconds, and one that lives but a moment is ready
 * to be met when others of its kind were.
 *
 * No table is taken back, as files are few. When there is no room for one more, its code is passed
 * by frame pointers.
 */
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "runtime/cfi.h"
#include "runtime/ufiles.h"
#include "runtime/unwind.h"
#include "runtime/usyms.h"

enum {
	BUCKETS = 1024,
	SEGMENTS_MAX = 16, /* of code */
	BUILD_ID_MAX = 32,
	PIECE_ROWS = UNWIND_ROWS * UNWIND_CHUNKS,
	PIECES_MAX = 16,
	FRESH_MAX = 256,
};

/* Of all files with one build-id. What is above PIECE_ROWS rows goes on in a table of its own. */
struct table {
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t id_len;
	bool made;
	uint32_t cnt,
		first; /* pieces, number of the first; cnt 0 when made: nothing to unwind by */
	uint32_t from[PIECES_MAX]; /* vaddr that each begins at */
	uint64_t base;
	uint32_t seg_cnt;
	struct {
		uint64_t off, vaddr, sz;
	} seg[SEGMENTS_MAX];
	struct table *next;
};

struct known_file {
	const struct ufile *file;
	struct table *table; /* NULL: it has none */
	bool opened, made; /* tried to */
	struct known_file *next;
};

struct rule {
	struct unwind_rule rule;
	uint32_t number;
	struct rule *next;
};

struct unwind {
	struct unwind_fds fd;
	struct usyms *procs;
	int events_fd;
	struct known_file *files[BUCKETS];
	struct table *tables;
	struct rule *rules[BUCKETS];
	uint32_t made_cnt; /* tables */
	uint32_t rule_cnt, table_cnt; /* numbers given; of PIECES_MAX tables each */
	uint32_t fresh[FRESH_MAX], fresh_cnt; /* processes to be told */
	bool full;
	bool tell_all; /* a table is not what processes were told it would be */
};

/* ---- rules ---- */

static uint32_t hash_of(const void *bytes, size_t sz)
{
	const uint8_t *p = bytes;
	uint32_t h = 2166136261u;

	while (sz--)
		h = (h ^ *p++) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t intern(void *arg, const struct unwind_rule *rule)
{
	static const struct unwind_rule none;
	struct unwind *u = arg;
	struct rule **slot = &u->rules[hash_of(rule, sizeof(*rule)) % BUCKETS], *r;

	if (!memcmp(rule, &none, sizeof(none)))
		return 0;
	for (r = *slot; r; r = r->next)
		if (!memcmp(&r->rule, rule, sizeof(*rule)))
			return r->number;
	r = u->rule_cnt + 1 < UNWIND_RULES ? malloc(sizeof(*r)) : NULL;
	if (!r)
		return 0;
	*r = (struct rule){ *rule, ++u->rule_cnt, *slot };
	*slot = r;
	bpf_map_update_elem(u->fd.rules, &r->number, rule, BPF_ANY);
	return r->number;
}

/* ---- tables ---- */

static int put_chunk(struct unwind *u, uint32_t table, uint32_t chunk, const void *value)
{
	uint64_t key = (uint64_t)table << 32 | chunk;

	return bpf_map_update_elem(u->fd.tables, &key, value, BPF_ANY);
}

/* Up to PIECE_ROWS rows as one table. */
static int put_piece(struct unwind *u, uint32_t table, const struct unwind_row *row, uint32_t cnt)
{
	union unwind_chunk chunk, index;
	uint32_t at = 0;
	int rc = 0;

	memset(&index, 0xff, sizeof(index));
	for (uint32_t i = 0; at < cnt && !rc; i++) {
		uint32_t n = cnt - at < UNWIND_ROWS ? cnt - at : UNWIND_ROWS;

		memset(&chunk, 0xff, sizeof(chunk));
		memcpy(chunk.row, row + at, n * sizeof(*row));
		index.first[i] = row[at].vaddr;
		rc = put_chunk(u, table, i, &chunk);
		at += n;
	}
	return rc ?: put_chunk(u, table, UNWIND_INDEX, &index);
}

static void drop_chunks(struct unwind *u, uint32_t table)
{
	uint64_t key = (uint64_t)table << 32;

	while (!bpf_map_delete_elem(u->fd.tables, &key))
		key++;
}

static void put_rows(struct unwind *u, struct table *t, const struct cfi_rows *rows)
{
	for (uint32_t at = 0; at < rows->cnt && t->cnt < PIECES_MAX; t->cnt++) {
		uint32_t n = rows->cnt - at < PIECE_ROWS ? rows->cnt - at : PIECE_ROWS;

		t->from[t->cnt] = rows->row[at].vaddr;
		if (put_piece(u, t->first + t->cnt, rows->row + at, n)) {
			u->full = true;
			drop_chunks(u, t->first + t->cnt);
			return;
		}
		at += n;
	}
}

static void read_segments(struct table *t, Elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	t->base = UINT64_MAX;
	if (elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n && t->seg_cnt < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD || !(ph.p_flags & PF_X))
			continue;
		t->seg[t->seg_cnt].off = ph.p_offset;
		t->seg[t->seg_cnt].vaddr = ph.p_vaddr;
		t->seg[t->seg_cnt++].sz = ph.p_filesz;
		/* a mapping begins at a page's start */
		if ((ph.p_vaddr & ~0xffffull) < t->base)
			t->base = ph.p_vaddr & ~0xffffull;
	}
}

static struct table *same_build(const struct unwind *u, const struct table *t)
{
	struct table *other = t->id_len ? u->tables : NULL;

	while (other &&
	       (other->id_len != t->id_len || memcmp(other->build_id, t->build_id, t->id_len)))
		other = other->next;
	return other;
}

/* What is known of it without its rows. */
static struct table *table_new(struct unwind *u, Elf *elf)
{
	struct table *t = calloc(1, sizeof(*t)), *same;
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &id);

	if (!t)
		return NULL;
	if (len > 0 && len <= BUILD_ID_MAX) {
		memcpy(t->build_id, id, (size_t)len);
		t->id_len = (uint32_t)len;
	}
	same = same_build(u, t);
	if (same) {
		free(t);
		return same;
	}
	read_segments(t, elf);
	t->first = 1 + PIECES_MAX * u->table_cnt++;
	t->next = u->tables;
	u->tables = t;
	return t;
}

static void table_make(struct unwind *u, struct table *t, Elf *elf)
{
	struct cfi_rows rows;

	t->made = true;
	u->made_cnt++;
	if (t->seg_cnt && !u->full && !cfi_read(elf, t->base, intern, u, &rows)) {
		put_rows(u, t, &rows);
		cfi_rows_free(&rows);
	}
	/* to others that map it, it was one table */
	u->tell_all |= t->cnt != 1;
}

/* Read, not mapped: a file that is cut short meanwhile ends a mapping of it with SIGBUS. */
static struct table *table_open(struct unwind *u, int fd, struct table *t, bool make)
{
	Elf *elf;

	if (fd < 0)
		return t;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		t = t ?: table_new(u, elf);
		if (t && make && !t->made)
			table_make(u, t, elf);
	}
	elf_end(elf);
	close(fd);
	return t;
}

static struct known_file *file_of(struct unwind *u, const struct ufile *file)
{
	struct known_file **slot = &u->files[((uintptr_t)file >> 4) % BUCKETS], *k;

	for (k = *slot; k; k = k->next)
		if (k->file == file)
			return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	*k = (struct known_file){ .file = file, .next = *slot };
	*slot = k;
	return k;
}

/*
 * NULL: code without a table. It is made for a process that was met: the file is opened once for what
 * is known of it, and once more for that.
 */
static const struct table *table_of(struct unwind *u, const struct usyms_code *c)
{
	struct known_file *k = c->file ? file_of(u, c->file) : NULL;
	bool make;

	if (!k)
		return NULL;
	make = c->met && !k->made && !(k->table && k->table->made);
	if (k->opened && !make)
		return k->table;
	k->opened = true;
	k->made |= make;
	k->table =
		table_open(u, ufile_descriptor(c->file, c->tgid, c->start, c->end), k->table, make);
	return k->table;
}

/* ---- processes ---- */

/* A process's mappings on their way to the kernel. */
struct telling {
	struct unwind *u;
	struct unwind_proc p;
	uint32_t cnt; /* rows so far */
	uint64_t end; /* of the last mapping */
};

/* The last row stays free: so there is always room to say where a mapping ends. */
static void tell(struct telling *t, uint64_t start, uint32_t table, uint64_t vaddr)
{
	if (t->cnt && t->p.map[t->cnt - 1].start == start)
		t->cnt--;
	if (t->cnt < UNWIND_MAPPINGS - 1)
		t->p.map[t->cnt++] = (struct unwind_mapping){ start, table, (uint32_t)vaddr };
}

/* Where a mapping's first byte is to be found in the file's address space. */
static bool vaddr_of(const struct table *t, const struct usyms_code *c, uint64_t *vaddr)
{
	for (uint32_t i = 0; t && i < t->seg_cnt; i++) {
		uint64_t from = t->seg[i].off & ~0xfffull;

		if (c->off < from || c->off >= t->seg[i].off + t->seg[i].sz)
			continue;
		*vaddr = c->off - t->seg[i].off + t->seg[i].vaddr - t->base;
		return t->cnt || !t->made;
	}
	return false;
}

static void tell_code(void *arg, const struct usyms_code *c)
{
	struct telling *tl = arg;
	const struct table *t = table_of(tl->u, c);
	uint64_t vaddr, len = c->end - c->start;

	if (tl->cnt + PIECES_MAX >= UNWIND_MAPPINGS)
		return;
	tl->end = c->end;
	if (!vaddr_of(t, c, &vaddr)) {
		tell(tl, c->start, UNWIND_NO_TABLE, 0);
	} else {
		uint32_t i = t->cnt ? t->cnt - 1 : 0;

		while (i && t->from[i] > vaddr)
			i--;
		tell(tl, c->start, t->first + i, vaddr);
		for (i++; i < t->cnt && t->from[i] < vaddr + len; i++)
			tell(tl, c->start + (t->from[i] - vaddr), t->first + i, t->from[i]);
	}
	tell(tl, c->end, UNWIND_NO_CODE, 0);
}

/* When there is no room, whichever process comes first makes some: it is asked for when it is met. */
static void put_process(struct unwind *u, uint32_t tgid, const struct unwind_proc *p)
{
	uint32_t other;

	if (!bpf_map_update_elem(u->fd.procs, &tgid, p, BPF_ANY) || errno != E2BIG ||
	    bpf_map_get_next_key(u->fd.procs, NULL, &other))
		return;
	bpf_map_delete_elem(u->fd.procs, &other);
	bpf_map_update_elem(u->fd.procs, &tgid, p, BPF_ANY);
}

/* In the kernel's map the sign tells which of two addresses is above: the fill is above them all. */
static void tell_process(struct unwind *u, uint32_t tgid)
{
	struct telling *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->u = u;
	tell(t, 0, UNWIND_NO_CODE, 0);
	if (usyms_each(u->procs, tgid, tell_code, t)) {
		for (uint32_t i = t->cnt; i < UNWIND_MAPPINGS; i++)
			t->p.map[i].start = INT64_MAX;
		put_process(u, tgid, &t->p);
	}
	free(t);
}

static void tell_again(struct unwind *u)
{
	uint32_t tgid, *prev = NULL;

	while (u->tell_all && !bpf_map_get_next_key(u->fd.procs, prev, &tgid)) {
		tell_process(u, tgid);
		prev = &tgid;
	}
	u->tell_all = false;
}

static void tell_fresh(struct unwind *u)
{
	for (uint32_t i = 0; i < u->fresh_cnt; i++)
		tell_process(u, u->fresh[i]);
	u->fresh_cnt = 0;
	tell_again(u);
}

static void on_change(void *arg, uint32_t tgid, bool ended)
{
	struct unwind *u = arg;
	uint32_t i = 0;

	while (i < u->fresh_cnt && u->fresh[i] != tgid)
		i++;
	if (ended) {
		if (i < u->fresh_cnt)
			u->fresh[i] = u->fresh[--u->fresh_cnt];
		bpf_map_delete_elem(u->fd.procs, &tgid);
		return;
	}
	if (i < u->fresh_cnt)
		return;
	if (u->fresh_cnt == FRESH_MAX)
		tell_fresh(u);
	u->fresh[u->fresh_cnt++] = tgid;
}

struct unwind *unwind_new(const struct unwind_fds *fds)
{
	struct unwind *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->fd = *fds;
	u->procs = usyms_new(false, NULL);
	if (!u->procs) {
		free(u);
		return NULL;
	}
	usyms_on_change(u->procs, on_change, u);
	u->events_fd = usyms_follow_closely(u->procs);
	return u;
}

void unwind_free(struct unwind *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct known_file *k = u->files[i], *next; k; k = next) {
			next = k->next;
			free(k);
		}
		for (struct rule *r = u->rules[i], *next; r; r = next) {
			next = r->next;
			free(r);
		}
	}
	for (struct table *t = u->tables, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	usyms_free(u->procs);
	free(u);
}

int unwind_fd(const struct unwind *u)
{
	return u->events_fd;
}

void unwind_update(struct unwind *u)
{
	usyms_advance(u->procs, UINT64_MAX);
	tell_fresh(u);
}

static void meet(struct unwind *u, uint32_t tgid, uint64_t addr)
{
	usyms_learn(u->procs, tgid, addr);
	tell_process(u, tgid);
	tell_again(u);
}

void unwind_expect(struct unwind *u, uint32_t tgid)
{
	meet(u, tgid, 0);
}

static void make_file(struct unwind *u, const char *path)
{
	table_open(u, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), NULL, true);
}

/* The first of its stacks shall be whole: libc, which is most probably ours, does not wait for it. */
void unwind_expect_child(struct unwind *u, uint32_t tgid, const char *path)
{
	const void *const in[] = { (const void *)(uintptr_t)getauxval(AT_BASE),
				   (const void *)(uintptr_t)getppid };
	Dl_info info;

	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++)
		if (in[i] && dladdr(in[i], &info) && info.dli_fname && info.dli_fname[0] == '/')
			make_file(u, info.dli_fname);
	make_file(u, path);
	usyms_expect(u->procs, tgid);
}

/* What the kernel has been told of a process; all zeroes: nothing. */
static struct unwind_proc told(const struct unwind *u, uint32_t tgid)
{
	struct unwind_proc p;

	if (bpf_map_lookup_elem(u->fd.procs, &tgid, &p))
		memset(&p, 0, sizeof(p));
	return p;
}

/*
 * With the mark gone a program asks once more when it still does not know: so only when it has been
 * told something, not for an address that lies in nothing.
 */
int unwind_need(struct unwind *u, const void *rec, size_t sz)
{
	struct unwind_proc before, after;
	struct event_unwind e;
	uint32_t made_cnt;

	if (!u || sz < sizeof(e))
		return -EINVAL;
	memcpy(&e, rec, sizeof(e));
	before = told(u, e.tgid);
	made_cnt = u->made_cnt;
	unwind_update(u);
	meet(u, e.tgid, e.addr);
	after = told(u, e.tgid);
	if (made_cnt != u->made_cnt || memcmp(&before, &after, sizeof(before)) ||
	    (!e.addr && after.map[UNWIND_MAPPINGS - 1].start))
		bpf_map_delete_elem(u->fd.marks, &e.mark);
	return 0;
}

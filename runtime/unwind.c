// SPDX-License-Identifier: Apache-2.0
/*
 * A process is told to the kernel when a program has met it, or has seen it begin; from then on each
 * of its mappings is, as soon as the kernel's events tell of it. A file's table (cfi.h) is made when
 * the first process that maps it is told, and shared by all that map a file of the same build-id.
 *
 * Tables go to the kernel before the processes that refer to them; none is taken back, as files are
 * few. When there is no room for one more, its code is passed by frame pointers.
 */
#include <bpf/bpf.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
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
	uint32_t cnt, first; /* pieces, number of the first; cnt 0: there is nothing to unwind by */
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
	const struct table *table;
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
	uint32_t rule_cnt, table_cnt; /* numbers given */
	uint32_t fresh[FRESH_MAX], fresh_cnt; /* processes to be told */
	bool full;
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
	uint32_t at = 0, cnt = 0;

	t->first = u->table_cnt + 1;
	for (; at < rows->cnt && cnt < PIECES_MAX; cnt++) {
		uint32_t n = rows->cnt - at < PIECE_ROWS ? rows->cnt - at : PIECE_ROWS;

		t->from[cnt] = rows->row[at].vaddr;
		if (put_piece(u, t->first + cnt, rows->row + at, n)) {
			u->full = true;
			drop_chunks(u, t->first + cnt);
			break;
		}
		at += n;
	}
	t->cnt = cnt;
	u->table_cnt += cnt;
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

static const struct table *table_read(struct unwind *u, Elf *elf)
{
	struct table *t = calloc(1, sizeof(*t)), *same;
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &id);
	struct cfi_rows rows;

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
	if (t->seg_cnt && !u->full && !cfi_read(elf, t->base, intern, u, &rows)) {
		put_rows(u, t, &rows);
		cfi_rows_free(&rows);
	}
	t->next = u->tables;
	u->tables = t;
	return t;
}

/* Read, not mapped: a file that is cut short meanwhile ends a mapping of it with SIGBUS. */
static const struct table *table_open(struct unwind *u, int fd)
{
	const struct table *t = NULL;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		t = table_read(u, elf);
	elf_end(elf);
	return t;
}

/* NULL: code without a table. */
static const struct table *table_of(struct unwind *u, const struct usyms_code *c)
{
	struct known_file **slot, *k;
	int fd;

	if (!c->file)
		return NULL;
	slot = &u->files[((uintptr_t)c->file >> 4) % BUCKETS];
	for (k = *slot; k; k = k->next)
		if (k->file == c->file)
			return k->table;
	k = malloc(sizeof(*k));
	if (!k)
		return NULL;
	fd = ufile_descriptor(c->file, c->tgid, c->start, c->end);
	*k = (struct known_file){ c->file, fd < 0 ? NULL : table_open(u, fd), *slot };
	if (fd >= 0)
		close(fd);
	*slot = k;
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
		return t->cnt;
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
		uint32_t i = t->cnt - 1;

		while (i && t->from[i] > vaddr)
			i--;
		tell(tl, c->start, t->first + i, vaddr);
		for (i++; i < t->cnt && t->from[i] < vaddr + len; i++)
			tell(tl, c->start + (t->from[i] - vaddr), t->first + i, t->from[i]);
	}
	tell(tl, c->end, UNWIND_NO_CODE, 0);
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
		bpf_map_update_elem(u->fd.procs, &tgid, &t->p, BPF_ANY);
	}
	free(t);
}

static void tell_fresh(struct unwind *u)
{
	for (uint32_t i = 0; i < u->fresh_cnt; i++)
		tell_process(u, u->fresh[i]);
	u->fresh_cnt = 0;
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

void unwind_expect(struct unwind *u, uint32_t tgid)
{
	if (usyms_learn(u->procs, tgid, 0))
		tell_process(u, tgid);
}

void unwind_expect_file(struct unwind *u, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return;
	table_open(u, fd);
	close(fd);
}

/* The mark goes when there is news: what is not known then is asked for once more, and no oftener. */
int unwind_need(struct unwind *u, const void *rec, size_t sz)
{
	struct event_unwind e;

	if (!u || sz < sizeof(e))
		return -EINVAL;
	memcpy(&e, rec, sizeof(e));
	unwind_update(u);
	if (!usyms_learn(u->procs, e.tgid, e.addr))
		return 0;
	tell_process(u, e.tgid);
	bpf_map_delete_elem(u->fd.marks, &e.mark);
	return 0;
}

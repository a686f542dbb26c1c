// SPDX-License-Identifier: Apache-2.0
/*
 * No table is taken back, as files are few. When there is no room for one more, its code is passed
 * by frame pointers.
 */
#include <bpf/bpf.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/cfi.h"
#include "runtime/procmaps.h"
#include "runtime/ufiles.h"
#include "runtime/unwind_tables.h"

enum {
	BUCKETS = 1024,
	PIECE_ROWS = UNWIND_ROWS * UNWIND_CHUNKS,
};

struct known_file {
	struct ufile *file;
	struct unwind_table *table; /* NULL: it has none */
	bool opened, made; /* tried to */
	bool told;
	bool inherits; /* programs know its inode, from a file that has gone or was written anew */
	struct known_file *next;
};

struct rule {
	struct unwind_rule rule;
	uint32_t number;
	struct rule *next;
};

struct unwind_tables {
	struct unwind_fds fd;
	struct known_file *files[BUCKETS];
	struct unwind_table *tables;
	struct rule *rules[BUCKETS];
	uint32_t made_cnt; /* tables */
	uint32_t rule_cnt, table_cnt; /* numbers given; of UNWIND_PIECES_MAX tables each */
	bool full;
	bool tell_all; /* a table is not what processes were told it would be */
};

/* ---- rules ---- */

/* Asked for each of a million rows of a large library. */
static uint32_t hash_of(const struct unwind_rule *rule)
{
	uint64_t word[2], h;

	_Static_assert(sizeof(*rule) == sizeof(word), "all of a rule");
	memcpy(word, rule, sizeof(word));
	h = (word[0] ^ word[1] * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h >> 32);
}

static uint32_t intern(void *arg, const struct unwind_rule *rule)
{
	static const struct unwind_rule none;
	struct unwind_tables *u = arg;
	struct rule **slot = &u->rules[hash_of(rule) % BUCKETS], *r;

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

static int put_chunk(struct unwind_tables *u, uint32_t table, uint32_t chunk, const void *value)
{
	uint64_t key = (uint64_t)table << 32 | chunk;

	return bpf_map_update_elem(u->fd.tables, &key, value, BPF_ANY);
}

/* Up to PIECE_ROWS rows as one table. */
static int put_piece(struct unwind_tables *u, uint32_t table, const struct unwind_row *row,
		     uint32_t cnt)
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

static void drop_chunks(struct unwind_tables *u, uint32_t table)
{
	uint64_t key = (uint64_t)table << 32;

	while (!bpf_map_delete_elem(u->fd.tables, &key))
		key++;
}

static void put_rows(struct unwind_tables *u, struct unwind_table *t, const struct cfi_rows *rows)
{
	for (uint32_t at = 0; at < rows->cnt && t->cnt < UNWIND_PIECES_MAX; t->cnt++) {
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

static void read_segments(struct unwind_table *t, Elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	t->base = UINT64_MAX;
	if (elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n && t->seg_cnt < UNWIND_SEGMENTS_MAX; i++) {
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

static struct unwind_table *same_build(const struct unwind_tables *u, const struct unwind_table *t)
{
	struct unwind_table *other = t->id_len ? u->tables : NULL;

	while (other &&
	       (other->id_len != t->id_len || memcmp(other->build_id, t->build_id, t->id_len)))
		other = other->next;
	return other;
}

/* What is known of it without its rows. */
static struct unwind_table *table_new(struct unwind_tables *u, Elf *elf)
{
	struct unwind_table *t = calloc(1, sizeof(*t)), *same;
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &id);

	if (!t)
		return NULL;
	if (len > 0 && len <= UNWIND_BUILD_ID_MAX) {
		memcpy(t->build_id, id, (size_t)len);
		t->id_len = (uint32_t)len;
	}
	same = same_build(u, t);
	if (same) {
		free(t);
		return same;
	}
	read_segments(t, elf);
	t->first = 1 + UNWIND_PIECES_MAX * u->table_cnt++;
	t->next = u->tables;
	u->tables = t;
	return t;
}

static void table_make(struct unwind_tables *u, struct unwind_table *t, Elf *elf)
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
static struct unwind_table *table_open(struct unwind_tables *u, int fd, struct unwind_table *t,
				       bool make)
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
	return t;
}

static bool is_told(const struct unwind_tables *u, struct unwind_file_id id)
{
	struct unwind_file f;

	return !bpf_map_lookup_elem(u->fd.files, &id, &f);
}

static struct known_file *file_of(struct unwind_tables *u, struct ufile *file)
{
	struct known_file **slot = &u->files[((uintptr_t)file >> 4) % BUCKETS], *k;

	for (k = *slot; k; k = k->next)
		if (k->file == file)
			return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	*k = (struct known_file){ .file = file,
				  .inherits = is_told(u, ufile_id(file)),
				  .next = *slot };
	*slot = k;
	return k;
}

/* Programs find it by its inode now, in processes that we have not looked at. */
static void tell_file(struct unwind_tables *u, struct unwind_file_id id,
		      const struct unwind_table *t)
{
	struct unwind_file f;
	struct unwind_rows rows = { f.map, 0, UNWIND_PLACES };

	unwind_rows_add(&rows, 0, UNWIND_NO_TABLE, 0);
	for (uint32_t i = 0; t && i < t->seg_cnt; i++) {
		uint64_t from = t->seg[i].off & ~0xfffull;

		unwind_rows_code(&rows, t, from, from, t->seg[i].off + t->seg[i].sz - from);
	}
	unwind_rows_fill(&rows);
	bpf_map_update_elem(u->fd.files, &id, &f, BPF_ANY);
}

static void tell_met(struct unwind_tables *u, struct known_file *k, const struct usyms_code *c)
{
	if (k->told || !(c->met || k->inherits))
		return;
	k->told = true;
	tell_file(u, ufile_id(c->file), k->table);
}

/* The file is read once for what is known of it, and once more for its rows. */
const struct unwind_table *unwind_table_of(struct unwind_tables *u, const struct usyms_code *c)
{
	struct known_file *k = c->file ? file_of(u, c->file) : NULL;
	bool make;
	int fd;

	if (!k)
		return NULL;
	make = c->met && !k->made && !(k->table && k->table->made);
	if (k->opened && !make) {
		tell_met(u, k, c);
		return k->table;
	}
	k->opened = true;
	k->made |= make;
	fd = ufile_descriptor(c->file, &(struct mapped_by){ c->tgid, c->start, c->end, c->since });
	k->table = table_open(u, fd, k->table, make);
	tell_met(u, k, c);
	return k->table;
}

struct seen_at {
	uint64_t start;
	struct unwind_file_id id;
};

static int is_at(void *arg, const struct map_line *l)
{
	struct seen_at *s = arg;

	if (l->start != s->start)
		return 0;
	s->id.ino = l->ino;
	s->id.dev = l->dev_major << 20 | l->dev_minor;
	return 1;
}

/* What stat() tells of a file is not always what its mappings are known by (btrfs): we map it. */
static bool id_when_mapped(int fd, struct unwind_file_id *id)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	struct seen_at s = { .start = (uintptr_t)p };
	char *text = p == MAP_FAILED ? NULL : procmaps_slurp("/proc/self/maps", 64 << 20, NULL);
	bool found = text && procmaps_parse(text, is_at, &s);

	if (p != MAP_FAILED)
		munmap(p, page);
	free(text);
	*id = s.id;
	return found;
}

void unwind_table_make(struct unwind_tables *u, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct unwind_file_id id;
	bool found = fd >= 0 && id_when_mapped(fd, &id);
	const struct unwind_table *t = table_open(u, fd, NULL, true);

	if (t && found)
		tell_file(u, id, t);
	if (fd >= 0)
		close(fd);
}

uint32_t unwind_tables_made(const struct unwind_tables *u)
{
	return u->made_cnt;
}

bool unwind_tables_differ(struct unwind_tables *u)
{
	bool differ = u->tell_all;

	u->tell_all = false;
	return differ;
}

/* ---- rows of mappings ---- */

/* The last row stays free: so there is always room to say where a mapping ends. */
void unwind_rows_add(struct unwind_rows *r, uint64_t start, uint32_t table, uint64_t vaddr)
{
	if (r->cnt && r->row[r->cnt - 1].start == start)
		r->cnt--;
	if (r->cnt < r->max - 1)
		r->row[r->cnt++] = (struct unwind_mapping){ start, table, (uint32_t)vaddr };
}

void unwind_rows_fill(struct unwind_rows *r)
{
	for (uint32_t i = r->cnt; i < r->max; i++)
		r->row[i] = (struct unwind_mapping){ .start = INT64_MAX };
}

/* Where the file's byte at off is to be found in its address space. */
static bool vaddr_of(const struct unwind_table *t, uint64_t off, uint64_t *vaddr)
{
	for (uint32_t i = 0; t && i < t->seg_cnt; i++) {
		uint64_t from = t->seg[i].off & ~0xfffull;

		if (off < from || off >= t->seg[i].off + t->seg[i].sz)
			continue;
		*vaddr = off - t->seg[i].off + t->seg[i].vaddr - t->base;
		return t->cnt || !t->made;
	}
	return false;
}

void unwind_rows_code(struct unwind_rows *r, const struct unwind_table *t, uint64_t start,
		      uint64_t off, uint64_t len)
{
	uint64_t vaddr;

	if (!vaddr_of(t, off, &vaddr)) {
		unwind_rows_add(r, start, UNWIND_NO_TABLE, 0);
	} else {
		uint32_t i = t->cnt ? t->cnt - 1 : 0;

		while (i && t->from[i] > vaddr)
			i--;
		unwind_rows_add(r, start, t->first + i, vaddr);
		for (i++; i < t->cnt && t->from[i] < vaddr + len; i++)
			unwind_rows_add(r, start + (t->from[i] - vaddr), t->first + i, t->from[i]);
	}
}

struct unwind_tables *unwind_tables_new(const struct unwind_fds *fds)
{
	struct unwind_tables *u = calloc(1, sizeof(*u));

	if (u)
		u->fd = *fds;
	return u;
}

void unwind_tables_free(struct unwind_tables *u)
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
	for (struct unwind_table *t = u->tables, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	free(u);
}

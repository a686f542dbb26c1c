// SPDX-License-Identifier: Apache-2.0
/*
 * What a process has mapped is told to the kernel when a program has met it, or it was seen to begin;
 * from then on as soon as the kernel's events tell of it. A file's table (cfi.h) is made when a
 * program has met a process that maps it, and shared by all that map a file of the same build-id: so
 * a process that nobody has met costs a few microseconds, and one that lives but a moment is ready
 * to be met when others of its kind were.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/unwind.h"
#include "runtime/unwind_tables.h"
#include "runtime/usyms.h"

enum {
	FRESH_MAX = 256,
	LARGE_FILE = 128 << 20, /* its table would take longer than anybody wants to wait for */
};

struct unwind {
	struct unwind_fds fd;
	struct unwind_tables *tables;
	struct usyms *procs;
	int events_fd;
	uint32_t fresh[FRESH_MAX], fresh_cnt; /* processes to be told */
};

/* ---- processes ---- */

/* A process's mappings on their way to the kernel. */
struct telling {
	struct unwind *u;
	struct unwind_proc p;
	struct unwind_rows rows;
};

static void tell_code(void *arg, const struct usyms_code *c)
{
	struct telling *t = arg;
	const struct unwind_table *table = unwind_table_of(t->u->tables, c);

	if (t->rows.cnt + UNWIND_PIECES_MAX >= UNWIND_MAPPINGS)
		return;
	unwind_rows_code(&t->rows, table, c->start, c->off, c->end - c->start);
	unwind_rows_add(&t->rows, c->end, UNWIND_NO_CODE, 0);
}

/* What the kernel has been told of a process; all zeroes: nothing. */
static struct unwind_proc told(const struct unwind *u, uint32_t tgid)
{
	struct unwind_proc p;

	if (bpf_map_lookup_elem(u->fd.procs, &tgid, &p))
		memset(&p, 0, sizeof(p));
	return p;
}

/* When there is no room, whichever process comes first makes some: it is asked for when it is met. */
static void put_process(struct unwind *u, uint32_t tgid, const struct unwind_proc *p)
{
	struct unwind_proc before = told(u, tgid);
	uint32_t other;

	if (!memcmp(before.map, p->map, sizeof(p->map))) /* its address space is known, maybe */
		return;
	if (!bpf_map_update_elem(u->fd.procs, &tgid, p, BPF_ANY) || errno != E2BIG ||
	    bpf_map_get_next_key(u->fd.procs, NULL, &other))
		return;
	bpf_map_delete_elem(u->fd.procs, &other);
	bpf_map_update_elem(u->fd.procs, &tgid, p, BPF_ANY);
}

static void tell_process(struct unwind *u, uint32_t tgid)
{
	struct telling *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->u = u;
	t->rows = (struct unwind_rows){ t->p.map, 0, UNWIND_MAPPINGS };
	unwind_rows_add(&t->rows, 0, UNWIND_NO_CODE, 0);
	if (usyms_each(u->procs, tgid, tell_code, t)) {
		unwind_rows_fill(&t->rows);
		put_process(u, tgid, &t->p);
	}
	free(t);
}

static void tell_again(struct unwind *u)
{
	uint32_t tgid, *prev = NULL;

	if (!unwind_tables_differ(u->tables))
		return;
	while (!bpf_map_get_next_key(u->fd.procs, prev, &tgid)) {
		tell_process(u, tgid);
		prev = &tgid;
	}
}

static void tell_one(struct unwind *u)
{
	tell_process(u, u->fresh[--u->fresh_cnt]);
}

/*
 * Tables take their time. Meanwhile others map files, and may be gone a moment later: so events are taken,
 * and files opened, between any two of them.
 */
static void tell_fresh(struct unwind *u)
{
	while (u->fresh_cnt) {
		tell_one(u);
		usyms_advance(u->procs, UINT64_MAX);
	}
	tell_again(u);
}

static void make_table(void *arg, const struct usyms_code *c)
{
	struct unwind *u = arg;

	unwind_table_of(u->tables, c);
}

/* Others of its kind are to find what one needed that has ended before we looked. */
static void on_change(void *arg, uint32_t tgid, bool ended)
{
	struct unwind *u = arg;
	uint32_t i = 0;

	while (i < u->fresh_cnt && u->fresh[i] != tgid)
		i++;
	if (ended) {
		if (i < u->fresh_cnt) {
			usyms_each(u->procs, tgid, make_table, u);
			u->fresh[i] = u->fresh[--u->fresh_cnt];
		}
		bpf_map_delete_elem(u->fd.procs, &tgid);
		return;
	}
	if (i < u->fresh_cnt)
		return;
	if (u->fresh_cnt == FRESH_MAX)
		tell_one(u);
	u->fresh[u->fresh_cnt++] = tgid;
}

struct unwind *unwind_new(const struct unwind_fds *fds, struct ufiles *files)
{
	struct unwind *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->fd = *fds;
	u->tables = unwind_tables_new(fds);
	u->procs = usyms_new(files);
	if (!u->procs || !u->tables) {
		unwind_free(u);
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
	unwind_tables_free(u->tables);
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

static void make_file(void *arg, const char *path)
{
	struct unwind *u = arg;
	struct stat st;

	if (!stat(path, &st) && st.st_size < LARGE_FILE)
		unwind_table_make(u->tables, path);
}

/* The first of its stacks shall be whole: what it begins with does not wait for it. */
void unwind_expect_child(struct unwind *u, struct probe_env *env, uint32_t tgid, const char *path)
{
	probe_program_files(env, path, make_file, u);
	usyms_expect(u->procs, tgid);
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
	made_cnt = unwind_tables_made(u->tables);
	unwind_update(u);
	meet(u, e.tgid, e.addr);
	after = told(u, e.tgid);
	if (made_cnt != unwind_tables_made(u->tables) ||
	    memcmp(before.map, after.map, sizeof(before.map)) ||
	    (!e.addr && after.map[UNWIND_MAPPINGS - 1].start))
		bpf_map_delete_elem(u->fd.marks, &e.mark);
	return 0;
}

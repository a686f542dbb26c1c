// SPDX-License-Identifier: Apache-2.0
/*
 * Processes and what they had mapped. Forks, execs and executable mappings are followed by events
 * (proc_events.h) up to the moment that is asked about; of a process that was there before, or where
 * events cannot be had, /proc/PID/maps is read when it is met, and again when an address lies in
 * nothing known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/perfmap.h"
#include "runtime/proc_events.h"
#include "runtime/ufiles.h"
#include "runtime/umaps.h"
#include "runtime/usyms.h"

enum {
	BUCKETS = 1024,
	REREADS_FREE = 16, /* of a process's mappings; then they get a tenth of the time */
	DEAD_MAX = 4096, /* processes that have ended and may still be asked about */
};

struct made {
	uint32_t tgid;
	struct perfmap *map;
	struct made *next;
};

struct usyms {
	struct made *made[BUCKETS];
	struct process *procs[BUCKETS];
	struct ufiles *files; /* not ours */
	struct umap *kept;
	struct proc_events *events; /* NULL: none to be had */
	bool closely; /* they are taken as they come */
	void (*changed)(void *arg, uint32_t tgid, bool ended); /* NULL: nobody asks */
	void *changed_arg;
	uint32_t dead[DEAD_MAX]; /* the next to be forgotten is at dead_at */
	uint32_t dead_at;
};

struct usyms *usyms_new(struct ufiles *files)
{
	struct usyms *u = calloc(1, sizeof(*u));

	if (u)
		u->files = files;
	return u;
}

/* ---- processes ---- */

static struct process *process_find(const struct usyms *u, uint32_t tgid)
{
	struct process *p = u->procs[tgid % BUCKETS];

	while (p && p->tgid != tgid)
		p = p->next;
	return p;
}

static struct process *process_add(struct usyms *u, uint32_t tgid)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->next = u->procs[tgid % BUCKETS];
	u->procs[tgid % BUCKETS] = p;
	return p;
}

static void process_free(struct process *p)
{
	umaps_drop(p);
	free(p->maps);
	free(p);
}

static void process_forget(struct usyms *u, uint32_t tgid)
{
	struct process **at = &u->procs[tgid % BUCKETS], *p;

	while (*at && (*at)->tgid != tgid)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	*at = p->next;
	process_free(p);
}

/* ---- events ---- */

static void on_fork(struct usyms *u, uint32_t tgid, uint32_t parent)
{
	const struct process *from;
	struct process *p;

	process_forget(u, tgid); /* its number is used again */
	p = process_add(u, tgid);
	from = process_find(u, parent);
	if (p && from)
		p->met = p->heirs_met = from->heirs_met;
	if (p && from && from->read)
		umaps_copy(p, from);
	else if (p)
		p->parent = from && from->parent ? from->parent : parent;
}

static void on_program(struct usyms *u, uint32_t tgid)
{
	struct process *p = process_find(u, tgid) ?: process_add(u, tgid);

	if (!p)
		return;
	umaps_drop(p);
	p->parent = 0;
	p->read = true; /* all of its mappings will be told */
}

/* What belongs to it may still be on its way to us: it is forgotten later. */
static void on_end(struct usyms *u, uint32_t tgid)
{
	struct process *p = process_find(u, tgid), *old;
	uint32_t *slot = &u->dead[u->dead_at];

	if (!p || p->dead)
		return;
	p->dead = true;
	old = *slot ? process_find(u, *slot) : NULL;
	if (old && old->dead)
		process_forget(u, *slot);
	*slot = tgid;
	u->dead_at = (u->dead_at + 1) % DEAD_MAX;
}

static void changed(const struct usyms *u, uint32_t tgid, bool ended)
{
	if (u->changed)
		u->changed(u->changed_arg, tgid, ended);
}

/* Nobody knows what: all that live are read again when they are met. */
static void on_lost(struct usyms *u)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct process *p = u->procs[i]; p; p = p->next) {
			if (p->dead)
				continue;
			p->read = false;
			changed(u, p->tgid, true);
		}
}

static struct mapped_by user_of(const struct umap *m, uint32_t tgid)
{
	return (struct mapped_by){ tgid, m->start, m->end, m->since };
}

static void settle(struct umap *m, uint32_t tgid)
{
	struct mapped_by by;

	if (!m || !m->file)
		return;
	by = user_of(m, tgid);
	m->file = ufile_settle(m->file, &by);
}

static void on_event(void *arg, const struct proc_event *e)
{
	struct usyms *u = arg;
	struct process *p;

	switch (e->kind) {
	case PROC_FORK: on_fork(u, e->tgid, e->parent); break;
	case PROC_EXEC: on_program(u, e->tgid); break;
	case PROC_EXIT: on_end(u, e->tgid); break;
	case PROC_LOST: return on_lost(u);
	case PROC_MMAP:
		p = process_find(u, e->tgid);
		if (!p || !p->read) /* it is read when it is met */
			return;
		umaps_insert(u->files, p, &e->map);
		if (u->closely)
			settle(umaps_find(p, e->map.start), e->tgid);
	}
	changed(u, e->tgid, e->kind == PROC_EXIT);
}

static int follow(struct usyms *u, bool closely)
{
	if (!u->events)
		u->events = proc_events_new(closely);
	u->closely = closely;
	return u->events ? proc_events_fd(u->events) : -errno;
}

int usyms_follow(struct usyms *u)
{
	return follow(u, false);
}

int usyms_follow_closely(struct usyms *u)
{
	return follow(u, true);
}

void usyms_on_change(struct usyms *u, void (*fn)(void *arg, uint32_t tgid, bool ended), void *arg)
{
	u->changed = fn;
	u->changed_arg = arg;
}

void usyms_advance(struct usyms *u, uint64_t ns)
{
	if (u->events)
		proc_events_until(u->events, ns, on_event, u);
}

void usyms_free(struct usyms *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct process *p = u->procs[i], *next; p; p = next) {
			next = p->next;
			process_free(p);
		}
		for (struct made *d = u->made[i], *next; d; d = next) {
			next = d->next;
			perfmap_free(d->map);
			free(d);
		}
	}
	for (struct umap *m = u->kept, *next; m; m = next) {
		next = m->next;
		free(m);
	}
	proc_events_free(u->events);
	free(u);
}

/* ---- asking ---- */

/* A fork that was never read, and now is gone: as its parent was. */
static void take_parents(struct usyms *u, struct process *p)
{
	struct process *parent = process_find(u, p->parent) ?: process_add(u, p->parent);

	if (!parent)
		return;
	if (!parent->read)
		umaps_read(u->files, parent, u->events);
	umaps_copy(p, parent);
}

static struct process *process_get(struct usyms *u, uint32_t tgid)
{
	struct process *p = process_find(u, tgid) ?: process_add(u, tgid);

	if (!p || p->read)
		return p;
	umaps_read(u->files, p, u->events);
	if (!p->cnt && p->parent)
		take_parents(u, p);
	return p;
}

/* Stacks without frame pointers are full of addresses that are none: they shall not cost us much. */
static bool may_reread(struct process *p)
{
	if (p->dead)
		return false;
	return p->rereads++ < REREADS_FREE || umaps_now_ns() - p->read_ns > 10 * p->cost_ns;
}

/* The names of code that a process has made itself. */
static struct perfmap *made_by(struct usyms *u, uint32_t tgid)
{
	struct made **slot = &u->made[tgid % BUCKETS], *d;

	for (d = *slot; d; d = d->next)
		if (d->tgid == tgid)
			return d->map;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->tgid = tgid;
	d->map = perfmap_new(tgid);
	d->next = *slot;
	*slot = d;
	return d->map;
}

/* In no file of code that we can read (nor the kernel's), or in a file that is memory by a name. */
static bool is_made(const struct umap *m)
{
	return !m->file || (!ufile_is_elf(m->file) && ufile_path(m->file)[0] != '[');
}

const struct umap *usyms_place(struct usyms *u, uint32_t tgid, uint64_t addr)
{
	struct process *p = process_get(u, tgid);
	struct umap *m = p ? umaps_find(p, addr) : NULL;
	struct perfmap *made;

	if (!m && p && may_reread(p)) {
		umaps_read(u->files, p, u->events);
		m = umaps_find(p, addr);
	}
	if (!m)
		return NULL;
	if (!m->kept)
		settle(m, tgid);
	made = m->exec && is_made(m) ? made_by(u, tgid) : NULL;
	if (made)
		perfmap_hold(made);
	if (!m->kept) {
		m->kept = true;
		m->next = u->kept;
		u->kept = m;
	}
	return m;
}

void usyms_learn(struct usyms *u, uint32_t tgid, uint64_t addr)
{
	struct process *p = process_get(u, tgid);

	if (!p)
		return;
	p->met = true;
	if (addr && !umaps_find(p, addr) && may_reread(p))
		umaps_read(u->files, p, u->events);
}

void usyms_expect(struct usyms *u, uint32_t tgid)
{
	struct process *p = process_find(u, tgid) ?: process_add(u, tgid);

	if (p)
		p->met = p->heirs_met = true;
}

bool usyms_each(struct usyms *u, uint32_t tgid, void (*fn)(void *arg, const struct usyms_code *c),
		void *arg)
{
	const struct process *p = process_find(u, tgid);

	for (uint32_t i = 0; p && i < p->cnt; i++) {
		const struct umap *m = p->maps[i];
		struct usyms_code c = { m->start, m->end, m->off, m->since, m->file, tgid, p->met };

		if (m->exec)
			fn(arg, &c);
	}
	return p && p->cnt;
}

/* Code that a process has made itself: named by its perf-PID.map, if it has one. */
static void find_made(struct usyms *u, const struct umap *m, uint64_t addr, bool back,
		      struct usym *sym)
{
	struct perfmap *map = made_by(u, m->tgid);
	uint64_t start;

	sym->name = map ? perfmap_find(map, addr - back, &start) : NULL;
	if (sym->name)
		sym->off = addr - start;
}

/*
 * What a thread does at a place: back, it has called something; in a system call it has, too, and has not
 * come back. At the first byte of a function it comes from elsewhere.
 */
static const struct elfplace *find_place(struct elfsyms *elf, uint64_t off, bool back, bool lines)
{
	bool inside = !back && elfsyms_behind_syscall(elf, off);
	const struct elfplace *at = NULL, *before = NULL;

	if (back || inside)
		before = elfsyms_find(elf, off - 1, lines);
	if (!back || !before || !before->name) /* nobody has called it: the kernel's doing */
		at = elfsyms_find(elf, off, lines);
	if (inside && at && at->name && at->start == off)
		return at;
	return before && before->name ? before : at;
}

static struct elfsyms *elf_of(const struct umap *m)
{
	struct mapped_by by = user_of(m, m->tgid);

	return m->file ? ufile_elf(m->file, &by) : NULL;
}

void usyms_find(struct usyms *u, const struct umap *m, uint64_t addr, bool back, bool lines,
		struct usym *sym)
{
	const struct elfplace *place;
	struct elfsyms *elf;
	uint64_t off;

	*sym = (struct usym){ 0 };
	if (!m)
		return;
	elf = elf_of(m);
	sym->module = m->file ? ufile_path(m->file) : NULL;
	off = addr - m->start + m->off;
	place = elf ? find_place(elf, off, back, lines) : NULL;
	if (is_made(m))
		return find_made(u, m, addr, back, sym);
	if (!place || !place->name)
		return;
	sym->name = place->name;
	sym->off = off - place->start;
	sym->sources = place->sources;
	sym->source_cnt = place->source_cnt;
}

const char *usyms_build_id(const struct umap *m, uint64_t addr, uint64_t *off)
{
	if (!m || !m->file)
		return NULL;
	*off = addr - m->start + m->off;
	return ufile_build_id(m->file);
}

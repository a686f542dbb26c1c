// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/umaps.h"

enum { MAPS_TEXT_MAX = 64 << 20 };

static void umap_put(struct umap *m)
{
	if (!--m->refs && !m->kept)
		free(m);
}

void umaps_drop(struct process *p)
{
	for (uint32_t i = 0; i < p->cnt; i++)
		umap_put(p->maps[i]);
	p->cnt = 0;
}

static struct umap *map_new(struct ufiles *files, uint32_t tgid, const struct map_line *l)
{
	struct umap *m = malloc(sizeof(*m));

	if (m)
		*m = (struct umap){
			.start = l->start,
			.end = l->end,
			.off = l->off,
			.since = l->since,
			.tgid = tgid,
			.exec = l->exec,
			.file = ufiles_get(files, l, tgid),
		};
	return m;
}

static bool map_is(const struct umap *m, const struct map_line *l, const struct ufile *f)
{
	return m->start == l->start && m->end == l->end && m->off == l->off && m->file == f &&
	       m->exec == l->exec;
}

static bool make_room(struct process *p, uint32_t more)
{
	uint32_t cap = p->cap ?: 16;
	struct umap **maps;

	while (cap < p->cnt + more)
		cap *= 2;
	if (cap == p->cap)
		return true;
	maps = realloc(p->maps, cap * sizeof(*maps));
	if (!maps)
		return false;
	p->maps = maps;
	p->cap = cap;
	return true;
}

/* Place of the first mapping that ends above addr. */
static uint32_t place_of(const struct process *p, uint64_t addr)
{
	uint32_t lo = 0, hi = p->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->maps[mid]->end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct umap *umaps_find(const struct process *p, uint64_t addr)
{
	uint32_t i = place_of(p, addr);

	return i < p->cnt && p->maps[i]->start <= addr ? p->maps[i] : NULL;
}

void umaps_insert(struct ufiles *files, struct process *p, const struct map_line *l)
{
	uint32_t from = place_of(p, l->start), to = from;
	struct umap *m;

	if (!make_room(p, 1))
		return;
	while (to < p->cnt && p->maps[to]->start < l->end)
		to++;
	if (to == from + 1 && map_is(p->maps[from], l, ufiles_get(files, l, p->tgid)))
		return;
	m = map_new(files, p->tgid, l);
	if (!m)
		return;
	for (uint32_t i = from; i < to; i++)
		umap_put(p->maps[i]);
	memmove(&p->maps[from + 1], &p->maps[to], (p->cnt - to) * sizeof(*p->maps));
	p->cnt = p->cnt - (to - from) + 1;
	p->maps[from] = m;
	m->refs++;
}

uint64_t umaps_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct reading {
	struct ufiles *files;
	struct process *old, now;
	bool same; /* code of a file that was mapped there before: the same program */
};

static int on_line(void *arg, const struct map_line *l)
{
	struct reading *r = arg;
	struct process *p = &r->now;
	struct ufile *f;
	struct umap *m;

	if (!l->exec && !l->ino)
		return 0;
	if (p->cnt && l->start < p->maps[p->cnt - 1]->end)
		return 0; /* changed while it was read */
	if (!make_room(p, 1))
		return -ENOMEM;
	f = ufiles_get(r->files, l, r->old->tgid);
	m = umaps_find(r->old, l->start);
	if (!m || !map_is(m, l, f))
		m = map_new(r->files, r->old->tgid, l);
	else
		r->same |= l->exec && l->ino;
	if (!m)
		return -ENOMEM;
	m->refs++;
	p->maps[p->cnt++] = m;
	return 0;
}

static void take_maps(struct process *to, struct process *from)
{
	umaps_drop(to);
	free(to->maps);
	to->maps = from->maps;
	to->cnt = from->cnt;
	to->cap = from->cap;
	*from = (struct process){ 0 };
}

/*
 * What is read is newer than the moment that is asked about. So what events told of code stays, and
 * only fills up with what they do not tell of; nothing at all when another program runs by now.
 */
static void fill_up(struct process *p, struct reading *r)
{
	struct process all = { 0 };
	uint32_t i = 0, j = 0;

	if (!r->same || !make_room(&all, p->cnt + r->now.cnt))
		return;
	while (i < p->cnt || j < r->now.cnt) {
		struct umap *told = i < p->cnt ? p->maps[i] : NULL;
		struct umap *line = j < r->now.cnt ? r->now.maps[j] : NULL, *m;

		if (told && !told->exec) {
			i++;
			continue;
		}
		if (told && line && line->start < told->end && told->start < line->end) {
			j++;
			continue;
		}
		m = told && (!line || told->start < line->start) ? p->maps[i++] : r->now.maps[j++];
		m->refs++;
		all.maps[all.cnt++] = m;
	}
	take_maps(p, &all);
}

void umaps_read(struct ufiles *files, struct process *p, bool told)
{
	struct reading r = { .files = files, .old = p };
	uint64_t began = umaps_now_ns();
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%u/maps", p->tgid);
	text = procmaps_slurp(path, MAPS_TEXT_MAX, NULL);
	if (text && !procmaps_parse(text, on_line, &r) && r.now.cnt) {
		if (told && p->read && p->cnt)
			fill_up(p, &r);
		else
			take_maps(p, &r.now);
	}
	umaps_drop(&r.now);
	free(r.now.maps);
	free(text);
	p->read = true;
	p->read_ns = umaps_now_ns();
	p->cost_ns = p->read_ns - began;
}

void umaps_copy(struct process *to, const struct process *from)
{
	if (!make_room(to, from->cnt))
		return;
	for (; to->cnt < from->cnt; to->cnt++) {
		to->maps[to->cnt] = from->maps[to->cnt];
		to->maps[to->cnt]->refs++;
	}
	to->read = true;
}

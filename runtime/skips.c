// SPDX-License-Identifier: Apache-2.0
/*
 * An event's count says how often its program should have been run, a counter of the program says how
 * often it was. Of what counts by itself (page faults, context switches) the difference is exact. A
 * timer may have been late by more than its period, for which a busy hypervisor is enough: what lacks
 * is told when it is more than one in ten on that CPU.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/attach.h"
#include "runtime/skips.h"

enum { TIMERS_SPARE = 10 };

struct skips {
	const struct loaded *loaded;
	const struct image *img;
	struct probe_event *events;
	uint32_t event_cnt;
	uint64_t *due; /* one for each CPU */
	uint64_t *hits;
};

/* Whether a program may run that keeps the kernel from running those of perf events. */
static bool others_run(const struct image *img)
{
	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		const struct probe_type *t = probe_type_of(img, i);

		if (t && t->when == PROBE_WHEN_ATTACHED &&
		    !(t->flags & (PROBE_OVERFLOWS | PROBE_WALKS)))
			return true;
	}
	return false;
}

struct skips *skips_new(const struct loaded *l, const struct image *img, struct probe_links *links)
{
	uint32_t ncpus = loaded_ncpus(l);
	struct skips *s;

	if (!links->event_cnt || !loaded_counts_hits(l) || !others_run(img))
		return NULL;
	s = calloc(1, sizeof(*s) + 2 * (size_t)ncpus * sizeof(uint64_t));
	if (!s)
		return NULL;
	probe_links_settle(links);
	s->loaded = l;
	s->img = img;
	s->due = (uint64_t *)(s + 1);
	s->hits = s->due + ncpus;
	s->events = links->events;
	s->event_cnt = links->event_cnt;
	links->events = NULL;
	links->event_cnt = 0;
	return s;
}

void skips_free(struct skips *s)
{
	if (!s)
		return;
	free(s->events);
	free(s);
}

static uint64_t lacking(uint64_t due, uint64_t hits, bool is_time)
{
	return due > hits + (is_time ? due / TIMERS_SPARE : 0) ? due - hits : 0;
}

uint64_t skips_of(const struct skips *s, uint32_t probe)
{
	uint32_t counter = image_counter_hits(s->img->maps_cnt, s->img->probes_cnt, probe);
	uint32_t ncpus = loaded_ncpus(s->loaded), i = 0;
	uint64_t n = 0, of_tasks = 0, hits = 0;
	bool is_time = false;

	while (i < s->event_cnt && s->events[i].owner < probe)
		i++;
	if (i == s->event_cnt || s->events[i].owner != probe ||
	    loaded_counters(s->loaded, counter, s->hits))
		return 0;
	memset(s->due, 0, ncpus * sizeof(*s->due));
	for (; i < s->event_cnt && s->events[i].owner == probe; i++) {
		const struct probe_event *e = &s->events[i];

		is_time |= e->is_time;
		if (e->cpu >= 0 && (uint32_t)e->cpu < ncpus)
			s->due[e->cpu] += e->due;
		else
			of_tasks += e->due;
	}
	for (uint32_t cpu = 0; cpu < ncpus; cpu++) {
		n += lacking(s->due[cpu], s->hits[cpu], is_time);
		hits += s->hits[cpu];
	}
	return n + lacking(of_tasks, hits, is_time);
}

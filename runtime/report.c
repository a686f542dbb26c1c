// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that a script could have seen and did not is counted where it happens, in one per-CPU
 * array for the programs of a trace, and told here. Numbers of lost records are told as they grow,
 * so that the sum of what is told is always the number lost. Refused updates and missed hits are told
 * at the end, with -k also as they grow: how many there were so far.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/out.h"
#include "runtime/report.h"
#include "runtime/skips.h"
#include "runtime/symbols.h"

struct report {
	const struct image *img;
	const struct run_options *opt;
	const struct loaded *loaded;
	struct event_ctx *events;
	uint64_t *lost, *missed; /* what was told, by probe */
	uint64_t *failed; /* by site */
	uint64_t *refused; /* by map and reason */
	struct skips *skips; /* NULL: nothing is known of them, or not yet */
	uint64_t told[];
};

struct report *report_new(const struct run_options *opt, const struct loaded *l,
			  struct event_ctx *events)
{
	const struct image *img = events->img;
	size_t cnt = 2 * (size_t)img->probes_cnt + img->sites_cnt + REFUSED_CNT * img->maps_cnt;
	struct report *r = calloc(1, sizeof(*r) + cnt * sizeof(r->told[0]));

	if (!r)
		return NULL;
	r->lost = r->told;
	r->missed = r->lost + img->probes_cnt;
	r->failed = r->missed + img->probes_cnt;
	r->refused = r->failed + img->sites_cnt;
	r->img = img;
	r->opt = opt;
	r->loaded = l;
	r->events = events;
	return r;
}

void report_free(struct report *r)
{
	if (r)
		skips_free(r->skips);
	free(r);
}

void report_settle(struct report *r, struct probe_links *links)
{
	r->skips = skips_new(r->loaded, r->img, links);
}

/* A probe by its target; one of several by the first and how many more there are. */
static void probe_name(const struct image *img, uint32_t probe, char *buf, size_t sz)
{
	const struct image_probe *p = &img->probes[probe];
	const char *name =
		image_str(img, p->target_cnt ? img->targets[p->target_first].name : p->type);

	if (p->target_cnt > 1)
		snprintf(buf, sz, "%s and %u more", name, p->target_cnt - 1);
	else
		snprintf(buf, sz, "%s", name);
}

static void report_lost(struct report *r, bool last)
{
	struct out *o = r->events->out;
	char name[512];

	for (uint32_t i = 0; i < r->img->probes_cnt; i++) {
		uint64_t n = loaded_counter(r->loaded, image_counter_lost(r->img->maps_cnt, i));

		if (n == r->lost[i] && !(last && n))
			continue;
		probe_name(r->img, i, name, sizeof(name));
		o->ops->lost(o, name, n - r->lost[i], n);
		r->lost[i] = n;
		out_commit(o);
	}
}

/* What to raise, once, behind the last of them. */
static void hint_lost(const struct report *r)
{
	uint32_t pages = loaded_ring_size(r->loaded) / (uint32_t)sysconf(_SC_PAGESIZE);
	uint64_t lost = 0;

	for (uint32_t i = 0; i < r->img->probes_cnt; i++)
		lost += r->lost[i];
	if (lost && !r->opt->no_warnings && !r->events->out->ops->messages_within)
		fprintf(stderr,
			"HINT: More room for events: config = { perf_rb_pages = %u } (it was %u)\n",
			pages * 2, pages);
}

/* Keys that did not fit: a map that looks complete and is not would be a lie. */
static void report_refused(struct report *r)
{
	struct out *o = r->events->out;

	for (uint32_t i = 0; i < r->img->maps_cnt; i++) {
		for (uint32_t why = 0; why < REFUSED_CNT; why++) {
			uint64_t n = loaded_counter(r->loaded, image_counter_refused(i) + why);
			uint64_t *told = &r->refused[i * REFUSED_CNT + why];

			if (n == *told)
				continue;
			*told = n;
			o->ops->refused(o, &r->img->maps[i], (enum image_refusal)why, n);
			out_commit(o);
		}
	}
}

/* Hits that came while a program of ours ran on the same CPU; the kernel counts them since 5.12. */
static uint64_t missed_by(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return 0;
	return info.recursion_misses;
}

static void report_missed(struct report *r)
{
	struct out *o = r->events->out;
	char name[512];

	for (uint32_t i = 0; i < r->img->probes_cnt; i++) {
		int fd = loaded_prog_fd(r->loaded, i, 0), other;
		uint64_t n = missed_by(fd);

		for (uint32_t t = 1; t < r->img->probes[i].target_cnt; t++) {
			other = loaded_prog_fd(r->loaded, i, t);
			n += other == fd ? 0 : missed_by(other);
		}
		n += r->skips ? skips_of(r->skips, i) : 0;
		n += loaded_counter(r->loaded,
				    image_counter_missed(r->img->maps_cnt, r->img->probes_cnt, i));
		if (n == r->missed[i])
			continue;
		r->missed[i] = n;
		probe_name(r->img, i, name, sizeof(name));
		o->ops->missed(o, name, n);
		out_commit(o);
	}
}

/* -k, when compiled or now */
static bool wants_failures(const struct report *r)
{
	bool wants = r->opt->failures;

	for (uint32_t i = 0; i < r->img->sites_cnt; i++)
		wants |= !image_site_is_loop(&r->img->sites[i]);
	return wants;
}

static void report_failures(struct report *r)
{
	struct out *o = r->events->out;

	for (uint32_t i = 0; i < r->img->sites_cnt; i++) {
		struct site_count now = loaded_site(r->loaded, i);
		uint64_t *told = &r->failed[i];

		if (now.cnt == *told ||
		    (image_site_is_loop(&r->img->sites[i]) && r->opt->no_warnings))
			continue;
		o->ops->failed(o, &r->img->sites[i], now.ret, now.cnt - *told);
		*told = now.cnt;
		out_commit(o);
	}
}

void report_live(struct report *r)
{
	report_lost(r, false);
	report_failures(r);
	if (wants_failures(r) && !r->opt->no_warnings) {
		report_refused(r);
		report_missed(r);
	}
	out_idle(r->events->out);
}

void report_end(struct report *r)
{
	uint64_t clashes;

	report_lost(r, true);
	hint_lost(r);
	report_failures(r);
	clashes = symbols_clashes(r->events->env->symbols);
	if (clashes)
		fprintf(stderr, "WARNING: %llu stacks were taken for others with the same hash\n",
			(unsigned long long)clashes);
	if (r->events->bad_cnt)
		fprintf(stderr, "WARNING: %llu events could not be read\n",
			(unsigned long long)r->events->bad_cnt);
	if (r->opt->no_warnings)
		return;
	report_refused(r);
	report_missed(r);
}

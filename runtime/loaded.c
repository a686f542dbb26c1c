// SPDX-License-Identifier: Apache-2.0
/* Questions about what is loaded: descriptors, sizes, what programs have counted. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "runtime/loaded.h"
#include "runtime/unwind.h"

const int *loaded_map_fds(const struct loaded *l)
{
	return l->map_fds;
}

const struct map_shape *loaded_map_shapes(const struct loaded *l)
{
	return l->shapes;
}

int loaded_stacks_fd(const struct loaded *l)
{
	return bpf_object__find_map_fd_by_name(l->obj, IMAGE_MAP_STACKS);
}

static int map_fd(const struct loaded *l, const char *name)
{
	return bpf_object__find_map_fd_by_name(l->obj, name);
}

bool loaded_unwind_fds(const struct loaded *l, struct unwind_fds *fds)
{
	*fds = (struct unwind_fds){
		.procs = map_fd(l, IMAGE_MAP_UNWIND_PROCS),
		.files = map_fd(l, IMAGE_MAP_UNWIND_FILES),
		.tables = map_fd(l, IMAGE_MAP_UNWIND_TABLES),
		.rules = map_fd(l, IMAGE_MAP_UNWIND_RULES),
		.marks = map_fd(l, IMAGE_MAP_STACKS),
	};
	return l->unwinds && fds->procs >= 0 && fds->files >= 0 && fds->tables >= 0 &&
	       fds->rules >= 0;
}

int loaded_events_fd(const struct loaded *l)
{
	return bpf_object__find_map_fd_by_name(l->obj, IMAGE_MAP_EVENTS);
}

int loaded_beats_fd(const struct loaded *l, uint32_t *slot_cnt)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(l->obj, IMAGE_MAP_BEATS);

	*slot_cnt = map ? bpf_map__max_entries(map) : 0;
	return map ? bpf_map__fd(map) : -1;
}

uint32_t loaded_events_size(const struct loaded *l)
{
	return l->ring;
}

uint32_t loaded_ncpus(const struct loaded *l)
{
	return l->ncpus;
}

uint32_t loaded_ring_size(const struct loaded *l)
{
	return l->ring;
}

int loaded_counters(const struct loaded *l, uint32_t idx, uint64_t *vals)
{
	int fd = map_fd(l, IMAGE_MAP_COUNTERS);

	return fd < 0 ? -ENOENT : bpf_map_lookup_elem(fd, &idx, vals);
}

uint64_t loaded_counter(const struct loaded *l, uint32_t idx)
{
	uint64_t *vals = calloc(l->ncpus, sizeof(*vals)), sum = 0;

	if (vals && !loaded_counters(l, idx, vals))
		for (uint32_t i = 0; i < l->ncpus; i++)
			sum += vals[i];
	free(vals);
	return sum;
}

bool loaded_counts_hits(const struct loaded *l)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(l->obj, IMAGE_MAP_COUNTERS);
	uint32_t probes = l->img->probes_cnt;

	return map &&
	       bpf_map__max_entries(map) >= image_counter_hits(l->img->maps_cnt, probes, probes);
}

struct site_count loaded_site(const struct loaded *l, uint32_t idx)
{
	int fd = bpf_object__find_map_fd_by_name(l->obj, IMAGE_MAP_SITES);
	struct site_count *vals = calloc(l->ncpus, sizeof(*vals)), sum = { 0 };

	if (vals && fd >= 0 && !bpf_map_lookup_elem(fd, &idx, vals)) {
		for (uint32_t i = 0; i < l->ncpus; i++) {
			sum.cnt += vals[i].cnt;
			sum.ret = vals[i].ret ?: sum.ret;
		}
	}
	free(vals);
	return sum;
}

int loaded_prog_fd(const struct loaded *l, uint32_t probe, uint32_t target)
{
	const struct loaded_prog *lp = &l->progs[probe];

	if (target && target <= lp->clone_cnt)
		return lp->clone_fds[target - 1];
	return bpf_program__fd(lp->prog);
}

uint32_t loaded_probes_in(const struct loaded *l, uint32_t probe)
{
	const struct loaded_prog *lp = &l->progs[probe];

	return lp->merged ? 0 : lp->session ? 2 : 1;
}

uint32_t loaded_attach_type(const struct loaded *l, uint32_t probe)
{
	return l->progs[probe].how.attach_type;
}

// SPDX-License-Identifier: Apache-2.0
/* Maps as this machine wants them, before they are made. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/image_unwind.h"
#include "runtime/load.h"

enum {
	RING_QUIET = 256 << 10, /* only control records, or only from begin and end */
	RING_CPU = 2 << 20, /* for each CPU: a million records a second need a quarter, mostly */
	RING_BUSY_MAX = 32 << 20,
	RING_MAX = 1 << 30,
};

static bool is_data(const struct image_action *a)
{
	return a->kind != ACT_EXIT && a->kind != ACT_PRINT_MAP && a->kind != ACT_CLEAR &&
	       a->kind != ACT_ZERO && a->kind != ACT_TIME && a->kind != ACT_UNWATCH;
}

/* Whether records may come at any rate: data, from probes that are attached. */
static bool is_busy(const struct image *img)
{
	bool data = false, attached = false;

	for (uint32_t i = 0; i < img->actions_cnt; i++)
		data |= is_data(&img->actions[i]);
	for (uint32_t i = 0; i < img->probes_cnt && data; i++) {
		const struct probe_type *t = probe_type_find(image_str(img, img->probes[i].type));

		attached |= t && t->when == PROBE_WHEN_ATTACHED;
	}
	return attached;
}

/*
 * A ring's pages are allocated, zeroed and mapped when it is made, 0.3 ms a MiB: a quiet script shall
 * not pay for that.
 */
uint32_t load_ring_size(const struct image *img, uint32_t ncpus)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), want = RING_QUIET, sz = page;

	if (is_busy(img))
		want = ncpus < RING_BUSY_MAX / RING_CPU ? ncpus * RING_CPU : RING_BUSY_MAX;
	want = image_setting_num(img, "perf_rb_pages", 0) * page ?: want;
	while (sz < want && sz < RING_MAX)
		sz *= 2;
	return (uint32_t)sz;
}

static int make_percpu(struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);

	return bpf_map__set_type(map, type == BPF_MAP_TYPE_LRU_HASH ? BPF_MAP_TYPE_LRU_PERCPU_HASH
								    : BPF_MAP_TYPE_PERCPU_HASH);
}

static int shape_map(struct bpf_map *map, const struct map_shape *s)
{
	int rc = s->percpu ? make_percpu(map) : 0;

	rc = rc ?: bpf_map__set_key_size(map, s->key_sz);
	rc = rc ?: bpf_map__set_value_size(map, s->val_sz);
	rc = rc ?: bpf_map__set_max_entries(map, s->entries);
	if (!rc && s->lazy)
		rc = bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
	return rc;
}

static int check_map(const struct image *img, const struct image_map *m, const struct bpf_map *map)
{
	uint32_t key = m->flags & IMAGE_MAP_SCALAR ? 4 : img->types[m->key].size;

	if (map && bpf_map__key_size(map) == key &&
	    bpf_map__value_size(map) == image_map_value_size(m, &img->types[m->val]))
		return 0;
	fprintf(stderr, "ERROR: bad image: map %s is not what the image says\n",
		image_str(img, m->name));
	return -EINVAL;
}

/* What a new entry is made of: as long as the longest value. */
static int size_zeroes(struct bpf_object *obj, uint32_t longest)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, IMAGE_MAP_ZEROES);

	return map && longest ? bpf_map__set_value_size(map, longest) : 0;
}

/* Frames too large for a per-CPU map: one for each program and CPU. */
static int size_scratch(struct bpf_object *obj, uint32_t ncpus)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, IMAGE_MAP_SCRATCH);

	if (!map || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY)
		return 0;
	return bpf_map__set_max_entries(map, bpf_map__max_entries(map) * ncpus);
}

bool load_unwinds(const struct bpf_object *obj, struct features *f)
{
	return bpf_object__find_map_by_name(obj, IMAGE_MAP_UNWIND_PROCS) &&
	       features_has(f, FEAT_TASK_PT_REGS) && features_has(f, FEAT_BTF);
}

/* What is unwound by takes memory as it comes; where that cannot be, some for a start, or none. */
static int size_unwind(struct bpf_object *obj, struct features *f)
{
	static const struct {
		const char *name;
		uint32_t key_sz, val_sz;
		uint32_t least; /* entries */
	} maps[] = {
		{ IMAGE_MAP_UNWIND_PROCS, 4, sizeof(struct unwind_proc), 512 },
		{ IMAGE_MAP_UNWIND_FILES, sizeof(struct unwind_file_id), sizeof(struct unwind_file),
		  1 }, /* older kernels cannot look into them */
		{ IMAGE_MAP_UNWIND_TABLES, 8, sizeof(union unwind_chunk), 2048 },
		{ IMAGE_MAP_UNWIND_RULES, 4, sizeof(struct unwind_rule), 0 },
	};
	struct bpf_map *rules = bpf_object__find_map_by_name(obj, IMAGE_MAP_UNWIND_RULES);
	bool used = load_unwinds(obj, f);
	int rc = 0;

	if (!rules)
		return 0;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps) && !rc; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, maps[i].name);

		/* we hand the kernel so many bytes */
		if (!map || bpf_map__key_size(map) != maps[i].key_sz ||
		    bpf_map__value_size(map) != maps[i].val_sz) {
			fprintf(stderr, "ERROR: bad image: map %s is not what it should be\n",
				maps[i].name);
			return -EINVAL;
		}
		if (map == rules)
			rc = used ? 0 : bpf_map__set_max_entries(map, 1);
		else if (used && features_has(f, FEAT_BPF_MEM_ALLOC))
			rc = bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
		else
			rc = bpf_map__set_max_entries(map, used ? maps[i].least : 1);
	}
	return rc;
}

/* Shared with user space while programs run. */
static int share_beats(struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, IMAGE_MAP_BEATS);

	if (!map)
		return 0;
	if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || bpf_map__key_size(map) != 4 ||
	    bpf_map__value_size(map) != sizeof(struct image_beat)) {
		fprintf(stderr,
			"ERROR: bad image: map " IMAGE_MAP_BEATS " is not what it should be\n");
		return -EINVAL;
	}
	return bpf_map__set_map_flags(map, BPF_F_MMAPABLE);
}

int load_keys_fit(const struct load_args *a, const struct map_shape *shapes)
{
	for (uint32_t i = 0; i < a->img->maps_cnt; i++) {
		const struct image_map *m = &a->img->maps[i];

		if (shapes[i].key_sz <= IMAGE_KEY_EVERYWHERE ||
		    features_has(a->features, FEAT_LONG_KEYS))
			continue;
		load_lacks(a, m->place, "long_keys");
		fprintf(stderr,
			"HINT: The keys of %s take %u bytes. Lower max_strlen, or cut their "
			"text with str(p, n).\n",
			image_str(a->img, m->name), shapes[i].key_sz);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* A dry run is over from its start: programs on events leave at once. */
static int end_before_start(struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, IMAGE_SECTION_OVER);
	const uint64_t over = 1;
	size_t sz;

	if (!map)
		return 0;
	if (!bpf_map__initial_value(map, &sz) || sz != sizeof(over))
		return -EINVAL;
	return bpf_map__set_initial_value(map, &over, sizeof(over));
}

int load_maps_prepare(struct bpf_object *obj, const struct load_args *a, uint32_t ncpus,
		      struct map_shape *shapes)
{
	bool can_be_lazy = features_has(a->features, FEAT_BPF_MEM_ALLOC);
	struct bpf_map *ring = bpf_object__find_map_by_name(obj, IMAGE_MAP_EVENTS);
	uint32_t longest = 0;
	int rc = 0;

	if (ring)
		rc = bpf_map__set_max_entries(ring, load_ring_size(a->img, ncpus));
	for (uint32_t i = 0; i < a->img->maps_cnt && !rc; i++) {
		const struct image_map *m = &a->img->maps[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(obj, image_str(a->img, m->bpf_name));

		shapes[i] = map_shape_of(a->img, m, ncpus, can_be_lazy);
		rc = check_map(a->img, m, map) ?: shape_map(map, &shapes[i]);
		if (shapes[i].val_sz > longest)
			longest = shapes[i].val_sz;
	}
	rc = rc ?: size_scratch(obj, ncpus);
	rc = rc ?: size_unwind(obj, a->features);
	rc = rc ?: share_beats(obj);
	rc = rc ?: size_zeroes(obj, longest);
	return rc || !a->opt->dry_run ? rc : end_before_start(obj);
}

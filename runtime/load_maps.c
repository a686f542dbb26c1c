// SPDX-License-Identifier: Apache-2.0
/*
 * Shapes of maps that only the machine at hand decides.
 *
 * An aggregate has one copy for each CPU. A scalar one is an array with an entry for each. Of a keyed
 * one they lie side by side in the value of a plain hash, a cache line or more apart: such a map is
 * made at once (a per-CPU hash allocates each of its 4096 entries by itself, 1.6 ms here), is read
 * with plain lookups and can be summed by a program on any kernel. A large one takes memory only as
 * it fills, and stays a plain hash for that: of a million new keys counted in one run the kernel's
 * per-CPU hash refused 916 thousand and took 22 s, as its allocator cannot follow; the plain one takes
 * them all in 2 s. Only where many CPUs make a value huge is the per-CPU kind used.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/load.h"

enum {
	RING_QUIET = 256 << 10, /* only control records, or only from begin and end */
	RING_CPU = 2 << 20, /* for each CPU: a million records a second need a quarter, mostly */
	RING_BUSY_MAX = 32 << 20,
	RING_MAX = 1 << 30,
	AT_ONCE_MAX = 8 << 20, /* bytes a map may take when it is made although it need not */
	HASH_ENTRY = 64, /* bytes the kernel adds to an entry, about */
	LAZY_ENTRY_MAX = 64 << 10, /* longest value that a plain hash allocates by itself */
};

static bool is_data(const struct image_action *a)
{
	return a->kind != ACT_EXIT && a->kind != ACT_PRINT_MAP && a->kind != ACT_CLEAR &&
	       a->kind != ACT_ZERO && a->kind != ACT_TIME;
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

struct shape {
	uint32_t slot; /* bytes of one CPU's copy; 0: no aggregate, or kept apart by the kernel */
	uint32_t val_sz;
	uint32_t entries; /* 0: as they are */
	bool percpu; /* the kernel's per-CPU kind */
	bool lazy; /* BPF_F_NO_PREALLOC */
};

/*
 * Allocating as it fills is safe in every context only since 6.1 (before, perf_event programs are
 * refused with such a map): older kernels get everything at once.
 */
static struct shape shape_of(const struct image_map *m, const struct load_args *a, uint32_t ncpus)
{
	const struct image_type *val = &a->img->types[m->val];
	struct shape s = { .val_sz = image_map_value_size(m, val) };
	uint64_t entry;

	if (m->flags & IMAGE_MAP_PERCPU)
		s.slot = s.val_sz;
	if (m->flags & IMAGE_MAP_SCALAR) {
		s.entries = s.slot ? ncpus : 1;
		return s;
	}
	s.val_sz *= s.slot ? ncpus : 1;
	entry = HASH_ENTRY + a->img->types[m->key].size + s.val_sz;
	if (entry * m->max_entries <= AT_ONCE_MAX || !features_has(a->features, FEAT_BPF_MEM_ALLOC))
		return s;
	s.lazy = !(m->flags & IMAGE_MAP_LRU);
	if (s.slot && s.val_sz > LAZY_ENTRY_MAX) {
		s.percpu = true;
		s.slot = 0;
		s.val_sz = (val->size + 7) & ~7u;
	}
	return s;
}

static int make_percpu(struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);

	return bpf_map__set_type(map, type == BPF_MAP_TYPE_LRU_HASH ? BPF_MAP_TYPE_LRU_PERCPU_HASH
								    : BPF_MAP_TYPE_PERCPU_HASH);
}

static int shape_map(struct bpf_map *map, const struct shape *s)
{
	int rc = s->percpu ? make_percpu(map) : 0;

	rc = rc ?: bpf_map__set_value_size(map, s->val_sz);
	if (!rc && s->entries)
		rc = bpf_map__set_max_entries(map, s->entries);
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

bool load_unwinds(const struct bpf_object *obj, struct features *f)
{
	return bpf_object__find_map_by_name(obj, IMAGE_MAP_UNWIND) &&
	       features_has(f, FEAT_TASK_PT_REGS) && features_has(f, FEAT_BTF);
}

/* What is unwound by takes memory as it comes; where that cannot be, some for a start, or none. */
static int size_unwind(struct bpf_object *obj, struct features *f)
{
	static const struct {
		const char *name;
		uint32_t least; /* entries */
	} maps[] = { { IMAGE_MAP_UNWIND_PROCS, 512 }, { IMAGE_MAP_UNWIND_TABLES, 2048 } };
	struct bpf_map *rules = bpf_object__find_map_by_name(obj, IMAGE_MAP_UNWIND_RULES);
	bool used = load_unwinds(obj, f);
	int rc = 0;

	if (!rules)
		return 0;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps) && !rc; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, maps[i].name);

		if (used && features_has(f, FEAT_BPF_MEM_ALLOC))
			rc = bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
		else
			rc = bpf_map__set_max_entries(map, used ? maps[i].least : 1);
	}
	return rc ?: used ? 0 : bpf_map__set_max_entries(rules, 1);
}

int load_maps_prepare(struct bpf_object *obj, const struct load_args *a, uint32_t ncpus,
		      uint32_t *slots)
{
	struct bpf_map *ring = bpf_object__find_map_by_name(obj, IMAGE_MAP_EVENTS);
	uint32_t longest = 0;
	int rc = 0;

	if (ring)
		rc = bpf_map__set_max_entries(ring, load_ring_size(a->img, ncpus));
	for (uint32_t i = 0; i < a->img->maps_cnt && !rc; i++) {
		const struct image_map *m = &a->img->maps[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(obj, image_str(a->img, m->bpf_name));
		struct shape s = shape_of(m, a, ncpus);

		rc = check_map(a->img, m, map) ?: shape_map(map, &s);
		slots[i] = s.slot;
		if (s.val_sz > longest)
			longest = s.val_sz;
	}
	rc = rc ?: size_unwind(obj, a->features);
	return rc ?: size_zeroes(obj, longest);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Where an aggregate's copies lie, one for each CPU.
 *
 * - A scalar is an array with an entry for each CPU.
 * - By key, they lie side by side in the value of a plain hash, a cache line or more apart: such a map
 *   is made at once (a per-CPU hash allocates each of its 4096 entries by itself, 1.6 ms here), is
 *   read with plain lookups and can be summed by a program on any kernel. A large map takes memory
 *   only as it fills, and stays a plain hash for that: of a million new keys counted in one run the
 *   kernel's per-CPU hash refused 916 thousand and took 22 s, as its allocator cannot follow; the
 *   plain one takes them all in 2 s.
 * - Where many CPUs or large histograms would make that value huge, the CPU becomes part of the key:
 *   few CPUs meet any one key, and only these have a copy. On 128 CPUs a hist() of 4096 keys would
 *   take 300 MB one way and takes 10 MB for every 4 CPUs that meet each key in the other.
 * - Where programs look keys up themselves, an entry must hold all of a key: then the kernel's
 *   per-CPU kind is used for what would be too long.
 */
#include "runtime/shape.h"

enum {
	AT_ONCE_MAX = 8 << 20, /* bytes a map may take when it is made although it need not */
	HASH_ENTRY = 64, /* bytes the kernel adds to an entry, about */
	BUCKET = 16, /* of a hash, for each entry it may have */
	SIDE_BY_SIDE_MAX = 4 << 10, /* longest value of all CPUs' copies, where they may be apart */
	LAZY_ENTRY_MAX = 64 << 10, /* longest value that a plain hash allocates by itself */
	BY_CPU_MAX = 4 << 20, /* entries of a map by CPU, unless the script asks for more */
	BY_CPU_EAGER = 4, /* CPUs to a key for which there is room where all is allocated at once */
};

static uint32_t align8(uint32_t n)
{
	return (n + 7) & ~7u;
}

static uint32_t by_cpu_entries(uint64_t keys, uint32_t ncpus, bool lazy)
{
	uint32_t cpus = lazy || ncpus < BY_CPU_EAGER ? ncpus : BY_CPU_EAGER;
	uint64_t most = keys > BY_CPU_MAX ? keys : BY_CPU_MAX;

	return (uint32_t)(keys * cpus < most ? keys * cpus : most);
}

/*
 * Allocating as it fills is safe in every context only since 6.1 (before, perf_event programs are
 * refused with such a map): older kernels get everything at once.
 */
struct map_shape map_shape_of(const struct image *img, const struct image_map *m, uint32_t ncpus,
			      bool can_be_lazy)
{
	const struct image_type *val = &img->types[m->val];
	struct map_shape s = { .key_sz = 4, .val_sz = image_map_value_size(m, val), .entries = 1 };
	bool whole = m->flags & (IMAGE_MAP_OWN | IMAGE_MAP_WHOLE | IMAGE_MAP_LRU);

	if (m->flags & IMAGE_MAP_PERCPU)
		s.slot = s.val_sz;
	if (m->flags & IMAGE_MAP_SCALAR) {
		s.entries = s.slot ? ncpus : 1;
		return s;
	}
	s.key_sz = img->types[m->key].size;
	s.entries = (uint32_t)m->max_entries;
	s.by_cpu = s.slot && ncpus > 1 && !whole && (uint64_t)s.slot * ncpus > SIDE_BY_SIDE_MAX;
	if (s.by_cpu) {
		s.slot = 0;
		s.key_sz = image_map_cpu_off(s.key_sz) + sizeof(uint64_t);
		s.val_sz = align8(val->size);
	} else if (s.slot) {
		s.val_sz *= ncpus;
	}
	if (s.by_cpu || map_shape_entry(&s, ncpus) * m->max_entries > AT_ONCE_MAX)
		s.lazy = can_be_lazy && !(m->flags & IMAGE_MAP_LRU);
	if (s.by_cpu)
		s.entries = by_cpu_entries(m->max_entries, ncpus, s.lazy);
	if (s.slot && s.val_sz > LAZY_ENTRY_MAX && can_be_lazy) {
		s.percpu = true;
		s.slot = 0;
		s.val_sz = align8(val->size);
	}
	return s;
}

uint64_t map_shape_entry(const struct map_shape *s, uint32_t ncpus)
{
	return HASH_ENTRY + s->key_sz + (uint64_t)s->val_sz * (s->percpu ? ncpus : 1);
}

uint64_t map_shape_made(const struct map_shape *s, uint32_t ncpus)
{
	return s->lazy ? (uint64_t)s->entries * BUCKET : map_shape_full(s, ncpus);
}

uint64_t map_shape_full(const struct map_shape *s, uint32_t ncpus)
{
	return (map_shape_entry(s, ncpus) + BUCKET) * s->entries;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a map for a machine: arithmetic only, so that it is known for any number of CPUs. */
#ifndef TRACE_SHAPE_H
#define TRACE_SHAPE_H

#include "runtime/image.h"

struct map_shape {
	uint32_t
		slot; /* bytes between the CPUs' copies in a value; 0: no aggregate, or each apart */
	uint32_t key_sz, val_sz; /* as the kernel is told; val_sz of percpu: of one CPU */
	uint32_t entries;
	bool percpu; /* the kernel's per-CPU kind */
	bool by_cpu; /* the CPU is part of the key: an entry for each that meets a key */
	bool lazy; /* takes memory as it fills (BPF_F_NO_PREALLOC) */
};

/* can_be_lazy: the kernel has FEAT_BPF_MEM_ALLOC. */
struct map_shape map_shape_of(const struct image *img, const struct image_map *m, uint32_t ncpus,
			      bool can_be_lazy);

/* Bytes: of one entry, about; of the map when it is made; when it has all the entries it may have. */
uint64_t map_shape_entry(const struct map_shape *s, uint32_t ncpus);
uint64_t map_shape_made(const struct map_shape *s, uint32_t ncpus);
uint64_t map_shape_full(const struct map_shape *s, uint32_t ncpus);

#endif

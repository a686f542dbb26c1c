// SPDX-License-Identifier: Apache-2.0
/*
 * Walking a BPF hash from user space. One system call per batch where the kernel can
 * (BPF_MAP_LOOKUP_BATCH and its deleting twin, 5.6), else two per key.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/maps.h"

enum { BATCH_BYTES = 1 << 20, BATCH_MIN = 64 };

typedef int (*each_fn)(void *arg, const void *key, const void *vals);

static size_t entry_sz(const struct map_io *io)
{
	return (size_t)io->val_sz * io->cpus;
}

struct batch {
	int (*get)(int fd, void *in, void *out, void *keys, void *vals, __u32 *cnt,
		   const struct bpf_map_batch_opts *opts);
	char *keys, *vals;
	uint32_t cap;
};

static int batch_alloc(struct batch *b, const struct map_io *io, uint32_t cap)
{
	free(b->keys);
	free(b->vals);
	b->cap = cap;
	b->keys = calloc(cap, io->key_sz);
	b->vals = calloc(cap, entry_sz(io));
	return b->keys && b->vals ? 0 : -ENOMEM;
}

static int batch_pass(const struct map_io *io, const struct batch *b, uint32_t cnt, each_fn fn,
		      void *arg)
{
	int rc = 0;

	for (uint32_t i = 0; i < cnt && !rc; i++)
		rc = fn(arg, b->keys + (size_t)i * io->key_sz, b->vals + i * entry_sz(io));
	return rc;
}

/*
 * -EOPNOTSUPP: not with this kernel, and nothing was passed on. The kernel wants room for a whole
 * bucket of its hash (ENOSPC otherwise), whose size nobody can know before.
 */
static int each_by_batch(const struct map_io *io, struct batch *b, each_fn fn, void *arg)
{
	uint64_t pos_in = 0, pos_out = 0; /* of a hash: four bytes */
	bool first = true, end = false;
	uint32_t cnt;
	int rc;

	rc = batch_alloc(b, io,
			 BATCH_MIN + BATCH_BYTES / (uint32_t)(io->key_sz + entry_sz(io) + 1));
	while (!rc && !end) {
		cnt = b->cap;
		rc = b->get(io->fd, first ? NULL : &pos_in, &pos_out, b->keys, b->vals, &cnt, NULL);
		if (rc == -ENOSPC && b->cap < 1u << 24) {
			rc = batch_alloc(b, io, b->cap * 2);
			continue;
		}
		end = rc == -ENOENT;
		if (rc && !end)
			return first ? -EOPNOTSUPP : rc;
		rc = batch_pass(io, b, cnt, fn, arg);
		pos_in = pos_out;
		first = false;
	}
	return rc;
}

/* A key deleted under our hands makes the kernel start over: the bound keeps that finite. */
static int each_by_key(const struct map_io *io, bool keys_only, each_fn fn, void *arg)
{
	char *key = calloc(2, io->key_sz), *next = key ? key + io->key_sz : NULL;
	char *vals = calloc(1, entry_sz(io));
	uint64_t left = io->max_entries * 2 + 1;
	const char *at = NULL;
	int rc = key && vals ? 0 : -ENOMEM;

	while (!rc && left-- && !bpf_map_get_next_key(io->fd, at, next)) {
		if (keys_only || !bpf_map_lookup_elem(io->fd, next, vals))
			rc = fn(arg, next, vals);
		memcpy(key, next, io->key_sz);
		at = key;
	}
	free(key);
	free(vals);
	return rc;
}

int map_io_each(const struct map_io *io, bool keys_only, each_fn fn, void *arg)
{
	struct batch b = { .get = bpf_map_lookup_batch };
	int rc;

	rc = each_by_batch(io, &b, fn, arg);
	free(b.keys);
	free(b.vals);
	return rc == -EOPNOTSUPP ? each_by_key(io, keys_only, fn, arg) : rc;
}

struct key_list {
	const struct map_io *io;
	char *keys;
	size_t cnt, cap;
};

static int keep_key(void *arg, const void *key, const void *vals)
{
	struct key_list *l = arg;

	if (l->cnt == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		char *keys = realloc(l->keys, cap * l->io->key_sz);

		if (!keys)
			return -ENOMEM;
		l->keys = keys;
		l->cap = cap;
	}
	memcpy(l->keys + l->cnt++ * l->io->key_sz, key, l->io->key_sz);
	return 0;
}

/* Keys first: changing a hash while walking it skips or repeats entries. */
static int for_each_key(const struct map_io *io,
			int (*fn)(const struct map_io *io, const void *key, const void *zeroes))
{
	struct key_list l = { .io = io };
	void *zeroes = calloc(1, entry_sz(io));
	int rc = zeroes ? map_io_each(io, true, keep_key, &l) : -ENOMEM;

	for (size_t i = 0; i < l.cnt && !rc; i++)
		rc = fn(io, l.keys + i * io->key_sz, zeroes);
	free(zeroes);
	free(l.keys);
	return rc;
}

static int zero_key(const struct map_io *io, const void *key, const void *zeroes)
{
	int rc = bpf_map_update_elem(io->fd, key, zeroes, BPF_EXIST);

	return rc == -ENOENT ? 0 : rc;
}

/* Without batches: what comes between reading and deleting an entry is lost. */
static int take_by_key(const struct map_io *io, each_fn fn, void *arg)
{
	struct key_list l = { .io = io };
	void *vals = calloc(1, entry_sz(io));
	int rc = vals ? map_io_each(io, true, keep_key, &l) : -ENOMEM;

	for (size_t i = 0; i < l.cnt && !rc; i++) {
		const char *key = l.keys + i * io->key_sz;

		if (fn && !bpf_map_lookup_elem(io->fd, key, vals))
			rc = fn(arg, key, vals);
		if (!rc)
			rc = bpf_map_delete_elem(io->fd, key);
		rc = rc == -ENOENT ? 0 : rc;
	}
	free(vals);
	free(l.keys);
	return rc;
}

static int ignore_entry(void *arg, const void *key, const void *vals)
{
	return 0;
}

int map_io_take_all(const struct map_io *io, each_fn fn, void *arg)
{
	struct batch b = { .get = bpf_map_lookup_and_delete_batch };
	int rc;

	rc = each_by_batch(io, &b, fn ?: ignore_entry, arg);
	free(b.keys);
	free(b.vals);
	return rc == -EOPNOTSUPP ? take_by_key(io, fn, arg) : rc;
}

int map_io_zero_all(const struct map_io *io)
{
	return for_each_key(io, zero_key);
}

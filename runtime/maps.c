// SPDX-License-Identifier: Apache-2.0
/*
 * Maps of the script. A scalar is entry 0 of an array that always exists: whether it holds anything
 * is told by its presence word, or for an aggregate by its counts, or by our having zeroed it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/agg.h"
#include "runtime/maps.h"
#include "runtime/value.h"

struct maps {
	const struct image *img;
	struct one_map map[];
};

static uint32_t align8(uint32_t n)
{
	return (n + 7) & ~7u;
}

static bool is_scalar(const struct image_map *m)
{
	return m->flags & IMAGE_MAP_SCALAR;
}

static bool has_action(const struct image *img, uint32_t map, enum action_kind kind)
{
	for (uint32_t i = 0; i < img->actions_cnt; i++)
		if (img->actions[i].map == map && img->actions[i].kind == kind)
			return true;
	return false;
}

/* How clear() and zero() are to be done: see map_reset.c. */
static void plan_resets(const struct image *img, uint32_t i, struct one_map *om)
{
	const struct image_map *im = &img->maps[i];

	if (!agg_is_sum(&img->types[im->val]))
		return;
	om->whole = im->flags & IMAGE_MAP_WHOLE;
	om->in_user = !(im->flags & (IMAGE_MAP_OWN | IMAGE_MAP_LRU));
	om->watched = has_action(img, i, ACT_PRINT_MAP) &&
		      (has_action(img, i, ACT_CLEAR) || has_action(img, i, ACT_ZERO));
}

struct maps *maps_new(const struct image *img, const int *fds, const struct map_shape *shapes,
		      uint32_t ncpus)
{
	struct maps *m = calloc(1, sizeof(*m) + img->maps_cnt * sizeof(m->map[0]));

	if (!m)
		return NULL;
	m->img = img;
	for (uint32_t i = 0; i < img->maps_cnt; i++) {
		const struct image_map *im = &img->maps[i];
		const struct image_type *val = &img->types[im->val];
		struct one_map *om = &m->map[i];
		bool percpu = im->flags & IMAGE_MAP_PERCPU;

		om->io.fd = fds[i];
		om->by_cpu = shapes[i].by_cpu;
		om->io.key_sz = shapes[i].key_sz;
		om->io.val_sz = shapes[i].slot ?: align8(val->size);
		om->io.cpus = percpu && !om->by_cpu ? ncpus : 1;
		om->io.max_entries = is_scalar(im) ? 1 : shapes[i].entries;
		om->presence_off = align8(val->size);
		if (is_scalar(im) && !percpu)
			om->io.val_sz += sizeof(uint64_t);
		plan_resets(img, i, om);
	}
	return m;
}

const struct image_type *maps_key(const struct maps *m, uint32_t idx)
{
	return &m->img->types[m->img->maps[idx].key];
}

const struct image_type *maps_val(const struct maps *m, uint32_t idx)
{
	return &m->img->types[m->img->maps[idx].val];
}

struct one_map *maps_one(struct maps *m, uint32_t idx)
{
	return &m->map[idx];
}

void maps_free(struct maps *m)
{
	for (uint32_t i = 0; m && i < m->img->maps_cnt; i++)
		map_reset_free(&m->map[i]);
	free(m);
}

/* ---- reading ---- */

struct reader {
	struct one_map *om;
	struct map_data *d;
	uint32_t cap;
};

static char *new_row(struct reader *r)
{
	struct map_data *d = r->d;

	if (d->cnt == r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : 16;
		char *rows = realloc(d->rows, cap * d->stride);

		if (!rows)
			return NULL;
		d->rows = rows;
		r->cap = cap;
	}
	return memset(d->rows + d->cnt++ * d->stride, 0, d->stride);
}

/* A plain value of a per-CPU map: the CPU that wrote has it, others zeroes; numbers add up. */
static void add_plain(const struct map_data *d, char *sum, const char *vals, uint32_t step,
		      uint32_t cpus)
{
	for (uint32_t i = 0; i < cpus; i++, vals += step) {
		if (d->val->kind == V_INT && d->val->size == 8) {
			uint64_t a, b;

			memcpy(&a, sum, 8);
			memcpy(&b, vals, 8);
			a += b;
			memcpy(sum, &a, 8);
			continue;
		}
		for (uint32_t j = 0; j < d->val->size; j++) {
			if (!vals[j])
				continue;
			memcpy(sum, vals, d->val->size);
			return;
		}
	}
}

static int add_row(void *arg, const void *key, const void *vals)
{
	struct reader *r = arg;
	struct map_data *d = r->d;
	char *row = new_row(r), *sum;

	if (!row)
		return -ENOMEM;
	sum = row + d->val_off;
	if (d->key)
		memcpy(row, key, d->key->size);
	if (!vkind_is_agg(d->val->kind) && r->om->io.cpus == 1)
		memcpy(sum, vals, d->val->size);
	else if (!vkind_is_agg(d->val->kind))
		add_plain(d, sum, vals, r->om->io.val_sz, r->om->io.cpus);
	else
		for (uint32_t i = 0; i < r->om->io.cpus; i++)
			agg_add(d->val, sum, (const char *)vals + i * r->om->io.val_sz);
	return 0;
}

/* Entry 0; of an aggregate one entry for each CPU. */
static int lookup_scalar(const struct one_map *om, void **vals)
{
	char *at = calloc(om->io.cpus, om->io.val_sz);
	int rc = at ? 0 : -ENOMEM;

	for (uint32_t cpu = 0; cpu < om->io.cpus && !rc; cpu++)
		rc = bpf_map_lookup_elem(om->io.fd, &cpu, at + (size_t)cpu * om->io.val_sz);
	if (rc) {
		free(at);
		at = NULL;
	}
	*vals = at;
	return rc;
}

static bool scalar_present(const struct one_map *om, const struct map_data *d, const char *vals)
{
	uint64_t present = 1;

	if (vkind_is_agg(d->val->kind))
		return om->zeroed || agg_used(d->val, d->rows + d->val_off);
	if (om->io.cpus == 1)
		memcpy(&present, vals + om->presence_off, sizeof(present));
	return present != 0;
}

static int read_scalar(struct reader *r, bool always)
{
	void *vals;
	int rc = lookup_scalar(r->om, &vals);

	if (rc)
		return rc;
	rc = add_row(r, NULL, vals) ?: map_reset_adjust(r->om, r->d, always);
	if (!rc && !scalar_present(r->om, r->d, vals) && (!always || agg_is_chart(r->d->val)))
		r->d->cnt = 0;
	free(vals);
	return rc;
}

static void add_rows(void *type, void *sum, const void *part)
{
	agg_add(type, sum, part);
}

/* Makes one row of those that CPUs have of a key. */
static void merge_cpus(struct map_data *d)
{
	struct rows all = { .at = d->rows,
			    .cnt = d->cnt,
			    .key_sz = d->key->size,
			    .val_off = d->val_off,
			    .stride = d->stride };

	rows_merge(&all, add_rows, (void *)d->val);
	d->cnt = all.cnt;
}

static int read_keyed(struct reader *r)
{
	int rc = map_io_each(&r->om->io, false, add_row, r);

	if (!rc && r->om->by_cpu)
		merge_cpus(r->d);
	return rc;
}

/* Whether entries go by their value: numbers and aggregates do. */
static bool by_value(const struct map_data *d)
{
	return d->val->kind == V_INT || d->val->kind == V_ENUM || vkind_is_agg(d->val->kind);
}

static int cmp_ranks(const struct image_type *t, int64_t a, int64_t b)
{
	bool totals = t->kind == V_COUNT || t->kind == V_HIST || t->kind == V_LHIST ||
		      t->kind == V_TSERIES;

	if ((t->flags & IMAGE_TYPE_SIGNED) && !totals)
		return (a > b) - (a < b);
	return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
}

static int cmp_rows(const void *x, const void *y, void *arg)
{
	const struct map_data *d = arg;
	const char *a = d->rows + *(const uint32_t *)x * d->stride;
	const char *b = d->rows + *(const uint32_t *)y * d->stride;
	int c = 0;

	if (vkind_is_agg(d->val->kind))
		c = cmp_ranks(d->val, agg_rank(d->val, a + d->val_off),
			      agg_rank(d->val, b + d->val_off));
	else if (by_value(d))
		c = value_cmp(d->img, d->map->val, a + d->val_off, b + d->val_off);
	return c ?: value_cmp(d->img, d->map->key, a, b);
}

static int sort_rows(struct map_data *d)
{
	d->order = malloc(((size_t)d->cnt + 1) * sizeof(*d->order));
	if (!d->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->cnt; i++)
		d->order[i] = i;
	if (d->key)
		qsort_r(d->order, d->cnt, sizeof(*d->order), cmp_rows, d);
	return 0;
}

int maps_read(struct maps *m, uint32_t idx, bool always, struct map_data *d)
{
	const struct image_map *im = &m->img->maps[idx];
	struct reader r = { .om = &m->map[idx], .d = d };
	int rc;

	*d = (struct map_data){ .img = m->img, .map = im, .val = &m->img->types[im->val] };
	if (!is_scalar(im))
		d->key = &m->img->types[im->key];
	d->val_off = d->key ? align8(d->key->size) : 0;
	d->stride = d->val_off + align8(d->val->size);
	if (d->key)
		rc = read_keyed(&r) ?: map_reset_adjust(r.om, d, always);
	else
		rc = read_scalar(&r, always);
	rc = rc ?: sort_rows(d);
	if (rc)
		map_data_free(d);
	else if (d->cnt && d->val->kind == V_TSERIES) /* they are sorted by it */
		d->latest = (uint64_t)agg_rank(d->val, map_data_val(d, d->cnt - 1));
	return rc;
}

static struct map_number number(const struct map_data *d, const char *name, int64_t v, uint64_t div)
{
	bool is_signed = d->val->flags & IMAGE_TYPE_SIGNED && d->val->kind != V_COUNT;

	v = is_signed ? v / (int64_t)div : (int64_t)((uint64_t)v / div);
	return (struct map_number){ name, v, is_signed };
}

uint32_t map_numbers(const struct map_data *d, const void *val, uint64_t div,
		     struct map_number n[MAP_NUMBERS_MAX])
{
	struct value v = value_at(d->img, d->map->val, val);
	const struct agg_sum *s = val;

	switch ((int)d->val->kind) {
	case V_INT: n[0] = number(d, "", value_int(&v), div); return 1;
	case V_COUNT:
	case V_SUM: n[0] = number(d, "", *(const int64_t *)val, div); return 1;
	case V_MIN:
	case V_MAX: n[0] = number(d, "", agg_extreme(d->val, val), div); return 1;
	case V_AVG: n[0] = number(d, "", agg_average(d->val, s), div); return 1;
	case V_STATS:
		n[0] = (struct map_number){ "count", (int64_t)s->cnt, false };
		n[1] = number(d, "average", agg_average(d->val, s), div);
		n[2] = number(d, "total", s->sum, 1);
		return 3;
	default: return 0;
	}
}

void map_data_free(struct map_data *d)
{
	free(d->rows);
	free(d->order);
	d->rows = NULL;
	d->order = NULL;
	d->cnt = 0;
}

/* ---- changing ---- */

/* Writes zeroes over the value; the presence word only when forget. */
static int reset_scalar(const struct one_map *om, bool forget)
{
	void *vals;
	int rc = lookup_scalar(om, &vals);

	if (rc)
		return rc;
	if (om->io.cpus == 1 && !forget)
		memset(vals, 0, om->presence_off);
	else
		memset(vals, 0, (size_t)om->io.cpus * om->io.val_sz);
	for (uint32_t cpu = 0; cpu < om->io.cpus && !rc; cpu++)
		rc = bpf_map_update_elem(om->io.fd, &cpu,
					 (char *)vals + (size_t)cpu * om->io.val_sz, BPF_ANY);
	free(vals);
	return rc;
}

int maps_clear(struct maps *m, uint32_t idx)
{
	struct one_map *om = &m->map[idx];

	om->zeroed = false;
	if (om->in_user && !om->whole)
		return map_reset_clear(m, idx);
	if (!is_scalar(&m->img->maps[idx]))
		return map_reset_take(m, idx);
	return reset_scalar(om, true);
}

int maps_zero(struct maps *m, uint32_t idx)
{
	struct one_map *om = &m->map[idx];
	struct map_data d;
	int rc;

	if (!is_scalar(&m->img->maps[idx]))
		return om->in_user ? map_reset_zero(m, idx) : map_io_zero_all(&om->io);
	rc = maps_read(m, idx, false, &d);
	if (rc)
		return rc;
	om->zeroed = d.cnt != 0;
	map_data_free(&d);
	return om->in_user ? map_reset_zero(m, idx) : reset_scalar(om, false);
}

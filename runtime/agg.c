// SPDX-License-Identifier: Apache-2.0
#include "runtime/agg.h"
#include "runtime/hist.h"
#include "runtime/maps.h"
#include "runtime/tseries.h"

static void add_words(uint64_t *sum, const uint64_t *cpu, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		sum[i] += cpu[i];
}

static void add_extreme(struct agg_minmax *sum, const struct agg_minmax *cpu)
{
	if (cpu->word > sum->word)
		sum->word = cpu->word;
	sum->cnt += cpu->cnt;
}

int64_t agg_extreme(const struct image_type *t, const struct agg_minmax *s)
{
	if (!s->cnt)
		return 0;
	return (int64_t)(s->word ^
			 agg_extreme_flip(t->kind == V_MIN, t->flags & IMAGE_TYPE_SIGNED));
}

static void add_slot(const struct image_type *t, struct tseries_slot *sum,
		     const struct tseries_slot *cpu)
{
	if (cpu->interval < sum->interval)
		return;
	if (cpu->interval > sum->interval) {
		*sum = *cpu;
		return;
	}
	switch ((enum tseries_kind)t->k) {
	case TSERIES_AVG:
	case TSERIES_SUM:
		sum->value += cpu->value;
		sum->cnt += cpu->cnt;
		return;
	case TSERIES_MAX:
	case TSERIES_MIN:
		if ((uint64_t)cpu->value > (uint64_t)sum->value)
			sum->value = cpu->value;
		sum->cnt += cpu->cnt;
		return;
	case TSERIES_LAST:
		if (cpu->cnt > sum->cnt)
			*sum = *cpu;
		return;
	}
}

static void add_slots(const struct image_type *t, struct tseries_slot *sum,
		      const struct tseries_slot *cpu)
{
	for (int64_t i = 0; i < t->max; i++)
		add_slot(t, &sum[i], &cpu[i]);
}

void agg_add(const struct image_type *t, void *sum, const void *cpu)
{
	if (t->kind == V_MIN || t->kind == V_MAX)
		add_extreme(sum, cpu);
	else if (t->kind == V_TSERIES)
		add_slots(t, sum, cpu);
	else
		add_words(sum, cpu, t->size / sizeof(uint64_t));
}

bool agg_is_sum(const struct image_type *t)
{
	return vkind_is_agg(t->kind) && t->kind != V_MIN && t->kind != V_MAX;
}

/*
 * Intervals that are as they were go. One that went on keeps, of a sum or an average, what came since;
 * of the others its value.
 */
static void sub_slots(const struct image_type *t, struct tseries_slot *sum,
		      const struct tseries_slot *part)
{
	bool sums = t->k == TSERIES_SUM || t->k == TSERIES_AVG;

	for (int64_t i = 0; i < t->max; i++) {
		if (!part[i].interval || sum[i].interval != part[i].interval)
			continue;
		if (sum[i].cnt == part[i].cnt) {
			sum[i] = (struct tseries_slot){ 0 };
		} else if (sums && sum[i].cnt > part[i].cnt) {
			sum[i].value -= part[i].value;
			sum[i].cnt -= part[i].cnt;
		}
	}
}

void agg_sub(const struct image_type *t, void *sum, const void *part)
{
	uint32_t cnt = t->size / sizeof(uint64_t);
	bool sums = t->kind == V_SUM || t->kind == V_AVG || t->kind == V_STATS;
	const uint64_t *b = part;
	uint64_t *a = sum;

	if (t->kind == V_TSERIES) {
		sub_slots(t, sum, part);
		return;
	}
	for (uint32_t i = sums; i < cnt; i++) /* the sum itself may be negative: its count tells */
		if (a[i] < b[i])
			return;
	for (uint32_t i = 0; i < cnt; i++)
		a[i] -= b[i];
}

bool agg_used(const struct image_type *t, const void *sum)
{
	const uint64_t *words = sum;
	uint32_t first, end;

	switch ((int)t->kind) {
	case V_HIST:
	case V_LHIST: bucket_range(words, bucket_cnt(t), &first, &end); return first < end;
	case V_TSERIES: return tseries_latest(t, sum) != 0;
	case V_COUNT: return words[0] != 0;
	default: /* sum or value, then the number of updates */
		return t->size < 16 ? words[0] != 0 : words[1] != 0;
	}
}

int64_t agg_average(const struct image_type *t, const struct agg_sum *s)
{
	if (!s->cnt)
		return 0;
	if (t->flags & IMAGE_TYPE_SIGNED) /* a count fits 63 bits for centuries */
		return s->sum / (int64_t)s->cnt;
	return (int64_t)((uint64_t)s->sum / s->cnt);
}

int64_t agg_rank(const struct image_type *t, const void *val)
{
	const uint64_t *words = val;
	int64_t total = 0;

	switch ((int)t->kind) {
	case V_AVG:
	case V_STATS: return agg_average(t, val);
	case V_HIST:
	case V_LHIST:
		for (uint32_t i = 0; i < bucket_cnt(t); i++)
			total += (int64_t)words[i];
		return total;
	case V_TSERIES: return (int64_t)tseries_latest(t, val);
	case V_MIN:
	case V_MAX: return agg_extreme(t, val);
	default: return (int64_t)words[0];
	}
}

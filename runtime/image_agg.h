/* SPDX-License-Identifier: Apache-2.0 */
/* The seam, continued: what aggregates look like in maps. */
#ifndef TRACE_IMAGE_AGG_H
#define TRACE_IMAGE_AGG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Layout of aggregates in a map value, one for each CPU:
 *   COUNT              u64 n
 *   SUM AVG STATS      s64 sum, u64 cnt (number of updates)
 *   MIN MAX            u64 word (see agg_extreme_flip()), u64 cnt (0: none yet)
 *   HIST LHIST         u64 bucket[hist_buckets()/lhist_buckets()]
 *   TSERIES            struct tseries_slot[slots]
 */
struct agg_sum {
	int64_t sum;
	uint64_t cnt;
};
struct agg_minmax {
	uint64_t word;
	uint64_t cnt;
};

/*
 * min() and max() keep their value as a word of which the greater one is better, read without sign, and
 * zero, as memory is made, is worst: so one comparison, exchanged for the old word at once, is an
 * update, the first as all others. From value to word and back it is the same: these bits flip.
 */
static inline uint64_t agg_extreme_flip(bool is_min, bool is_signed)
{
	uint64_t sign = is_signed ? 1ull << 63 : 0;

	return is_min ? ~sign : sign;
}

/* What a tseries keeps of the values of one interval. */
enum tseries_kind { TSERIES_AVG, TSERIES_MAX, TSERIES_MIN, TSERIES_SUM, TSERIES_LAST };

/*
 * Interval number n (the time of day in UTC, in ns, divided by the length of an interval) is kept in
 * slot n % slots, until a later one takes it.
 */
struct tseries_slot {
	uint64_t interval; /* its number; 0: none yet */
	int64_t value; /* AVG: the sum; MIN MAX: the word */
	uint64_t cnt; /* of values; LAST: when it came, ns since boot */
};

enum { TSERIES_SLOTS_MAX = 100000 };

/*
 * Buckets of hist(n, k). Index 0: below zero. Values 0 .. 2^k-1 have a bucket each at 1 + n; above,
 * a value with highest bit e >= k is in group e-k of 2^k buckets, told apart by its next k bits.
 */
static inline uint32_t hist_buckets(uint32_t k)
{
	return 1 + (1u << k) + ((64u - k) << k);
}

/* Below min, the steps, max and above. */
static inline uint32_t lhist_buckets(int64_t min, int64_t max, int64_t step)
{
	return 2 + (uint32_t)((uint64_t)(max - min + step - 1) / (uint64_t)step);
}

#endif

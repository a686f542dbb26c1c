/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of hist() and lhist(): their bounds and how text shows them. */
#ifndef TRACE_HIST_H
#define TRACE_HIST_H

#include "runtime/buf.h"
#include "runtime/image.h"

struct bucket {
	int64_t lo, hi; /* lo <= v < hi, where they are bounds */
	bool no_lo, no_hi;
	bool exact; /* holds lo only */
};

uint32_t bucket_cnt(const struct image_type *t); /* HIST or LHIST */
struct bucket bucket_at(const struct image_type *t, uint32_t i);
/* First and one past the last bucket that is not empty; equal when all are. */
void bucket_range(const uint64_t *counts, uint32_t cnt, uint32_t *first, uint32_t *end);
/* Rows of text, each count divided by div, then a blank line. */
void hist_text(struct buf *b, const struct image_type *t, const uint64_t *counts, uint64_t div,
	       bool percentiles);
/* {"p50": .., ...}: bounds that so many values do not exceed; absent where there is none. */
void hist_percentiles_json(struct buf *b, const struct image_type *t, const uint64_t *counts);
/* "[lo, hi)" */
void bucket_label(struct buf *b, const struct image_type *t, uint32_t i);
/* [{"min": .., "max": .., "count": ..},..] */
void hist_json(struct buf *b, const struct image_type *t, const uint64_t *counts, uint64_t div);

#endif

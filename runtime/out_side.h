/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats that hold maps as they are at the end and nothing else: what a script prints while it runs
 * goes to stderr, print() of a map has no effect.
 */
#ifndef TRACE_OUT_SIDE_H
#define TRACE_OUT_SIDE_H

#include "runtime/out.h"

struct buf *side_text_begin(struct out *o);
void side_text_end(struct out *o, const char *json_type);
void side_value(struct out *o, const char *json_type, const struct value *v);
void side_before_maps(struct out *o);

#define SIDE_COMMON                                                                                \
	.attached = out_text_attached, .lost = out_text_lost, .refused = out_text_refused,         \
	.missed = out_text_missed, .before_maps = side_before_maps, .failed = out_text_failed,     \
	.message = out_text_message, .text_begin = side_text_begin, .whole_texts = true
#define SIDE_OPS SIDE_COMMON, .text_end = side_text_end, .value = side_value, .texts_aside = true

#endif

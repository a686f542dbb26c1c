/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_IMAGE_CHECK_H
#define TRACE_IMAGE_CHECK_H

#include <stdarg.h>

#include "runtime/image.h"

struct image_err {
	char *text; /* may be NULL when sz is 0 */
	size_t sz;
};

/* Fills in the line, gives -EINVAL. */
int image_fail(struct image_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Every row of every table, given that the tables themselves lie where they should. What readers
 * may rely on afterwards, beyond the rules in image.h: types nest at most IMAGE_MAX_DEPTH deep and
 * hold at most IMAGE_MAX_CELLS values; fields flagged TAIL stand only in the records of actions.
 */
int image_check(const struct image *img, struct image_err *err);

enum {
	IMAGE_MAX_DEPTH = 64,
	IMAGE_MAX_CELLS = 1 << 20,
	IMAGE_MAX_LHIST = 1002,
	IMAGE_MAX_HIST_K = 5,
};

#endif

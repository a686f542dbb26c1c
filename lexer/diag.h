/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: every message is a row of diag.def, is queued with its place and counted, and is
 * printed in source order at the end of the stage that found it.
 */
#ifndef TRACE_DIAG_H
#define TRACE_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

enum diag_id {
#define DIAG(id, severity, format) D_##id,
#include "diag.def"
#undef DIAG
	D_COUNT
};

struct diags;
struct diag;

struct diags *diags_new(struct arena *a, struct sources *ss);
void diags_mute_warnings(struct diags *ds); /* --no-warnings */

/*
 * Queues one diagnostic; the arguments are those of the row's format. Never NULL: a duplicate (same
 * row, same place) gives the first one back, uncounted.
 */
struct diag *diag(struct diags *ds, struct span sp, enum diag_id id, ...);
/* A line "HINT: ..." below it; several add up. */
void diag_hint(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A second place with its own words, e.g. where a type was first fixed. */
void diag_also(struct diag *d, struct span sp, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Until the next call, what is reported goes to the chain *to instead of the queue (NULL: to the
 * queue); gives where it went before. diags_release queues a chain after all.
 */
struct diag **diags_hold(struct diags *ds, struct diag **to);
void diags_release(struct diag *chain);

unsigned diags_errors(const struct diags *ds);
/* Prints what is queued, in source order, and empties the queue; the counts stay. */
void diags_flush(struct diags *ds, FILE *out, bool colour);

/* The lines that a place is in, with marks under it: what stands below a message. */
const char *source_excerpt(struct arena *a, const struct sources *ss, struct span sp);

/*
 * The candidate nearest to a misspelt word, NULL when none is near. Feed candidates one by one.
 */
struct nearest {
	const char *word, *best;
	unsigned distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_feed(struct nearest *n, const char *candidate);

#endif

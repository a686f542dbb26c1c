/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source texts and places in them. All texts of a compilation share one numbering of bytes, so a
 * span names its text by itself and costs eight bytes. Line and column are computed when printed.
 */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct span {
	uint32_t from; /* first byte; 0: nowhere (texts begin at 1) */
	uint32_t to; /* one past the last */
};

#define SPAN_NONE ((struct span){ 0, 0 })

static inline struct span span_join(struct span a, struct span b)
{
	if (!a.from)
		return b;
	if (!b.from)
		return a;
	return (struct span){ a.from < b.from ? a.from : b.from, a.to > b.to ? a.to : b.to };
}

struct source {
	const char *name; /* as diagnostics print it; "stdin" for -e text */
	const char *text; /* NUL-terminated copy; may hold NULs of its own */
	size_t len;
	uint32_t base; /* number of its first byte */
	struct source *next;
};

struct sources;

struct sources *sources_new(struct arena *a);
/* Copies the text. NULL when all texts together pass 2 GiB. */
const struct source *source_add(struct sources *ss, const char *name, const char *text, size_t len);
const struct source *source_of(const struct sources *ss, struct span sp); /* NULL: nowhere */
const char *source_text(const struct sources *ss, struct span sp); /* the span's first byte */

/*
 * A part of a text stands once more in the program, in place of a call: the body of a macro. Gives
 * what to add to its spans, so that they are told from those of other calls; 0: there have been too
 * many. All else here takes such spans for the text's own.
 */
uint32_t source_expand(struct sources *ss, struct span part, struct span call);
/* What the span was in the text; call: what it was put in place of, SPAN_NONE for nothing. */
struct span source_origin(const struct sources *ss, struct span sp, struct span *call);

struct place {
	const char *file;
	uint32_t line, col; /* from 1; col in bytes */
	uint32_t end_col; /* one past the span's last column on that first line: what is printed */
	uint32_t end_line; /* line of the span's last byte */
	const char *line_text; /* not terminated */
	uint32_t line_len;
};

/* False when the span is nowhere. */
int source_place(const struct sources *ss, struct span sp, struct place *out);
/* Sets only line_text and line_len, to those of another line of the span's text. */
int source_line(const struct sources *ss, struct span sp, uint32_t line, struct place *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text with places where a line may be broken: --fmt writes into it, doc_print() finds the lines.
 *
 * A group that fits on the line is printed on it; of one that does not every break is a newline,
 * except those that fill: they are one only where what stands up to the next break has no room.
 */
#ifndef TRACE_DOC_H
#define TRACE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct doc;

struct doc *doc_new(struct arena *a);

/* Texts are not copied. */
void doc_text(struct doc *d, const char *text, size_t len);
void doc_str(struct doc *d, const char *text);
void doc_space(struct doc *d); /* left out at the end of a line */
/* Apart by a blank from what stands around; with ends_line nothing else comes on its line. */
void doc_comment(struct doc *d, const char *text, size_t len, bool ends_line);
void doc_raw(struct doc *d, const char *text, size_t len); /* whole lines as they are */

void doc_newline(struct doc *d); /* several are one */
void doc_blank(struct doc *d); /* the newline before it leaves an empty line */
void doc_break(struct doc *d, const char *flat, bool fill); /* flat: "" or " " */

void doc_open(struct doc *d); /* a group */
void doc_close(struct doc *d);
void doc_indent(struct doc *d); /* one step */
void doc_align(struct doc *d); /* to this column, unless that is far to the right */
void doc_outdent(struct doc *d); /* ends either */

void doc_print(const struct doc *d, FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that programs unwind by, one for all files of a build-id, and which file has which. */
#ifndef TRACE_UNWIND_TABLES_H
#define TRACE_UNWIND_TABLES_H

#include "runtime/image_unwind.h"
#include "runtime/unwind.h"
#include "runtime/usyms.h"

enum {
	UNWIND_SEGMENTS_MAX = 16, /* of code */
	UNWIND_BUILD_ID_MAX = 32,
	UNWIND_PIECES_MAX = 16,
};

/* Of all files with one build-id. What is above so many rows goes on in a table of its own. */
struct unwind_table {
	uint8_t build_id[UNWIND_BUILD_ID_MAX];
	uint32_t id_len;
	bool made;
	uint32_t cnt,
		first; /* pieces, number of the first; cnt 0 when made: nothing to unwind by */
	uint32_t from[UNWIND_PIECES_MAX]; /* vaddr that each begins at */
	uint64_t base;
	uint32_t seg_cnt;
	struct {
		uint64_t off, vaddr, sz;
	} seg[UNWIND_SEGMENTS_MAX];
	struct unwind_table *next;
};

struct unwind_tables;

struct unwind_tables *unwind_tables_new(const struct unwind_fds *fds);
void unwind_tables_free(struct unwind_tables *u);

/* What is known of a mapping's file; NULL: code without a table. It is made for a process that was met. */
const struct unwind_table *unwind_table_of(struct unwind_tables *u, const struct usyms_code *c);
/* Makes the table of a file that will be met. */
void unwind_table_make(struct unwind_tables *u, const char *path);
/* How many were made. */
uint32_t unwind_tables_made(const struct unwind_tables *u);
/* Whether, since this was last asked, one has become another than processes were told it would be. */
bool unwind_tables_differ(struct unwind_tables *u);

/* Rows of mappings, by start; the fill is above all addresses, as the sign tells which of two is. */
struct unwind_rows {
	struct unwind_mapping *row;
	uint32_t cnt, max;
};
void unwind_rows_add(struct unwind_rows *r, uint64_t start, uint32_t table, uint64_t vaddr);
void unwind_rows_fill(struct unwind_rows *r);
/* From start on lies what the file has at off, len bytes of it. t: NULL for none. */
void unwind_rows_code(struct unwind_rows *r, const struct unwind_table *t, uint64_t start,
		      uint64_t off, uint64_t len);

#endif

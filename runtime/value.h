/* SPDX-License-Identifier: Apache-2.0 */
/* Typed bytes: what a field of an event, a map's key or its value holds. */
#ifndef TRACE_VALUE_H
#define TRACE_VALUE_H

#include "runtime/buf.h"
#include "runtime/image.h"

struct symbols;
struct probe_flags;

/* What printing needs beside the value. */
struct value_env {
	const struct image *img;
	bool terminal; /* text goes to one: control characters are shown, not sent */
	const char *cut_mark; /* follows a string that was cut */
	uint32_t max_strlen; /* characters that str() reads */
	int64_t boot_ns; /* wall clock minus time since boot */
	const struct probe_flags
		*gfp; /* %gr: names of the kernel's GFP flags; NULL: none are known */
	struct symbols *symbols; /* NULL: addresses stay without names */
};

struct value {
	const struct image_type *type;
	const char *at; /* type->size bytes, or len when the string lies in the tail; unaligned */
	uint32_t len; /* of a string in the tail */
	bool tail, cut;
	uint8_t bit_off, bit_sz; /* bit_sz 0: whole */
};

static inline struct value value_at(const struct image *img, uint32_t type, const void *at)
{
	return (struct value){ .type = &img->types[type], .at = at };
}

/* Of INT ENUM BOOL PTR, sign-extended; 0 for anything that is no number. */
int64_t value_int(const struct value *v);
bool value_is_number(const struct value *v);
/* Field i of a STRUCT, UNION, TUPLE or RECORD; element i of an ARRAY. */
struct value value_part(const struct image *img, const struct value *v, uint32_t i);
/* STRING: its bytes without a NUL. BUFFER: its bytes. */
const char *value_bytes(const struct value *v, uint32_t *len);
bool value_is_cut(const struct value_env *env, const struct value *v); /* of strings */
/* Name of an ENUM's value, NULL when it has none. */
const char *value_enum_name(const struct image *img, const struct value *v);
/* Order of two values of one type: numbers by value, text by bytes, tuples by element. */
int value_cmp(const struct image *img, uint32_t type, const void *a, const void *b);

/* As print() and maps show it. compact: no blank after a comma (keys in JSON). */
void value_text(struct buf *b, const struct value_env *env, const struct value *v, bool compact);
/* As a key between brackets: the outermost tuple without its parentheses. */
void value_key_text(struct buf *b, const struct value_env *env, const struct value *v,
		    bool compact);
void value_json(struct buf *b, const struct value_env *env, const struct value *v);

/* Printable ASCII as it is, the rest as \xNN. */
void bytes_text(struct buf *b, const char *s, uint32_t len);
/*
 * Text that others chose (names, paths, arguments): as it is, but on a terminal, where it could move
 * the cursor or worse, control characters (utf8.h) as \n, \xNN. lines: newlines and tabs stay.
 */
void traced_text(struct buf *b, const struct value_env *env, const char *s, size_t len, bool lines);
/* A JSON string with its quotes; controls and bytes that are no UTF-8 become \uXXXX. */
void json_string(struct buf *b, const char *s, size_t len);

/* strftime of ns since boot, with %f for microseconds. */
void time_text(struct buf *b, const char *fmt, int64_t wall_ns);

#endif

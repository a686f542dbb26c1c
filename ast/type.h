/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: immutable and interned, so equality is ==. The kinds are those of the image (enum vkind):
 * what the compiler lays out is what the runtime decodes.
 */
#ifndef TRACE_TYPE_H
#define TRACE_TYPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "probes/probe.h" /* brings enum vkind from the seam */

struct arena;
struct type;

/* Which helper reads through a pointer. NONE: decided by use, kernel when nothing says otherwise. */
enum addr_space { AS_NONE, AS_KERNEL, AS_USER };

struct type_field {
	const char *name; /* NULL in tuples */
	const struct type *type;
	uint32_t off; /* bytes; for a bit-field that of its storage unit */
	uint8_t bit_off, bit_sz; /* bit_sz 0: not a bit-field */
	/*
	 * How the field lies in a tracepoint record: V_STRING behind a __data_loc/__rel_loc word.
	 */
	enum probe_field_loc loc;
	int16_t reg[2]; /* arguments of a program's function: see probe_field */
	int32_t disp;
};

/* A name of an enum. */
struct type_value {
	const char *name;
	int64_t value;
};

struct type {
	enum vkind kind;
	bool is_signed; /* V_INT, V_ENUM, V_SUM.. V_HIST: of the argument */
	bool is_lit; /* V_INT, only while infer runs: see type_lit */
	uint8_t as; /* enum addr_space of a V_PTR (and of a V_STRING/V_STRUCT kept as a pointer) */
	uint8_t k; /* V_HIST: bits per power of two; V_TSERIES: enum tseries_kind */
	uint32_t size; /* bytes in memory; strings include the NUL */
	uint32_t align;
	const struct type *elem; /* V_PTR, V_ARRAY */
	uint32_t count; /* V_ARRAY elements (0: flexible); fields of structs, tuples, records */
	const struct type_field *fields;
	const char *name; /* "struct foo", "enum bar", NULL when anonymous */
	/*
	 * C aggregates and enums have one object for each definition, which is filled in when somebody
	 * looks inside: type_complete. Before that size is 0 or right, fields and values are NULL.
	 */
	bool is_tagged, is_complete;
	uint32_t def; /* which definition, numbered by the source; 0: not looked up yet */
	const struct type_value *values; /* V_ENUM: count of them */
	int64_t min, max, step; /* V_LHIST; V_TSERIES: interval, slots, - */
	struct type *hash_next;
	uint64_t id; /* order of birth */
};

struct types;

struct types *types_new(struct arena *a);

const struct type *type_void(struct types *ts);
const struct type *type_bool(struct types *ts);
const struct type *type_int(struct types *ts, uint32_t size, bool is_signed);
const struct type *type_string(struct types *ts, uint32_t size); /* with the NUL; 0: size unknown */
const struct type *type_buffer(struct types *ts, uint32_t size);
const struct type *type_ptr(struct types *ts, const struct type *elem, enum addr_space as);
const struct type *type_array(struct types *ts, const struct type *elem, uint32_t count);
/* Tuples and records: no more than these, and no larger. */
#define TYPE_FIELDS_MAX 128
#define TYPE_SIZE_MAX 65535
const struct type *type_tuple(struct types *ts, const struct type *const *elems, uint32_t cnt);
/* Lays the fields out as C does (off is filled in). */
const struct type *type_record(struct types *ts, const struct type_field *fields, uint32_t cnt);
/* A map aggregate without parameters: V_COUNT V_SUM V_AVG V_MIN V_MAX V_STATS. */
const struct type *type_agg(struct types *ts, enum vkind kind, bool is_signed);
const struct type *type_hist(struct types *ts, uint32_t k);
const struct type *type_lhist(struct types *ts, int64_t min, int64_t max, int64_t step);
const struct type *type_tseries(struct types *ts, enum tseries_kind kind, bool is_signed,
				int64_t interval, int64_t slots);
/* V_KSTACK, V_USTACK: at most limit frames, printed as mode (enum stack_mode) has it. */
const struct type *type_stack(struct types *ts, enum vkind kind, uint32_t mode, uint32_t limit);
/* Any other kind that has no parameters (V_TIMESTAMP, V_KSYM, ...). */
const struct type *type_plain(struct types *ts, enum vkind kind);
/* C aggregates: named ones are unique by name, offsets come from outside. */
const struct type *type_struct(struct types *ts, enum vkind kind, const char *name, uint32_t size,
			       uint32_t align, const struct type_field *fields, uint32_t cnt);

/*
 * "struct foo", "union foo" or "enum foo" by name, or an anonymous one by the number of its
 * definition; def 0: the first of that name. The caller who knows the definition may fill it in.
 */
struct type *type_tagged(struct types *ts, enum vkind kind, const char *name, uint32_t def);
/* Definitions from this number on are not what a name alone means: types of traced programs. */
/* Defined by the kernel's BTF: numbers from 1 to below this are its ids. */
#define TYPE_DEF_KERNEL_END 0x40000000u
#define TYPE_DEF_FOREIGN 0xc0000000u
/* Who fills in fields, values and sizes of what type_tagged gave; it gets each type once. */
typedef void type_complete_fn(void *arg, struct type *t);
void types_set_source(struct types *ts, type_complete_fn *fn, void *arg);
/* Gives t. One that nobody defines stays without fields and size. */
const struct type *type_complete(struct types *ts, const struct type *t);

/*
 * The fields of a C aggregate, one after the other. Those of a member without a name count as the
 * struct's own, here as in C.
 */
struct type_fields {
	struct type_field *fields;
	uint32_t cnt, cap;
};
void type_fields_add(struct types *ts, struct type_fields *l, const struct type_field *f);

const struct type_field *type_field_find(const struct type *t, const char *name);
/* What is field i of `like` in t: by name in records, whose order is free, else by place. */
const struct type_field *type_field_like(const struct type *t, const struct type *like, uint32_t i);
bool type_is_agg(const struct type *t);
/* (), an array of unknown length, a struct without fields */
bool type_is_empty(const struct type *t);
bool type_is_bytes(const struct type *t); /* an array of integers of one byte */
bool type_is_int(const struct type *t); /* V_INT, V_ENUM, V_BOOL */

/*
 * While infer runs: the signed type of a value that comes from literals only and is not negative,
 * so that it may become unsigned by what it meets ("$a = 1; $a = pid"). type_settled makes of it
 * (also inside tuples) the plain signed type; nothing after infer sees such a type.
 */
const struct type *type_lit(struct types *ts, uint32_t size);
/* The unsigned type of that size that values of another one and literals have met in. */
const struct type *type_lit_unsigned(struct types *ts, uint32_t size, uint32_t other);
static inline bool type_is_lit(const struct type *t)
{
	return t->is_lit && t->is_signed;
}
const struct type *type_settled(struct types *ts, const struct type *t);
/* The smallest type for a literal: signed, from above int64's maximum uint64. */
const struct type *type_of_literal(struct types *ts, uint64_t value, bool is_unsigned);

/*
 * The type that holds values of both: wider integers, longer strings, tuples by element; NULL when
 * kinds differ. lossy (may be NULL) is set when no type holds both and int64 stands in.
 */
const struct type *type_join(struct types *ts, const struct type *a, const struct type *b,
			     bool *lossy);
/*
 * What an aggregate is when it is used as a value: a number, of stats the record
 * (count, average, total); NULL: it cannot be.
 */
const struct type *type_agg_value(struct types *ts, const struct type *agg);
/* True when a value of type from fits any place of type to without loss. */
bool type_fits(const struct type *from, const struct type *to);

/* As the language writes it: "uint64", "string[16]", "(int64,string[4])", "struct foo *". */
const char *type_name(struct arena *a, const struct type *t);
/* Only what sort of thing it is: "int", "string". */
const char *type_kind_name(const struct type *t);

/*
 * A C type as text, as tracefs and casts write it: "unsigned int", "const char *", "u64[4]".
 * Pointers get the address space. NULL: not understood, the name may be a struct's or a typedef's.
 */
const struct type *ctype_parse(struct types *ts, struct arena *a, const char *text,
			       enum addr_space as);

/* Its definition is the kernel's. */
static inline bool type_is_kernel(const struct type *t)
{
	return t->def && t->def < TYPE_DEF_KERNEL_END;
}

#endif

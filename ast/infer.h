/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of infer. */
#ifndef TRACE_INFER_H
#define TRACE_INFER_H

#include "ast/builtins.h"
#include "ast/type.h"
#include "ast/unit.h"

/*
 * Inference walks the whole program again and again; types of variables and maps only climb
 * (type_join), so this ends. Only then one more walk reports what does not fit. An expression's
 * type is NULL while nothing is known of it, and `bad` once it has been reported: both are passed
 * upwards without a word.
 */
struct infer {
	struct unit *u;
	struct types *ts;
	struct node *probe;
	const struct type *bad;
	bool report; /* the last walk */
	bool changed;
	bool guess; /* a map that waits for itself is an integer */
	const struct type *result[B_COUNT]; /* what signatures give, once asked for */
};

static inline bool infer_known(const struct infer *in, const struct type *t)
{
	return t && t != in->bad;
}

/* Give n->type. infer_value: an aggregate that counts as a number is one. */
const struct type *infer_expr(struct infer *in, struct node *n);
const struct type *infer_value(struct infer *in, struct node *n);
/* What is looked into: retval as the pointer that it is. */
const struct type *infer_pointer(struct infer *in, struct node *n);
void infer_stmt(struct infer *in, struct node *n);
void infer_stmts(struct infer *in, struct node *list);
const struct type *infer_block(struct infer *in, struct node *n);
const struct type *infer_if(struct infer *in, struct node *n);
/* A condition; a string is true when it is not empty. infer_truth: of predicates it is none. */
bool infer_is_truth(const struct type *t);
void infer_cond(struct infer *in, struct node *n);
void infer_truth(struct infer *in, struct node *n);

/* infer_sym.c */
void infer_to_var(struct infer *in, struct var_sym *sym, const struct type *t, struct node *value,
		  struct span sp);
void infer_to_map(struct infer *in, struct map_sym *sym, const struct type *t, struct node *value,
		  struct span sp);
void infer_key(struct infer *in, struct map_sym *sym, struct node *key, struct span sp);

/* infer_op.c: of operands with these types; NULL and a report when they do not go together. */
const struct type *infer_binary(struct infer *in, struct node *n);
const struct type *infer_unary(struct infer *in, struct node *n);
const struct type *infer_arith(struct infer *in, enum binary_op op, const struct type *l,
			       const struct type *r);
/* Warns when converting the expression to a type changes its meaning. */
void infer_convert(struct infer *in, struct node *n, const struct type *from,
		   const struct type *to);

bool infer_is_args(const struct node *n); /* the builtin */
/* Where that lies which e is, or which it points to. */
enum addr_space infer_space(const struct node *e);

const struct type *infer_call(struct infer *in, struct node *n, bool to_map);
const struct type *infer_ident(struct infer *in, struct node *n);

/* infer_probe.c: argN, retval and reg(), in a probe that has them. */
/* Where the fields of the probe are to be seen. */
void infer_hint_fields(struct infer *in, struct diag *d);
bool infer_in_reach(struct infer *in, const struct node *n, const struct type_field *f);
const struct type *infer_arg(struct infer *in, const struct node *n);
const struct type *infer_uaddr(struct infer *in, const struct node *n);
const struct type *infer_ctx(struct infer *in, const struct node *n);
const struct type *infer_reg(struct infer *in, const struct node *n);

/*
 * infer_comptime.c: calls that are known when compiling become literals; and the branch of
 * "if comptime" that is taken stands where the whole stood: true when it does.
 */
const struct type *infer_comptime(struct infer *in, struct node *n);
const struct type *infer_literal(struct infer *in, struct node *n, enum node_kind kind, uint64_t v);
/* A field of a record of literals becomes the literal; NULL: it is none. */
const struct type *infer_literal_field(struct infer *in, struct node *n);
/* "comptime e": e, once it is a constant. */
const struct type *infer_constant(struct infer *in, struct node *n);
/* The code depends on what this sizeof() or offsetof() gives, and on no other kernel's. */
void infer_note(struct infer *in, const struct type *t, const struct node *n);
/* Offsets and the probe's names in e, where only what is known when compiling will do, become literals. */
void infer_fix(struct infer *in, struct node *e);
bool infer_pick(struct infer *in, struct node *n);

/* infer_type.c: types as written. bad when there is no such type. */
const struct type *infer_written(struct infer *in, struct node *n);

/* The name as a message shows it, aggregates and literals settled. */
const char *infer_name(struct infer *in, const struct type *t);

#endif

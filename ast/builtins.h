/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of builtin values and functions: ast/builtins.def, one row each. */
#ifndef TRACE_BUILTINS_H
#define TRACE_BUILTINS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct nearest;

enum builtin_flags {
	BI_VALUE = 1, /* stands by itself: pid; also callable as pid() */
	BI_ASYNC = 2, /* done by user space: an event record and a row in runtime/actions.def */
	BI_UNSAFE = 4, /* needs --unsafe */
	BI_COMPTIME = 8, /* known when compiling: fold replaces it, codegen never sees it */
	BI_MAPFN = 16, /* an aggregate: only as the whole right side of an assignment to a map */
	BI_PRINTF = 32, /* first argument is a format, the rest its arguments */
	BI_STMT = 64, /* gives no value */
	BI_EFFECT = 128, /* does something besides its value: discarding that is fine */
	BI_SENDS = 256, /* sends a record of its own, which must stand before the one it is for */
};

enum builtin_id {
#define BUILTIN(name, signature, flags, help) B_##name,
#include "builtins.def"
#undef BUILTIN
	B_COUNT
};

struct builtin {
	const char *name;
	enum builtin_id id;
	const char *signature; /* see ast/signature.c for its grammar */
	uint32_t flags;
	const char *help; /* one line */
};

/* The "__builtin_" prefix is accepted. NULL: none. */
const struct builtin *builtin_find(const char *name);
const struct builtin *builtin_by_id(enum builtin_id id);
/* The function that a probe's target stands for: what "func" gives. */
struct probe_target;
const char *target_function(const struct probe_target *t);
/* True for a name of the language that has no row yet: it is told from a misspelt one. */
bool builtin_is_later(const char *name);
/* Feeds the names that have all these flags to the search for the nearest one. */
void builtin_nearest(struct nearest *n, uint32_t flags);

/*
 * A signature, parsed. One argument takes any of several sorts of values; the bits are those of
 * the names that stand in builtins.def.
 */
enum sig_sort {
	SIG_INT = 1, /* int, int64, uint64: any integer, bool or aggregate that counts as one */
	SIG_PTR = 2,
	SIG_STRING = 4,
	SIG_LITERAL = 8, /* an integer literal, not negative */
	SIG_LITERAL_STRING = 16,
	SIG_MAP = 32, /* a map by itself, "@m"; delete(@m[k]) too */
	SIG_ANY = 64,
	SIG_FORMAT = 128, /* a string literal with conversions */
	/*
	 * {boot|monotonic}: resolve makes an N_INT of it, its place among them; where an integer
	 * literal may stand too, the place's complement as an unsigned number.
	 */
	SIG_WORD = 256,
	SIG_STACK = 512,
	SIG_VAR = 1024, /* a variable, to be assigned */
	SIG_BYTES = 2048, /* an array of integers of one byte */
};

struct sig_arg {
	uint32_t sorts;
	bool optional;
	const char *words; /* SIG_WORD: "boot|monotonic}" */
};

#define SIG_ARGS_MAX 6

struct signature {
	const char *result; /* first of result_len bytes */
	uint32_t result_len;
	struct sig_arg args[SIG_ARGS_MAX];
	uint32_t cnt, min; /* max is cnt unless variadic */
	bool variadic;
};

void signature_parse(struct signature *sig, const char *text);
/* As diagnostics name what an argument may be: "string or int". */
const char *signature_sorts(struct arena *a, uint32_t sorts);

/* Place of a word among "a|b|c"; -1: not there. Ends at '}' or NUL. */
int words_find(const char *words, const char *word);
/* The words as a message lists them: "a, b, c". */
const char *words_list(struct arena *a, const char *words);

/*
 * A parsed format, kept in node.call.info of every BI_PRINTF call. Codegen copies it into the
 * image's pieces.
 */
struct format_piece {
	const char *text; /* literal; NULL: a conversion */
	uint32_t len;
	uint32_t arg; /* conversion: index among the arguments after the format */
	int16_t width, prec; /* -1: none */
	char conv; /* as in struct image_piece */
	uint8_t flags; /* PIECE_* */
	uint8_t size;
};
struct format {
	struct format_piece *pieces;
	uint32_t cnt;
};

struct node;
/* str(p, n): whether the NUL is one of the n bytes, as it is of all but literals. */
bool str_counts_nul(const struct node *call);

#endif

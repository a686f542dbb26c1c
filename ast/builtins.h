/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of builtin values and functions: ast/builtins.def, one row each. */
#ifndef TRACE_BUILTINS_H
#define TRACE_BUILTINS_H

#include <stdbool.h>
#include <stdint.h>

enum builtin_flags {
	BI_VALUE = 1, /* stands by itself: pid; also callable as pid() */
	BI_ASYNC = 2, /* done by user space: an event record and a row in runtime/actions.def */
	BI_UNSAFE = 4, /* needs --unsafe */
	BI_COMPTIME = 8, /* known when compiling: fold replaces it, codegen never sees it */
	BI_MAPFN = 16, /* an aggregate: only as the whole right side of an assignment to a map */
	BI_PRINTF = 32, /* first argument is a format, the rest its arguments */
	BI_STMT = 64, /* gives no value */
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

#endif

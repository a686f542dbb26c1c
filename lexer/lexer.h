/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to tokens. The lexer decides by itself what the text at a place is: attach points at top
 * level, C definitions, ordinary code; the parser only asks for the next token.
 */
#ifndef TRACE_LEXER_H
#define TRACE_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "source.h"

enum token_kind {
#define TOKEN(name, words, after) T_##name,
#include "tokens.def"
#undef TOKEN
	T_COUNT
};

/* What stands between tokens, for a caller that wants it (--fmt). */
enum trivia_kind {
	TRIVIA_COMMENT,
	TRIVIA_RAW, /* "#!", #ifdef and its like, with all that they leave out */
};

struct trivia {
	enum trivia_kind kind;
	struct span span;
	struct trivia *next;
};

/* What may follow a token. */
enum token_after { AFTER_END, AFTER_MID, AFTER_STMT };

struct token {
	enum token_kind kind;
	struct span span;
	const char *text; /* decoded, NUL-terminated: names, strings, attach points, directives */
	size_t len; /* of text; strings may hold NULs */
	uint64_t value; /* INT, POSITIONAL */
	bool is_duration;
};

struct lexer;

/* have_btf defines BPFTRACE_HAVE_BTF and TRACE_HAVE_BTF. NULL when out of memory. */
struct lexer *lexer_new(struct arena *a, struct diags *ds, const struct source *src, bool have_btf);
void lexer_free(struct lexer *lx); /* NULL is fine */

/* From now on all trivia are appended to the list. */
void lexer_keep_trivia(struct lexer *lx, struct trivia **list);

/* The end of the text gives T_END, again and again. Errors are reported and skipped over. */
void lexer_next(struct lexer *lx, struct token *out);
unsigned lexer_errors(const struct lexer *lx);
/* One had no end: what closes something may have been taken for text. */
bool lexer_has_open_string(const struct lexer *lx);
bool lexer_in_angle(const struct lexer *lx); /* inside an action < ... > */

/* An integer as the language writes them. */
struct literal {
	uint64_t value;
	bool is_duration;
	enum diag_id bad; /* D_COUNT: nothing is */
	size_t bad_off; /* where in the text */
};
struct literal literal_read(const char *text, size_t len);

const char *token_words(enum token_kind kind);
enum token_after token_after(enum token_kind kind);

#endif

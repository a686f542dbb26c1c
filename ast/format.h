/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of --fmt; others see format() in ast/unit.h. */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include "ast/ast.h"
#include "ast/doc.h"
#include "lexer/lexer.h"

struct unit;

struct formatter {
	struct arena *arena;
	struct doc *doc;
	const struct source *src;
	struct token *tokens; /* as the lexer gives them; the last is T_END */
	uint32_t cnt, at;
	struct trivia *trivia; /* those not yet printed */
	bool lost; /* tokens and tree do not go together */
};

/* format_tokens.c: the next token, and what stands before it */
void format_tokens(struct formatter *f, struct unit *u, const struct source *src);
static inline enum token_kind format_next(const struct formatter *f)
{
	return f->tokens[f->at].kind;
}
void format_token(struct formatter *f, enum token_kind kind); /* prints it */
void format_any(struct formatter *f); /* the same, whichever it is */
void format_drop(struct formatter *f, enum token_kind kind); /* leaves it out */
bool format_drop_if(struct formatter *f, enum token_kind kind);
/* A token of the author's, or the same where there is none. */
void format_token_or(struct formatter *f, enum token_kind kind, const char *text);
bool format_comment_ahead(const struct formatter *f); /* before the next token */
void format_break(struct formatter *f, const char *flat, bool fill);
enum format_gap {
	GAP_NONE, /* no empty line */
	GAP_KEPT, /* one where the author has one or more */
	GAP_WANTED,
};
/* Begins a line, with the comments of their own lines that stand before the next token. */
void format_line(struct formatter *f, enum format_gap gap);
/* The same before what closes a body: the comments are inside. */
void format_last_line(struct formatter *f);

/* format_expr.c */
void format_stmt_expr(struct formatter *f, const struct node *n);
void format_expr(struct formatter *f, const struct node *n); /* nothing binds it: no parentheses */
void format_operand(struct formatter *f,
		    const struct node *n); /* keeps parentheses that may help */
void format_type(struct formatter *f, const struct node *n);

/* format.c */
void format_body(struct formatter *f, const struct node *n); /* a block or an if, as an operand */

/* format_cdef.c */
void format_cdef(struct formatter *f, const struct node *n);

#endif

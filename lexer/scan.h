/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by lexer.l and its helpers; nobody else's business. */
#ifndef TRACE_SCAN_H
#define TRACE_SCAN_H

#include "lexer.h"

enum lexer_mode {
	LEX_TOP, /* attach points */
	LEX_PRED, /* between the slashes */
	LEX_BODY, /* inside { } or < > */
	LEX_HEAD, /* config, import, macro, let @m: up to ';' or '{' */
	LEX_C, /* struct, union, enum, typedef: up to ';' */
};

struct lexer {
	void *flex;
	struct arena *arena;
	struct diags *diags;
	const struct source *src;
	uint32_t off; /* of the byte after the current token */
	enum lexer_mode mode;
	enum token_kind prev;
	enum token_kind head; /* LEX_HEAD, LEX_C: the item's first word */
	uint32_t braces, parens; /* open now; parens counts ( and [ */
	bool in_item; /* LEX_TOP: after the first token of an item */
	bool is_angle; /* LEX_BODY: the action is < > */
	bool has_body; /* LEX_C: past the closing brace */
	bool semi_due; /* LEX_C: the definition ends without ';' */
	bool announced; /* LEX_C: T_CDEF was given */
	uint32_t bad_end; /* where the last run of meaningless bytes ended */
	struct token queued; /* given next when has_queued */
	bool has_queued;
	unsigned errors;
	bool has_open_string;
	struct trivia *trivia_last, **trivia_end; /* trivia_end NULL: nobody wants them */
	/* #ifdef */
	struct lex_cond *conds;
	uint32_t dead; /* how many of them are false */
	struct lex_define *defines;
};

struct diag *lex_error(struct lexer *lx, uint32_t off, size_t len, enum diag_id id,
		       const char *arg);
/* number.c and string.c: the value of a token's text; errors are reported, the token is still good */
void lex_number(struct lexer *lx, const char *text, size_t len, struct token *out);
void lex_string(struct lexer *lx, const char *text, size_t len, struct token *out);
void lex_char(struct lexer *lx, const char *text, size_t len, struct token *out);
/* badchar.c: it is reported unless the byte before it was */
void lex_bad_char(struct lexer *lx, const char *text, size_t len);
/* attach.c: how much of the run is the attach point */
size_t lex_attach_len(const char *text, size_t len);
/* cond.c: a line that begins with '#'. True: it is #include or #define and a token. */
bool lex_directive(struct lexer *lx, const char *text, size_t len, struct token *out);
void lex_cond_end(struct lexer *lx); /* end of text: every #if is closed */
void lex_define(struct lexer *lx, const char *name, const char *value);
const char *lex_defined(const struct lexer *lx, const char *name); /* its value; NULL: it is not */
/* ifexpr.c: whether "#if TEXT" holds; what is wrong with it in words, or NULL, goes to why */
bool lex_if(struct lexer *lx, const char *text, const char **why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of the text in their order, and the comments between them. The tree says what a place
 * is; what is printed there is always the author's own token, so literals stay as they were written
 * and no comment can get lost: whatever stands before a token is printed before it.
 *
 * Comments are of three sorts, told by the newlines around a run of them, and stay what they are:
 * on lines of their own; at the end of a line; in front of a token on its line. So formatting twice
 * changes nothing.
 */
#include "ast/format.h"

#include <string.h>

#include "ast/unit.h"

/* Comments that stand on one line, or one piece of raw text. */
struct run {
	bool own_line; /* nothing stands before it */
	bool ends_line; /* nothing stands after it */
	bool is_raw;
	struct trivia *end; /* the first that is no part of it */
};

/* ---- the text around a place */

static const char *text_at(const struct formatter *f, uint32_t pos)
{
	return f->src->text + (pos - f->src->base);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* How many newlines stand right before pos; at the start of the text there is one. */
static uint32_t newlines_before(const struct formatter *f, uint32_t pos)
{
	const char *s = text_at(f, pos);
	uint32_t cnt = 0;

	for (; s > f->src->text && (is_blank(s[-1]) || s[-1] == '\n'); s--)
		cnt += s[-1] == '\n';
	return s == f->src->text && !cnt ? 1 : cnt;
}

static bool newline_after(const struct formatter *f, uint32_t pos)
{
	const char *s = text_at(f, pos), *end = f->src->text + f->src->len;

	while (s < end && is_blank(*s))
		s++;
	return s == end || *s == '\n';
}

/* ---- comments */

/* The trivia that stand before the next token. */
static struct trivia *pending(const struct formatter *f)
{
	struct trivia *t = f->trivia;

	return t && t->span.from < f->tokens[f->at].span.to ? t : NULL;
}

bool format_comment_ahead(const struct formatter *f)
{
	return pending(f) != NULL;
}

static struct run run_of(const struct formatter *f)
{
	struct trivia *t = f->trivia;
	struct run r = { .own_line = newlines_before(f, t->span.from) > 0 };

	r.is_raw = t->kind == TRIVIA_RAW;
	r.end = t->next;
	if (r.is_raw) {
		r.own_line = r.ends_line = true;
		return r;
	}
	for (;; t = r.end, r.end = t->next) {
		r.ends_line = newline_after(f, t->span.to);
		if (r.ends_line || !r.end || r.end->kind == TRIVIA_RAW ||
		    strspn(text_at(f, t->span.to), " \t") != r.end->span.from - t->span.to)
			return r;
	}
}

static void put_raw(struct formatter *f, struct span sp)
{
	const char *text = text_at(f, sp.from), *end = text_at(f, sp.to);

	while (text < end && is_blank(*text))
		text++;
	while (end > text && (is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	doc_raw(f->doc, text, (size_t)(end - text));
}

static void put_run(struct formatter *f, const struct run *r)
{
	for (; f->trivia != r->end; f->trivia = f->trivia->next) {
		struct span sp = f->trivia->span;
		const char *text = text_at(f, sp.from);
		size_t len = sp.to - sp.from;

		if (r->is_raw) {
			put_raw(f, sp);
			continue;
		}
		while (len && is_blank(text[len - 1]))
			len--;
		doc_comment(f->doc, text, len, r->ends_line && f->trivia->next == r->end);
	}
}

/* What the author put at the end of the line of the last token stays there. */
static void put_trailing(struct formatter *f)
{
	struct run r;

	while (pending(f)) {
		r = run_of(f);
		if (r.own_line || !r.ends_line)
			return;
		put_run(f, &r);
	}
}

static void put_leading(struct formatter *f)
{
	struct run r;

	put_trailing(f);
	while (pending(f)) {
		r = run_of(f);
		if (r.own_line && r.ends_line)
			doc_newline(f->doc);
		put_run(f, &r);
	}
}

/* ---- lines */

static void put_gap(struct formatter *f, uint32_t pos, enum format_gap gap)
{
	if (gap == GAP_WANTED || (gap == GAP_KEPT && newlines_before(f, pos) > 1))
		doc_blank(f->doc);
}

/* Gives the gap that what follows may have. */
static enum format_gap put_own_lines(struct formatter *f, enum format_gap gap, bool all)
{
	struct run r;

	while (pending(f)) {
		r = run_of(f);
		if (!r.ends_line && !all)
			return gap;
		put_gap(f, f->trivia->span.from, gap);
		put_run(f, &r);
		doc_newline(f->doc);
		gap = GAP_KEPT;
	}
	return gap;
}

void format_line(struct formatter *f, enum format_gap gap)
{
	put_trailing(f);
	doc_newline(f->doc);
	gap = put_own_lines(f, gap, false);
	put_gap(f, pending(f) ? f->trivia->span.from : f->tokens[f->at].span.from, gap);
}

void format_last_line(struct formatter *f)
{
	put_trailing(f);
	doc_newline(f->doc);
	put_own_lines(f, GAP_KEPT, true);
}

void format_break(struct formatter *f, const char *flat, bool fill)
{
	put_trailing(f);
	doc_break(f->doc, flat, fill);
}

/* ---- tokens */

void format_any(struct formatter *f)
{
	const struct token *t = &f->tokens[f->at];

	put_leading(f);
	if (t->kind == T_END) {
		f->lost = true;
		return;
	}
	/* The lexer makes up a ';' that C needs and the author left out. */
	if (t->kind == T_SEMI)
		doc_str(f->doc, ";");
	else
		doc_text(f->doc, text_at(f, t->span.from), t->span.to - t->span.from);
	f->at++;
}

void format_token(struct formatter *f, enum token_kind kind)
{
	if (format_next(f) == kind)
		format_any(f);
	else
		f->lost = true;
}

void format_drop(struct formatter *f, enum token_kind kind)
{
	if (!format_drop_if(f, kind))
		f->lost = true;
}

bool format_drop_if(struct formatter *f, enum token_kind kind)
{
	if (format_next(f) != kind)
		return false;
	f->at++;
	return true;
}

void format_token_or(struct formatter *f, enum token_kind kind, const char *text)
{
	if (format_next(f) == kind)
		format_any(f);
	else
		doc_str(f->doc, text);
}

static void add_token(struct formatter *f, uint32_t *cap, struct token t)
{
	struct token *grown;

	if (f->cnt == *cap) {
		*cap = *cap ? *cap * 2 : 256;
		grown = arena_array_of(f->arena, struct token, *cap);
		if (f->cnt)
			memcpy(grown, f->tokens, f->cnt * sizeof(*grown));
		f->tokens = grown;
	}
	f->tokens[f->cnt++] = t;
}

void format_tokens(struct formatter *f, struct unit *u, const struct source *src)
{
	struct lexer *lx = lexer_new(f->arena, u->diags, src, u->opt && u->opt->have_btf);
	struct token t = { .kind = T_END };
	uint32_t cap = 0;

	f->src = src;
	if (!lx) {
		add_token(f, &cap, t);
		f->lost = true;
		return;
	}
	lexer_keep_trivia(lx, &f->trivia);
	do {
		lexer_next(lx, &t);
		/* T_CDEF only announces what follows. */
		if (t.kind != T_CDEF)
			add_token(f, &cap, t);
	} while (t.kind != T_END);
	lexer_free(lx);
}

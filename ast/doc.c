/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/doc.h"

#include <stdint.h>
#include <string.h>

#include "lexer/arena.h"

#define LINE_COLS 100
#define STEP_COLS 2
#define ALIGN_COLS_MAX 50 /* further right there is too little room */

enum piece_kind {
	TEXT,
	SPACE,
	COMMENT,
	RAW,
	NEWLINE,
	BLANK,
	BREAK,
	FILL,
	OPEN,
	CLOSE,
	INDENT,
	ALIGN,
	OUTDENT,
};

struct piece {
	enum piece_kind kind;
	bool ends_line; /* COMMENT */
	const char *text; /* BREAK, FILL: when it is none */
	size_t len;
};

struct doc {
	struct arena *arena;
	struct piece *pieces;
	size_t cnt, cap;
};

struct doc *doc_new(struct arena *a)
{
	struct doc *d = arena_new_of(a, struct doc);

	d->arena = a;
	return d;
}

static struct piece *add(struct doc *d, enum piece_kind kind, const char *text, size_t len)
{
	struct piece *grown;

	if (d->cnt == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 256;
		grown = arena_array_of(d->arena, struct piece, d->cap);
		if (d->cnt)
			memcpy(grown, d->pieces, d->cnt * sizeof(*grown));
		d->pieces = grown;
	}
	d->pieces[d->cnt] = (struct piece){ .kind = kind, .text = text, .len = len };
	return &d->pieces[d->cnt++];
}

void doc_text(struct doc *d, const char *text, size_t len)
{
	add(d, TEXT, text, len);
}

void doc_str(struct doc *d, const char *text)
{
	add(d, TEXT, text, strlen(text));
}

void doc_space(struct doc *d)
{
	add(d, SPACE, " ", 1);
}

void doc_comment(struct doc *d, const char *text, size_t len, bool ends_line)
{
	add(d, COMMENT, text, len)->ends_line = ends_line;
}

void doc_raw(struct doc *d, const char *text, size_t len)
{
	add(d, RAW, text, len);
}

void doc_newline(struct doc *d)
{
	add(d, NEWLINE, "", 0);
}

void doc_blank(struct doc *d)
{
	add(d, BLANK, "", 0);
}

void doc_break(struct doc *d, const char *flat, bool fill)
{
	add(d, fill ? FILL : BREAK, flat, strlen(flat));
}

void doc_open(struct doc *d)
{
	add(d, OPEN, "", 0);
}

void doc_close(struct doc *d)
{
	add(d, CLOSE, "", 0);
}

void doc_indent(struct doc *d)
{
	add(d, INDENT, "", 0);
}

void doc_align(struct doc *d)
{
	add(d, ALIGN, "", 0);
}

void doc_outdent(struct doc *d)
{
	add(d, OUTDENT, "", 0);
}

/* ---- printing */

struct printer {
	const struct doc *doc;
	FILE *out;
	uint32_t col;
	uint32_t spaces; /* due before the next text of this line */
	bool started; /* anything is out */
	bool newline, blank; /* due before the next text */
	bool after_comment;
	char last; /* byte printed on this line; 0: none */
	/* one element per level open */
	uint32_t *margins;
	size_t margin_cnt;
	bool *broken; /* groups */
	size_t group_cnt;
};

static uint32_t cols(const char *text, size_t len)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += (text[i] & 0xc0) != 0x80;
	return n;
}

static uint32_t margin(const struct printer *p)
{
	return p->margin_cnt ? p->margins[p->margin_cnt - 1] : 0;
}

/* Where the next text would begin. */
static uint32_t column(const struct printer *p)
{
	return p->newline ? margin(p) : p->col + p->spaces;
}

/*
 * Is there room from a piece on up to where the line may end? A group's own breaks are none, and
 * what must stand on several lines has no room in it. For what follows a break of a filled group
 * (in_fill) only the text up to the first newline counts.
 */
static bool fits(const struct printer *p, size_t at, bool in_fill)
{
	uint32_t used = column(p);
	int level = 0;

	for (; at < p->doc->cnt && used <= LINE_COLS; at++) {
		const struct piece *pc = &p->doc->pieces[at];

		switch (pc->kind) {
		case OPEN: level++; break;
		case CLOSE: level--; break;
		case TEXT:
		case SPACE: used += cols(pc->text, pc->len); break;
		case BREAK:
		case FILL:
			if (level <= 0)
				return true;
			used += (uint32_t)pc->len;
			break;
		case COMMENT:
			if (pc->ends_line || memchr(pc->text, '\n', pc->len))
				return in_fill || level <= 0;
			used += cols(pc->text, pc->len) + 1;
			break;
		case RAW:
		case NEWLINE: return in_fill || level <= 0;
		case BLANK:
		case INDENT:
		case ALIGN:
		case OUTDENT: break;
		}
	}
	return used <= LINE_COLS;
}

static void begin_line(struct printer *p, uint32_t indent)
{
	if (p->started) {
		fputc('\n', p->out);
		if (p->blank)
			fputc('\n', p->out);
	}
	fprintf(p->out, "%*s", (int)indent, "");
	p->col = indent;
	p->newline = p->blank = p->after_comment = false;
	p->spaces = 0;
	p->last = 0;
}

static void put(struct printer *p, const char *text, size_t len)
{
	if (!len)
		return;
	if (p->newline || !p->started)
		begin_line(p, margin(p));
	fprintf(p->out, "%*s", (int)p->spaces, "");
	fwrite(text, 1, len, p->out);
	p->col += p->spaces + cols(text, len);
	p->spaces = 0;
	p->blank = p->after_comment = false;
	p->started = true;
	p->last = text[len - 1];
}

static void put_text(struct printer *p, const char *text, size_t len)
{
	if (p->after_comment && !p->newline && !p->spaces && len && !strchr(",;)]", text[0]))
		p->spaces = 1;
	put(p, text, len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Further lines of a block comment keep to its stars, when they have any. */
static void put_comment_lines(struct printer *p, const char *text, size_t len)
{
	const char *end = text + len, *nl, *s;
	uint32_t indent = column(p);

	while ((nl = memchr(text, '\n', (size_t)(end - text)))) {
		for (s = nl; s > text && is_blank(s[-1]); s--)
			;
		put(p, text, (size_t)(s - text));
		text = nl + 1;
		for (s = text; s < end && is_blank(*s); s++)
			;
		fputc('\n', p->out);
		p->col = p->spaces = 0;
		if (s < end && *s == '*') {
			p->spaces = indent + 1;
			text = s;
		}
	}
	put(p, text, (size_t)(end - text));
}

static void put_comment(struct printer *p, const struct piece *pc)
{
	if (!p->newline && !p->spaces && p->last && !strchr("([", p->last))
		p->spaces = 1;
	put_comment_lines(p, pc->text, pc->len);
	p->after_comment = true;
	p->newline = p->newline || pc->ends_line;
}

static void put_raw(struct printer *p, const struct piece *pc)
{
	if (p->started)
		begin_line(p, 0);
	fwrite(pc->text, 1, pc->len, p->out);
	p->started = p->newline = true;
	p->blank = false;
}

static void end_line(struct printer *p)
{
	p->newline = p->newline || p->started;
	p->spaces = 0;
}

static void print_break(struct printer *p, size_t at)
{
	const struct piece *pc = &p->doc->pieces[at];
	bool broken = p->group_cnt && p->broken[p->group_cnt - 1];

	p->spaces += (uint32_t)pc->len;
	if (broken && (pc->kind == BREAK || !fits(p, at + 1, true)))
		end_line(p);
}

static void push_margin(struct printer *p, uint32_t col)
{
	p->margins[p->margin_cnt++] = col;
}

/* Far to the right it is rather a new line, when there is no room for what comes first. */
static void begin_align(struct printer *p, size_t at)
{
	if (column(p) <= ALIGN_COLS_MAX) {
		push_margin(p, column(p));
		return;
	}
	push_margin(p, margin(p) + 2 * STEP_COLS);
	if (!fits(p, at + 1, true))
		end_line(p);
}

static void print_piece(struct printer *p, size_t at)
{
	const struct piece *pc = &p->doc->pieces[at];
	bool outer_flat;

	switch (pc->kind) {
	case TEXT: put_text(p, pc->text, pc->len); break;
	case SPACE: p->spaces++; break;
	case COMMENT: put_comment(p, pc); break;
	case RAW: put_raw(p, pc); break;
	case NEWLINE: end_line(p); break;
	case BLANK: p->blank = p->newline; break;
	case BREAK:
	case FILL: print_break(p, at); break;
	case OPEN:
		outer_flat = p->group_cnt && !p->broken[p->group_cnt - 1];
		p->broken[p->group_cnt++] = !outer_flat && !fits(p, at, false);
		break;
	case CLOSE: p->group_cnt--; break;
	case INDENT: push_margin(p, margin(p) + STEP_COLS); break;
	case ALIGN: begin_align(p, at); break;
	case OUTDENT: p->margin_cnt--; break;
	}
}

void doc_print(const struct doc *d, FILE *out)
{
	struct printer p = { .doc = d, .out = out };

	p.margins = arena_array_of(d->arena, uint32_t, d->cnt + 1);
	p.broken = arena_array_of(d->arena, bool, d->cnt + 1);
	for (size_t i = 0; i < d->cnt; i++)
		print_piece(&p, i);
	if (p.started)
		fputc('\n', out);
}

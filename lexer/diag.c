/* SPDX-License-Identifier: Apache-2.0 */
#include "diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define SHOW_LINES_MAX 10 /* of a span that covers several lines */
#define SHOW_BYTES_MAX 400 /* of one line */
#define SHOW_DIAGS_MAX 1000 /* of one stage: a broken generated script fills no disk */
#define WORD_MAX 64 /* longer words are nobody's misspelling */

struct note {
	struct span span; /* nowhere: a hint */
	const char *text;
	struct note *next;
};

struct diag {
	enum diag_id id;
	enum diag_severity severity;
	struct span span; /* in the text itself */
	struct span call; /* of the macro that it is part of */
	uint32_t seq;
	const char *text;
	struct note *notes, **notes_end;
	struct diags *owner;
	struct diag *same; /* hash chain */
	struct diag *held; /* the next in a chain that is held back */
};

struct diags {
	struct arena *arena;
	struct sources *sources;
	bool mute_warnings;
	struct diag **hold; /* NULL: reports are queued */
	unsigned errors;
	struct diag **queue;
	uint32_t cnt, cap;
	struct diag **hash; /* all there ever were, to merge duplicates */
	uint32_t hash_cnt, all_cnt;
};

static const struct {
	enum diag_severity severity;
	const char *format;
} rows[] = {
#define DIAG(id, severity, format) [D_##id] = { DIAG_##severity, format },
#include "diag.def"
#undef DIAG
};

struct diags *diags_new(struct arena *a, struct sources *ss)
{
	struct diags *ds = arena_new_of(a, struct diags);

	ds->arena = a;
	ds->sources = ss;
	return ds;
}

void diags_mute_warnings(struct diags *ds)
{
	ds->mute_warnings = true;
}

static void queue_add(struct diags *ds, struct diag *d)
{
	struct diag **grown;

	if (ds->cnt == ds->cap) {
		ds->cap = ds->cap ? ds->cap * 2 : 16;
		grown = arena_array_of(ds->arena, struct diag *, ds->cap);
		if (ds->cnt)
			memcpy(grown, ds->queue, ds->cnt * sizeof(*grown));
		ds->queue = grown;
	}
	d->seq = ds->cnt;
	ds->queue[ds->cnt++] = d;
}

static struct diag **bucket_of(struct diags *ds, struct span sp, enum diag_id id)
{
	uint64_t key = ((uint64_t)sp.from << 32 | sp.to) + (uint64_t)id * 0x10001;

	return &ds->hash[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (ds->hash_cnt - 1)];
}

static void hash_grow(struct diags *ds)
{
	struct diag **old = ds->hash, **bucket, *d, *next;
	uint32_t i, old_cnt = ds->hash_cnt;

	ds->hash_cnt = old_cnt ? old_cnt * 4 : 64;
	ds->hash = arena_array_of(ds->arena, struct diag *, ds->hash_cnt);
	for (i = 0; i < old_cnt; i++) {
		for (d = old[i]; d; d = next) {
			next = d->same;
			bucket = bucket_of(ds, d->span, d->id);
			d->same = *bucket;
			*bucket = d;
		}
	}
}

static struct diag *find_same(struct diags *ds, struct span sp, enum diag_id id)
{
	struct diag *d = ds->hash_cnt && sp.from ? *bucket_of(ds, sp, id) : NULL;

	while (d && (d->id != id || d->span.from != sp.from || d->span.to != sp.to))
		d = d->same;
	return d;
}

static struct diag *diag_new(struct diags *ds, struct span sp, enum diag_id id)
{
	struct diag *d = arena_new_of(ds->arena, struct diag);

	d->id = id;
	d->severity = rows[id].severity;
	d->span = sp;
	d->owner = ds;
	d->notes_end = &d->notes;
	return d;
}

static void report(struct diags *ds, struct diag *d)
{
	struct diag **bucket;

	if (ds->all_cnt++ >= ds->hash_cnt)
		hash_grow(ds);
	bucket = bucket_of(ds, d->span, d->id);
	d->same = *bucket;
	*bucket = d;
	if (d->severity == DIAG_ERROR)
		ds->errors++;
	if (d->severity == DIAG_ERROR || !ds->mute_warnings)
		queue_add(ds, d);
}

struct diag *diag(struct diags *ds, struct span sp, enum diag_id id, ...)
{
	struct span call;
	struct diag *d;
	va_list ap;

	/* What is wrong with a macro is told once, not for every call. */
	sp = source_origin(ds->sources, sp, &call);
	d = find_same(ds, sp, id);
	if (d)
		return d;
	d = diag_new(ds, sp, id);
	d->call = call;
	va_start(ap, id);
	d->text = arena_vprintf(ds->arena, rows[id].format, ap);
	va_end(ap);
	if (ds->hold) {
		d->held = *ds->hold;
		*ds->hold = d;
	} else {
		report(ds, d);
	}
	return d;
}

struct diag **diags_hold(struct diags *ds, struct diag **to)
{
	struct diag **before = ds->hold;

	ds->hold = to;
	return before;
}

void diags_release(struct diag *chain)
{
	for (struct diag *d = chain; d; d = d->held)
		if (!find_same(d->owner, d->span, d->id))
			report(d->owner, d);
}

/* The same once more, from another call of a macro, says nothing. */
static void note_add(struct diag *d, struct span sp, const char *text)
{
	struct note *n;

	sp = source_origin(d->owner->sources, sp, NULL);
	for (n = d->notes; n; n = n->next)
		if (n->span.from == sp.from && n->span.to == sp.to && !strcmp(n->text, text))
			return;
	n = arena_new_of(d->owner->arena, struct note);
	n->span = sp;
	n->text = text;
	*d->notes_end = n;
	d->notes_end = &n->next;
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
	struct note *n;
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(d->owner->arena, fmt, ap);
	va_end(ap);
	/* A merged duplicate brings the same hint again. */
	for (n = d->notes; n; n = n->next)
		if (!n->span.from && !strcmp(n->text, text))
			return;
	note_add(d, SPAN_NONE, text);
}

void diag_also(struct diag *d, struct span sp, const char *fmt, ...)
{
	struct note *n;
	va_list ap;

	for (n = d->notes; n; n = n->next)
		if (n->span.from && n->span.from == sp.from)
			return;
	va_start(ap, fmt);
	note_add(d, sp, arena_vprintf(d->owner->arena, fmt, ap));
	va_end(ap);
}

unsigned diags_errors(const struct diags *ds)
{
	return ds->errors;
}

/* ---- printing */

struct printer {
	FILE *out;
	const struct sources *sources;
	bool colour;
};

/* Bytes of the character at s, one column on a terminal; *valid: it is UTF-8 and not a control. */
static uint32_t char_len(const char *s, uint32_t left, bool *valid)
{
	unsigned char c = (unsigned char)*s;
	uint32_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t i;

	*valid = len && len <= left && (c >= 0x20 || c == '\t') && c != 0x7f;
	for (i = 1; *valid && i < len; i++)
		*valid = ((unsigned char)s[i] & 0xc0) == 0x80;
	return *valid ? len : 1;
}

/* Nothing a terminal would act on or stumble over. */
static void print_bytes(FILE *out, const char *s, uint32_t len)
{
	uint32_t i, n;
	bool valid;

	for (i = 0; i < len; i += n) {
		n = char_len(s + i, len - i, &valid);
		fwrite(valid ? s + i : "?", 1, valid ? n : 1, out);
	}
	fputc('\n', out);
}

/* The marker line: tabs stay tabs. */
static void print_marks(const struct printer *p, const char *line, uint32_t from, uint32_t to)
{
	uint32_t i;
	bool valid;

	for (i = 0; i < to; i += char_len(line + i, to - i, &valid)) {
		if (i == from && p->colour)
			fputs("\033[31m", p->out);
		fputc(i >= from ? '~' : line[i] == '\t' ? '\t' : ' ', p->out);
	}
	fputs(p->colour ? "\033[0m\n" : "\n", p->out);
}

static void print_one_line(const struct printer *p, const struct place *pl)
{
	const char *line = pl->line_text;
	uint32_t from = pl->col - 1, to = pl->end_col - 1, len = pl->line_len, skip = 0;

	if (from > len)
		from = len;
	if (to > len)
		to = len;
	if (len > SHOW_BYTES_MAX) {
		/* A script on one enormous line: the part around the place. */
		skip = from > SHOW_BYTES_MAX / 4 ? from - SHOW_BYTES_MAX / 4 : 0;
		while (skip && ((unsigned char)line[skip] & 0xc0) == 0x80)
			skip--;
		len = len - skip > SHOW_BYTES_MAX ? SHOW_BYTES_MAX : len - skip;
	}
	from -= skip;
	to = to - skip > len ? len : to - skip;
	print_bytes(p->out, line + skip, len);
	/* A place between bytes (the end of the text) has one mark, too. */
	print_marks(p, line + skip, from, to > from ? to : from + 1);
}

static void print_lines(const struct printer *p, struct span sp, const struct place *first)
{
	struct place pl = *first;
	uint32_t line;

	for (line = first->line; line <= first->end_line; line++) {
		if (line - first->line == SHOW_LINES_MAX) {
			fputs("...\n", p->out);
			return;
		}
		if (source_line(p->sources, sp, line, &pl))
			print_bytes(p->out, pl.line_text,
				    pl.line_len > SHOW_BYTES_MAX ? SHOW_BYTES_MAX : pl.line_len);
	}
}

static void print_excerpt(const struct printer *p, struct span sp, const struct place *pl)
{
	if (pl->end_line != pl->line)
		print_lines(p, sp, pl);
	else
		print_one_line(p, pl);
}

const char *source_excerpt(struct arena *a, const struct sources *ss, struct span sp)
{
	struct printer p = { .sources = ss };
	const char *copy = "";
	struct place pl;
	char *text = NULL;
	size_t len = 0;

	if (!source_place(ss, sp, &pl))
		return copy;
	p.out = open_memstream(&text, &len);
	if (!p.out)
		return copy;
	print_excerpt(&p, sp, &pl);
	if (!fclose(p.out))
		copy = arena_strndup(a, text, len);
	free(text);
	return copy;
}

static void print_at(const struct printer *p, struct span sp, const char *word, const char *shade,
		     const char *text)
{
	struct place pl;
	int known = source_place(p->sources, sp, &pl);

	if (known && pl.end_line != pl.line)
		fprintf(p->out, "%s:%u-%u: ", pl.file, pl.line, pl.end_line);
	else if (known)
		fprintf(p->out, "%s:%u:%u-%u: ", pl.file, pl.line, pl.col, pl.end_col);
	fprintf(p->out, "%s%s: %s%s\n", p->colour ? shade : "", word, p->colour ? "\033[0m" : "",
		text);
	if (known)
		print_excerpt(p, sp, &pl);
}

static void print_calls(const struct printer *p, struct span call)
{
	for (struct span outer; call.from; call = outer) {
		source_origin(p->sources, call, &outer);
		print_at(p, call, "NOTE", "\033[36m", "expanded from here");
	}
}

static void print_diag(const struct printer *p, const struct diag *d)
{
	bool is_error = d->severity == DIAG_ERROR;
	const struct note *n;

	print_at(p, d->span, is_error ? "ERROR" : "WARNING", is_error ? "\033[31m" : "\033[33m",
		 d->text);
	print_calls(p, d->call);
	for (n = d->notes; n; n = n->next) {
		if (n->span.from)
			print_at(p, n->span, "NOTE", "\033[36m", n->text);
		else
			fprintf(p->out, "%sHINT: %s%s\n", p->colour ? "\033[36m" : "",
				p->colour ? "\033[0m" : "", n->text);
	}
}

static int in_source_order(const void *va, const void *vb)
{
	const struct diag *a = *(const struct diag *const *)va;
	const struct diag *b = *(const struct diag *const *)vb;

	if (a->span.from != b->span.from)
		return a->span.from < b->span.from ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void diags_flush(struct diags *ds, FILE *out, bool colour)
{
	struct printer p = { NULL, ds->sources, colour };
	uint32_t i, cnt = ds->cnt < SHOW_DIAGS_MAX ? ds->cnt : SHOW_DIAGS_MAX;
	char *text = NULL;
	size_t len = 0;

	if (!ds->cnt)
		return;
	qsort(ds->queue, ds->cnt, sizeof(*ds->queue), in_source_order);
	/* In one piece: stderr has no buffer of its own. */
	p.out = open_memstream(&text, &len);
	if (!p.out)
		return;
	for (i = 0; i < cnt; i++)
		print_diag(&p, ds->queue[i]);
	if (cnt < ds->cnt)
		fprintf(p.out, "... and %u more\n", ds->cnt - cnt);
	ds->cnt = 0;
	if (!fclose(p.out))
		fwrite(text, 1, len, out);
	free(text);
}

/* ---- the nearest word */

/* Edits (insert, delete, replace, swap of neighbours) between two words, ignoring case. */
static unsigned edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[3][WORD_MAX + 1];
	size_t i, j;

	for (j = 0; j <= b_len; j++)
		row[0][j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		unsigned *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

		cur[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			unsigned best = prev[j - 1] + (ca != cb);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			cur[j] = best;
		}
	}
	return row[a_len % 3][b_len];
}

void nearest_init(struct nearest *n, const char *word)
{
	n->word = word;
	n->best = NULL;
	n->distance = UINT32_MAX;
}

void nearest_feed(struct nearest *n, const char *candidate)
{
	size_t w = strlen(n->word), c = strlen(candidate);
	/* One edit in a short word, one more for every four letters. */
	unsigned limit = 1 + (unsigned)w / 4, d;

	if (!w || w > WORD_MAX || c > WORD_MAX || (w > c ? w - c : c - w) > limit)
		return;
	d = edits(n->word, w, candidate, c);
	/* Two letters with one wrong are another word, not a slip. */
	if (d > limit || d >= c || (w <= 2 && d > 0 && c <= 2) || d >= n->distance)
		return;
	n->distance = d;
	n->best = candidate;
}

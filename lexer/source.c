/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <string.h>

#include "arena.h"

#define TEXT_MAX (UINT32_C(0x7fffffff) - 64) /* all texts together; flex counts in int */

struct lines {
	const struct source *src;
	uint32_t *starts; /* offset of each line's first byte */
	uint32_t cnt;
	struct lines *next;
};

/* Numbers that stand for those of a part of some text. */
struct expansion {
	uint32_t base, len;
	uint32_t shift; /* what was added */
	struct span call;
};

struct sources {
	struct arena *arena;
	struct source *first, *last;
	struct lines *lines; /* tables made so far: only texts with a diagnostic need one */
	uint32_t next_base;
	struct expansion *expansions; /* by base */
	uint32_t expansion_cnt, expansion_cap;
};

struct sources *sources_new(struct arena *a)
{
	struct sources *ss = arena_new_of(a, struct sources);

	ss->arena = a;
	ss->next_base = 1;
	return ss;
}

const struct source *source_add(struct sources *ss, const char *name, const char *text, size_t len)
{
	struct source *src;

	if (len >= TEXT_MAX - ss->next_base)
		return NULL;
	src = arena_new_of(ss->arena, struct source);
	src->name = arena_strdup(ss->arena, name);
	src->text = arena_strndup(ss->arena, text, len);
	src->len = len;
	src->base = ss->next_base;
	/* One number more than bytes: the end of the text is a place too. */
	ss->next_base += (uint32_t)len + 1;
	if (ss->last)
		ss->last->next = src;
	else
		ss->first = src;
	ss->last = src;
	return src;
}

uint32_t source_expand(struct sources *ss, struct span part, struct span call)
{
	uint32_t len = part.to - part.from;
	struct expansion *grown;

	if (len >= TEXT_MAX - ss->next_base)
		return 0;
	if (ss->expansion_cnt == ss->expansion_cap) {
		ss->expansion_cap = ss->expansion_cap ? ss->expansion_cap * 2 : 16;
		grown = arena_array_of(ss->arena, struct expansion, ss->expansion_cap);
		if (ss->expansion_cnt)
			memcpy(grown, ss->expansions, ss->expansion_cnt * sizeof(*grown));
		ss->expansions = grown;
	}
	ss->expansions[ss->expansion_cnt++] = (struct expansion){
		.base = ss->next_base,
		.len = len,
		.shift = ss->next_base - part.from,
		.call = call,
	};
	ss->next_base += len + 1;
	return ss->expansions[ss->expansion_cnt - 1].shift;
}

struct span source_origin(const struct sources *ss, struct span sp, struct span *call)
{
	uint32_t lo = 0, hi = ss->expansion_cnt;
	const struct expansion *e;

	if (call)
		*call = SPAN_NONE;
	/* The last that begins at sp.from or before. */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ss->expansions[mid].base <= sp.from)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return sp;
	e = &ss->expansions[lo - 1];
	if (sp.from - e->base > e->len)
		return sp;
	if (call)
		*call = e->call;
	return (struct span){ sp.from - e->shift, sp.to - e->shift };
}

const struct source *source_of(const struct sources *ss, struct span sp)
{
	const struct source *src;

	sp = source_origin(ss, sp, NULL);
	for (src = ss->first; src; src = src->next)
		if (sp.from >= src->base && sp.from - src->base <= src->len)
			return src;
	return NULL;
}

const char *source_text(const struct sources *ss, struct span sp)
{
	const struct source *src = source_of(ss, sp);

	sp = source_origin(ss, sp, NULL);
	return src ? src->text + (sp.from - src->base) : NULL;
}

static const struct lines *lines_of(struct sources *ss, const struct source *src)
{
	struct lines *l;
	uint32_t cnt = 1;
	const char *p, *end = src->text + src->len;

	for (l = ss->lines; l; l = l->next)
		if (l->src == src)
			return l;
	for (p = src->text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		cnt++;
	l = arena_new_of(ss->arena, struct lines);
	l->src = src;
	l->starts = arena_array_of(ss->arena, uint32_t, cnt);
	l->cnt = 1;
	for (p = src->text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		l->starts[l->cnt++] = (uint32_t)(p - src->text) + 1;
	l->next = ss->lines;
	ss->lines = l;
	return l;
}

/* Index of the line that holds the offset. */
static uint32_t line_at(const struct lines *l, uint32_t off)
{
	uint32_t lo = 0, hi = l->cnt;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->starts[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t line_end(const struct lines *l, uint32_t idx)
{
	uint32_t end = idx + 1 < l->cnt ? l->starts[idx + 1] - 1 : (uint32_t)l->src->len;

	if (end > l->starts[idx] && l->src->text[end - 1] == '\r')
		end--;
	return end;
}

int source_place(const struct sources *ss, struct span sp, struct place *out)
{
	const struct source *src = source_of(ss, sp);
	const struct lines *l;
	uint32_t from, to, first, last, end;

	memset(out, 0, sizeof(*out));
	if (!src)
		return 0;
	sp = source_origin(ss, sp, NULL);
	/* The tables are a cache: making one does not change what the caller sees. */
	l = lines_of((struct sources *)ss, src);
	from = sp.from - src->base;
	to = sp.to > sp.from ? sp.to - src->base : from;
	if (to > src->len)
		to = (uint32_t)src->len;
	first = line_at(l, from);
	last = to > from ? line_at(l, to - 1) : first;
	end = line_end(l, first);
	out->file = src->name;
	out->line = first + 1;
	out->end_line = last + 1;
	out->col = from - l->starts[first] + 1;
	out->end_col = (last == first ? to : end > from ? end : from) - l->starts[first] + 1;
	out->line_text = src->text + l->starts[first];
	out->line_len = end - l->starts[first];
	return 1;
}

int source_line(const struct sources *ss, struct span sp, uint32_t line, struct place *out)
{
	const struct source *src = source_of(ss, sp);
	const struct lines *l;

	if (!src)
		return 0;
	l = lines_of((struct sources *)ss, src);
	if (!line || line > l->cnt)
		return 0;
	out->line_text = src->text + l->starts[line - 1];
	out->line_len = line_end(l, line - 1) - l->starts[line - 1];
	return 1;
}

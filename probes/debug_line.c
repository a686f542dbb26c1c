// SPDX-License-Identifier: Apache-2.0
/*
 * Where the code of a source line begins. A compiler spreads a statement over many places; of each
 * function, and of each place where one was inlined, the first is taken, so that the probe fires once
 * when the line is reached.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/debug.h"

struct found {
	uint64_t addr;
	const void *scope; /* which function, which inlined copy of it */
};

struct searching {
	struct probe_env *env;
	const struct source_place *at;
	struct found *found;
	uint32_t cnt, cap;
	bool has_file;
	int below, above; /* the nearest lines with code; 0: none */
	char columns[64]; /* of the line, when one was asked for */
};

/* "a/b.c" is meant by "b.c" and "a/b.c", not by "x/b.c". */
static bool is_file(const char *file, const char *wanted)
{
	size_t len, want = strlen(wanted);

	if (!file)
		return false;
	len = strlen(file);
	return len >= want && !strcmp(file + len - want, wanted) &&
	       (len == want || *wanted == '/' || file[len - want - 1] == '/');
}

static bool unit_has_file(Dwarf_Die *unit, const char *wanted)
{
	Dwarf_Files *files;
	size_t cnt;

	if (dwarf_getsrcfiles(unit, &files, &cnt))
		return false;
	for (size_t i = 0; i < cnt; i++)
		if (is_file(dwarf_filesrc(files, i, NULL, NULL), wanted))
			return true;
	return false;
}

/* The innermost function, inlined or not, that has the address. */
static const void *scope_of(Dwarf_Die *unit, uint64_t addr)
{
	const void *scope = unit->addr;
	Dwarf_Die *scopes = NULL;
	int cnt = dwarf_getscopes(unit, addr, &scopes);

	for (int i = 0; i < cnt; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		scope = scopes[i].addr;
		break;
	}
	free(scopes);
	return scope;
}

static int note(struct searching *s, uint64_t addr, const void *scope)
{
	struct found *more;

	for (uint32_t i = 0; i < s->cnt; i++) {
		if (s->found[i].scope != scope)
			continue;
		if (addr < s->found[i].addr)
			s->found[i].addr = addr;
		return 0;
	}
	if (s->cnt == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		more = realloc(s->found, s->cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->found = more;
	}
	s->found[s->cnt++] = (struct found){ addr, scope };
	return 0;
}

static void note_column(struct searching *s, int col)
{
	size_t len = strlen(s->columns);
	char text[16];

	snprintf(text, sizeof(text), "%d,", col);
	if (len + sizeof(text) + 2 < sizeof(s->columns) && !strstr(s->columns, text))
		snprintf(s->columns + len, sizeof(s->columns) - len, " %s", text);
}

static void note_near(struct searching *s, int line, int col)
{
	if (line <= 0)
		return;
	if (line == s->at->line)
		return note_column(s, col);
	if (line < s->at->line && line > s->below)
		s->below = line;
	if (line > s->at->line && (!s->above || line < s->above))
		s->above = line;
}

static int search_unit(struct searching *s, struct debug_walk *w)
{
	Dwarf_Lines *lines;
	size_t cnt;
	int rc = 0;

	if (!unit_has_file(&w->skeleton, s->at->file) ||
	    dwarf_getsrclines(&w->skeleton, &lines, &cnt))
		return 0;
	for (size_t i = 0; i < cnt && !rc; i++) {
		Dwarf_Line *l = dwarf_onesrcline(lines, i);
		bool begins = false, ended = true;
		int line = 0, col = 0;
		Dwarf_Addr addr;

		if (dwarf_linebeginstatement(l, &begins) || dwarf_lineendsequence(l, &ended) ||
		    !begins || ended || dwarf_lineno(l, &line) || dwarf_lineaddr(l, &addr) ||
		    !is_file(dwarf_linesrc(l, NULL, NULL), s->at->file))
			continue;
		s->has_file = true;
		dwarf_linecol(l, &col);
		if (line == s->at->line && (!s->at->col || col == s->at->col))
			rc = note(s, addr, scope_of(&w->unit, addr));
		else
			note_near(s, line, col);
	}
	return rc;
}

/* That there is no match is the caller's to tell; why is not. */
static void explain(const struct searching *s, const struct elf_file *f, struct probe_error *err)
{
	size_t len = strlen(s->columns);

	if (!s->has_file)
		env_hint(err, "%s has no code of a file %s.", f->path, s->at->file);
	else if (len)
		env_hint(err, "Statements of that line begin in column%s%.*s.",
			 strchr(s->columns, ',') == s->columns + len - 1 ? "" : "s", (int)len - 1,
			 s->columns);
	else if (s->below && s->above)
		env_hint(err, "The nearest lines with code are %d and %d.", s->below, s->above);
	else
		env_hint(err, "The nearest line with code is %d.", s->below ?: s->above);
}

static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

int debug_lines(struct probe_env *env, struct elf_file *f, const struct source_place *at,
		int (*fn)(void *arg, uint64_t addr), void *arg, struct probe_error *err)
{
	struct searching s = { .env = env, .at = at };
	struct debug_walk w = { 0 };
	Dwarf *dw = debug_of(env, f);
	int rc = 0;

	*err->hint = 0;
	if (!dw) {
		env_hint(err, "%s has no debug information.", f->path);
		return -ENOENT;
	}
	while (!rc && debug_next_unit(env, dw, &w))
		rc = search_unit(&s, &w);
	if (!rc && !s.cnt) {
		explain(&s, f, err);
		rc = -ENOENT;
	}
	if (s.cnt)
		qsort(s.found, s.cnt, sizeof(*s.found), compare);
	for (uint32_t i = 0; i < s.cnt && !rc; i++)
		if (!i || s.found[i].addr != s.found[i - 1].addr)
			rc = fn(arg, s.found[i].addr - (uint64_t)f->debug_bias);
	free(s.found);
	return rc == -ENOMEM ? probe_fail_oom(err) : rc;
}

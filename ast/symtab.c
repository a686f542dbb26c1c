/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ast/symtab.h"
#include "lexer/arena.h"
#include "lexer/diag.h"

#define BUCKETS 1024

/*
 * Inner variables may not hide outer ones, so that a name in sight stands in its bucket once; blocks
 * nest, so that what goes out of sight is always the newest of its bucket.
 */
struct binding {
	struct var_sym *sym;
	struct binding *chain, *older;
};

struct map_entry {
	struct map_sym sym;
	struct map_entry *chain;
};

struct symtab {
	struct arena *arena;
	struct node *probe;
	struct var_sym **vars_end;
	struct binding *newest, *vars[BUCKETS];
	struct map_entry *maps[BUCKETS];
	uint32_t map_cnt;
};

static unsigned bucket(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return (h ^ h >> 16) % BUCKETS;
}

struct symtab *symtab_new(struct arena *a)
{
	struct symtab *st = arena_new_of(a, struct symtab);

	st->arena = a;
	return st;
}

struct binding *symtab_enter(struct symtab *st)
{
	return st->newest;
}

void symtab_leave(struct symtab *st, struct binding *mark)
{
	for (; st->newest != mark; st->newest = st->newest->older)
		st->vars[bucket(st->newest->sym->name)] = st->newest->chain;
}

void symtab_probe(struct symtab *st, struct node *probe)
{
	st->probe = probe;
	st->vars_end = &probe->probe.vars;
}

struct var_sym *symtab_var(const struct symtab *st, const char *name)
{
	for (const struct binding *b = st->vars[bucket(name)]; b; b = b->chain)
		if (strcmp(b->sym->name, name) == 0)
			return b->sym;
	return NULL;
}

struct var_sym *symtab_var_new(struct symtab *st, const struct node *var)
{
	struct var_sym *sym = arena_new_of(st->arena, struct var_sym);
	struct binding *b = arena_new_of(st->arena, struct binding);
	struct binding **head = &st->vars[bucket(var->var.name)];

	sym->name = var->var.name;
	sym->def = var->span;
	sym->probe = st->probe;
	*st->vars_end = sym;
	st->vars_end = &sym->next;
	*b = (struct binding){ .sym = sym, .chain = *head, .older = st->newest };
	*head = b;
	st->newest = b;
	return sym;
}

void symtab_nearest(const struct symtab *st, struct nearest *near)
{
	for (const struct binding *b = st->newest; b; b = b->older)
		if (!b->sym->undefined)
			nearest_feed(near, var_shown(b->sym->name));
}

struct map_sym *symtab_map(struct symtab *st, const char *name, struct span def)
{
	struct map_entry **head = &st->maps[bucket(name)], *e;

	for (e = *head; e; e = e->chain)
		if (strcmp(e->sym.name, name) == 0)
			return &e->sym;
	e = arena_new_of(st->arena, struct map_entry);
	e->sym.name = name;
	e->sym.def = def;
	e->chain = *head;
	*head = e;
	st->map_cnt++;
	return &e->sym;
}

static int by_name(const void *a, const void *b)
{
	const struct map_sym *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

struct map_sym *symtab_maps(struct symtab *st)
{
	struct map_sym **all = arena_array_of(st->arena, struct map_sym *, st->map_cnt + 1);
	uint32_t cnt = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct map_entry *e = st->maps[i]; e; e = e->chain)
			all[cnt++] = &e->sym;
	qsort(all, cnt, sizeof(*all), by_name);
	for (uint32_t i = 0; i < cnt; i++) {
		all[i]->idx = i;
		all[i]->next = all[i + 1];
	}
	return all[0];
}

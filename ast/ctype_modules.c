/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types that only modules of the kernel define. Their BTF says just what the kernel's does not, and
 * continues its numbers, so all modules use the same ones: here module k's definitions are numbered
 * from (k + 1) << CTYPE_MODULE_BITS on. A module's file is read when a name is in none before it.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/type.h"
#include "lexer/arena.h"

struct module {
	const char *path;
	struct ctype_btf *btf; /* NULL: not read yet, or not to be read */
	bool tried;
};

struct ctype_modules {
	struct types *ts;
	struct arena *arena;
	const struct ctype_btf *kernel;
	struct module list[CTYPE_MODULES_MAX];
	uint32_t cnt;
};

static int by_path(const void *a, const void *b)
{
	const struct module *l = a, *r = b;

	return strcmp(l->path, r->path);
}

static void add(struct ctype_modules *m, const char *dir, const char *name)
{
	if (*name == '.' || strcmp(name, "vmlinux") == 0 || m->cnt == CTYPE_MODULES_MAX)
		return;
	m->list[m->cnt++].path = arena_printf(m->arena, "%s/%s", dir, name);
}

struct ctype_modules *ctype_modules_new(struct types *ts, struct arena *arena, const char *dir,
					const struct ctype_btf *kernel)
{
	struct ctype_modules *m = arena_new_of(arena, struct ctype_modules);
	DIR *d = opendir(dir);
	struct dirent *e;

	*m = (struct ctype_modules){ .ts = ts, .arena = arena, .kernel = kernel };
	while (d && (e = readdir(d)))
		add(m, dir, e->d_name);
	if (d)
		closedir(d);
	qsort(m->list, m->cnt, sizeof(*m->list), by_path);
	return m;
}

void ctype_modules_free(struct ctype_modules *m)
{
	for (uint32_t i = 0; m && i < m->cnt; i++)
		ctype_btf_free(m->list[i].btf);
}

static struct ctype_btf *read_module(struct ctype_modules *m, uint32_t i)
{
	struct module *mod = &m->list[i];

	if (!mod->tried)
		mod->btf = ctype_btf_open_module(m->ts, mod->path, m->kernel,
						 (i + 1) << CTYPE_MODULE_BITS);
	mod->tried = true;
	return mod->btf;
}

bool ctype_modules_bind(struct ctype_modules *m, struct type *t)
{
	for (uint32_t i = 0; i < m->cnt; i++)
		if (read_module(m, i) && ctype_btf_bind(m->list[i].btf, t))
			return true;
	return false;
}

void ctype_modules_complete(struct ctype_modules *m, struct type *t)
{
	uint32_t i = (t->def >> CTYPE_MODULE_BITS) - 1;

	if (i < m->cnt && m->list[i].btf && ctype_btf_has(m->list[i].btf, t->def))
		ctype_btf_complete(m->list[i].btf, t);
}

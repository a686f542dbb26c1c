// SPDX-License-Identifier: Apache-2.0
/* Types of modules: BTF that continues another one's, read from a directory like the kernel's. */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/type.h"
#include "lexer/arena.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static char dir[] = "/tmp/unit_ctype.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void save(const struct btf *btf, const char *name)
{
	uint32_t sz;
	const void *raw = btf__raw_data(btf, &sz);
	FILE *f = fopen(path_of(name), "w");

	CHECK(raw && f);
	CHECK(fwrite(raw, 1, sz, f) == sz);
	CHECK(!fclose(f));
}

/* vmlinux: struct base { int a; }; first: struct one { struct base b; struct two *p; };
 * second: struct two { long c; struct base *q; }, with the same numbers as first's. */
static void make_files(void)
{
	struct btf *base = btf__new_empty(), *split;
	int i32, i64, st, fwd;

	i32 = btf__add_int(base, "int", 4, BTF_INT_SIGNED);
	i64 = btf__add_int(base, "long", 8, BTF_INT_SIGNED);
	st = btf__add_struct(base, "base", 4);
	btf__add_field(base, "a", i32, 0, 0);
	save(base, "vmlinux");
	split = btf__new_empty_split(base);
	fwd = btf__add_fwd(split, "two", BTF_FWD_STRUCT);
	fwd = btf__add_ptr(split, fwd);
	btf__add_struct(split, "one", 16);
	btf__add_field(split, "b", st, 0, 0);
	btf__add_field(split, "p", fwd, 64, 0);
	save(split, "first");
	btf__free(split);
	split = btf__new_empty_split(base);
	st = btf__add_ptr(split, st);
	btf__add_struct(split, "two", 16);
	btf__add_field(split, "c", i64, 0, 0);
	btf__add_field(split, "q", st, 64, 0);
	save(split, "second");
	btf__free(split);
	btf__free(base);
}

struct kernel_source {
	struct ctype_btf *kernel;
	struct ctype_modules *modules;
};

static void complete(void *arg, struct type *t)
{
	struct kernel_source *s = arg;

	if (!t->def && !ctype_btf_bind(s->kernel, t) && !ctype_modules_bind(s->modules, t))
		return;
	if (ctype_btf_has(s->kernel, t->def))
		ctype_btf_complete(s->kernel, t);
	else
		ctype_modules_complete(s->modules, t);
}

static const struct type *named(struct types *ts, const char *name)
{
	return type_complete(ts, type_tagged(ts, V_STRUCT, name, 0));
}

int main(void)
{
	struct arena *arena = arena_new();
	struct types *ts = types_new(arena);
	const struct type *one, *two, *base;
	struct kernel_source s;

	CHECK(mkdtemp(dir));
	make_files();
	s.kernel = ctype_btf_open(ts, path_of("vmlinux"), 0);
	CHECK(s.kernel);
	s.modules = ctype_modules_new(ts, arena, dir, s.kernel);
	types_set_source(ts, complete, &s);

	two = named(ts, "struct two");
	one = named(ts, "struct one");
	base = named(ts, "struct base");
	CHECK(one->size == 16 && one->count == 2 && type_is_kernel(one));
	CHECK(two->size == 16 && two->count == 2 && type_is_kernel(two));
	CHECK(one->def != two->def && base->size == 4);
	CHECK(one->fields[0].type == base); /* the kernel's own, not another of the name */
	CHECK(one->fields[1].type->kind == V_PTR && one->fields[1].off == 8);
	CHECK(type_complete(ts, one->fields[1].type->elem)->size == 16); /* the other module's */
	CHECK(two->fields[1].type->elem == base);
	CHECK(!named(ts, "struct three")->def);

	types_set_source(ts, NULL, NULL);
	ctype_modules_free(s.modules);
	ctype_btf_free(s.kernel);
	arena_free(arena);
	unlink(path_of("vmlinux"));
	unlink(path_of("first"));
	unlink(path_of("second"));
	return rmdir(dir);
}

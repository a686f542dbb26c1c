/* SPDX-License-Identifier: Apache-2.0 */
/* -l 'struct X*': the kernel's types by name; with -v as C. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ast/ctype.h"
#include "lexer/diag.h"
#include "probes/probe.h"

struct printer {
	struct btf *btf;
	const char *owner; /* "vmlinux" or a module */
	FILE *out; /* collects what btf_dump writes */
	const char **names;
	uint32_t cnt, cap;
};

bool ctypes_is_pattern(const char *pattern)
{
	return !strncmp(pattern, "struct ", 7) || !strncmp(pattern, "union ", 6) ||
	       !strncmp(pattern, "enum ", 5);
}

static bool is_of(const struct btf_type *t, char word)
{
	if (word == 's')
		return btf_is_struct(t);
	return word == 'u' ? btf_is_union(t) : btf_is_enum(t) || btf_is_enum64(t);
}

static void collect(void *arg, const char *fmt, va_list ap)
{
	struct printer *p = arg;

	vfprintf(p->out, fmt, ap);
}

/* The dump has all that the type needs before it: only the last definition is wanted. */
static int print_definition(struct printer *p, uint32_t id, const char *word, const char *name)
{
	struct btf_dump *d;
	char *text = NULL, *head = NULL, *at, *last = NULL;
	size_t len = 0;
	int err = -ENOMEM;

	p->out = open_memstream(&text, &len);
	d = p->out ? btf_dump__new(p->btf, collect, p, NULL) : NULL;
	if (d)
		err = btf_dump__dump_type(d, id);
	btf_dump__free(d);
	if (p->out)
		fclose(p->out);
	if (!err && asprintf(&head, "%s %s {", word, name) < 0)
		err = -ENOMEM;
	for (at = text; !err && at && (at = strstr(at, head)); at++)
		last = at;
	if (last)
		printf("%s: %s", p->owner, last);
	free(head);
	free(text);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add(struct printer *p, const char *name)
{
	const char **grown;

	if (p->cnt == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		grown = realloc(p->names, p->cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		p->names = grown;
	}
	p->names[p->cnt++] = name;
	return 0;
}

static int print_names(struct printer *p, const char *word, bool as_c)
{
	enum btf_kind { S = BTF_KIND_STRUCT, U = BTF_KIND_UNION, E = BTF_KIND_ENUM } kind;
	int id, err = 0;

	kind = *word == 's' ? S : *word == 'u' ? U : E;
	if (p->cnt)
		qsort(p->names, p->cnt, sizeof(*p->names), by_name);
	for (uint32_t i = 0; i < p->cnt && !err; i++) {
		if (i && !strcmp(p->names[i], p->names[i - 1]))
			continue;
		id = as_c ? btf__find_by_name_kind(p->btf, p->names[i], kind) : 0;
		if (id < 0)
			id = btf__find_by_name_kind(p->btf, p->names[i], BTF_KIND_ENUM64);
		if (!as_c)
			printf("%s %s\n", word, p->names[i]);
		else
			err = print_definition(p, (uint32_t)id, word, p->names[i]);
	}
	return err;
}

/* What btf itself defines, ids from first on. How many, or a negative errno. */
static int list_of(struct btf *btf, uint32_t first, const char *owner, const char *pattern,
		   bool as_c)
{
	struct printer p = { .btf = btf, .owner = owner };
	const char *glob = strchr(pattern, ' ') + 1;
	char word[8] = "";
	int err = 0;

	memcpy(word, pattern, (size_t)(glob - pattern - 1));
	for (uint32_t id = first; !err && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);

		if (is_of(t, *word) && *name && probe_glob_match(glob, name))
			err = add(&p, name);
	}
	err = err ?: print_names(&p, word, as_c);
	free(p.names);
	return err ? err : (int)p.cnt;
}

static int not_the_kernel(const struct dirent *e)
{
	return e->d_name[0] != '.' && strcmp(e->d_name, "vmlinux") != 0;
}

/* Those that only modules define, after the kernel's. */
static int list_modules(struct btf *kernel, const char *pattern, bool as_c)
{
	struct dirent **names = NULL;
	int cnt = scandir(kernel_types_modules(), &names, not_the_kernel, alphasort), sum = 0;

	for (int i = 0; i < cnt; i++) {
		struct btf *btf = sum < 0 ? NULL : btf__load_module_btf(names[i]->d_name, kernel);
		int n = btf ? list_of(btf, btf__type_cnt(kernel), names[i]->d_name, pattern, as_c)
			    : 0;

		sum = n < 0 ? n : sum + n;
		btf__free(btf);
		free(names[i]);
	}
	free(names);
	return sum;
}

static char *near_of(struct btf *btf, const char *pattern)
{
	const char *name = strchr(pattern, ' ') + 1;
	struct nearest n;
	char *full = NULL;

	nearest_init(&n, name);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (is_of(t, *pattern))
			nearest_feed(&n, btf__name_by_offset(btf, t->name_off));
	}
	if (n.best && asprintf(&full, "%.*s%s", (int)(name - pattern), pattern, n.best) < 0)
		return NULL;
	return full;
}

int ctypes_list(const char *pattern, bool as_c, char **near)
{
	struct btf *kernel;
	int own, more;

	kernel = kernel_types();
	own = kernel ? list_of(kernel, 1, "vmlinux", pattern, as_c) : -errno;
	*near = NULL;
	/* one type by its full name that the kernel has: no module has another */
	if (own < 0 || (own && !probe_is_glob(pattern))) {
		btf__free(kernel);
		return own;
	}
	more = list_modules(kernel, pattern, as_c);
	if (!own && !more && !probe_is_glob(pattern))
		*near = near_of(kernel, pattern);
	btf__free(kernel);
	return more < 0 ? more : own + more;
}

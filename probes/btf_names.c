// SPDX-License-Identifier: Apache-2.0
/* Names in the kernel's BTF, for lists. */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "probes/env.h"

/* All kinds are found in one pass. */
struct name_lists {
	struct btf_names of[BTF_NAMES_CNT];
};

/* By btf_names_kind. */
static const struct {
	uint32_t kind;
	const char *prefix;
} wanted[BTF_NAMES_CNT] = {
	[BTF_NAMES_TRACEPOINTS] = { BTF_KIND_TYPEDEF, "btf_trace_" },
	[BTF_NAMES_ITER_CONTEXTS] = { BTF_KIND_STRUCT, "bpf_iter__" },
	[BTF_NAMES_ITER_FUNCTIONS] = { BTF_KIND_FUNC, "bpf_iter_" },
};

void btf_names_free(struct name_lists *l)
{
	for (int i = 0; l && i < BTF_NAMES_CNT; i++)
		free(l->of[i].at);
	free(l);
}

static int add_name(struct btf_names *n, const char *name, uint32_t id)
{
	if (!(n->cnt & (n->cnt - 1))) { /* a power of two: full */
		uint32_t cap = n->cnt ? n->cnt * 2 : 1;
		struct btf_name *grown = realloc(n->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		n->at = grown;
	}
	n->at[n->cnt++] = (struct btf_name){ name, id };
	return 0;
}

static int note(void *arg, const struct btf_type *t, const char *name, uint32_t id)
{
	uint32_t kind = BTF_INFO_KIND(t->info);
	struct name_lists *l = arg;

	for (int i = 0; name[0] == 'b' && i < BTF_NAMES_CNT; i++) { /* as all that is wanted */
		size_t len = strlen(wanted[i].prefix);

		if (kind == wanted[i].kind && !strncmp(name, wanted[i].prefix, len))
			return add_name(&l->of[i], name + len, id);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct btf_name *)a)->name, ((const struct btf_name *)b)->name);
}

const struct btf_names *env_btf_names(struct probe_env *env, enum btf_names_kind kind,
				      struct probe_error *err)
{
	struct btf_file *f = env_btf_file(env, err);
	struct name_lists *l = env->btf_names;
	int rc;

	if (!f || l)
		return f ? &l->of[kind] : NULL;
	l = calloc(1, sizeof(*l));
	rc = l ? btf_file_each(f, note, l) : -ENOMEM;
	if (rc) {
		btf_names_free(l);
		probe_fail(err, -1, rc, "types of the kernel: %s", strerror(-rc));
		return NULL;
	}
	for (int i = 0; i < BTF_NAMES_CNT; i++)
		if (l->of[i].cnt)
			qsort(l->of[i].at, l->of[i].cnt, sizeof(*l->of[i].at), compare);
	env->btf_names = l;
	return &l->of[kind];
}

uint32_t btf_names_find(const struct btf_names *n, const char *name)
{
	const struct btf_name key = { .name = name }, *found;

	found = n->cnt ? bsearch(&key, n->at, n->cnt, sizeof(key), compare) : NULL;
	return found ? found->id : 0;
}

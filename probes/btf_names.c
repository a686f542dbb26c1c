// SPDX-License-Identifier: Apache-2.0
/*
 * Names in the kernel's BTF, for lists. libbpf reads the file in pieces, copies it and indexes its
 * 150 thousand types before it answers the first question (8 ms, 11 MiB); all that a list wants is
 * in one pass over the file itself, mapped since Linux 6.16.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/env.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

struct btf_file {
	const char *data;
	size_t sz;
	bool mapped;
	struct btf_names names[BTF_NAMES_CNT];
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

void btf_names_free(struct btf_file *f)
{
	if (!f)
		return;
	for (int i = 0; i < BTF_NAMES_CNT; i++)
		free(f->names[i].at);
	if (f->mapped)
		munmap((void *)f->data, f->sz);
	else
		free((void *)f->data);
	free(f);
}

static int open_file(struct btf_file *f)
{
	int fd = open(BTF_PATH, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_size > 0) {
		f->sz = (size_t)st.st_size;
		f->data = mmap(NULL, f->sz, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		f->mapped = f->data != MAP_FAILED;
	}
	close(fd);
	if (!f->mapped)
		f->data = tracefs_read(AT_FDCWD, BTF_PATH, &f->sz);
	return f->data ? 0 : -errno;
}

/* Bytes behind a type's head; -1: a kind newer than this. */
static int64_t tail_size(uint32_t kind, uint32_t vlen)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG: return 4;
	case BTF_KIND_ARRAY: return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64: return 12 * (int64_t)vlen;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO: return 8 * (int64_t)vlen;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG: return 0;
	default: return -1;
	}
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

static int note(struct btf_file *f, uint32_t kind, const char *name, uint32_t id)
{
	for (int i = 0; i < BTF_NAMES_CNT; i++) {
		size_t len = strlen(wanted[i].prefix);

		if (kind == wanted[i].kind && !strncmp(name, wanted[i].prefix, len))
			return add_name(&f->names[i], name + len, id);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct btf_name *)a)->name, ((const struct btf_name *)b)->name);
}

static int scan(struct btf_file *f)
{
	const struct btf_header *h = (const void *)f->data;
	const char *at, *end, *strs;
	uint32_t id = 1;

	if (f->sz < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > f->sz ||
	    (uint64_t)h->type_off + h->type_len > f->sz - h->hdr_len || !h->str_len ||
	    (uint64_t)h->str_off + h->str_len > f->sz - h->hdr_len)
		return -EINVAL;
	at = f->data + h->hdr_len + h->type_off;
	end = at + h->type_len;
	strs = f->data + h->hdr_len + h->str_off;
	if (strs[h->str_len - 1])
		return -EINVAL;
	for (; end - at >= (ptrdiff_t)sizeof(struct btf_type); id++) {
		const struct btf_type *t = (const void *)at;
		uint32_t kind = BTF_INFO_KIND(t->info);
		int64_t tail = tail_size(kind, BTF_INFO_VLEN(t->info));

		if (tail < 0 || t->name_off >= h->str_len)
			return -EINVAL;
		if (t->name_off && strs[t->name_off] == 'b' && /* as all that is wanted */
		    note(f, kind, strs + t->name_off, id))
			return -ENOMEM;
		at += sizeof(*t) + tail;
	}
	for (int i = 0; i < BTF_NAMES_CNT; i++)
		if (f->names[i].cnt)
			qsort(f->names[i].at, f->names[i].cnt, sizeof(*f->names[i].at), compare);
	return 0;
}

const struct btf_names *env_btf_names(struct probe_env *env, enum btf_names_kind kind,
				      struct probe_error *err)
{
	struct btf_file *f = env->btf_file;
	int rc;

	if (f)
		return &f->names[kind];
	f = calloc(1, sizeof(*f));
	rc = f ? open_file(f) : -ENOMEM;
	rc = rc ?: scan(f);
	if (!rc) {
		env->btf_file = f;
		return &f->names[kind];
	}
	btf_names_free(f);
	if (rc == -ENOENT)
		btf_missing(err);
	else
		probe_fail(err, -1, rc, BTF_PATH ": %s", strerror(-rc));
	return NULL;
}

uint32_t btf_names_find(const struct btf_names *n, const char *name)
{
	const struct btf_name key = { .name = name }, *found;

	found = n->cnt ? bsearch(&key, n->at, n->cnt, sizeof(key), compare) : NULL;
	return found ? found->id : 0;
}

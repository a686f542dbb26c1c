// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's BTF as a file. libbpf reads it in pieces, copies it and indexes its 150 thousand types
 * before it answers the first question (8 ms, 11 MiB); who wants a few names is served by one pass over
 * the file itself, mapped since Linux 6.16.
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
	const char *types, *types_end, *strs;
	uint32_t strs_sz;
};

void btf_file_free(struct btf_file *f)
{
	if (!f)
		return;
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

static int check(struct btf_file *f)
{
	const struct btf_header *h = (const void *)f->data;

	if (f->sz < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > f->sz ||
	    (uint64_t)h->type_off + h->type_len > f->sz - h->hdr_len || !h->str_len ||
	    (uint64_t)h->str_off + h->str_len > f->sz - h->hdr_len)
		return -EINVAL;
	f->types = f->data + h->hdr_len + h->type_off;
	f->types_end = f->types + h->type_len;
	f->strs = f->data + h->hdr_len + h->str_off;
	f->strs_sz = h->str_len;
	return f->strs[h->str_len - 1] ? -EINVAL : 0;
}

int btf_file_each(const struct btf_file *f, btf_file_fn fn, void *arg)
{
	const char *at = f->types;
	int rc = 0;

	for (uint32_t id = 1; !rc && f->types_end - at >= (ptrdiff_t)sizeof(struct btf_type);
	     id++) {
		const struct btf_type *t = (const void *)at;
		int64_t tail = tail_size(BTF_INFO_KIND(t->info), BTF_INFO_VLEN(t->info));

		if (tail < 0 || tail > f->types_end - at || t->name_off >= f->strs_sz)
			return -EINVAL;
		rc = fn(arg, t, f->strs + t->name_off, id);
		at += sizeof(*t) + tail;
	}
	return rc;
}

const char *btf_file_str(const struct btf_file *f, uint32_t off)
{
	return off < f->strs_sz ? f->strs + off : "";
}

struct btf_file *env_btf_file(struct probe_env *env, struct probe_error *err)
{
	struct btf_file *f = env->btf_file;
	int rc;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	rc = f ? open_file(f) : -ENOMEM;
	rc = rc ?: check(f);
	if (!rc)
		return env->btf_file = f;
	btf_file_free(f);
	if (rc == -ENOENT)
		btf_missing(err);
	else
		probe_fail(err, -1, rc, BTF_PATH ": %s", strerror(-rc));
	return NULL;
}

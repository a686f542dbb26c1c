// SPDX-License-Identifier: Apache-2.0
/*
 * An image on another kernel than the one it was compiled on: are the structures that its programs
 * read there, with the fields they read? Where those lie libbpf puts into the instructions, by the
 * relocations beside them; how large they are is part of the code.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/attach.h"
#include "runtime/layout.h"

enum { DEPTH_MAX = 16 }; /* of anonymous members in each other */

static uint64_t hash_more(uint64_t h, const void *p, size_t sz)
{
	for (const uint8_t *b = p; sz--; b++)
		h = (h ^ *b) * 0x100000001b3ULL;
	return h;
}

uint64_t image_kernel_id(void)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	struct utsname u;
	struct stat st;
	char notes[4096];
	ssize_t n;
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC); /* the build id */

	n = fd < 0 ? 0 : read(fd, notes, sizeof(notes));
	if (fd >= 0)
		close(fd);
	h = hash_more(h, notes, n > 0 ? (size_t)n : 0);
	if (!uname(&u)) {
		h = hash_more(h, u.release, strlen(u.release));
		h = hash_more(h, u.version, strlen(u.version));
	}
	if (!stat("/sys/kernel/btf/vmlinux", &st))
		h = hash_more(h, &st.st_size, sizeof(st.st_size));
	return h;
}

/* ---- a field by its path ---- */

struct found {
	uint32_t type; /* BTF id */
	uint64_t off, bits; /* in bits */
};

static const struct btf_type *bare(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

/* One name of the path, in id or in its anonymous members. */
static bool find_member(const struct btf *btf, uint32_t id, const char *name, size_t len,
			struct found *out, unsigned depth)
{
	const struct btf_type *t = bare(btf, &id);
	const struct btf_member *m;

	if (!t || !btf_is_composite(t) || depth > DEPTH_MAX)
		return false;
	m = btf_members(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *s = btf__name_by_offset(btf, m[i].name_off);
		struct found in;

		if (s && strlen(s) == len && !strncmp(s, name, len)) {
			out->type = m[i].type;
			out->off = btf_member_bit_offset(t, i);
			out->bits = btf_member_bitfield_size(t, i);
			return true;
		}
		if (s && *s)
			continue;
		if (find_member(btf, m[i].type, name, len, &in, depth + 1)) {
			*out = in;
			out->off += btf_member_bit_offset(t, i);
			return true;
		}
	}
	return false;
}

static bool find_path(const struct btf *btf, uint32_t id, const char *path, struct found *out)
{
	uint64_t off = 0;

	while (*path) {
		size_t len = strcspn(path, ".");

		if (!find_member(btf, id, path, len, out, 0))
			return false;
		off += out->off;
		id = out->type;
		path += len + (path[len] == '.');
	}
	out->off = off;
	return true;
}

/* ---- the kernel's types, then those of its modules, read when they are needed ---- */

struct kernel_types {
	struct btf *vmlinux;
	struct dirent **names; /* of modules */
	struct btf **modules; /* NULL: not read yet */
	int cnt; /* -1: not listed yet */
};

static int is_module(const struct dirent *e)
{
	return e->d_name[0] != '.' && strcmp(e->d_name, "vmlinux") != 0;
}

static int find_struct(const struct btf *btf, const char *name)
{
	const char *tag = strchr(name, ' ');

	if (!tag)
		return -ENOENT;
	return btf__find_by_name_kind(btf, tag + 1,
				      *name == 'u' ? BTF_KIND_UNION : BTF_KIND_STRUCT);
}

/* Who defines it; the kernel when nobody does. */
static const struct btf *owner_of(struct kernel_types *k, const char *name)
{
	if (find_struct(k->vmlinux, name) >= 0)
		return k->vmlinux;
	if (k->cnt < 0) {
		k->cnt = scandir(kernel_types_modules(), &k->names, is_module, alphasort);
		k->cnt = k->cnt < 0 ? 0 : k->cnt;
		k->modules = calloc((size_t)k->cnt + 1, sizeof(*k->modules));
	}
	for (int i = 0; k->modules && i < k->cnt; i++) {
		if (!k->modules[i])
			k->modules[i] = btf__load_module_btf(k->names[i]->d_name, k->vmlinux);
		if (k->modules[i] && find_struct(k->modules[i], name) >= 0)
			return k->modules[i];
	}
	return k->vmlinux;
}

static void kernel_types_close(struct kernel_types *k)
{
	for (int i = 0; i < k->cnt; i++) {
		btf__free(k->modules ? k->modules[i] : NULL);
		free(k->names[i]);
	}
	free(k->modules);
	free(k->names);
	btf__free(k->vmlinux);
}

/* ---- one row against this kernel ---- */

static void size_text(char *out, size_t sz, uint64_t bits)
{
	if (bits % 8)
		snprintf(out, sz, "%llu bits", (unsigned long long)bits);
	else
		snprintf(out, sz, "%llu bytes", (unsigned long long)bits / 8);
}

static int refuse_size(const struct image *img, const struct image_layout *l, uint64_t bits)
{
	const char *path = image_str(img, l->path);
	char here[32], there[32];

	size_text(here, sizeof(here), bits);
	size_text(there, sizeof(there), l->size);
	place_error(img, l->place,
		    "%s%s%s has %s in this kernel and had %s where this was compiled",
		    image_str(img, l->type), *path ? "." : "", path, here, there);
	return -ENOKEY;
}

int layout_compare(const struct image *img, const struct btf *btf, const struct image_layout *l)
{
	const char *type = image_str(img, l->type), *path = image_str(img, l->path);
	int id = find_struct(btf, type);
	struct found f = { 0 };

	if (id < 0) {
		place_error(img, l->place, "this kernel has no %s", type);
		return -ENOKEY;
	}
	f.type = (uint32_t)id;
	if (!find_path(btf, (uint32_t)id, path, &f)) {
		place_error(img, l->place, "%s has no field %s in this kernel", type, path);
		return -ENOKEY;
	}
	if (!f.bits)
		f.bits = (uint64_t)btf__resolve_size(btf, f.type) * 8;
	if (f.bits != l->size)
		return refuse_size(img, l, f.bits);
	if (!l->is_fixed || f.off == l->off)
		return 0;
	place_error(img, l->place,
		    "the bits of %s.%s lie elsewhere in this kernel: compile it here", type, path);
	return -ENOKEY;
}

static const struct probe_field *field_by_name(const struct probe_fields *fields, const char *name)
{
	for (uint32_t i = 0; i < fields->cnt; i++)
		if (fields->fields[i].name && !strcmp(fields->fields[i].name, name))
			return &fields->fields[i];
	return NULL;
}

static int refuse_arg(const struct image *img, const struct image_layout *l,
		      const struct probe_target *t, const char *what)
{
	place_error(img, l->place, "%s of %s %s in this kernel: compile it here",
		    image_str(img, l->path), t->name, what);
	return -ENOKEY;
}

/*
 * The args of one target of the probe; *off: where the field lies, the same for all of them. A target
 * that is not there is told when it is attached.
 */
static int check_args(const struct load_args *a, const struct image_layout *l,
		      const struct probe_type *type, const struct probe_target *t, uint32_t *off)
{
	const char *name = image_str(a->img, l->path);
	struct probe_error err = { .part = -1 };
	const struct probe_field *f;
	struct probe_fields fields;

	if (type->args(a->env, t, &fields, &err))
		return 0;
	f = field_by_name(&fields, name);
	if (!f) {
		place_error(a->img, l->place, "%s has no field %s in this kernel", t->name, name);
		return -ENOKEY;
	}
	if (f->loc != l->loc || (l->size && f->size * 8 != l->size))
		return refuse_arg(a->img, l, t, "is another kind of field");
	if (*off != IMAGE_NONE && *off != f->off * 8)
		return refuse_arg(a->img, l, t, "lies elsewhere");
	*off = f->off * 8;
	return 0;
}

static int check_probe(const struct load_args *a, const struct image_layout *l, uint32_t *off)
{
	const struct image_probe *p = &a->img->probes[l->probe];
	const struct probe_type *type = probe_type_find(image_str(a->img, p->type));
	struct probe_target *targets;
	uint32_t found = l->is_fixed ? l->off : IMAGE_NONE;
	int rc = 0;

	if (!type || !type->args)
		return 0;
	targets = targets_of(a->img, p->target_first, p->target_cnt);
	if (!targets)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->target_cnt && !rc; i++)
		rc = check_args(a, l, type, &targets[i], &found);
	free(targets);
	if (found != IMAGE_NONE)
		*off = found;
	return rc;
}

/* The first row of a structure, rather than of a probe's args. */
static const struct image_layout *first_struct(const struct image *img)
{
	for (uint32_t i = 0; i < img->layouts_cnt; i++)
		if (img->layouts[i].probe == IMAGE_NONE)
			return &img->layouts[i];
	return NULL;
}

int layout_check(const struct load_args *a, bool *is_other, uint32_t *offs)
{
	const struct image *img = a->img;
	const struct image_layout *first;
	struct kernel_types kernel = { .cnt = -1 };
	int rc = 0;

	*is_other = false;
	for (uint32_t i = 0; i < img->layouts_cnt; i++)
		offs[i] = img->layouts[i].off;
	if (!img->layouts_cnt || !img->origins_cnt || img->origins[0].kernel == image_kernel_id())
		return 0;
	*is_other = true;
	first = first_struct(img);
	kernel.vmlinux = first ? kernel_types() : NULL;
	if (first && !kernel.vmlinux) {
		place_error(img, first->place,
			    "this kernel has no BTF, and %s may look different in it",
			    image_str(img, first->type));
		return -ENOKEY;
	}
	for (uint32_t i = 0; i < img->layouts_cnt; i++) {
		const struct image_layout *l = &img->layouts[i];
		const struct btf *btf;
		int err;

		if (l->probe == IMAGE_NONE) {
			btf = owner_of(&kernel, image_str(img, l->type));
			err = layout_compare(img, btf, l);
		} else {
			err = check_probe(a, l, &offs[i]);
		}

		rc = err ?: rc;
	}
	kernel_types_close(&kernel);
	return rc;
}

/* ---- where there is nothing to relocate ---- */

/* struct btf_ext_header, which libbpf keeps to itself */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len, core_off, core_len;
};

int layout_settle(const void *elf, size_t sz, void **out)
{
	struct ext_header head;
	size_t off, sec_sz;
	char *copy;

	*out = NULL;
	if (image_section(elf, sz, ".BTF.ext", &off, &sec_sz) || sec_sz < sizeof(head))
		return 0;
	memcpy(&head, (const char *)elf + off, sizeof(head));
	if (head.hdr_len < sizeof(head) || !head.core_len)
		return 0;
	copy = malloc(sz);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, elf, sz);
	head.core_len = 0;
	memcpy(copy + off, &head, sizeof(head));
	*out = copy;
	return 0;
}

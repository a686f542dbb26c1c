// SPDX-License-Identifier: Apache-2.0
/*
 * Reading an image. Nothing of a file is believed before it is checked: the ELF's section table goes
 * through libelf and our own bounds, the sum covers every byte of the file, and the tables are views
 * into the caller's bytes that image_check.c has gone over row by row.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "runtime/image.h"
#include "runtime/image_check.h"

const char *vkind_name(enum vkind k)
{
	static const char *const names[] = {
#define X(name, text) text,
		VKINDS(X)
#undef X
	};

	return (unsigned)k < V_KIND_CNT ? names[k] : "?";
}

int image_fail(struct image_err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->sz) {
		va_start(ap, fmt);
		vsnprintf(e->text, e->sz, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

/* FNV-1a, 64 bits: each step is a bijection of the state, so that a change of one byte is seen. */
static uint64_t fnv1a(uint64_t h, const void *bytes, size_t sz)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < sz; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

static uint64_t image_sum(const uint8_t *elf, size_t sz, size_t sum_off)
{
	const uint64_t none = 0;
	uint64_t h = fnv1a(0xcbf29ce484222325ULL, elf, sum_off);

	h = fnv1a(h, &none, sizeof(none));
	return fnv1a(h, elf + sum_off + sizeof(none), sz - sum_off - sizeof(none));
}

static int section_in(Elf *e, size_t sz, const char *wanted, size_t *off, size_t *sec_sz,
		      struct image_err *err)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_kind(e) != ELF_K_ELF || gelf_getclass(e) != ELFCLASS64)
		return image_fail(err, "not a 64-bit ELF object");
	if (elf_getshdrstrndx(e, &names))
		return image_fail(err, "the ELF object has no section names");
	while ((scn = elf_nextscn(e, scn))) {
		const char *name;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			return image_fail(err, "bad ELF section header");
		name = elf_strptr(e, names, sh.sh_name);
		if (!name || strcmp(name, wanted) || sh.sh_type == SHT_NOBITS)
			continue;
		if (sh.sh_offset > sz || sh.sh_size > sz - sh.sh_offset)
			return image_fail(err, "section %s ends outside the file", wanted);
		*off = sh.sh_offset;
		*sec_sz = sh.sh_size;
		return 0;
	}
	return image_fail(err, "no section %s: not made by trace", wanted);
}

static int find_section(const void *elf, size_t sz, const char *name, size_t *off, size_t *sec_sz,
			struct image_err *err)
{
	Elf *e;
	int rc;

	/* libelf looks at e_ident and at the header before it knows the size */
	if (sz < sizeof(Elf64_Ehdr) || memcmp(elf, ELFMAG, SELFMAG))
		return image_fail(err, "not an ELF object");
	if (elf_version(EV_CURRENT) == EV_NONE)
		return image_fail(err, "libelf: %s", elf_errmsg(-1));
	e = elf_memory((char *)elf, sz);
	if (!e)
		return image_fail(err, "libelf: %s", elf_errmsg(-1));
	rc = section_in(e, sz, name, off, sec_sz, err);
	elf_end(e);
	return rc;
}

int image_section(const void *elf, size_t sz, const char *name, size_t *off, size_t *sec_sz)
{
	return find_section(elf, sz, name, off, sec_sz, &(struct image_err){ NULL, 0 });
}

static int find_tables(const void *elf, size_t sz, size_t *off, size_t *sec_sz,
		       struct image_err *err)
{
	int rc = find_section(elf, sz, IMAGE_SECTION, off, sec_sz, err);

	if (!rc && *sec_sz < sizeof(struct image_header))
		return image_fail(err, "section %s is cut short", IMAGE_SECTION);
	return rc;
}

/* Rows inside the section, aligned, and off the header. */
static int check_table(const struct image_header *h, int i, size_t row_sz, size_t align,
		       struct image_err *err)
{
	uint64_t off = h->table[i].off, end = off + (uint64_t)h->table[i].cnt * row_sz;

	if (!h->table[i].cnt)
		return 0;
	if (off < sizeof(*h) || end > h->size)
		return image_fail(err, "table %d lies outside the section", i);
	if (off % align)
		return image_fail(err, "table %d is not aligned", i);
	return 0;
}

static const size_t row_sizes[] = {
#define X(name, row) sizeof(row),
	IMAGE_TABLES(X)
#undef X
};

static int check_overlap(const struct image_header *h, struct image_err *err)
{
	for (int i = 0; i < IMAGE_TABLE_CNT; i++) {
		uint64_t end = h->table[i].off + (uint64_t)h->table[i].cnt * row_sizes[i];

		for (int j = 0; j < IMAGE_TABLE_CNT; j++) {
			if (i == j || !h->table[i].cnt || !h->table[j].cnt)
				continue;
			if (h->table[j].off >= h->table[i].off && h->table[j].off < end)
				return image_fail(err, "tables %d and %d overlap", i, j);
		}
	}
	return 0;
}

static int check_header(const void *sec, size_t sz, struct image_err *err)
{
	const struct image_header *h = sec;
	int rc = 0, i = 0;

	if ((uintptr_t)sec % alignof(struct image_header) || sz < sizeof(*h))
		return image_fail(err, "the tables are cut short or not aligned");
	if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)))
		return image_fail(err, "bad magic: not made by trace, or damaged in transport");
	if (h->version != IMAGE_VERSION)
		return image_fail(err, "made for version %u of the format, this is version %d",
				  h->version, IMAGE_VERSION);
	if (h->size != sz)
		return image_fail(err, "%zu bytes of tables instead of %u", sz, h->size);
#define X(name, row)                                                                               \
	rc = rc ?: check_table(h, i, sizeof(row), alignof(row), err);                              \
	i++;
	IMAGE_TABLES(X)
#undef X
	return rc ?: check_overlap(h, err);
}

int image_read_tables(struct image *img, const void *sec, size_t sz, char *err, size_t err_sz)
{
	const struct image_header *h = sec;
	struct image_err e = { err, err_sz };
	int rc, i = 0;

	memset(img, 0, sizeof(*img));
	rc = check_header(sec, sz, &e);
	if (rc)
		return rc;
#define X(name, row)                                                                               \
	img->name = (const row *)((const char *)sec + h->table[i].off);                            \
	img->name##_cnt = h->table[i].cnt;                                                         \
	i++;
	IMAGE_TABLES(X)
#undef X
	rc = image_check(img, &e);
	if (rc)
		memset(img, 0, sizeof(*img));
	return rc;
}

int image_read(struct image *img, const void *elf, size_t sz, char *err, size_t err_sz)
{
	const size_t sum_at = offsetof(struct image_header, sum);
	struct image_err e = { err, err_sz };
	size_t off, sec_sz;
	uint64_t sum;
	int rc;

	memset(img, 0, sizeof(*img));
	rc = find_tables(elf, sz, &off, &sec_sz, &e);
	if (rc)
		return rc;
	memcpy(&sum, (const char *)elf + off + sum_at, sizeof(sum));
	if (sum != image_sum(elf, sz, off + sum_at))
		return image_fail(&e, "the checksum does not match: the file is damaged");
	rc = image_read_tables(img, (const char *)elf + off, sec_sz, err, err_sz);
	if (rc)
		return rc;
	img->elf = elf;
	img->elf_sz = sz;
	return 0;
}

/* What was given for one's is given to the other, by row. */
static bool same_options(const struct image *a, const struct image *b)
{
	if (a->options_cnt != b->options_cnt)
		return false;
	for (uint32_t i = 0; i < a->options_cnt; i++)
		if (a->options[i].kind != b->options[i].kind ||
		    strcmp(image_str(a, a->options[i].name), image_str(b, b->options[i].name)) != 0)
			return false;
	return true;
}

int image_read_short(struct image *out, const struct image *img, char *err, size_t err_sz)
{
	struct image_err e = { err, err_sz };
	size_t off, sz;
	int rc;

	if (image_section(img->elf, img->elf_sz, IMAGE_SECTION_SHORT, &off, &sz))
		return -ENOENT;
	rc = image_read(out, (const char *)img->elf + off, sz, err, err_sz);
	if (!rc && !same_options(img, out))
		rc = image_fail(&e, "the program with shorter keys has other options");
	return rc;
}

int image_seal(void *elf, size_t sz)
{
	const size_t sum_at = offsetof(struct image_header, sum);
	struct image_err none = { NULL, 0 };
	size_t off, sec_sz;
	uint64_t sum;
	int rc;

	rc = find_tables(elf, sz, &off, &sec_sz, &none);
	if (rc)
		return rc;
	sum = image_sum(elf, sz, off + sum_at);
	memcpy((char *)elf + off + sum_at, &sum, sizeof(sum));
	return 0;
}

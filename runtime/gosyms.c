// SPDX-License-Identifier: Apache-2.0
/*
 * .gopclntab as Go writes it since 1.18: a head of words (how many functions, where the code begins, where
 * the parts of the table are), a row of two 32-bit offsets for each function (its code, its description)
 * and one more for the end, descriptions that say where the name is. Nothing in it is believed.
 */
#include <gelf.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/gosyms.h"

enum {
	GO_1_18 = 0xf0, /* lowest bytes of 0xfffffff0, 0xfffffff1 */
	GO_1_20 = 0xf1,
	HEAD = 8, /* bytes before the words */
	NFUNC = 0, /* words */
	TEXT = 2,
	NAMES = 3,
	ROWS = 7,
	WORDS = 8,
	ROW_SZ = 8,
};

struct table {
	const uint8_t *data;
	size_t sz;
	uint64_t nfunc, text, names, rows;
};

static uint32_t word32(const struct table *t, uint64_t at)
{
	uint32_t v;

	memcpy(&v, t->data + at, sizeof(v));
	return v;
}

static uint64_t word(const struct table *t, unsigned i)
{
	uint64_t v;

	memcpy(&v, t->data + HEAD + i * sizeof(v), sizeof(v));
	return v;
}

static bool read_head(struct table *t, uint64_t text)
{
	static const uint8_t magic[] = { 0xff, 0xff, 0xff, 0, 0 };

	if (t->sz < HEAD + WORDS * sizeof(uint64_t) || t->data[7] != sizeof(uint64_t) ||
	    (t->data[0] != GO_1_18 && t->data[0] != GO_1_20) ||
	    memcmp(t->data + 1, magic, sizeof(magic)))
		return false;
	t->nfunc = word(t, NFUNC);
	t->text = word(t, TEXT) ?: text; /* in a PIE it is set when that is loaded */
	t->names = word(t, NAMES);
	t->rows = word(t, ROWS);
	return t->names < t->sz && t->rows < t->sz && t->nfunc < (t->sz - t->rows) / ROW_SZ;
}

/* NULL: it lies. */
static const char *name_of(const struct table *t, uint64_t row)
{
	uint64_t fn = t->rows + word32(t, row + sizeof(uint32_t)), at;

	if (fn > t->sz || t->sz - fn < 2 * sizeof(uint32_t))
		return NULL;
	at = t->names + word32(t, fn + sizeof(uint32_t));
	return at < t->sz && memchr(t->data + at, '\0', t->sz - at) ? (const char *)t->data + at
								    : NULL;
}

static void each(const struct table *t,
		 bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name), void *arg)
{
	for (uint64_t i = 0; i < t->nfunc; i++) {
		uint64_t row = t->rows + i * ROW_SZ;
		uint32_t from = word32(t, row), to = word32(t, row + ROW_SZ);
		const char *name = name_of(t, row);

		if (name && to > from && !fn(arg, t->text + from, to - from, name))
			return;
	}
}

void gosyms_each(Elf *elf, bool (*fn)(void *arg, uint64_t vaddr, uint64_t sz, const char *name),
		 void *arg)
{
	struct table t = { 0 };
	uint64_t text = 0;
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		Elf_Data *data;

		if (s && !strcmp(s, ".text"))
			text = sh.sh_addr;
		if (!s || (strcmp(s, ".gopclntab") && strcmp(s, ".data.rel.ro.gopclntab")) ||
		    sh.sh_type != SHT_PROGBITS)
			continue;
		data = elf_rawdata(scn, NULL);
		if (data && data->d_buf)
			t = (struct table){ .data = data->d_buf, .sz = data->d_size };
	}
	if (t.data && read_head(&t, text))
		each(&t, fn, arg);
}

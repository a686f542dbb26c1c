// SPDX-License-Identifier: Apache-2.0
/*
 * The text of /proc/kallsyms is kept as it is, its names ended in place; rows point into it. The
 * kernel's own symbols come sorted by address, those of modules and BPF programs after them in any
 * order: only these are sorted, then merged in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/ksyms.h"

/* No function is longer: an address so far behind a symbol belongs to nothing we know. */
#define LONGEST (1u << 20)

struct row {
	uint64_t addr;
	uint32_t name, module; /* in text; module 0: none */
};

struct ksyms {
	const char *path;
	bool read;
	char *text;
	size_t text_sz;
	struct row *rows;
	size_t cnt;
};

struct ksyms *ksyms_new(const char *path)
{
	struct ksyms *k = calloc(1, sizeof(*k));

	if (k)
		k->path = path ?: "/proc/kallsyms";
	return k;
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	free(k->text);
	free(k->rows);
	free(k);
}

/* ---- reading ---- */

/* The kernel hands out a page at a time whatever is asked for; the size is not known before. */
static int read_text(struct ksyms *k)
{
	size_t cap = 8 << 20;
	ssize_t n = 1;
	char *more;
	int fd = open(k->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	k->text = malloc(cap + 1);
	while (k->text && n > 0) {
		n = read(fd, k->text + k->text_sz, cap - k->text_sz);
		if (n > 0)
			k->text_sz += (size_t)n;
		if (k->text_sz < cap || cap > UINT32_MAX / 4)
			continue;
		more = realloc(k->text, cap * 2 + 1);
		if (!more)
			break;
		k->text = more;
		cap *= 2;
	}
	close(fd);
	if (!k->text)
		return -ENOMEM;
	k->text[k->text_sz] = '\0';
	return 0;
}

static char *hex(char *p, uint64_t *v)
{
	*v = 0;
	for (;; p++) {
		unsigned c = (unsigned char)*p, d;

		if (c - '0' < 10)
			d = c - '0';
		else if ((c | 32) - 'a' < 6)
			d = (c | 32) - 'a' + 10;
		else
			return p;
		*v = *v << 4 | d;
	}
}

/* "addr type name[\tmodule in brackets]"; anything else is passed over. */
static void parse_line(struct ksyms *k, char *line, char *end)
{
	struct row *r = &k->rows[k->cnt];
	char *p = hex(line, &r->addr), *tab;

	*end = '\0';
	if (p == line || end - p < 4 || p[0] != ' ' || p[2] != ' ' || !r->addr)
		return;
	r->name = (uint32_t)(p + 3 - k->text);
	r->module = 0;
	tab = memchr(p + 3, '\t', (size_t)(end - p - 3));
	if (tab) {
		*tab = '\0';
		if (tab[1] == '[' && end[-1] == ']') {
			end[-1] = '\0';
			r->module = (uint32_t)(tab + 2 - k->text);
		}
	}
	k->cnt++;
}

static int parse(struct ksyms *k)
{
	char *line = k->text, *last = k->text + k->text_sz, *end;
	size_t lines = 1;

	for (char *p = line; (p = memchr(p, '\n', (size_t)(last - p))); p++)
		lines++;
	k->rows = malloc(lines * sizeof(*k->rows));
	if (!k->rows)
		return -ENOMEM;
	for (; line < last; line = end + 1) {
		end = memchr(line, '\n', (size_t)(last - line)) ?: last;
		parse_line(k, line, end);
	}
	return 0;
}

/* Of several names for one address the first listed stays first. */
static int cmp_rows(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

static int sort(struct ksyms *k)
{
	size_t head = 1, i = 0, j, n = 0;
	struct row *all;

	while (head < k->cnt && k->rows[head].addr >= k->rows[head - 1].addr)
		head++;
	if (head >= k->cnt)
		return 0;
	qsort(k->rows + head, k->cnt - head, sizeof(*k->rows), cmp_rows);
	all = malloc(k->cnt * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (j = head; i < head && j < k->cnt;)
		all[n++] = k->rows[j].addr < k->rows[i].addr ? k->rows[j++] : k->rows[i++];
	while (i < head)
		all[n++] = k->rows[i++];
	while (j < k->cnt)
		all[n++] = k->rows[j++];
	free(k->rows);
	k->rows = all;
	return 0;
}

static void load(struct ksyms *k)
{
	int rc;

	if (k->read)
		return;
	k->read = true;
	rc = read_text(k);
	rc = rc ?: parse(k);
	rc = rc ?: sort(k);
	if (rc)
		k->cnt = 0;
}

/* ---- asking ---- */

static bool is_global(const struct ksyms *k, const struct row *r)
{
	return k->text[r->name - 2] < 'a'; /* the letter of its type stands before the name */
}

/*
 * Of several names of one address the last global one: of __do_sys_read, __ia32_sys_read and
 * __x64_sys_read, which the kernel lists in this order, the last is what people know.
 */
static size_t best_alias(const struct ksyms *k, size_t last)
{
	size_t i = last;

	while (!is_global(k, &k->rows[i])) {
		if (!i || k->rows[i - 1].addr != k->rows[i].addr)
			return i;
		i--;
	}
	return i;
}

int ksyms_find(struct ksyms *k, uint64_t addr, struct ksym *sym)
{
	size_t lo = 0, hi;

	load(k);
	hi = k->cnt;
	while (lo < hi) { /* the first row above addr */
		size_t mid = lo + (hi - lo) / 2;

		if (k->rows[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr - k->rows[lo - 1].addr >= LONGEST)
		return -ENOENT;
	lo = best_alias(k, lo - 1);
	sym->name = k->text + k->rows[lo].name;
	sym->module = k->rows[lo].module ? k->text + k->rows[lo].module : NULL;
	sym->off = addr - k->rows[lo].addr;
	return 0;
}

uint64_t ksyms_addr(struct ksyms *k, const char *name)
{
	load(k);
	for (size_t i = 0; i < k->cnt; i++)
		if (!strcmp(k->text + k->rows[i].name, name))
			return k->rows[i].addr;
	return 0;
}

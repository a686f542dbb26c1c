// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel is asked for each address that is printed (ksyms_ask.h). Where it cannot be, all symbols
 * are read: the text of /proc/kallsyms is kept as it is, its names ended in place; rows point into it. The
 * kernel's own symbols come sorted by address, those of modules and BPF programs after them in any
 * order: only these are sorted, then merged in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/ksyms.h"
#include "runtime/ksyms_ask.h"

/* No function is longer: an address so far behind a symbol belongs to nothing we know. */
#define LONGEST (1u << 20)

struct row {
	uint64_t addr;
	uint32_t name, module; /* in text; module 0: none */
};

enum { BUCKETS = 4096 };

/* An address that was asked for. */
struct asked {
	uint64_t addr;
	struct ksym sym; /* name NULL: nothing has it */
	struct asked *next;
	char text[];
};

struct ksyms {
	const char *path; /* NULL: the kernel's own */
	struct ksyms_ask *ask; /* NULL: it cannot be asked */
	bool tried; /* to */
	struct asked *asked[BUCKETS];
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
		k->path = path;
	return k;
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct asked *a = k->asked[i], *next; a; a = next) {
			next = a->next;
			free(a);
		}
	}
	ksyms_ask_free(k->ask);
	free(k->text);
	free(k->rows);
	free(k);
}

/*
 * Of several names of one address the first is the one that the kernel prints; but of __do_sys_read,
 * __ia32_sys_read and __x64_sys_read people know the last.
 */
static const char *system_call(const char *name)
{
	static const char *const inner[] = { "__do_sys_", "__do_compat_sys_" };

	for (size_t i = 0; i < sizeof(inner) / sizeof(*inner); i++)
		if (!strncmp(name, inner[i], strlen(inner[i])))
			return name + strlen("__do_");
	return NULL;
}

/* ---- asking ---- */

static bool can_ask(struct ksyms *k)
{
	if (!k->tried && !k->path)
		k->ask = ksyms_ask_new();
	k->tried = true;
	return k->ask;
}

/* "name+0xOFF/0xSIZE[ [module]]" in its parts. */
static bool split(char *text, struct ksym *sym)
{
	char *module = strstr(text, " ["), *plus, *end;

	if (module) {
		*module = '\0';
		module += 2;
		module[strcspn(module, "]")] = '\0';
	}
	plus = strrchr(text, '+');
	if (!plus)
		return false;
	*plus = '\0';
	sym->off = strtoull(plus + 1, &end, 16);
	sym->name = text;
	sym->module = module;
	return *end == '/' && sym->off < LONGEST;
}

/* A name as it is to be printed; *buf has room for it. */
static const char *best_name(struct ksyms *k, const struct ksym *sym, uint64_t addr, char *buf,
			     size_t sz)
{
	static const char *const outer[] = { "__x64_", "__arm64_", "__ia32_" };
	const char *call = system_call(sym->name);

	for (size_t i = 0; call && i < sizeof(outer) / sizeof(*outer); i++) {
		snprintf(buf, sz, "%s%s", outer[i], call);
		if (ksyms_ask_name(k->ask, buf) == addr - sym->off)
			return buf;
	}
	return sym->name;
}

/* Of BPF programs and what calls them the kernel gives the names alone; its list says where they belong. */
static const char *maker_of(const char *name)
{
	static const char program[] = "bpf_prog_", trampoline[] = "bpf_trampoline_";
	enum { TAG = 16 };

	if (!strncmp(name, program, sizeof(program) - 1) &&
	    strspn(name + sizeof(program) - 1, "0123456789abcdef") == TAG)
		return "bpf";
	if (!strncmp(name, trampoline, sizeof(trampoline) - 1) &&
	    (unsigned)(name[sizeof(trampoline) - 1] - '0') < 10)
		return "bpf";
	return "";
}

static struct asked *ask(struct ksyms *k, uint64_t addr)
{
	char *answer = ksyms_ask_addr(k->ask, addr), *own = answer ? strdup(answer) : NULL;
	struct ksym sym = { 0 };
	const char *name = "", *module;
	char buf[256];
	struct asked *a;

	if (own && split(own, &sym))
		name = best_name(k, &sym, addr, buf, sizeof(buf));
	else
		sym = (struct ksym){ 0 };
	module = sym.module ?: maker_of(name);
	a = malloc(sizeof(*a) + strlen(name) + strlen(module) + 2);
	if (a) {
		a->addr = addr;
		a->sym.name = sym.name ? strcpy(a->text, name) : NULL;
		a->sym.module = *module ? strcpy(a->text + strlen(name) + 1, module) : NULL;
		a->sym.off = sym.off;
	}
	free(own);
	return a;
}

static int find_asked(struct ksyms *k, uint64_t addr, struct ksym *sym)
{
	struct asked **slot = &k->asked[(addr ^ addr >> 12) % BUCKETS], *a = *slot;

	while (a && a->addr != addr)
		a = a->next;
	if (!a) {
		a = ask(k, addr);
		if (!a)
			return -ENOMEM;
		a->next = *slot;
		*slot = a;
	}
	*sym = a->sym;
	return a->sym.name ? 0 : -ENOENT;
}

/* ---- reading ---- */

/* The kernel hands out a page at a time whatever is asked for; the size is not known before. */
static int read_text(struct ksyms *k)
{
	size_t cap = 8 << 20;
	ssize_t n = 1;
	char *more;
	int fd = open(k->path ?: "/proc/kallsyms", O_RDONLY | O_CLOEXEC);

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

/* ---- looking up ---- */

static bool is_global(const struct ksyms *k, const struct row *r)
{
	return k->text[r->name - 2] < 'a'; /* the letter of its type stands before the name */
}

/* As best_name: of a system call the last global name, else the first of all. */
static size_t best_alias(const struct ksyms *k, size_t last)
{
	size_t first = last;

	while (first && k->rows[first - 1].addr == k->rows[last].addr)
		first--;
	if (!system_call(k->text + k->rows[first].name))
		return first;
	while (last > first && !is_global(k, &k->rows[last]))
		last--;
	return last;
}

int ksyms_find(struct ksyms *k, uint64_t addr, struct ksym *sym)
{
	size_t lo = 0, hi;

	if (can_ask(k))
		return find_asked(k, addr, sym);
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
	if (can_ask(k))
		return ksyms_ask_name(k->ask, name);
	load(k);
	for (size_t i = 0; i < k->cnt; i++)
		if (!strcmp(k->text + k->rows[i].name, name))
			return k->rows[i].addr;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The file grows while the process runs, so it is read again when an address is not in it; but no
 * more often than its size changes, and for no more than a tenth of the time. It lies in the process's own
 * /tmp under the pid that the process itself sees: so it is opened while the process lives.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/perfmap.h"
#include "runtime/procmaps.h"
#include "runtime/umaps.h"

enum {
	MAP_MAX = 64 << 20, /* bytes of a file; what comes later has no names */
	LINES_MAX = 1 << 20,
};

struct row {
	uint64_t start, sz;
	const char *name;
};

struct perfmap {
	uint32_t tgid;
	int fd; /* -1: not found yet */
	off_t sz; /* when it was read; -1: never */
	uint64_t read_ns, cost_ns; /* when that was, and how long it took */
	char *text;
	struct row *rows;
	size_t cnt;
};

struct perfmap *perfmap_new(uint32_t tgid)
{
	struct perfmap *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->fd = -1;
	p->sz = -1;
	return p;
}

void perfmap_free(struct perfmap *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	free(p->text);
	free(p->rows);
	free(p);
}

/* The pid in the innermost namespace is the last one of the line. */
static unsigned long inner_pid(uint32_t tgid)
{
	char path[64], *text, *line, *last;
	unsigned long pid = tgid;

	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	text = procmaps_slurp(path, 64 << 10, NULL);
	line = text ? strstr(text, "\nNSpid:") : NULL;
	if (line) {
		line[1 + strcspn(line + 1, "\n")] = '\0';
		last = strrchr(line, '\t');
		pid = last ? strtoul(last, NULL, 10) : pid;
	}
	free(text);
	return pid;
}

static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* Of a process that has gone the file is often left, if it lay where ours do. */
void perfmap_hold(struct perfmap *p)
{
	char path[64];

	if (p->fd >= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%lu.map", p->tgid, inner_pid(p->tgid));
	p->fd = open_regular(path);
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", p->tgid);
	if (p->fd < 0)
		p->fd = open_regular(path);
}

/* "start size name", numbers in hex. */
static bool parse_line(char *line, struct row *r)
{
	char *p;

	r->start = strtoull(line, &p, 16);
	if (p == line || *p != ' ')
		return false;
	line = p + 1;
	r->sz = strtoull(line, &p, 16);
	if (p == line || *p != ' ' || !p[1])
		return false;
	r->name = p + 1;
	return true;
}

/* Code is moved and its memory used again: of two rows for one place the later one is true. */
static int cmp_rows(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

static void read_file(struct perfmap *p)
{
	uint64_t began = umaps_now_ns();
	size_t lines = 1;
	char path[64];

	free(p->text);
	free(p->rows);
	p->rows = NULL;
	p->cnt = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd); /* from its beginning */
	p->text = procmaps_slurp(path, MAP_MAX, NULL);
	if (!p->text)
		return;
	for (const char *s = p->text; (s = strchr(s, '\n')) && lines < LINES_MAX; s++)
		lines++;
	p->rows = malloc(lines * sizeof(*p->rows));
	for (char *s = p->text, *end; p->rows && *s && p->cnt < lines; s = end) {
		end = s + strcspn(s, "\n");
		if (*end)
			*end++ = '\0';
		p->cnt += parse_line(s, &p->rows[p->cnt]);
	}
	if (p->rows)
		qsort(p->rows, p->cnt, sizeof(*p->rows), cmp_rows);
	p->read_ns = umaps_now_ns();
	p->cost_ns = p->read_ns - began;
}

static bool has_grown(struct perfmap *p)
{
	struct stat st;

	perfmap_hold(p);
	if (p->fd < 0 || fstat(p->fd, &st) || st.st_size == p->sz ||
	    (p->sz >= 0 && umaps_now_ns() - p->read_ns < 10 * p->cost_ns))
		return false;
	p->sz = st.st_size;
	return true;
}

static const struct row *search(const struct perfmap *p, uint64_t addr)
{
	size_t lo = 0, hi = p->cnt;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->rows[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr - p->rows[lo - 1].start < p->rows[lo - 1].sz ? &p->rows[lo - 1] : NULL;
}

const char *perfmap_find(struct perfmap *p, uint64_t addr, uint64_t *start)
{
	const struct row *r = search(p, addr);

	if (!r && has_grown(p)) {
		read_file(p);
		r = search(p, addr);
	}
	if (!r)
		return NULL;
	*start = r->start;
	return r->name;
}

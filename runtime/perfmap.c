// SPDX-License-Identifier: Apache-2.0
/*
 * The file grows while the process runs, so it is read again when an address is not in it; but no
 * more often than its size changes, and for no more than a tenth of the time. It lies in the process's own
 * /tmp under the pid that the process itself sees: so it is opened while the process lives.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* What /proc/PID/status tells: the pid that the process itself sees, and whose it is. */
struct owner {
	unsigned long inner_pid;
	uid_t uid;
	bool gone; /* nobody knows */
};

/* The last or the second number of a line; none: what it was. */
static void number_of(const char *text, const char *key, bool last, unsigned long *v)
{
	const char *line = strstr(text, key), *end = line ? strchr(line + 1, '\n') : NULL;

	line = line ? line + strlen(key) : NULL;
	for (int at = 0; line && end && (last || at < 2); at++) {
		char *next;
		unsigned long n = strtoul(line, &next, 10);

		if (next == line || next > end)
			return;
		*v = n;
		line = next;
	}
}

static struct owner owner_of(uint32_t tgid)
{
	unsigned long pid = tgid, uid = 0;
	char path[64], *text;
	bool gone;

	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	text = procmaps_slurp(path, 64 << 10, NULL);
	gone = !text;
	if (text) {
		number_of(text, "\nNSpid:", true, &pid); /* the innermost namespace's */
		number_of(text, "\nUid:", false, &uid); /* the effective one */
	}
	free(text);
	return (struct owner){ pid, (uid_t)uid, gone };
}

/*
 * In a directory that anybody may write to: links lead nowhere but in the process's own root, and
 * another user's file says nothing of this process.
 */
static int open_regular(const char *root, unsigned long pid, const struct owner *owner)
{
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT };
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "tmp/perf-%lu.map", pid);
	fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (dir >= 0)
		close(dir);
	if (fd < 0 ||
	    (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	     (owner->gone || st.st_uid == owner->uid || !st.st_uid || st.st_uid == geteuid())))
		return fd;
	close(fd);
	return -1;
}

/* Of a process that has gone the file is often left, if it lay where ours do. */
void perfmap_hold(struct perfmap *p)
{
	struct owner owner;
	char root[32];

	if (p->fd >= 0)
		return;
	owner = owner_of(p->tgid);
	snprintf(root, sizeof(root), "/proc/%u/root", p->tgid);
	p->fd = open_regular(root, owner.inner_pid, &owner);
	if (p->fd < 0)
		p->fd = open_regular("/", p->tgid, &owner);
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

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/procmaps.h"

/* Never blocks and never ends in more than limit bytes, whatever the file turns out to be. */
char *procmaps_slurp(const char *path, size_t limit, size_t *sz)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t cap = 16 << 10, len = 0;
	char *text = NULL, *more;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		text = malloc(cap + 1);
	while (text && len < limit && (n = read(fd, text + len, cap - len)) > 0) {
		len += (size_t)n;
		if (len < cap)
			continue;
		more = realloc(text, cap * 2 + 1);
		if (!more)
			break;
		text = more;
		cap *= 2;
	}
	close(fd);
	if (text)
		text[len] = '\0';
	if (sz)
		*sz = len;
	return text;
}

static bool number(char **p, int base, char after, uint64_t *v)
{
	char *end;

	*v = strtoull(*p, &end, base);
	if (end == *p || *end != after)
		return false;
	*p = end + 1;
	return true;
}

void procmaps_cut_deleted(char *path)
{
	static const char gone[] = " (deleted)";
	size_t len = strlen(path), tail = sizeof(gone) - 1;

	if (len > tail && !strcmp(path + len - tail, gone))
		path[len - tail] = '\0';
}

/* "start-end rwxp off maj:min ino      path" */
static bool parse_line(char *p, struct map_line *l)
{
	uint64_t major, minor;

	if (!number(&p, 16, '-', &l->start) || !number(&p, 16, ' ', &l->end))
		return false;
	if (strnlen(p, 5) < 5 || p[4] != ' ' || l->end <= l->start)
		return false;
	l->exec = p[2] == 'x';
	p += 5;
	if (!number(&p, 16, ' ', &l->off) || !number(&p, 16, ':', &major) ||
	    !number(&p, 16, ' ', &minor))
		return false;
	l->ino = strtoull(p, &p, 10);
	p += strspn(p, " ");
	procmaps_cut_deleted(p);
	l->dev_major = (uint32_t)major;
	l->dev_minor = (uint32_t)minor;
	l->since = 0;
	l->path = p;
	return true;
}

int procmaps_parse(char *text, int (*fn)(void *arg, const struct map_line *l), void *arg)
{
	struct map_line l;
	char *end;
	int rc = 0;

	for (; *text && !rc; text = end) {
		end = strchr(text, '\n');
		if (end)
			*end++ = '\0';
		else
			end = text + strlen(text);
		if (parse_line(text, &l))
			rc = fn(arg, &l);
	}
	return rc;
}

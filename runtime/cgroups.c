// SPDX-License-Identifier: Apache-2.0
/*
 * The paths of a cgroup by its id, in each hierarchy that has one of that id: version 1 has several, and
 * they number theirs on their own. The id is the inode's number, which in kernfs is all that a file
 * handle holds: the kernel opens it directly, nobody walks the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cgroups.h"

enum { HANDLE_KERNFS = 0xfe, HIERARCHIES_MAX = 32 };

/* A mounted hierarchy. */
struct hierarchy {
	char name[64], place[128];
};

/* "rw,cpu,cpuacct", "rw,name=systemd": what version 1 mounts are told apart by. */
static void name_of_v1(char *name, size_t sz, const char *options)
{
	size_t flag = strcspn(options, ",");

	options += flag + (options[flag] == ',');
	if (!strncmp(options, "name=", 5))
		options += 5;
	snprintf(name, sz, "%s", options);
}

static int by_name(const void *a, const void *b)
{
	const struct hierarchy *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Version 2 first, then those of version 1 in name order; how many. */
static size_t read_hierarchies(struct hierarchy *all, size_t most)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[1024], place[128], type[16], options[256];
	struct hierarchy first = { .name = "unified" };
	size_t cnt = 1; /* the first is version 2, wherever it is in the file */

	while (f && cnt < most && fgets(line, sizeof(line), f)) {
		struct hierarchy *h = &all[cnt];

		const char *behind = strstr(line, " - "); /* what differs in number ends here */

		if (!behind || sscanf(line, "%*s %*s %*s %*s %127s", place) != 1 ||
		    sscanf(behind, " - %15s %*s %255s", type, options) != 2)
			continue;
		if (!strcmp(type, "cgroup2") && !*first.place)
			snprintf(first.place, sizeof(first.place), "%s", place);
		if (strcmp(type, "cgroup"))
			continue;
		snprintf(h->place, sizeof(h->place), "%s", place);
		name_of_v1(h->name, sizeof(h->name), options);
		cnt++;
	}
	if (f)
		fclose(f);
	all[0] = first;
	qsort(all + 1, cnt - 1, sizeof(*all), by_name);
	return cnt;
}

static int open_id(int root, uint64_t id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u;

	u.h.handle_bytes = sizeof(id);
	u.h.handle_type = HANDLE_KERNFS;
	memcpy(u.room + sizeof(struct file_handle), &id, sizeof(id));
	return open_by_handle_at(root, &u.h, O_PATH | O_CLOEXEC);
}

/* "name:/path", after a comma if it is not the first. */
static void put_path(struct buf *b, const struct hierarchy *h, uint64_t id, bool *some)
{
	int root = open(h->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : open_id(root, id);
	size_t len = strlen(h->place);
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	if (n >= 0) {
		const char *below = path;

		path[n] = '\0';
		if (!strncmp(path, h->place, len))
			below += len;
		buf_puts(b, *some ? "," : "");
		buf_puts(b, h->name);
		buf_puts(b, ":");
		buf_puts(b, *below ? below : "/");
		*some = true;
	}
	if (fd >= 0)
		close(fd);
	if (root >= 0)
		close(root);
}

void cgroup_path_text(struct buf *b, uint64_t id, const char *filter)
{
	struct hierarchy all[HIERARCHIES_MAX];
	size_t cnt = read_hierarchies(all, HIERARCHIES_MAX);
	bool some = false;

	for (size_t i = 0; i < cnt; i++)
		if (*all[i].place && (!*filter || !fnmatch(filter, all[i].name, 0)))
			put_path(b, &all[i], id, &some);
}

uint64_t cgroup_id(const char *path)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} u;
	uint64_t id;
	int mount;

	u.h.handle_bytes = sizeof(id);
	if (name_to_handle_at(AT_FDCWD, path, &u.h, &mount, AT_SYMLINK_FOLLOW)) {
		if (errno == EOVERFLOW || errno == EOPNOTSUPP)
			errno = ENOTSUP; /* a file system of another kind */
		return 0;
	}
	memcpy(&id, u.room + sizeof(struct file_handle), sizeof(id));
	return id;
}

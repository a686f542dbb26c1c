// SPDX-License-Identifier: Apache-2.0
/*
 * The path of a cgroup by its id. The id is the inode's number, which in kernfs is all that a file
 * handle holds: the kernel opens it directly, nobody walks the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "runtime/cgroups.h"

enum { HANDLE_KERNFS = 0xfe };

/* Where version 2 is mounted, alone or beside version 1. */
static int open_root(char *path, size_t sz)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < 2; i++) {
		if (statfs(places[i], &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		snprintf(path, sz, "%s", places[i]);
		return open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
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

void cgroup_path_text(struct buf *b, uint64_t id, const char *filter)
{
	char root_path[64], link[64], path[4096];
	int root, fd;
	ssize_t n;

	if (*filter && fnmatch(filter, "unified", 0))
		return;
	root = open_root(root_path, sizeof(root_path));
	fd = root < 0 ? -1 : open_id(root, id);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	if (n >= 0) {
		const char *below = path;
		size_t len = strlen(root_path);

		path[n] = '\0';
		if (!strncmp(path, root_path, len))
			below += len;
		buf_puts(b, "unified:");
		buf_puts(b, *below ? below : "/");
	}
	if (fd >= 0)
		close(fd);
	if (root >= 0)
		close(root);
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

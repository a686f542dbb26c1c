// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "runtime/mapped.h"

/* The kernel maps the same one into every process. */
static int open_vdso(void)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	int fd = image ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	ssize_t n = 0;

	/* two pages at most on all architectures but the newest: as much as can be read */
	for (size_t at = 0; fd >= 0 && n >= 0 && at < 4 * 4096; at += 4096)
		n = write(fd, image + at, 4096);
	return fd < 0 ? -ENOENT : fd;
}

/* A file whose inode is the right one; its device is not, on btrfs and overlayfs. */
static int open_checked(const char *path, uint64_t ino)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == ino)
		return fd;
	close(fd);
	return -ENOENT;
}

/*
 * The kernel maps a program as one piece and then cuts off what is not of its first segment: what was told
 * of when it was mapped may end elsewhere by now.
 */
static int open_from(const char *dir, uint64_t ino, uint64_t start)
{
	char begins[32], path[128];
	DIR *d = opendir(dir);
	const struct dirent *e;
	int fd = -ENOENT;

	snprintf(begins, sizeof(begins), "%llx-", (unsigned long long)start);
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, begins, strlen(begins)))
			continue;
		snprintf(path, sizeof(path), "%s/%.40s", dir, e->d_name);
		fd = open_checked(path, ino);
		break;
	}
	if (d)
		closedir(d);
	return fd;
}

static int open_through(uint64_t ino, const struct mapped_by *by)
{
	char dir[64], path[128];
	int fd;

	snprintf(dir, sizeof(dir), "/proc/%u/map_files", by->tgid);
	snprintf(path, sizeof(path), "%s/%llx-%llx", dir, (unsigned long long)by->start,
		 (unsigned long long)by->end);
	fd = open_checked(path, ino);
	return fd == -ENOENT ? open_from(dir, ino, by->start) : fd;
}

static const char *inside(char *buf, size_t sz, uint32_t tgid, const char *path)
{
	snprintf(buf, sz, "/proc/%u/root%s", tgid, path);
	return buf;
}

static int open_named(const char *path, uint64_t ino, uint32_t tgid)
{
	char own[4096 + 64];
	int fd = open_checked(inside(own, sizeof(own), tgid, path), ino);

	return fd < 0 && fd != -EMFILE ? open_checked(path, ino) : fd;
}

int mapped_stat(const char *path, uint64_t ino, uint32_t tgid, struct stat *st)
{
	char own[4096 + 64];

	if (path[0] != '/')
		return -ENOENT;
	if (!stat(path, st) && st->st_ino == ino)
		return 0;
	if (!stat(inside(own, sizeof(own), tgid, path), st) && st->st_ino == ino)
		return 0;
	return -ENOENT;
}

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

uint64_t mapped_written_ns(const struct stat *st)
{
	struct timespec real, mono;
	int64_t ago, now;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	ago = ns_of(&real) - ns_of(&st->st_mtim); /* below 0: somebody has set it so */
	now = ns_of(&mono);
	return ago >= 0 && ago < now ? (uint64_t)(now - ago) : 0;
}

/*
 * What is mapped still is as it is, whoever has written to the file; of one that is known by its name
 * alone nobody can say what it was before it was written.
 */
int mapped_open(const char *path, uint64_t ino, const struct mapped_by *by)
{
	struct stat st;
	int fd;

	if (!strcmp(path, "[vdso]"))
		return open_vdso();
	if (path[0] != '/')
		return -ENOENT;
	fd = open_through(ino, by);
	if (fd >= 0 || fd == -EMFILE)
		return fd;
	fd = open_named(path, ino, by->tgid);
	if (fd < 0 || !by->since)
		return fd;
	if (!fstat(fd, &st) && mapped_written_ns(&st) <= by->since)
		return fd;
	close(fd);
	return -ESTALE;
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/filestamp.h"
#include "runtime/ufiles.h"

enum { BUCKETS = 1024 };

struct ufile {
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	char *path;
	bool opened;
	bool lost; /* what was mapped is not in the file any more */
	struct filestamp stamp; /* when it was opened */
	struct elfsyms *elf; /* NULL: it could not be, or is none */
	struct ufile *next;
};

struct ufiles {
	struct ufile *bucket[BUCKETS];
	const char *dirs; /* of debug files, or NULL */
	bool demangle;
};

struct ufiles *ufiles_new(const char *dirs, bool demangle)
{
	struct ufiles *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->dirs = dirs;
	u->demangle = demangle;
	return u;
}

void ufiles_free(struct ufiles *u)
{
	if (!u)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct ufile *f = u->bucket[i], *next; f; f = next) {
			next = f->next;
			elfsyms_free(f->elf);
			free(f->path);
			free(f);
		}
	}
	free(u);
}

static struct ufile **slot_of(struct ufiles *u, uint64_t ino, uint32_t dev_minor)
{
	return &u->bucket[(ino ^ dev_minor) % BUCKETS];
}

static struct ufile *file_new(struct ufiles *u, uint64_t ino, uint32_t dev_major,
			      uint32_t dev_minor, const char *path)
{
	struct ufile **slot = slot_of(u, ino, dev_minor), *f = calloc(1, sizeof(*f));

	if (f)
		f->path = strdup(path);
	if (!f || !f->path) {
		free(f);
		return NULL;
	}
	f->ino = ino;
	f->dev_major = dev_major;
	f->dev_minor = dev_minor;
	f->next = *slot;
	*slot = f;
	return f;
}

/* Since it was opened. Its path may be one of the process's own, and another file by now. */
static bool is_rewritten(const struct ufile *f, uint32_t tgid)
{
	char path[4096 + 64];
	struct filestamp now;
	struct stat st;

	if (!f->opened || f->path[0] != '/')
		return false;
	snprintf(path, sizeof(path), "/proc/%u/root%s", tgid, f->path);
	if ((stat(f->path, &st) || st.st_ino != f->ino) && (stat(path, &st) || st.st_ino != f->ino))
		return false;
	now = filestamp_of(&st);
	return !filestamp_same(&now, &f->stamp);
}

struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l, uint32_t tgid)
{
	struct ufile *f = *slot_of(u, l->ino, l->dev_minor);

	if (!*l->path)
		return NULL;
	while (f && (f->lost || f->ino != l->ino || f->dev_major != l->dev_major ||
		     f->dev_minor != l->dev_minor || strcmp(f->path, l->path)))
		f = f->next;
	if (f && !(l->exec && is_rewritten(f, tgid)))
		return f;
	return file_new(u, l->ino, l->dev_major, l->dev_minor, l->path);
}

/* The kernel maps the same one into every process. */
static int open_vdso(void)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	int fd = image ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	ssize_t n = 0;

	/* two pages at most on all architectures but the newest: as much as can be read */
	for (size_t at = 0; fd >= 0 && n >= 0 && at < 4 * 4096; at += 4096)
		n = write(fd, image + at, 4096);
	return fd;
}

/* A file whose inode is the right one; its device is not, on btrfs and overlayfs. */
static int open_checked(const char *path, uint64_t ino)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == ino)
		return fd;
	close(fd);
	return -1;
}

static int open_mapped(const struct ufile *f, const struct ufile_user *by)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", by->tgid,
		 (unsigned long long)by->start, (unsigned long long)by->end);
	return open_checked(path, f->ino);
}

/* Where the process has gone, a file of the same name and inode is it. */
static int open_named(const struct ufile *f, uint32_t tgid)
{
	char path[4096 + 64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root%s", tgid, f->path);
	fd = open_checked(path, f->ino);
	return fd < 0 ? open_checked(f->path, f->ino) : fd;
}

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static bool is_written_after(int fd, uint64_t mapped_ns)
{
	struct timespec real, mono;
	struct stat st;
	int64_t ago;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	if (fstat(fd, &st))
		return true;
	ago = ns_of(&real) - ns_of(&st.st_mtim); /* below 0: somebody has set it so */
	return ago >= 0 && ago < ns_of(&mono) - (int64_t)mapped_ns;
}

/*
 * What is mapped still is as it is, whoever has written to the file; of one that is known by its name
 * alone nobody can say what it was before it was written. lost: that is so.
 */
static int open_user(struct ufile *f, const struct ufile_user *by, bool *lost)
{
	struct stat st;
	int fd;

	*lost = f->lost;
	if (!strcmp(f->path, "[vdso]"))
		return open_vdso();
	if (f->path[0] != '/' || f->lost)
		return -1;
	fd = open_mapped(f, by);
	if (fd < 0) {
		fd = open_named(f, by->tgid);
		*lost = fd >= 0 && by->since && is_written_after(fd, by->since);
	}
	if (fd < 0 || *lost || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	f->opened = true;
	f->stamp = filestamp_of(&st);
	return fd;
}

int ufile_descriptor(struct ufile *f, const struct ufile_user *by)
{
	bool lost;

	return open_user(f, by, &lost);
}

/* The same name with nothing to be known of it. */
static struct ufile *lost_file(struct ufiles *u, struct ufile *f)
{
	struct ufile *l = *slot_of(u, f->ino, f->dev_minor);

	while (l && (!l->lost || l->ino != f->ino || strcmp(l->path, f->path)))
		l = l->next;
	l = l ?: file_new(u, f->ino, f->dev_major, f->dev_minor, f->path);
	if (l)
		l->lost = true;
	return l ?: f;
}

struct ufile *ufile_open(struct ufiles *u, struct ufile *f, const struct ufile_user *by)
{
	bool lost;
	int fd;

	if (f->elf)
		return f;
	fd = open_user(f, by, &lost);
	if (fd >= 0)
		f->elf = elfsyms_new(fd, f->path, u->dirs, u->demangle);
	return lost ? lost_file(u, f) : f;
}

struct unwind_file_id ufile_id(const struct ufile *f)
{
	return (struct unwind_file_id){ .ino = f->ino, .dev = f->dev_major << 20 | f->dev_minor };
}

const char *ufile_path(const struct ufile *f)
{
	return f->path;
}

struct elfsyms *ufile_elf(const struct ufile *f)
{
	return f->elf;
}

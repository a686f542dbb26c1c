// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/ufiles.h"

enum { BUCKETS = 1024 };

struct ufile {
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	char *path;
	bool opened;
	struct elfsyms *elf; /* NULL: could not be opened */
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

struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l)
{
	struct ufile **slot = &u->bucket[(l->ino ^ l->dev_minor) % BUCKETS], *f;

	if (!*l->path)
		return NULL;
	for (f = *slot; f; f = f->next)
		if (f->ino == l->ino && f->dev_major == l->dev_major &&
		    f->dev_minor == l->dev_minor && !strcmp(f->path, l->path))
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->path = strdup(l->path);
	if (!f->path) {
		free(f);
		return NULL;
	}
	f->ino = l->ino;
	f->dev_major = l->dev_major;
	f->dev_minor = l->dev_minor;
	f->next = *slot;
	*slot = f;
	return f;
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

int ufile_descriptor(const struct ufile *f, uint32_t tgid, uint64_t start, uint64_t end)
{
	char path[4096 + 64];
	int fd;

	if (!strcmp(f->path, "[vdso]"))
		return open_vdso();
	if (f->path[0] != '/')
		return -1;
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", tgid,
		 (unsigned long long)start, (unsigned long long)end);
	fd = open_checked(path, f->ino);
	snprintf(path, sizeof(path), "/proc/%u/root%s", tgid, f->path);
	if (fd < 0)
		fd = open_checked(path, f->ino);
	if (fd < 0) /* the process has gone: a file of the same name and inode is it */
		fd = open_checked(f->path, f->ino);
	return fd;
}

void ufile_open(struct ufiles *u, struct ufile *f, uint32_t tgid, uint64_t start, uint64_t end)
{
	int fd;

	if (f->opened)
		return;
	f->opened = true;
	fd = ufile_descriptor(f, tgid, start, end);
	if (fd >= 0)
		f->elf = elfsyms_new(fd, f->path, u->dirs, u->demangle);
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

// SPDX-License-Identifier: Apache-2.0
/* Tools: a runner with an image behind it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/run_options.h"
#include "runtime/tool.h"

/* Where an image may begin: the largest page that Linux has on 64 bits. */
enum { TOOL_ALIGN = 64 << 10 };

static const char magic[8] = "\177trace\1";

struct footer {
	uint64_t sz; /* of the image, which ends where this begins */
	char magic[sizeof(magic)];
};

/* ---- reading ---- */

static int map_part(struct tool_image *img, int fd, off_t off, size_t sz)
{
	img->map = mmap(NULL, sz, PROT_READ, MAP_PRIVATE, fd, off);
	if (img->map == MAP_FAILED)
		return -errno;
	img->map_sz = img->sz = sz;
	img->at = img->map;
	return 0;
}

int tool_open_own(struct tool_image *img)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), rc = 0;
	struct footer foot;
	struct stat st;
	off_t from;

	*img = (struct tool_image){ 0 };
	if (fd < 0 || fstat(fd, &st))
		rc = fail("/proc/self/exe: %s", strerror(errno));
	else if (st.st_size > (off_t)sizeof(foot) &&
		 pread(fd, &foot, sizeof(foot), st.st_size - (off_t)sizeof(foot)) == sizeof(foot) &&
		 !memcmp(foot.magic, magic, sizeof(magic))) {
		from = st.st_size - (off_t)sizeof(foot) - (off_t)foot.sz;
		if (!foot.sz || from <= 0 || from >= st.st_size || from % TOOL_ALIGN)
			rc = fail("this tool is damaged: it was cut off or added to");
		else
			rc = map_part(img, fd, from, foot.sz);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int tool_open_file(struct tool_image *img, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;

	*img = (struct tool_image){ 0 };
	rc = fd < 0 || fstat(fd, &st) ? -errno : map_part(img, fd, 0, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return rc ? fail("%s: %s", path, strerror(-rc)) : 0;
}

void tool_close(struct tool_image *img)
{
	if (img->at)
		munmap(img->map, img->map_sz);
}

/* ---- writing ---- */

static int write_all(int fd, const void *data, size_t sz)
{
	const char *at = data;
	ssize_t n;

	for (; sz; at += n, sz -= (size_t)n) {
		n = write(fd, at, sz);
		if (n < 0)
			return -errno;
	}
	return 0;
}

static int write_parts(int fd, const struct tool_image *runner, const void *image, size_t sz)
{
	size_t end = (runner->sz + TOOL_ALIGN - 1) / TOOL_ALIGN * TOOL_ALIGN;
	struct footer foot = { .sz = sz };
	int rc = write_all(fd, runner->at, runner->sz);

	memcpy(foot.magic, magic, sizeof(magic));
	if (!rc && lseek(fd, (off_t)end, SEEK_SET) < 0)
		rc = -errno;
	rc = rc ?: write_all(fd, image, sz);
	return rc ?: write_all(fd, &foot, sizeof(foot));
}

/* Under another name first: whoever runs the old one goes on, and half of one is never seen. */
static int write_beside(const char *path, char *tmp, const struct tool_image *runner,
			const void *image, size_t sz)
{
	mode_t mask = umask(0);
	int fd = mkstemp(tmp), rc = fd < 0 ? -errno : 0;

	umask(mask);
	if (rc)
		return rc;
	rc = write_parts(fd, runner, image, sz);
	if (!rc && fchmod(fd, 0777 & ~mask))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

int tool_write(const char *path, const char *runner, const void *image, size_t image_sz)
{
	struct tool_image run;
	char *tmp = NULL;
	int rc = tool_open_file(&run, runner);

	if (rc)
		return rc;
	rc = asprintf(&tmp, "%s.XXXXXX", path) < 0 ? -ENOMEM : 0;
	rc = rc ?: write_beside(path, tmp, &run, image, image_sz);
	free(tmp);
	tool_close(&run);
	return rc ? fail("failed to write '%s': %s", path, strerror(-rc)) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are held open: how many, which are closed first, what is known of them after that. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/ufiles.h"
#include "tests/unit.h"

enum {
	IMAGE_MAX = 4 * 4096, /* of the vdso: a small library that is everywhere */
};

static char dir[] = "/tmp/unit_ufiles.XXXXXX";
static char image[IMAGE_MAX], *id; /* its build-id */
static size_t image_sz;

static const char *path_of(unsigned number)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%u", dir, number);
	return path;
}

static void write_to(unsigned number, const void *bytes, size_t sz)
{
	FILE *f = fopen(path_of(number), "w");

	CHECK(f && fwrite(bytes, 1, sz, f) == sz && !fclose(f));
}

/* A library like no other but those of the same build. */
static void write_library(unsigned number, unsigned build)
{
	memcpy(id, &build, sizeof(build));
	write_to(number, image, image_sz);
}

static const struct mapped_by by = { .tgid = 0x7ffffff0 }; /* has gone */

static struct ufile *get(struct ufiles *u, unsigned number)
{
	struct map_line l = { .exec = true, .path = path_of(number) };
	struct stat st;

	CHECK(!stat(l.path, &st));
	l.ino = st.st_ino;
	return ufiles_get(u, &l, by.tgid);
}

static struct ufile *add(struct ufiles *u, unsigned number, unsigned build)
{
	struct ufile *f;

	write_library(number, build);
	f = ufile_settle(get(u, number), &by);
	CHECK(f && ufile_is_elf(f) && ufile_build_id(f));
	return f;
}

static bool has_names(struct ufile *f)
{
	struct elfsyms *e = ufile_elf(f, &by);
	const struct elfplace *place = NULL;

	for (uint64_t off = 0; e && off < image_sz && !(place && place->name); off += 16)
		place = elfsyms_find(e, off, false);
	return place && place->name;
}

static unsigned open_cnt(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned cnt = 0;

	while (d && readdir(d))
		cnt++;
	closedir(d);
	return cnt;
}

/* 0 to 9 go once they are held; then come so many that some have to be closed. */
static void test_spared(void)
{
	struct ufiles *u = ufiles_new(NULL, true);
	struct ufile *gone[10], *stays;
	unsigned before = open_cnt(), n = 0;

	for (; n < 10; n++) {
		gone[n] = add(u, n, n);
		CHECK(!unlink(path_of(n)));
	}
	stays = add(u, n, n);
	for (n++; n < 10 + 2 * UFILES_HELD; n++)
		add(u, n, n);
	CHECK(open_cnt() <= before + UFILES_HELD);
	CHECK(has_names(stays)); /* opened again */
	CHECK(has_names(gone[9]));
	while (n--)
		unlink(path_of(n));
	ufiles_free(u);
	CHECK(open_cnt() == before);
}

/* All go: the oldest are closed. What was asked is still known, and what others have of the same build. */
static void test_closed(void)
{
	struct ufiles *u = ufiles_new(NULL, true);
	struct ufile *asked, *other, *twin;
	unsigned n = 0;

	asked = add(u, n, n);
	CHECK(has_names(asked) && !unlink(path_of(n++)));
	other = add(u, n, n);
	CHECK(!unlink(path_of(n++)));
	twin = add(u, n, 10000);
	CHECK(!unlink(path_of(n++)));
	for (; n < 3 * UFILES_HELD; n++) {
		add(u, n, n);
		CHECK(!unlink(path_of(n)));
	}
	CHECK(has_names(asked) && !has_names(other) && !has_names(twin));
	CHECK(ufile_build_id(other));
	CHECK(add(u, n, 10000) != twin && has_names(twin));
	CHECK(!unlink(path_of(n)));
	ufiles_free(u);
}

/* A file that is written anew is another one to those who map it then, in whatever order they are met. */
static void test_versions(void)
{
	struct ufiles *u = ufiles_new(NULL, true);
	struct map_line l = { .exec = true, .path = path_of(0), .since = 1 };
	struct ufile *first, *second;
	struct stat st;

	first = add(u, 0, 1);
	CHECK(!stat(l.path, &st));
	l.ino = st.st_ino;
	write_to(0, image, image_sz - 1);
	second = get(u, 0);
	CHECK(second != first && get(u, 0) == second && ufile_settle(second, &by) == second);
	CHECK(ufiles_get(u, &l, by.tgid) == first);
	CHECK(!has_names(first) && has_names(second));
	write_to(0, "text", 4);
	CHECK(get(u, 0) != second && !ufile_is_elf(ufile_settle(get(u, 0), &by)));
	unlink(path_of(0));
	ufiles_free(u);
}

/* No more descriptors than a process may have: one of ours is closed for each. */
static void test_scarce(void)
{
	struct ufiles *u = ufiles_new(NULL, true);
	struct rlimit lim, few;
	int taken[64], cnt = 0;
	unsigned n = 0;

	CHECK(!getrlimit(RLIMIT_NOFILE, &lim));
	few = (struct rlimit){ 64, lim.rlim_max };
	for (; n < 8; n++)
		add(u, n, n);
	for (; n < 16; n++)
		write_library(n, n);
	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	while (cnt < 64 && (taken[cnt] = open("/dev/null", O_RDONLY)) >= 0)
		cnt++;
	CHECK(errno == EMFILE);
	for (unsigned i = 8; i < 16; i++)
		CHECK(ufile_descriptor(get(u, i), &by) >= 0);
	while (cnt--)
		close(taken[cnt]);
	CHECK(!setrlimit(RLIMIT_NOFILE, &lim));
	CHECK(has_names(get(u, 0)));
	while (n--)
		unlink(path_of(n));
	ufiles_free(u);
}

static bool read_vdso(void)
{
	static const char head[] = "\3\0\0\0GNU"; /* of the note with its build-id */
	int fd = open("/proc/self/mem", O_RDONLY);
	ssize_t n = pread(fd, image, sizeof(image), (off_t)getauxval(AT_SYSINFO_EHDR));

	close(fd);
	image_sz = n > 0 ? (size_t)n : 0;
	id = memmem(image, image_sz, head, sizeof(head));
	id = id ? id + sizeof(head) : NULL;
	return id;
}

int main(void)
{
	CHECK(read_vdso() && mkdtemp(dir));
	if (failed)
		return 1;
	test_spared();
	test_closed();
	test_versions();
	test_scarce();
	rmdir(dir);
	return failed != 0;
}

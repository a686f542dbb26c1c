// SPDX-License-Identifier: Apache-2.0
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/filestamp.h"
#include "runtime/ufiles.h"

enum {
	BUCKETS = 1024,
	SPARED_MAX = 8, /* looked at for one that can be had again */
	BUILD_ID_MAX = 32, /* bytes */
};

struct ufile {
	struct ufiles *in;
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	char *path;
	uint64_t
		from; /* CLOCK_MONOTONIC; what was mapped before is another file, as it was written then */
	bool lost; /* what was mapped is not in the file any more */
	bool opened; /* has been; what follows is known of it */
	bool failed; /* to be opened again */
	bool is_elf;
	uint32_t tgid; /* by which it was opened */
	struct filestamp stamp;
	char build_id[2 * BUILD_ID_MAX + 1];
	int fd; /* -1: not held */
	struct elfsyms *elf; /* NULL: nobody has asked */
	struct ufile *newer, *older; /* of those held */
	struct ufile *next;
};

struct ufiles {
	struct ufile *bucket[BUCKETS];
	struct ufile *newest, *oldest; /* of those held, by when they were used */
	uint32_t held_cnt;
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
			if (f->fd >= 0)
				close(f->fd);
			free(f->path);
			free(f);
		}
	}
	free(u);
}

/* ---- which file ---- */

static struct ufile **slot_of(struct ufiles *u, uint64_t ino, uint32_t dev_minor)
{
	return &u->bucket[(ino ^ dev_minor) % BUCKETS];
}

static struct ufile *file_new(struct ufiles *u, const struct map_line *l)
{
	struct ufile **slot = slot_of(u, l->ino, l->dev_minor), *f = calloc(1, sizeof(*f));

	if (f)
		f->path = strdup(l->path);
	if (!f || !f->path) {
		free(f);
		return NULL;
	}
	f->in = u;
	f->ino = l->ino;
	f->dev_major = l->dev_major;
	f->dev_minor = l->dev_minor;
	f->fd = -1;
	f->next = *slot;
	*slot = f;
	return f;
}

static bool is_at(const struct ufile *f, const struct map_line *l)
{
	return f->ino == l->ino && f->dev_major == l->dev_major && f->dev_minor == l->dev_minor &&
	       !strcmp(f->path, l->path);
}

/* Since it was opened, and before the mapping was made; then written: when. */
static bool is_rewritten(const struct ufile *f, const struct map_line *l, uint32_t tgid,
			 uint64_t *written)
{
	struct filestamp now;
	struct stat st;

	if (!f->opened || f->path[0] != '/')
		return false;
	if (f->fd >= 0 ? fstat(f->fd, &st) : mapped_stat(f->path, f->ino, tgid, &st))
		return false;
	now = filestamp_of(&st);
	if (filestamp_same(&now, &f->stamp))
		return false;
	*written = mapped_written_ns(&st);
	return !l->since || *written <= l->since;
}

/* Mappings are asked about in whatever order: each has the bytes that stood there when it was made. */
struct ufile *ufiles_get(struct ufiles *u, const struct map_line *l, uint32_t tgid)
{
	struct ufile *f = *slot_of(u, l->ino, l->dev_minor);
	uint64_t written;

	if (!*l->path)
		return NULL;
	while (f && (f->lost || !is_at(f, l) || (l->since && l->since < f->from)))
		f = f->next;
	if (!f)
		return file_new(u, l);
	if (!l->exec || !is_rewritten(f, l, tgid, &written))
		return f;
	f = file_new(u, l);
	if (f)
		f->from = written;
	return f;
}

/* The same name with nothing to be known of it. */
static struct ufile *lost_file(struct ufile *f)
{
	struct map_line l = {
		.ino = f->ino, .dev_major = f->dev_major, .dev_minor = f->dev_minor, .path = f->path
	};
	struct ufile *lost = *slot_of(f->in, f->ino, f->dev_minor);

	while (lost && !(lost->lost && is_at(lost, &l)))
		lost = lost->next;
	lost = lost ?: file_new(f->in, &l);
	if (lost)
		lost->lost = true;
	return lost ?: f;
}

/* ---- those held ---- */

static void unlink_held(struct ufile *f)
{
	struct ufiles *u = f->in;

	*(f->newer ? &f->newer->older : &u->newest) = f->older;
	*(f->older ? &f->older->newer : &u->oldest) = f->newer;
	f->newer = f->older = NULL;
}

static void link_newest(struct ufile *f)
{
	struct ufiles *u = f->in;

	f->older = u->newest;
	*(u->newest ? &u->newest->newer : &u->oldest) = f;
	u->newest = f;
}

static void let_go(struct ufile *f)
{
	if (f->elf)
		elfsyms_rest(f->elf);
	close(f->fd);
	f->fd = -1;
	f->failed = false;
	unlink_held(f);
	f->in->held_cnt--;
}

static bool can_be_had_again(const struct ufile *f)
{
	struct filestamp now;
	struct stat st;

	if (!strcmp(f->path, "[vdso]"))
		return true;
	if (mapped_stat(f->path, f->ino, f->tgid, &st))
		return false;
	now = filestamp_of(&st);
	return filestamp_same(&now, &f->stamp);
}

/* false: none is held. */
static bool let_one_go(struct ufiles *u)
{
	struct ufile *f = u->oldest, *go = f;

	for (uint32_t i = 0; f && i < SPARED_MAX; i++, f = f->newer) {
		if (!can_be_had_again(f))
			continue;
		go = f;
		break;
	}
	if (go)
		let_go(go);
	return go;
}

/* Read, not mapped: a file that is cut short meanwhile ends a mapping of it with SIGBUS. */
static void read_build_id(struct ufile *f)
{
	const unsigned char *id;
	Elf *elf;
	ssize_t len;

	elf_version(EV_CURRENT);
	elf = elf_begin(f->fd, ELF_C_READ, NULL);
	f->is_elf = elf && elf_kind(elf) == ELF_K_ELF;
	len = f->is_elf ? dwelf_elf_gnu_build_id(elf, (const void **)&id) : 0;
	for (ssize_t i = 0; i < len && len <= BUILD_ID_MAX; i++)
		sprintf(f->build_id + 2 * i, "%02x", id[i]);
	elf_end(elf);
}

/* Takes fd over. -ESTALE: it has other bytes now. */
static int hold(struct ufile *f, int fd, uint32_t tgid)
{
	struct filestamp now;
	struct stat st;
	bool same;

	if (fstat(fd, &st))
		st = (struct stat){ 0 };
	now = filestamp_of(&st);
	same = !f->opened || f->path[0] == '[' || filestamp_same(&now, &f->stamp);
	if (!same) {
		close(fd);
		return -ESTALE;
	}
	f->fd = fd;
	f->tgid = tgid;
	f->stamp = now;
	link_newest(f);
	f->in->held_cnt++;
	if (!f->opened)
		read_build_id(f);
	f->opened = true;
	if (!f->is_elf) /* nobody will read it */
		let_go(f);
	return 0;
}

static int open_file(struct ufile *f, const struct mapped_by *by)
{
	int fd;

	if (f->lost)
		return -ENOENT;
	if (f->in->held_cnt >= UFILES_HELD)
		let_one_go(f->in);
	do
		fd = mapped_open(f->path, f->ino, by);
	while (fd == -EMFILE && let_one_go(f->in));
	return fd < 0 ? fd : hold(f, fd, by->tgid);
}

int ufile_descriptor(struct ufile *f, const struct mapped_by *by)
{
	if (f->fd < 0)
		open_file(f, by);
	else if (f != f->in->newest) {
		unlink_held(f);
		link_newest(f);
	}
	return f->fd;
}

struct ufile *ufile_settle(struct ufile *f, const struct mapped_by *by)
{
	return !f->opened && open_file(f, by) == -ESTALE ? lost_file(f) : f;
}

/* ---- what is known of it ---- */

struct unwind_file_id ufile_id(const struct ufile *f)
{
	return (struct unwind_file_id){ .ino = f->ino, .dev = f->dev_major << 20 | f->dev_minor };
}

const char *ufile_path(const struct ufile *f)
{
	return f->path;
}

bool ufile_is_elf(const struct ufile *f)
{
	return f->is_elf;
}

const char *ufile_build_id(const struct ufile *f)
{
	return *f->build_id ? f->build_id : NULL;
}

/* Another one with the same bytes that is held. */
static struct ufile *twin_of(const struct ufile *f)
{
	struct ufile *twin = *f->build_id ? f->in->newest : NULL;

	while (twin && strcmp(twin->build_id, f->build_id))
		twin = twin->older;
	return twin;
}

struct elfsyms *ufile_elf(struct ufile *f, const struct mapped_by *by)
{
	const struct ufiles *u = f->in;
	struct ufile *twin;

	if (!f->is_elf)
		return NULL;
	if (f->fd < 0 && f->failed) {
		twin = twin_of(f);
		f = twin ?: f;
	}
	if (ufile_descriptor(f, by) < 0 && !f->failed) {
		f->failed = true;
		return ufile_elf(f, by);
	}
	if (!f->elf)
		f->elf = elfsyms_new(f->path, u->dirs, u->demangle);
	if (f->elf && f->fd >= 0)
		elfsyms_lend(f->elf, f->fd, &f->stamp);
	return f->elf;
}

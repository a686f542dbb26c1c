// SPDX-License-Identifier: Apache-2.0
/*
 * The files that a program begins with: itself, its interpreter, the libraries that it names and those
 * that they name, found as the dynamic loader mostly does. What is not found, nobody waits for.
 */
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/elf.h"

enum { FILES_MAX = 64 };

struct needs {
	struct probe_env *env;
	const char *path[FILES_MAX];
	uint32_t cnt;
};

static void add(struct needs *n, const char *path)
{
	char real[PATH_MAX];

	if (!path || !realpath(path, real))
		return;
	for (uint32_t i = 0; i < n->cnt; i++)
		if (!strcmp(n->path[i], real))
			return;
	path = env_strdup(n->env, real);
	if (path && n->cnt < FILES_MAX)
		n->path[n->cnt++] = path;
}

/* In the directories of a DT_RPATH or DT_RUNPATH, between colons; from: the file that has it. */
static const char *in_dirs(struct needs *n, const char *dirs, const char *from, const char *name)
{
	int origin = (int)(strrchr(from, '/') - from);

	while (*dirs) {
		int len = (int)strcspn(dirs, ":"), skip = 0;
		const char *path;

		if (len >= 7 && !strncmp(dirs, "$ORIGIN", 7))
			skip = 7;
		else if (len >= 9 && !strncmp(dirs, "${ORIGIN}", 9))
			skip = 9;
		path = env_printf(n->env, "%.*s%.*s/%s", skip ? origin : 0, from, len - skip,
				  dirs + skip, name);
		if (path && path_exists(path))
			return path;
		dirs += len + (dirs[len] == ':');
	}
	return NULL;
}

static const char *library(struct needs *n, const char *dirs, const char *from, const char *name)
{
	const char *path = dirs ? in_dirs(n, dirs, from, name) : NULL;

	if (strchr(name, '/'))
		return name;
	path = path ?: in_dirs(n, getenv("LD_LIBRARY_PATH") ?: "", from, name);
	return path ?: path_library(n->env, "", name);
}

/* A section of strings and tags; a file without sections is not looked into. */
static void read_dynamic(struct needs *n, const char *from, Elf *elf, Elf_Scn *scn,
			 const GElf_Shdr *sh)
{
	size_t cnt = sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *dirs = NULL, *name;
	GElf_Dyn d;

	for (size_t i = 0; data && i < cnt && gelf_getdyn(data, (int)i, &d); i++)
		if (d.d_tag == DT_RUNPATH || d.d_tag == DT_RPATH)
			dirs = elf_strptr(elf, sh->sh_link, d.d_un.d_val);
	for (size_t i = 0; data && i < cnt && gelf_getdyn(data, (int)i, &d); i++) {
		name = d.d_tag == DT_NEEDED ? elf_strptr(elf, sh->sh_link, d.d_un.d_val) : NULL;
		if (name && *name)
			add(n, library(n, dirs, from, name));
	}
}

static void read_elf(struct needs *n, const char *from, int fd, Elf *elf)
{
	Elf_Scn *scn = NULL;
	char interp[256];
	GElf_Phdr ph;
	GElf_Shdr sh;
	size_t cnt;
	ssize_t len;

	if (elf_getphdrnum(elf, &cnt))
		return;
	for (size_t i = 0; i < cnt; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_INTERP)
			continue;
		len = pread(fd, interp, sizeof(interp), (off_t)ph.p_offset);
		if (len > 0 && memchr(interp, '\0', (size_t)len))
			add(n, interp);
	}
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_DYNAMIC)
			read_dynamic(n, from, elf, scn, &sh);
}

/* "#! /bin/sh -e" */
static void read_script(struct needs *n, int fd)
{
	char line[256];
	ssize_t len = pread(fd, line, sizeof(line) - 1, 0);
	char *p;

	if (len < 2 || line[0] != '#' || line[1] != '!')
		return;
	line[len] = '\0';
	p = line + 2 + strspn(line + 2, " \t");
	p[strcspn(p, " \t\n")] = '\0';
	add(n, p);
}

static void read_file(struct needs *n, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	Elf *elf;

	if (fd < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		read_elf(n, path, fd, elf);
	else
		read_script(n, fd);
	elf_end(elf);
	close(fd);
}

void probe_program_files(struct probe_env *env, const char *path,
			 void (*fn)(void *arg, const char *path), void *arg)
{
	struct needs n = { .env = env };

	add(&n, path);
	for (uint32_t i = 0; i < n.cnt; i++) {
		read_file(&n, n.path[i]);
		fn(arg, n.path[i]);
	}
}

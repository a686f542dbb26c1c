/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/canary.h"

struct canary {
	int pid, mem, exe; /* fds */
	char path[512]; /* of its file, as the list of mappings has it */
	uint64_t base; /* where the file's beginning is mapped */
	FILE *out;
	int touched;
};

/* Its code lies there, from off on in the file. */
static void compare_code(struct canary *c, uint64_t from, uint64_t to, uint64_t off)
{
	unsigned char now[4096], was[4096];

	for (; from < to; from += sizeof(now), off += sizeof(now)) {
		ssize_t len = pread(c->exe, was, sizeof(was), (off_t)off);

		if (len <= 0 || pread(c->mem, now, (size_t)len, (off_t)from) != len)
			return;
		for (ssize_t i = 0; i < len; i++) {
			if (now[i] == was[i])
				continue;
			c->touched++;
			if (c->out)
				fprintf(c->out, "left behind: a breakpoint at 0x%" PRIx64 "\n",
					off + (uint64_t)i);
		}
	}
}

static void look_at_code(struct canary *c)
{
	char path[64], line[1024], perms[8];
	uint64_t from, to, off;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", c->pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, c->path) || sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64,
						     &from, &to, perms, &off) != 4)
			continue;
		if (!off)
			c->base = from;
		if (strchr(perms, 'x'))
			compare_code(c, from, to, off);
	}
	if (maps)
		fclose(maps);
}

static void look_at_semaphores(struct canary *c, uint64_t addr, uint64_t size)
{
	uint16_t value;

	for (; size >= sizeof(value); addr += sizeof(value), size -= sizeof(value)) {
		if (pread(c->mem, &value, sizeof(value), (off_t)addr) != sizeof(value) || !value)
			continue;
		c->touched++;
		if (c->out)
			fprintf(c->out, "left behind: a semaphore at %u\n", value);
	}
}

/* They stand in a section of their own. */
static void look_at_data(struct canary *c)
{
	Elf *elf = elf_begin(c->exe, ELF_C_READ, NULL);
	Elf_Scn *scn = NULL;
	GElf_Ehdr eh;
	GElf_Shdr sh;
	size_t names;

	if (elf && gelf_getehdr(elf, &eh) && !elf_getshdrstrndx(elf, &names)) {
		while ((scn = elf_nextscn(elf, scn))) {
			const char *name =
				gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

			if (name && !strcmp(name, ".probes"))
				look_at_semaphores(c,
						   sh.sh_addr + (eh.e_type == ET_DYN ? c->base : 0),
						   sh.sh_size);
		}
	}
	elf_end(elf);
}

int canary_touched(int pid, FILE *out)
{
	struct canary c = { .pid = pid, .out = out };
	char path[64];
	ssize_t len;

	elf_version(EV_CURRENT);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, c.path, sizeof(c.path) - 1);
	c.exe = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	c.mem = open(path, O_RDONLY | O_CLOEXEC);
	if (len > 0 && c.exe >= 0 && c.mem >= 0) {
		look_at_code(&c);
		look_at_data(&c);
	} else {
		c.touched = -1;
	}
	if (c.exe >= 0)
		close(c.exe);
	if (c.mem >= 0)
		close(c.mem);
	return c.touched;
}

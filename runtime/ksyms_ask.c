// SPDX-License-Identifier: Apache-2.0
/*
 * Two programs of a few instructions each, around one value of an array map that we have mapped: one
 * prints an address as the kernel prints its own stacks, one looks up a name.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/ksyms_ask.h"

/* Newer than the headers we may be built with. */
enum { OUR_SNPRINTF = 165, OUR_KALLSYMS_LOOKUP_NAME = 179, OUR_PROG_SYSCALL = 31 };

enum { TEXT_SZ = 1024, QUESTION_SZ = 4096 };

struct question {
	uint64_t addr;
	char text[TEXT_SZ];
};

struct ksyms_ask {
	int map_fd, format_fd, addr_fd, name_fd;
	struct question *q;
};

#define LOAD(reg, map, at)                                                                         \
	{ .code = BPF_LD | BPF_DW | BPF_IMM,                                                       \
	  .dst_reg = (reg),                                                                        \
	  .src_reg = BPF_PSEUDO_MAP_VALUE,                                                         \
	  .imm = (map) },                                                                          \
	{                                                                                          \
		.imm = (at)                                                                        \
	}
#define SET(reg, n)                                                                                \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (n)                  \
	}
#define CALL(n)                                                                                    \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (n)                                             \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

static int load(const struct bpf_insn *insns, size_t cnt)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);

	return bpf_prog_load((enum bpf_prog_type)OUR_PROG_SYSCALL, "trace_ksym", "GPL", insns, cnt,
			     &opts);
}

/* snprintf(text, TEXT_SZ, "%pS", &addr, 8) */
static int load_addr(const struct ksyms_ask *a)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_REG_1, a->map_fd, offsetof(struct question, text)),
		SET(BPF_REG_2, TEXT_SZ),
		LOAD(BPF_REG_3, a->format_fd, 0),
		LOAD(BPF_REG_4, a->map_fd, offsetof(struct question, addr)),
		SET(BPF_REG_5, sizeof(uint64_t)),
		CALL(OUR_SNPRINTF),
		SET(BPF_REG_0, 0),
		EXIT,
	};

	return load(insns, sizeof(insns) / sizeof(*insns));
}

/* kallsyms_lookup_name(text, TEXT_SZ, 0, &addr) */
static int load_name(const struct ksyms_ask *a)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_REG_1, a->map_fd, offsetof(struct question, text)),
		SET(BPF_REG_2, TEXT_SZ),
		SET(BPF_REG_3, 0),
		LOAD(BPF_REG_4, a->map_fd, offsetof(struct question, addr)),
		CALL(OUR_KALLSYMS_LOOKUP_NAME),
		SET(BPF_REG_0, 0),
		EXIT,
	};

	return load(insns, sizeof(insns) / sizeof(*insns));
}

/* A format has to be something that nobody can change any more. */
static int make_maps(struct ksyms_ask *a)
{
	LIBBPF_OPTS(bpf_map_create_opts, ro, .map_flags = BPF_F_RDONLY_PROG);
	LIBBPF_OPTS(bpf_map_create_opts, rw, .map_flags = BPF_F_MMAPABLE);
	const char format[8] = "%pS";
	uint32_t key = 0;
	void *p;

	a->format_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "trace_format", sizeof(key),
				      sizeof(format), 1, &ro);
	a->map_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "trace_ksym", sizeof(key), QUESTION_SZ, 1, &rw);
	if (a->format_fd < 0 || a->map_fd < 0 ||
	    bpf_map_update_elem(a->format_fd, &key, format, BPF_ANY) ||
	    bpf_map_freeze(a->format_fd))
		return -1;
	p = mmap(NULL, QUESTION_SZ, PROT_READ | PROT_WRITE, MAP_SHARED, a->map_fd, 0);
	if (p == MAP_FAILED)
		return -1;
	a->q = p;
	return 0;
}

struct ksyms_ask *ksyms_ask_new(void)
{
	struct ksyms_ask *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct ksyms_ask){ -1, -1, -1, -1, NULL };
	if (!make_maps(a)) {
		a->addr_fd = load_addr(a);
		if (a->addr_fd >= 0)
			a->name_fd = load_name(a);
	}
	if (a->name_fd >= 0)
		return a;
	ksyms_ask_free(a);
	return NULL;
}

void ksyms_ask_free(struct ksyms_ask *a)
{
	const int fds[] = { a ? a->map_fd : -1, a ? a->format_fd : -1, a ? a->addr_fd : -1,
			    a ? a->name_fd : -1 };

	if (a && a->q)
		munmap(a->q, QUESTION_SZ);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(a);
}

static int run(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(fd, &opts);
}

char *ksyms_ask_addr(struct ksyms_ask *a, uint64_t addr)
{
	a->q->addr = addr;
	a->q->text[0] = '\0';
	/* an address without a name is printed as the number it is */
	if (run(a->addr_fd) || !strstr(a->q->text, "+0x"))
		return NULL;
	a->q->text[TEXT_SZ - 1] = '\0';
	return a->q->text;
}

uint64_t ksyms_ask_name(struct ksyms_ask *a, const char *name)
{
	size_t len = strlen(name);

	if (len >= TEXT_SZ)
		return 0;
	a->q->addr = 0;
	memcpy(a->q->text, name, len + 1);
	a->q->text[TEXT_SZ - 1] = '\0';
	return run(a->name_fd) ? 0 : a->q->addr;
}

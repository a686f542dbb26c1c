// SPDX-License-Identifier: Apache-2.0
/*
 * Loads programs that no script becomes, each wrong in one way, and prints what is made of the verifier's
 * words, a line each: those of the kernel that runs, which differ from version to version.
 *
 *	refusals KIND...	work flow calls helper memory; btf, where there is some; stack and old,
 *				which new kernels do not mind
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/verdict.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R10 = 10 };
enum { INSNS_MAX = 20000, LOG_SIZE = 1 << 20, BRANCHES = 8200, FRAMES = 20 };

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define COPY(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define ADD_REG(d, s) INSN(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)
#define MULTIPLY(d, i) INSN(BPF_ALU64 | BPF_MUL | BPF_K, d, 0, 0, i)
#define MASK(d, i) INSN(BPF_ALU64 | BPF_AND | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STORE(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, i)
#define GOTO(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define IF_ZERO(d, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, 0)
#define IF_NOT_ZERO(d, o) INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, 0)
#define IF_ABOVE(d, i, o) INSN(BPF_JMP | BPF_JSGT | BPF_K, d, 0, o, i)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define CALL_OWN(o) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o)
#define MAP(d, fd) INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* r6: a value of eight bytes of an array, r7: what is in it, which nobody knows */
#define VALUE()                                                                                    \
	STORE(R10, -8, 0), MAP(R1, array), COPY(R2, R10), ADD(R2, -8),                             \
		CALL(BPF_FUNC_map_lookup_elem), IF_NOT_ZERO(R0, 1), EXIT(), COPY(R6, R0),          \
		LOAD(R7, R6, 0), SET(R0, 0)

static int array, ring; /* maps */
static struct bpf_load_options {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	uint32_t btf_id;
	const char *license;
} usual = { BPF_PROG_TYPE_TRACEPOINT, 0, 0, "GPL" };

static void attempt(const char *name, const struct bpf_load_options *how,
		    const struct bpf_insn *insns, size_t cnt)
{
	char *log = calloc(1, LOG_SIZE);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = LOG_SIZE, .log_level = 1,
		    .expected_attach_type = how->attach, .attach_btf_id = how->btf_id);
	struct verdict v;
	int fd = bpf_prog_load(how->type, "refused", how->license, insns, cnt, &opts);

	verdict_read(log, &v);
	printf("%s: %s\n", name, fd >= 0 ? "taken" : v.plain ?: v.words);
	free(log);
}

#define TRY_AS(name, how, ...)                                                                     \
	attempt(name, how, (struct bpf_insn[]){ __VA_ARGS__ },                                     \
		sizeof((struct bpf_insn[]){ __VA_ARGS__ }) / sizeof(struct bpf_insn))
#define TRY(name, ...) TRY_AS(name, &usual, __VA_ARGS__)

static void try_branches(void)
{
	struct bpf_insn *insns = calloc(INSNS_MAX, sizeof(*insns));
	size_t n = 0;

	for (int i = 0; i < BRANCHES; i++) {
		insns[n++] = CALL(BPF_FUNC_get_prandom_u32);
		insns[n++] = IF_ZERO(R0, 0);
	}
	insns[n++] = EXIT();
	attempt("branches", &usual, insns, n);
	free(insns);
}

static void try_frames(void)
{
	struct bpf_insn insns[2 * FRAMES + 2];
	size_t n = 0;

	for (int i = 0; i < FRAMES; i++) {
		insns[n++] = CALL_OWN(1);
		insns[n++] = EXIT();
	}
	insns[n++] = SET(R0, 0);
	insns[n++] = EXIT();
	attempt("frames", &usual, insns, n);
}

static void try_work(void)
{
	TRY("endless", CALL(BPF_FUNC_get_prandom_u32), COPY(R6, R0), IF_ZERO(R6, -1), SET(R0, 0),
	    EXIT());
	try_branches();
	try_frames();
}

static void try_flow(void)
{
	TRY("unreached", SET(R0, 0), EXIT(), SET(R0, 1), EXIT());
	TRY("jump", SET(R0, 0), GOTO(9), EXIT());
	TRY("unwritten", COPY(R0, R5), EXIT());
}

static void try_calls(void)
{
	static const struct bpf_load_options owned = { BPF_PROG_TYPE_TRACEPOINT, 0, 0, "Own" };

	TRY_AS("license", &owned, COPY(R1, R10), ADD(R1, -8), SET(R2, 8), SET(R3, 0),
	       CALL(BPF_FUNC_probe_read_kernel), SET(R0, 0), EXIT());
	TRY("kind", SET(R1, 1), SET(R2, 8), SET(R3, 0), CALL(BPF_FUNC_probe_read_kernel),
	    SET(R0, 0), EXIT());
	TRY("reserved", MAP(R1, ring), SET(R2, 8), SET(R3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    SET(R0, 0), EXIT());
}

/* Kernels before 6.10 do not tell a helper of other programs from none. */
static void try_helper(void)
{
	TRY("helper", SET(R1, 0), CALL(BPF_FUNC_skb_store_bytes), SET(R0, 0), EXIT());
}

static void try_memory(void)
{
	TRY("context", LOAD(R0, R1, 0), EXIT());
	TRY("address", SET(R1, 0), LOAD(R0, R1, 0), EXIT());
	TRY("arithmetic", MULTIPLY(R1, 2), SET(R0, 0), EXIT());
	TRY("unchecked", STORE(R10, -8, 0), MAP(R1, array), COPY(R2, R10), ADD(R2, -8),
	    CALL(BPF_FUNC_map_lookup_elem), ADD(R0, 8), EXIT());
	TRY("outside", VALUE(), LOAD(R0, R6, 8), EXIT());
	TRY("maybe outside", VALUE(), MASK(R7, 0xfff), ADD_REG(R6, R7), LOAD(R0, R6, 0), EXIT());
	TRY("unbounded", VALUE(), ADD_REG(R6, R7), LOAD(R0, R6, 0), EXIT());
	TRY("unbounded size", VALUE(), COPY(R1, R6), COPY(R2, R7), SET(R3, 0),
	    CALL(BPF_FUNC_probe_read_kernel), EXIT());
	TRY("negative size", VALUE(), IF_ABOVE(R7, 4, 4), COPY(R1, R6), COPY(R2, R7), SET(R3, 0),
	    CALL(BPF_FUNC_probe_read_kernel), EXIT());
	TRY("above the stack", STORE(R10, 8, 0), SET(R0, 0), EXIT());
	TRY("below the stack", STORE(R10, -520, 0), SET(R0, 0), EXIT());
	TRY("place on the stack", VALUE(), COPY(R1, R10), ADD_REG(R1, R7), STORE(R1, 0, 0), EXIT());
	TRY("misaligned", STORE(R10, -12, 0), SET(R0, 0), EXIT());
}

static void try_stack(void)
{
	TRY("unwritten stack", LOAD(R0, R10, -8), EXIT());
	TRY("unwritten key", MAP(R1, array), COPY(R2, R10), ADD(R2, -8),
	    CALL(BPF_FUNC_map_lookup_elem), SET(R0, 0), EXIT());
}

/* Kernels from 6.13 on give functions a stack of their own, and of late the context may be moved. */
static void try_old(void)
{
	TRY("moved context", ADD(R1, 8), LOAD(R0, R1, 8), EXIT());
	TRY("sum of stacks", STORE(R10, -400, 0), CALL_OWN(2), SET(R0, 0), EXIT(),
	    STORE(R10, -400, 0), SET(R0, 0), EXIT());
}

static void try_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF) : -1;
	struct bpf_load_options typed = { BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
					  id > 0 ? (uint32_t)id : 0, "GPL" };

	TRY_AS("argument", &typed, LOAD(R0, R1, 8 * 9), SET(R0, 0), EXIT());
	TRY_AS("member", &typed, LOAD(R2, R1, 8), LOAD(R0, R2, 32000), SET(R0, 0), EXIT());
	TRY_AS("place", &typed, LOAD(R1, R1, 8), COPY(R2, R10), SET(R3, 0), CALL(BPF_FUNC_d_path),
	       SET(R0, 0), EXIT());
	btf__free(btf);
}

static const struct {
	const char *name;
	void (*try)(void);
} kinds[] = {
	{ "work", try_work },	  { "flow", try_flow },	    { "calls", try_calls },
	{ "helper", try_helper }, { "memory", try_memory }, { "stack", try_stack },
	{ "old", try_old },	  { "btf", try_btf },
};

int main(int argc, char **argv)
{
	libbpf_set_print(NULL);
	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "values", 4, 8, 1, NULL);
	ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 4096, NULL);
	if (array < 0 || ring < 0) {
		fprintf(stderr, "refusals: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			if (!strcmp(argv[i], kinds[k].name))
				kinds[k].try();
	return 0;
}

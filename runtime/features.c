// SPDX-License-Identifier: Apache-2.0
/* Asking the kernel what it can do: by trying, rather than by its version, wherever one can try. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/features.h"
#include "runtime/load.h"
#include "runtime/run.h"

/* Newer than the headers we may be built with. */
enum { OUR_BPF_PERF_EVENT = 41 };

struct features {
	const char *no_features;
	enum { UNASKED, YES, NO } state[FEAT_CNT];
};

struct probe {
	int prog_type; /* helper */
	int helper;
	const char *path;
	bool (*own)(void);
	bool needs_jit;
};

/* Whether there is one; what was tried is not kept. */
static bool was_made(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int trivial_prog(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, "trace_probe", "GPL", insns, 2, NULL);
}

/* *(r10 - 8) = 0; r1 = 1; r1 = atomic_fetch_add(r10 - 8, r1) */
static bool has_atomic_fetch(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_XADD | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_1,
		  .off = -8,
		  .imm = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	return was_made(bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "trace_probe", "GPL", insns,
				      sizeof(insns) / sizeof(*insns), NULL));
}

/* r2 = 0; override_return(r1, r2) */
static bool has_override(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_override_return },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	return was_made(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "trace_probe", "GPL", insns,
				      sizeof(insns) / sizeof(*insns), NULL));
}

static bool has_ringbuf(void)
{
	return was_made(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "trace_probe", 0, 0,
				       (uint32_t)sysconf(_SC_PAGESIZE), NULL));
}

static bool has_long_keys(void)
{
	return was_made(bpf_map_create(BPF_MAP_TYPE_HASH, "trace_probe", IMAGE_KEY_EVERYWHERE + 8,
				       8, 1, NULL));
}

static bool has_kprobe_multi(void)
{
	return probe_has_multi(PROBE_KPROBE_MULTI);
}

static bool has_kprobe_session(void)
{
	return probe_has_multi(PROBE_KPROBE_SESSION);
}

static bool has_uprobe_multi(void)
{
	return probe_has_multi(PROBE_UPROBE_MULTI);
}

static bool has_uprobe_session(void)
{
	return probe_has_multi(PROBE_UPROBE_SESSION);
}

static bool has_raw_tracepoint(void)
{
	return was_made(trivial_prog(BPF_PROG_TYPE_RAW_TRACEPOINT));
}

/* An empty program for what every kernel with BTF has: its fd, or negative. */
static int load_for(const char *name, enum bpf_attach_type type)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = libbpf_find_vmlinux_btf_id(name, type);

	if (id <= 0)
		return -ENOENT;
	opts.attach_btf_id = (uint32_t)id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_probe", "GPL", insns, 2, &opts);
}

/* arm64 loads such programs, but attaches them from 6.4 on; the function is there to be traced. */
static bool has_fentry(void)
{
	int prog = load_for("bpf_fentry_test1", BPF_TRACE_FENTRY);
	int link = prog < 0 ? prog : bpf_raw_tracepoint_open(NULL, prog);

	if (link >= 0)
		close(link);
	if (prog >= 0)
		close(prog);
	return link >= 0;
}

static bool has_iter(void)
{
	return was_made(load_for("task", BPF_TRACE_ITER));
}

/* Such a link is known when the kernel misses the event rather than the kind of link. */
static bool has_perf_link(void)
{
	int prog = trivial_prog(BPF_PROG_TYPE_TRACEPOINT), rc;

	if (prog < 0)
		return false;
	rc = bpf_link_create(prog, -1, (enum bpf_attach_type)OUR_BPF_PERF_EVENT, NULL);
	close(prog);
	return rc == -EBADF;
}

/* Off by net.core.bpf_jit_enable, or not built in. */
static bool has_jit(void)
{
	struct bpf_prog_info info = { 0 };
	uint32_t sz = sizeof(info);
	int prog = trivial_prog(BPF_PROG_TYPE_TRACEPOINT);
	bool has;

	if (prog < 0)
		return false;
	has = !bpf_obj_get_info_by_fd(prog, &info, &sz) && info.jited_prog_len;
	close(prog);
	return has;
}

static bool has_prog_run(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int prog = trivial_prog(BPF_PROG_TYPE_RAW_TRACEPOINT), rc;

	if (prog < 0)
		return false;
	rc = bpf_prog_test_run_opts(prog, &opts);
	close(prog);
	return !rc;
}

/* No way to try it: it is how the kernel does what it does. */
static bool has_mem_alloc(void)
{
	return kernel_version() >= KERNEL(6, 1, 0);
}

/*
 * Whether programs may call bpf_preempt_disable() (6.10) and functions of their own behind it (not yet
 * in 6.12). It is looked for when one is to (runtime/kfuncs.c): to find it in the kernel's types takes
 * longer than all else that is asked here.
 */
static bool has_preempt_disable(void)
{
	return kernel_version() >= KERNEL(6, 16, 0) && !access("/sys/kernel/btf/vmlinux", F_OK) &&
	       has_jit();
}

static bool has_tracefs(void)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char line[128];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "\ttracefs\n");
	if (f)
		fclose(f);
	return found || !access("/sys/kernel/tracing/events", F_OK) ||
	       !access("/sys/kernel/debug/tracing/events", F_OK);
}

#define helper(type, nr)                                                                           \
	{                                                                                          \
		.prog_type = (type), .helper = (nr)                                                \
	}
#define callback(type, nr)                                                                         \
	{                                                                                          \
		.prog_type = (type), .helper = (nr), .needs_jit = true                             \
	}
#define path(file)                                                                                 \
	{                                                                                          \
		.path = (file)                                                                     \
	}
#define own(fn)                                                                                    \
	{                                                                                          \
		.own = (fn)                                                                        \
	}
#define own_jit(fn)                                                                                \
	{                                                                                          \
		.own = (fn), .needs_jit = true                                                     \
	}

static const struct {
	const char *name, *help;
	struct probe probe;
} table[] = {
#define FEATURE(id, name, help, probe) { name, help, probe },
#include "runtime/features.def"
#undef FEATURE
};

#undef helper
#undef callback
#undef path
#undef own
#undef own_jit

enum feature feature_by_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < FEAT_CNT; i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			break;
	return (enum feature)i;
}

const char *feature_help(enum feature id)
{
	return table[id].help;
}

bool feature_needs_jit(enum feature id)
{
	return table[id].probe.needs_jit;
}

struct features *features_new(const char *no_features)
{
	struct features *f = calloc(1, sizeof(*f));
	const char *p = no_features;

	while (f && p && *p) {
		size_t len = strcspn(p, ",");
		enum feature id = feature_by_name(p, len);

		if (id != FEAT_CNT)
			f->state[id] = NO;
		p += len + (p[len] == ',');
	}
	return f;
}

void features_free(struct features *f)
{
	free(f);
}

static bool ask(struct features *f, const struct probe *p)
{
	if (p->needs_jit && !features_has(f, FEAT_JIT))
		return false;
	if (p->path)
		return !access(p->path, F_OK);
	if (p->own)
		return p->own();
	return libbpf_probe_bpf_helper((enum bpf_prog_type)p->prog_type,
				       (enum bpf_func_id)p->helper, NULL) == 1;
}

bool features_has(struct features *f, enum feature id)
{
	if (f->state[id] == UNASKED)
		f->state[id] = ask(f, &table[id].probe) ? YES : NO;
	return f->state[id] == YES;
}

static void print_caps(FILE *out)
{
	const struct {
		int nr;
		const char *name, *help;
	} caps[] = {
		{ CAPNR_BPF, "CAP_BPF", "maps and programs (5.8)" },
		{ CAPNR_PERFMON, "CAP_PERFMON", "attaching, reading the kernel's memory (5.8)" },
		{ CAPNR_SYS_ADMIN, "CAP_SYS_ADMIN",
		  "tracefs where it is not mounted; before 5.8 all" },
		{ CAPNR_SYS_RESOURCE, "CAP_SYS_RESOURCE", "maps of any size (before 5.11)" },
	};

	fprintf(out, "\nCapabilities\n");
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		fprintf(out, "  %-18s %-3s  %s\n", caps[i].name,
			cap_effective(caps[i].nr) ? "yes" : "no", caps[i].help);
}

/* The value of NAME="..." in os-release(5). */
static void print_distribution(FILE *out)
{
	char line[256] = "", *value = NULL;
	FILE *in = fopen("/etc/os-release", "re");

	while (in && !value && fgets(line, sizeof(line), in))
		if (!strncmp(line, "PRETTY_NAME=", 12))
			value = line + 12 + strspn(line + 12, "\"");
	if (value)
		fprintf(out, "  %-18s %.*s\n", "Distribution", (int)strcspn(value, "\"\n"), value);
	if (in)
		fclose(in);
}

/* A setting that changes what can be traced, or how fast it is. */
static void print_sysctl(FILE *out, const char *name, const char *path, const char *help)
{
	FILE *in = fopen(path, "re");
	int value;

	if (in && fscanf(in, "%d", &value) == 1)
		fprintf(out, "  %-18s %-3d  %s\n", name, value, help);
	if (in)
		fclose(in);
}

int features_print(struct features *f, FILE *out)
{
	static const char *const lockdown[] = { "none", "integrity", "confidentiality",
						"unknown: no /sys/kernel/security/lockdown" };
	struct utsname u;

	fprintf(out, "System\n");
	print_distribution(out);
	if (!uname(&u))
		fprintf(out, "  %-18s %s\n  %-18s %s\n", "Kernel", u.release, "Machine", u.machine);
	fprintf(out, "  %-18s %d\n", "Possible CPUs", libbpf_num_possible_cpus());
	fprintf(out, "  %-18s %s\n", "Lockdown", lockdown[kernel_lockdown()]);
	fprintf(out, "  %-18s %s\n", "libbpf", libbpf_version_string());
	print_sysctl(out, "bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable",
		     "0: programs are interpreted, and slow");
	print_sysctl(out, "kptr_restrict", "/proc/sys/kernel/kptr_restrict",
		     "2: the kernel's symbols have no addresses");
	print_sysctl(out, "perf_paranoid", "/proc/sys/kernel/perf_event_paranoid",
		     "2 and more: root or CAP_PERFMON only");
	print_caps(out);
	fprintf(out, "\nFeatures%s\n",
		cap_effective(CAPNR_BPF) || cap_effective(CAPNR_SYS_ADMIN)
			? ""
			: " (without capabilities many are not seen: ask as root)");
	for (int i = 0; i < FEAT_CNT; i++)
		fprintf(out, "  %-18s %-3s  %s\n", table[i].name,
			features_has(f, (enum feature)i) ? "yes" : "no", table[i].help);
	return ferror(out) || fflush(out) ? -EIO : 0;
}

int run_print_info(FILE *out, const char *no_features)
{
	struct features *f = features_new(no_features);
	int rc;

	if (!f)
		return -ENOMEM;
	libbpf_set_print(NULL);
	rc = features_print(f, out);
	features_free(f);
	return rc;
}

char *run_unknown_feature(const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ",");

		if (feature_by_name(list, len) == FEAT_CNT)
			return strndup(list, len);
		list += len + (list[len] == ',');
	}
	return NULL;
}

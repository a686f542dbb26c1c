// SPDX-License-Identifier: Apache-2.0
/*
 * Links on many functions of the kernel (5.18) or places in a file (6.6), and those whose program runs
 * when a function is called and when it returns (sessions: kernel 6.10, files 6.13). The program of a
 * session asks bpf_session_is_return(), a function of the kernel's, which of the two it is.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/env.h"

/* The part of union bpf_attr that is used, for headers older than the kernel. */
struct multi_link_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	union {
		struct {
			uint32_t flags, cnt;
			uint64_t syms, addrs, cookies;
		} kprobe_multi;
		struct {
			uint64_t path, offsets, ref_ctr_offsets, cookies;
			uint32_t cnt, flags, pid, pad;
		} uprobe_multi;
		uint64_t room[6];
	};
};
enum { MULTI_RETURN = 1 };

static const struct kind {
	const char *name; /* as in runtime/features.def */
	uint32_t attach_type;
	int refusal; /* of a link on nothing, by kernels that know such links */
	bool is_uprobe;
} kinds[] = {
	[PROBE_KPROBE_MULTI] = { "kprobe_multi", TRACE_KPROBE_MULTI, EFAULT, false },
	[PROBE_KPROBE_SESSION] = { "kprobe_session", TRACE_KPROBE_SESSION, EFAULT, false },
	[PROBE_UPROBE_MULTI] = { "uprobe_multi", TRACE_UPROBE_MULTI, ENOENT, true },
	[PROBE_UPROBE_SESSION] = { "uprobe_session", TRACE_UPROBE_SESSION, ENOENT, true },
};

int links_multi(const struct multi_args *a)
{
	struct multi_link_attr attr = {
		.prog_fd = (uint32_t)a->prog_fd,
		.attach_type = a->attach_type,
	};
	uint32_t flags = a->is_return ? MULTI_RETURN : 0;
	long fd;

	if (a->path) {
		attr.uprobe_multi.flags = flags;
		attr.uprobe_multi.cnt = a->cnt;
		attr.uprobe_multi.path = (uintptr_t)a->path;
		attr.uprobe_multi.offsets = (uintptr_t)a->offsets;
		attr.uprobe_multi.ref_ctr_offsets = (uintptr_t)a->ref_ctr_offsets;
		attr.uprobe_multi.cookies = (uintptr_t)a->cookies;
		attr.uprobe_multi.pid = a->pid;
	} else {
		attr.kprobe_multi.flags = flags;
		attr.kprobe_multi.cnt = a->cnt;
		attr.kprobe_multi.syms = (uintptr_t)a->syms;
		attr.kprobe_multi.addrs = (uintptr_t)a->addrs;
		attr.kprobe_multi.cookies = (uintptr_t)a->cookies;
	}
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

int links_load_nothing(uint32_t attach_type)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_KPROBE;
	attr.expected_attach_type = attach_type;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/*
 * The kernel looks for all functions, then takes a descriptor for the link, then attaches. Where no
 * descriptor is to be had that is the end of it, and no grace period is spent on detaching.
 */
int links_multi_try(const struct multi_args *a)
{
	struct rlimit was, none;
	int rc;

	if (getrlimit(RLIMIT_NOFILE, &was))
		return -errno;
	none = (struct rlimit){ 0, was.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &none))
		return -errno;
	rc = links_multi(a);
	setrlimit(RLIMIT_NOFILE, &was);
	if (rc >= 0)
		close(rc);
	return rc >= 0 || rc == -EMFILE ? 0 : rc;
}

/* A link on nothing: what the kernel has against it tells whether it knows such links. */
bool probe_has_multi(enum probe_multi kind)
{
	const struct kind *k = &kinds[kind];
	const uint64_t off = 0;
	struct multi_args link = {
		.attach_type = k->attach_type,
		.path = k->is_uprobe ? "/nowhere/at/all" : NULL,
		.offsets = &off,
		.syms = (const char *const *)1, /* no address that can be read */
		.cnt = 1,
		.prog_fd = links_load_nothing(k->attach_type),
	};
	int fd;

	if (link.prog_fd < 0)
		return false;
	fd = links_multi(&link);
	if (fd >= 0)
		close(fd);
	close(link.prog_fd);
	return fd == -k->refusal;
}

/* Whether the list "a,b" has the word. */
static bool lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		if (strcspn(list, ",") == len && !memcmp(list, word, len))
			return true;
		list = strchr(list, ',');
		list += list != NULL;
	}
	return false;
}

bool env_has_multi(struct probe_env *env, enum probe_multi kind)
{
	return !lists(env->opt.no_features, kinds[kind].name) && probe_has_multi(kind);
}

/* ---- sessions ---- */

bool env_session(struct probe_env *env, enum probe_multi kind, struct probe_load *out)
{
	if (!env_has_multi(env, kind))
		return false;
	out->attach_type = kinds[kind].attach_type;
	return true;
}

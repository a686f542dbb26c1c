// SPDX-License-Identifier: Apache-2.0
/*
 * The probes of the benchmark as one would write them by hand for libbpf: what trace's own code is
 * held against. Built with clang -O2 -target bpf.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* sys_enter_lseek as its format file has it */
struct enter_lseek {
	__u64 common;
	__u64 nr, fd, offset, whence;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} total SEC(".maps");

static __always_inline void count_one(void)
{
	__u32 zero = 0;
	__u64 *cnt = bpf_map_lookup_elem(&total, &zero);

	if (cnt)
		(*cnt)++;
}

/* Nothing: what being called, and being measured, costs by itself. */
SEC("tracepoint/syscalls/sys_enter_lseek")
int nothing(void *ctx)
{
	return 0;
}

/* @ = count() */
SEC("tracepoint/syscalls/sys_enter_lseek")
int count(void *ctx)
{
	count_one();
	return 0;
}

/* One value for all CPUs: adding to it is atomic. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s64);
} shared SEC(".maps");

/* @++ */
SEC("tracepoint/syscalls/sys_enter_lseek")
int increment(void *ctx)
{
	__u32 zero = 0;
	__s64 *n = bpf_map_lookup_elem(&shared, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s64);
} shared_by_pid SEC(".maps");

/* @[pid] += args.offset */
SEC("tracepoint/syscalls/sys_enter_lseek")
int add(struct enter_lseek *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__s64 *sum = bpf_map_lookup_elem(&shared_by_pid, &pid), none = 0;

	if (!sum) {
		bpf_map_update_elem(&shared_by_pid, &pid, &none, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&shared_by_pid, &pid);
	}
	if (sum)
		__sync_fetch_and_add(sum, ctx->offset);
	return 0;
}

/* /pid == 1/ { @ = count() } */
SEC("tracepoint/syscalls/sys_enter_lseek")
int predicate(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == 1)
		count_one();
	return 0;
}

struct comm {
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct comm);
	__type(value, __u64);
} by_comm SEC(".maps");

/* @[comm] = count() */
SEC("tracepoint/syscalls/sys_enter_lseek")
int comm(void *ctx)
{
	struct comm key = {};
	__u64 *cnt, one = 1;

	bpf_get_current_comm(&key, sizeof(key));
	cnt = bpf_map_lookup_elem(&by_comm, &key);
	if (cnt)
		(*cnt)++;
	else
		bpf_map_update_elem(&by_comm, &key, &one, BPF_NOEXIST);
	return 0;
}

/* 0: negative, 1: zero, 2 + n: from 2^n */
struct hist {
	__u64 slot[66];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct hist);
} by_pid SEC(".maps");

static const volatile struct hist empty;

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 r, shift;

	r = (v > 0xffffffff) << 5;
	v >>= r;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	return r | (v >> 1);
}

static __always_inline void hist_add(struct hist *h, __s64 v)
{
	__u32 slot = v < 0 ? 0 : v == 0 ? 1 : 2 + log2_of(v);

	if (slot < 66)
		h->slot[slot]++;
}

/* @[pid] = hist(args.offset) */
SEC("tracepoint/syscalls/sys_enter_lseek")
int hist(struct enter_lseek *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct hist *h = bpf_map_lookup_elem(&by_pid, &pid);

	if (!h) {
		bpf_map_update_elem(&by_pid, &pid, (const void *)&empty, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&by_pid, &pid);
		if (!h)
			return 0;
	}
	hist_add(h, ctx->offset);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hist);
} latency SEC(".maps");

/* @start[tid] = nsecs */
SEC("tracepoint/syscalls/sys_enter_lseek")
int enter(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_boot_ns();

	bpf_map_update_elem(&start, &tid, &now, BPF_ANY);
	return 0;
}

/* @ = hist(nsecs - @start[tid]); delete(@start, tid) */
SEC("tracepoint/syscalls/sys_exit_lseek")
int leave(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid(), zero = 0;
	__u64 *since = bpf_map_lookup_elem(&start, &tid);
	struct hist *h = bpf_map_lookup_elem(&latency, &zero);

	if (h)
		hist_add(h, bpf_ktime_get_boot_ns() - (since ? *since : 0));
	bpf_map_delete_elem(&start, &tid);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Functions of BPF programs, which fentry and fexit trace as they do functions of the kernel: the
 * program itself and those that it calls. Both are told by the program's own BTF, as long as whoever
 * loaded it gave the kernel one.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/env.h"

enum { WORDS_MAX = 5 };

int bpf_prog_open(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

static int info_of(int fd, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	return bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

/* The program with that id has no BTF, or is gone: -ENOENT. */
static int load_btf(uint32_t prog_id, struct btf **out)
{
	struct bpf_prog_info info = { 0 };
	int fd = bpf_prog_open(prog_id), rc;

	if (fd < 0)
		return fd;
	rc = info_of(fd, &info);
	close(fd);
	if (rc || !info.btf_id)
		return rc ?: -ENOENT;
	*out = btf__load_from_kernel_by_id(info.btf_id);
	return *out ? 0 : -errno;
}

struct btf *bpf_prog_btf(struct probe_env *env, const char *module, struct probe_error *err)
{
	uint32_t id = (uint32_t)strtoul(module + strlen(BPF_PROG_MODULE), NULL, 10);
	struct btf *btf = NULL;
	int rc = load_btf(id, &btf);

	if (rc)
		probe_fail(err, 1, rc,
			   rc == -ENOENT ? "BPF program %u is gone, or has no BTF"
					 : "BPF program %u: can not be looked at",
			   id);
	return btf;
}

/*
 * The kernel does not trace what traces, nor what is interpreted. Programs that end meanwhile are none
 * either.
 */
static bool is_traceable(const struct bpf_prog_info *info)
{
	return info->type != BPF_PROG_TYPE_TRACING && info->jited_prog_len && info->btf_id &&
	       info->nr_func_info;
}

/* The ids in the program's BTF of its functions, itself first; malloc'ed, NULL: none. */
static uint32_t *functions_of(int fd, uint32_t *cnt)
{
	struct bpf_prog_info info = { 0 }, again = { 0 };
	struct bpf_func_info *rows = NULL;
	uint32_t *ids = NULL;

	*cnt = 0;
	if (info_of(fd, &info) || !is_traceable(&info) || info.func_info_rec_size != sizeof(*rows))
		return NULL;
	again.nr_func_info = info.nr_func_info;
	again.func_info_rec_size = sizeof(*rows);
	rows = calloc(info.nr_func_info, sizeof(*rows));
	ids = calloc(info.nr_func_info, sizeof(*ids));
	again.func_info = (uintptr_t)rows;
	if (rows && ids && !info_of(fd, &again))
		*cnt = again.nr_func_info < info.nr_func_info ? again.nr_func_info
							      : info.nr_func_info;
	for (uint32_t i = 0; i < *cnt; i++)
		ids[i] = rows[i].type_id;
	free(rows);
	return ids;
}

static int one_program(uint32_t id, bpf_prog_fn fn, void *arg)
{
	int fd = bpf_prog_open(id), rc = 0;
	uint32_t cnt, *ids;

	if (fd < 0)
		return fd == -EPERM ? fd : 0;
	ids = functions_of(fd, &cnt);
	close(fd);
	for (uint32_t i = 0; i < cnt && !rc; i++)
		rc = fn(arg, id, ids[i]);
	free(ids);
	return rc;
}

int bpf_progs_each(const char *id_pattern, bpf_prog_fn fn, void *arg)
{
	uint32_t id = 0;
	char text[16];
	int rc = 0;

	if (!probe_is_glob(id_pattern))
		return one_program((uint32_t)strtoul(id_pattern, NULL, 10), fn, arg);
	errno = 0;
	while (!rc && !bpf_prog_get_next_id(id, &id)) {
		snprintf(text, sizeof(text), "%u", id);
		if (probe_glob_match(id_pattern, text))
			rc = one_program(id, fn, arg);
		errno = 0;
	}
	return rc ?: errno == EPERM ? -EPERM : 0;
}

/* Whether an fexit program for the function may read that word of its context. */
static bool has_word(int prog_fd, uint32_t btf_id, uint32_t word)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	const struct bpf_insn insns[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW,
		  .dst_reg = BPF_REG_0,
		  .src_reg = BPF_REG_1,
		  .off = (int16_t)(8 * word) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	opts.attach_btf_id = btf_id;
	opts.attach_prog_fd = (uint32_t)prog_fd;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_probe", "GPL", insns, 3, &opts);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Where the verifier takes a function's BTF for wrong, as with a context of another type than the
 * program's, it goes by five arguments, the registers, and the result stands behind those.
 */
uint32_t bpf_prog_words(uint32_t prog_id, uint32_t btf_id, uint32_t declared)
{
	int fd = bpf_prog_open(prog_id);
	bool trusted = fd < 0 || declared >= WORDS_MAX || !has_word(fd, btf_id, declared + 1);

	if (fd >= 0)
		close(fd);
	return trusted ? declared : WORDS_MAX;
}

/* What the kernel gives a program as its context is not what the program's author sees. */
static const char *kernel_type(const char *ctype)
{
	static const char *const types[][2] = {
		{ "struct __sk_buff *", "struct sk_buff *" },
		{ "struct bpf_perf_event_data *", "struct bpf_perf_event_data_kern *" },
		{ "struct bpf_sk_lookup *", "struct bpf_sk_lookup_kern *" },
		{ "struct bpf_sock *", "struct sock *" },
		{ "struct bpf_sock_addr *", "struct bpf_sock_addr_kern *" },
		{ "struct bpf_sock_ops *", "struct bpf_sock_ops_kern *" },
		{ "struct bpf_sockopt *", "struct bpf_sockopt_kern *" },
		{ "struct bpf_sysctl *", "struct bpf_sysctl_kern *" },
		{ "struct sk_msg_md *", "struct sk_msg *" },
		{ "struct sk_reuseport_md *", "struct sk_reuseport_kern *" },
		{ "struct xdp_md *", "struct xdp_buff *" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(ctype, types[i][0]))
			return types[i][1];
	return ctype;
}

int bpf_prog_fields(struct probe_env *env, const struct probe_target *t,
		    struct probe_fields *fields)
{
	struct probe_field *f = env_alloc(env, (fields->cnt + 1) * sizeof(*f));

	for (uint32_t i = 0; f && i < fields->cnt; i++) {
		f[i] = fields->fields[i];
		f[i].ctype = kernel_type(f[i].ctype);
		if (!strcmp(f[i].name, "retval"))
			f[i].off = 8 * (uint32_t)t->value;
		f[i].decl = env_printf(env, "%s %s", f[i].ctype, f[i].name);
		if (!f[i].decl)
			return -ENOMEM;
	}
	fields->fields = f;
	return f ? 0 : -ENOMEM;
}

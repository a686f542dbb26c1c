/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are loaded once for each of their targets. */
#ifndef TRACE_CLONE_H
#define TRACE_CLONE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>

/* What libbpf was about to load, to be loaded again. */
struct clone_source {
	struct bpf_insn *insns;
	size_t cnt;
	struct bpf_prog_load_opts opts; /* its tables are the next two */
	void *funcs, *lines;
};

/*
 * Has libbpf call fn, with arg for cookie, before it loads a program in that section of an object
 * that is opened from now on. An id, or negative. When the last is let go of nobody can ask again:
 * libbpf 1.1 frees its table then and takes it for one that it has.
 */
int clone_watch(const char *section, libbpf_prog_prepare_load_fn_t fn, void *arg);
void clone_unwatch(int id); /* 0: none */

/* In fn: s has the program, and what libbpf loads is the copy for target 0. s is freed by the caller. */
int clone_take(struct clone_source *s, struct bpf_program *prog,
	       const struct bpf_prog_load_opts *opts);
/* After: another one with another constant, maybe for another target. Its fd or -errno. */
struct clone_args {
	const struct bpf_program *prog;
	const struct clone_source *source;
	uint64_t cookie;
	const char *license;
	uint32_t btf_id; /* see struct probe_load */
	int btf_fd;
	char *log; /* the verifier's, when it refuses; NULL: nobody wants it */
	uint32_t log_sz;
};
int clone_load(const struct clone_args *a);
void clone_source_free(struct clone_source *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that ask for the attach cookie, on kernels that have none (before 5.15). */
#ifndef TRACE_CLONE_H
#define TRACE_CLONE_H

#include <bpf/libbpf.h>
#include <stdint.h>

struct clone_sites {
	uint32_t *at; /* instructions that stood for the call */
	uint32_t cnt;
};

/* Before the object is loaded: every call for the cookie becomes the constant cookie. */
int clone_prepare(struct bpf_program *prog, uint64_t cookie, struct clone_sites *sites);
/* After: another program like it with another constant, maybe for another target. Its fd or -errno. */
struct clone_args {
	const struct bpf_program *prog;
	const struct clone_sites *sites;
	uint64_t cookie;
	const char *license;
	uint32_t btf_id; /* see struct probe_load */
	int btf_fd;
	char *log; /* the verifier's, when it refuses; NULL: nobody wants it */
	uint32_t log_sz;
};
int clone_load(const struct clone_args *a);
void clone_sites_free(struct clone_sites *sites);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that fentry and fexit trace. Targets: a is the module ("vmlinux": the kernel, "bpf:ID": a BPF
 * program), b the function, value the words that its arguments take, value2 what is known of the
 * result (low 16 bits) and the id of the function in the BTF of this kernel, which only the compiler
 * relies on.
 */
#ifndef TRACE_PROBES_FENTRY_H
#define TRACE_PROBES_FENTRY_H

#include <string.h>

#include "probes/env.h"

struct btf;

enum { /* value2 */
       FENTRY_RET_SIZE = 0xff,
       FENTRY_RET_SIGNED = 0x100,
       FENTRY_OF_PATTERN = 0x200,
       FENTRY_ID_SHIFT = 32,
};

static inline bool fentry_of_program(const char *module)
{
	return !strncmp(module, BPF_PROG_MODULE, strlen(BPF_PROG_MODULE));
}

/* The module's BTF, kept for as long as env; NULL and err. */
struct btf *fentry_btf(struct probe_env *env, const char *module, struct probe_error *err);
/* The hook expand of the type of that name. */
int fentry_expand(struct probe_env *env, const char *type, const struct probe_target *pat,
		  probe_fn fn, void *arg, struct probe_error *err);

/*
 * Loads an empty program for a function by the id in its BTF; btf_fd as in struct probe_load. Its fd, or
 * what the kernel says, and in its words why, when it has any.
 */
int fentry_load_nothing(const char *type, uint32_t btf_id, int btf_fd, char *why, uint32_t why_sz);

#endif

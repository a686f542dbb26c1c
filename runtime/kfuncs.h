/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the kernel's own functions: IMAGE_CALLS. */
#ifndef TRACE_KFUNCS_H
#define TRACE_KFUNCS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/image.h"

struct probe_env;

enum kfunc {
#define X(name, function) KFUNC_##name,
	IMAGE_CALLS(X)
#undef X
		KFUNC_CNT
};

/* Zeroed: not asked for yet. */
struct kfuncs {
	bool asked;
	bool keeps; /* programs may keep their CPU */
	uint32_t ids[KFUNC_CNT]; /* in the kernel's BTF; 0: it has none */
};

bool kfuncs_has(struct kfuncs *k, struct probe_env *env, enum kfunc f);

/*
 * Before loading: calls become those of the kernel's functions. alone: the program is to have its CPU to
 * itself, where the kernel can give it that; else those calls do nothing. 0 or -errno.
 */
int kfuncs_settle(struct kfuncs *k, struct probe_env *env, struct bpf_program *prog, bool alone);

/* Whether the kernel lets programs under that licence call its functions. */
bool license_is_gpl(const char *license);

#endif

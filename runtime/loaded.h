/* SPDX-License-Identifier: Apache-2.0 */
/* What load.c makes and loaded.c answers questions about. */
#ifndef TRACE_LOADED_H
#define TRACE_LOADED_H

#include "probes/probe.h"
#include "runtime/clone.h"
#include "runtime/kfuncs.h"
#include "runtime/load.h"

struct loaded_prog {
	const struct probe_type *type;
	struct bpf_program *prog;
	struct probe_load how;
	struct clone_source source; /* empty: libbpf loads it as it is */
	int *clone_fds; /* of targets 1 and up */
	uint32_t clone_cnt;
	char *log; /* what the verifier says of it, when it refuses or -d verifier asks */
	/* of the probe on calls of a session that is chosen; its prog is that of both then */
	const struct image_session *session;
	bool merged; /* the probe on returns: it has no program of its own */
};

struct loaded {
	const struct image *img;
	void *elf; /* a copy of the image that libbpf reads from; NULL: the image itself */
	bool is_other; /* kernel than the image was compiled on */
	struct bpf_object *obj;
	struct loaded_prog *progs; /* by probe */
	int *map_fds;
	struct map_shape *shapes; /* by map */
	uint32_t *offs; /* of the layouts, in bits */
	char *log;
	uint32_t log_sz;
	uint32_t refused; /* probe whose program will be, as it was before; IMAGE_NONE */
	uint32_t ncpus, ring;
	struct kfuncs kfuncs;
	bool cookies;
	bool one_process; /* -p or -c */
	bool unwinds; /* the kernel can */
	bool told; /* why it failed */
};

#endif

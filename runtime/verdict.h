/* SPDX-License-Identifier: Apache-2.0 */
/* The log of the kernel's verifier, read for what the user can do with it. */
#ifndef TRACE_VERDICT_H
#define TRACE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/image.h"

struct bpf_object;
struct bpf_program;

enum { VERDICT_NO_INSN = UINT32_MAX };

/* Older kernels say nothing of it: they refuse with -E2BIG and without a word. */
#define VERDICT_MAPS "it uses more maps than the 64 that a program may have"
#define VERDICT_MAPS_HINT                                                                          \
	"Share the work out among several probes, or keep several values in one map, by a key."

struct verdict {
	const char *plain; /* NULL: nothing that we know */
	const char *hint;
	bool is_work; /* there is too much to check: no fault but the amount */
	char words[256]; /* the verifier's own, one line */
	uint32_t insn; /* the last one it looked at, or VERDICT_NO_INSN */
	uint32_t line; /* of the script, when the log says so (6.10); 0: it does not */
	char text[256]; /* that line's text, when there is one */
};

void verdict_read(const char *log, struct verdict *v);
/* The place of the script that it is about, as a row of the image, or IMAGE_NONE. */
uint32_t verdict_place(const struct image *img, const struct bpf_object *obj,
		       const struct bpf_program *prog, const struct verdict *v);

#endif

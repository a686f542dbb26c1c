/* SPDX-License-Identifier: Apache-2.0 */
/* The back end of the compiler: a checked tree in, an image out. Alone in using LLVM. */
#ifndef TRACE_CODEGEN_H
#define TRACE_CODEGEN_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/image.h"

struct unit;
struct consts_here;

struct codegen_options {
	bool dump_ir; /* -d codegen: as generated */
	bool dump_ir_opt; /* -d codegen-opt: after LLVM's passes */
	bool dump_asm; /* -d dis: BPF assembly */
	bool headings; /* more than one stage is printed: each under its name */
	bool helper_errors; /* -k: count failing helpers by place */
	bool verify; /* --verify-llvm-ir */
	bool dry_run; /* programs are attached, and do nothing: see gen_declare_over() */
	/*
	 * The words that are known already, as the image is to run here: they become plain operands.
	 * NULL: it may run elsewhere, and all are filled in when it is loaded.
	 */
	bool (*known)(const struct consts_here *here, enum image_const_kind kind, const char *name,
		      uint64_t *word);
	const struct consts_here *here;
	uint32_t round; /* how many compilations this process has done before */
	/* Prints the diagnostics of a unit: where LLVM refuses it can only be ended. */
	void (*give_up)(struct unit *u);
	const char *emit_llvm; /* file for the optimised IR; NULL */
	const void *short_image; /* what goes into IMAGE_SECTION_SHORT; NULL: no such section */
	size_t short_sz;
};

/*
 * Needs a checked tree without errors. Gives a sealed image (malloc'ed). -EINVAL when diagnostics
 * were queued.
 */
int codegen(struct unit *u, const struct codegen_options *opt, void **elf, size_t *elf_sz);

/* "LLVM 19.1.7", for --info. */
const char *codegen_version(void);

#endif

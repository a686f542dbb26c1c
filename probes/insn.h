/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of this machine, as much of them as placing breakpoints needs. */
#ifndef TRACE_PROBES_INSN_H
#define TRACE_PROBES_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the instruction at code; 0: none that is known. */
unsigned insn_length(const uint8_t *code, size_t left);
bool insn_is_return(const uint8_t *code, unsigned len);
/*
 * Whether the kernel may refuse a breakpoint on it: it would have to run the instruction elsewhere, which
 * it does not do with some. Which these are is its to say.
 */
bool insn_is_doubtful(const uint8_t *code, size_t left);
bool insn_is_doubtful_x86(const uint8_t *code, size_t left); /* on any machine */

/* x86_64 code, on any machine. */
unsigned insn_length_x86(const uint8_t *code, size_t left);

/*
 * Whether an instruction begins off bytes behind the first one; before and after: the nearest that do.
 * -EINVAL: none does; -EILSEQ: not known, what is before is no code that can be read.
 */
int insn_boundary(const uint8_t *code, size_t left, uint64_t off, uint64_t *before,
		  uint64_t *after);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a program that the kernel may skip a hit of. */
#ifndef TRACE_CODEGEN_BEAT_H
#define TRACE_CODEGEN_BEAT_H

#include "codegen/gen.h"

/* Goes on when the body is to be run. Called once per program, in the order of probes. */
void beat_begin(struct gen *g);

#endif

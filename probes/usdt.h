/* SPDX-License-Identifier: Apache-2.0 */
/* USDT probes. */
#ifndef TRACE_PROBES_USDT_H
#define TRACE_PROBES_USDT_H

#include "probes/elf.h"

/* One location of a probe. */
struct usdt_site {
	const char *provider, *name, *args;
	uint64_t off, ref_ctr; /* in the file; ref_ctr 0: no semaphore */
};

/* Operand n of a probe's arguments. -ENOENT: there is none, -EINVAL: not understood. */
int usdt_arg(const char *spec, int n, struct probe_arg *out);

/* The same of a machine's programs. */
enum usdt_machine { USDT_X86_64, USDT_ARM64 };
int usdt_arg_of(enum usdt_machine machine, const char *spec, int n, struct probe_arg *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's symbols: the kernel is asked for each, or /proc/kallsyms read when the first one is. */
#ifndef TRACE_KSYMS_H
#define TRACE_KSYMS_H

#include <stddef.h>
#include <stdint.h>

struct ksyms;

/* Reads nothing yet. path: a file like /proc/kallsyms; NULL: the kernel's own. NULL: no memory. */
struct ksyms *ksyms_new(const char *path);
void ksyms_free(struct ksyms *k);

struct ksym {
	const char *name;
	const char *module; /* NULL: the kernel itself; "bpf": a BPF program */
	uint64_t off; /* of the address from the symbol's */
};

/* 0, or -ENOENT when nothing has the address. */
int ksyms_find(struct ksyms *k, uint64_t addr, struct ksym *sym);
/* Address of a name, 0 when there is none or addresses are hidden from us. */
uint64_t ksyms_addr(struct ksyms *k, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel asked for one symbol at a time, by programs that we run once for each: microseconds, where
 * /proc/kallsyms is tens of milliseconds whatever is wanted of it. It also works where addresses are
 * hidden in that file.
 */
#ifndef TRACE_KSYMS_ASK_H
#define TRACE_KSYMS_ASK_H

#include <stdint.h>

struct ksyms_ask;

/* NULL: this kernel (before 5.16) cannot be asked, or not by us. */
struct ksyms_ask *ksyms_ask_new(void);
void ksyms_ask_free(struct ksyms_ask *a);

/* What has the address as "name+0xOFF/0xSIZE[ [module]]", until the next question; NULL: nothing. */
char *ksyms_ask_addr(struct ksyms_ask *a, uint64_t addr);
/* The address of a name; 0: there is none, or it is not told. */
uint64_t ksyms_ask_name(struct ksyms_ask *a, const char *name);

#endif

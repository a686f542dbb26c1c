/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel features: asked for when needed, once. */
#ifndef TRACE_FEATURES_H
#define TRACE_FEATURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum feature {
#define FEATURE(id, name, help, probe) FEAT_##id,
#include "runtime/features.def"
#undef FEATURE
	FEAT_CNT
};

struct features;

/* no_features: names a,b to treat as missing; NULL: none. Must outlive it. */
struct features *features_new(const char *no_features);
void features_free(struct features *f);
bool features_has(struct features *f, enum feature id);
/* FEAT_CNT: no such feature. */
enum feature feature_by_name(const char *name, size_t len);
const char *feature_help(enum feature id);
bool feature_needs_jit(enum feature id);

/* Kernel, lockdown, capabilities, features: a table for --info. */
int features_print(struct features *f, FILE *out);

/* ---- what the place allows: caps.c ---- */

enum lockdown { LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY, LOCKDOWN_UNKNOWN };

enum lockdown kernel_lockdown(void);
uint32_t kernel_version(void); /* 6.1.2: 0x060102 */
#define KERNEL(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

enum { CAPNR_PERFMON = 38, CAPNR_BPF = 39, CAPNR_SYS_ADMIN = 21, CAPNR_SYS_RESOURCE = 24 };

bool cap_effective(int nr);
/* Names of the capabilities that tracing needs and we lack, as "CAP_BPF and CAP_PERFMON"; NULL: none. */
const char *caps_missing(void);
bool in_initial_user_ns(void);

#endif

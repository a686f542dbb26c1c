/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that run on calls and on returns, see codegen/session.c. */
#ifndef TRACE_SESSION_H
#define TRACE_SESSION_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

/* Before loading: IMAGE_IS_RETURN becomes the kernel's function of that id in its BTF. 0 or -errno. */
int session_settle(struct bpf_program *prog, uint32_t is_return_id);

/* Whether the kernel lets programs under that licence call its functions. */
bool license_is_gpl(const char *license);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of this machine by number. */
#ifndef TRACE_SYSCALLS_H
#define TRACE_SYSCALLS_H

#include <stdint.h>

#define SYSCALL_UNKNOWN "Unknown syscall"

uint32_t syscall_cnt(void); /* one above the highest number */
const char *syscall_by_number(uint32_t nr); /* SYSCALL_UNKNOWN: there is none */

#endif

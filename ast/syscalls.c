/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that the C library's headers knew when this was built (syscalls.inc, made from them) and
 * those that came later: from 424 on all architectures count alike.
 */
#include "ast/syscalls.h"

#include <stddef.h>
#include <sys/syscall.h>

#pragma GCC diagnostic ignored "-Woverride-init"

static const char *const names[] = {
	[451] = "cachestat",	     [452] = "fchmodat2",	 [453] = "map_shadow_stack",
	[454] = "futex_wake",	     [455] = "futex_wait",	 [456] = "futex_requeue",
	[457] = "statmount",	     [458] = "listmount",	 [459] = "lsm_get_self_attr",
	[460] = "lsm_set_self_attr", [461] = "lsm_list_modules", [462] = "mseal",
	[463] = "setxattrat",	     [464] = "getxattrat",	 [465] = "listxattrat",
	[466] = "removexattrat",     [467] = "open_tree_attr",	 [468] = "file_getattr",
	[469] = "file_setattr",
#include "ast/syscalls.inc"
};

uint32_t syscall_cnt(void)
{
	return sizeof(names) / sizeof(*names);
}

const char *syscall_by_number(uint32_t nr)
{
	return nr < syscall_cnt() && names[nr] ? names[nr] : SYSCALL_UNKNOWN;
}

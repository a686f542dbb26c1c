// SPDX-License-Identifier: Apache-2.0
/*
 * libdw maps the files that it reads. They are other people's: a program may be written anew, in place,
 * while we hold it. What stands in them is believed nowhere, so zeroes do no harm.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/sigbus.h"

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *at = (void *)((uintptr_t)info->si_addr & ~(page - 1));

	if (info->si_code == BUS_ADRERR &&
	    mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == at)
		return;
	signal(signo, SIG_DFL); /* it comes again */
}

void sigbus_survive(struct sigaction *old)
{
	struct sigaction act = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigemptyset(&act.sa_mask);
	sigaction(SIGBUS, &act, old);
}

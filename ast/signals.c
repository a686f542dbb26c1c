/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/signals.h"

#include <signal.h>
#include <string.h>

int signal_by_name(const char *name)
{
	const char *abbrev;

	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i < SIGRTMIN; i++) {
		abbrev = sigabbrev_np(i);
		if (abbrev && strcmp(abbrev, name) == 0)
			return i;
	}
	return 0;
}

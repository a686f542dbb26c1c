/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/signals.h"

#include <signal.h>
#include <string.h>

#include "lexer/arena.h"
#include "lexer/diag.h"

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

void signals_nearest(struct arena *a, struct nearest *near)
{
	const char *prefix = strncmp(near->word, "SIG", 3) == 0 ? "SIG" : "";

	for (int i = 1; i < SIGRTMIN; i++)
		if (sigabbrev_np(i))
			nearest_feed(near, arena_printf(a, "%s%s", prefix, sigabbrev_np(i)));
}

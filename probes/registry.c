// SPDX-License-Identifier: Apache-2.0
/* The probe types, in alphabetical order: the order of -l. A new one is a word here. */
#include <string.h>
#include <strings.h>

#include "probes/probe.h"

#define TYPES(X)                                                                                   \
	X(begin)                                                                                   \
	X(end)                                                                                     \
	X(fentry)                                                                                  \
	X(fexit)                                                                                   \
	X(hardware) X(interval) X(kprobe) X(kretprobe) X(profile) X(rawtracepoint) X(software)     \
		X(tracepoint) X(uprobe) X(uretprobe) X(usdt) X(watchpoint)

#define X(name) extern const struct probe_type probe_##name;
TYPES(X)
#undef X

static const struct probe_type *const types[] = {
#define X(name) &probe_##name,
	TYPES(X)
#undef X
};

const struct probe_type *const *probe_types(uint32_t *cnt)
{
	*cnt = sizeof(types) / sizeof(*types);
	return types;
}

const struct probe_type *probe_type_find(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct probe_type *t = types[i];

		if (!strcmp(t->name, name) ||
		    (t->when != PROBE_WHEN_ATTACHED && !strcasecmp(t->name, name)))
			return t;
		for (size_t k = 0; k < 4 && t->aliases[k]; k++) {
			if (!strcmp(t->aliases[k], name))
				return t;
		}
	}
	return NULL;
}

// SPDX-License-Identifier: Apache-2.0
/* The probe types by name. A new one is a line in types.def. */
#include <string.h>
#include <strings.h>

#include "probes/probe.h"

#define TYPE(name) extern const struct probe_type probe_##name;
#include "probes/types.def"
#undef TYPE

static const struct probe_type *const types[] = {
#define TYPE(name) &probe_##name,
#include "probes/types.def"
#undef TYPE
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

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ast/ast.h"
#include "ast/builtins.h"
#include "lexer/diag.h"

#define BUILTIN_PREFIX "__builtin_"

static const struct builtin builtins[] = {
#define BUILTIN(name, signature, flags, help) { #name, B_##name, signature, flags, help },
#include "builtins.def"
#undef BUILTIN
};

const struct builtin *builtin_find(const char *name)
{
	if (strncmp(name, BUILTIN_PREFIX, sizeof(BUILTIN_PREFIX) - 1) == 0)
		name += sizeof(BUILTIN_PREFIX) - 1;
	for (uint32_t i = 0; i < B_COUNT; i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}

const struct builtin *builtin_by_id(enum builtin_id id)
{
	return &builtins[id];
}

bool builtin_is_later(const char *name)
{
	static const char later[] = "__session_is_return";

	return words_find(later, name) >= 0;
}

void builtin_nearest(struct nearest *n, uint32_t flags)
{
	for (uint32_t i = 0; i < B_COUNT; i++)
		if ((builtins[i].flags & flags) == flags)
			nearest_feed(n, builtins[i].name);
}

bool builtin_is_value(const char *name)
{
	const struct builtin *b = builtin_find(name);

	return b && (b->flags & BI_VALUE);
}

bool str_counts_nul(const struct node *call)
{
	return call->call.args->kind != N_STR;
}

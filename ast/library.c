/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that the language can say itself: macros, read only when a program names them. One of
 * the program's own with the same name comes instead.
 */
#include "ast/import.h"

#include <string.h>

static const struct {
	const char *name, *text;
} rows[] = {
#define LIBRARY(name, text) { #name, text },
#include "library.def"
#undef LIBRARY
};

const char *library_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].text;
	return NULL;
}

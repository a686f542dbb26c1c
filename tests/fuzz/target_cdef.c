/* SPDX-License-Identifier: Apache-2.0 */
/* C definitions: parsed, made into types, laid out and printed. */
#include <stdlib.h>
#include <string.h>

#include "ast/ctype.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "tests/fuzz/unit.h"

/* Bytes are a definition when they are one: the text begins as C does. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const heads[] = { "struct s { ", "enum e { ", "typedef ", "union u { " };
	const struct compile_options opt = { .warnings = true };
	const char *head;
	struct unit u;
	char *text;

	/* Kernel headers and other files are not what is tried here. */
	if (!len || memchr(data, '#', len) || memmem(data, len, "import", 6))
		return 0;
	head = heads[data[0] % 4];
	text = malloc(strlen(head) + len);
	memcpy(text, head, strlen(head));
	memcpy(text + strlen(head), data + 1, len - 1);
	fuzz_begin(&u, &opt, (uint8_t *)text, strlen(head) + len - 1);
	free(text);
	u.types = types_new(u.arena);
	u.settings = settings_new(u.arena);
	if (!parse(&u) && !import(&u))
		define(&u);
	fuzz_flush(&u, fuzz_nowhere());
	ctypes_free(u.ctypes);
	arena_free(u.arena);
	return 0;
}

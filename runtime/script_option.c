/* SPDX-License-Identifier: Apache-2.0 */
/* What an option of a script is given. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/script_option.h"

const char *script_option_given(const char *name, const char *const *words, uint32_t cnt)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (uint32_t i = 0; i < cnt; i++) {
		const char *s = words[i] + 2;

		if (strncmp(s, name, len) == 0 && (!s[len] || s[len] == '='))
			found = s[len] ? s + len + 1 : s + len;
	}
	return found;
}

int script_option_set(struct script_option *o, const char *text)
{
	char *end;

	switch (o->kind) {
	case SCRIPT_FLAG:
		o->num = !*text || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
		break;
	case SCRIPT_NUMBER:
		errno = 0;
		o->num = strtoll(text, &end, 0);
		if (errno || *end || end == text)
			return -EINVAL;
		break;
	case SCRIPT_TEXT: o->text = text; break;
	case SCRIPT_KIND_CNT: break;
	}
	return 0;
}

void script_option_print(FILE *out, const struct script_option *o)
{
	fprintf(out, "  --%s", o->name);
	if (o->kind == SCRIPT_TEXT)
		fprintf(out, "=TEXT (\"%s\")", o->text);
	else if (o->kind == SCRIPT_NUMBER)
		fprintf(out, "=NUMBER (%" PRId64 ")", o->num);
	fprintf(out, "%s%s\n", *o->help ? "  " : "", o->help);
}

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
		if (!o->num && strcmp(text, "false") && strcmp(text, "0"))
			return -EINVAL;
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

const char *script_option_wants(const struct script_option *o)
{
	static const char *const kinds[] = { [SCRIPT_FLAG] = "true or false",
					     [SCRIPT_NUMBER] = "a number",
					     [SCRIPT_TEXT] = "a text" };

	return kinds[o->kind];
}

/* What stands behind the name. */
static const char *value_of(const struct script_option *o)
{
	return o->kind == SCRIPT_NUMBER ? "=NUMBER" : o->kind == SCRIPT_TEXT ? "=TEXT" : "";
}

int script_option_width(const struct script_option *o)
{
	return (int)(strlen(o->name) + strlen(value_of(o)));
}

void script_option_print(FILE *out, const struct script_option *o, int width)
{
	fprintf(out, "  --%s%s", o->name, value_of(o));
	if (*o->help)
		fprintf(out, "%*s%s", width + 2 - script_option_width(o), "", o->help);
	/* 0, "" and -1 stand for no such option */
	if (o->kind == SCRIPT_TEXT && *o->text)
		fprintf(out, " (default: %s)", o->text);
	else if (o->kind == SCRIPT_NUMBER && o->num != 0 && o->num != -1)
		fprintf(out, " (default: %" PRId64 ")", o->num);
	else if (o->kind == SCRIPT_FLAG && o->num)
		fprintf(out, " (default: true)");
	fprintf(out, "\n");
}

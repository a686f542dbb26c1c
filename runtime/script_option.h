/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a script, getopt("name", default, "description"), and what the words "--name=value" make
 * of them: for the compiler, where they become constants, and for a compiled tool (runtime/tool.c).
 */
#ifndef TRACE_SCRIPT_OPTION_H
#define TRACE_SCRIPT_OPTION_H

#include <stdint.h>
#include <stdio.h>

enum script_option_kind {
	SCRIPT_FLAG, /* --name, --name=true, --name=false */
	SCRIPT_NUMBER,
	SCRIPT_TEXT,
	SCRIPT_KIND_CNT
};

/* What a tool has room for, with the NUL; a default may not be longer either. */
enum { SCRIPT_TEXT_SZ = 128 };

struct script_option {
	const char *name, *help; /* help: "" when there is none */
	enum script_option_kind kind;
	int64_t num; /* FLAG, NUMBER: the default, then what is given */
	const char *text; /* TEXT */
};

/* What follows "--name=" in the last word that has it: "" when only the name is there, NULL: none. */
const char *script_option_given(const char *name, const char *const *words, uint32_t cnt);
/* Sets the value; -EINVAL: the text is none of the kind. The text stays the caller's. */
int script_option_set(struct script_option *o, const char *text);
const char *script_option_wants(const struct script_option *o); /* "a number" */
/* A line of the script's help, which begins behind names of that width. */
int script_option_width(const struct script_option *o);
void script_option_print(FILE *out, const struct script_option *o, int width);

#endif

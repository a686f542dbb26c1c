// SPDX-License-Identifier: Apache-2.0
/*
 * C++ by the C++ library's own demangler. Rust's older names are C++ names in form, with a hash at
 * the end and characters that C++ has not written as $..$ and dots.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probes/demangle.h"
#include "probes/probe.h"

char *__cxa_demangle(const char *name, char *out, size_t *sz, int *status);

enum { NAME_MAX_LEN = 4096 }; /* longer ones take the demangler too much memory and time */

/* "::h" and sixteen digits at the end; gives where it begins. */
static char *rust_hash(char *s)
{
	size_t len = strlen(s);
	char *p = s + len - 19;

	if (len < 20 || strncmp(p, "::h", 3) || strspn(p + 3, "0123456789abcdef") != 16)
		return NULL;
	return p;
}

static size_t rust_escape(const char *s, char *c)
{
	static const struct {
		const char *text;
		char c;
	} known[] = {
		{ "$SP$", '@' },  { "$BP$", '*' },   { "$RF$", '&' },  { "$LT$", '<' },
		{ "$GT$", '>' },  { "$LP$", '(' },   { "$RP$", ')' },  { "$C$", ',' },
		{ "$u20$", ' ' }, { "$u27$", '\'' }, { "$u5b$", '[' }, { "$u5d$", ']' },
		{ "$u7b$", '{' }, { "$u7d$", '}' },  { "$u7e$", '~' }, { "$u2b$", '+' },
		{ "$u22$", '"' },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].text);

		if (!strncmp(s, known[i].text, len)) {
			*c = known[i].c;
			return len;
		}
	}
	return 0;
}

/* In place: what it becomes is never longer. */
static void rust_unescape(char *s)
{
	char *to = s;
	size_t n;

	if (s[0] == '_' && s[1] == '$')
		s++;
	while (*s) {
		if (s[0] == ':' && s[1] == ':' && s[2] == '_' && s[3] == '$') {
			*to++ = ':';
			*to++ = ':';
			s += 3;
		} else if (s[0] == '.' && s[1] == '.') {
			*to++ = ':';
			*to++ = ':';
			s += 2;
		} else if (*s == '$' && (n = rust_escape(s, to))) {
			to++;
			s += n;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

char *demangle(const char *name)
{
	char *s, *hash;
	int status;

	if (name[0] == '_' && name[1] == 'R')
		return demangle_rust(name);
	if (name[0] != '_' || name[1] != 'Z' || strnlen(name, NAME_MAX_LEN) == NAME_MAX_LEN)
		return NULL;
	s = __cxa_demangle(name, NULL, NULL, &status);
	hash = s ? rust_hash(s) : NULL;
	if (hash) {
		*hash = '\0';
		rust_unescape(s);
	}
	return s;
}

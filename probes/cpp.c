// SPDX-License-Identifier: Apache-2.0
/*
 * Names of C++ functions as people write them: "Ns::fn" means every overload, "Ns::fn(int)" one of
 * them; what a template's name begins with, the result's type, and its arguments need not be written.
 */
#include <stdlib.h>
#include <string.h>

#include "probes/elf.h"

/* Where the parameter list begins: the last one at the outermost level, behind the name. */
static char *find_params(char *s)
{
	int depth = 0;
	size_t at = strlen(s);

	while (at-- > 0) {
		depth += (s[at] == ')') - (s[at] == '(');
		if (s[at] == '(' && !depth)
			return s + at;
	}
	return NULL;
}

/* The last blank before the parameters that is in no brackets: what is before it is a result. */
static char *skip_result(char *s, const char *end)
{
	int depth = 0;
	char *from = s;

	if (!strncmp(s, "operator ", 9))
		return s;
	for (char *p = s; p < end; p++) {
		depth += (*p == '(' || *p == '<') - (*p == ')' || (*p == '>' && p[-1] != '-'));
		if (*p == ' ' && !depth && strncmp(p - (p - s > 8 ? 8 : 0), "operator", 8))
			from = p + 1;
	}
	return from;
}

static void drop_template(char *s)
{
	char *at = strchr(s, '<');

	if (at && s[strlen(s) - 1] == '>' && !strstr(s, "operator"))
		*at = 0;
}

/*
 * One way to write parameters: "const char *" is "char const*" to demanglers, and blanks are nobody's
 * business. In place: it grows no longer.
 */
static void normalise(char *s)
{
	char *params = find_params(s), *to = params, *from, *end;

	for (char *p = params; p && *p; p = end) {
		bool is_const;

		*to++ = *p++; /* the bracket, a comma */
		p += strspn(p, " ");
		is_const = !strncmp(p, "const ", 6);
		from = p + 6 * is_const;
		end = p + strcspn(p, ",)");
		for (p = from; p < end; p++) {
			bool is_end = *p == '*' || *p == '&' || p + 1 == end;

			if (*p != ' ' || (p[1] != '*' && p[1] != '&' && p[1] != ' '))
				*to++ = *p;
			if (!is_const || !is_end)
				continue;
			to -= *p == '*' || *p == '&';
			memcpy(to, " const", 6);
			to += 6;
			if (*p == '*' || *p == '&')
				*to++ = *p;
			is_const = false;
		}
		if (*end == ')') {
			memmove(to, end, strlen(end) + 1);
			return;
		}
	}
}

static bool matches(const char *pattern, char *s)
{
	char *params = find_params(s);

	if (probe_glob_match(pattern, s))
		return true;
	if (!params || params == s)
		return false;
	s = skip_result(s, params);
	if (probe_glob_match(pattern, s))
		return true;
	*params = 0;
	if (probe_glob_match(pattern, s))
		return true;
	drop_template(s);
	return probe_glob_match(pattern, s);
}

bool cpp_matches(const char *pattern, const char *symbol)
{
	char *s = symbol[0] == '_' && symbol[1] == 'Z' ? demangle(symbol) : NULL;
	char *wanted = s ? strdup(pattern) : NULL;
	bool found = false;

	if (wanted) {
		normalise(wanted);
		normalise(s);
		found = matches(wanted, s);
	}
	free(wanted);
	free(s);
	return found;
}

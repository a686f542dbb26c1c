/* SPDX-License-Identifier: Apache-2.0 */
/* The law of --fmt over every program there is: those of all cases, and the installed scripts. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/format_law.h"

static unsigned failed, parsed;

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	FILE *mem = open_memstream(&text, len);
	int c;

	while (f && (c = getc(f)) != EOF)
		putc(c, mem);
	fclose(mem);
	if (f)
		fclose(f);
	return text;
}

static void test_text(const char *path, const char *text, size_t len)
{
	bool parses;
	const char *wrong = format_law(text, len, &parses, true);

	parsed += parses;
	if (!wrong)
		return;
	fprintf(stderr, "%s: %s\n", path, wrong);
	failed++;
}

/* A case's section "prog", and its files that are scripts; "--- " begins the next one. */
static void test_case(const char *path, const char *text)
{
	const char *at = text, *end;

	while (at && (at = strstr(at, "\n--- "))) {
		const char *name = at + 5;
		size_t name_len = strcspn(name, "\n");

		at = name + name_len;
		if (!*at)
			return;
		end = strstr(at, "\n--- ");
		if (strncmp(name, "prog", name_len) != 0 && !memmem(name, name_len, ".bt", 3))
			continue;
		test_text(path, at + 1, end == at ? 0 : end ? (size_t)(end - at) : strlen(at + 1));
	}
}

static void test_files(const char *src, const char *pattern, bool is_case)
{
	char full[4096];
	glob_t found;

	snprintf(full, sizeof(full), "%s/%s", src, pattern);
	if (glob(full, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t len;
		char *text = read_file(found.gl_pathv[i], &len);

		if (is_case)
			test_case(found.gl_pathv[i], text);
		else
			test_text(found.gl_pathv[i], text, len);
		free(text);
	}
	globfree(&found);
}

int main(int argc, char **argv)
{
	const char *src = getenv("SRC");

	for (int i = 1; i < argc; i++)
		test_files("", argv[i], false);
	if (argc == 1) {
		test_files(src ? src : ".", "tests/cases/*/*.test", true);
		test_files(src ? src : ".", "scripts/*.bt", false);
		if (parsed < 100) {
			fprintf(stderr, "only %u programs were found\n", parsed);
			failed++;
		}
	}
	printf("%u programs\n", parsed);
	return failed ? 1 : 0;
}

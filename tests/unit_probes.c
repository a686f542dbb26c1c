// SPDX-License-Identifier: Apache-2.0
/* Names, numbers and tracepoint formats: what the probe types are built on, without a kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/tracepoint.h"

static int failures;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                          \
			failures++;                                                                \
		}                                                                                  \
	} while (0)

static void test_glob(void)
{
	CHECK(probe_glob_match("*", ""));
	CHECK(probe_glob_match("a*b*c", "aXXbYYbZc"));
	CHECK(!probe_glob_match("a*b*c", "aXXbYYbZ"));
	CHECK(probe_glob_match("sys_[er]n*", "sys_enter"));
	CHECK(probe_glob_match("x[a-c]", "xb"));
	CHECK(!probe_glob_match("x[a-c]", "xd"));
	CHECK(probe_glob_match("x[!a-c]", "xd"));
	CHECK(!probe_glob_match("x[!a-c]", "x"));
	CHECK(probe_glob_match("x[]]", "x]"));
	CHECK(probe_glob_match("x[", "x["));
	CHECK(!probe_glob_match("", "x"));
	CHECK(probe_glob_match("****x", "x"));
	CHECK(probe_is_glob("a*") && probe_is_glob("[a]") && !probe_is_glob("a[") &&
	      !probe_is_glob("ab"));
}

static void check_number(const char *text, uint64_t want, const char *rest)
{
	const char *end, *why;
	uint64_t value;

	why = number_read(text, &value, &end);
	CHECK(!why && value == want && !strcmp(end, rest));
}

static void test_numbers(void)
{
	const char *end;
	uint64_t value;

	check_number("0", 0, "");
	check_number("18446744073709551615", UINT64_MAX, "");
	check_number("0xffZ", 255, "Z");
	check_number("010", 8, "");
	check_number("1_000ms", 1000, "ms");
	check_number("1e6", 1000000, "");
	check_number("1ex", 1, "ex");
	CHECK(number_read("18446744073709551616", &value, &end));
	CHECK(number_read("1e20", &value, &end));
	CHECK(number_read("", &value, &end));
	CHECK(number_read("x", &value, &end));
}

static void test_types(void)
{
	CHECK(probe_type_find("t") == probe_type_find("tracepoint"));
	CHECK(probe_type_find("BEGIN") == probe_type_find("begin"));
	CHECK(!probe_type_find("T"));
	CHECK(!probe_type_find(""));
}

static const char format[] = "name: made_up\nID: 1\nformat:\n"
			     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			     "\tfield:char comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:0;\n"
			     "\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;\n"
			     "\tfield:__rel_loc u64[] list;\toffset:28;\tsize:4;\tsigned:0;\n"
			     "\tfield:u16 grid[2][3];\toffset:32;\tsize:12;\tsigned:0;\n"
			     "\tfield:const char __user * path;\toffset:48;\tsize:8;\tsigned:0;\n"
			     "\tfield:void (*fn)(int);\toffset:56;\tsize:8;\tsigned:0;\n"
			     "\tfield:struct timespec ts;\toffset:64;\tsize:16;\tsigned:0;\n"
			     "\tfield:void *ptr;\toffset:80;\tsize:8;\tsigned:0;\n"
			     "\tfield:s64 last;\toffset:88;\tsize:8;\tsigned:1;\n\n"
			     "print fmt: \"field:%d\", REC->last\n";

#define F(name_, ctype_, decl_, off_, size_, is_signed_, user_, loc_)                              \
	{                                                                                          \
		.name = name_, .ctype = ctype_, .decl = decl_, .off = off_, .size = size_,         \
		.is_signed = is_signed_, .user_ptr = user_, .loc = loc_,                           \
	}
static const struct probe_field wanted[] = {
	F("comm", "char[16]", "char comm[TASK_COMM_LEN]", 8, 16, false, false, LOC_PLAIN),
	F("name", "char[]", "__data_loc char[] name", 24, 4, false, false, LOC_DATA_LOC),
	F("list", "u64[]", "__rel_loc u64[] list", 28, 4, false, false, LOC_REL_LOC),
	F("grid", "u16[2][3]", "u16 grid[2][3]", 32, 12, false, false, LOC_PLAIN),
	F("path", "const char *", "const char __user * path", 48, 8, false, true, LOC_PLAIN),
	F("fn", "void *", "void (*fn)(int)", 56, 8, false, false, LOC_PLAIN),
	F("ts", "struct timespec", "struct timespec ts", 64, 16, false, false, LOC_PLAIN),
	F("ptr", "void *", "void *ptr", 80, 8, false, false, LOC_PLAIN),
	F("last", "s64", "s64 last", 88, 8, true, false, LOC_PLAIN),
};
enum { WANTED_CNT = sizeof(wanted) / sizeof(*wanted) };

static void test_format(struct probe_env *env)
{
	char *text = strdup(format);
	struct probe_fields got;

	if (!text || tracepoint_format(env, "made", text, &got)) {
		CHECK(!"the format is read");
		free(text);
		return;
	}
	CHECK(got.cnt == WANTED_CNT && got.size == 96);
	for (uint32_t i = 0; i < got.cnt && i < WANTED_CNT; i++) {
		const struct probe_field *g = &got.fields[i], *w = &wanted[i];

		if (strcmp(g->name, w->name) || strcmp(g->ctype, w->ctype) ||
		    strcmp(g->decl, w->decl) || g->off != w->off || g->size != w->size ||
		    g->is_signed != w->is_signed || g->user_ptr != w->user_ptr ||
		    g->loc != w->loc) {
			printf("%s: is \"%s\" \"%s\" \"%s\" %u+%u\n", w->name, g->name, g->ctype,
			       g->decl, g->off, g->size);
			failures++;
		}
	}
	free(text);
}

/* Cut anywhere, a format is read or refused. */
static void test_cut_format(struct probe_env *env)
{
	struct probe_fields got;

	for (size_t len = 0; len < sizeof(format); len++) {
		char *text = strndup(format, len);
		int rc = text ? tracepoint_format(env, "syscalls", text, &got) : 0;

		CHECK(rc == 0 || rc == -EINVAL);
		free(text);
	}
}

static void test_bad_format(struct probe_env *env)
{
	static const char *const bad[] = { "field: x;\toffset:0;\tsize:8;",
					   "field:;offset:0;size:1;",
					   "field:int x;",
					   "field:[];offset:0;size:1;",
					   "field:int [4];offset:0;size:1;",
					   "field:x;offset:0;size:1;" };
	struct probe_fields got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = strdup(bad[i]);

		CHECK(!text || tracepoint_format(env, "syscalls", text, &got) == -EINVAL);
		free(text);
	}
}

static void test_nearest(void)
{
	struct near_name n = { .word = "page-fualts" };

	near_name_feed(&n, "dummy");
	near_name_feed(&n, "page-faults");
	near_name_feed(&n, "major-faults");
	CHECK(n.best && !strcmp(n.best, "page-faults"));
	n = (struct near_name){ .word = "zz" };
	near_name_feed(&n, "page-faults");
	CHECK(!n.best);
}

int main(void)
{
	struct probe_env *env = probe_env_new(NULL);

	CHECK(env);
	test_glob();
	test_numbers();
	test_types();
	test_nearest();
	test_format(env);
	test_cut_format(env);
	test_bad_format(env);
	probe_env_free(env);
	probe_env_free(NULL);
	return failures > 0;
}

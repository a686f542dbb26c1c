// SPDX-License-Identifier: Apache-2.0
/*
 * Fields of a tracepoint's record, from its format file:
 *
 *	field:const char * filename;	offset:16;	size:8;	signed:0;
 *	field:char comm[16];	offset:8;	size:16;	signed:0;
 *	field:__data_loc char[] name;	offset:24;	size:4;	signed:0;
 *
 * A declaration is C but for __data_loc and __rel_loc, which say that the word in the record tells
 * where the value is. Array sizes may be expressions of the kernel ("comm[TASK_COMM_LEN]"); the
 * field's size decides then.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/tracepoint.h"

/* Bytes of an array's element, for sizes written as expressions; 0: not known. */
static uint32_t elem_size(const char *type)
{
	static const struct {
		const char *name;
		uint32_t size;
	} sizes[] = {
		{ "char", 1 },	   { "u8", 1 },		  { "__u8", 1 },	  { "s8", 1 },
		{ "uint8_t", 1 },  { "u16", 2 },	  { "__u16", 2 },	  { "uint16_t", 2 },
		{ "short", 2 },	   { "u32", 4 },	  { "__u32", 4 },	  { "uint32_t", 4 },
		{ "int", 4 },	   { "unsigned int", 4 }, { "u64", 8 },		  { "__u64", 8 },
		{ "uint64_t", 8 }, { "long", 8 },	  { "unsigned long", 8 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (!strcmp(sizes[i].name, type))
			return sizes[i].size;
	}
	return 0;
}

static char *skip_word(char *s, const char *word)
{
	size_t len = strlen(word);

	return strncmp(s, word, len) ? NULL : s + len;
}

/* Drops every mark that means nothing here, in place. */
static void drop_word(char *s, const char *word)
{
	size_t len = strlen(word);

	while ((s = strstr(s, word)) != NULL)
		memmove(s, s + len, strlen(s + len) + 1);
}

static bool is_count(const char *s)
{
	for (; *s && *s != ']'; s++) {
		if (!isdigit((unsigned char)*s))
			return false;
	}
	return true;
}

/* "char" and "[16]", or "[TASK_COMM_LEN]" with the field's size, to "char[16]" */
static char *array_type(struct probe_env *env, const char *base, const char *dims, uint32_t size)
{
	uint32_t elem = elem_size(base);
	bool known = true;

	for (const char *p = strchr(dims, '['); p; p = strchr(p + 1, '['))
		known &= p[1] != ']' && is_count(p + 1);
	if (known || !size)
		return env_printf(env, "%s%s", base, dims);
	if (!elem || size % elem)
		return env_printf(env, "uint8_t[%u]", size);
	return env_printf(env, "%s[%u]", base, size / elem);
}

/*
 * A declaration to name and type; decl is taken apart. Function pointers, "void (*fn)(int)", become
 * void pointers.
 */
static int parse_decl(struct probe_env *env, char *decl, struct probe_field *f)
{
	char *rest, *name, *end, *dims = NULL;

	f->decl = env_strdup(env, decl);
	if (strstr(decl, "__user"))
		f->user_ptr = true;
	drop_word(decl, "__user ");
	if ((rest = skip_word(decl, "__data_loc "))) {
		f->loc = LOC_DATA_LOC;
		decl = rest;
	} else if ((rest = skip_word(decl, "__rel_loc "))) {
		f->loc = LOC_REL_LOC;
		decl = rest;
	}
	name = strstr(decl, "(*");
	if (name) {
		name += 2;
		f->name = env_strndup(env, name, strcspn(name, ")"));
		f->ctype = "void *";
		return f->decl && f->name ? 0 : -ENOMEM;
	}
	/* "char name[16]": the brackets follow the name; "char[] name": they are the type's */
	end = decl + strlen(decl);
	while (end > decl && end[-1] == ']') {
		do
			end--;
		while (end > decl && *end != '[');
		dims = end;
	}
	name = end;
	while (name > decl && (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
		name--;
	if (name == end || name == decl)
		return -EINVAL;
	f->name = env_strndup(env, name, (size_t)(end - name));
	dims = dims ? env_strdup(env, dims) : NULL;
	while (name > decl && name[-1] == ' ')
		name--;
	*name = 0;
	if (!*decl)
		return -EINVAL;
	f->ctype = dims ? array_type(env, decl, dims, f->size) : env_strdup(env, decl);
	return f->decl && f->name && f->ctype ? 0 : -ENOMEM;
}

/* "offset:8" anywhere behind the declaration */
static bool read_number(const char *line, const char *key, uint32_t *value)
{
	const char *at = strstr(line, key);

	if (at)
		*value = (uint32_t)strtoul(at + strlen(key), NULL, 10);
	return at;
}

/*
 * Arguments of system calls are registers, whatever type is declared ("int fd", size 8), and pointers
 * among them are the caller's.
 */
static void syscall_field(struct probe_field *f)
{
	char last = f->ctype[strlen(f->ctype) - 1];

	if (last == '*')
		f->user_ptr = true;
	else if (last != ']' && f->size == 8)
		f->ctype = f->is_signed ? "long" : "unsigned long";
}

/* 1: a field, 0: none that counts */
static int parse_line(struct probe_env *env, const char *subsys, char *line, struct probe_field *f)
{
	char *decl = strstr(line, "field:"), *end = decl ? strchr(decl, ';') : NULL;
	uint32_t is_signed = 0;
	int rc;

	if (!end)
		return 0;
	*end++ = 0;
	decl += strlen("field:");
	if (strstr(decl, " common_"))
		return 0;
	*f = (struct probe_field){ 0 };
	if (!read_number(end, "offset:", &f->off) || !read_number(end, "size:", &f->size))
		return -EINVAL;
	read_number(end, "signed:", &is_signed);
	f->is_signed = is_signed;
	rc = parse_decl(env, decl, f);
	if (rc)
		return rc;
	if (!strcmp(subsys, "syscalls"))
		syscall_field(f);
	return 1;
}

int tracepoint_format(struct probe_env *env, const char *subsys, char *text,
		      struct probe_fields *out)
{
	struct probe_field *fields;
	uint32_t cnt = 0;
	char *line, *next;
	int rc;

	for (const char *p = text; (p = strstr(p, "field:")); p++)
		cnt++;
	fields = env_alloc(env, (cnt + 1) * sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	*out = (struct probe_fields){ .fields = fields };
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (!strncmp(line, "print fmt:", 10))
			break;
		rc = parse_line(env, subsys, line, &fields[out->cnt]);
		if (rc < 0)
			return rc;
		if (rc) {
			const struct probe_field *f = &fields[out->cnt++];

			if (f->off + f->size > out->size)
				out->size = f->off + f->size;
		}
	}
	return 0;
}

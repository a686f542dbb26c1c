// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments of USDT probes as compilers write them, "SIZE@OPERAND" between blanks. A negative size is
 * a signed value. Operands are those of the assembler:
 *
 *	x86_64	-4@$5  8@%rdi  -4@%eax  1@%ah  4@-20(%rbp)  8@(%rax)  4@16(%rsp,%rcx,8)
 *	arm64	-4@5  8@x0  -4@w1  4@[sp, 12]  8@[x0]  8@[x0, x1]  8@[x0, x1, lsl 3]
 *
 * What is at a name, "8@counter(%rip)", has become a distance from the probe when it gets here.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/usdt.h"

/* The n-th operand, blanks in brackets are its own. */
static bool find_spec(const char *spec, int n, char *out, size_t sz)
{
	const char *p = spec, *from;
	int depth;

	for (;; n--) {
		while (*p == ' ')
			p++;
		if (!*p)
			return false;
		for (from = p, depth = 0; *p && (*p != ' ' || depth); p++)
			depth += (*p == '[' || *p == '(') - (*p == ']' || *p == ')');
		if (!n)
			break;
	}
	return snprintf(out, sz, "%.*s", (int)(p - from), from) < (int)sz;
}

#if defined(__x86_64__)

/* Any name of a register's part to the row of the whole. */
static int find_reg(const char *name, size_t len, bool *high)
{
	char reg[8];

	if (len < 2 || len >= sizeof(reg))
		return -1;
	memcpy(reg, name, len);
	reg[len] = 0;
	*high = false;
	if (reg[0] == 'r' && isdigit((unsigned char)reg[1])) { /* r8 r8d r8w r8b */
		if (strchr("dwb", reg[len - 1]))
			reg[len - 1] = 0;
	} else if (reg[0] == 'e') { /* eax */
		reg[0] = 'r';
	} else if (len == 2 && strchr("abcd", reg[0]) && strchr("lh", reg[1])) { /* al ah */
		*high = reg[1] == 'h';
		reg[1] = 'x';
	} else if (len == 3 && reg[2] == 'l') { /* sil */
		reg[2] = 0;
	}
	return probe_reg_find(reg);
}

static const char *take_reg(const char *p, int *off, bool *high)
{
	size_t len;

	if (*p != '%')
		return NULL;
	for (len = 0; isalnum((unsigned char)p[1 + len]); len++)
		;
	*off = find_reg(p + 1, len, high);
	return *off < 0 ? NULL : p + 1 + len;
}

static bool parse_x86(const char *p, struct probe_arg *out)
{
	bool high;
	char *end;

	if (*p == '$') {
		out->disp = (int64_t)strtoull(p + 1, &end, 0);
		return end > p + 1 && !*end;
	}
	if (*p == '%') {
		p = take_reg(p, &out->base, &out->high);
		return p && !*p;
	}
	out->disp = (int64_t)strtoull(p, &end, 0);
	p = end;
	if (*p++ != '(')
		return false; /* a symbol, relative to the instruction */
	out->deref = true;
	if (*p != ',') {
		p = take_reg(p, &out->base, &high);
		if (!p)
			return false;
	}
	if (*p == ',') {
		out->scale = 1;
		p = take_reg(p + 1, &out->index, &high);
		if (p && *p == ',') {
			out->scale = (uint32_t)strtoul(p + 1, &end, 0);
			p = end;
		}
	}
	return p && !strcmp(p, ")");
}

#else

static bool parse_x86(const char *p, struct probe_arg *out)
{
	return false;
}

#endif

/* ---- arm64: understood on any machine, for the tests ---- */

/* x0, w0, sp: as struct user_pt_regs has them. */
static const char *take_reg_arm64(const char *p, int *off)
{
	unsigned long n;
	char *end;

	if (p[0] == 's' && p[1] == 'p') {
		*off = 31 * 8;
		return p + 2;
	}
	if ((*p != 'x' && *p != 'w') || !isdigit((unsigned char)p[1]))
		return NULL;
	n = strtoul(p + 1, &end, 10);
	*off = (int)n * 8;
	return n <= 30 ? end : NULL;
}

/* "lsl #3" */
static const char *take_shift_arm64(const char *p, uint32_t *scale)
{
	unsigned long n;
	char *end;

	p += strspn(p, " ");
	if (strncmp(p, "lsl ", 4))
		return NULL;
	p += 4 + strspn(p + 4, " #");
	n = strtoul(p, &end, 10);
	*scale = 1u << (n & 7);
	return n <= 4 && end > p ? end : NULL;
}

static bool parse_arm64(const char *p, struct probe_arg *out)
{
	char *end;

	if (isdigit((unsigned char)*p) || *p == '-') {
		out->disp = (int64_t)strtoull(p, &end, 0);
		return !*end;
	}
	if (*p != '[') {
		p = take_reg_arm64(p, &out->base);
		return p && !*p;
	}
	out->deref = true;
	p = take_reg_arm64(p + 1, &out->base);
	if (p && *p == ',') {
		p += 1 + strspn(p + 1, " #");
		if (isdigit((unsigned char)*p) || *p == '-') {
			out->disp = (int64_t)strtoll(p, &end, 0);
			p = end;
		} else {
			out->scale = 1;
			p = take_reg_arm64(p, &out->index);
			if (p && *p == ',')
				p = take_shift_arm64(p + 1, &out->scale);
		}
	}
	return p && !strcmp(p, "]");
}

int usdt_arg_of(enum usdt_machine machine, const char *spec, int n, struct probe_arg *out)
{
	char text[128], *at;
	const char *operand;
	long size = 8;

	*out = (struct probe_arg){ .base = PROBE_ARG_NONE, .index = PROBE_ARG_NONE };
	if (n < 0 || !find_spec(spec, n, text, sizeof(text)))
		return -ENOENT;
	at = strchr(text, '@');
	if (at)
		size = strtol(text, &at, 10);
	if (at && *at != '@')
		return -EINVAL; /* "8f@": a floating point number */
	out->is_signed = size < 0;
	out->size = (uint32_t)labs(size);
	if (out->size != 1 && out->size != 2 && out->size != 4 && out->size != 8)
		return -EINVAL;
	operand = at ? at + 1 : text;
	if (!(machine == USDT_ARM64 ? parse_arm64 : parse_x86)(operand, out))
		return -EINVAL;
	return 0;
}

int usdt_arg(const char *spec, int n, struct probe_arg *out)
{
#if defined(__aarch64__)
	return usdt_arg_of(USDT_ARM64, spec, n, out);
#else
	return usdt_arg_of(USDT_X86_64, spec, n, out);
#endif
}

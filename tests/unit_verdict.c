// SPDX-License-Identifier: Apache-2.0
/* Logs as the kernel's verifier writes them, of several versions, and what is made of them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/verdict.h"

static int failures;

static void check(int line, const char *log, const char *plain, uint32_t insn, uint32_t at,
		  const char *text)
{
	struct verdict v;
	bool ok;

	verdict_read(log, &v);
	ok = plain ? v.plain && strstr(v.plain, plain) && v.hint : !v.plain;
	ok = ok && v.insn == insn && v.line == at && !strcmp(v.text, text);
	if (ok)
		return;
	printf("%s:%d: \"%s\" at %u, line %u '%s' (%s)\n", __FILE__, line,
	       v.plain ? v.plain : "nothing", v.insn, v.line, v.text, v.words);
	failures++;
}
#define CHECK(...) check(__LINE__, __VA_ARGS__)

static void test_places(void)
{
	/* 6.10 and newer: with the line's number; text may hold an @ */
	CHECK("; @x = 1; @ a.bt:3\n0: (b7) r1 = 1\n; @y[$i] = 2; @ dir/a b.bt:14\n"
	      "7: (79) r2 = *(u64 *)(r1 +8)\nR1 invalid mem access 'scalar'\n"
	      "processed 8 insns (limit 1000000)\n",
	      "address", 7, 14, "@y[$i] = 2;");
	/* before */
	CHECK("; @y = $i;\n12: (79) r2 = *(u64 *)(r1 +8)\nR1 invalid mem access 'inv'\n"
	      "processed 13 insns (limit 1000000) max_states_per_insn 0\n",
	      "address", 12, 0, "@y = $i;");
	/* programs of -e have no lines */
	CHECK("; \n3: (95) exit\nUnreleased reference id=2 alloc_insn=1\n", "given back", 3, 0, "");
	CHECK("unreachable insn 9\nprocessed 0 insns (limit 1000000)\n", "nothing leads to",
	      VERDICT_NO_INSN, 0, "");
	CHECK("", NULL, VERDICT_NO_INSN, 0, "");
}

static void test_words(void)
{
	CHECK("5: (b7) r1 = 102\nBPF program is too large. Processed 1000001 insn\n"
	      "processed 1000001 insns (limit 1000000)\n",
	      "too complex", 5, 0, "");
	/* the instruction's own line has no end then */
	CHECK("4: (b7) r1 = 1\n5: (5e) if w3 != w2 goto pc-233 BPF program is too large. Processed "
	      "1000001 insn\nprocessed 1000001 insns (limit 1000000)\n",
	      "too complex", 5, 0, "");
	CHECK("4: (05) goto pc-2\ninfinite loop detected at insn 3\ncur state: R0=scalar()\n"
	      "old state: R0=scalar()\nprocessed 9 insns\n",
	      "end of this loop", 4, 0, "");
	CHECK("7: (15) if r0 == 0x0 goto pc+16 infinite loop detected at insn 8\ncur state: R0=0\n"
	      "old state: R0=0\nprocessed 9 insns\n",
	      "end of this loop", 7, 0, "");
	CHECK("combined stack size of 3 calls is 544. Too large\n", "512", VERDICT_NO_INSN, 0, "");
	CHECK("the call stack of 9 frames is too deep !\n", "nested too deeply", VERDICT_NO_INSN, 0,
	      "");
	CHECK("the call stack of 9 frames is too deep\n", "nested too deeply", VERDICT_NO_INSN, 0,
	      "");
	CHECK("The sequence of 8193 jumps is too complex.\n", "branches", VERDICT_NO_INSN, 0, "");
	CHECK("8: (85) call bpf_probe_read_kernel#113\ncannot call GPL-restricted function from "
	      "non-GPL compatible program\n",
	      "GPL", 8, 0, "");
	CHECK("8: (85) call bpf_override_return#58\nunknown func bpf_override_return#58\n",
	      "override", 8, 0, "");
	CHECK("8: (85) call bpf_probe_write_user#36\nprogram of this type cannot use helper "
	      "bpf_probe_write_user#36\n",
	      "user space", 8, 0, "");
	CHECK("8: (85) call bpf_x#99\nunknown func bpf_x#99\n", "not there", 8, 0, "");
	CHECK("8: (85) call bpf_sock_ops#1\nprogram of this type cannot use helper bpf_x#1\n",
	      "probes of this type", 8, 0, "");
	CHECK("8: (85) call bpf_ringbuf_output#130\nR3 min value is negative, either use unsigned "
	      "or 'var &= const'\n",
	      "bounds", 8, 0, "");
	CHECK("8: (79) r1 = *(u64 *)(r6 +0)\ndereference of modified ctx ptr R6 off=64 "
	      "disallowed\n",
	      "arguments", 8, 0, "");
	CHECK("8: (79) r1 = *(u64 *)(r6 +999)\ninvalid bpf_context access off=999 size=8\n",
	      "no such argument", 8, 0, "");
	CHECK("8: (61) r1 = *(u32 *)(r0 +8)\ninvalid access to map value, value_size=8 off=8 "
	      "size=4\n"
	      "R0 min value is outside of the allowed memory range\n",
	      "out of bounds", 8, 0, "");
	CHECK("8: (bf) r1 = r0\nsomething that no kernel has said yet\n", NULL, 8, 0, "");
}

/* What the verifier took back: a branch that it left, before it found what it refused. */
static void test_last(void)
{
	CHECK("; $a = 1; @ a.bt:2\n3: (b7) r1 = 1\nfrom 3 to 9: R0=0 R10=fp0\n"
	      "; $b = 2; @ a.bt:4\n9: (85) call bpf_x#9\nR1 !read_ok\nprocessed 7 insns\n",
	      "before it is written", 9, 4, "$b = 2;");
	CHECK("Func#4 ('text_starts') is safe for any args that match its prototype\n"
	      "verifier bug: No program to jit at insn 1715 (subprog < 0)\n",
	      "by itself", VERDICT_NO_INSN, 0, "");
}

/* A million lines before it change nothing, wherever the part that is read begins. */
static void test_long(void)
{
	static const char step[] = "; @ = 1; @ a.bt:2\n3: (b7) r1 = 1\n",
			  end[] = "; @n++; @ a.bt:4\n9: (07) r1 += 1\n"
				  "BPF program is too large. Processed 1000001 insn\n";
	enum { STEPS = 20000, FROM = sizeof(step) };
	char *log = malloc(FROM + STEPS * (sizeof(step) - 1) + sizeof(end)), *at = log;

	if (!log) {
		failures++;
		return;
	}
	at += sprintf(at, "%*s", FROM, "\n");
	for (int i = 0; i < STEPS; i++)
		at = stpcpy(at, step);
	stpcpy(at, end);
	for (int i = 0; i < FROM; i++)
		CHECK(log + i, "too complex", 9, 4, "@n++;");
	at[0] = '\0'; /* cut off before the verdict, as it was in a buffer that was too short */
	CHECK(log, NULL, 3, 2, "@ = 1;");
	free(log);
}

int main(void)
{
	test_places();
	test_words();
	test_last();
	test_long();
	return failures != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with USDT probes, written as <sys/sdt.h> would: its notes by hand, so that every form of
 * argument is there whatever the compiler likes.
 *
 *   usdt N    runs through them N times
 *   usdt -    prints the semaphore for every line that it reads, and runs through them
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "usdt.h"

/* The kernel counts it up while somebody looks. */
__attribute__((section(".probes"), used)) volatile unsigned short usdt_test_guarded_semaphore;

#define PROBE(name, semaphore, args, ...) USDT("test", name, semaphore, args, __VA_ARGS__)

#if defined(__aarch64__)
/* Where there is no constraint for a register a variable is put there. */
static void in_registers(int64_t i)
{
	register int64_t x0 __asm__("x0") = i;
	register int64_t x1 __asm__("x1") = -5;
	register int64_t x2 __asm__("x2") = 0x1234;
	register int64_t x3 __asm__("x3") = 0x12;
	register int64_t x4 __asm__("x4") = -7;

	PROBE("regs", "0", "8@x0 -4@w1 1@w2 1@w3 -2@w4", "r"(x0), "r"(x1), "r"(x2), "r"(x3),
	      "r"(x4));
}

static void in_memory(int64_t *table)
{
	register int64_t x0 __asm__("x0") = (int64_t)table;
	register int64_t x1 __asm__("x1") = 2;
	register int64_t x2 __asm__("x2") = (int64_t)(table + 2);

	PROBE("memory", "0", "8@[x0, 8] -8@[x0, x1, lsl 3] 4@[x2, x1] -4@-9 8@0x10", "r"(x0),
	      "r"(x1), "r"(x2));
}

static void in_other_registers(void)
{
	register int64_t x0 __asm__("x0") = 1;
	register int64_t x1 __asm__("x1") = 3;

	PROBE("twice", "0", "8@x0", "r"(x0));
	x0 = 2;
	PROBE("twice", "0", "8@x0", "r"(x0));
	PROBE("twice", "0", "8@x1", "r"(x1));
}
#endif

static void fire(int64_t *table, int64_t i)
{
	PROBE("plain", "0", "", "r"(i));
#if defined(__x86_64__)
	PROBE("regs", "0", "8@%%rdi -4@%%esi 1@%%dl 1@%%dh -2@%%cx", "D"(i), "S"(-5), "d"(0x1234),
	      "c"(-7));
	PROBE("memory", "0", "8@8(%%rdi) -8@(%%rdi,%%rsi,8) 4@16(%%rdi,%%rsi) -4@$-9 8@$0x10",
	      "D"(table), "S"((int64_t)2));
	PROBE("twice", "0", "8@%%rdi", "D"((int64_t)1));
	PROBE("twice", "0", "8@%%rdi", "D"((int64_t)2));
	PROBE("twice", "0", "8@%%rsi", "S"((int64_t)3));
#elif defined(__aarch64__)
	in_registers(i);
	in_memory(table);
	in_other_registers();
#endif
	if (usdt_test_guarded_semaphore)
		PROBE("guarded", "usdt_test_guarded_semaphore", "", "r"(i));
}

int main(int argc, char **argv)
{
	int64_t table[4] = { 10, 11, -12, 13 };
	int c;

	if (argc > 1 && *argv[1] == '-') {
		while ((c = getchar()) != EOF) {
			if (c != '\n')
				continue;
			printf("%d\n", usdt_test_guarded_semaphore);
			fflush(stdout);
			fire(table, 0);
		}
		return 0;
	}
	for (long n = argc > 1 ? atol(argv[1]) : 1, i = 0; i < n; i++)
		fire(table, i);
	return 0;
}

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
	register int64_t x0 __asm__("x0") = (int64_t)table;

	PROBE("memory", "0", "8@[x0, 8] -4@-9", "r"(x0));
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

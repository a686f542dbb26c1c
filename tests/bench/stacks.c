/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of so many different stacks, each of 30 frames, with frame pointers: getppid() is called from
 * the leaves of a tree of 17 levels, whose every node is one of two calls in a function of its level.
 *
 *   stacks COUNT
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAME __attribute__((noinline))

static FRAME long leaf(unsigned long way)
{
	return syscall(SYS_getppid) + (long)(way & 1);
}

#define LEVEL(n, below)                                                                            \
	static FRAME long level_##n(unsigned long way)                                             \
	{                                                                                          \
		long ret;                                                                          \
                                                                                                   \
		if (way & 1) {                                                                     \
			ret = below(way >> 1);                                                     \
			__asm__ volatile("# one way");                                             \
		} else {                                                                           \
			ret = below(way >> 1);                                                     \
			__asm__ volatile("# the other");                                           \
		}                                                                                  \
		return ret + n;                                                                    \
	}

LEVEL(1, leaf)
LEVEL(2, level_1)
LEVEL(3, level_2)
LEVEL(4, level_3)
LEVEL(5, level_4)
LEVEL(6, level_5)
LEVEL(7, level_6)
LEVEL(8, level_7)
LEVEL(9, level_8)
LEVEL(10, level_9)
LEVEL(11, level_10)
LEVEL(12, level_11)
LEVEL(13, level_12)
LEVEL(14, level_13)
LEVEL(15, level_14)
LEVEL(16, level_15)
LEVEL(17, level_16)

/* syscall(), leaf(), the levels, these, main() and what calls it are 30 frames. */
static FRAME long deep(unsigned n, unsigned long way)
{
	return n ? deep(n - 1, way) + 1 : level_17(way);
}

int main(int argc, char **argv)
{
	unsigned long cnt = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;

	for (unsigned long way = 0; way < cnt; way++)
		deep(6, way);
	return 0;
}

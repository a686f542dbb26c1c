/* SPDX-License-Identifier: Apache-2.0 */
/* What target_elf.c begins with: a little of everything that debug information can say, in few bytes. */

/* As of a Go program, which has nothing else when it is stripped. */
__asm__(".section .gopclntab, \"a\"\n"
	"head: .long 0xfffffff1; .byte 0, 0, 1, 8\n"
	".quad 2, 0, 0, names - head, 0, 0, 0, rows - head\n"
	"names: .asciz \"main.one\"\n"
	"second: .asciz \"main.two\"\n"
	"rows: .long 0, first - rows, 16, last - rows, 32\n"
	"first: .long 0, 0\n"
	"last: .long 0, second - names\n"
	".text\n");

struct pair {
	unsigned a : 3, b : 29;
	union {
		int i;
		float f;
	};
	char name[8];
	struct pair *next;
	int v, grid[2][3];
};
enum color { RED, GREEN = 7, BLUE = -1 };
typedef const struct pair *pair_t;

static inline __attribute__((always_inline)) int inlined(int x)
{
	for (int i = 0; i < x; i++)
		x ^= i * 3;
	return x;
}

__attribute__((noinline)) int one(struct pair *p, int n)
{
	return inlined(p->v) + n;
}

__attribute__((noinline)) pair_t two(pair_t p, const char *s, double d)
{
	return inlined((int)d + *s) ? p->next : p;
}

__attribute__((noinline)) long three(enum color e, int (*f)(struct pair *, int),
				     struct pair by_value)
{
	return e == BLUE ? f(by_value.next, (int)e) : inlined(by_value.v);
}

void _start(void)
{
	struct pair p = { .v = 3 };

	__builtin_trap();
	three(RED, one, *two(&p, p.name, 1));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with functions of all sorts of arguments and results, for its debug information. Built
 * with it whatever CFLAGS say. args N: calls each N times.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__has_attribute) && __has_attribute(noclone)
#define TRACED __attribute__((noinline, noclone))
#else /* clang makes no clones */
#define TRACED __attribute__((noinline))
#endif

struct inner {
	int a;
	unsigned b : 3, c : 5;
	char name[16];
};

struct pair { /* two registers */
	int32_t x, y;
	int64_t z;
};

struct large { /* memory */
	int64_t grid[2][2];
	struct inner in;
	struct {
		int16_t unnamed;
	};
};

struct node {
	int value;
	struct node *next;
};

struct mixed { /* a general register and one for floating point numbers */
	int64_t n;
	double d;
};

union either {
	int32_t i;
	char bytes[8];
};

struct unknown;
enum color { RED, GREEN = 5, BLUE };
typedef struct inner inner_t;
typedef int (*callback_t)(const char *);

TRACED int scalars(int8_t c, uint16_t h, int i, unsigned long u, bool yes, enum color color,
		   int64_t seventh, short eighth)
{
	return c + h + i + (int)u + yes + (int)color + (int)seventh + eighth;
}

TRACED int pointers(const char *text, struct node *list, char **words, callback_t fn,
		    struct unknown *opaque)
{
	return text[0] + list->value + words[0][0] + !fn + !opaque;
}

TRACED int values(struct pair pair, union either either, inner_t in, struct large large, int last)
{
	return pair.x + either.i + in.a + (int)large.grid[0][0] + last;
}

TRACED double floats(double d, int i, float f, struct mixed m)
{
	return d + i + (double)f + m.d;
}

TRACED struct pair swap(struct pair p)
{
	return (struct pair){ p.y, p.x, p.z };
}

TRACED struct large make_large(int n)
{
	return (struct large){ .grid = { { n, 2 }, { 3, 4 } }, .in = { n, 5, 17, "made" } };
}

TRACED struct node *find(struct node *list, int value)
{
	while (list && list->value != value)
		list = list->next;
	return list;
}

TRACED int negative(void)
{
	return -1;
}

TRACED bool is_odd(int n)
{
	return n & 1;
}

int main(int argc, char **argv)
{
	static struct node second = { 22, NULL }, first = { 11, &second };
	static const struct pair pair = { 1, -2, 99 };
	static const struct inner in = { 3, 5, 17, "inner" };
	static const union either either = { .bytes = "abc" };
	struct large large = { .grid = { { 10, 20 }, { 30, 40 } }, .in = in, { -7 } };
	char *words[] = { (char[]){ "word" }, NULL };
	int64_t sum = 0;

	for (long n = argc > 1 ? atol(argv[1]) : 1; n; n--) {
		sum += scalars(-5, 65535, -70000, 1ul << 40, true, GREEN, -77, -8);
		sum += pointers("text", &first, words, NULL, NULL);
		sum += values(pair, either, in, large, 4711);
		sum += (int64_t)floats(1.5, 42, 2.5f, (struct mixed){ 7, 3.5 });
		sum += swap(pair).x + make_large(6).in.a + find(&first, 22)->value;
		sum += negative() + is_odd(3);
	}
	return sum == 0;
}

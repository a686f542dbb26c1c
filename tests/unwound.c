/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose frames no frame pointer leads to: it is built without them, and so is what it calls
 * and what calls it back. An argument says which way it gets to leaf(), which calls getppid() and
 * burns a little time; a second one for how many milliseconds of processor time it does that (once
 * without): so many samples come of it, however busy the machine.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#ifdef __clang__ /* does not clone, and does not know the word */
#define FRAME __attribute__((noinline))
#else
#if defined(__has_attribute) && __has_attribute(noclone)
#define FRAME __attribute__((noinline, noclone))
#else /* clang makes no clones */
#define FRAME __attribute__((noinline))
#endif
#endif

static volatile unsigned long sink;
static int burn = 100;

/* No tail call: each of these stays on the stack while it calls. */
static void stay(void)
{
	__asm__ volatile("");
}

FRAME long leaf(void)
{
	long ret = syscall(SYS_getppid);

	for (int i = 0; i < burn; i++)
		sink += (unsigned long)i * (unsigned long)ret;
	return ret;
}

FRAME long recurse(unsigned n)
{
	volatile char frame[40];
	long ret;

	frame[n % sizeof(frame)] = 1;
	ret = n ? recurse(n - 1) : leaf();
	stay();
	return ret + frame[n % sizeof(frame)];
}

/* With signed return addresses, where there is that. */
#if defined(__aarch64__)
__attribute__((target("branch-protection=standard")))
#endif
FRAME long
signs(unsigned n)
{
	long ret = n ? signs(n - 1) : leaf();

	stay();
	return ret + 1;
}

/* A frame of a size known only here, and one that is aligned to more than the stack is. */
FRAME long sized(unsigned n)
{
	volatile char *p = alloca(n);
	long ret;

	p[n - 1] = 1;
	ret = leaf();
	stay();
	return ret + p[n - 1];
}

FRAME long aligned(unsigned n)
{
	volatile char frame[64] __attribute__((aligned(64)));
	long ret;

	frame[n % sizeof(frame)] = 1;
	ret = sized(n);
	stay();
	return ret + frame[n % sizeof(frame)];
}

static FRAME int compare(const void *a, const void *b)
{
	leaf();
	stay();
	return *(const int *)a - *(const int *)b;
}

/* libc calls back. */
FRAME long sorts(unsigned n)
{
	int two[2] = { 2, (int)n };

	qsort(two, 2, sizeof(two[0]), compare);
	stay();
	return two[0];
}

static FRAME void handler(int sig)
{
	leaf();
	stay();
}

/* The kernel's frame lies between. */
FRAME long signalled(unsigned n)
{
	signal(SIGUSR1, handler);
	kill(getpid(), SIGUSR1);
	stay();
	return n;
}

static FRAME void *thread(void *arg)
{
	recurse(2);
	stay();
	return arg;
}

FRAME long threads(unsigned n)
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL))
		return -1;
	pthread_join(t, NULL);
	return n;
}

static FRAME void *give(void *arg, unsigned cnt, unsigned size)
{
	leaf();
	stay();
	return NULL;
}

/* A library opened late calls back. */
FRAME long opens(unsigned n)
{
	static int (*init)(z_stream *, const char *, int);
	z_stream z = { .zalloc = give };

	if (!init) {
		void *lib = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);

		if (!lib)
			return -1;
		*(void **)&init = dlsym(lib, "inflateInit_");
	}
	init(&z, ZLIB_VERSION, sizeof(z));
	stay();
	return n;
}

static const struct {
	const char *name;
	long (*fn)(unsigned n);
} ways[] = {
	{ "recurse", recurse },	    { "aligned", aligned }, { "sorts", sorts },
	{ "signalled", signalled }, { "threads", threads }, { "opens", opens },
	{ "signs", signs },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	double until = argc > 2 ? atof(argv[2]) : 0, began;

	if (until)
		burn = 2000000;
	began = now();
	do {
		for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(*ways); i++)
			if (!strcmp(argv[1], ways[i].name) || !strcmp(argv[1], "all"))
				ways[i].fn(3);
	} while (now() - began < until);
	return 0;
}

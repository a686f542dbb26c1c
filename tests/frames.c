/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose stacks are known: with frame pointers, it calls getppid() some frames deep, as an
 * argument says, and ends at once, so that who asks later finds nobody.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __clang__ /* does not clone, and does not know the word */
#define FRAME __attribute__((noinline))
#else
#if defined(__has_attribute) && __has_attribute(noclone)
#define FRAME __attribute__((noinline, noclone))
#else /* clang makes no clones */
#define FRAME __attribute__((noinline))
#endif
#endif

/* Return addresses are signed, where there is that: as distributions build for arm64. */
#if defined(__aarch64__)
#define SIGNED __attribute__((target("branch-protection=standard")))
#else
#define SIGNED
#endif

long leaf(void);
long middle(long n);
long outer(long n);

/* Not libc's, which has no frame pointers. */
FRAME SIGNED long leaf(void)
{
	long ret;

	__asm__ volatile("" ::"r"(__builtin_frame_address(0))); /* a leaf has a frame too */
#if defined(__x86_64__)
	__asm__ volatile("syscall" : "=a"(ret) : "0"(SYS_getppid) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_getppid;
	register long x0 __asm__("x0");

	__asm__ volatile("svc 0" : "=r"(x0) : "r"(x8) : "memory");
	ret = x0;
#else
	ret = syscall(SYS_getppid);
#endif
	return ret;
}

FRAME SIGNED long middle(long n)
{
	long sum = 0;

	while (n-- > 0)
		sum += leaf();
	return sum;
}

FRAME SIGNED long outer(long n)
{
	return middle(n) + 1;
}

static FRAME SIGNED long deep(long n)
{
	return n ? deep(n - 1) + 1 : outer(1);
}

static void *in_thread(void *arg)
{
	return (void *)outer(*(long *)arg);
}

/*
 * Code made at run time, with a frame, that calls getppid(); its name is told as runtimes do. fd: the
 * memory that it is to lie in has a name itself; -1: it has none.
 */
static FRAME void made(int fd)
{
#if defined(__x86_64__)
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xb8, 0x6e, 0,
					      0,    0,	  0x0f, 0x05, 0x5d, 0xc3 };
#elif defined(__aarch64__)
	static const unsigned code[] = { 0xa9bf7bfd, 0x910003fd, 0xd28015a8,
					 0xd4000001, 0xa8c17bfd, 0xd65f03c0 };
#else
	static const unsigned char code[1];
#endif
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	f = fopen(path, "w");
	if (p == MAP_FAILED || !f)
		exit(1);
	fprintf(f, "%lx %zx LMain;run()V\n", (unsigned long)p, sizeof(code));
	fclose(f);
	memcpy(p, code, sizeof(code));
	__builtin___clear_cache(p, p + sizeof(code));
	((void (*)(void))p)();
	usleep(300000); /* who watches has time to look */
}

static FRAME long calls_out(void)
{
	return getpagesize() + 1;
}

/* Where the first call in a function goes to: an entry of the procedure linkage table. */
static unsigned long callee_of(const unsigned char *code)
{
#if defined(__x86_64__)
	int off;

	while (*code != 0xe8)
		code++;
	memcpy(&off, code + 1, sizeof(off));
	return (unsigned long)(code + 5 + off);
#elif defined(__aarch64__)
	unsigned insn;

	for (memcpy(&insn, code, 4); insn >> 26 != 0x25; memcpy(&insn, code, 4))
		code += 4;
	return (unsigned long)(code + ((int)(insn << 6) >> 4));
#else
	return (unsigned long)code;
#endif
}

/* Who probes it is told of an address. */
void tell(unsigned long addr);
FRAME void tell(unsigned long addr)
{
	__asm__ volatile("" ::"r"(addr));
}

/* Until somebody has written to a FIFO. */
static void wait_for(const char *fifo)
{
	int fd = open(fifo, O_RDONLY | O_CLOEXEC);
	char c;

	while (read(fd, &c, 1) > 0)
		continue;
	close(fd);
}

/* The same program with other arguments, of a file that never had a name. */
static void run_from_memory(char **argv)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("frames", MFD_CLOEXEC);

	while (sendfile(to, from, NULL, 1 << 20) > 0)
		continue;
	fexecve(to, argv, environ);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";
	long n = argc > 2 ? atol(argv[2]) : 1;
	pthread_t thread;
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (!strcmp(how, "plain")) {
		outer(n);
	} else if (!strcmp(how, "deep")) {
		deep(n);
	} else if (!strcmp(how, "thread")) {
		pthread_create(&thread, NULL, in_thread, &n);
		pthread_join(thread, NULL);
	} else if (!strcmp(how, "exec")) {
		execl("/proc/self/exe", argv[0], "plain", argv[2], (char *)NULL);
	} else if (!strcmp(how, "fork")) {
		prctl(PR_SET_NAME, "frames-fork");
		pid = fork();
		if (!pid) {
			outer(n);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		outer(n);
	} else if (!strcmp(how, "made")) {
		made(-1);
	} else if (!strcmp(how, "made_shared")) {
		int fd = memfd_create("made", MFD_CLOEXEC);

		if (ftruncate(fd, 4096))
			return 1;
		made(fd);
	} else if (!strcmp(how, "vdso")) { /* which asks the kernel for this clock */
		struct timespec t;

		return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} else if (!strcmp(how, "plt")) {
		tell(callee_of((const unsigned char *)calls_out));
	} else if (!strcmp(how, "memory")) {
		run_from_memory(argv + 1);
		return 1;
	} else if (!strcmp(how, "told")) { /* by who opens a FIFO */
		unlink(argv[3]);
		wait_for(argv[4]);
		outer(n);
	} else if (!strcmp(how, "deleted")) {
		unlink(argv[3]);
		outer(n);
		usleep(300000); /* who watches has time to look */
	} else {
		fprintf(stderr, "frames: %s?\n", how);
		return 2;
	}
	return 0;
}

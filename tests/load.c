/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload of the live tests and benchmarks: does one thing an exact number of times, by raw
 * system calls where libc could do more or fewer than it is asked for, and ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long number(const char *s)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 0);
	if (errno || *end || end == s || n < 0) {
		errno = EINVAL;
		fail(s);
	}
	return n;
}

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/null");
	return fd;
}

static void do_getppid(char **arg)
{
	for (long n = number(arg[0]); n; n--)
		syscall(SYS_getppid);
}

/* Opens the path, which need not exist, without closing by libc. */
static void do_openat(char **arg)
{
	for (long n = number(arg[0]); n; n--) {
		long fd = syscall(SYS_openat, AT_FDCWD, arg[1], O_RDONLY, 0);

		if (fd >= 0)
			syscall(SYS_close, fd);
	}
}

/* Seeks to 0, 1, 2 ... in a file that has offsets. */
static void do_lseek(char **arg)
{
	long cnt = number(arg[0]);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("/proc/self/exe");
	for (long n = 0; n < cnt; n++)
		syscall(SYS_lseek, fd, n, SEEK_SET);
}

/* Reads one byte at offset 0, 1, 2 ... of /dev/zero. */
static void do_pread(char **arg)
{
	long cnt = number(arg[0]);
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0)
		fail("/dev/zero");
	for (long n = 0; n < cnt; n++)
		syscall(SYS_pread64, fd, &byte, 1, n);
}

/* Writes 1, 2, 3 ... bytes, or SIZE bytes each time. */
static void do_write(char **arg)
{
	static const char zeros[4096];
	long cnt = number(arg[0]), sz = arg[1] ? number(arg[1]) : 0;
	int fd = open_null();

	for (long n = 1; n <= cnt; n++) {
		long len = sz ? sz : n;

		syscall(SYS_write, fd, zeros, len < 4096 ? len : 4096);
	}
}

/* Runs this program anew N times, one after the other. */
static void do_exec(char **arg)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		fail("/proc/self/exe");
	self[len] = 0;
	for (long n = number(arg[0]); n; n--) {
		char *argv[] = { "load", "getppid", "0", NULL };
		char *envp[] = { NULL };
		pid_t pid = fork();
		int status;

		if (pid < 0)
			fail("fork");
		if (!pid) {
			execve(self, argv, envp);
			_exit(127);
		}
		if (waitpid(pid, &status, 0) < 0 || status)
			fail("child");
	}
}

/* Burns processor time, not wall time. */
static void do_spin(char **arg)
{
	long ns = number(arg[0]) * 1000000;
	struct timespec now;

	do {
		for (volatile int i = 0; i < 10000; i++)
			;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_sec * 1000000000L + now.tv_nsec < ns);
}

static void do_sleep(char **arg)
{
	long ms = number(arg[0]);
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Sends itself SIGUSR1 N times, handled by doing nothing. */
static void ignore(int sig)
{
}

static void do_signal(char **arg)
{
	signal(SIGUSR1, ignore);
	for (long n = number(arg[0]); n; n--)
		syscall(SYS_kill, getpid(), SIGUSR1);
}

/* Touches N fresh pages: N minor faults more than doing nothing. */
static void do_fault(char **arg)
{
	long cnt = number(arg[0]), page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, (cnt + 1) * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		fail("mmap");
	madvise(mem, (cnt + 1) * page, MADV_NOHUGEPAGE);
	for (long n = 0; n < cnt; n++)
		mem[n * page] = 1;
}

/* CNT threads, each of which gets the arguments of its own. */
static void in_threads(long cnt, void *(*run)(void *), char *args, size_t size)
{
	pthread_t *thread = calloc(cnt ? cnt : 1, sizeof(*thread));

	if (!thread)
		fail("threads");
	for (long n = 0; n < cnt; n++) {
		errno = pthread_create(&thread[n], NULL, run, args + n * size);
		if (errno)
			fail("pthread_create");
	}
	for (long n = 0; n < cnt; n++)
		pthread_join(thread[n], NULL);
	free(thread);
}

static void *thread_main(void *arg)
{
	do_getppid(arg);
	return NULL;
}

/* N threads, each of which calls getppid M times. */
static void do_threads(char **arg)
{
	in_threads(number(arg[0]), thread_main, (char *)(arg + 1), 0);
}

struct texts {
	long times;
	char text[200];
};

/* What probes are put on. */
__attribute__((noinline)) void texts_step(const char *text)
{
	__asm__ volatile("" ::"r"(text) : "memory");
}

static void *texts_main(void *arg)
{
	struct texts *t = arg;

	for (long n = t->times; n; n--)
		texts_step(t->text);
	return NULL;
}

/* N threads, each of which hands a text of its own (199 times the same letter) to texts_step() M times. */
static void do_texts(char **arg)
{
	long cnt = number(arg[0]);
	struct texts *all = calloc(cnt ? cnt : 1, sizeof(*all));

	if (!all)
		fail("texts");
	for (long n = 0; n < cnt; n++) {
		all[n].times = number(arg[1]);
		memset(all[n].text, 'a' + (int)(n % 26), sizeof(all[n].text) - 1);
	}
	in_threads(cnt, texts_main, (char *)all, sizeof(*all));
	free(all);
}

/* In a network of its own, sends itself N datagrams of SIZE bytes: each is what stands at its place. */
static void do_packets(char **arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(40000) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	long size = number(arg[1]);
	uint8_t *bytes = calloc(1, (size_t)size + 1);
	int fd;

	if (unshare(CLONE_NEWNET))
		fail("unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || !bytes || ioctl(fd, SIOCSIFFLAGS, &lo))
		fail("lo");
	for (long i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i % 251);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("bind");
	for (long n = number(arg[0]); n; n--)
		if (sendto(fd, bytes, (size_t)size, 0, (struct sockaddr *)&to, sizeof(to)) != size)
			fail("sendto");
	free(bytes);
}

/* Sets SO_RCVLOWAT to 1, 2 ... N. */
static void do_sockopt(char **arg)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	long cnt = number(arg[0]);

	if (fd < 0)
		fail("socket");
	for (int n = 1; n <= cnt; n++)
		if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n)))
			fail("setsockopt");
}

static void do_exit(char **arg)
{
	exit(number(arg[0]));
}

/* name, how many arguments at least, usage */
#define TASKS(X)                                                                                   \
	X(getppid, 1, "N")                                                                         \
	X(openat, 2, "N PATH")                                                                     \
	X(lseek, 1, "N")                                                                           \
	X(pread, 1, "N")                                                                           \
	X(write, 1, "N [SIZE]")                                                                    \
	X(exec, 1, "N")                                                                            \
	X(spin, 1, "MS")                                                                           \
	X(sleep, 1, "MS")                                                                          \
	X(signal, 1, "N")                                                                          \
	X(fault, 1, "N")                                                                           \
	X(threads, 2, "N M")                                                                       \
	X(texts, 2, "N M")                                                                         \
	X(packets, 2, "N SIZE")                                                                    \
	X(sockopt, 1, "N")                                                                         \
	X(exit, 1, "STATUS")

static const struct {
	const char *name;
	int args;
	void (*run)(char **arg);
	const char *usage;
} tasks[] = {
#define X(name, args, usage) { #name, args, do_##name, usage },
	TASKS(X)
#undef X
};

static void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number(cpu), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("--cpu");
}

int main(int argc, char **argv)
{
	argv++;
	argc--;
	if (argc >= 2 && !strcmp(argv[0], "--cpu")) {
		pin(argv[1]);
		argv += 2;
		argc -= 2;
	}
	for (size_t i = 0; argc && i < sizeof(tasks) / sizeof(*tasks); i++) {
		if (strcmp(argv[0], tasks[i].name) || argc - 1 < tasks[i].args)
			continue;
		tasks[i].run(argv + 1);
		return 0;
	}
	fprintf(stderr, "usage: load [--cpu N] TASK\n");
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		fprintf(stderr, "  %s %s\n", tasks[i].name, tasks[i].usage);
	return 2;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload of the scripts' tests: under a name of its own, by which the scripts pick it out, it does
 * something an exact number of times and ends.
 *
 *   work NAME TASK NUMBER...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usdt.h"

static const char *name; /* of this run, and of the threads and programs that it starts */

static void fail(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long check(long rc, const char *what)
{
	if (rc < 0)
		fail(what);
	return rc;
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- files */

static void do_opens(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		close((int)check(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY), "open"));
	for (long i = 0; i < n[1]; i++)
		syscall(SYS_openat, AT_FDCWD, "/nonexistent/work", O_RDONLY);
}

static void do_stats(const long *n)
{
	struct stat st;

	for (long i = 0; i < n[0]; i++)
		check(syscall(SYS_newfstatat, AT_FDCWD, "/dev/null", &st, 0), "stat");
	for (long i = 0; i < n[1]; i++)
		syscall(SYS_newfstatat, AT_FDCWD, "/nonexistent/work", &st, 0);
}

static int scratch(int flags)
{
	return (int)check(open("work.tmp", O_RDWR | O_CREAT | flags, 0600), "work.tmp");
}

/* writes N blocks of SIZE, syncs M times, reads the blocks again */
static void do_files(const long *n)
{
	char *block = calloc(1, (size_t)n[1]);
	int fd = scratch(O_TRUNC);

	for (long i = 0; i < n[0]; i++)
		check(write(fd, block, (size_t)n[1]), "write");
	for (long i = 0; i < n[2]; i++)
		check(fsync(fd), "fsync");
	for (long i = 0; i < n[0]; i++)
		check(pread(fd, block, (size_t)n[1], i * n[1]), "pread");
	close(fd);
	unlink("work.tmp");
	free(block);
}

/* writes N blocks of SIZE past the page cache, none next to another, so that each is one request */
static void do_direct(const long *n)
{
	void *block;
	int fd = scratch(O_TRUNC | O_DIRECT);

	if (posix_memalign(&block, 4096, (size_t)n[1]))
		fail("posix_memalign");
	memset(block, 1, (size_t)n[1]);
	for (long i = 0; i < n[0]; i++)
		check(pwrite(fd, block, (size_t)n[1], 2 * i * n[1]), "pwrite");
	close(fd);
	unlink("work.tmp");
	free(block);
}

/* makes N files that live MS */
static void do_files_made(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		close(scratch(O_EXCL));
		sleep_ms(n[1]);
		check(unlink("work.tmp"), "unlink");
	}
}

/* ---- processes */

static int run(const char *const *argv)
{
	int status;
	pid_t child = (pid_t)check(fork(), "fork");

	if (!child) {
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	check(waitpid(child, &status, 0), "wait");
	return status;
}

/* N programs that end with CODE, each with the arguments "NAME exit CODE" */
static void do_execs(const long *n)
{
	/* all in pages that are in memory: without BTF execsnoop sees no others */
	char self[] = "/proc/self/exe", task[] = "exit", code[16];
	const char *argv[] = { self, name, task, code, NULL };

	snprintf(code, sizeof(code), "%ld", n[1]);
	for (long i = 0; i < n[0]; i++)
		run(argv);
}

static void do_exit(const long *n)
{
	exit((int)n[0]);
}

/* N programs that cannot be found */
static void do_missing(const long *n)
{
	static const char *const argv[] = { "/nonexistent/program", "argument", NULL };

	for (long i = 0; i < n[0]; i++)
		run(argv);
}

/* N processes that a signal ends */
static void do_deaths(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		pid_t child = (pid_t)check(fork(), "fork");

		if (!child)
			for (;;)
				pause();
		check(kill(child, (int)n[1]), "kill");
		check(waitpid(child, NULL, 0), "wait");
	}
}

static void *sleeper(void *arg)
{
	sleep_ms((long)(intptr_t)arg);
	return NULL;
}

static void do_threads(const long *n)
{
	pthread_t t;

	for (long i = 0; i < n[0]; i++) {
		if (pthread_create(&t, NULL, sleeper, (void *)(intptr_t)n[1]))
			fail("pthread_create");
		pthread_join(t, NULL);
	}
}

static void do_signals(const long *n)
{
	signal((int)n[1], SIG_IGN);
	for (long i = 0; i < n[0]; i++)
		check(kill(getpid(), (int)n[1]), "kill");
}

static void do_users(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		check(setresuid((uid_t)-1, getuid(), (uid_t)-1), "setresuid");
}

static void do_sleeps(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		sleep_ms(n[1]);
}

/* N milliseconds of work */
static void do_spin(const long *n)
{
	clock_t end = clock() + n[0] * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		;
}

/* N requests to be traced by nobody */
static void do_ptraces(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		ptrace(PTRACE_PEEKDATA, 999999999, NULL, NULL);
}

static void do_bpfs(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		union bpf_attr attr = { .start_id = 0xfffffff0 };

		syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr));
	}
}

/* ---- memory and locks */

static void do_faults(const long *n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, (size_t)n[0] * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	madvise(p, (size_t)n[0] * page, MADV_NOHUGEPAGE);
	for (long i = 0; i < n[0]; i++)
		p[(size_t)i * page] = 1;
}

static void *volatile kept;

/* N blocks of SIZE of which M are never freed */
static void __attribute__((noinline)) leak(size_t size, long cnt)
{
	for (long i = 0; i < cnt; i++)
		kept = malloc(size);
}

static void do_leaks(const long *n)
{
	for (long i = 0; i < n[0] - n[2]; i++) {
		kept = malloc((size_t)n[1]);
		free(kept);
	}
	leak((size_t)n[1], n[2]);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *waiter(void *arg)
{
	prctl(PR_SET_NAME, name);
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

/* N times a thread waits MS for a lock */
static void do_locks(const long *n)
{
	pthread_t t;

	for (long i = 0; i < n[0]; i++) {
		pthread_mutex_lock(&lock);
		if (pthread_create(&t, NULL, waiter, NULL))
			fail("pthread_create");
		sleep_ms(n[1]);
		pthread_mutex_unlock(&lock);
		pthread_join(t, NULL);
	}
}

/* ---- network */

static struct sockaddr_in local(in_port_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = port,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* The port of a socket that is bound to one on the loopback. */
static in_port_t bind_local(int fd)
{
	struct sockaddr_in at = local(0);
	socklen_t len = sizeof(at);

	check(bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	check(getsockname(fd, (struct sockaddr *)&at, &len), "getsockname");
	return at.sin_port;
}

static void send_all(int fd, long cnt)
{
	char data[1024] = "";

	for (; cnt > 0; cnt -= (long)sizeof(data))
		check(send(fd, data, (size_t)cnt < sizeof(data) ? (size_t)cnt : sizeof(data), 0),
		      "send");
}

static void read_all(int fd)
{
	char data[4096];

	while (recv(fd, data, sizeof(data), 0) > 0)
		;
}

/* N connections, one after the other, over each of which SIZE bytes go; all in this process */
static void do_connections(const long *n)
{
	int listener = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");
	struct sockaddr_in at = local(bind_local(listener));

	check(listen(listener, 16), "listen");
	for (long i = 0; i < n[0]; i++) {
		int client = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket"), server;

		check(connect(client, (struct sockaddr *)&at, sizeof(at)), "connect");
		server = (int)check(accept(listener, NULL, NULL), "accept");
		send_all(client, n[1]);
		shutdown(client, SHUT_WR);
		read_all(server);
		close(server);
		read_all(client);
		close(client);
	}
	close(listener);
}

/* N connections to a port where nobody listens */
static void do_refused(const long *n)
{
	int fd = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");
	struct sockaddr_in at = local(bind_local(fd));

	for (long i = 0; i < n[0]; i++) {
		int client = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");

		if (!connect(client, (struct sockaddr *)&at, sizeof(at)) || errno != ECONNREFUSED)
			fail("connect");
		close(client);
	}
	close(fd);
}

/* N datagrams of SIZE to ourselves */
static void do_datagrams(const long *n)
{
	int fd = (int)check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	struct sockaddr_in at = local(bind_local(fd));
	char data[1024] = "";

	for (long i = 0; i < n[0]; i++) {
		check(sendto(fd, data, (size_t)n[1], 0, (struct sockaddr *)&at, sizeof(at)),
		      "sendto");
		check(recv(fd, data, sizeof(data), 0), "recv");
	}
	close(fd);
}

static void do_names(const long *n)
{
	const struct addrinfo hint = { .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found;

	for (long i = 0; i < n[0]; i++)
		if (!getaddrinfo("127.0.0.9", NULL, &hint, &found))
			freeaddrinfo(found);
}

/* ---- interpreters, as far as their probes go */

#ifdef __x86_64__
#define THREE "8@%%rdi 8@%%rsi 8@%%rdx"
#define FIRE(provider, probe, a, b, c) USDT(provider, probe, "0", THREE, "D"(a), "S"(b), "d"(c))
#else
#define FIRE(provider, probe, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

/* N calls of a function, N collections of each language's */
static void do_interpreter(const long *n)
{
	static char file[] = "work.py", function[] = "answer", thread[] = "pool-1-thread";

	for (long i = 0; i < n[0]; i++) {
		FIRE("python", "function__entry", file, function, 42L);
		FIRE("python", "gc__start", 2L, 0L, 0L);
		FIRE("python", "gc__done", 10L, 0L, 0L);
		FIRE("node", "gc__start", 1L, 0L, 0L);
		FIRE("node", "gc__done", 1L, 0L, 0L);
		FIRE("hotspot", "thread__start", thread, 6L, 0L);
		FIRE("hotspot", "gc__begin", i == 0 ? 1L : 0L, 0L, 0L);
		FIRE("hotspot", "gc__end", 0L, 0L, 0L);
	}
}

/* ---- all of it */

#define TASKS(X)                                                                                   \
	X(opens, 2)                                                                                \
	X(stats, 2)                                                                                \
	X(files, 3)                                                                                \
	X(direct, 2)                                                                               \
	X(files_made, 2)                                                                           \
	X(execs, 2)                                                                                \
	X(exit, 1)                                                                                 \
	X(missing, 1)                                                                              \
	X(deaths, 2)                                                                               \
	X(threads, 2)                                                                              \
	X(signals, 2)                                                                              \
	X(users, 1)                                                                                \
	X(sleeps, 2)                                                                               \
	X(spin, 1)                                                                                 \
	X(ptraces, 1)                                                                              \
	X(bpfs, 1)                                                                                 \
	X(faults, 1)                                                                               \
	X(leaks, 3)                                                                                \
	X(locks, 2)                                                                                \
	X(connections, 2)                                                                          \
	X(refused, 1)                                                                              \
	X(datagrams, 2)                                                                            \
	X(names, 1)                                                                                \
	X(interpreter, 1)

static const struct {
	const char *name;
	int numbers;
	void (*run)(const long *n);
} tasks[] = {
#define X(task, numbers) { #task, numbers, do_##task },
	TASKS(X)
#undef X
};

int main(int argc, char **argv)
{
	long n[4] = { 0 };

	for (size_t i = 0; argc >= 3 && i < sizeof(tasks) / sizeof(*tasks); i++) {
		if (strcmp(argv[2], tasks[i].name) || argc != 3 + tasks[i].numbers)
			continue;
		for (int j = 0; j < tasks[i].numbers; j++)
			n[j] = strtol(argv[3 + j], NULL, 0);
		name = argv[1];
		prctl(PR_SET_NAME, name);
		tasks[i].run(n);
		return 0;
	}
	fprintf(stderr, "usage: work NAME TASK NUMBER...\n");
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		fprintf(stderr, "  %s, %d numbers\n", tasks[i].name, tasks[i].numbers);
	return 2;
}

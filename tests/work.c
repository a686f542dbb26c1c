/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload of the scripts' tests: under a name of its own, by which the scripts pick it out, it does
 * something an exact number of times and ends.
 *
 *   work NAME TASK NUMBER...
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usdt.h"
#include "work.h"

static const char *name; /* of this run, and of the threads and programs that it starts */

void fail(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

long check(long rc, const char *what)
{
	if (rc < 0)
		fail(what);
	return rc;
}

void sleep_ms(long ms)
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

/* N times changes the root to where it is, and M times fails to because the user may not */
static void do_caps(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		check(chroot("/"), "chroot");
	check(setresuid(65534, 65534, 65534), "setresuid");
	for (long i = 0; i < n[1]; i++)
		if (!chroot("/"))
			fail("chroot");
}

/* N programs that run as their owner: work.suid, a copy of this one */
static void do_suids(const long *n)
{
	static const char *const argv[] = { "./work.suid", "suid", "exit", "0", NULL };

	check(setresuid(65534, 65534, 65534), "setresuid");
	for (long i = 0; i < n[0]; i++)
		if (run(argv))
			fail("work.suid");
}

/* N mounts, and one more unmount than that, which fails; in a namespace that ends with us */
static void do_mounts(const long *n)
{
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	check(mkdir("work.dir", 0700), "mkdir");
	for (long i = 0; i < n[0]; i++) {
		check(mount(name, "work.dir", "tmpfs", 0, NULL), "mount");
		check(umount2("work.dir", 0), "umount");
	}
	umount2("work.dir", 0);
	rmdir("work.dir");
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

/* N processes that want more memory than there is, until they are killed */
static void do_eaters(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		pid_t child = (pid_t)check(fork(), "fork");

		if (!child)
			for (;;)
				do_faults((const long[]){ 1000 });
		check(waitpid(child, NULL, 0), "wait");
	}
}

/* A page that is not there before somebody says so, and the descriptor that tells who wants it. */
static int absent_page(char **page)
{
	long size = sysconf(_SC_PAGESIZE);
	int fd = (int)check(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range.len = (uint64_t)size,
					 .mode = UFFDIO_REGISTER_MODE_MISSING };

	*page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	range.range.start = (uint64_t)(uintptr_t)*page;
	check(ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	check(ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	return fd;
}

static void *write_page(void *page)
{
	int fd = scratch(0);

	check(pwrite(fd, page, 1, 0), "pwrite");
	close(fd);
	return NULL;
}

static pid_t waiter_tid;

static void *write_byte(void *arg)
{
	int fd = scratch(0);

	__atomic_store_n(&waiter_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	check(pwrite(fd, "", 1, 0), "pwrite");
	close(fd);
	return arg;
}

/* Whether the thread waits for something that no signal ends. */
static bool is_blocked(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state == 'D';
}

/*
 * N times a thread waits MS for a lock of the kernel: the one of a file that another thread writes
 * to, and holds while the page that it writes is not there.
 */
static void do_kernel_locks(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		struct uffd_msg msg;
		pthread_t holder, waiter;
		char *page;
		int fd = absent_page(&page);
		struct uffdio_zeropage zero = { .range = { (uint64_t)(uintptr_t)page,
							   (uint64_t)sysconf(_SC_PAGESIZE) } };

		waiter_tid = 0;
		pthread_create(&holder, NULL, write_page, page);
		check(read(fd, &msg, sizeof(msg)), "userfaultfd");
		pthread_create(&waiter, NULL, write_byte, NULL);
		while (!__atomic_load_n(&waiter_tid, __ATOMIC_SEQ_CST) || !is_blocked(waiter_tid))
			sleep_ms(1);
		sleep_ms(n[1]);
		check(ioctl(fd, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE");
		pthread_join(holder, NULL);
		pthread_join(waiter, NULL);
		close(fd);
	}
	unlink("work.tmp");
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
	X(caps, 2)                                                                                 \
	X(suids, 1)                                                                                \
	X(mounts, 1)                                                                               \
	X(sleeps, 2)                                                                               \
	X(spin, 1)                                                                                 \
	X(ptraces, 1)                                                                              \
	X(bpfs, 1)                                                                                 \
	X(faults, 1)                                                                               \
	X(eaters, 1)                                                                               \
	X(leaks, 3)                                                                                \
	X(locks, 2)                                                                                \
	X(kernel_locks, 2)                                                                         \
	X(connections, 2)                                                                          \
	X(connections6, 2)                                                                         \
	X(refused, 1)                                                                              \
	X(datagrams, 2)                                                                            \
	X(strange, 2)                                                                              \
	X(unanswered, 1)                                                                           \
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

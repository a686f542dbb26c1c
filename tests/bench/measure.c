/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tracer costs, of several tracers in turn, so that whatever else the machine does falls on
 * all of them alike.
 *
 *   measure start ROUNDS -- COMMAND... [-- COMMAND...]...
 *       runs each to its end; a line for each: medians of processor time in us,
 *       peak memory in KiB, time from start to end in us; one round: no run before, to warm up
 *   measure user FILE -- COMMAND... [-- COMMAND...]...
 *       runs each to its end, its output in FILE; a line for each: user time in us, lines written
 *   measure late LINES -- COMMAND... [-- COMMAND...]...
 *       each prints lines that are the time they were made (ns since boot), and is ended after LINES of
 *       them; a line for each: us until we had them, median and most
 *   measure kernel ROUNDS CALLS -- COMMAND... [-- COMMAND...]...
 *       starts each, calls lseek CALLS times on one CPU, ends it by SIGTERM; a line for each: median ns
 *       that its BPF programs took for one call
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8, ROUNDS_MAX = 101, PROGS_MAX = 256, READY_MS = 20000 };

static void fail(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* out: where its output goes, -1: nowhere. */
static pid_t start(char **argv, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(out < 0 ? null : out, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

/* ---- start: processor time and memory of the whole process and its children */

struct cost {
	double cpu_us, rss_kib, wall_us;
};

static void run_once(char **argv, struct cost *cost)
{
	struct timespec began, ended;
	struct rusage ru;
	int status;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &began);
	pid = start(argv, -1);

	if (wait4(pid, &status, 0, &ru) < 0)
		fail("wait4");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "measure: %s failed: %x\n", argv[0], status);
		exit(1);
	}
	cost->cpu_us = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 + ru.ru_utime.tv_usec +
		       ru.ru_stime.tv_usec;
	cost->rss_kib = ru.ru_maxrss;
	cost->wall_us = (ended.tv_sec - began.tv_sec) * 1e6 + (ended.tv_nsec - began.tv_nsec) / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int cnt)
{
	qsort(v, cnt, sizeof(*v), by_value);
	return v[cnt / 2];
}

static void measure_start(char ***command, int cnt, int rounds)
{
	static double cpu[COMMANDS_MAX][ROUNDS_MAX], rss[COMMANDS_MAX][ROUNDS_MAX],
		wall[COMMANDS_MAX][ROUNDS_MAX];
	struct cost cost;

	for (int c = 0; rounds > 1 && c < cnt; c++)
		run_once(command[c], &cost); /* into the page cache */
	for (int r = 0; r < rounds; r++) {
		for (int c = 0; c < cnt; c++) {
			run_once(command[c], &cost);
			cpu[c][r] = cost.cpu_us;
			rss[c][r] = cost.rss_kib;
			wall[c][r] = cost.wall_us;
		}
	}
	for (int c = 0; c < cnt; c++)
		printf("%.0f %.0f %.0f\n", median(cpu[c], rounds), median(rss[c], rounds),
		       median(wall[c], rounds));
}

/* ---- user: what it costs to print, and how much was printed */

static long lines_of(const char *path)
{
	static char buf[1 << 20];
	int fd = open(path, O_RDONLY);
	long lines = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	}
	close(fd);
	return lines;
}

static void measure_user(char ***command, int cnt, const char *out)
{
	struct rusage ru;
	int status;

	for (int c = 0; c < cnt; c++) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (fd < 0)
			fail(out);
		if (wait4(start(command[c], fd), &status, 0, &ru) < 0)
			fail("wait4");
		close(fd);
		printf("%.0f %ld\n", ru.ru_utime.tv_sec * 1e6 + ru.ru_utime.tv_usec, lines_of(out));
	}
}

/* ---- late: how long an idle trace keeps a line to itself */

static double now_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static pid_t start_into_pipe(char **argv, FILE **out)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		fail("pipe");
	pid = start(argv, fds[1]);
	close(fds[1]);
	*out = fdopen(fds[0], "r");
	if (!*out)
		fail("fdopen");
	return pid;
}

static void measure_late(char ***command, int cnt, int lines)
{
	for (int i = 0; i < cnt; i++) {
		double late[ROUNDS_MAX], at;
		char line[64];
		int got = 0;
		FILE *out;
		pid_t pid = start_into_pipe(command[i], &out);

		while (got < lines && fgets(line, sizeof(line), out)) {
			at = now_boot_ns();
			if (*line >= '0' && *line <= '9')
				late[got++] = (at - strtod(line, NULL)) / 1000;
		}
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
		fclose(out);
		if (got < lines) {
			fprintf(stderr, "measure: %s ended too soon\n", command[i][0]);
			exit(1);
		}
		printf("%.0f ", median(late, got));
		printf("%.0f\n", late[got - 1]);
	}
}

/* ---- kernel: what the programs that came with the command took */

struct progs {
	unsigned id[PROGS_MAX];
	int cnt;
};

static void progs_now(struct progs *ps)
{
	unsigned id = 0;

	ps->cnt = 0;
	while (ps->cnt < PROGS_MAX && !bpf_prog_get_next_id(id, &id))
		ps->id[ps->cnt++] = id;
}

static int progs_have(const struct progs *ps, unsigned id)
{
	for (int i = 0; i < ps->cnt; i++) {
		if (ps->id[i] == id)
			return 1;
	}
	return 0;
}

/* Runs and time of all programs that were not there before. */
static void new_stats(const struct progs *before, unsigned long long *runs, unsigned long long *ns)
{
	struct progs now;

	*runs = *ns = 0;
	progs_now(&now);
	for (int i = 0; i < now.cnt; i++) {
		struct bpf_prog_info info = { 0 };
		unsigned len = sizeof(info);
		int fd;

		if (progs_have(before, now.id[i]))
			continue;
		fd = bpf_prog_get_fd_by_id(now.id[i]);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			*runs += info.run_cnt;
			*ns += info.run_time_ns;
		}
		close(fd);
	}
}

static void seek(long calls)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("/proc/self/exe");
	for (long n = 0; n < calls; n++)
		syscall(SYS_lseek, fd, n & 0xffff, SEEK_SET);
	close(fd);
}

/* The programs are attached when a call of ours makes them run. */
static int wait_attached(const struct progs *before, pid_t pid)
{
	const struct timespec step = { 0, 10 * 1000000 };
	unsigned long long runs, first, ns;

	new_stats(before, &first, &ns);
	for (int ms = 0; ms < READY_MS; ms += 10) {
		seek(100);
		new_stats(before, &runs, &ns);
		if (runs >= first + 100)
			return 0;
		first = runs;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -1;
		nanosleep(&step, NULL);
	}
	return -1;
}

static double kernel_once(char **argv, long calls)
{
	unsigned long long runs0, ns0, runs1, ns1;
	struct progs before;
	pid_t pid;

	progs_now(&before);
	pid = start(argv, -1);
	if (wait_attached(&before, pid)) {
		fprintf(stderr, "measure: %s: no program of it ever ran\n", argv[0]);
		kill(pid, SIGKILL);
		exit(1);
	}
	seek(calls / 10);
	new_stats(&before, &runs0, &ns0);
	seek(calls);
	new_stats(&before, &runs1, &ns1);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	/* the kernel skips a program where another one runs on the CPU already: some, on a busy machine */
	if (runs1 - runs0 < (unsigned long long)calls / 10 * 9) {
		fprintf(stderr, "measure: %s: ran %llu times for %ld calls\n", argv[0],
			runs1 - runs0, calls);
		exit(1);
	}
	return (double)(ns1 - ns0) / (runs1 - runs0);
}

static void measure_kernel(char ***command, int cnt, int rounds, long calls)
{
	static double ns[COMMANDS_MAX][ROUNDS_MAX];
	cpu_set_t one;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats < 0)
		fail("BPF_ENABLE_STATS");
	CPU_ZERO(&one);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int r = 0; r < rounds; r++) {
		for (int c = 0; c < cnt; c++)
			ns[c][r] = kernel_once(command[c], calls);
	}
	close(stats);
	for (int c = 0; c < cnt; c++)
		printf("%.2f\n", median(ns[c], rounds));
}

int main(int argc, char **argv)
{
	char **command[COMMANDS_MAX];
	int cnt = 0, rounds = argc > 2 ? atoi(argv[2]) : 0;
	long calls = argc > 3 ? atol(argv[3]) : 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		argv[i] = NULL;
		if (cnt < COMMANDS_MAX && argv[i + 1])
			command[cnt++] = argv + i + 1;
	}
	if (cnt && rounds > 0 && rounds <= ROUNDS_MAX && !strcmp(argv[1], "start")) {
		measure_start(command, cnt, rounds);
		return 0;
	}
	if (cnt && argc > 2 && !strcmp(argv[1], "user")) {
		measure_user(command, cnt, argv[2]);
		return 0;
	}
	if (cnt && rounds > 0 && rounds <= ROUNDS_MAX && !strcmp(argv[1], "late")) {
		measure_late(command, cnt, rounds);
		return 0;
	}
	if (cnt && rounds > 0 && calls > 0 && !strcmp(argv[1], "kernel")) {
		measure_kernel(command, cnt, rounds, calls);
		return 0;
	}
	fputs("usage: measure start ROUNDS | user FILE | late LINES | kernel ROUNDS CALLS -- "
	      "COMMAND... [-- "
	      "...]\n",
	      stderr);
	return 2;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a traced run left behind: BPF programs, maps and links that exist although no process holds
 * them, files in bpffs, functions of the kernel that are still stopped at, breakpoints and raised
 * semaphores in a program that lives on, and processes that a test case started.
 *
 *   bpf_left list                          what there is now
 *   bpf_left check FILE [MARKER [CANARY]]  says what is there now, was not when FILE was written, and is
 *                                          held by nobody; what tracers left in the process CANARY; and
 *                                          kills (and tells of) processes with MARKER in their
 *                                          environment. Nonzero when there was any.
 *
 * Cases run side by side, so what some living process holds is that process's business; as breakpoints
 * and stopped functions do not say whose they are, they are nobody's when no other case runs: MARKER is
 * NAME=DIRECTORY/CASE, of other cases in the same directory. The kernel frees objects a little after
 * their last holder is gone: check asks again until it has.
 */
#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/canary.h"

/* Maps of a dead program go after a grace period or two, which take seconds on a busy machine. */
enum { WAIT_STEP_MS = 20, PROCESS_STEPS = 150, OBJECT_STEPS = 1000 };

struct ids {
	unsigned *id;
	size_t cnt, room;
};

/* Programs, maps, links: the three kinds of object that have ids. */
enum { PROG, MAP, LINK, KIND_CNT };
static const char *const kind_name[KIND_CNT] = { "prog", "map", "link" };
static const char *const kind_key[KIND_CNT] = { "prog_id:", "map_id:", "link_id:" };

static void ids_add(struct ids *ids, unsigned id)
{
	if (ids->cnt == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 64;
		ids->id = realloc(ids->id, ids->room * sizeof(*ids->id));
		if (!ids->id)
			abort();
	}
	ids->id[ids->cnt++] = id;
}

static int ids_has(const struct ids *ids, unsigned id)
{
	for (size_t i = 0; i < ids->cnt; i++) {
		if (ids->id[i] == id)
			return 1;
	}
	return 0;
}

static int next_id(int kind, unsigned id, unsigned *next)
{
	switch (kind) {
	case PROG: return bpf_prog_get_next_id(id, next);
	case MAP: return bpf_map_get_next_id(id, next);
	default: return bpf_link_get_next_id(id, next);
	}
}

static void existing(struct ids found[KIND_CNT])
{
	for (int kind = 0; kind < KIND_CNT; kind++) {
		unsigned id = 0;

		found[kind].cnt = 0;
		while (!next_id(kind, id, &id))
			ids_add(&found[kind], id);
	}
}

/* Adds the ids that one fdinfo file names. */
static void held_by_fd(const char *path, struct ids held[KIND_CNT])
{
	char line[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		for (int kind = 0; kind < KIND_CNT; kind++) {
			size_t len = strlen(kind_key[kind]);

			if (!strncmp(line, kind_key[kind], len))
				ids_add(&held[kind], strtoul(line + len, NULL, 10));
		}
	}
	if (f)
		fclose(f);
}

static void held_by_process(const char *pid, struct ids held[KIND_CNT])
{
	char path[600], target[64];
	struct dirent *d;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, d->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = 0;
		if (strncmp(target, "anon_inode:", 11) || !strstr(target, "bpf"))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, d->d_name);
		held_by_fd(path, held);
	}
	if (dir)
		closedir(dir);
}

/* A program keeps the maps it uses. */
static void held_by_programs(struct ids held[KIND_CNT])
{
	for (size_t i = 0; i < held[PROG].cnt; i++) {
		struct bpf_prog_info info = { 0 };
		unsigned maps[64], len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(held[PROG].id[i]);

		if (fd < 0)
			continue;
		info.nr_map_ids = 64;
		info.map_ids = (unsigned long)maps;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			for (unsigned m = 0; m < info.nr_map_ids && m < 64; m++)
				ids_add(&held[MAP], maps[m]);
		}
		close(fd);
	}
}

static void for_each_process(void (*fn)(const char *pid, void *arg), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (isdigit((unsigned char)d->d_name[0]))
			fn(d->d_name, arg);
	}
	if (dir)
		closedir(dir);
}

static void add_held(const char *pid, void *arg)
{
	held_by_process(pid, arg);
}

/* Prints "NAME ID" of the objects that nobody holds and FILE does not list. */
static int objects_left(const char *before, FILE *out)
{
	static struct ids found[KIND_CNT], held[KIND_CNT];
	int left = 0;

	existing(found);
	for (int kind = 0; kind < KIND_CNT; kind++)
		held[kind].cnt = 0;
	for_each_process(add_held, held);
	held_by_programs(held);
	for (int kind = 0; kind < KIND_CNT; kind++) {
		for (size_t i = 0; i < found[kind].cnt; i++) {
			char line[64];

			snprintf(line, sizeof(line), "%s %u\n", kind_name[kind], found[kind].id[i]);
			if (ids_has(&held[kind], found[kind].id[i]) || strstr(before, line))
				continue;
			left++;
			if (out)
				fprintf(out, "left behind: %s", line);
		}
	}
	return left;
}

static int pins(const char *path, const char *before, FILE *out)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int left = 0;

	while (dir && (d = readdir(dir))) {
		char child[512], line[600];

		if (d->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, d->d_name);
		if (d->d_type == DT_DIR) {
			left += pins(child, before, out);
			continue;
		}
		snprintf(line, sizeof(line), "pin %s\n", child);
		if (strstr(before, line))
			continue;
		left++;
		if (out)
			fprintf(out, "%s%s", *before ? "left behind: " : "", line);
	}
	if (dir)
		closedir(dir);
	return left;
}

/* ---- functions of the kernel that are stopped at ---- */

/* Where the kernel tells, when these are mounted; the first word of a line is enough of the second. */
static const struct {
	const char *path, *what;
	bool first_word;
} stops[] = {
	{ "/sys/kernel/debug/kprobes/list", "kprobe", false },
	{ "/sys/kernel/tracing/enabled_functions", "ftrace", true },
};

static int stops_left(const char *before, FILE *out)
{
	char line[512], known[600];
	int left = 0;

	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		FILE *f = fopen(stops[i].path, "re");

		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, stops[i].first_word ? " \n" : "\n")] = 0;
			snprintf(known, sizeof(known), "%s %s\n", stops[i].what, line);
			if (strstr(before, known))
				continue;
			left++;
			if (out)
				fprintf(out, "%s%s", *before ? "left behind: " : "", known);
		}
		if (f)
			fclose(f);
	}
	return left;
}

struct marked {
	const char *marker;
	int cnt;
	int kill;
};

/* True when the process was started with the marker's first len bytes in its environment. */
static int has_marker(const char *pid, const char *marker, size_t len_marker)
{
	static char env[1 << 17];
	char path[64];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	len = fread(env, 1, sizeof(env), f);
	fclose(f);
	return memmem(env, len, marker, len_marker) != NULL;
}

static void count_marked(const char *pid, void *arg)
{
	struct marked *m = arg;
	char path[64], comm[32] = "?\n";
	FILE *f;

	if (atoi(pid) == getpid() || !has_marker(pid, m->marker, strlen(m->marker) + 1))
		return;
	m->cnt++;
	if (!m->kill)
		return;
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(comm, sizeof(comm), f))
			strcpy(comm, "?\n");
		fclose(f);
	}
	printf("left behind: process %s %s", pid, comm);
	kill(atoi(pid), SIGKILL);
}

static int processes_left(const char *marker)
{
	const struct timespec step = { 0, WAIT_STEP_MS * 1000000 };
	struct marked m = { .marker = marker };

	for (int i = 0; i < PROCESS_STEPS; i++) {
		m.cnt = 0;
		for_each_process(count_marked, &m);
		if (!m.cnt)
			return 0;
		nanosleep(&step, NULL);
	}
	m.kill = 1;
	for_each_process(count_marked, &m);
	return m.cnt;
}

static void count_others(const char *pid, void *arg)
{
	struct marked *m = arg;
	const char *slash = strrchr(m->marker, '/');

	if (slash && has_marker(pid, m->marker, (size_t)(slash - m->marker) + 1))
		m->cnt++;
}

/* Whether another case runs, whose stops and breakpoints they may be. */
static bool others_run(const char *marker)
{
	struct marked m = { .marker = marker };

	if (marker)
		for_each_process(count_others, &m);
	return m.cnt;
}

struct checking {
	const char *before, *marker;
	int canary; /* 0: none */
};

/* What does not say whose it is. */
static int traces_left(const struct checking *c, FILE *out)
{
	int left = stops_left(c->before, NULL) + (c->canary ? canary_touched(c->canary, NULL) : 0);

	if (!left || others_run(c->marker))
		return 0;
	return out ? stops_left(c->before, out) + (c->canary ? canary_touched(c->canary, out) : 0)
		   : left;
}

/* The test of this waits for what never goes away. */
static int object_steps(void)
{
	const char *steps = getenv("BPF_LEFT_STEPS");

	return steps ? atoi(steps) : OBJECT_STEPS;
}

static int check(const struct checking *c)
{
	const struct timespec step = { 0, WAIT_STEP_MS * 1000000 };
	int steps = object_steps();
	int left = c->marker ? processes_left(c->marker) : 0;

	if (c->canary && canary_touched(c->canary, NULL) < 0) {
		printf("the canary, process %d, is gone\n", c->canary);
		return left + 1;
	}
	for (int i = 0; i < steps; i++) {
		if (!objects_left(c->before, NULL) && !pins("/sys/fs/bpf", c->before, NULL) &&
		    !traces_left(c, NULL))
			return left;
		nanosleep(&step, NULL);
	}
	return left + objects_left(c->before, stdout) + pins("/sys/fs/bpf", c->before, stdout) +
	       traces_left(c, stdout);
}

static char *slurp(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "re");

	if (!f || !text || fread(text, 1, (1 << 20) - 1, f) == 0) {
		fprintf(stderr, "bpf_left: %s: cannot read or empty\n", path);
		exit(2);
	}
	fclose(f);
	return text;
}

static void list(void)
{
	struct ids found[KIND_CNT] = { 0 };

	/* never empty, and each line is found by "\n"-ended search */
	printf("bpf objects\n");
	existing(found);
	for (int kind = 0; kind < KIND_CNT; kind++) {
		for (size_t i = 0; i < found[kind].cnt; i++)
			printf("%s %u\n", kind_name[kind], found[kind].id[i]);
		free(found[kind].id);
	}
	pins("/sys/fs/bpf", "", stdout);
	stops_left("", stdout);
}

int main(int argc, char **argv)
{
	struct checking c = { 0 };
	char *before;
	int left;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (argc < 3 || argc > 5 || strcmp(argv[1], "check")) {
		fprintf(stderr, "usage: bpf_left list | bpf_left check FILE [MARKER [CANARY]]\n");
		return 2;
	}
	before = slurp(argv[2]);
	c.before = before;
	c.marker = argc > 3 ? argv[3] : NULL;
	c.canary = argc > 4 ? atoi(argv[4]) : 0;
	left = check(&c);
	free(before);
	return left ? 1 : 0;
}

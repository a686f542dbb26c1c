// SPDX-License-Identifier: Apache-2.0
/* perf events: opening them where they belong, and saying why the kernel would not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/env.h"

/* The first bytes of a small file of /proc or /sys, as a string; "" when it cannot be read. */
static void read_small(const char *path, char *buf, size_t sz)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sz - 1);

	buf[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* "0-3,6,8-11": what is online, which may have holes and need not begin at 0. */
static int read_cpus(struct perf_where *w)
{
	char text[4096], *p = text, *end;
	int *grown;

	read_small("/sys/devices/system/cpu/online", text, sizeof(text));
	if (!*text)
		strcpy(text, "0"); /* no sysfs: there is always a first */
	while (*p >= '0' && *p <= '9') {
		unsigned long from = strtoul(p, &end, 10), to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (to < from || to - from > 65535)
			return -EIO;
		grown = realloc(w->cpus, (w->cpu_cnt + to - from + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		w->cpus = grown;
		for (; from <= to; from++)
			w->cpus[w->cpu_cnt++] = (int)from;
		p = *end == ',' ? end + 1 : end;
	}
	return w->cpu_cnt ? 0 : -EIO;
}

int perf_type(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	read_small(path, text, sizeof(text));
	return *text ? atoi(text) : -ENOENT;
}

const char *perf_context(struct probe_env *env, const struct probe_target *t)
{
	(void)env;
	(void)t;
	return "struct bpf_perf_event_data";
}

void perf_where_done(struct perf_where *where)
{
	free(where->cpus);
	where->cpus = NULL;
	where->cpu_cnt = 0;
}

int perf_open(const struct perf_event_attr *attr, int pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct rlimit lim;

	/* many events and their links: the soft limit is for programs that use select() */
	if (fd < 0 && errno == EMFILE && !getrlimit(RLIMIT_NOFILE, &lim) &&
	    lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
		fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		errno = fd < 0 ? EMFILE : errno;
	}
	return fd < 0 ? -errno : (int)fd;
}

int perf_open_first(struct perf_event_attr *attr)
{
	struct perf_where where = { 0 };
	int rc = read_cpus(&where), fd = -ENODEV;

	attr->size = sizeof(*attr);
	attr->disabled = 1;
	for (uint32_t i = 0; !rc && i < where.cpu_cnt && fd == -ENODEV; i++)
		fd = perf_open(attr, -1, where.cpus[i]);
	perf_where_done(&where);
	return rc ?: fd;
}

static int explain_refusal(const char *name, int rc, struct probe_error *err)
{
	char lockdown[128], paranoid[32];

	read_small("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	read_small("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	paranoid[strcspn(paranoid, "\n")] = 0;
	if (!*paranoid)
		return probe_fail(err, -1, rc,
				  "%s: perf_event_open: %s: this kernel has no perf events "
				  "(CONFIG_PERF_EVENTS is off)",
				  name, strerror(-rc));
	if (strstr(lockdown, "[confidentiality]"))
		return probe_fail(err, -1, rc,
				  "%s: perf_event_open: %s: the kernel is locked down "
				  "(/sys/kernel/security/lockdown)",
				  name, strerror(-rc));
	return probe_fail(err, -1, rc,
			  "%s: perf_event_open: %s: CAP_PERFMON is needed "
			  "(kernel.perf_event_paranoid is %s)",
			  name, strerror(-rc), paranoid);
}

static int explain_open(const char *name, const struct perf_event_attr *attr, int pid, int rc,
			struct probe_error *err)
{
	char limit[32];

	if (rc == -EACCES || rc == -EPERM || rc == -ENOSYS)
		return explain_refusal(name, rc, err);
	if (rc == -ESRCH)
		return probe_fail(err, -1, rc, "%s: there is no process %d", name, pid);
	if (rc == -EMFILE || rc == -ENFILE)
		return probe_fail(err, -1, rc, "%s: out of file descriptors (ulimit -n)", name);
	if (attr->type == PERF_TYPE_HARDWARE && (rc == -ENOENT || rc == -EOPNOTSUPP))
		return probe_fail(err, -1, rc,
				  "%s: this processor, or the virtual machine, does not count it",
				  name);
	if (rc == -EINVAL && attr->freq) {
		read_small("/proc/sys/kernel/perf_event_max_sample_rate", limit, sizeof(limit));
		limit[strcspn(limit, "\n")] = 0;
		if (strtoull(limit, NULL, 10) < attr->sample_freq)
			return probe_fail(
				err, -1, rc,
				"%s: above kernel.perf_event_max_sample_rate, which is %s", name,
				limit);
	}
	return probe_fail(err, -1, rc, "%s: perf_event_open: %s", name, strerror(-rc));
}

static int explain_attach(const char *name, int rc, struct probe_error *err)
{
	if (rc == -EOPNOTSUPP)
		return probe_fail(err, -1, rc, "%s: attach cookies need Linux 5.15 or newer", name);
	if (rc == -EPERM || rc == -EACCES)
		return probe_fail(err, -1, rc,
				  "%s: attaching: %s: CAP_BPF and CAP_PERFMON are needed", name,
				  strerror(-rc));
	if (rc == -E2BIG)
		return probe_fail(err, -1, rc, "%s: 64 programs are attached to it already", name);
	/* A program is on a tracepoint once; a second time takes a second program. */
	if (rc == -EEXIST)
		return probe_fail(err, -1, rc, "%s: named twice by the same probe", name);
	return probe_fail(err, -1, rc, "%s: attaching: %s", name, strerror(-rc));
}

bool perf_is_time(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && (attr->config == PERF_COUNT_SW_CPU_CLOCK ||
						    attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

/* One event: pid -1 is everybody, cpu -1 wherever the thread runs. */
struct site {
	const struct probe_attach *a;
	uint32_t target;
	const struct perf_event_attr *attr;
	struct probe_links *links;
	struct probe_error *err;
	struct perf_where *where;
};

/* Of processes that inherit an event each one counts for itself, but all into one sum. */
static bool is_countable(const struct site *s, int pid)
{
	return s->where->counted &&
	       (pid < 0 || (s->attr->sample_period == 1 && !perf_is_time(s->attr)));
}

static int attach_one(const struct site *s, int pid, int cpu)
{
	const char *name = s->a->targets[s->target].name;
	int fd = s->where->opened ? *s->where->opened : perf_open(s->attr, pid, cpu);
	int rc;

	s->where->opened = NULL;
	if (fd < 0)
		return explain_open(name, s->attr, pid, fd, s->err);
	rc = links_attach_perf(s->links, s->a->prog_fd, fd,
			       s->a->cookies ? &s->a->cookies[s->target] : NULL, s->where->holder,
			       s->target);
	if (rc)
		return explain_attach(name, rc, s->err);
	s->where->cpu = cpu;
	return is_countable(s, pid)
		       ? links_count(s->links, fd, s->where->one_cpu ? -1 : cpu, s->attr)
		       : 0;
}

/*
 * Every thread has an event of its own and hands it down to the threads and processes it starts.
 * Those that end meanwhile are no error while one is left.
 */
static int attach_threads(const struct site *s, int pid)
{
	char path[64];
	struct dirent *e;
	uint32_t attached = 0;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return attach_one(s, pid, -1); /* no procfs, or no process: that says which */
	while (!rc && (e = readdir(dir))) {
		if (*e->d_name == '.')
			continue;
		rc = attach_one(s, atoi(e->d_name), -1);
		if (rc == -ESRCH)
			rc = 0;
		else if (!rc)
			attached++;
	}
	closedir(dir);
	if (!rc && !attached)
		rc = explain_open(s->a->targets[s->target].name, s->attr, pid, -ESRCH, s->err);
	return rc;
}

int perf_attach(const struct probe_attach *a, uint32_t target, struct perf_event_attr *attr,
		struct perf_where *where, struct probe_links *links, struct probe_error *err)
{
	struct site s = { a, target, attr, links, err, where };
	uint32_t attached = 0;
	int rc = 0;

	attr->size = sizeof(*attr);
	attr->disabled = where->counted; /* until the program is there */
	if (where->pid && where->one_task)
		return attach_one(&s, where->pid, -1);
	if (where->pid) {
		attr->inherit = 1;
		return attach_threads(&s, where->pid);
	}
	if (!where->cpus)
		rc = read_cpus(where);
	if (rc)
		return probe_fail(err, -1, rc, "/sys/devices/system/cpu/online: %s", strerror(-rc));
	for (uint32_t i = 0; i < where->cpu_cnt && !rc; i++) {
		rc = attach_one(&s, -1, where->cpus[i]);
		if (rc == -ENODEV) {
			rc = 0; /* went offline since */
			continue;
		}
		attached += !rc;
		if (where->one_cpu && attached)
			break;
	}
	if (!rc && !attached)
		rc = probe_fail(err, -1, -ENODEV, "%s: no CPU is online", a->targets[target].name);
	return rc;
}

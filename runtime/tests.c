// SPDX-License-Identifier: Apache-2.0
/*
 * test and bench probes are raw tracepoint programs that no tracepoint calls: BPF_PROG_TEST_RUN does.
 *
 * A test passes when it returns 0 and has not called exit() with another number (assert() does).
 * What it prints is shown when it fails.
 *
 * A benchmark is run in batches until they took long enough. How long a run takes is the kernel's own
 * count (BPF_ENABLE_STATS, Linux 5.8, as root): a system call for each run would cost many times that
 * of most programs. Without it, it is the time of the system calls.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/attach.h"
#include "runtime/tests.h"

enum {
	BATCH_FIRST = 1000, /* runs */
	BATCH_NS = 100000000, /* a batch of so long is enough */
	DRAIN_RUNS = 256, /* so often is the ring emptied */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* "test:NAME": its NAME. */
static const char *name_of(const struct image *img, uint32_t probe)
{
	const char *name = image_str(img, img->targets[img->probes[probe].target_first].name);
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}

static bool is_kind(const struct image *img, uint32_t probe, enum probe_when when)
{
	const struct probe_type *t = probe_type_find(image_str(img, img->probes[probe].type));

	return t && t->when == when;
}

static uint32_t count(const struct image *img, enum probe_when when)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < img->probes_cnt; i++)
		cnt += is_kind(img, i, when);
	return cnt;
}

bool tests_any(const struct image *img)
{
	return count(img, PROBE_WHEN_TEST) || count(img, PROBE_WHEN_BENCH);
}

/* One run: 0 and what the program returned, or -errno. */
static int run_once(int prog_fd, int *returned)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int rc = bpf_prog_test_run_opts(prog_fd, &opts);

	*returned = (int)opts.retval;
	return rc;
}

static int cannot_run(const char *name, int rc)
{
	fprintf(stderr, "ERROR: cannot run %s: %s\n", name, strerror(-rc));
	return rc;
}

static void on_record(void *arg, const void *rec, size_t sz)
{
	event_handle(arg, rec, sz);
}

static void ignore_record(void *arg, const void *rec, size_t sz)
{
}

/* ---- tests ---- */

struct tally {
	uint32_t *failed; /* probes */
	uint32_t cnt, failed_cnt;
};

/* errorf and its like, in the place where the rest of the output is gathered. */
static void gather_message(struct out *o, const char *json_type, const char *level, uint32_t place,
			   const char *text)
{
	char where[512];

	place_text(o->env->img, place, where, sizeof(where));
	buf_printf(&o->buf, "%s%s: %s", where, level, text);
	if (o->buf.len && o->buf.p[o->buf.len - 1] != '\n')
		buf_putc(&o->buf, '\n');
}

/* Handles what the test sent, as text behind what the buffer holds. */
static void gather_output(const struct tests_args *a)
{
	const struct out_ops *ops = a->out->ops;
	struct out_ops text = out_text_ops;

	text.message = gather_message;
	a->out->ops = &text;
	a->out->held = true;
	ring_drain(a->ring, 0, on_record, a->events);
	a->out->held = false;
	a->out->ops = ops;
}

static void put_duration(struct buf *b, uint64_t ns)
{
	static const char *const units[] = { "ns", "μs", "ms", "s" };
	uint32_t i = 0;

	for (; ns >= 10000 && i < 3; i++)
		ns /= 1000;
	buf_printf(b, "%llu %s", (unsigned long long)ns, units[i]);
}

static void put_tag(struct out *o, bool good, const char *tag)
{
	if (o->env->terminal)
		buf_printf(&o->buf, "\033[%dm[%s]\033[0m ", good ? 32 : 31, tag);
	else
		buf_printf(&o->buf, "[%s] ", tag);
}

static void text_result(struct out *o, const char *name, uint64_t ns, bool passed)
{
	put_tag(o, passed, passed ? "       OK " : "  FAILED  ");
	buf_printf(&o->buf, "%s (", name);
	put_duration(&o->buf, ns);
	buf_puts(&o->buf, ")\n");
}

static int run_test(const struct tests_args *a, uint32_t probe, struct tally *tally)
{
	const char *name = name_of(a->img, probe);
	struct out *o = a->out;
	uint64_t from = now_ns(), ns;
	size_t at;
	int returned, rc;
	bool passed;

	if (!o->ops->test) {
		put_tag(o, true, " RUN      ");
		buf_printf(&o->buf, "%s\n", name);
	}
	at = o->buf.len;
	a->events->exiting = false;
	a->events->code = 0;
	rc = run_once(loaded_prog_fd(a->loaded, probe, 0), &returned);
	ns = now_ns() - from;
	if (rc)
		return cannot_run(name, rc);
	gather_output(a);
	passed = !returned && !a->events->code;
	a->events->exiting = false;
	a->events->code = 0;
	tally->cnt++;
	if (!passed)
		tally->failed[tally->failed_cnt++] = probe;
	if (o->ops->test) {
		o->ops->test(o, name, ns, passed, at);
	} else {
		if (passed)
			o->buf.len = at;
		text_result(o, name, ns, passed);
	}
	out_commit(o);
	return 0;
}

static void text_summary(const struct tests_args *a, const struct tally *t)
{
	uint32_t passed = t->cnt - t->failed_cnt;
	struct out *o = a->out;

	put_tag(o, true, "==========");
	buf_printf(&o->buf, "%u test%s ran.\n", t->cnt, t->cnt == 1 ? "" : "s");
	put_tag(o, true, "  PASSED  ");
	buf_printf(&o->buf, "%u test%s.\n", passed, passed == 1 ? "" : "s");
	if (!t->failed_cnt)
		return;
	put_tag(o, false, "  FAILED  ");
	buf_printf(&o->buf, "%u test%s, listed below:\n", t->failed_cnt,
		   t->failed_cnt == 1 ? "" : "s");
	for (uint32_t i = 0; i < t->failed_cnt; i++) {
		put_tag(o, false, "  FAILED  ");
		buf_printf(&o->buf, "%s\n", name_of(a->img, t->failed[i]));
	}
}

static int run_tests(const struct tests_args *a, uint32_t cnt)
{
	struct tally t = { .failed = calloc((size_t)cnt + 1, sizeof(*t.failed)) };
	int rc = t.failed ? 0 : -ENOMEM;

	if (!a->out->ops->test) {
		put_tag(a->out, true, "==========");
		buf_printf(&a->out->buf, "Running %u tests.\n", cnt);
	}
	for (uint32_t i = 0; i < a->img->probes_cnt && !rc && !loop_signals(a->loop); i++)
		if (is_kind(a->img, i, PROBE_WHEN_TEST))
			rc = run_test(a, i, &t);
	if (!rc && !a->out->ops->test)
		text_summary(a, &t);
	out_commit(a->out);
	free(t.failed);
	return rc ?: (int)t.failed_cnt;
}

/* ---- benchmarks ---- */

/* What the kernel has counted for a program so far. */
static bool kernel_count(int prog_fd, uint64_t *ns, uint64_t *runs)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return false;
	*ns = info.run_time_ns;
	*runs = info.run_cnt;
	return true;
}

/* So many runs; gives how long they took, without what is done between them. 1: one returned it. */
static int run_batch(const struct tests_args *a, int prog_fd, uint64_t runs, uint64_t *ns)
{
	int returned = 0, rc = 0;

	*ns = 0;
	for (uint64_t done = 0; done < runs && !rc && !loop_signals(a->loop);) {
		uint64_t from = now_ns();

		for (int i = 0; i < DRAIN_RUNS && done < runs && !rc; i++, done++)
			rc = run_once(prog_fd, &returned) ?: !!returned;
		*ns += now_ns() - from;
		ring_drain(a->ring, 0, ignore_record, NULL);
	}
	return rc;
}

static int run_bench(const struct tests_args *a, uint32_t probe, bool has_stats, uint32_t width)
{
	int fd = loaded_prog_fd(a->loaded, probe, 0), rc;
	uint64_t runs = BATCH_FIRST, wall, ns0 = 0, runs0 = 0, ns1, runs1;
	const char *name = name_of(a->img, probe);
	struct out *o = a->out;

	for (;; runs *= 2) {
		has_stats = has_stats && kernel_count(fd, &ns0, &runs0);
		rc = run_batch(a, fd, runs, &wall);
		if (rc || wall >= BATCH_NS || loop_signals(a->loop))
			break;
	}
	if (rc < 0)
		return cannot_run(name, rc);
	if (rc) {
		fprintf(stderr, "ERROR: Benchmark '%s' failed.\n", name);
		return rc;
	}
	if (has_stats && kernel_count(fd, &ns1, &runs1) && runs1 > runs0) {
		wall = ns1 - ns0;
		runs = runs1 - runs0;
	}
	if (o->ops->bench)
		o->ops->bench(o, name, wall / runs, runs);
	else
		buf_printf(&o->buf, "%-*s%-15llu%llu\n", (int)width, name,
			   (unsigned long long)(wall / runs), (unsigned long long)runs);
	out_commit(o);
	return 0;
}

static uint32_t name_width(const struct image *img)
{
	uint32_t width = 40;

	for (uint32_t i = 0; i < img->probes_cnt; i++)
		if (is_kind(img, i, PROBE_WHEN_BENCH) && strlen(name_of(img, i)) > width)
			width = (uint32_t)strlen(name_of(img, i));
	return width + 1;
}

static void text_head(struct out *o, uint32_t width)
{
	buf_printf(&o->buf, "%-*s%-15s%s\n", (int)width, "Benchmark", "Time(ns)", "Iterations");
	buf_fill(&o->buf, '-', width + 15 + strlen("Iterations"));
	buf_putc(&o->buf, '\n');
}

static int run_benches(const struct tests_args *a)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), rc = 0;
	uint32_t width = name_width(a->img);

	if (!a->out->ops->bench)
		text_head(a->out, width);
	for (uint32_t i = 0; i < a->img->probes_cnt && !rc && !loop_signals(a->loop); i++)
		if (is_kind(a->img, i, PROBE_WHEN_BENCH))
			rc = run_bench(a, i, stats >= 0, width);
	if (stats >= 0)
		close(stats);
	return rc;
}

int tests_run(const struct tests_args *a)
{
	uint32_t cnt = count(a->img, PROBE_WHEN_TEST);

	/* What begin has left behind is no test's. */
	ring_drain(a->ring, 0, on_record, a->events);
	return cnt ? run_tests(a, cnt) : run_benches(a);
}

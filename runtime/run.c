// SPDX-License-Identifier: Apache-2.0
/*
 * Running an image, from nothing to nothing left behind. run_image reads as the table of contents;
 * whatever happens, it ends in run_close, which undoes what was done and no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/attach.h"
#include "runtime/beats.h"
#include "runtime/child.h"
#include "runtime/commands.h"
#include "runtime/event.h"
#include "runtime/live.h"
#include "runtime/load.h"
#include "runtime/loop.h"
#include "runtime/out.h"
#include "runtime/pcap.h"
#include "runtime/report.h"
#include "runtime/run.h"
#include "runtime/symbols.h"
#include "runtime/tests.h"
#include "runtime/unwind.h"

void run_fill_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

void run_tell_short(uint64_t max_strlen)
{
	fprintf(stderr, "max_strlen: %llu, as this kernel takes keys of %d bytes at most\n",
		(unsigned long long)max_strlen, IMAGE_KEY_EVERYWHERE);
}

struct run {
	const struct image *img;
	struct image short_img; /* which img is when this kernel takes short keys only */
	const struct run_options *opt;
	struct value_env values;
	struct symbols *symbols;
	struct out *out;
	struct loop *loop;
	struct child *child;
	struct probe_env *env;
	bool own_env;
	bool over; /* begin has called exit() */
	bool tests; /* --test or --bench: nothing is waited for */
	int failed; /* of them */
	struct features *features;
	struct loaded *loaded;
	struct maps *maps;
	struct ring *ring;
	struct event_ctx events;
	struct probe_flags gfp;
	struct report *report;
	struct live *live; /* NULL: not asked for */
	struct probe_links links;
	struct beats *beats; /* NULL: nothing beats */
	uint32_t probe_cnt;
};

static int say(int rc, const char *what)
{
	if (rc)
		fprintf(stderr, "ERROR: %s: %s\n", what, strerror(-rc));
	return rc;
}

static int64_t wall_minus_boot(void)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (wall.tv_sec - boot.tv_sec) * 1000000000LL + wall.tv_nsec - boot.tv_nsec;
}

/* What is known of this kernel, and of an image that brings two programs the one for it. */
static int open_features(struct run *r)
{
	char why[256];
	int rc;

	r->features = r->opt->features ?: features_new(r->opt->no_features);
	if (!r->features)
		return say(-ENOMEM, "cannot start");
	rc = image_read_short(&r->short_img, r->img, why, sizeof(why));
	if (rc == -ENOENT || (!rc && features_has(r->features, FEAT_LONG_KEYS)))
		return 0;
	if (rc) {
		fprintf(stderr, "ERROR: %s\n", why);
		return rc;
	}
	r->img = &r->short_img;
	if (r->opt->verbose)
		run_tell_short(image_setting_num(r->img, "max_strlen", 1024));
	return 0;
}

static int open_output(struct run *r)
{
	r->values.img = r->img;
	r->values.cut_mark = image_setting_str(r->img, "str_trunc_trailer", "..");
	r->values.max_strlen = (uint32_t)image_setting_num(r->img, "max_strlen", 1024);
	r->values.boot_ns = wall_minus_boot();
	r->symbols = symbols_new(r->img, r->opt->debuginfo);
	if (!r->symbols)
		return say(-ENOMEM, "cannot start");
	r->values.symbols = r->symbols;
	r->out = out_new(r->opt, &r->values);
	if (!r->out)
		return -EIO;
	if (r->opt->live && !isatty(r->out->fd)) {
		fprintf(stderr, "ERROR: --live needs a terminal to draw on\n");
		return -ENOTTY;
	}
	/* JSON has a way of its own to write control characters */
	r->values.terminal = r->opt->format != RUN_JSON && isatty(r->out->fd);
	return 0;
}

/* A dry run starts no command; what needs a process gets this one in its place. */
static int pid_of_child(const struct run *r)
{
	if (r->opt->child_cmd && r->opt->dry_run)
		return (int)getpid();
	return r->child ? child_pid(r->child) : 0;
}

static struct attach_args attach_args_of(const struct run *r)
{
	return (struct attach_args){
		.img = r->img,
		.opt = r->opt,
		.env = r->env,
		.child_pid = pid_of_child(r),
	};
}

static void on_signal(void *arg, int signo)
{
	struct run *r = arg;
	struct attach_args a = attach_args_of(r);

	if (signo == SIGWINCH && r->live)
		live_draw(r->live);
	run_on_signal(r->loaded, &a, signo); /* what fails was said */
}

static int open_loop(struct run *r)
{
	sigset_t set;

	r->loop = loop_new();
	if (!r->loop)
		return say(-ENOMEM, "cannot wait for events");
	r->out->wake_fd = loop_signal_fd(r->loop);
	signals_wanted(r->img, &set);
	if (r->opt->live)
		sigaddset(&set, SIGWINCH);
	if (sigisemptyset(&set))
		return 0;
	return say(loop_watch_signals(r->loop, &set, on_signal, r), "cannot wait for signals");
}

static void warn_no_shell(const struct run *r)
{
	const char *word = child_shell_word(r->child);

	if (word && !r->opt->no_warnings)
		fprintf(stderr,
			"WARNING: -c runs no shell: '%s' is an argument like any other\n"
			"HINT: -c 'sh -c \"...\"' runs one.\n",
			word);
}

/* The process of -c, stopped, or that of -p: its end is watched. */
static int open_process(struct run *r)
{
	int pid = r->opt->pid, rc;
	char err[512];

	if (r->opt->child_cmd && !r->opt->dry_run) {
		rc = child_start(&r->child, r->opt->child_cmd, loop_old_mask(r->loop), err,
				 sizeof(err));
		if (rc) {
			fprintf(stderr, "ERROR: %s\n", err);
			return rc;
		}
		pid = child_pid(r->child);
		warn_no_shell(r);
	}
	if (!pid)
		return 0;
	rc = loop_watch_pid(r->loop, pid);
	if (rc == -ESRCH || rc == -EINVAL)
		fprintf(stderr, "ERROR: -p: there is no process %d\n", pid);
	else if (rc)
		say(rc, "cannot watch the process");
	return rc;
}

static int open_kernel(struct run *r)
{
	struct load_args la = { .img = r->img, .opt = r->opt };
	const struct probe_env_options eo = { .pid = r->opt->pid,
					      .debuginfo = r->opt->debuginfo,
					      .no_features = r->opt->no_features };

	r->env = r->opt->env;
	if (!r->env) {
		r->env = probe_env_new(&eo);
		r->own_env = true;
	}
	if (!r->env)
		return say(-ENOMEM, "cannot start");
	la.features = r->features;
	la.symbols = r->symbols;
	la.env = r->env;
	la.child_pid = pid_of_child(r);
	return load_image(&r->loaded, &la);
}

/* Without names, %gr shows numbers: no reason not to trace. */
static void open_gfp_names(struct run *r)
{
	struct probe_error err = { .text = "" };
	bool wanted = false;

	for (uint32_t i = 0; i < r->img->pieces_cnt; i++)
		wanted |= r->img->pieces[i].arg != IMAGE_NONE && r->img->pieces[i].conv == 'g';
	if (!wanted)
		return;
	if (probe_flags_read(r->env, "kmem/mm_page_alloc", "gfp_flags", &r->gfp, &err)) {
		if (!r->opt->no_warnings)
			fprintf(stderr,
				"WARNING: %%gr shows numbers, as the names of flags cannot be "
				"read: %s\n",
				err.text);
		return;
	}
	r->values.gfp = &r->gfp;
}

/* What user stacks are unwound by, if a program does and this kernel lets it. */
static int open_unwind(struct run *r)
{
	struct unwind_fds fds;
	struct unwind *u;
	int pid;

	if (r->opt->dry_run)
		return 0;
	if (!loaded_unwind_fds(r->loaded, &fds)) {
		if (r->opt->verbose && fds.procs >= 0)
			fprintf(stderr, "user stacks: by frame pointers, as this kernel has no "
					"task_pt_regs or no btf\n");
		return 0;
	}
	r->events.unwind = u = unwind_new(&fds, symbols_files(r->symbols));
	if (!u)
		return say(-ENOMEM, "cannot start");
	if (r->opt->pid)
		unwind_expect(u, (uint32_t)r->opt->pid);
	for (const char *at = r->opt->dwarf_pids; at && (at = run_next_pid(at, &pid));)
		unwind_expect(u, (uint32_t)pid);
	if (r->child)
		unwind_expect_child(u, r->env, (uint32_t)child_pid(r->child), child_path(r->child));
	if (unwind_fd(u) < 0) /* processes are looked at when they are met */
		return 0;
	return say(loop_watch_unwind(r->loop, unwind_fd(u)), "cannot wait for events");
}

static int open_commands(struct run *r)
{
	r->events.commands = commands_new(r->out, loop_old_mask(r->loop));
	if (!r->events.commands)
		return say(-ENOMEM, "cannot start");
	return say(loop_watch_commands(r->loop, commands_fd(r->events.commands)),
		   "cannot wait for commands");
}

static int open_events(struct run *r)
{
	int fd = loaded_events_fd(r->loaded), rc;
	struct unwind_fds fds;

	r->maps = maps_new(r->img, loaded_map_fds(r->loaded), loaded_map_shapes(r->loaded),
			   loaded_ncpus(r->loaded));
	if (!r->maps)
		return say(-ENOMEM, "cannot start");
	rc = event_ctx_init(&r->events, r->img, &r->values, r->out, r->maps);
	if (rc)
		return say(rc, "cannot start");
	r->report = report_new(r->opt, r->loaded, &r->events);
	if (!r->report)
		return say(-ENOMEM, "cannot start");
	if (r->opt->verbose)
		verbose_maps(r->img, loaded_map_shapes(r->loaded), loaded_ncpus(r->loaded));
	open_gfp_names(r);
	r->ring = ring_new(fd, loaded_events_size(r->loaded));
	if (!r->ring)
		return say(-errno, "cannot map the event buffer");
	rc = loop_watch_ring(r->loop, fd);
	symbols_set_marks(r->symbols, loaded_stacks_fd(r->loaded));
	fd = rc ? -1
		: symbols_follow(r->symbols, (uint32_t)r->opt->pid,
				 !loaded_unwind_fds(r->loaded, &fds));
	if (fd >= 0) /* without, processes are looked at when they are met */
		rc = loop_watch_symbols(r->loop, fd);
	return say(rc, "cannot wait for events");
}

static void look_for_exit(void *arg, const void *rec, size_t sz)
{
	const struct event_head *head = rec;
	struct run *r = arg;

	if (sz >= sizeof(*head) && head->action < r->img->actions_cnt &&
	    r->img->actions[head->action].kind == ACT_EXIT)
		r->over = true;
}

static int begin(struct run *r)
{
	struct attach_args a = attach_args_of(r);
	int rc = r->opt->dry_run ? 0 : run_probes(r->loaded, &a, PROBE_WHEN_BEGIN);

	if (!rc)
		ring_peek(r->ring, look_for_exit, r);
	return rc;
}

/* Nothing will happen any more when the iterators, if any, have come to their end. */
static bool ends_alone(const struct image *img)
{
	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		const struct probe_type *t = probe_type_of(img, i);

		if (!t || t->when == PROBE_WHEN_SIGNAL ||
		    (t->when == PROBE_WHEN_ATTACHED && !(t->flags & PROBE_WALKS)))
			return false;
	}
	return true;
}

/* A script that begin has ended attaches nothing: no event would come from it any more. */
static int attach(struct run *r)
{
	struct attach_args a = attach_args_of(r);
	int rc;

	if (r->over) {
		r->probe_cnt = r->img->targets_cnt;
		return 0;
	}
	if (r->child)
		child_settle(r->child);
	rc = attach_probes(r->loaded, &a, &r->links, &r->probe_cnt);
	r->events.links = &r->links;
	if (rc || r->opt->dry_run)
		probe_links_unpin(&r->links);
	loop_walk(r->loop, r->links.walks, r->links.walk_cnt, !r->child && ends_alone(r->img));
	return rc;
}

static int open_beats(struct run *r)
{
	uint32_t cnt;
	int fd = loaded_beats_fd(r->loaded, &cnt), rc;

	/* an image of another version may count its slots in another way */
	if (fd < 0 || !cnt || r->links.beat_cnt != cnt || r->opt->dry_run)
		return 0;
	r->beats = beats_new(&r->links, fd, cnt);
	rc = r->beats ? loop_watch_beats(r->loop, beats_fd(r->beats), beats_step, r->beats)
		      : -errno;
	return say(rc, "cannot look after interval probes");
}

static int go(struct run *r)
{
	char err[512];
	int rc;

	if (!r->opt->quiet && !r->tests) {
		r->out->ops->attached(r->out, r->probe_cnt);
		out_commit(r->out);
	}
	for (uint32_t i = 0; i < r->links.pin_cnt; i++) {
		buf_printf(r->out->ops->text_begin(r->out), "Program pinned to %s\n",
			   r->links.pins[i]);
		r->out->ops->text_end(r->out, "pinned");
		out_commit(r->out);
	}
	rc = r->child ? child_go(r->child, err, sizeof(err)) : 0;
	if (rc)
		fprintf(stderr, "ERROR: %s\n", err);
	return rc;
}

/* ---- the end ---- */

static void on_record(void *arg, const void *rec, size_t sz)
{
	event_handle(arg, rec, sz);
}

static int cmp_names(const void *a, const void *b, void *arg)
{
	const struct image *img = arg;

	return strcmp(image_str(img, img->maps[*(const uint32_t *)a].name),
		      image_str(img, img->maps[*(const uint32_t *)b].name));
}

static int print_maps(struct run *r)
{
	uint32_t *order = calloc((size_t)r->img->maps_cnt + 1, sizeof(*order));
	struct map_data d;
	int rc = order ? 0 : -ENOMEM;

	for (uint32_t i = 0; order && i < r->img->maps_cnt; i++)
		order[i] = i;
	if (order)
		qsort_r(order, r->img->maps_cnt, sizeof(*order), cmp_names, (void *)r->img);
	for (uint32_t i = 0; i < r->img->maps_cnt && !rc && !r->out->err; i++) {
		rc = maps_read(r->maps, order[i], false, &d);
		if (rc)
			break;
		r->out->ops->map(r->out, &d, 0, 1);
		out_commit(r->out);
		map_data_free(&d);
	}
	free(order);
	return say(rc, "cannot read a map");
}

static int flush_captures(struct run *r)
{
	const char *path;
	int rc = pcap_flush(r->events.captures, &path);

	if (rc)
		fprintf(stderr, "ERROR: skboutput(): cannot write %s: %s\n", path, strerror(-rc));
	return rc;
}

/* The one way to end: exit(), a signal, the end of a process all come here. */
static int finish(struct run *r)
{
	struct attach_args a = attach_args_of(r);
	int rc;

	report_settle(r->report, &r->links);
	probe_links_close(&r->links);
	ring_drain(r->ring, 0, on_record, &r->events); /* what end sends shall find room */
	rc = run_probes(r->loaded, &a, PROBE_WHEN_END);
	ring_drain(r->ring, 0, on_record, &r->events);
	rc = rc ?: flush_captures(r);
	commands_wait(r->events.commands, loop_signal_fd(r->loop));
	report_end(r->report);
	r->out->ops->before_maps(r->out);
	if (!rc && !r->tests && image_setting_num(r->img, "print_maps_on_exit", 1))
		rc = print_maps(r);
	if (r->out->ops->finish)
		r->out->ops->finish(r->out);
	return rc;
}

static void tick(void *arg)
{
	struct run *r = arg;

	if (r->live)
		live_draw(r->live);
	else
		report_live(r->report);
}

static int open_live(struct run *r)
{
	int rc = r->opt->live ? live_new(&r->live, r->out, r->maps) : 0;

	say(rc, "cannot draw");
	if (!r->live)
		return rc;
	if (isatty(STDIN_FILENO))
		loop_watch_keys(r->loop, STDIN_FILENO);
	live_draw(r->live);
	return 0;
}

static int wait_for_end(struct run *r)
{
	struct loop_tick ticks = { tick, r, r->opt->live || r->opt->failures || r->img->sites_cnt };
	int rc = open_live(r) ?: loop_run(r->loop, r->ring, &r->events, &ticks);

	live_free(r->live);
	r->live = NULL;
	return rc;
}

static int run_tests(struct run *r)
{
	const struct tests_args a = {
		.img = r->img,
		.loaded = r->loaded,
		.loop = r->loop,
		.ring = r->ring,
		.events = &r->events,
		.out = r->out,
	};
	int failed = tests_run(&a);

	r->failed = failed > 0 ? failed : 0;
	return failed < 0 ? failed : 0;
}

static int run_until_end(struct run *r)
{
	int rc = r->tests ? run_tests(r) : wait_for_end(r);

	if (r->child)
		child_reap(r->child);
	/* nobody reads any more, or a second signal: out, without ceremony */
	if (!rc && loop_signals(r->loop) < 2)
		rc = finish(r);
	if (!rc || rc == r->out->err)
		rc = out_flush(r->out);
	out_report(r->out);
	return rc == -EPIPE || rc == -EINTR ? 0 : rc;
}

static int exit_status(struct run *r, int rc)
{
	if (rc)
		return rc;
	if (loop_signals(r->loop) > 1)
		return 128 + loop_last_signal(r->loop);
	return r->failed ? 1 : r->events.code;
}

static void run_close(struct run *r)
{
	beats_free(r->beats);
	probe_links_close(&r->links);
	ring_free(r->ring);
	report_free(r->report);
	commands_free(r->events.commands);
	unwind_free(r->events.unwind);
	event_ctx_free(&r->events);
	maps_free(r->maps);
	loaded_free(r->loaded);
	if (r->features != r->opt->features)
		features_free(r->features);
	probe_flags_free(&r->gfp);
	if (r->own_env)
		probe_env_free(r->env);
	child_free(r->child);
	loop_free(r->loop);
	out_free(r->out);
	symbols_free(r->symbols);
}

int run_image(const struct image *img, const struct run_options *opt)
{
	struct run r = { .img = img, .opt = opt, .tests = tests_any(img) };
	int rc;

	rc = open_features(&r);
	rc = rc ?: open_output(&r);
	rc = rc ?: open_loop(&r);
	rc = rc ?: open_process(&r);
	rc = rc ?: open_kernel(&r);
	rc = rc ?: open_events(&r);
	rc = rc ?: open_unwind(&r);
	rc = rc ?: open_commands(&r);
	rc = rc ?: begin(&r);
	rc = rc ?: attach(&r);
	rc = rc ?: open_beats(&r);
	if (!rc && !opt->dry_run) {
		rc = go(&r);
		rc = rc ?: run_until_end(&r);
		rc = exit_status(&r, rc);
	}
	run_close(&r);
	return rc;
}

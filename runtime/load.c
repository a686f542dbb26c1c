// SPDX-License-Identifier: Apache-2.0
/*
 * Loading. libbpf does the work; around it are the choices that only the machine at hand decides:
 * the size of the ring, whether maps take their memory at once, cookies or copies of programs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/atomics.h"
#include "runtime/attach.h"
#include "runtime/clone.h"
#include "runtime/layout.h"
#include "runtime/load.h"
#include "runtime/loaded.h"
#include "runtime/kfuncs.h"
#include "runtime/verdict.h"
#include "runtime/unwind.h"

enum { LOG_LONG = 64 << 20 };

uint64_t image_setting_num(const struct image *img, const char *name, uint64_t fallback)
{
	for (uint32_t i = 0; i < img->settings_cnt; i++)
		if (!strcmp(image_str(img, img->settings[i].name), name))
			return img->settings[i].num;
	return fallback;
}

const char *image_setting_str(const struct image *img, const char *name, const char *fallback)
{
	for (uint32_t i = 0; i < img->settings_cnt; i++)
		if (!strcmp(image_str(img, img->settings[i].name), name))
			return image_str(img, img->settings[i].str);
	return fallback;
}

static void collect_maps(struct loaded *l)
{
	for (uint32_t i = 0; i < l->img->maps_cnt; i++)
		l->map_fds[i] = bpf_object__find_map_fd_by_name(
			l->obj, image_str(l->img, l->img->maps[i].bpf_name));
}

/* The log of the verifier. */
struct log_args {
	uint32_t sz;
	uint32_t refused; /* see struct loaded */
};

/* ---- programs ---- */

/* What the probe's type wants of the program for the targets from first on. */
static int ask_type(struct loaded *l, uint32_t i, const struct load_args *a, uint32_t first,
		    struct probe_load *how)
{
	const struct image_probe *p = &l->img->probes[i];
	const struct probe_type *t = l->progs[i].type;
	uint32_t cnt = t->flags & PROBE_OWN_PROGRAM ? 1 : p->target_cnt;
	struct probe_error err = { .part = -1 };
	struct probe_target *targets;
	int rc;

	*how = (struct probe_load){ .overrides = p->flags & IMAGE_PROBE_OVERRIDES };
	if (!t->load)
		return 0;
	targets = targets_of(l->img, p->target_first + first, cnt);
	rc = targets ? t->load(a->env, targets, cnt, how, &err) : -ENOMEM;
	free(targets);
	if (!rc)
		return 0;
	place_error(l->img, place_of_targets(l->img, p, first, cnt, &err), "%s",
		    *err.text ? err.text : strerror(-rc));
	if (*err.hint)
		fprintf(stderr, "HINT: %s\n", err.hint);
	l->told = true;
	return rc;
}

static int apply_load(struct bpf_program *prog, const struct probe_load *how)
{
	int rc = 0;

	if (how->attach_type)
		rc = bpf_program__set_expected_attach_type(prog,
							   (enum bpf_attach_type)how->attach_type);
	if (!rc && how->attach_name)
		rc = bpf_program__set_attach_target(prog, how->of_prog ? how->btf_fd : 0,
						    how->attach_name);
	return rc;
}

static bool asks_cookie(const struct loaded *l, uint32_t i)
{
	const struct image_session *s = l->progs[i].session;
	uint32_t flags = l->img->probes[i].flags | (s ? l->img->probes[s->returns].flags : 0);

	return flags & IMAGE_PROBE_COOKIE;
}

/* Whether the program finds out by a cookie which of its targets it runs for. */
static bool by_cookie(const struct loaded *l, uint32_t i)
{
	uint32_t without = PROBE_OWN_PROGRAM | PROBE_NO_COOKIE;

	/* events of one process are inherited by those it starts, but not their cookies */
	if (l->one_process)
		without |= PROBE_TAKES_PID;
	return l->cookies && asks_cookie(l, i) && !(l->progs[i].type->flags & without);
}

static struct bpf_program *find_prog(const struct loaded *l, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(l->obj, name);

	if (!prog)
		fprintf(stderr, "ERROR: bad image: no program %s\n", name);
	return prog;
}

static struct bpf_program *find_plain(const struct loaded *l, const char *name)
{
	char plain[64];

	snprintf(plain, sizeof(plain), "%s" IMAGE_PLAIN, name);
	return bpf_object__find_program_by_name(l->obj, plain);
}

/* One with loops comes in two forms, see codegen/gen.c. */
static int choose_prog(struct loaded *l, struct loaded_prog *lp, const char *name,
		       const struct load_args *a)
{
	struct bpf_program *prog = find_prog(l, name), *plain = find_plain(l, name);

	if (!prog)
		return -EINVAL;
	lp->prog = plain && !features_has(a->features, FEAT_BPF_LOOP) ? plain : prog;
	return plain ? bpf_program__set_autoload(lp->prog == plain ? prog : plain, false) : 0;
}

/* Whether the program is to see to it that it has its CPU to itself. */
static bool wants_alone(const struct loaded *l, uint32_t i, const struct load_args *a)
{
	return l->progs[i].type->flags & PROBE_UNGUARDED &&
	       license_is_gpl(image_setting_str(l->img, "license", "GPL")) &&
	       features_has(a->features, FEAT_PREEMPT_DISABLE);
}

static int prepare_prog(struct loaded *l, uint32_t i, const struct load_args *a)
{
	const struct image_probe *p = &l->img->probes[i];
	struct loaded_prog *lp = &l->progs[i];
	int rc = 0;

	if (lp->merged)
		return 0;
	if (!lp->session) {
		rc = choose_prog(l, lp, image_str(l->img, p->prog), a);
		rc = rc ?: ask_type(l, i, a, 0, &lp->how);
	}
	rc = rc ?: apply_load(lp->prog, &lp->how);
	rc = rc ?: kfuncs_settle(&l->kfuncs, a->env, lp->prog, wants_alone(l, i, a));
	if (rc)
		return rc;
	/* of its own, so that we know whose it is; what is not written to takes no memory */
	lp->log = calloc(1, l->log_sz);
	bpf_program__set_log_buf(lp->prog, lp->log, lp->log ? l->log_sz : 0);
	/*
	 * Else libbpf asks for the log when it was refused, by having it checked once more. The kernel's
	 * first level forgets of each way what was said of it once it is found safe.
	 */
	if (a->opt->debug & RUN_DEBUG_VERIFIER)
		bpf_program__set_log_level(lp->prog, 2);
	else if (l->refused == i)
		bpf_program__set_log_level(lp->prog, 1);
	return 0;
}

/* ---- programs that are loaded once for each target ---- */

/* Whether the target that the program asks for is a constant in it. */
static bool is_constant(const struct loaded *l, uint32_t i)
{
	return asks_cookie(l, i) && !by_cookie(l, i);
}

static bool is_copied(const struct loaded *l, uint32_t i)
{
	return l->img->probes[i].target_cnt > 1 &&
	       (l->progs[i].type->flags & PROBE_OWN_PROGRAM || is_constant(l, i));
}

/* Who is told before libbpf loads a program. */
struct watch {
	struct loaded *l; /* whose programs are being loaded */
	int *ids; /* by probe; 0: its section is another's too, or of no interest */
};

static int before_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long arg)
{
	struct loaded *l = ((struct watch *)arg)->l;

	for (uint32_t i = 0; i < l->img->probes_cnt; i++)
		if (l->progs[i].prog == prog && (is_copied(l, i) || is_constant(l, i)))
			return clone_take(&l->progs[i].source, prog, opts);
	return 0;
}

/* Of what may be loaded once for each target, the sections. */
static int watch_open(struct watch *w, const struct image *img)
{
	w->ids = calloc((size_t)img->probes_cnt + 1, sizeof(*w->ids));
	if (!w->ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		const struct probe_type *t = probe_type_of(img, i);
		bool wanted = t && (t->flags & PROBE_OWN_PROGRAM ||
				    img->probes[i].flags & IMAGE_PROBE_COOKIE);

		for (uint32_t j = 0; j < i && wanted; j++)
			wanted = !w->ids[j] || strcmp(probe_type_of(img, j)->section, t->section);
		if (wanted)
			w->ids[i] = clone_watch(t->section, before_load, w);
		if (w->ids[i] < 0)
			return w->ids[i];
	}
	return 0;
}

static void watch_close(struct watch *w, const struct image *img)
{
	for (uint32_t i = 0; w->ids && i < img->probes_cnt; i++)
		clone_unwatch(w->ids[i]);
	free(w->ids);
}

/* ---- sessions ---- */

/* The program of a probe that is part of a session is not wanted. */
static int drop_prog(struct loaded *l, const char *name)
{
	struct bpf_program *prog = find_prog(l, name), *plain = find_plain(l, name);
	int rc = prog ? bpf_program__set_autoload(prog, false) : -EINVAL;

	return rc || !plain ? rc : bpf_program__set_autoload(plain, false);
}

/* Whether the kernel has what the session takes, and how it is to be loaded. */
static bool session_works(struct loaded *l, const struct image_session *s,
			  const struct load_args *a, struct probe_load *how)
{
	const struct image_probe *calls = &l->img->probes[s->calls];
	const struct image_probe *returns = &l->img->probes[s->returns];
	const struct probe_type *type = l->progs[s->returns].type;
	struct probe_target *targets;
	bool works;

	if (type->calls != l->progs[s->calls].type || calls->flags & IMAGE_PROBE_OVERRIDES ||
	    ((calls->flags | returns->flags) & IMAGE_PROBE_COOKIE && !l->cookies) ||
	    !license_is_gpl(image_setting_str(l->img, "license", "GPL")))
		return false;
	/* it is made of the forms with calls */
	if ((find_plain(l, image_str(l->img, calls->prog)) ||
	     find_plain(l, image_str(l->img, returns->prog))) &&
	    !features_has(a->features, FEAT_BPF_LOOP))
		return false;
	targets = targets_of(l->img, returns->target_first, returns->target_cnt);
	works = targets && type->session(a->env, targets, returns->target_cnt, how) &&
		features_has(a->features, FEAT_JIT) && /* as for all functions of the kernel */
		kfuncs_has(&l->kfuncs, a->env, KFUNC_is_return);
	free(targets);
	return works;
}

static int prepare_session(struct loaded *l, const struct image_session *s,
			   const struct load_args *a)
{
	struct loaded_prog *calls = &l->progs[s->calls], *returns = &l->progs[s->returns];
	struct bpf_program *prog = find_prog(l, image_str(l->img, s->prog));
	struct probe_load how = { 0 };
	int rc;

	if (!prog)
		return -EINVAL;
	if (calls->session || returns->merged || !session_works(l, s, a, &how))
		return bpf_program__set_autoload(prog, false);
	calls->prog = prog;
	calls->how = how;
	calls->session = s;
	returns->merged = true;
	rc = drop_prog(l, image_str(l->img, l->img->probes[s->calls].prog));
	rc = rc ?: drop_prog(l, image_str(l->img, l->img->probes[s->returns].prog));
	return rc;
}

static void print_logs(const struct loaded *l)
{
	for (uint32_t i = 0; i < l->img->probes_cnt; i++)
		if (l->progs[i].prog && l->progs[i].log && *l->progs[i].log)
			fprintf(stderr, "verifier: program %s\n%s\n",
				bpf_program__name(l->progs[i].prog), l->progs[i].log);
}

static bool wants_cookies(const struct image *img)
{
	for (uint32_t i = 0; i < img->probes_cnt; i++)
		if (img->probes[i].flags & IMAGE_PROBE_COOKIE)
			return true;
	return false;
}

static int prepare_progs(struct loaded *l, const struct load_args *a)
{
	int rc = 0;

	/* asked only when a program does */
	l->cookies = wants_cookies(l->img) && features_has(a->features, FEAT_ATTACH_COOKIE);
	for (uint32_t i = 0; i < l->img->sessions_cnt && !rc; i++)
		rc = prepare_session(l, &l->img->sessions[i], a);
	for (uint32_t i = 0; i < l->img->probes_cnt && !rc; i++)
		rc = prepare_prog(l, i, a);
	return rc;
}

static int load_clones(struct loaded *l, uint32_t i, const struct load_args *a)
{
	const struct image_probe *p = &l->img->probes[i];
	struct loaded_prog *lp = &l->progs[i];
	bool own = lp->type->flags & PROBE_OWN_PROGRAM;
	struct clone_args ca = {
		.prog = lp->prog,
		.source = &lp->source,
		.license = image_setting_str(l->img, "license", "GPL"),
		.log = lp->log,
		.log_sz = l->log_sz,
	};
	int fd, rc = 0;

	if (!is_copied(l, i))
		return 0;
	lp->clone_fds = calloc(p->target_cnt - 1, sizeof(*lp->clone_fds));
	if (!lp->clone_fds)
		return -ENOMEM;
	while (lp->clone_cnt < p->target_cnt - 1) {
		struct probe_load how = lp->how;

		ca.cookie = lp->clone_cnt + 1;
		if (own)
			rc = ask_type(l, i, a, lp->clone_cnt + 1, &how);
		if (rc)
			return rc;
		ca.btf_id = how.btf_id;
		ca.btf_fd = how.btf_fd;
		fd = clone_load(&ca);
		if (fd < 0) {
			struct load_refusal r = { fd, l->obj, lp->prog, lp->log };

			load_explain(a, &r);
			fprintf(stderr, "NOTE: It is the program for %s.\n",
				image_str(l->img,
					  l->img->targets[p->target_first + ca.cookie].name));
			l->told = true;
			return fd;
		}
		lp->clone_fds[lp->clone_cnt++] = fd;
	}
	return 0;
}

/* ---- the whole ---- */

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return vfprintf(stderr, fmt, ap);
}

static int check_needs(const struct load_args *a)
{
	for (uint32_t i = 0; i < a->img->needs_cnt; i++) {
		const struct image_need *n = &a->img->needs[i];
		const char *name = image_str(a->img, n->feature);
		enum feature id = feature_by_name(name, strlen(name));

		if (n->probe != IMAGE_NONE || (id != FEAT_CNT && features_has(a->features, id)))
			continue;
		load_lacks(a, n->place, name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int find_types(struct loaded *l)
{
	for (uint32_t i = 0; i < l->img->probes_cnt; i++) {
		l->progs[i].type = probe_type_of(l->img, i);
		if (!l->progs[i].type)
			return -EINVAL;
	}
	return 0;
}

static int open_object(struct loaded *l, const struct load_args *a)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "trace");
	int rc;

	l->log = calloc(1, l->log_sz);
	l->progs = calloc((size_t)a->img->probes_cnt + 1, sizeof(*l->progs));
	l->map_fds = calloc((size_t)a->img->maps_cnt + 1, sizeof(*l->map_fds));
	l->shapes = calloc((size_t)a->img->maps_cnt + 1, sizeof(*l->shapes));
	if (!l->log || !l->progs || !l->map_fds || !l->shapes)
		return -ENOMEM;
	rc = find_types(l);
	if (rc < 0)
		return rc;
	rc = libbpf_num_possible_cpus();
	if (rc < 0)
		return rc;
	l->ncpus = (uint32_t)rc;
	l->one_process = a->opt->pid || a->child_pid;
	l->ring = load_ring_size(a->img, l->ncpus);
	opts.kernel_log_buf = l->log;
	opts.kernel_log_size = l->log_sz;
	if (!l->is_other)
		rc = layout_settle(a->img->elf, a->img->elf_sz, &l->elf);
	rc = rc < 0 ? rc : atomics_settle(a->img->elf, a->img->elf_sz, a->features, &l->elf);
	if (rc < 0)
		return rc;
	l->obj = bpf_object__open_mem(l->elf ?: a->img->elf, a->img->elf_sz, &opts);
	rc = libbpf_get_error(l->obj);
	if (rc)
		l->obj = NULL;
	return rc;
}

/*
 * The program that was refused: the last that has a log, as libbpf goes through them in order and
 * stops there. With -d verifier those that were loaded have one too.
 */
static const struct loaded_prog *refused(const struct loaded *l)
{
	const struct loaded_prog *found = NULL;
	struct bpf_program *prog;

	bpf_object__for_each_program(
		prog, l->obj) for (uint32_t i = 0; i < l->img->probes_cnt;
				   i++) if (l->progs[i].prog == prog && l->progs[i].log &&
					    *l->progs[i].log) found = &l->progs[i];
	return found;
}

static bool lacks_verdict(const struct loaded_prog *lp)
{
	struct verdict v;

	verdict_read(lp->log, &v);
	return !v.plain;
}

/* Whether the log was too short for what there is to be said; what to load it with then. */
static bool wants_long_log(const struct loaded *l, int rc, struct log_args *log)
{
	const struct loaded_prog *lp = refused(l);

	if (rc != -ENOSPC || log->sz >= LOG_LONG || !lp || !lacks_verdict(lp))
		return false;
	log->sz = LOG_LONG;
	log->refused = (uint32_t)(lp - l->progs);
	return true;
}

static void explain(const struct loaded *l, const struct load_args *a, int rc)
{
	const struct loaded_prog *lp = refused(l);
	struct load_refusal r = { .rc = rc, .obj = l->obj };

	if (lp) {
		r.prog = lp->prog;
		r.log = lp->log;
	}
	load_explain(a, &r);
}

/* Needs: nothing. Gives: all in the kernel, or -EAGAIN: log is changed, as what it says did not fit. */
static int load_with(struct loaded **out, const struct load_args *a, struct watch *w,
		     struct log_args *log)
{
	struct loaded *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	w->l = l;
	l->img = a->img;
	l->log_sz = log->sz;
	l->refused = log->refused;
	libbpf_set_print(a->opt->debug & RUN_DEBUG_LIBBPF ? print_libbpf : NULL);
	l->offs = calloc((size_t)a->img->layouts_cnt + 1, sizeof(*l->offs));
	rc = l->offs ? layout_check(a, &l->is_other, l->offs) : -ENOMEM;
	rc = rc ?: open_object(l, a);
	if (!rc)
		l->unwinds = load_unwinds(l->obj, a->features);
	rc = rc ?: load_maps_prepare(l->obj, a, l->ncpus, l->shapes);
	if (!rc) {
		rc = load_keys_fit(a, l->shapes);
		l->told = rc;
	}
	rc = rc ?: prepare_progs(l, a);
	rc = rc
		     ?: consts_fill(l->obj, a,
				    &(struct consts_args){ l->ncpus, l->ring, l->shapes, l->offs });
	if (rc) {
		if (!l->told && rc != -ENOKEY)
			fprintf(stderr, "ERROR: cannot open the image: %s\n", strerror(-rc));
		goto err_out;
	}
	rc = bpf_object__load(l->obj);
	if (wants_long_log(l, rc, log)) {
		rc = -EAGAIN;
		goto err_out;
	}
	if (a->opt->debug & RUN_DEBUG_VERIFIER)
		print_logs(l);
	for (uint32_t i = 0; i < a->img->probes_cnt && !rc; i++)
		rc = load_clones(l, i, a);
	if (rc) {
		if (!l->told && rc != -ENOKEY)
			explain(l, a, rc);
		goto err_out;
	}
	collect_maps(l);
	*out = l;
	return 0;

err_out:
	loaded_free(l);
	return rc;
}

/*
 * A log that is longer than its buffer is an error of its own, in place of the verdict or of success.
 * Since 6.4 the log's end is kept, with the verdict in it; before its start is, so that it has to be
 * read anew into a long one.
 */
int load_image(struct loaded **out, const struct load_args *a)
{
	struct log_args log = { (uint32_t)image_setting_num(a->img, "log_size", 1000000),
				IMAGE_NONE };
	struct watch w = { 0 };
	int rc = load_check_allowed();

	rc = rc ?: check_needs(a);
	rc = rc ?: open_probes(a->img, a->env);
	rc = rc ?: watch_open(&w, a->img);
	if (rc >= 0) {
		rc = load_with(out, a, &w, &log);
		rc = rc == -EAGAIN ? load_with(out, a, &w, &log) : rc;
	}
	watch_close(&w, a->img);
	return rc;
}

void loaded_free(struct loaded *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; l->progs && i < l->img->probes_cnt; i++) {
		for (uint32_t j = 0; j < l->progs[i].clone_cnt; j++)
			close(l->progs[i].clone_fds[j]);
		free(l->progs[i].clone_fds);
		free(l->progs[i].log);
		clone_source_free(&l->progs[i].source);
	}
	bpf_object__close(l->obj);
	free(l->elf);
	free(l->progs);
	free(l->map_fds);
	free(l->shapes);
	free(l->offs);
	free(l->log);
	free(l);
}

bool loaded_uses_cookies(const struct loaded *l, uint32_t probe)
{
	return by_cookie(l, probe);
}

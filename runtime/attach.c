// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/attach.h"

/* config.def: missing_probes */
enum { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE };

const struct probe_type *probe_type_of(const struct image *img, uint32_t probe)
{
	const char *name = image_str(img, img->probes[probe].type);
	const struct probe_type *t = probe_type_find(name);

	if (!t)
		fprintf(stderr, "ERROR: this version of trace has no probe type %s\n", name);
	return t;
}

static int run_once(int prog_fd, const char *what)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int rc = bpf_prog_test_run_opts(prog_fd, &opts);

	if (rc)
		fprintf(stderr, "ERROR: cannot run %s: %s%s\n", what, strerror(-rc),
			rc == -EINVAL || rc == -EOPNOTSUPP ? " (it needs Linux 5.10 or newer)"
							   : "");
	return rc;
}

int run_probes(const struct loaded *l, const struct attach_args *a, enum probe_when when)
{
	int rc = 0;

	for (uint32_t i = 0; i < a->img->probes_cnt && !rc; i++) {
		const struct probe_type *t = probe_type_of(a->img, i);

		if (!t)
			return -EINVAL;
		if (t->when == when)
			rc = run_once(loaded_prog_fd(l, i, 0), t->name);
	}
	return rc;
}

static bool waits_for_signal(const struct image *img, uint32_t probe)
{
	const struct probe_type *t = probe_type_find(image_str(img, img->probes[probe].type));

	return t && t->when == PROBE_WHEN_SIGNAL;
}

void signals_wanted(const struct image *img, sigset_t *set)
{
	sigemptyset(set);
	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		const struct image_probe *p = &img->probes[i];

		/* an image from elsewhere may name any number: sigaddset refuses what is none */
		for (uint32_t t = 0; waits_for_signal(img, i) && t < p->target_cnt; t++)
			sigaddset(set, (int)img->targets[p->target_first + t].value);
	}
}

int run_on_signal(const struct loaded *l, const struct attach_args *a, int signo)
{
	int rc = 0;

	for (uint32_t i = 0; i < a->img->probes_cnt && !rc; i++) {
		const struct image_probe *p = &a->img->probes[i];

		for (uint32_t t = 0; waits_for_signal(a->img, i) && t < p->target_cnt && !rc; t++)
			if (a->img->targets[p->target_first + t].value == (uint64_t)signo)
				rc = run_once(loaded_prog_fd(l, i, t), "self");
	}
	return rc;
}

static const char *str_or_null(const struct image *img, uint32_t off)
{
	return off ? image_str(img, off) : NULL;
}

static struct probe_target target_of(const struct image *img, uint32_t i)
{
	const struct image_target *t = &img->targets[i];

	return (struct probe_target){
		.name = image_str(img, t->name),
		.a = str_or_null(img, t->a),
		.b = str_or_null(img, t->b),
		.c = str_or_null(img, t->c),
		.value = t->value,
		.value2 = t->value2,
	};
}

struct probe_target *targets_of(const struct image *img, uint32_t first, uint32_t cnt)
{
	struct probe_target *targets = calloc((size_t)cnt + 1, sizeof(*targets));

	for (uint32_t i = 0; targets && i < cnt; i++)
		targets[i] = target_of(img, first + i);
	return targets;
}

static int open_probe(const struct image *img, uint32_t probe, struct probe_env *env)
{
	const struct image_probe *p = &img->probes[probe];
	const struct probe_type *t = probe_type_of(img, probe);
	struct probe_error err = { .part = -1 };
	struct probe_target *targets;
	int rc;

	if (!t || !t->open)
		return t ? 0 : -EINVAL;
	targets = targets_of(img, p->target_first, p->target_cnt);
	rc = targets ? t->open(env, targets, p->target_cnt, &err) : -ENOMEM;
	free(targets);
	if (!rc)
		return 0;
	place_error(img, place_of_targets(img, p, 0, p->target_cnt, &err), "%s",
		    *err.text ? err.text : strerror(-rc));
	if (*err.hint)
		fprintf(stderr, "HINT: %s\n", err.hint);
	return rc;
}

int open_probes(const struct image *img, struct probe_env *env)
{
	int first = 0;

	if (image_setting_num(img, "missing_probes", MISSING_ERROR) != MISSING_ERROR)
		return 0;
	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		int rc = open_probe(img, i, env);

		first = first ?: rc;
	}
	return first;
}

/* One probe while it is attached. */
struct attaching {
	const struct loaded *l;
	const struct attach_args *a;
	const struct probe_type *type;
	struct probe_links *links;
	uint32_t probe;
	struct probe_target *targets;
	uint64_t *cookies;
	uint32_t beat_cnt; /* slots of the probes before */
	uint32_t beats; /* and of this one */
};

static int attach_range(struct attaching *at, uint32_t first, uint32_t cnt, struct probe_error *err)
{
	bool cookies = loaded_uses_cookies(at->l, at->probe);
	struct probe_attach pa = {
		.prog_fd = loaded_prog_fd(at->l, at->probe, first),
		.targets = at->targets + first,
		.cookies = cookies ? at->cookies + first : NULL,
		.target_cnt = cnt,
		.attach_type = loaded_attach_type(at->l, at->probe),
		.pid = at->a->opt->pid ?: at->a->child_pid,
		.beat = at->beats ? at->beat_cnt + first : PROBE_NO_BEAT,
	};

	uint32_t links = at->links->cnt;
	int rc;

	if (!(at->type->flags & (PROBE_TAKES_PID | PROBE_ONE_MEMORY)))
		pa.pid = 0;
	at->links->note = NULL;
	at->links->skipped = 0;
	rc = at->type->attach(at->a->env, &pa, at->links, err);
	if (rc >= 0 && at->a->opt->verbose)
		verbose_attached(&pa, loaded_probes_in(at->l, at->probe), at->links, links);
	return rc;
}

/* What is wrong with the probe, as missing_probes wants it. */
__attribute__((format(printf, 4, 5))) static void tell(const struct attaching *at, uint64_t missing,
						       uint32_t place, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (missing == MISSING_ERROR)
		place_error(at->a->img, place, "%s", text);
	else if (missing == MISSING_WARN)
		place_warning(at->a->img, place, "%s", text);
}

/* So many targets at a time: each by itself when it has its own program, or a missing one is no error. */
static int attach_steps(struct attaching *at, uint64_t missing, uint32_t step, uint32_t *attached)
{
	const struct image_probe *p = &at->a->img->probes[at->probe];
	uint32_t probes = loaded_probes_in(at->l, at->probe), skipped = 0;

	for (uint32_t i = 0; i < p->target_cnt; i += step) {
		struct probe_error err = { .part = -1 };
		int rc = attach_range(at, i, step, &err);

		if (rc < 0) {
			tell(at, missing, place_of_targets(at->a->img, p, i, step, &err), "%s",
			     *err.text ? err.text : strerror(-rc));
			if (*err.hint && missing != MISSING_IGNORE)
				fprintf(stderr, "HINT: %s\n", err.hint);
		}
		if (rc < 0 && missing == MISSING_ERROR)
			return rc;
		*attached += rc < 0 ? 0 : probes * (step - at->links->skipped);
		skipped += rc < 0 ? 0 : at->links->skipped;
	}
	if (!skipped || skipped < p->target_cnt)
		return 0;
	tell(at, missing, p->place, "the kernel traces nothing of what matches, such as %s",
	     at->targets[0].name);
	return missing == MISSING_ERROR ? -ENOENT : 0;
}

/*
 * All at once where they share a program. Where a missing one is no error that is tried first for what
 * takes one link for all.
 */
static int attach_targets(struct attaching *at, uint32_t *attached)
{
	const struct image_probe *p = &at->a->img->probes[at->probe];
	uint64_t missing = image_setting_num(at->a->img, "missing_probes", MISSING_ERROR);
	uint32_t links = at->links->cnt, cnt = p->target_cnt;
	struct probe_error err = { .part = -1 };

	if (loaded_prog_fd(at->l, at->probe, 1) != loaded_prog_fd(at->l, at->probe, 0))
		return attach_steps(at, missing, 1, attached);
	if (missing == MISSING_ERROR)
		return attach_steps(at, missing, cnt, attached);
	if (cnt > 1 && loaded_attach_type(at->l, at->probe)) {
		if (attach_range(at, 0, cnt, &err) >= 0 && at->links->skipped < cnt) {
			*attached +=
				loaded_probes_in(at->l, at->probe) * (cnt - at->links->skipped);
			return 0;
		}
		probe_links_cut(at->links, links);
	}
	return attach_steps(at, missing, 1, attached);
}

static int attach_probe(struct attaching *at, uint32_t *attached)
{
	const struct image_probe *p = &at->a->img->probes[at->probe];
	int rc = -ENOMEM;

	at->targets = targets_of(at->a->img, p->target_first, p->target_cnt);
	at->cookies = calloc((size_t)p->target_cnt + 1, sizeof(*at->cookies));
	if (!at->targets || !at->cookies)
		goto out;
	for (uint32_t i = 0; i < p->target_cnt; i++)
		at->cookies[i] = i;
	at->links->owner = at->probe;
	at->beats = probe_beats(at->type, at->targets, p->target_cnt, at->beat_cnt);
	rc = attach_targets(at, attached);
	at->beat_cnt += at->beats;
out:
	free(at->targets);
	free(at->cookies);
	return rc;
}

int attach_probes(const struct loaded *l, const struct attach_args *a, struct probe_links *links,
		  uint32_t *cnt)
{
	struct attaching at = { .l = l, .a = a, .links = links };
	int rc = 0;

	*cnt = 0;
	for (uint32_t i = 0; i < a->img->probes_cnt && !rc; i++) {
		at.probe = i;
		at.type = probe_type_of(a->img, i);
		if (!at.type)
			return -EINVAL;
		if (!loaded_probes_in(l, i))
			continue;
		if (at.type->when == PROBE_WHEN_ATTACHED)
			rc = attach_probe(&at, cnt);
		else if (at.type->when == PROBE_WHEN_BEGIN || at.type->when == PROBE_WHEN_END ||
			 at.type->when == PROBE_WHEN_SIGNAL)
			*cnt += 1;
	}
	return rc;
}

// SPDX-License-Identifier: Apache-2.0
/* Refusals of the kernel, told as what the user can do about them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/load.h"
#include "runtime/verdict.h"

void place_text(const struct image *img, uint32_t place, char *out, size_t sz)
{
	const struct image_place *p;

	*out = '\0';
	if (place == IMAGE_NONE || !img->places[place].line)
		return;
	p = &img->places[place];
	if (p->end_line != p->line)
		snprintf(out, sz, "%s:%u-%u: ", image_str(img, p->file), p->line, p->end_line);
	else
		snprintf(out, sz, "%s:%u:%u-%u: ", image_str(img, p->file), p->line, p->col,
			 p->end_col);
}

const char *place_excerpt(const struct image *img, uint32_t place)
{
	return place == IMAGE_NONE ? "" : image_str(img, img->places[place].excerpt);
}

static void place_vsay(const struct image *img, uint32_t place, const char *what, const char *fmt,
		       va_list ap)
{
	char where[512];

	place_text(img, place, where, sizeof(where));
	fprintf(stderr, "%s%s: ", where, what);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n%s", place_excerpt(img, place));
}

uint32_t place_of_targets(const struct image *img, const struct image_probe *p, uint32_t first,
			  uint32_t cnt, const struct probe_error *err)
{
	uint32_t no = cnt == 1 ? 1 : err->target_no;

	return no ? img->targets[p->target_first + first + no - 1].place : p->place;
}

void place_error(const struct image *img, uint32_t place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	place_vsay(img, place, "ERROR", fmt, ap);
	va_end(ap);
}

void place_warning(const struct image *img, uint32_t place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	place_vsay(img, place, "WARNING", fmt, ap);
	va_end(ap);
}

int load_check_allowed(void)
{
	const char *missing = caps_missing();

	if (missing) {
		fprintf(stderr, "ERROR: trace needs %s: run it as root\n", missing);
		return -EPERM;
	}
	return 0;
}

static bool memlock_is_low(void)
{
	struct rlimit lim;

	return kernel_version() < KERNEL(5, 11, 0) && !getrlimit(RLIMIT_MEMLOCK, &lim) &&
	       lim.rlim_cur != RLIM_INFINITY;
}

static void explain_eperm(void)
{
	const char *missing = caps_missing();

	if (missing)
		fprintf(stderr, "ERROR: trace needs %s: run it as root\n", missing);
	else if (kernel_lockdown() == LOCKDOWN_CONFIDENTIALITY)
		fprintf(stderr,
			"ERROR: the kernel is locked down (confidentiality): it lets nobody "
			"read its memory by BPF\n");
	else if (memlock_is_low())
		fprintf(stderr, "ERROR: the limit of locked memory is too low: raise it with "
				"\"ulimit -l unlimited\"\n");
	else if (!in_initial_user_ns())
		fprintf(stderr, "ERROR: trace needs CAP_BPF and CAP_PERFMON outside of this "
				"container's user namespace\n");
	else
		fprintf(stderr, "ERROR: the kernel does not permit to load BPF programs "
				"(a security module or seccomp filter)\n");
}

/* The probe that a program was made of. */
static uint32_t probe_place(const struct load_args *a, const char *prog)
{
	for (uint32_t i = 0; i < a->img->probes_cnt; i++) {
		const char *name = image_str(a->img, a->img->probes[i].prog);

		if (!strncmp(prog, name, strlen(name)) &&
		    (!prog[strlen(name)] || !strcmp(prog + strlen(name), IMAGE_PLAIN)))
			return a->img->probes[i].place;
	}
	return IMAGE_NONE;
}

void load_lacks(const struct load_args *a, uint32_t place, const char *feature)
{
	enum feature id = feature_by_name(feature, strlen(feature));

	place_error(a->img, place, "this kernel has no %s: %s", feature,
		    id == FEAT_CNT ? "unknown to this version of trace" : feature_help(id));
	if (id != FEAT_CNT && feature_needs_jit(id) && !features_has(a->features, FEAT_JIT))
		fprintf(stderr, "HINT: It is for machine code, but programs are interpreted here: "
				"set net.core.bpf_jit_enable to 1.\n");
}

/* ---- programs ---- */

static bool is_before(const struct image *img, uint32_t a, uint32_t b)
{
	const struct image_place *p = &img->places[a], *q = &img->places[b];

	return p->line < q->line || (p->line == q->line && p->col <= q->col);
}

/*
 * What would have spared the verifier a program's plain form: of several loops the last that begins
 * before the place that it refused. NULL: it is no plain form.
 */
static const struct image_need *missed_need(const struct load_args *a, const char *prog,
					    uint32_t place)
{
	size_t len = strlen(prog), tail = strlen(IMAGE_PLAIN);
	const struct image_need *found = NULL;

	if (len < tail || strcmp(prog + len - tail, IMAGE_PLAIN))
		return NULL;
	for (uint32_t i = 0; i < a->img->needs_cnt; i++) {
		const struct image_need *n = &a->img->needs[i];

		if (n->probe == IMAGE_NONE ||
		    probe_place(a, prog) != a->img->probes[n->probe].place)
			continue;
		if (!found || (place != IMAGE_NONE && n->place != IMAGE_NONE &&
			       is_before(a->img, n->place, place)))
			found = n;
	}
	return found;
}

static void explain_verdict(const struct load_args *a, const struct load_refusal *r,
			    const struct verdict *v)
{
	const char *prog = bpf_program__name(r->prog);
	uint32_t place = verdict_place(a->img, r->obj, r->prog, v);
	const struct image_need *need = v->is_work ? missed_need(a, prog, place) : NULL;

	if (need) {
		load_lacks(a, need->place, image_str(a->img, need->feature));
		fprintf(stderr,
			"HINT: Here the kernel goes through every round of this loop "
			"beforehand, and finds: %s. Make it shorter or simpler, or use a "
			"newer kernel.\n",
			v->plain);
		return;
	}
	if (place == IMAGE_NONE)
		place = probe_place(a, prog);
	if (v->plain)
		place_error(a->img, place, "the kernel refused the probe: %s", v->plain);
	else
		place_error(a->img, place, "the kernel refused the probe: %s",
			    *v->words ? v->words : strerror(-r->rc));
	if (v->hint)
		fprintf(stderr, "HINT: %s\n", v->hint);
	if (v->plain && *v->words)
		fprintf(stderr, "NOTE: in the verifier's words: %s\n", v->words);
}

/* Of a log that did not fit older kernels keep the start, without the verdict. */
static void explain_long_log(const struct load_args *a, const struct load_refusal *r)
{
	const char *prog = bpf_program__name(r->prog);
	const struct image_need *need = missed_need(a, prog, IMAGE_NONE);

	if (a->opt->debug & RUN_DEBUG_VERIFIER) {
		place_error(a->img, probe_place(a, prog), "what the verifier says is too long");
		fprintf(stderr,
			"HINT: Raise log_size, or leave -d verifier out: the kernel refuses "
			"a program whose log does not fit.\n");
	} else if (need) {
		load_lacks(a, need->place, image_str(a->img, need->feature));
		fprintf(stderr, "HINT: Make the probe's loops shorter or simpler, or use a newer "
				"kernel.\n");
	} else {
		place_error(a->img, probe_place(a, prog),
			    "the kernel refused the probe: it is too complex to be checked");
		fprintf(stderr, "HINT: Make loops shorter or simpler, or share the work out among "
				"several probes.\n");
	}
}

static void explain_program(const struct load_args *a, const struct load_refusal *r)
{
	struct verdict v;

	verdict_read(r->log, &v);
	if (r->rc == -E2BIG && !*v.words) {
		v.plain = VERDICT_MAPS;
		v.hint = VERDICT_MAPS_HINT;
	}
	if (r->rc == -ENOSPC && !v.plain)
		explain_long_log(a, r);
	else
		explain_verdict(a, r, &v);
}

/* ---- maps ---- */

static bool is_made(const struct bpf_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(map));
	int fd = bpf_map_create(bpf_map__type(map), "trace_probe", bpf_map__key_size(map),
				bpf_map__value_size(map), bpf_map__max_entries(map), &opts);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The map of the script that the kernel does not make, with its row; NULL: it makes each by itself. */
static const struct bpf_map *refused_map(const struct load_args *a, const struct load_refusal *r,
					 const struct image_map **row)
{
	for (uint32_t i = 0; i < a->img->maps_cnt; i++) {
		const struct image_map *m = &a->img->maps[i];
		const char *name = image_str(a->img, m->bpf_name);
		const struct bpf_map *map = bpf_object__find_map_by_name(r->obj, name);

		*row = m;
		if (map && !is_made(map))
			return map;
	}
	return NULL;
}

static bool explain_map(const struct load_args *a, const struct load_refusal *r)
{
	const struct image_map *row;
	const struct bpf_map *map = refused_map(a, r, &row);
	const char *name;

	if (!map)
		return false;
	name = image_str(a->img, row->name);
	if (r->rc == -ENOMEM) {
		place_error(a->img, row->place,
			    "not enough memory for %s: %u keys of %u bytes with values of %u", name,
			    bpf_map__max_entries(map), bpf_map__key_size(map),
			    bpf_map__value_size(map));
		fprintf(stderr,
			"HINT: Let it have fewer keys: \"let %s = hash(N);\", or lower "
			"max_map_keys (%llu).\n",
			name, (unsigned long long)image_setting_num(a->img, "max_map_keys", 4096));
		return true;
	}
	place_error(a->img, row->place,
		    "%s is larger than the kernel allows: %u keys of %u bytes with values of %u",
		    name, bpf_map__max_entries(map), bpf_map__key_size(map),
		    bpf_map__value_size(map));
	fprintf(stderr,
		"HINT: Let it have fewer or shorter keys: lower max_map_keys or max_strlen, or "
		"cut text with str(p, n).\n");
	return true;
}

void load_explain(const struct load_args *a, const struct load_refusal *r)
{
	int rc = r->rc;

	if (r->prog) {
		explain_program(a, r);
		return;
	}
	if ((rc == -E2BIG || rc == -EINVAL || rc == -ENOMEM) && explain_map(a, r))
		return;
	if (rc == -EPERM || rc == -EACCES)
		explain_eperm();
	else if (rc == -ENOMEM)
		fprintf(stderr,
			"ERROR: not enough memory for the maps: lower max_map_keys (%llu) or "
			"perf_rb_pages, or raise the memory limit\n",
			(unsigned long long)image_setting_num(a->img, "max_map_keys", 4096));
	else if (rc == -E2BIG)
		fprintf(stderr, "ERROR: a map or a program is larger than the kernel allows\n");
	else if (rc == -ENOSYS)
		fprintf(stderr, "ERROR: this kernel has no BPF (CONFIG_BPF_SYSCALL)\n");
	else
		fprintf(stderr, "ERROR: cannot load the script's programs: %s\n", strerror(-rc));
}

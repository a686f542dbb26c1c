// SPDX-License-Identifier: Apache-2.0
/* Refusals of the kernel, told as what the user can do about them. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/load.h"
#include "runtime/verdict.h"

void place_text(const struct image *img, uint32_t place, char *out, size_t sz)
{
	const struct image_place *p;

	*out = '\0';
	if (place == IMAGE_NONE || !img->places[place].line)
		return;
	p = &img->places[place];
	snprintf(out, sz, "%s:%u:%u-%u: ", image_str(img, p->file), p->line, p->col, p->end_col);
}

static void place_vsay(const struct image *img, uint32_t place, const char *what, const char *fmt,
		       va_list ap)
{
	const struct image_place *p = place == IMAGE_NONE ? NULL : &img->places[place];
	const char *line = p ? image_str(img, p->text) : "";
	char where[512];

	place_text(img, place, where, sizeof(where));
	fprintf(stderr, "%s%s: ", where, what);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	if (!*where || !*line)
		return;
	fprintf(stderr, "%s\n", line);
	for (uint32_t i = 1; i < p->col && line[i - 1]; i++)
		fputc(line[i - 1] == '\t' ? '\t' : ' ', stderr);
	for (uint32_t i = p->col; i < p->end_col || i == p->col; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
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

static void explain_verdict(const struct load_args *a, const struct load_refusal *r)
{
	struct verdict v;
	uint32_t place;

	verdict_read(r->log, &v);
	place = verdict_place(a->img, r->obj, r->prog, &v);
	if (place == IMAGE_NONE)
		place = probe_place(a, bpf_program__name(r->prog));
	if (v.plain)
		place_error(a->img, place, "the kernel refused the probe: %s", v.plain);
	else
		place_error(a->img, place, "the kernel refused the probe: %s",
			    *v.words ? v.words : strerror(-r->rc));
	if (v.hint)
		fprintf(stderr, "HINT: %s\n", v.hint);
	if (v.plain && *v.words)
		fprintf(stderr, "NOTE: in the verifier's words: %s\n", v.words);
}

void load_explain(const struct load_args *a, const struct load_refusal *r)
{
	int rc = r->rc;

	/* before 6.4 a log that is longer than its buffer is an error of its own: nothing else is so long */
	if (r->prog && rc == -ENOSPC && r->log) {
		place_error(a->img, probe_place(a, bpf_program__name(r->prog)),
			    "the kernel refused the probe: it is too complex to be checked");
		fprintf(stderr, "HINT: Make loops shorter or simpler, or share the work out among "
				"several probes.\n");
		return;
	}
	if (r->prog && r->log && *r->log) {
		explain_verdict(a, r);
		return;
	}
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

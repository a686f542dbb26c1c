// SPDX-License-Identifier: Apache-2.0
/*
 * uprobe and uretprobe: functions of programs and libraries. Targets: a is the file, b the function
 * or NULL, value the offset, or the address without a function. The kernel writes a breakpoint where
 * it is told to, be it the middle of an instruction: places other than a function's first
 * instruction are left to those who say --unsafe.
 *
 * Several places of a file are one link (uprobe_multi, 6.6), one alone and older kernels take a perf
 * event each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/elf.h"

enum { CONFIG_RETURN = 1, REF_CTR_SHIFT = 32 }; /* .../devices/uprobe/format/ */

static int no_uprobes(struct probe_error *err)
{
	return probe_fail(err, -1, -EOPNOTSUPP,
			  "this kernel was built without uprobes (CONFIG_UPROBES, "
			  "CONFIG_UPROBE_EVENTS)");
}

/* ---- places ---- */

int uprobe_load(uint32_t cnt, bool is_return, struct probe_load *out, struct probe_error *err)
{
	if (perf_type("uprobe") < 0)
		return no_uprobes(err);
	/*
	 * The event of a process counts returns in others too, where somebody else traces those
	 * (6.12 still): links look at the process themselves.
	 */
	if ((cnt > 1 || is_return) && links_has_multi(true))
		out->attach_type = TRACE_UPROBE_MULTI;
	return 0;
}

static int explain(const struct uprobe_place *p, int rc, struct probe_error *err)
{
	switch (rc) {
	case -ENOENT: return probe_fail(err, -1, rc, "%s: %s does not exist", p->name, p->path);
	case -EINVAL:
		return probe_fail(err, -1, rc,
				  "%s can not be traced there: no code that a breakpoint can "
				  "stand for",
				  p->name);
	case -ESRCH: return probe_fail(err, -1, rc, "%s: there is no such process", p->name);
	default: return *err->text ? rc : probe_fail(err, -1, rc, "%s: %s", p->name, strerror(-rc));
	}
}

static int attach_events(const struct probe_attach *a, const struct uprobe_place *places,
			 uint32_t cnt, bool is_return, struct probe_links *links,
			 struct probe_error *err)
{
	struct perf_where where = { .pid = a->pid, .one_task = true, .one_cpu = true };
	int type = perf_type("uprobe"), rc = 0;

	if (type < 0)
		return no_uprobes(err);
	where.holder = links_holder(links, cnt);
	for (uint32_t i = 0; i < cnt && !rc; i++) {
		struct perf_event_attr attr = {
			.type = (uint32_t)type,
			.config = (is_return ? CONFIG_RETURN : 0) | places[i].ref_ctr
									    << REF_CTR_SHIFT,
			.uprobe_path = (uintptr_t)places[i].path,
			.probe_offset = places[i].off,
		};
		struct probe_target t = { .name = places[i].name };
		struct probe_attach one = *a;

		one.targets = &t;
		one.target_cnt = 1;
		one.cookies = a->cookies ? &places[i].cookie : NULL;
		rc = perf_attach(&one, 0, &attr, &where, links, err);
		if (rc)
			rc = explain(&places[i], rc, err);
	}
	perf_where_done(&where);
	return rc;
}

/* One link on places of the same file. */
static int attach_file(const struct probe_attach *a, const struct uprobe_place *places,
		       uint32_t cnt, bool is_return, struct probe_links *links,
		       struct probe_error *err)
{
	uint64_t *words = calloc((size_t)cnt * 3, sizeof(*words));
	struct multi_args multi = {
		.prog_fd = a->prog_fd,
		.path = places->path,
		.offsets = words,
		.cookies = a->cookies ? words + cnt : NULL,
		.cnt = cnt,
		.pid = (uint32_t)a->pid,
		.is_return = is_return,
	};
	int rc;

	if (!words)
		return probe_fail_oom(err);
	for (uint32_t i = 0; i < cnt; i++) {
		words[i] = places[i].off;
		words[cnt + i] = places[i].cookie;
		words[2 * cnt + i] = places[i].ref_ctr;
		if (places[i].ref_ctr)
			multi.ref_ctr_offsets = words + 2 * (size_t)cnt;
	}
	rc = links_multi(&multi);
	free(words);
	if (rc < 0)
		return explain(places, rc, err);
	return probe_links_add(links, rc) ? probe_fail_oom(err) : 0;
}

int uprobe_attach_places(const struct probe_attach *a, const struct uprobe_place *places,
			 uint32_t cnt, bool is_return, struct probe_links *links,
			 struct probe_error *err)
{
	uint32_t same;
	int rc = 0;

	if (a->attach_type != TRACE_UPROBE_MULTI)
		return attach_events(a, places, cnt, is_return, links, err);
	for (uint32_t i = 0; i < cnt && !rc; i += same) {
		for (same = 1; i + same < cnt; same++)
			if (strcmp(places[i].path, places[i + same].path))
				break;
		rc = attach_file(a, places + i, same, is_return, links, err);
	}
	return rc;
}

/* ---- parse ---- */

static int name_target(struct probe_env *env, const char *type, const char *shown,
		       struct probe_target *t)
{
	char *off = t->value ? env_printf(env, "+%llu", (unsigned long long)t->value) : "";

	t->name = t->b ? env_printf(env, "%s:%s:%s%s", type, shown, t->b, off)
		       : env_printf(env, "%s:%s:0x%llx", type, shown, (unsigned long long)t->value);
	return t->name && off ? 0 : -ENOMEM;
}

static int parse_number(const char *what, const char *text, uint64_t *value, int part,
			struct probe_error *err)
{
	const char *end, *why = number_read(text, value, &end);

	if (!why && *end)
		why = "invalid trailing bytes";
	return why ? probe_fail(err, part, -EINVAL, "Invalid %s: %s: %s", what, why, text) : 0;
}

static int parse_function(struct probe_env *env, const char *text, bool is_return,
			  struct probe_target *pat, struct probe_error *err)
{
	const char *plus = strchr(text, '+');
	int rc = 0;

	if (*text >= '0' && *text <= '9')
		return parse_number("address", text, &pat->value, 2, err);
	pat->b = env_strndup(env, text, plus ? (size_t)(plus - text) : strlen(text));
	if (!pat->b)
		return probe_fail_oom(err);
	if (plus && is_return)
		return probe_fail(err, 2, -EINVAL, "Offset not allowed");
	if (plus)
		rc = parse_number("offset", plus + 1, &pat->value, 2, err);
	if (!rc && plus && probe_is_glob(pat->b))
		return probe_fail(err, 2, -EINVAL,
				  "Offset not allowed with a wildcard in the function");
	return rc;
}

static int parse_as(struct probe_env *env, const char *type, const struct probe_part *parts,
		    uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts(type, cnt, 2, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text)
		return probe_fail(err, -1, -EINVAL, "%s should have a target", type);
	if (!*parts[2].text)
		return probe_fail(err, -1, -EINVAL,
				  "%s should be attached to a function or an address", type);
	pat->a = env_strdup(env, parts[1].text);
	rc = parse_function(env, parts[2].text, type[1] == 'r', pat, err);
	if (rc)
		return rc;
	if (pat->value && !env->opt.unsafe) {
		rc = probe_fail(err, 2, -EINVAL, "Probing inside of a function requires --unsafe");
		env_hint(err, "A breakpoint that is not on an instruction's first byte breaks "
			      "the program.");
		return rc;
	}
	return !pat->a || name_target(env, type, pat->a, pat) ? probe_fail_oom(err) : 0;
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "uprobe", parts, cnt, pat, err);
}

static int parse_return(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
			struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "uretprobe", parts, cnt, pat, err);
}

/* ---- expand ---- */

struct matching {
	struct probe_env *env;
	const char *type;
	const struct probe_target *pat;
	probe_fn fn;
	void *arg;
	struct probe_error *err;
	int cnt;
};

static int give(struct matching *m, const struct elf_file *f, const char *shown, const char *name)
{
	struct probe_target t = { .a = f->path, .b = name, .value = m->pat->value };

	if (name_target(m->env, m->type, shown, &t))
		return -ENOMEM;
	m->cnt++;
	return m->fn(m->arg, &t);
}

static int check_offset(const struct matching *m, const struct elf_symbol *s)
{
	if (!m->pat->value || !s->size || m->pat->value < s->size)
		return 0;
	return probe_fail(m->err, 2, -EINVAL,
			  "Offset outside the function bounds ('%s' size is %llu)", s->name,
			  (unsigned long long)s->size);
}

static int in_file(void *arg, const char *path, const char *shown)
{
	struct matching *m = arg;
	struct elf_file *f = elf_file_get(m->env, path, m->err);
	const struct elf_symbol *s;
	int rc = 0;

	if (!f) /* among many, some are scripts */
		return probe_is_glob(m->pat->a) ? 0 : -ENOEXEC;
	if (!m->pat->b)
		return give(m, f, shown, NULL);
	if (!probe_is_glob(m->pat->b)) {
		s = elf_symbol_find(f, m->pat->b);
		if (!s)
			return 0;
		return check_offset(m, s) ?: give(m, f, shown, s->name);
	}
	for (uint32_t i = 0; i < f->cnt && !rc; i++)
		if (probe_glob_match(m->pat->b, f->syms[i].name))
			rc = give(m, f, shown, f->syms[i].name);
	return rc;
}

static int feed_near(void *arg, const char *path, const char *shown)
{
	struct near_name *near = ((void **)arg)[1];
	struct probe_error ignored;
	struct elf_file *f = elf_file_get(((void **)arg)[0], path, &ignored);

	for (uint32_t i = 0; f && i < f->cnt; i++)
		near_name_feed(near, f->syms[i].name);
	return 0;
}

static int expand_as(struct probe_env *env, const char *type, const struct probe_target *pat,
		     probe_fn fn, void *arg, struct probe_error *err)
{
	struct matching m = { env, type, pat, fn, arg, err, 0 };
	struct near_name near = { .word = pat->b };
	int rc;

	if (!env->listing && perf_type("uprobe") < 0)
		return no_uprobes(err);
	rc = paths_match(env, pat->a, in_file, &m);
	if (!rc && !probe_is_glob(pat->a))
		return probe_fail(err, -1, -EINVAL,
				  "%s target file '%s' does not exist or is not executable", type,
				  pat->a);
	if (rc == -ENOMEM)
		return probe_fail_oom(err);
	if (rc < 0 || m.cnt)
		return rc < 0 ? rc : m.cnt;
	probe_fail(err, -1, 0, "No matches for %s.", pat->name);
	if (pat->b && !probe_is_glob(pat->b))
		paths_match(env, pat->a, feed_near, (void *[]){ env, &near });
	if (near.best)
		env_hint(err, "Did you mean '%s'?", near.best);
	return 0;
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	return expand_as(env, "uprobe", pat, fn, arg, err);
}

static int expand_return(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			 void *arg, struct probe_error *err)
{
	return expand_as(env, "uretprobe", pat, fn, arg, err);
}

/* ---- load and attach ---- */

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	return uprobe_load(cnt, false, out, err);
}

static int load_return(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		       struct probe_load *out, struct probe_error *err)
{
	return uprobe_load(cnt, true, out, err);
}

static int find_place(struct probe_env *env, const struct probe_target *t, struct uprobe_place *p,
		      struct probe_error *err)
{
	struct elf_file *f = elf_file_get(env, t->a, err);
	const struct elf_symbol *s;

	if (!f)
		return -ENOENT;
	*p = (struct uprobe_place){ .path = f->path, .name = t->name };
	if (!t->b) {
		p->off = elf_file_offset(f, t->value);
		return p->off ? 0
			      : probe_fail(err, -1, -EINVAL, "%s: no such address in the file",
					   t->name);
	}
	s = elf_symbol_find(f, t->b);
	if (!s)
		return probe_fail(err, -1, -ENOENT, "No matches for %s.", t->name);
	p->off = s->off + t->value;
	return 0;
}

static int attach_as(struct probe_env *env, const struct probe_attach *a, bool is_return,
		     struct probe_links *links, struct probe_error *err)
{
	struct uprobe_place *places = calloc(a->target_cnt, sizeof(*places));
	int rc = 0;

	if (!places)
		return probe_fail_oom(err);
	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		rc = find_place(env, &a->targets[i], &places[i], err);
		places[i].cookie = a->cookies ? a->cookies[i] : 0;
	}
	rc = rc ?: uprobe_attach_places(a, places, a->target_cnt, is_return, links, err);
	free(places);
	return rc;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	return attach_as(env, a, false, links, err);
}

static int attach_return(struct probe_env *env, const struct probe_attach *a,
			 struct probe_links *links, struct probe_error *err)
{
	return attach_as(env, a, true, links, err);
}

const struct probe_type probe_uprobe = {
	.name = "uprobe",
	.aliases = { "u" },
	.help = "uprobe:FILE:FUNCTION[+OFFSET]: a function of a program or library is called",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_USER_MEMORY | PROBE_ONE_MEMORY |
		 PROBE_FUNCTIONS,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse,
	.expand = expand,
	.arg = regs_arg,
	.load = load,
	.attach = attach,
};

const struct probe_type probe_uretprobe = {
	.name = "uretprobe",
	.aliases = { "ur" },
	.help = "uretprobe:FILE:FUNCTION: a function of a program or library returns",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_USER_MEMORY | PROBE_ONE_MEMORY |
		 PROBE_FUNCTIONS,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse_return,
	.expand = expand_return,
	.arg = regs_retval,
	.load = load_return,
	.attach = attach_return,
};

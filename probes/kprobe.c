// SPDX-License-Identifier: Apache-2.0
/*
 * kprobe and kretprobe: functions of the kernel. Targets: a is the module or NULL, b the function or
 * NULL, value the offset, or the address without a function, value2 whether it came of a pattern. Many
 * at once are one link on all (kprobe_multi, 5.18, which ftrace serves), of modules by their addresses,
 * as links know names of the kernel itself only (before 6.3); one alone, an offset, and older kernels
 * take a perf event each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/env.h"

enum { CONFIG_RETURN = 1 }; /* .../devices/kprobe/format/retprobe: config:0 */

static int name_target(struct probe_env *env, const char *type, struct probe_target *t)
{
	char *off = t->value ? env_printf(env, "+%llu", (unsigned long long)t->value) : "";

	if (!t->b)
		t->name = env_printf(env, "%s:0x%llx", type, (unsigned long long)t->value);
	else if (t->a)
		t->name = env_printf(env, "%s:%s:%s%s", type, t->a, t->b, off);
	else
		t->name = env_printf(env, "%s:%s%s", type, t->b, off);
	return t->name && off ? 0 : -ENOMEM;
}

/* "fn", "fn+off", or an address. */
static int parse_place(struct probe_env *env, const char *text, bool is_return, int part,
		       struct probe_target *pat, struct probe_error *err)
{
	const char *plus = strchr(text, '+'), *end, *why;

	if (*text >= '0' && *text <= '9') {
		why = number_read(text, &pat->value, &end);
		if (why || *end)
			return probe_fail(err, part, -EINVAL, "Invalid address: %s: %s",
					  why ?: "invalid trailing bytes", text);
		if (!env->opt.unsafe)
			return probe_fail(err, -1, -EINVAL, "Probing by address requires --unsafe");
		return 0;
	}
	pat->b = env_strndup(env, text, plus ? (size_t)(plus - text) : strlen(text));
	if (!pat->b)
		return probe_fail_oom(err);
	if (!plus)
		return 0;
	if (is_return)
		return probe_fail(err, part, -EINVAL, "Offset not allowed");
	why = number_read(plus + 1, &pat->value, &end);
	if (why || *end)
		return probe_fail(err, part, -EINVAL, "Invalid offset: %s: %s",
				  why ?: "invalid trailing bytes", plus + 1);
	if (probe_is_glob(pat->b))
		return probe_fail(err, part, -EINVAL,
				  "Offset not allowed with a wildcard in the function");
	return 0;
}

static int parse_as(struct probe_env *env, const char *type, bool is_return,
		    const struct probe_part *parts, uint32_t cnt, struct probe_target *pat,
		    struct probe_error *err)
{
	int rc = probe_check_parts(type, cnt, 1, 2, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[cnt - 1].text)
		return probe_fail(err, -1, -EINVAL,
				  "%ss should be attached to a function or an address", type);
	rc = parse_place(env, parts[cnt - 1].text, is_return, (int)cnt - 1, pat, err);
	if (rc)
		return rc;
	if (cnt == 3) {
		pat->a = env_strdup(env, parts[1].text);
		if (!pat->a)
			return probe_fail_oom(err);
	}
	return name_target(env, type, pat) ? probe_fail_oom(err) : 0;
}

/* ---- what exists ---- */

struct matching {
	struct probe_env *env;
	const char *type;
	bool with_module;
	probe_fn fn;
	void *arg;
};

static int on_function(void *arg, const struct function *f)
{
	struct matching *m = arg;
	struct probe_target t = { .b = f->name, .value2 = 1 };

	if (m->with_module)
		t.a = f->module ?: "vmlinux";
	if (name_target(m->env, m->type, &t))
		return -ENOMEM;
	return m->fn(m->arg, &t);
}

static int no_kprobes(struct probe_error *err)
{
	int rc = probe_fail(err, -1, -EOPNOTSUPP,
			    "this kernel was built without kprobes (CONFIG_KPROBES, "
			    "CONFIG_KPROBE_EVENTS)");

	env_hint(err, "Tracepoints and rawtracepoints need none: see trace -l '*NAME*'.");
	return rc;
}

static int expand_as(struct probe_env *env, const char *type, const struct probe_target *pat,
		     probe_fn fn, void *arg, struct probe_error *err)
{
	struct matching m = { env, type, pat->a, fn, arg };
	int rc;

	if (perf_type("kprobe") < 0)
		return no_kprobes(err);
	if (pat->b && (env->listing || probe_is_glob(pat->b) || (pat->a && probe_is_glob(pat->a))))
		return functions_match(env, pat->a, pat->b, on_function, &m, err);
	rc = fn(arg, pat);
	return rc ? rc : 1;
}

/* The kernel module is no part of a symbol's name for the kernel itself. */
static bool is_module(const char *a)
{
	return a && strcmp(a, "vmlinux");
}

/* ---- attach ---- */

static bool any_module(const struct probe_target *targets, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		if (is_module(targets[i].a))
			return true;
	return false;
}

/* Links take names of the kernel's own functions, or addresses. */
static bool all_functions(const struct probe_target *targets, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		if (!targets[i].b || targets[i].value)
			return false;
	return !any_module(targets, cnt) || functions_have_addresses();
}

static bool wants_multi(struct probe_env *env, const struct probe_target *targets, uint32_t cnt)
{
	return cnt > 1 && all_functions(targets, cnt) && env_has_multi(env, PROBE_KPROBE_MULTI);
}

static int no_override(const struct probe_target *t, struct probe_error *err)
{
	probe_fail(err, -1, -EINVAL, "the kernel lets no override() change what %s returns",
		   strchr(t->name, ':') + 1);
	env_hint(err, "/sys/kernel/debug/error_injection/list has the functions for which it does, "
		      "those of system calls among them.");
	return -EINVAL;
}

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	if (perf_type("kprobe") < 0)
		return no_kprobes(err);
	for (uint32_t i = 0; out->overrides && i < cnt; i++)
		if (!targets[i].value2 && !refusal_may_override(targets[i].b))
			return no_override(&targets[i], err);
	if (wants_multi(env, targets, cnt))
		out->attach_type = TRACE_KPROBE_MULTI;
	return 0;
}

static bool session(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		    struct probe_load *out)
{
	return all_functions(targets, cnt) && env_session(env, PROBE_KPROBE_SESSION, out);
}

static int explain_refusal(struct probe_env *env, const struct probe_target *t, int rc,
			   struct probe_error *err)
{
	const char *name = strchr(t->name, ':') + 1;

	if (t->b && refusal_tell(env, t, name, rc, err))
		return rc;
	return probe_fail(err, -1, rc,
			  "%s can not be traced: it is on the kernel's blacklist of kprobes, "
			  "marked notrace, or not where an instruction begins",
			  name);
}

static int explain(struct probe_env *env, const struct probe_target *t, int rc,
		   struct probe_error *err)
{
	const char *name = strchr(t->name, ':') + 1;

	switch (rc) {
	case -ENOENT:
	case -ESRCH: /* of links: ftrace has no such place */
		if (t->b && !is_module(t->a) && refusal_exists(t->b))
			return explain_refusal(env, t, rc, err);
		probe_fail(err, -1, rc, "No matches for %.*s %s.", (int)(name - t->name - 1),
			   t->name, name);
		if (t->b)
			refusal_missing(env, t, err);
		return rc;
	case -EINVAL: return explain_refusal(env, t, rc, err);
	case -EILSEQ: return probe_fail(err, -1, rc, "%s: no instruction begins there", name);
	case -EADDRNOTAVAIL:
		return probe_fail(err, -1, rc, "%s: several functions have this name", name);
	case -EPERM:
	case -EACCES: return rc;
	default: return *err->text ? rc : probe_fail(err, -1, rc, "%s: %s", name, strerror(-rc));
	}
}

/* What a pattern found and the kernel then refuses is not what the script asked for. */
static bool may_skip(const struct probe_target *t, int rc)
{
	return t->value2 && (rc == -EINVAL || rc == -ENOENT || rc == -ESRCH ||
			     rc == -EADDRNOTAVAIL || rc == -EILSEQ || rc == -EBUSY);
}

static int make_attr(struct probe_env *env, const struct probe_target *t, bool is_return,
		     struct perf_event_attr *attr, struct probe_error *err)
{
	int type = perf_type("kprobe");
	char *sym = NULL;

	if (type < 0)
		return no_kprobes(err);
	if (t->b)
		sym = is_module(t->a) ? env_printf(env, "%s:%s", t->a, t->b)
				      : env_strdup(env, t->b);
	if (t->b && !sym)
		return probe_fail_oom(err);
	*attr = (struct perf_event_attr){
		.type = (uint32_t)type,
		.config = is_return ? CONFIG_RETURN : 0,
		.kprobe_func = (uintptr_t)sym,
		.probe_offset = t->value, /* without a function: kprobe_addr */
	};
	return 0;
}

/* The kernel looks for the instruction only, be it another function's. */
static int check_offset(const struct probe_target *t, struct probe_error *err)
{
	uint64_t size = t->b && t->value ? refusal_size(t->b) : 0;

	if (!size || t->value < size)
		return 0;
	return probe_fail(err, -1, -ERANGE, "%s: the function has only %llu bytes",
			  strchr(t->name, ':') + 1, (unsigned long long)size);
}

/* Only these say that the place is none; others may be over when it comes to attaching. */
static bool is_refusal(int rc)
{
	return rc == -ENOENT || rc == -ESRCH || rc == -EINVAL || rc == -EILSEQ;
}

/* The event is kept: to let go of it takes the kernel a grace period. */
static int open_event(struct probe_env *env, const struct probe_target *t, bool is_return,
		      struct probe_error *err)
{
	struct perf_event_attr attr;
	int rc = check_offset(t, err), fd;

	rc = rc ?: make_attr(env, t, is_return, &attr, err);
	if (rc)
		return rc;
	fd = perf_open_first(&attr);
	if (fd >= 0 && env_keep_named(env, t->name, fd))
		return probe_fail_oom(err);
	return is_refusal(fd) ? explain(env, t, fd, err) : 0;
}

/* The first of the functions that the kernel refuses a link with rc. */
static uint32_t find_refused(const struct multi_args *all, int *rc)
{
	struct multi_args part = *all;
	uint32_t from = 0, cnt = all->cnt;

	while (cnt > 1) {
		int refusal;

		part.syms = all->syms + from;
		part.cnt = cnt / 2;
		refusal = links_multi_try(&part);
		from += refusal ? 0 : part.cnt;
		cnt = refusal ? part.cnt : cnt - part.cnt;
		*rc = refusal ?: *rc;
	}
	return from;
}

/* Those of modules are there or not by their addresses; what a link on these says comes too late. */
static int check_modules(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
			 struct probe_error *err)
{
	uint64_t *addrs = calloc((size_t)cnt + 1, sizeof(*addrs));
	int rc = addrs ? functions_addresses(targets, cnt, addrs) : -ENOMEM;

	for (uint32_t i = 0; i < cnt && !rc; i++) {
		if (targets[i].value2 || addrs[i])
			continue;
		err->target_no = i + 1;
		rc = explain(env, &targets[i], -ENOENT, err);
	}
	free(addrs);
	return rc;
}

/* The same for one link on many: it is tried with a program that does nothing. */
static int open_multi(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		      bool is_return, struct probe_error *err)
{
	const char **syms = calloc((size_t)cnt + 1, sizeof(*syms)), *refused;
	struct multi_args try = {
		.prog_fd = links_load_nothing(TRACE_KPROBE_MULTI),
		.attach_type = TRACE_KPROBE_MULTI,
		.syms = syms,
		.is_return = is_return,
	};
	uint32_t i, of_modules = 0;
	int rc = 0;

	for (i = 0; syms && i < cnt; i++) {
		if (!targets[i].value2 && is_module(targets[i].a))
			of_modules++;
		else if (!targets[i].value2)
			syms[try.cnt++] = targets[i].b;
	}
	if (try.cnt && try.prog_fd >= 0)
		rc = links_multi_try(&try);
	if (is_refusal(rc)) {
		refused = syms[find_refused(&try, &rc)];
		for (i = 0;
		     targets[i].value2 || is_module(targets[i].a) || targets[i].b != refused;)
			i++;
		err->target_no = i + 1;
		rc = explain(env, &targets[i], rc, err);
	} else {
		rc = of_modules ? check_modules(env, targets, cnt, err) : 0;
	}
	if (try.prog_fd >= 0)
		close(try.prog_fd);
	free(syms);
	return rc;
}

/*
 * What the script names is tried on the kernel instead of looked up in its lists, which are long and say
 * less.
 */
static int open_as(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		   bool is_return, struct probe_error *err)
{
	int rc = 0;

	if (perf_type("kprobe") < 0)
		return 0;
	if (wants_multi(env, targets, cnt))
		return open_multi(env, targets, cnt, is_return, err);
	for (uint32_t i = 0; i < cnt && !rc; i++) {
		if (targets[i].value2)
			continue;
		err->target_no = i + 1;
		rc = open_event(env, &targets[i], is_return, err);
	}
	return rc;
}

/* One event for a function, or for each of those that share its name. */
static int attach_one(struct probe_env *env, const struct probe_attach *a, uint32_t target,
		      bool is_return, struct perf_where *where, struct probe_links *links,
		      struct probe_error *err)
{
	const struct probe_target *t = &a->targets[target];
	int opened = env_take_named(env, t->name), rc;
	uint32_t cnt, attached = 0;
	struct perf_event_attr attr;
	uint64_t *addrs = NULL;

	rc = opened < 0 ? check_offset(t, err) : 0; /* not yet */
	rc = rc ?: make_attr(env, t, is_return, &attr, err);
	if (rc)
		return rc;
	where->opened = opened < 0 ? NULL : &opened;
	rc = perf_attach(a, target, &attr, where, links, err);
	if (where->opened) /* it did not come to that */
		close(opened);
	where->opened = NULL;
	if (rc != -EADDRNOTAVAIL || !t->b)
		return rc;
	cnt = functions_at(t->a, t->b, &addrs);
	for (uint32_t i = 0; i < cnt; i++) {
		attr.kprobe_func = 0;
		attr.probe_offset = addrs[i] + t->value;
		rc = perf_attach(a, target, &attr, where, links, err);
		attached += !rc;
	}
	free(addrs);
	if (!attached)
		return rc;
	links->note = env_printf(env, "at %u functions of that name", attached);
	return 0;
}

static int attach_perf(struct probe_env *env, const struct probe_attach *a, bool is_return,
		       struct probe_links *links, struct probe_error *err)
{
	struct perf_where where = { .one_cpu = true };
	int rc = 0;

	where.holder = links_holder(links, a->target_cnt);
	for (uint32_t i = 0; i < a->target_cnt && !rc; i++) {
		rc = attach_one(env, a, i, is_return, &where, links, err);
		if (rc && may_skip(&a->targets[i], rc))
			rc = links_skip(env, &a->targets[i], links, err);
		else if (rc)
			rc = explain(env, &a->targets[i], rc, err);
		err->target_no = rc ? i + 1 : 0;
	}
	perf_where_done(&where);
	return rc;
}

/* The link on a range; what the kernel refuses is narrowed down to one function. */
static int attach_range(struct probe_env *env, const struct probe_target *targets,
			const struct multi_args *multi, struct probe_links *links,
			struct probe_error *err)
{
	struct multi_args half = *multi;
	int rc = links_multi(multi);

	if (rc >= 0)
		return probe_links_add(links, rc) ? probe_fail_oom(err) : 0;
	if (multi->cnt == 1 && may_skip(targets, rc))
		return links_skip(env, targets, links, err);
	if (multi->cnt == 1 || rc == -EPERM || rc == -ENOMEM) {
		err->target_no = multi->cnt == 1;
		return explain(env, targets, rc, err);
	}
	half.cnt = multi->cnt / 2;
	rc = attach_range(env, targets, &half, links, err);
	if (rc)
		return rc;
	half.syms += multi->syms ? half.cnt : 0;
	half.addrs += multi->addrs ? half.cnt : 0;
	half.cookies += multi->cookies ? half.cnt : 0;
	targets += half.cnt;
	half.cnt = multi->cnt - half.cnt;
	rc = attach_range(env, targets, &half, links, err);
	if (rc && err->target_no)
		err->target_no += multi->cnt - half.cnt;
	return rc;
}

static int attach_multi(struct probe_env *env, const struct probe_attach *a, bool is_return,
			struct probe_links *links, struct probe_error *err)
{
	bool by_addr = any_module(a->targets, a->target_cnt);
	const char **syms = calloc(a->target_cnt, sizeof(*syms));
	uint64_t *addrs = calloc(a->target_cnt, sizeof(*addrs));
	struct multi_args multi = {
		.prog_fd = a->prog_fd,
		.attach_type = a->attach_type,
		.syms = by_addr ? NULL : syms,
		.addrs = by_addr ? addrs : NULL,
		.cookies = a->cookies,
		.cnt = a->target_cnt,
		.is_return = is_return,
	};
	int rc = syms && addrs ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < a->target_cnt && !rc; i++)
		syms[i] = a->targets[i].b;
	if (by_addr && !rc)
		rc = functions_addresses(a->targets, a->target_cnt, addrs);
	if (rc)
		probe_fail(err, -1, rc, "the addresses of functions: %s", strerror(-rc));
	rc = rc ?: attach_range(env, a->targets, &multi, links, err);
	free(syms);
	free(addrs);
	return rc;
}

static int attach_as(struct probe_env *env, const struct probe_attach *a, bool is_return,
		     struct probe_links *links, struct probe_error *err)
{
	return a->attach_type ? attach_multi(env, a, is_return, links, err)
			      : attach_perf(env, a, is_return, links, err);
}

/* ---- the two types ---- */

static int parse_entry(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		       struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "kprobe", false, parts, cnt, pat, err);
}

static int parse_return(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
			struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "kretprobe", true, parts, cnt, pat, err);
}

static int expand_entry(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			void *arg, struct probe_error *err)
{
	return expand_as(env, "kprobe", pat, fn, arg, err);
}

static int expand_return(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			 void *arg, struct probe_error *err)
{
	return expand_as(env, "kretprobe", pat, fn, arg, err);
}

static int list_entry(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	static const struct probe_target all = { .b = "*" };

	return perf_type("kprobe") < 0 ? 0 : expand_entry(env, &all, fn, arg, err);
}

static int open_entry(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		      struct probe_error *err)
{
	return open_as(env, targets, cnt, false, err);
}

static int open_return(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		       struct probe_error *err)
{
	return open_as(env, targets, cnt, true, err);
}

static int attach_entry(struct probe_env *env, const struct probe_attach *a,
			struct probe_links *links, struct probe_error *err)
{
	return attach_as(env, a, false, links, err);
}

static int attach_return(struct probe_env *env, const struct probe_attach *a,
			 struct probe_links *links, struct probe_error *err)
{
	return attach_as(env, a, true, links, err);
}

const struct probe_type probe_kprobe = {
	.name = "kprobe",
	.aliases = { "k" },
	.help = "kprobe:[MODULE:]FUNCTION[+OFFSET]: a function of the kernel is called",
	.flags = PROBE_EXCLUSIVE | PROBE_WILDCARDS | PROBE_LISTED | PROBE_LISTS_PATTERN |
		 PROBE_FUNCTIONS | PROBE_OVERRIDES,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse_entry,
	.expand = expand_entry,
	.list = list_entry,
	.arg = regs_arg,
	.context = regs_context,
	.open = open_entry,
	.load = load,
	.attach = attach_entry,
};

const struct probe_type probe_kretprobe = {
	.name = "kretprobe",
	.aliases = { "kr" },
	.help = "kretprobe:[MODULE:]FUNCTION: a function of the kernel returns",
	.flags = PROBE_EXCLUSIVE | PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_FUNCTIONS,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse_return,
	.expand = expand_return,
	.arg = regs_retval,
	.context = regs_context,
	.open = open_return,
	.load = load,
	.calls = &probe_kprobe,
	.session_least = 2, /* one alone is a perf event, which more functions can have */
	.session = session,
	.attach = attach_return,
};

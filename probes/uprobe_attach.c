// SPDX-License-Identifier: Apache-2.0
/*
 * Breakpoints on places in files. Several places of a file are one link (uprobe_multi, 6.6), one alone
 * and older kernels take a perf event each.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/elf.h"

enum { CONFIG_RETURN = 1, REF_CTR_SHIFT = 32 }; /* .../devices/uprobe/format/ */

int uprobe_none(struct probe_error *err)
{
	return probe_fail(err, -1, -EOPNOTSUPP,
			  "this kernel was built without uprobes (CONFIG_UPROBES, "
			  "CONFIG_UPROBE_EVENTS)");
}

/*
 * Events of uprobes take CAP_SYS_ADMIN in newer kernels (6.18; CAP_PERFMON from 5.8 on), links are still
 * content with CAP_PERFMON.
 */
static bool may_open_events(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) || data[0].effective & 1u << CAP_SYS_ADMIN;
}

int uprobe_load(struct probe_env *env, uint32_t cnt, bool is_return, struct probe_load *out,
		struct probe_error *err)
{
	if (perf_type("uprobe") < 0)
		return uprobe_none(err);
	/*
	 * The event of a process counts returns in others too, where somebody else traces those
	 * (6.12 still): links look at the process themselves.
	 */
	if ((cnt > 1 || is_return || !may_open_events()) && env_has_multi(env, PROBE_UPROBE_MULTI))
		out->attach_type = TRACE_UPROBE_MULTI;
	return 0;
}

static int explain(const struct uprobe_place *p, int rc, struct probe_error *err)
{
	const char *name = p->t->name;

	switch (rc) {
	case -ENOENT: return probe_fail(err, -1, rc, "%s: %s does not exist", name, p->path);
	case -KERNEL_ENOTSUPP:
	case -EINVAL:
		probe_fail(err, -1, rc,
			   "%s can not be traced there: no instruction that a breakpoint can stand "
			   "for",
			   name);
		if (p->next)
			env_hint(err,
				 "The kernel stands for no lock, trap or AVX-512 instruction. The "
				 "next "
				 "one is at %s+%llu.",
				 p->t->b, (unsigned long long)p->next);
		return rc;
	case -ESRCH: return probe_fail(err, -1, rc, "%s: there is no such process", name);
	default: return *err->text ? rc : probe_fail(err, -1, rc, "%s: %s", name, strerror(-rc));
	}
}

static bool is_refusal(int rc)
{
	return rc == -KERNEL_ENOTSUPP || rc == -EINVAL;
}

static struct perf_event_attr attr_of(const struct uprobe_place *p, int type)
{
	return (struct perf_event_attr){
		.type = (uint32_t)type,
		.size = sizeof(struct perf_event_attr),
		.config = (p->is_return ? CONFIG_RETURN : 0) | p->ref_ctr << REF_CTR_SHIFT,
		.uprobe_path = (uintptr_t)p->path,
		.probe_offset = p->off,
	};
}

/* ---- instructions that the kernel may refuse ---- */

struct asking {
	const struct uprobe_place *places;
	int *answers; /* one each: 0, or what the kernel has against it */
	int prog_fd; /* for links; -1: this kernel has none */
};

/* Of an event the grace period passes under a lock, of links many wait for the same one. */
static int probe_ourselves(const struct asking *a, const struct uprobe_place *p)
{
	struct perf_event_attr attr = attr_of(p, perf_type("uprobe"));
	struct multi_args multi = {
		.prog_fd = a->prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = p->path,
		.offsets = &p->off,
		.cnt = 1,
		.pid = (uint32_t)getpid(),
		.is_return = p->is_return,
	};

	return a->prog_fd < 0 ? perf_open(&attr, getpid(), -1) : links_multi(&multi);
}

/*
 * The kernel looks at an instruction when it is mapped, and says nothing any more when that is after the
 * probe was attached: no hit will come. So it is mapped here, and a probe of this process asked for. That
 * takes a grace period, which only what is doubtful is worth.
 */
static void ask_kernel(void *arg, uint32_t i)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct asking *a = arg;
	const struct uprobe_place *p = &a->places[i];
	int fd, probe;
	void *map;

	if (!p->is_doubtful)
		return;
	fd = open(p->path, O_RDONLY | O_CLOEXEC);
	map = fd < 0 ? MAP_FAILED
		     : mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, (off_t)(p->off & ~(page - 1)));
	probe = probe_ourselves(a, p);
	a->answers[i] = is_refusal(probe) ? probe : 0;
	if (probe >= 0)
		close(probe);
	if (map != MAP_FAILED)
		munmap(map, page);
	if (fd >= 0)
		close(fd);
}

/* The answers, malloc'ed; NULL: no memory. */
static int *ask(struct probe_env *env, const struct uprobe_place *places, uint32_t cnt)
{
	struct asking a = { places, calloc((size_t)cnt + 1, sizeof(*a.answers)), -1 };
	uint32_t doubtful = 0;

	for (uint32_t i = 0; i < cnt; i++)
		doubtful += places[i].is_doubtful;
	if (!doubtful || !a.answers || perf_type("uprobe") < 0)
		return a.answers;
	if (env_has_multi(env, PROBE_UPROBE_MULTI))
		a.prog_fd = links_load_nothing(TRACE_UPROBE_MULTI);
	links_together(cnt, ask_kernel, &a);
	if (a.prog_fd >= 0)
		close(a.prog_fd);
	return a.answers;
}

int uprobe_try_places(struct probe_env *env, const struct uprobe_place *places, uint32_t cnt,
		      struct probe_error *err)
{
	int *answers = ask(env, places, cnt), rc = answers ? 0 : probe_fail_oom(err);

	for (uint32_t i = 0; i < cnt && !rc; i++)
		rc = answers[i] ? explain(&places[i], answers[i], err) : 0;
	free(answers);
	return rc;
}

/* ---- attaching ---- */

/* What became of a refusal: it may be none. */
static int refused(struct probe_env *env, const struct probe_attach *a,
		   const struct uprobe_place *p, int rc, struct probe_links *links,
		   struct probe_error *err)
{
	if (is_refusal(rc) && p->t->value2 & UPROBE_OF_PATTERN)
		return links_skip(env, p->t, links, err);
	err->target_no = (uint32_t)(p->t - a->targets) + 1;
	return explain(p, rc, err);
}

static int attach_events(struct probe_env *env, const struct probe_attach *a,
			 const struct uprobe_place *places, uint32_t cnt, struct probe_links *links,
			 struct probe_error *err)
{
	struct perf_where where = { .pid = a->pid, .one_task = true, .one_cpu = true };
	int type = perf_type("uprobe"), rc = 0;

	if (type < 0)
		return uprobe_none(err);
	where.holder = links_holder(links, cnt);
	for (uint32_t i = 0; i < cnt && !rc; i++) {
		struct perf_event_attr attr = attr_of(&places[i], type);
		struct probe_attach one = *a;

		one.targets = places[i].t;
		one.target_cnt = 1;
		one.cookies = a->cookies ? &places[i].cookie : NULL;
		rc = perf_attach(&one, 0, &attr, &where, links, err);
		if (rc)
			rc = refused(env, a, &places[i], rc, links, err);
	}
	perf_where_done(&where);
	return rc;
}

/* One link on places of one file and one kind. Its fd or -errno. */
static int link_on(const struct probe_attach *a, const struct uprobe_place *places, uint32_t cnt)
{
	uint64_t *words = calloc((size_t)cnt * 3, sizeof(*words));
	struct multi_args multi = {
		.prog_fd = a->prog_fd,
		.attach_type = a->attach_type,
		.path = places->path,
		.offsets = words,
		.cookies = a->cookies ? words + cnt : NULL,
		.cnt = cnt,
		.pid = (uint32_t)a->pid,
		.is_return = places->is_return,
	};
	int rc;

	if (!words)
		return -ENOMEM;
	for (uint32_t i = 0; i < cnt; i++) {
		words[i] = places[i].off;
		words[cnt + i] = places[i].cookie;
		words[2 * cnt + i] = places[i].ref_ctr;
		if (places[i].ref_ctr)
			multi.ref_ctr_offsets = words + 2 * (size_t)cnt;
	}
	rc = links_multi(&multi);
	free(words);
	return rc;
}

/* What the kernel refuses is narrowed down to one place. */
static int attach_file(struct probe_env *env, const struct probe_attach *a,
		       const struct uprobe_place *places, uint32_t cnt, struct probe_links *links,
		       struct probe_error *err)
{
	int rc = link_on(a, places, cnt);

	if (rc >= 0)
		return probe_links_add(links, rc) ? probe_fail_oom(err) : 0;
	if (cnt == 1 || !is_refusal(rc))
		return refused(env, a, places, rc, links, err);
	rc = attach_file(env, a, places, cnt / 2, links, err);
	return rc ?: attach_file(env, a, places + cnt / 2, cnt - cnt / 2, links, err);
}

/* Those that are refused, which nobody would hear of otherwise, are left out, or an error. */
static int leave_out(struct probe_env *env, const struct probe_attach *a,
		     struct uprobe_place *places, uint32_t *cnt, struct probe_links *links,
		     struct probe_error *err)
{
	int *answers = ask(env, places, *cnt), rc = answers ? 0 : probe_fail_oom(err);
	uint32_t left = 0;

	for (uint32_t i = 0; i < *cnt && !rc; i++) {
		if (answers[i])
			rc = refused(env, a, &places[i], answers[i], links, err);
		else
			places[left++] = places[i];
	}
	*cnt = left;
	free(answers);
	return rc;
}

int uprobe_attach_places(struct probe_env *env, const struct probe_attach *a,
			 struct uprobe_place *places, uint32_t cnt, struct probe_links *links,
			 struct probe_error *err)
{
	uint32_t same;
	int rc = leave_out(env, a, places, &cnt, links, err);

	if (rc)
		return rc;
	if (!a->attach_type)
		return attach_events(env, a, places, cnt, links, err);
	for (uint32_t i = 0; i < cnt && !rc; i += same) {
		for (same = 1; i + same < cnt; same++)
			if (strcmp(places[i].path, places[i + same].path) ||
			    places[i].is_return != places[i + same].is_return)
				break;
		rc = attach_file(env, a, places + i, same, links, err);
	}
	return rc;
}

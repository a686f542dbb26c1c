// SPDX-License-Identifier: Apache-2.0
/*
 * Breakpoints on places in files. Several places of a file are one link (uprobe_multi, 6.6), one alone
 * and older kernels take a perf event each.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
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
			 uint32_t cnt, struct probe_links *links, struct probe_error *err)
{
	struct perf_where where = { .pid = a->pid, .one_task = true, .one_cpu = true };
	int type = perf_type("uprobe"), rc = 0;

	if (type < 0)
		return uprobe_none(err);
	where.holder = links_holder(links, cnt);
	for (uint32_t i = 0; i < cnt && !rc; i++) {
		struct perf_event_attr attr = {
			.type = (uint32_t)type,
			.config = (places[i].is_return ? CONFIG_RETURN : 0) |
				  places[i].ref_ctr << REF_CTR_SHIFT,
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

/* One link on places of one file and one kind. */
static int attach_file(const struct probe_attach *a, const struct uprobe_place *places,
		       uint32_t cnt, struct probe_links *links, struct probe_error *err)
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
			 uint32_t cnt, struct probe_links *links, struct probe_error *err)
{
	uint32_t same;
	int rc = 0;

	if (!a->attach_type)
		return attach_events(a, places, cnt, links, err);
	for (uint32_t i = 0; i < cnt && !rc; i += same) {
		for (same = 1; i + same < cnt; same++)
			if (strcmp(places[i].path, places[i + same].path) ||
			    places[i].is_return != places[i + same].is_return)
				break;
		rc = attach_file(a, places + i, same, links, err);
	}
	return rc;
}

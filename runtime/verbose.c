// SPDX-License-Identifier: Apache-2.0
/* -v: what was attached, and how. */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>

#include "runtime/attach.h"

/* By number, as newer kernels have more than our header knows. */
static const char *link_kind(uint32_t type)
{
	static const char *const names[] = {
		[1] = "raw tracepoint link", [2] = "tracing link",	[4] = "iterator link",
		[7] = "perf event link",     [8] = "multi kprobe link", [12] = "multi uprobe link",
	};

	return type < sizeof(names) / sizeof(*names) && names[type] ? names[type] : "link";
}

/* The first fd that attaching added: a BPF link, or the perf event itself on kernels before 5.15. */
static const char *kind_of(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? "perf event" : link_kind(info.type);
}

static void print_program(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	fprintf(stderr, ", program %u (%s), %zu instructions", info.id, info.name,
		info.xlated_prog_len / sizeof(struct bpf_insn));
	if (info.verified_insns) /* since 5.16 */
		fprintf(stderr, ", %u verified", info.verified_insns);
}

void verbose_attached(const struct probe_attach *pa, const struct probe_links *links,
		      uint32_t links_before)
{
	fprintf(stderr, "%s", pa->targets[0].name);
	if (pa->target_cnt > 1)
		fprintf(stderr, " and %u more", pa->target_cnt - 1);
	if (links->cnt > links_before)
		fprintf(stderr, ": %s", kind_of(links->fds[links_before]));
	if (links->cnt > links_before + 1)
		fprintf(stderr, " x %u", links->cnt - links_before);
	if (links->note)
		fprintf(stderr, ", %s", links->note);
	print_program(pa->prog_fd);
	fputc('\n', stderr);
}

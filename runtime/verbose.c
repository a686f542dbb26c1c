// SPDX-License-Identifier: Apache-2.0
/* -v: what was attached, and how, and what maps take. */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>

#include "runtime/attach.h"
#include "runtime/shape.h"

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

void verbose_attached(const struct probe_attach *pa, uint32_t probes,
		      const struct probe_links *links, uint32_t links_before)
{
	fprintf(stderr, "%s", pa->targets[0].name);
	if (pa->target_cnt > 1)
		fprintf(stderr, " and %u more", pa->target_cnt - 1);
	if (probes > 1)
		fprintf(stderr, ", calls and returns");
	if (links->cnt > links_before)
		fprintf(stderr, ": %s", kind_of(links->fds[links_before]));
	if (links->cnt > links_before + 1)
		fprintf(stderr, " x %u", links->cnt - links_before);
	if (links->note)
		fprintf(stderr, ", %s", links->note);
	print_program(pa->prog_fd);
	fputc('\n', stderr);
}

/* "528 bytes", "1.5 KiB": three digits. */
static const char *size_text(char *out, size_t sz, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes / 1024;
	int unit = 0;

	if (bytes < 1024) {
		snprintf(out, sz, "%llu bytes", (unsigned long long)bytes);
		return out;
	}
	while (n >= 1000 && unit < 3) {
		n /= 1024;
		unit++;
	}
	snprintf(out, sz, n < 10 ? "%.2f %s" : n < 100 ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return out;
}

void verbose_maps(const struct image *img, const struct map_shape *shapes, uint32_t ncpus)
{
	char one[32], now[32], most[32];

	for (uint32_t i = 0; i < img->maps_cnt; i++) {
		const struct image_map *m = &img->maps[i];
		const struct map_shape *s = &shapes[i];

		fprintf(stderr, "%s: ", image_str(img, m->name));
		if (m->flags & IMAGE_MAP_SCALAR) {
			fprintf(stderr, "%s\n",
				size_text(one, sizeof(one), (uint64_t)s->val_sz * s->entries));
			continue;
		}
		fprintf(stderr, "up to %llu keys, %s for each%s; %s now, at most %s\n",
			(unsigned long long)m->max_entries,
			size_text(one, sizeof(one), map_shape_entry(s, ncpus)),
			s->by_cpu ? " and every CPU that meets it" : "",
			size_text(now, sizeof(now), map_shape_made(s, ncpus)),
			size_text(most, sizeof(most), map_shape_full(s, ncpus)));
	}
}

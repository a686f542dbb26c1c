// SPDX-License-Identifier: Apache-2.0
/*
 * Where functions of the kernel and its modules are. Its list has some hundred thousand lines: read when
 * a name does not say it all, because several functions have it or because it is a module's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/env.h"

#define KALLSYMS "/proc/kallsyms"

/* "ADDR TYPE NAME[\t[MODULE]]" */
static bool is_function(const char *line, const char *module, const char *name)
{
	const char *type = strchr(line, ' ');
	size_t len = strlen(name);

	if (!type || !strchr("tTwW", type[1]) || type[2] != ' ' || strncmp(type + 3, name, len))
		return false;
	line = type + 3 + len;
	if (*line == '\n' || !*line)
		return !module || !strcmp(module, "vmlinux");
	len = module ? strlen(module) : 0;
	return *line == '\t' && line[1] == '[' &&
	       (!module || (!strncmp(line + 2, module, len) && line[2 + len] == ']'));
}

uint32_t functions_at(const char *module, const char *name, uint64_t **addrs)
{
	char *text = tracefs_read(AT_FDCWD, KALLSYMS, NULL);
	uint64_t *grown;
	uint32_t cnt = 0;

	*addrs = NULL;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!is_function(line, module, name))
			continue;
		grown = realloc(*addrs, (cnt + 1) * sizeof(*grown));
		if (!grown)
			break;
		*addrs = grown;
		grown[cnt] = strtoull(line, NULL, 16);
		cnt += grown[cnt] != 0; /* kptr_restrict */
	}
	free(text);
	return cnt;
}

bool functions_have_addresses(void)
{
	char start[4096] = ""; /* what is per CPU stands at the beginning, the first of it at 0 */
	int fd = open(KALLSYMS, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, start, sizeof(start) - 1);
	bool any = false;

	for (const char *line = start; len > 0 && line && !any; line = strchr(line, '\n')) {
		line += *line == '\n';
		any = strtoull(line, NULL, 16) != 0;
	}
	if (fd >= 0)
		close(fd);
	return any;
}

/* ---- many at once ---- */

struct wanted {
	const struct probe_target *t;
	uint64_t *addr;
};

static int by_name(const void *a, const void *b)
{
	const struct probe_target *x = ((const struct wanted *)a)->t;
	const struct probe_target *y = ((const struct wanted *)b)->t;

	return strcmp(x->b, y->b) ?: strcmp(x->a ?: "vmlinux", y->a ?: "vmlinux");
}

/* "ADDR TYPE NAME[\t[MODULE]]", in place. */
static void take_line(char *line, const struct wanted *all, uint32_t cnt)
{
	struct probe_target here = { .a = "vmlinux" };
	struct wanted key = { .t = &here }, *found;
	char *type = strchr(line, ' '), *module;

	if (!type || !strchr("tTwW", type[1]) || type[2] != ' ')
		return;
	here.b = type + 3;
	module = strchr(type + 3, '\t');
	if (module) {
		*module = 0;
		here.a = module + 2;
		module[2 + strcspn(module + 2, "]")] = 0;
	}
	found = bsearch(&key, all, cnt, sizeof(*all), by_name);
	if (found && !*found->addr)
		*found->addr = strtoull(line, NULL, 16);
}

int functions_addresses(const struct probe_target *targets, uint32_t cnt, uint64_t *addrs)
{
	struct wanted *all = calloc((size_t)cnt + 1, sizeof(*all));
	char *text = all ? tracefs_read(AT_FDCWD, KALLSYMS, NULL) : NULL, *next;

	if (!text) {
		free(all);
		return all ? -errno : -ENOMEM;
	}
	for (uint32_t i = 0; i < cnt; i++)
		all[i] = (struct wanted){ &targets[i], &addrs[i] };
	qsort(all, cnt, sizeof(*all), by_name);
	for (char *line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		take_line(line, all, cnt);
	}
	free(text);
	free(all);
	return 0;
}

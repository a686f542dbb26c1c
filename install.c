// SPDX-License-Identifier: Apache-2.0
/* Never in the current directory: what runs here runs as root. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install.h"

static char *in_dir(const char *dir, size_t len, const char *name)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)len, dir, name) < 0)
		return NULL;
	if (!access(path, F_OK))
		return path;
	free(path);
	return NULL;
}

char *install_find(const char *name, const char *dir)
{
	char exe[PATH_MAX], *slash, *path = NULL;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[len > 0 ? len : 0] = 0;
	slash = strrchr(exe, '/');
	if (slash)
		path = in_dir(exe, (size_t)(slash - exe), name);
	return path ?: in_dir(dir, strlen(dir), name);
}

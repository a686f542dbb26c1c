// SPDX-License-Identifier: Apache-2.0
/*
 * tracefs, without asking that it be mounted and without mounting it where anybody sees it:
 * fsopen and fsmount (Linux 5.2) give a detached mount that lives as long as our descriptor. That
 * needs CAP_SYS_ADMIN; without, a mount that is already there is used. Everything is opened relative
 * to the descriptor. The mount and its closing cost less than 0.1 ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "probes/env.h"

/* glibc has wrappers since 2.36 and the kernel's header cannot be included beside sys/mount.h. */
enum {
	FSOPEN_CLOEXEC_ = 1,
	FSCONFIG_CMD_CREATE_ = 6,
	FSMOUNT_CLOEXEC_ = 1,
	MOUNT_ATTR_ = 0x2 | 0x4 | 0x8, /* nosuid, nodev, noexec */
};

int probe_mount_privately(const char *type)
{
	long fs, mnt = -1;

	fs = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC_);
	if (fs < 0)
		return -errno;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE_, NULL, NULL, 0))
		mnt = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC_, MOUNT_ATTR_);
	if (mnt < 0)
		mnt = -errno;
	close((int)fs);
	return (int)mnt;
}

static int use_mounted(void)
{
	/* The second is tried last: looking at it makes the kernel mount something. */
	static const char *const dirs[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	struct statfs st;
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		int fd = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0) {
			if (errno == EACCES || errno == EPERM)
				err = -EACCES;
			continue;
		}
		if (!fstatfs(fd, &st) && st.f_type == TRACEFS_MAGIC)
			return fd;
		close(fd);
	}
	return err;
}

static int explain(int private_err, int mounted_err, struct probe_error *err)
{
	if (private_err == -ENODEV)
		return probe_fail(err, -1, private_err,
				  "tracefs: this kernel has none (CONFIG_TRACING is off)");
	if (mounted_err == -EACCES)
		return probe_fail(err, -1, mounted_err,
				  "tracefs: /sys/kernel/tracing is not readable: "
				  "CAP_SYS_ADMIN or root is needed");
	return probe_fail(err, -1, private_err,
			  "tracefs: not mounted on /sys/kernel/tracing, and mounting it privately "
			  "failed (%s)%s",
			  strerror(-private_err),
			  private_err == -EPERM ? ": CAP_SYS_ADMIN is needed" : "");
}

int tracefs_dir(struct probe_env *env, struct probe_error *err)
{
	int mounted;

	if (env->tracefs_fd >= 0)
		return env->tracefs_fd;
	if (!env->tracefs_err) {
		env->tracefs_fd = probe_mount_privately("tracefs");
		if (env->tracefs_fd >= 0)
			return env->tracefs_fd;
		env->tracefs_err = env->tracefs_fd;
		env->tracefs_fd = -1;
	}
	mounted = use_mounted();
	if (mounted < 0)
		return explain(env->tracefs_err, mounted, err);
	env->tracefs_fd = mounted;
	return mounted;
}

char *debugfs_read(const char *path, size_t *len)
{
	int dir = probe_mount_privately("debugfs");
	char *text;

	if (dir < 0)
		dir = open("/sys/kernel/debug", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return NULL;
	text = tracefs_read(dir, path, len);
	close(dir);
	return text;
}

char *tracefs_read(int dir_fd, const char *path, size_t *len)
{
	size_t cap = 0, used = 0;
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	char *text = NULL, *grown;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	do {
		if (used == cap) {
			cap = cap ? cap * 4 : 4096;
			grown = realloc(text, cap + 1);
			if (!grown)
				goto err_out;
			text = grown;
		}
		n = read(fd, text + used, cap - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		goto err_out;
	close(fd);
	text[used] = 0;
	if (len)
		*len = used;
	return text;

err_out:
	n = errno;
	free(text);
	close(fd);
	errno = (int)n;
	return NULL;
}

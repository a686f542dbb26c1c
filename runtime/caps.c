// SPDX-License-Identifier: Apache-2.0
/* What this process and this kernel are allowed to do. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/features.h"

bool cap_effective(int nr)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[nr / 32].effective >> (nr % 32) & 1;
}

const char *caps_missing(void)
{
	bool bpf = cap_effective(CAPNR_BPF), perfmon = cap_effective(CAPNR_PERFMON);

	if (cap_effective(CAPNR_SYS_ADMIN) || (bpf && perfmon))
		return NULL;
	if (!bpf && !perfmon)
		return "CAP_BPF and CAP_PERFMON";
	return bpf ? "CAP_PERFMON" : "CAP_BPF";
}

/* Its inode is a constant of the kernel's ABI (PROC_USER_INIT_INO). */
bool in_initial_user_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) || st.st_ino == 0xEFFFFFFDu;
}

/* Where nobody has mounted securityfs, it is looked at in a mount that only we see. */
static FILE *open_lockdown(void)
{
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	int dir = f ? -1 : probe_mount_privately("securityfs");
	int fd = dir < 0 ? -1 : openat(dir, "lockdown", O_RDONLY | O_CLOEXEC);

	if (dir >= 0)
		close(dir);
	if (fd >= 0)
		f = fdopen(fd, "r");
	if (fd >= 0 && !f)
		close(fd);
	return f;
}

enum lockdown kernel_lockdown(void)
{
	FILE *f = open_lockdown();
	char line[128] = "";
	bool got;

	if (!f)
		return LOCKDOWN_UNKNOWN;
	got = fgets(line, sizeof(line), f);
	fclose(f);
	if (!got)
		return LOCKDOWN_UNKNOWN;
	if (strstr(line, "[confidentiality]"))
		return LOCKDOWN_CONFIDENTIALITY;
	return strstr(line, "[integrity]") ? LOCKDOWN_INTEGRITY : LOCKDOWN_NONE;
}

uint32_t kernel_version(void)
{
	struct utsname u;
	uint32_t part[3] = { 0 };
	char *p;

	if (uname(&u))
		return 0;
	p = u.release;
	for (int i = 0; i < 3; i++) {
		part[i] = (uint32_t)strtoul(p, &p, 10);
		part[i] = part[i] < 256 ? part[i] : 255;
		if (*p != '.')
			break;
		p++;
	}
	return KERNEL(part[0], part[1], part[2]);
}

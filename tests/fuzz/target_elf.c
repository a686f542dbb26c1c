/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's file that came from anywhere: its symbols with their sources, its tables for unwinding,
 * and what uprobes on its functions are given, as the compiler sees it. Input: the file.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "probes/probe.h"
#include "runtime/ufiles.h"
#include "runtime/unwind_tables.h"
#include "tests/fuzz/unit.h"

enum { PLACES = 24 };

/* libdw's own, when a file lies. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:pc_record\n";
}

static void symbolize(const char *path, int fd, size_t len)
{
	struct map_line l = { .exec = true, .path = path };
	struct mapped_by by = { .tgid = (uint32_t)getpid() };
	struct ufiles *u = ufiles_new(NULL, true);
	struct elfsyms *e;
	struct ufile *f;
	struct stat st;

	if (!fstat(fd, &st))
		l.ino = st.st_ino;
	f = u ? ufiles_get(u, &l, by.tgid) : NULL;
	f = f ? ufile_settle(f, &by) : NULL;
	e = f ? ufile_elf(f, &by) : NULL;
	for (size_t off = 0; e && off < len; off += len / PLACES + 1)
		elfsyms_find(e, off, true);
	ufiles_free(u);
}

/* There are no maps: what would be told to the kernel goes nowhere. */
static void make_tables(const char *path)
{
	struct unwind_tables *u = unwind_tables_new(
		&(struct unwind_fds){ .procs = -1, .files = -1, .tables = -1, .rules = -1 });

	if (u)
		unwind_table_make(u, path);
	unwind_tables_free(u);
}

/* The functions are those of tests/fuzz/seed.c. */
static void probe(const char *path)
{
	static const struct probe_env_options none;
	const struct compile_options opt = { .mode = COMPILE_RUN };
	char text[512];
	struct unit u;
	int len = snprintf(text, sizeof(text),
			   "uprobe:%s:one { print(args); print(args.p->next->v); }"
			   "uretprobe:%s:two { print(retval); print(*retval); }"
			   "uprobe:%s:three { print(args.e); print(args.by_value.grid); }"
			   "uprobe:%s@seed.c:20 { print(arg0); }",
			   path, path, path, path);

	fuzz_begin(&u, &opt, (const uint8_t *)text, (size_t)len);
	u.types = types_new(u.arena);
	u.settings = settings_new(u.arena);
	u.env = probe_env_new(&none);
	if (u.env && !fuzz_check(&u))
		ast_dump(fuzz_nowhere(), u.program, true);
	fuzz_flush(&u, fuzz_nowhere());
	ctypes_free(u.ctypes);
	probe_env_free(u.env);
	arena_free(u.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	make_tables(path);
	probe(path);
	symbolize(path, fd, len);
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols: tables of the kernel and of ELF files, maps files, mangled names; and all of it again with
 * bytes changed and files cut short, where an answer may be missing but nothing may break.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/elfsyms.h"
#include "runtime/filestamp.h"
#include "runtime/ksyms.h"
#include "runtime/perfmap.h"
#include "runtime/procmaps.h"
#include "runtime/symbols.h"
#include "runtime/ufiles.h"
#include "runtime/usyms.h"
#include "tests/unit.h"

static int file_of(const void *bytes, size_t sz)
{
	int fd = memfd_create("unit", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, sz) != (ssize_t)sz) {
		perror("memfd");
		exit(1);
	}
	return fd;
}

/* ---- the kernel's ---- */

static struct ksyms *ksyms_of(const char *text, int *fd, char *path)
{
	*fd = file_of(text, strlen(text));
	sprintf(path, "/proc/self/fd/%d", *fd);
	return ksyms_new(path);
}

static void test_ksyms(void)
{
	static const char text[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000100 t __do_sys_a\n"
				   "ffffffff81000100 T __ia32_sys_a\n"
				   "ffffffff81000100 T __x64_sys_a\n"
				   "ffffffff81000200 t one\n"
				   "ffffffff81000200 t two\n"
				   "ffffffffc0000300 t late\t[mod]\n"
				   "ffffffffc0000100 t early\t[mod]\n"
				   "0000000000000000 A hidden\n"
				   "ffffffffc0000200 t bpf_prog_1\t[bpf]\n"
				   "junk\n\nffffffffc0000400\nffffffffc0000500 t\n"
				   "ffffffffc0000600 T last";
	struct ksym s;
	char path[64];
	int fd;
	struct ksyms *k = ksyms_of(text, &fd, path);

	CHECK(!ksyms_find(k, 0xffffffff81000105, &s) && !strcmp(s.name, "__x64_sys_a"));
	CHECK(s.off == 5 && !s.module);
	CHECK(!ksyms_find(k, 0xffffffff81000200, &s) && !strcmp(s.name, "one") && !s.off);
	CHECK(!ksyms_find(k, 0xffffffffc0000150, &s) && !strcmp(s.name, "early"));
	CHECK(s.module && !strcmp(s.module, "mod"));
	CHECK(!ksyms_find(k, 0xffffffffc0000201, &s) && !strcmp(s.module, "bpf"));
	CHECK(!ksyms_find(k, 0xffffffffc0000601, &s) && !strcmp(s.name, "last"));
	CHECK(ksyms_find(k, 0x1000, &s) == -ENOENT);
	CHECK(ksyms_find(k, 0xfffffffff0000000, &s) == -ENOENT);
	CHECK(ksyms_addr(k, "early") == 0xffffffffc0000100 && !ksyms_addr(k, "hidden"));
	ksyms_free(k);
	close(fd);
	k = ksyms_of("", &fd, path);
	CHECK(ksyms_find(k, 0xffffffff81000105, &s) == -ENOENT);
	ksyms_free(k);
	close(fd);
	k = ksyms_new("/nonexistent");
	CHECK(!ksyms_addr(k, "early"));
	ksyms_free(k);
	ksyms_free(NULL);
}

/* Asked for one by one they are those of the list: all that is code, as of data not all kernels tell. */
static void test_ksyms_asked(void)
{
	struct ksyms *list = ksyms_new("/proc/kallsyms"), *asked = ksyms_new(NULL);
	uint64_t from = ksyms_addr(list, "_stext"), to = ksyms_addr(list, "_etext");
	struct ksym a, b;
	unsigned odd = 0;

	for (uint64_t at = from; at < to; at += (to - from) / 1000 + 1) {
		int rc = ksyms_find(list, at, &a);

		if (ksyms_find(asked, at, &b) != rc)
			odd++;
		else if (!rc)
			odd += a.off != b.off || strcmp(a.name, b.name) || a.module || b.module;
	}
	CHECK(!odd);
	CHECK(ksyms_addr(asked, "schedule") == ksyms_addr(list, "schedule"));
	CHECK(!ksyms_addr(asked, "no_such_symbol"));
	CHECK(ksyms_find(asked, 0x1000, &b) == -ENOENT);
	ksyms_free(list);
	ksyms_free(asked);
}

/* ---- maps ---- */

struct seen {
	unsigned cnt;
	struct map_line last;
	char path[64];
};

static int see(void *arg, const struct map_line *l)
{
	struct seen *s = arg;

	s->cnt++;
	s->last = *l;
	snprintf(s->path, sizeof(s->path), "%s", l->path);
	return 0;
}

static struct seen parse(const char *text)
{
	char *copy = strdup(text);
	struct seen s = { 0 };

	procmaps_parse(copy, see, &s);
	free(copy);
	return s;
}

static void test_maps(void)
{
	struct seen s;

	s = parse("7f00-7f80 r-xp 00001000 fe:01 123                        /a b (deleted)\n");
	CHECK(s.cnt == 1 && s.last.start == 0x7f00 && s.last.end == 0x7f80 && s.last.exec);
	CHECK(s.last.off == 0x1000 && s.last.dev_major == 0xfe && s.last.dev_minor == 1);
	CHECK(s.last.ino == 123 && !strcmp(s.path, "/a b"));
	s = parse("1000-2000 rw-p 00000000 00:00 0");
	CHECK(s.cnt == 1 && !s.last.exec && !strcmp(s.path, ""));
	s = parse("1000-2000 rw-p 00000000 00:00 0 [vdso]\n\nx\n1000\n1000-\n1000-2000\n1000-2000 "
		  "rw\n2000-1000 rw-p 00000000 00:00 0\n1000-2000 rw-p 0 0 0\n");
	CHECK(s.cnt == 1);
	CHECK(!procmaps_slurp("/nonexistent", 100, NULL));
	CHECK(!procmaps_slurp("/dev/zero", 100, NULL));
}

/* ---- names ---- */

static bool demangles(const char *name, const char *want)
{
	char *s = demangle(name);
	bool ok = want ? s && !strcmp(s, want) : !s;

	if (!ok)
		fprintf(stderr, "%s: %s\n", name, s ?: "(none)");
	free(s);
	return ok;
}

static void test_names(void)
{
	CHECK(demangles("main", NULL));
	CHECK(demangles("_Z", NULL));
	CHECK(demangles("_Z3fooi", "foo(int)"));
	CHECK(demangles("_ZN2ns3barEPKc", "ns::bar(char const*)"));
	CHECK(demangles("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"));
	CHECK(demangles("_ZN50_$LT$T$u20$as$u20$core..convert..Into$LT$U$GT$$GT$4into17h0123456789"
			"abcdefE",
			"<T as core::convert::Into<U>>::into"));
	CHECK(demangles("_ZN3foo17h01234567E", NULL));
	CHECK(demangles("_RNvNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal",
			"std::rt::lang_start_internal"));
	CHECK(demangles(
		"_RNvNvMs0_NtNtNtCsjrHSEGnQ3l9_3std3sys6thread4unixNtB7_6Thread3new12thread_start",
		"<std::sys::thread::unix::Thread>::new::thread_start"));
	CHECK(demangles("_RINvNtC3std3mem8align_ofNtNtC3foo3bar3BazE.llvm.123",
			"std::mem::align_of::<foo::bar::Baz>"));
	CHECK(demangles("_RNCNvC1a4main0B3_", "a::main::{closure#0}"));
	CHECK(demangles("_RNCNvC1a4mains_0B3_", "a::main::{closure#1}"));
	CHECK(demangles("_RNvXC1aRShNtC1b1T1f", "<&[u8] as b::T>::f"));
	CHECK(demangles(
		"_RINvC1a1fAhj3_TbEFUKCReEuDNtC1b1Tp1OxEL_Kln2a_E",
		"a::f::<[u8; 3], (bool,), unsafe extern \"C\" fn(&str), dyn b::T<O = i64>, -42>"));
	CHECK(demangles("_RNvC1au6f_1234", "a::punycode{f_1234}"));
	CHECK(demangles("_R", NULL) && demangles("_RNvC1a", NULL) && demangles("_RB_", NULL));
	CHECK(demangles("_RNvC1a999999999999999999999f", NULL) &&
	      demangles("_RINvC1a1fTB7_E", NULL));
}

/* ---- files ---- */

__attribute__((noinline)) int unit_known_function(int x)
{
	return x * 3;
}

static void test_self(void)
{
	struct ufiles *files = ufiles_new(NULL, true);
	struct usyms *u = usyms_new(files);
	uint64_t addr = (uint64_t)(uintptr_t)unit_known_function + 1;
	const struct umap *m = usyms_place(u, (uint32_t)getpid(), addr);
	struct usym sym;

	CHECK(m);
	usyms_find(u, m, addr, false, true, &sym);
	CHECK(sym.name && !strcmp(sym.name, "unit_known_function") && sym.off == 1);
	CHECK(sym.module && strstr(sym.module, "unit_symbols"));
	CHECK(!sym.source_cnt || strstr(sym.sources[0].file, "unit_symbols.c"));
	usyms_find(u, m, addr, true, true, &sym);
	CHECK(sym.name && !strcmp(sym.name, "unit_known_function") && sym.off == 1);
	CHECK(!usyms_place(u, (uint32_t)getpid(), 1));
	CHECK(!usyms_place(u, 0x7fffffff, addr));
	usyms_find(u, NULL, addr, false, true, &sym);
	CHECK(!sym.name && !sym.module);
	usyms_free(u);
	ufiles_free(files);
}

static char *self(size_t *sz)
{
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY);
	char *bytes;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	*sz = (size_t)st.st_size;
	bytes = malloc(*sz);
	if (bytes && read(fd, bytes, *sz) != (ssize_t)*sz)
		*bytes = 0;
	close(fd);
	return bytes;
}

/* Whatever is asked of whatever file: an answer or none. */
static unsigned ask(const char *bytes, size_t sz)
{
	struct elfsyms *e = elfsyms_new("unit", NULL, true);
	const struct elfplace *place;
	int fd = file_of(bytes, sz);
	struct filestamp stamp;
	unsigned found = 0;
	struct stat st;

	fstat(fd, &st);
	stamp = filestamp_of(&st);
	elfsyms_lend(e, fd, &stamp);
	for (uint64_t off = 0; off < sz; off += sz / 8 + 1) {
		place = elfsyms_find(e, off, true);
		found += place && place->name;
	}
	elfsyms_free(e);
	close(fd);
	return found;
}

/* Numbers from a seed, so that what fails fails again. */
static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void test_corrupt(void)
{
	size_t sz;
	char *good = self(&sz), *bad;
	uint32_t seed = 1;

	CHECK(good);
	if (!good)
		return;
	bad = malloc(sz);
	ask("", 0);
	ask("\177ELF", 4);
	CHECK(ask(good, sz));
	for (size_t cut = 16; cut < sz; cut *= 3)
		ask(good, cut);
	for (int i = 0; bad && i < 60; i++) {
		size_t head = i % 2 ? 4096 : sz;

		memcpy(bad, good, sz);
		for (int j = 0; j < 20; j++) /* the headers at both ends, or anywhere */
			bad[i % 3 == 2 ? sz - 1 - next(&seed) % (sz < 4096 ? sz : 4096)
				       : next(&seed) % (sz < head ? sz : head)] = (char)next(&seed);
		ask(bad, sz);
	}
	free(bad);
	free(good);
}

/* ---- code made at run time ---- */

static const char *made_at(struct perfmap *p, uint64_t addr)
{
	uint64_t start;

	return perfmap_find(p, addr, &start);
}

static struct perfmap *perfmap_anew(struct perfmap *p)
{
	perfmap_free(p);
	return perfmap_new((uint32_t)getpid());
}

static void write_file(const char *path, const char *text, off_t sz)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fputs(text, f) >= 0 && !fclose(f));
	CHECK(!sz || !truncate(path, sz));
}

/* A pipe that nobody ends, a file without end, one that grows for ever, lines of nonsense, none at all. */
static void test_made(void)
{
	struct perfmap *p = perfmap_anew(NULL);
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	CHECK(!made_at(p, 0x1000));
	CHECK(!mkfifo(path, 0600) && !made_at(p, 0x1000) && !unlink(path));
	write_file(path, "1000 10 one\n", (off_t)1 << 40);
	CHECK(made_at(p, 0x1008) && !strcmp(made_at(p, 0x1008), "one"));
	for (int i = 0; i < 20000; i++) {
		CHECK(!truncate(path, ((off_t)1 << 40) + i));
		CHECK(!made_at(p, 0x5000));
	}
	unlink(path);
	CHECK(made_at(p, 0x1008)); /* it was open */
	p = perfmap_anew(p);
	write_file(
		path,
		"\n1000\n1000 \n1000 10\n1000 10 \nz 1 z\n-1 -1 a\n2000 10 a\n2000 10 b\n3000 0 c",
		0);
	CHECK(!made_at(p, 0x1000) && !made_at(p, 0x3000));
	CHECK(made_at(p, 0x2000) && !strcmp(made_at(p, 0x2000), "b")); /* the later one is true */
	if (!geteuid()) {
		p = perfmap_anew(p);
		CHECK(!chown(path, 12345, 12345) && !made_at(p, 0x2000)); /* not ours */
		CHECK(!chown(path, 0, 0) && made_at(p, 0x2000));
	}
	unlink(path);
	perfmap_free(p);
}

/* ---- stacks ---- */

static int note(struct symbols *s, uint64_t id, uint64_t ip)
{
	const struct event_stack head = { .id = id, .cnt = 2 };
	uint64_t rec[sizeof(head) / sizeof(uint64_t) + 2];

	memcpy(rec, &head, sizeof(head));
	rec[sizeof(head) / sizeof(uint64_t)] = ip;
	rec[sizeof(head) / sizeof(uint64_t) + 1] = ip + 1;
	return symbols_note(s, rec, sizeof(rec));
}

static bool known(struct symbols *s, const struct image *img, uint64_t id)
{
	const struct value_env env = { .img = img, .symbols = s };
	const struct image_type t = { .kind = V_KSTACK, .k = STACK_RAW, .size = 16 };
	const struct stack_ref ref = { .id = id, .cnt = 2 };
	const struct value v = { .type = &t, .at = (const char *)&ref };
	struct buf b = { 0 };
	bool ok;

	stack_text(&b, &env, &v, false);
	buf_putc(&b, '\0');
	ok = !strcmp(b.p, "\n10\n11\n");
	CHECK(ok || !strcmp(b.p, "\n        [lost]\n"));
	buf_free(&b);
	return ok;
}

static void test_stacks(void)
{
	const struct image img = { .strings = "", .strings_cnt = 1 };
	struct symbols *s = symbols_new(&img, NULL);
	struct event_stack cut = { .id = 9, .cnt = 1 };

	for (uint64_t id = 1; id <= 5000; id++)
		CHECK(!note(s, id, 0x10));
	CHECK(known(s, &img, 1) && known(s, &img, 5000) && !known(s, &img, 5001));
	CHECK(!symbols_clashes(s));
	CHECK(!note(s, 7, 0x20) && symbols_clashes(s) == 1);
	CHECK(symbols_note(s, &cut, sizeof(cut)) == -EINVAL);
	CHECK(symbols_note(s, &cut, 3) == -EINVAL);
	CHECK(!symbols_crowded(s));
	symbols_keep(s, 1);
	symbols_sweep(s);
	CHECK(known(s, &img, 1) && known(s, &img, 2) && known(s, &img, 3));
	CHECK(!note(s, 3, 0x10)); /* met again */
	symbols_keep(s, 1);
	symbols_sweep(s);
	CHECK(known(s, &img, 1) && !known(s, &img, 2) && known(s, &img, 3));
	symbols_free(s);
}

int main(void)
{
	test_stacks();
	test_ksyms();
	test_ksyms_asked();
	test_maps();
	test_names();
	test_self();
	test_corrupt();
	test_made();
	return failed != 0;
}

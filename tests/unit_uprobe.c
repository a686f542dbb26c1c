/* SPDX-License-Identifier: Apache-2.0 */
/* What uprobes and USDT read of programs, byte by byte: operands, instructions, archives, C++ names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/insn.h"
#include "probes/usdt.h"

static int failures;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                          \
			failures++;                                                                \
		}                                                                                  \
	} while (0)

/* ---- operands of USDT arguments ---- */

enum { NONE = PROBE_ARG_NONE };

struct operand {
	enum usdt_machine machine;
	const char *spec;
	int n, rc;
	struct probe_arg arg; /* what is not named is 0, base and index too */
};

#define A(b, i, s, sz, d, de, sg)                                                                  \
	{                                                                                          \
		.base = b, .index = i, .scale = s, .size = sz, .disp = d, .deref = de,             \
		.is_signed = sg                                                                    \
	}

static const struct operand operands[] = {
	/* registers in the order of struct user_pt_regs, eight bytes each; the 31st is sp */
	{ USDT_ARM64, "8@x0 -4@w1", 0, 0, A(0, NONE, 0, 8, 0, false, false) },
	{ USDT_ARM64, "8@x0 -4@w1", 1, 0, A(8, NONE, 0, 4, 0, false, true) },
	{ USDT_ARM64, "1@w30", 0, 0, A(240, NONE, 0, 1, 0, false, false) },
	{ USDT_ARM64, "-2@-77", 0, 0, A(NONE, NONE, 0, 2, -77, false, true) },
	{ USDT_ARM64, "8@0x10", 0, 0, A(NONE, NONE, 0, 8, 16, false, false) },
	{ USDT_ARM64, "4@[sp, 12]", 0, 0, A(248, NONE, 0, 4, 12, true, false) },
	{ USDT_ARM64, "4@[sp,#-12]", 0, 0, A(248, NONE, 0, 4, -12, true, false) },
	{ USDT_ARM64, "8@[x0] 8@[x1, x2]", 0, 0, A(0, NONE, 0, 8, 0, true, false) },
	{ USDT_ARM64, "8@[x0] 8@[x1, x2]", 1, 0, A(8, 16, 1, 8, 0, true, false) },
	{ USDT_ARM64, "-4@[x1, x2, lsl 2] 1@x9", 0, 0, A(8, 16, 4, 4, 0, true, true) },
	{ USDT_ARM64, "-4@[x1, x2, lsl #3] 1@x9", 0, 0, A(8, 16, 8, 4, 0, true, true) },
	{ USDT_ARM64, "-4@[x1, x2, lsl #3] 1@x9", 1, 0, A(72, NONE, 0, 1, 0, false, false) },
	{ USDT_ARM64, "x3", 0, 0, A(24, NONE, 0, 8, 0, false, false) },
	{ USDT_ARM64, "8@x0", 1, -ENOENT, A(NONE, NONE, 0, 0, 0, false, false) },
	{ USDT_ARM64, "8@x31", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_ARM64, "8@[x0", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_ARM64, "8@[x0, x1, sxtw]", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_ARM64, "8f@d0", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_ARM64, "257@x0", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_ARM64, "", 0, -ENOENT, A(0, 0, 0, 0, 0, 0, 0) },
#if defined(__x86_64__)
	{ USDT_X86_64, "8@%rdi -4@%eax 1@%ah", 0, 0, A(112, NONE, 0, 8, 0, false, false) },
	{ USDT_X86_64, "8@%rdi -4@%eax 1@%ah", 1, 0, A(80, NONE, 0, 4, 0, false, true) },
	{ USDT_X86_64, "-1@%r11b -2@%r8w 4@%r9d", 0, 0, A(48, NONE, 0, 1, 0, false, true) },
	{ USDT_X86_64, "-1@%r11b -2@%r8w 4@%r9d", 1, 0, A(72, NONE, 0, 2, 0, false, true) },
	{ USDT_X86_64, "-1@%r11b -2@%r8w 4@%r9d", 2, 0, A(64, NONE, 0, 4, 0, false, false) },
	{ USDT_X86_64, "1@%sil", 0, 0, A(104, NONE, 0, 1, 0, false, false) },
	{ USDT_X86_64, "-4@$-9", 0, 0, A(NONE, NONE, 0, 4, -9, false, true) },
	{ USDT_X86_64, "4@-20(%rbp)", 0, 0, A(32, NONE, 0, 4, -20, true, false) },
	{ USDT_X86_64, "8@(%rax)", 0, 0, A(80, NONE, 0, 8, 0, true, false) },
	{ USDT_X86_64, "8@(%rax,%rbx)", 0, 0, A(80, 40, 1, 8, 0, true, false) },
	{ USDT_X86_64, "4@16(%rsp,%rcx,8)", 0, 0, A(152, 88, 8, 4, 16, true, false) },
	{ USDT_X86_64, "4@0x40(,%rcx,4)", 0, 0, A(NONE, 88, 4, 4, 64, true, false) },
	{ USDT_X86_64, "4@128(%ip)", 0, 0, A(128, NONE, 0, 4, 128, true, false) },
	{ USDT_X86_64, "8@%xmm0", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_X86_64, "4@foo(%rip)", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
	{ USDT_X86_64, "4@(%rax", 0, -EINVAL, A(0, 0, 0, 0, 0, 0, 0) },
#endif
};

static void test_operands(void)
{
	for (size_t i = 0; i < sizeof(operands) / sizeof(*operands); i++) {
		const struct operand *o = &operands[i];
		struct probe_arg got;
		int rc = usdt_arg_of(o->machine, o->spec, o->n, &got);

		if (rc == o->rc && (rc || !memcmp(&got, &o->arg, sizeof(got))))
			continue;
		printf("operand %d of \"%s\": %d, base %d index %d scale %u size %u disp %lld\n",
		       o->n, o->spec, rc, got.base, got.index, got.scale, got.size,
		       (long long)got.disp);
		failures++;
	}
}

/* ---- instructions ---- */

static const struct {
	const char *bytes;
	unsigned len;
} insns[] = {
	{ "\x90", 1 }, /* nop */
	{ "\xf3\x0f\x1e\xfa", 4 }, /* endbr64 */
	{ "\x55", 1 }, /* push %rbp */
	{ "\x48\x89\xe5", 3 }, /* mov %rsp,%rbp */
	{ "\x48\x83\xec\x10", 4 }, /* sub $16,%rsp */
	{ "\x48\xb8\1\2\3\4\5\6\7\x8", 10 }, /* movabs */
	{ "\xb8\1\2\3\4", 5 },
	{ "\x66\xb8\1\2", 4 },
	{ "\x66\x48\xc7\xc0\1\2\3\4", 8 }, /* REX.W wins over 66 */
	{ "\xa1\1\2\3\4\5\6\7\x8", 9 }, /* mov address,%eax */
	{ "\x8b\x04\x25\1\2\3\4", 7 }, /* SIB without a base */
	{ "\x8b\x44\x24\x08", 4 },
	{ "\x8b\x84\x24\1\2\3\4", 7 },
	{ "\x8b\x05\1\2\3\4", 6 }, /* rip relative */
	{ "\xf6\x05\1\2\3\4\x7f", 7 }, /* testb $127,x(%rip) */
	{ "\xf7\xd8", 2 }, /* neg */
	{ "\xf7\xc0\1\2\3\4", 6 }, /* test */
	{ "\xe8\1\2\3\4", 5 },
	{ "\x0f\x84\1\2\3\4", 6 },
	{ "\x0f\x05", 2 }, /* syscall */
	{ "\x66\x0f\x3a\x0f\xc1\x08", 6 }, /* palignr */
	{ "\x66\x0f\x38\x00\xc1", 5 }, /* pshufb */
	{ "\xc5\xf8\x77", 3 }, /* vzeroupper */
	{ "\xc5\xf9\x70\xc0\x4e", 5 }, /* vpshufd */
	{ "\xc4\xe3\x7d\x39\xc1\x01", 6 }, /* vextracti128 */
	{ "\x62\xf1\xfe\x48\x6f\x46\x01", 7 }, /* vmovdqu64 */
	{ "\x62\xf3\x75\x40\x3f\xc0\x00", 7 }, /* vpcmpub */
	{ "\xc8\1\2\3", 4 }, /* enter */
	{ "\xc2\x08\x00", 3 },
	{ "\x06", 0 }, /* none in 64-bit mode */
	{ "\x48", 0 }, /* cut */
	{ "\xe8\1\2", 0 },
	{ "", 0 },
};

static void test_insns(void)
{
	/* lock; xacquire lock; int3, hlt, out, cli, EVEX, segments, none in 64-bit mode, cut; vmovd */
	static const char *const doubtful[] = {
		"\xf0\xff\5", "\xf2\xf0\xff", "\xcc\0\0",     "\xf4\0\0",
		"\xe6\5\0",   "\xfa\0\0",     "\x62\xf1\7",   "\x3e\xff\xe0",
		"\x8e\xd0\0", "\6\0\0",	      "\x66\x66\x66", "\xc5\xf9\x6e",
	};
	/* push, mov %fs:, nop, endbr64, VEX, syscall, mov of an address */
	static const char *const plain[] = {
		"\x55\0\0",	  "\x64\x48\x8b\4", "\x90\0\0",	  "\xf3\x0f\x1e\xfa",
		"\xc5\xf8\x77\0", "\x0f\5\0",	    "\xa1\0\0\0",
	};
	static const uint8_t code[] = "\x55\x48\x89\xe5\xb8\1\2\3\4\xc3\x06";
	uint64_t before = 0, after = 0;

	for (size_t i = 0; i < sizeof(insns) / sizeof(*insns); i++) {
		size_t left = insns[i].len ?: strlen(insns[i].bytes);
		unsigned got = insn_length_x86((const uint8_t *)insns[i].bytes, left);

		if (got == insns[i].len)
			continue;
		printf("instruction %zu: %u bytes, should be %u\n", i, got, insns[i].len);
		failures++;
	}
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(*doubtful); i++)
		CHECK(insn_is_doubtful_x86((const uint8_t *)doubtful[i], 3));
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		CHECK(!insn_is_doubtful_x86((const uint8_t *)plain[i], 4));
#if defined(__x86_64__)
	CHECK(!insn_boundary(code, sizeof(code), 4, &before, &after));
	CHECK(insn_boundary(code, sizeof(code), 6, &before, &after) == -EINVAL);
	CHECK(before == 4 && after == 9);
	CHECK(insn_boundary(code, sizeof(code), 11, &before, &after) == -EILSEQ);
	CHECK(insn_is_return((const uint8_t *)"\xc3", 1));
	CHECK(insn_is_return((const uint8_t *)"\xf3\xc3", 2));
	CHECK(!insn_is_return((const uint8_t *)"\xf3\x90", 2));
#else
	(void)code, (void)before, (void)after;
#endif
}

/* Any bytes: an answer within bounds, no read behind them. */
static void test_insn_noise(void)
{
	uint32_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		size_t left = 1 + i % 16;
		uint8_t *code = malloc(left);

		for (size_t at = 0; at < left; at++) {
			seed = seed * 1664525 + 1013904223;
			code[at] = (uint8_t)(seed >> 24);
		}
		CHECK(insn_length_x86(code, left) <= left);
		free(code);
	}
}

/* ---- archives ---- */

static const char archive[] = "PK\3\4\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0"
			      "xdata"
			      "PK\1\2\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0\0"
			      "\0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "x"
			      "PK\5\6\0\0\0\0\1\0\1\0\x2f\0\0\0\x23\0\0\0\0\0";

static void test_zip(void)
{
	enum { SZ = sizeof(archive) - 1 };
	uint64_t off = 0, size = 0;
	uint32_t seed = 7;

	CHECK(!zip_find((const uint8_t *)archive, SZ, "x", &off, &size));
	CHECK(off == 31 && size == 4);
	CHECK(zip_find((const uint8_t *)archive, SZ, "y", &off, &size) == -ENOENT);
	CHECK(zip_find((const uint8_t *)archive, 20, "x", &off, &size) == -EINVAL);
	for (int i = 0; i < 100000; i++) {
		size_t left = SZ - (size_t)(i % 3);
		uint8_t *bytes = malloc(left);

		memcpy(bytes, archive, left);
		for (int n = i % 4; n >= 0; n--) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % left] = (uint8_t)(seed >> 24);
		}
		off = size = 0;
		if (!zip_find(bytes, left, "x", &off, &size))
			CHECK(off <= left && size <= left - off);
		free(bytes);
	}
}

/* ---- C++ names ---- */

static void test_cpp(void)
{
	CHECK(cpp_matches("Ns::fn", "_ZN2Ns2fnEi"));
	CHECK(cpp_matches("Ns::fn(int)", "_ZN2Ns2fnEi"));
	CHECK(!cpp_matches("Ns::fn(long)", "_ZN2Ns2fnEi"));
	CHECK(!cpp_matches("fn", "_ZN2Ns2fnEi"));
	CHECK(cpp_matches("*::fn", "_ZN2Ns2fnEi"));
	CHECK(cpp_matches("Ns::tpl", "_ZN2Ns3tplIiEET_S1_")); /* int Ns::tpl<int>(int) */
	CHECK(cpp_matches("Ns::tpl<int>", "_ZN2Ns3tplIiEET_S1_"));
	CHECK(cpp_matches("Ns::tpl<int>(int)", "_ZN2Ns3tplIiEET_S1_"));
	CHECK(cpp_matches("Ns::K::operator()", "_ZN2Ns1KclEi"));
	CHECK(cpp_matches("Ns::K::m", "_ZNK2Ns1K1mEi")); /* ... const */
	CHECK(cpp_matches("f(const char *, int)", "_Z1fPKci"));
	CHECK(cpp_matches("f(char const*,int)", "_Z1fPKci"));
	CHECK(!cpp_matches("f", "f"));
	CHECK(!cpp_matches("f(", "_Z1fPKci"));
	CHECK(!cpp_matches("f(const", "_Z1fPKci"));
	CHECK(!cpp_matches("", "_Z1fPKci"));
}

/* ---- programs that lie ---- */

static uint32_t noise(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static int look_at_args(void *arg, const struct probe_type *type, const struct probe_target *t)
{
	struct probe_fields fields;
	struct probe_error err;

	if (type->args)
		type->args(arg, t, &fields, &err);
	return 0;
}

static int look_at_nothing(void *arg, const struct probe_target *t)
{
	(void)t;
	++*(int *)arg;
	return 0;
}

/* Everything that is read of a program: symbols, parameters, notes, lines, types. */
static void read_all(const char *path)
{
	struct probe_env *env = probe_env_new(NULL);
	const struct probe_type *type = probe_type_find("uprobe");
	struct probe_target pat, main_fn = { .a = path, .b = "main" };
	struct probe_part parts[] = { { "uprobe", false }, { NULL, false }, { "60", false } };
	char list[256], source[128];
	struct probe_error err;
	struct Dwarf *dw;
	int cnt = 0;

	snprintf(list, sizeof(list), "uprobe:%s:*,uretprobe:%s:*,usdt:%s:*", path, path, path);
	probe_list(env, list, look_at_args, env, &err);
	snprintf(source, sizeof(source), "%s@args.c", path);
	parts[1].text = source;
	if (!type->parse(env, parts, 3, &pat, &err))
		type->expand(env, &pat, look_at_nothing, &cnt, &err);
	parts[1].text = path;
	parts[2].text = "main+4";
	if (!type->parse(env, parts, 3, &pat, &err))
		type->expand(env, &pat, look_at_nothing, &cnt, &err);
	dw = type->debug(env, &main_fn);
	if (dw) {
		debug_find_type(env, dw, "struct inner");
		debug_find_enumerator(env, dw, "BLUE");
	}
	probe_env_free(env);
}

/* Whatever is made of it: no crash, no endless loop. */
static void test_liars(void)
{
	const char *build = getenv("BUILD");
	static uint8_t bytes[1 << 20], changed[1 << 20];
	char path[] = "/tmp/unit_uprobe.XXXXXX", from[512];
	uint32_t seed = 42;
	int fd = mkstemp(path);
	FILE *f;
	size_t sz;

	snprintf(from, sizeof(from), "%s/tests/args", build ?: ".");
	f = fopen(from, "re");
	CHECK(f && fd >= 0);
	sz = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	for (int i = 0; sz && fd >= 0 && i < 300; i++) {
		size_t len = noise(&seed) % 8 ? sz : noise(&seed) % sz;

		memcpy(changed, bytes, sz);
		for (uint32_t n = 1 + noise(&seed) % 40; n; n--)
			changed[noise(&seed) % sz] = (uint8_t)noise(&seed);
		CHECK(!ftruncate(fd, 0));
		CHECK(pwrite(fd, changed, len, 0) == (ssize_t)len);
		read_all(path);
	}
	if (f)
		fclose(f);
	if (fd >= 0)
		close(fd);
	unlink(path);
}

int main(void)
{
	alarm(60); /* an endless loop ends here */
	test_operands();
	test_insns();
	test_insn_noise();
	test_zip();
	test_cpp();
	test_liars();
	return failures > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information: what cfi.c makes of a C library and of this program is compared with what
 * libdw says for the same addresses; then with bytes changed, where rows may be missing but nothing
 * may break.
 */
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cfi.h"

#if defined(__x86_64__)
enum { SP = 7, FP = 6, BX = 3, PC = 16, KNOWN = 1 };
#elif defined(__aarch64__)
enum { SP = 31, FP = 29, BX = 19, PC = 30, KNOWN = 1 };
#else
enum { SP, FP, BX, PC, KNOWN = 0 };
#endif

enum { RULES = 16384, MUTANTS = 400 };

static struct unwind_rule rules[RULES];
static uint32_t rule_cnt = 1;
static unsigned failed;

static uint32_t intern(void *arg, const struct unwind_rule *rule)
{
	for (uint32_t i = 0; i < rule_cnt; i++)
		if (!memcmp(rule, &rules[i], sizeof(*rule)))
			return i;
	if (rule_cnt == RULES)
		return 0;
	rules[rule_cnt] = *rule;
	return rule_cnt++;
}

/* A machine's registers, and memory whose every word tells where it is. */
static const uint64_t sp = 0x1000000, fp = 0x2000000, bx = 0x3000000;

static uint64_t memory(uint64_t addr)
{
	return addr * 3 + 7;
}

static uint64_t reg(uint64_t nr, uint64_t pc)
{
	return nr == SP	  ? sp
	       : nr == FP ? fp
	       : nr == BX ? bx
	       : nr == PC ? pc
			  : 0x4000000 + nr * 0x1000;
}

/* Of the few operations there are in such expressions; false: another one. */
static bool evaluate(const Dwarf_Op *ops, size_t cnt, uint64_t cfa, uint64_t pc, uint64_t *result)
{
	uint64_t st[16] = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < cnt && n < 15; i++) {
		uint8_t op = ops[i].atom;

		if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
			st[n++] = op - DW_OP_lit0;
		} else if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
			st[n++] = reg(op - DW_OP_breg0, pc) + ops[i].number;
		} else if (op == DW_OP_bregx) {
			st[n++] = reg(ops[i].number, pc) + ops[i].number2;
		} else if (op == DW_OP_call_frame_cfa) {
			st[n++] = cfa;
		} else if (op == DW_OP_plus_uconst && n) {
			st[n - 1] += ops[i].number;
		} else if (op == DW_OP_deref && n) {
			st[n - 1] = memory(st[n - 1]);
		} else if (n >= 2) {
			uint64_t b = st[--n], a = st[n - 1];

			switch (op) {
			case DW_OP_plus: st[n - 1] = a + b; break;
			case DW_OP_and: st[n - 1] = a & b; break;
			case DW_OP_ge: st[n - 1] = (int64_t)a >= (int64_t)b; break;
			case DW_OP_shl: st[n - 1] = a << b; break;
			default: return false;
			}
		} else {
			return false;
		}
	}
	*result = n ? st[n - 1] : 0;
	return n == 1;
}

/* The register at a place in the kernel's struct pt_regs. */
static uint64_t number_of(int32_t at)
{
#if defined(__x86_64__)
	static const uint8_t number[] = { 15, 14, 13, 12, 6, 3, 11, 10, 9, 8, 0, 2, 1, 4, 5 };

	return number[at / 8];
#else
	return (uint64_t)at / 8;
#endif
}

static bool cfa_by_rule(const struct unwind_rule *r, uint64_t pc, uint64_t *cfa)
{
	uint64_t off = (uint64_t)(int64_t)r->off;

	switch ((enum unwind_cfa)r->cfa) {
	case UNWIND_SP: *cfa = sp + off; return true;
	case UNWIND_FP: *cfa = fp + off; return true;
	case UNWIND_BX: *cfa = bx + off; return true;
	case UNWIND_AT_FP: *cfa = memory(fp + off) + (uint64_t)(int64_t)r->more; return true;
	case UNWIND_AT_SP: *cfa = memory(sp + off) + (uint64_t)(int64_t)r->more; return true;
	case UNWIND_REG: *cfa = reg(number_of(r->more), 0) + off; return true;
	case UNWIND_PLT: *cfa = sp + off + ((pc & 15) >= (uint16_t)r->bx ? 8 : 0); return true;
	case UNWIND_STOP:
	case UNWIND_END:
	case UNWIND_SWITCH:
	case UNWIND_SIGNAL:
	case UNWIND_UNSAID: break;
	}
	return false;
}

/* Where libdw says that a register was saved; false: it was not. */
static bool saved_at(Dwarf_Frame *frame, int nr, uint64_t cfa, uint64_t pc, uint64_t *addr)
{
	Dwarf_Op mem[3], *ops;
	size_t cnt;

	return !dwarf_frame_register(frame, nr, mem, &ops, &cnt) && cnt &&
	       evaluate(ops, cnt, cfa, pc, addr);
}

static bool agree(const struct unwind_rule *r, Dwarf_Frame *frame, uint64_t pc)
{
	uint64_t ours, theirs, addr, base;
	Dwarf_Op *ops;
	size_t cnt;
	bool saved;

	if (!cfa_by_rule(r, pc, &ours))
		return true; /* ours says less: counted by the caller */
	if (dwarf_frame_cfa(frame, &ops, &cnt) || !evaluate(ops, cnt, 0, pc, &theirs) ||
	    ours != theirs)
		return false;
	saved = saved_at(frame, PC, theirs, pc, &addr);
	if (saved != !!r->ra || (saved && addr != ours + (uint64_t)(int64_t)r->ra))
		return false;
	saved = saved_at(frame, FP, theirs, pc, &addr);
	base = r->flags & UNWIND_FP_AT_FP ? fp - 8 : ours;
	return saved == !!r->fp && (!saved || addr == base + (uint64_t)(int64_t)r->fp);
}

static Elf *open_elf(const char *path)
{
	Elf *elf;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf) {
		fprintf(stderr, "%s: %s\n", path, elf_errmsg(-1));
		exit(1);
	}
	return elf;
}

/* Every row against libdw, but for those that say nothing: nearly none of code that libdw knows. */
static void test_file(const char *path, unsigned step)
{
	Elf *elf = open_elf(path);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	unsigned asked = 0, silent = 0, wrong = 0;
	struct cfi_rows rows;

	if (cfi_read(elf, 0, intern, NULL, &rows)) {
		fprintf(stderr, "%s: no rows\n", path);
		failed++;
		return;
	}
	for (uint32_t i = 0; i < rows.cnt; i += step) {
		const struct unwind_rule *r = &rules[rows.row[i].rule];
		Dwarf_Frame *frame;

		if (dwarf_cfi_addrframe(cfi, rows.row[i].vaddr, &frame))
			continue;
		asked++;
		silent += r->cfa == UNWIND_STOP || r->cfa == UNWIND_UNSAID;
		if (!agree(r, frame, rows.row[i].vaddr)) {
			if (wrong++ < 5)
				fprintf(stderr, "%s: %x: rule %u %d %d %d\n", path,
					rows.row[i].vaddr, r->cfa, r->off, r->ra, r->fp);
		}
		free(frame);
	}
	if (asked < 100 || silent * 50 > asked || wrong) {
		fprintf(stderr, "%s: asked for %u, silent on %u, wrong on %u\n", path, asked,
			silent, wrong);
		failed++;
	}
	cfi_rows_free(&rows);
	dwarf_cfi_end(cfi);
	elf_end(elf);
}

static char *read_all(const char *path, size_t *sz)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0 || fstat(fd, &st))
		exit(1);
	*sz = (size_t)st.st_size;
	bytes = malloc(*sz);
	if (!bytes || read(fd, bytes, *sz) != (ssize_t)*sz)
		exit(1);
	close(fd);
	return bytes;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Where .eh_frame lies in the file. */
static bool find_eh_frame(char *bytes, size_t sz, GElf_Shdr *sh)
{
	Elf *elf = elf_memory(bytes, sz);
	Elf_Scn *scn = NULL;
	size_t names;
	bool found = false;

	elf_getshdrstrndx(elf, &names);
	while (!found && (scn = elf_nextscn(elf, scn)))
		found = gelf_getshdr(scn, sh) &&
			!strcmp(elf_strptr(elf, names, sh->sh_name), ".eh_frame");
	elf_end(elf);
	return found;
}

static void test_corrupt(const char *path)
{
	uint32_t seed = 1;
	GElf_Shdr sh;
	size_t sz;
	char *bytes = read_all(path, &sz);

	if (!find_eh_frame(bytes, sz, &sh))
		exit(1);
	for (unsigned i = 0; i < MUTANTS; i++) {
		struct cfi_rows rows;
		char old[16];
		uint64_t at[16];
		Elf *elf;

		for (unsigned j = 0; j < 16; j++) { /* half of them among the first entries */
			at[j] = sh.sh_offset + next_random(&seed) % (j % 2 ? sh.sh_size : 512);
			old[j] = bytes[at[j]];
			bytes[at[j]] = (char)next_random(&seed);
		}
		elf = elf_memory(bytes, sz);
		if (!cfi_read(elf, 0, intern, NULL, &rows)) {
			for (uint32_t k = 1; k < rows.cnt; k++)
				failed += rows.row[k].vaddr <= rows.row[k - 1].vaddr;
			cfi_rows_free(&rows);
		}
		elf_end(elf);
		for (unsigned j = 16; j--;)
			bytes[at[j]] = old[j];
	}
	free(bytes);
}

int main(void)
{
	Dl_info info;

	elf_version(EV_CURRENT);
	if (!KNOWN)
		return 0;
	test_file("/proc/self/exe", 1);
	if (dladdr((const void *)(uintptr_t)getppid, &info) && info.dli_fname[0] == '/')
		test_file(info.dli_fname, 5);
	test_corrupt("/proc/self/exe");
	return failed != 0;
}

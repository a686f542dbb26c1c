// SPDX-License-Identifier: Apache-2.0
/*
 * An interpreter of call frame instructions. libdw has one too, but it answers for one address at a
 * time, some microseconds each: a second for the 60,000 rows of a C library and what comes with it.
 * Here each description is gone through once, and gives its rows as it goes.
 *
 * Only what a program can do in the kernel is kept: the CFA by the stack pointer, the frame pointer
 * or one more register, and three registers by their places. For anything else the rule is that of
 * all zeroes, and unwinding ends there. Files are whatever a process has mapped: nothing in them is
 * believed, and no instruction is gone through twice, however long the list of those who share it.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cfi.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, REG_SP = 7, REG_FP = 6, REG_BX = 3, REG_PC = 16 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, REG_SP = 31, REG_FP = 29, REG_BX = 19, REG_PC = 255 };
#else
enum { MACHINE = EM_NONE, REG_SP = 255, REG_FP = 255, REG_BX = 255, REG_PC = 255 };
#endif

enum {
	STATES_MAX = 16, /* remembered at one time */
	SECTION_MAX = 512 << 20,
};

/* Where a register of the caller is. */
enum where { SAME, AT_CFA, AT_FP, UNDEFINED, ELSEWHERE };

enum tracked { RA, FP, BX, TRACKED };

struct state {
	enum unwind_cfa cfa; /* UNWIND_STOP: by no way that we know */
	int64_t off;
	uint64_t reg; /* of the CFA, for those that change only the offset */
	int64_t plt; /* UNWIND_PLT: from which instruction on */
	struct {
		enum where where;
		int64_t off;
	} reg_at[TRACKED];
};

struct cie {
	uint64_t off; /* in the section */
	uint64_t code_align, ra;
	int64_t data_align;
	uint8_t enc; /* of addresses */
	bool signal;
	struct state first;
};

struct fde {
	uint64_t start, end;
	uint32_t cie;
	const uint8_t *ins, *ins_end;
};

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

struct cfi {
	const uint8_t *data;
	uint64_t vaddr; /* of data */
	struct cie *cies;
	struct fde *fdes;
	uint32_t cie_cnt, fde_cnt, cie_cap, fde_cap;
	uint64_t base;
	cfi_intern intern;
	void *arg;
	struct cfi_rows *rows;
};

/* ---- bytes ---- */

static uint64_t take(struct reader *r, unsigned size)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->p) < size) {
		r->bad = true;
		r->p = r->end;
		return 0;
	}
	memcpy(&v, r->p, size); /* of our own byte order, which is little */
	r->p += size;
	return v;
}

static uint64_t take_uleb(struct reader *r)
{
	unsigned shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = take(r, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return v;
}

static int64_t take_sleb(struct reader *r)
{
	unsigned shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = take(r, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		v |= UINT64_MAX << shift;
	return (int64_t)v;
}

static struct reader take_block(struct reader *r)
{
	uint64_t sz = take_uleb(r);
	struct reader block = { r->p, r->p, false };

	if (sz > (uint64_t)(r->end - r->p)) {
		r->bad = true;
		sz = (uint64_t)(r->end - r->p);
	}
	r->p += sz;
	block.end = r->p;
	return block;
}

/* An address as the CIE says it is written; rel: what it may count from. */
static uint64_t take_addr(const struct cfi *c, struct reader *r, uint8_t enc)
{
	uint64_t here = c->vaddr + (uint64_t)(r->p - c->data), v;

	switch (enc & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8: v = take(r, 8); break;
	case DW_EH_PE_udata2: v = take(r, 2); break;
	case DW_EH_PE_udata4: v = take(r, 4); break;
	case DW_EH_PE_sdata2: v = (uint64_t)(int16_t)take(r, 2); break;
	case DW_EH_PE_sdata4: v = (uint64_t)(int32_t)take(r, 4); break;
	case DW_EH_PE_uleb128: v = take_uleb(r); break;
	case DW_EH_PE_sleb128: v = (uint64_t)take_sleb(r); break;
	default: r->bad = true; return 0;
	}
	if ((enc & 0x70) == DW_EH_PE_pcrel)
		v += here;
	else if (enc & 0xf0)
		r->bad = true;
	return v;
}

/* ---- rows ---- */

/* The kernel's way to the caller, from all that is known here. */
static struct unwind_rule rule_of(const struct state *s)
{
	struct unwind_rule rule = { .cfa = (uint8_t)s->cfa, .off = (int32_t)s->off };
	static const struct unwind_rule stop;
	int16_t *const to[TRACKED] = { &rule.ra, &rule.fp, &rule.bx };

	if (s->reg_at[RA].where == UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_END };
	if (s->cfa == UNWIND_STOP || s->off != rule.off)
		return stop;
	for (unsigned i = 0; i < TRACKED; i++) {
		int64_t off = s->reg_at[i].off;

		if (s->reg_at[i].where == SAME || (i == BX && s->reg_at[i].where != AT_CFA))
			continue;
		if (s->reg_at[i].where == AT_FP && i == FP) {
			rule.flags = UNWIND_FP_AT_FP;
			off += 8;
		} else if (s->reg_at[i].where != AT_CFA) {
			return stop;
		}
		if (off != (int16_t)off || !off)
			return stop;
		*to[i] = (int16_t)off;
	}
	if (s->cfa == UNWIND_PLT)
		rule.bx = (int16_t)s->plt;
	return rule;
}

/* From vaddr on this is the rule. What the last row says already is not said again. */
static int put_row(struct cfi *c, uint64_t vaddr, struct unwind_rule rule)
{
	struct cfi_rows *rows = c->rows;
	struct unwind_row row = { (uint32_t)(vaddr - c->base), c->intern(c->arg, &rule) };

	if (vaddr < c->base || vaddr - c->base >= UINT32_MAX)
		return 0;
	if (rows->cnt && rows->row[rows->cnt - 1].vaddr >= row.vaddr) {
		if (rows->row[rows->cnt - 1].vaddr > row.vaddr)
			return 0; /* of another that reaches over this one's start */
		rows->cnt--;
	}
	if (rows->cnt && rows->row[rows->cnt - 1].rule == row.rule)
		return 0;
	if (rows->cnt == rows->cap) {
		uint32_t cap = rows->cap ? rows->cap * 2 : 4096;
		struct unwind_row *more = realloc(rows->row, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		rows->row = more;
		rows->cap = cap;
	}
	rows->row[rows->cnt++] = row;
	return 0;
}

/* ---- instructions ---- */

/* [frame pointer + off], or the stack pointer and what a PLT entry may have pushed. */
static void cfa_expression(struct state *s, struct reader e)
{
	static const uint8_t plt[] = { DW_OP_breg0 + REG_PC % 32, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t rest[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };
	uint8_t op = (uint8_t)take(&e, 1);

	s->cfa = UNWIND_STOP;
	s->reg = UINT64_MAX;
	s->off = take_sleb(&e);
	if (op == DW_OP_breg0 + REG_FP && e.end - e.p == 1 && *e.p == DW_OP_deref)
		s->cfa = UNWIND_AT_FP;
	if (op != DW_OP_breg0 + REG_SP || e.end - e.p != sizeof(plt) + 1 + sizeof(rest) ||
	    memcmp(e.p, plt, sizeof(plt)) || memcmp(e.p + sizeof(plt) + 1, rest, sizeof(rest)))
		return;
	op = e.p[sizeof(plt)];
	if (op < DW_OP_lit0 || op > DW_OP_lit15)
		return;
	s->cfa = UNWIND_PLT;
	s->plt = op - DW_OP_lit0;
}

static void cfa_register(struct state *s, uint64_t reg)
{
	s->reg = reg;
	s->cfa = reg == REG_SP ? UNWIND_SP : reg == REG_FP ? UNWIND_FP : UNWIND_STOP;
	if (reg == REG_BX)
		s->cfa = UNWIND_BX;
}

static void set_reg(const struct cie *cie, struct state *s, uint64_t reg, enum where where,
		    int64_t off)
{
	enum tracked i = reg == cie->ra ? RA : reg == REG_FP ? FP : reg == REG_BX ? BX : TRACKED;

	if (i == TRACKED)
		return;
	s->reg_at[i].where = where;
	s->reg_at[i].off = off;
}

static void reset_reg(const struct cie *cie, struct state *s, uint64_t reg)
{
	enum tracked i = reg == cie->ra ? RA : reg == REG_FP ? FP : reg == REG_BX ? BX : TRACKED;

	if (i != TRACKED)
		s->reg_at[i] = cie->first.reg_at[i];
}

static void reg_expression(const struct cie *cie, struct state *s, uint64_t reg, struct reader e)
{
	uint8_t op = (uint8_t)take(&e, 1);
	int64_t off = take_sleb(&e);
	bool by_fp = op == DW_OP_breg0 + REG_FP && !e.bad && e.p == e.end;

	set_reg(cie, s, reg, by_fp ? AT_FP : ELSEWHERE, off);
}

struct run {
	struct cfi *c;
	const struct cie *cie;
	struct state s, kept[STATES_MAX];
	unsigned kept_cnt;
	uint64_t at; /* vaddr */
	bool rows; /* wanted */
};

/* On to another address: what held up to there is a row. */
static int advance(struct run *x, uint64_t by)
{
	int rc = x->rows ? put_row(x->c, x->at, rule_of(&x->s)) : 0;

	x->at += by;
	return rc;
}

static int64_t scaled(const struct run *x, uint64_t n)
{
	return (int64_t)n * x->cie->data_align;
}

/* Those that change where the CFA or a register is. */
static void define(struct run *x, struct reader *r, uint8_t op)
{
	struct state *s = &x->s;
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		cfa_register(s, take_uleb(r));
		s->off = op == DW_CFA_def_cfa ? (int64_t)take_uleb(r)
					      : scaled(x, (uint64_t)take_sleb(r));
		return;
	case DW_CFA_def_cfa_register: return cfa_register(s, take_uleb(r));
	case DW_CFA_def_cfa_offset: s->off = (int64_t)take_uleb(r); return;
	case DW_CFA_def_cfa_offset_sf: s->off = scaled(x, (uint64_t)take_sleb(r)); return;
	case DW_CFA_def_cfa_expression: return cfa_expression(s, take_block(r));
	case DW_CFA_GNU_args_size: take_uleb(r); return;
	}
	reg = take_uleb(r);
	switch (op) {
	case DW_CFA_offset_extended:
		return set_reg(x->cie, s, reg, AT_CFA, scaled(x, take_uleb(r)));
	case DW_CFA_offset_extended_sf:
		return set_reg(x->cie, s, reg, AT_CFA, scaled(x, (uint64_t)take_sleb(r)));
	case DW_CFA_GNU_negative_offset_extended:
		return set_reg(x->cie, s, reg, AT_CFA, -scaled(x, take_uleb(r)));
	case DW_CFA_restore_extended: return reset_reg(x->cie, s, reg);
	case DW_CFA_undefined: return set_reg(x->cie, s, reg, UNDEFINED, 0);
	case DW_CFA_same_value: return set_reg(x->cie, s, reg, SAME, 0);
	case DW_CFA_expression: return reg_expression(x->cie, s, reg, take_block(r));
	case DW_CFA_val_expression: take_block(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	case DW_CFA_register:
	case DW_CFA_val_offset: take_uleb(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	case DW_CFA_val_offset_sf: take_sleb(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	}
	r->bad = true;
}

static int step(struct run *x, struct reader *r)
{
	uint8_t op = (uint8_t)take(r, 1), low = op & 0x3f;
	uint64_t to;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc: return advance(x, low * x->cie->code_align);
	case DW_CFA_offset: set_reg(x->cie, &x->s, low, AT_CFA, scaled(x, take_uleb(r))); return 0;
	case DW_CFA_restore: reset_reg(x->cie, &x->s, low); return 0;
	}
	switch (op) {
	case DW_CFA_nop:
	case DW_CFA_GNU_window_save: return 0; /* on arm64: the return address is signed or not */
	case DW_CFA_advance_loc1: return advance(x, take(r, 1) * x->cie->code_align);
	case DW_CFA_advance_loc2: return advance(x, take(r, 2) * x->cie->code_align);
	case DW_CFA_advance_loc4: return advance(x, take(r, 4) * x->cie->code_align);
	case DW_CFA_set_loc: to = take_addr(x->c, r, x->cie->enc); return advance(x, to - x->at);
	case DW_CFA_remember_state:
		if (x->kept_cnt == STATES_MAX)
			return -EINVAL;
		x->kept[x->kept_cnt++] = x->s;
		return 0;
	case DW_CFA_restore_state:
		if (!x->kept_cnt)
			return -EINVAL;
		x->s = x->kept[--x->kept_cnt];
		return 0;
	}
	define(x, r, op);
	return 0;
}

static int interpret(struct run *x, const uint8_t *ins, const uint8_t *end)
{
	struct reader r = { ins, end, false };
	int rc = 0;

	while (r.p < r.end && !r.bad && !rc)
		rc = step(x, &r);
	return rc ?: r.bad ? -EINVAL : 0;
}

/* ---- entries ---- */

static void *grow(void *rows, uint32_t cnt, uint32_t *cap, size_t size)
{
	if (cnt < *cap)
		return rows;
	*cap = *cap ? *cap * 2 : 256;
	return realloc(rows, *cap * size);
}

static int add_cie(struct cfi *c, uint64_t off, const Dwarf_CIE *d)
{
	struct cie *cies = grow(c->cies, c->cie_cnt, &c->cie_cap, sizeof(*cies)), *cie;
	struct run x = { .c = c };
	const uint8_t *aug = d->augmentation_data;

	if (!cies)
		return -ENOMEM;
	c->cies = cies;
	cie = &cies[c->cie_cnt];
	*cie = (struct cie){
		.off = off,
		.code_align = d->code_alignment_factor,
		.data_align = d->data_alignment_factor,
		.ra = d->return_address_register,
		.enc = DW_EH_PE_absptr,
		.signal = strchr(d->augmentation, 'S'),
	};
	for (const char *s = d->augmentation; aug && *s; s++) {
		struct reader r = { aug, d->augmentation_data + d->augmentation_data_size, false };

		if (*s == 'R') {
			cie->enc = (uint8_t)take(&r, 1);
		} else if (*s == 'P') {
			uint8_t enc = (uint8_t)take(&r, 1);

			take_addr(c, &r, enc & 0x0f);
		} else if (*s == 'L') {
			take(&r, 1);
		}
		aug = r.p;
	}
	x.cie = cie;
	if (!interpret(&x, d->initial_instructions, d->initial_instructions_end)) {
		cie->first = x.s;
		c->cie_cnt++;
	}
	return 0;
}

static int cmp_cie(const void *key, const void *row)
{
	uint64_t off = *(const uint64_t *)key, at = ((const struct cie *)row)->off;

	return off < at ? -1 : off > at;
}

static int add_fde(struct cfi *c, const Dwarf_FDE *d)
{
	struct fde *fdes = grow(c->fdes, c->fde_cnt, &c->fde_cap, sizeof(*fdes)), f = { 0 };
	struct reader r = { d->start, d->end, false };
	uint64_t off = d->CIE_pointer;
	const struct cie *cie;

	if (!fdes)
		return -ENOMEM;
	c->fdes = fdes;
	cie = c->cie_cnt ? bsearch(&off, c->cies, c->cie_cnt, sizeof(*cie), cmp_cie) : NULL;
	if (!cie)
		return 0;
	f.start = take_addr(c, &r, cie->enc);
	f.end = f.start + take_addr(c, &r, cie->enc & 0x0f);
	take_block(&r); /* augmentation: where exceptions are handled */
	if (r.bad || f.end <= f.start)
		return 0;
	f.cie = (uint32_t)(cie - c->cies);
	f.ins = r.p;
	f.ins_end = r.end;
	c->fdes[c->fde_cnt++] = f;
	return 0;
}

static int read_entries(struct cfi *c, const unsigned char *ident, Elf_Data *data)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off off = 0, next;
	int rc = 0;

	while (!rc && !dwarf_next_cfi(ident, data, true, off, &next, &entry)) {
		if (dwarf_cfi_cie_p(&entry))
			rc = add_cie(c, off, &entry.cie);
		else
			rc = add_fde(c, &entry.fde);
		if (next <= off)
			break;
		off = next;
	}
	return rc;
}

static int cmp_fdes(const void *x, const void *y)
{
	const struct fde *a = x, *b = y;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Its rows, and one behind its end, which that of the next takes the place of when it begins there. */
static int fde_rows(struct cfi *c, const struct fde *f)
{
	const struct cie *cie = &c->cies[f->cie];
	struct run x = { .c = c, .cie = cie, .s = cie->first, .at = f->start, .rows = true };
	int rc;

	if (cie->signal) {
		rc = put_row(c, f->start, (struct unwind_rule){ .cfa = UNWIND_SIGNAL });
	} else {
		rc = interpret(&x, f->ins, f->ins_end);
		if (rc == -EINVAL)
			x.s = (struct state){ 0 };
		rc = rc == -ENOMEM ? rc : put_row(c, x.at, rule_of(&x.s));
	}
	return rc ?: put_row(c, f->end, (struct unwind_rule){ 0 });
}

/* ---- files ---- */

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, sh) ? elf_strptr(elf, names, sh->sh_name) : NULL;

		if (s && !strcmp(s, name))
			return scn;
	}
	return NULL;
}

static int add_signal(struct cfi *c, uint64_t addr)
{
	struct cie *cies = grow(c->cies, c->cie_cnt, &c->cie_cap, sizeof(*cies));
	struct fde *fdes;

	if (!cies)
		return -ENOMEM;
	c->cies = cies;
	fdes = grow(c->fdes, c->fde_cnt, &c->fde_cap, sizeof(*fdes));
	if (!fdes)
		return -ENOMEM;
	c->fdes = fdes;
	cies[c->cie_cnt] = (struct cie){ .signal = true };
	/* what is looked up is the instruction before the one that a handler returns to */
	fdes[c->fde_cnt++] =
		(struct fde){ .start = addr - 4, .end = addr + 8, .cie = c->cie_cnt++ };
	return 0;
}

/* Where handlers of signals return to, in the vdso of arm64: since 5.9 it is known by its name alone. */
static int find_trampoline(struct cfi *c, Elf *elf)
{
	Elf_Data *data;
	GElf_Shdr sh;
	GElf_Sym sym;
	Elf_Scn *scn = find_section(elf, ".dynsym", &sh);

	data = scn && sh.sh_entsize ? elf_getdata(scn, NULL) : NULL;
	for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, sh.sh_link, sym.st_name);

		if (name && !strcmp(name, "__kernel_rt_sigreturn"))
			return add_signal(c, sym.st_value);
	}
	return 0;
}

/* Some have none: that of a program without it ends up without rows. */
static int read_section(struct cfi *c, Elf *elf, const unsigned char *ident)
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(elf, ".eh_frame", &sh);
	Elf_Data *data;

	if (!scn || sh.sh_type == SHT_NOBITS || sh.sh_size > SECTION_MAX)
		return 0;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf)
		return -EINVAL;
	c->data = data->d_buf;
	c->vaddr = sh.sh_addr;
	return read_entries(c, ident, data);
}

int cfi_read(Elf *elf, uint64_t base, cfi_intern intern, void *arg, struct cfi_rows *rows)
{
	const unsigned char *ident = (const unsigned char *)elf_getident(elf, NULL);
	struct cfi c = { .base = base, .intern = intern, .arg = arg, .rows = rows };
	GElf_Ehdr eh;
	int rc;

	*rows = (struct cfi_rows){ .base = base };
	if (!ident || !gelf_getehdr(elf, &eh) || eh.e_machine != MACHINE ||
	    ident[EI_CLASS] != ELFCLASS64)
		return -ENOENT;
	rc = read_section(&c, elf, ident);
	if (!rc && MACHINE == EM_AARCH64)
		rc = find_trampoline(&c, elf);
	if (c.fde_cnt)
		qsort(c.fdes, c.fde_cnt, sizeof(*c.fdes), cmp_fdes);
	for (uint32_t i = 0; i < c.fde_cnt && !rc; i++)
		rc = fde_rows(&c, &c.fdes[i]);
	free(c.cies);
	free(c.fdes);
	if (!rc && rows->cnt)
		return 0;
	cfi_rows_free(rows);
	return rc ?: -ENOENT;
}

void cfi_rows_free(struct cfi_rows *rows)
{
	free(rows->row);
	*rows = (struct cfi_rows){ 0 };
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Only what a program can do in the kernel is kept: the CFA by the stack pointer, the frame pointer
 * or one more register, and three registers by their places. For anything else the rule is that of
 * all zeroes, and unwinding ends there.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cfi_run.h"

#if defined(__x86_64__)
enum { REG_SP = 7, REG_FP = 6, REG_BX = 3, REG_PC = 16 };
/* Where the kernel's struct pt_regs has each. */
static const int16_t regs_at[] = {
	80, 96, 88, 40, 104, 112, 32, 152, 72, 64, 56, 48, 24, 16, 8, 0
};
#elif defined(__aarch64__)
enum { REG_SP = 31, REG_FP = 29, REG_BX = 19, REG_PC = 255 };
static const int16_t regs_at[] = { 0,	8,   16,  24,  32,  40,	 48,  56,  64,	72,
				   80,	88,  96,  104, 112, 120, 128, 136, 144, 152,
				   160, 168, 176, 184, 192, 200, 208, 216, 224 };
#else
enum { REG_SP = 255, REG_FP = 255, REG_BX = 255, REG_PC = 255 };
static const int16_t regs_at[] = { 0 };
#endif

enum { STATES_MAX = 16 }; /* remembered at one time */

/* ---- bytes ---- */

uint64_t cfi_take(struct cfi_reader *r, unsigned size)
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

static uint64_t take_leb(struct cfi_reader *r, bool is_signed)
{
	unsigned shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = cfi_take(r, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && byte & 0x40)
		v |= UINT64_MAX << shift;
	return v;
}

static uint64_t take_uleb(struct cfi_reader *r)
{
	return take_leb(r, false);
}

static int64_t take_sleb(struct cfi_reader *r)
{
	return (int64_t)take_leb(r, true);
}

struct cfi_reader cfi_take_block(struct cfi_reader *r)
{
	uint64_t sz = take_uleb(r);
	struct cfi_reader block = { r->p, r->p, false };

	if (sz > (uint64_t)(r->end - r->p)) {
		r->bad = true;
		sz = (uint64_t)(r->end - r->p);
	}
	r->p += sz;
	block.end = r->p;
	return block;
}

uint64_t cfi_take_addr(const struct cfi_section *s, struct cfi_reader *r, uint8_t enc)
{
	uint64_t here = s->vaddr + (uint64_t)(r->p - s->data), v;

	switch (enc & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8: v = cfi_take(r, 8); break;
	case DW_EH_PE_udata2: v = cfi_take(r, 2); break;
	case DW_EH_PE_udata4: v = cfi_take(r, 4); break;
	case DW_EH_PE_sdata2: v = (uint64_t)(int16_t)cfi_take(r, 2); break;
	case DW_EH_PE_sdata4: v = (uint64_t)(int32_t)cfi_take(r, 4); break;
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
static struct unwind_rule rule_of(const struct cfi_cie *cie, const struct cfi_state *s)
{
	struct unwind_rule rule = { .cfa = (uint8_t)s->cfa, .off = (int32_t)s->off };
	static const struct unwind_rule stop;
	int16_t *const to[TRACKED] = { &rule.ra, &rule.fp, &rule.bx };

	if (s->reg_at[RA].where == UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_END };
	if (s->cfa == UNWIND_STOP || s->off != rule.off || s->more != (int32_t)s->more)
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
	if (s->cfa == UNWIND_REG)
		rule.more = regs_at[s->reg];
	if (s->cfa == UNWIND_AT_SP || s->cfa == UNWIND_AT_FP)
		rule.more = (int32_t)s->more;
	if (cie->go && s->cfa == UNWIND_SP && s->off >= 16 && s->reg_at[FP].where == SAME)
		rule.fp = -16; /* below the return address, in all frames that have room */
	return rule;
}

/* From vaddr on this is the rule. What the last row says already is not said again. */
static int put_row(struct cfi_table *t, uint64_t vaddr, struct unwind_rule rule)
{
	struct cfi_rows *rows = t->rows;
	struct unwind_row row = { (uint32_t)(vaddr - t->base), t->intern(t->arg, &rule) };

	if (vaddr < t->base || vaddr - t->base >= UINT32_MAX)
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
/* What stands at a register plus off; and there may be something to add. */
static void cfa_at(struct cfi_state *s, uint8_t op, struct cfi_reader e)
{
	cfi_take(&e, 1);
	s->more = 0;
	if (e.p < e.end && cfi_take(&e, 1) == DW_OP_plus_uconst)
		s->more = (int64_t)take_uleb(&e);
	if (e.bad || e.p < e.end)
		return;
	if (op == DW_OP_breg0 + REG_FP)
		s->cfa = UNWIND_AT_FP;
	else if (op == DW_OP_breg0 + REG_SP)
		s->cfa = UNWIND_AT_SP;
}

static void cfa_expression(struct cfi_state *s, struct cfi_reader e)
{
	static const uint8_t plt[] = { DW_OP_breg0 + REG_PC % 32, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t rest[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };
	uint8_t op = (uint8_t)cfi_take(&e, 1);

	s->cfa = UNWIND_STOP;
	s->reg = UINT64_MAX;
	s->off = take_sleb(&e);
	if (e.p < e.end && *e.p == DW_OP_deref)
		return cfa_at(s, op, e);
	if (op != DW_OP_breg0 + REG_SP || e.end - e.p != sizeof(plt) + 1 + sizeof(rest) ||
	    memcmp(e.p, plt, sizeof(plt)) || memcmp(e.p + sizeof(plt) + 1, rest, sizeof(rest)))
		return;
	op = e.p[sizeof(plt)];
	if (op < DW_OP_lit0 || op > DW_OP_lit15)
		return;
	s->cfa = UNWIND_PLT;
	s->plt = op - DW_OP_lit0;
}

static void cfa_register(struct cfi_state *s, uint64_t reg)
{
	s->reg = reg;
	if (reg == REG_SP)
		s->cfa = UNWIND_SP;
	else if (reg == REG_FP)
		s->cfa = UNWIND_FP;
	else if (reg == REG_BX)
		s->cfa = UNWIND_BX;
	else
		s->cfa = reg < sizeof(regs_at) / sizeof(*regs_at) ? UNWIND_REG : UNWIND_STOP;
}

static void set_reg(const struct cfi_cie *cie, struct cfi_state *s, uint64_t reg,
		    enum cfi_where where, int64_t off)
{
	enum cfi_tracked i = reg == cie->ra  ? RA
			     : reg == REG_FP ? FP
			     : reg == REG_BX ? BX
					     : TRACKED;

	if (i == TRACKED)
		return;
	s->reg_at[i].where = where;
	s->reg_at[i].off = off;
}

static void reset_reg(const struct cfi_cie *cie, struct cfi_state *s, uint64_t reg)
{
	enum cfi_tracked i = reg == cie->ra  ? RA
			     : reg == REG_FP ? FP
			     : reg == REG_BX ? BX
					     : TRACKED;

	if (i != TRACKED)
		s->reg_at[i] = cie->first.reg_at[i];
}

static void reg_expression(const struct cfi_cie *cie, struct cfi_state *s, uint64_t reg,
			   struct cfi_reader e)
{
	uint8_t op = (uint8_t)cfi_take(&e, 1);
	int64_t off = take_sleb(&e);
	bool by_fp = op == DW_OP_breg0 + REG_FP && !e.bad && e.p == e.end;

	set_reg(cie, s, reg, by_fp ? AT_FP : ELSEWHERE, off);
}

struct run {
	struct cfi_table *t; /* NULL: no rows are wanted */
	const struct cfi_cie *cie;
	struct cfi_state s, kept[STATES_MAX];
	unsigned kept_cnt;
	uint64_t at; /* vaddr */
};

/* On to another address: what held up to there is a row. */
static int advance(struct run *x, uint64_t by)
{
	int rc = x->t ? put_row(x->t, x->at, rule_of(x->cie, &x->s)) : 0;

	x->at += by;
	return rc;
}

static int64_t scaled(const struct run *x, uint64_t n)
{
	return (int64_t)n * x->cie->data_align;
}

/* Those that change where the CFA or a register is. */
static void define(struct run *x, struct cfi_reader *r, uint8_t op)
{
	struct cfi_state *s = &x->s;
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
	case DW_CFA_def_cfa_expression: return cfa_expression(s, cfi_take_block(r));
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
	case DW_CFA_expression: return reg_expression(x->cie, s, reg, cfi_take_block(r));
	case DW_CFA_val_expression: cfi_take_block(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	case DW_CFA_register:
	case DW_CFA_val_offset: take_uleb(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	case DW_CFA_val_offset_sf: take_sleb(r); return set_reg(x->cie, s, reg, ELSEWHERE, 0);
	}
	r->bad = true;
}

static int step(struct run *x, struct cfi_reader *r)
{
	uint8_t op = (uint8_t)cfi_take(r, 1), low = op & 0x3f;
	uint64_t to;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc: return advance(x, low * x->cie->code_align);
	case DW_CFA_offset: set_reg(x->cie, &x->s, low, AT_CFA, scaled(x, take_uleb(r))); return 0;
	case DW_CFA_restore: reset_reg(x->cie, &x->s, low); return 0;
	}
	switch (op) {
	case DW_CFA_nop:
	case DW_CFA_GNU_window_save: return 0; /* on arm64: the return address is signed or not */
	case DW_CFA_advance_loc1: return advance(x, cfi_take(r, 1) * x->cie->code_align);
	case DW_CFA_advance_loc2: return advance(x, cfi_take(r, 2) * x->cie->code_align);
	case DW_CFA_advance_loc4: return advance(x, cfi_take(r, 4) * x->cie->code_align);
	case DW_CFA_set_loc:
		to = cfi_take_addr(x->cie->section, r, x->cie->enc);
		return advance(x, to - x->at);
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
	struct cfi_reader r = { ins, end, false };
	int rc = 0;

	while (r.p < r.end && !r.bad && !rc)
		rc = step(x, &r);
	return rc ?: r.bad ? -EINVAL : 0;
}

int cfi_run_cie(struct cfi_cie *cie, const uint8_t *ins, const uint8_t *end)
{
	struct run x = { .cie = cie };
	int rc = interpret(&x, ins, end);

	if (!rc)
		cie->first = x.s;
	return rc;
}

int cfi_run_fde(struct cfi_table *t, const struct cfi_cie *cie, const struct cfi_fde *f)
{
	struct run x = { .t = t, .cie = cie, .s = cie->first, .at = f->start };
	int rc;

	if (cie->signal) {
		rc = put_row(t, f->start, (struct unwind_rule){ .cfa = UNWIND_SIGNAL });
	} else if (f->switches) {
		rc = put_row(t, f->start, (struct unwind_rule){ .cfa = UNWIND_SWITCH });
	} else {
		rc = interpret(&x, f->ins, f->ins_end);
		if (rc == -EINVAL)
			x.s = (struct cfi_state){ 0 };
		rc = rc == -ENOMEM ? rc : put_row(t, x.at, rule_of(cie, &x.s));
	}
	return rc ?: put_row(t, f->end, (struct unwind_rule){ .cfa = UNWIND_UNSAID });
}

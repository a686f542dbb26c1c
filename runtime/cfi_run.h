/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of call frame instructions: what cfi.c, which finds them, and cfi_run.c share. */
#ifndef TRACE_CFI_RUN_H
#define TRACE_CFI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/cfi.h"

/* ---- bytes, of which none is believed ---- */

struct cfi_reader {
	const uint8_t *p, *end;
	bool bad; /* more was wanted than there is */
};

struct cfi_section {
	const uint8_t *data;
	uint64_t vaddr; /* of data */
};

uint64_t cfi_take(struct cfi_reader *r, unsigned size);
struct cfi_reader cfi_take_block(struct cfi_reader *r);
/* An address in the encoding (DW_EH_PE_*) that a CIE names. */
uint64_t cfi_take_addr(const struct cfi_section *s, struct cfi_reader *r, uint8_t enc);

/* ---- descriptions ---- */

/* Where a register of the caller is. */
enum cfi_where { SAME, AT_CFA, AT_FP, UNDEFINED, ELSEWHERE };

enum cfi_tracked { RA, FP, BX, TRACKED };

struct cfi_state {
	enum unwind_cfa cfa; /* UNWIND_STOP: by no way that we know */
	int64_t off;
	uint64_t reg; /* of the CFA, for those that change only the offset */
	int64_t plt; /* UNWIND_PLT: from which instruction on */
	int64_t more; /* UNWIND_AT_SP, UNWIND_AT_FP */
	struct {
		enum cfi_where where;
		int64_t off;
	} reg_at[TRACKED];
};

struct cfi_cie {
	const struct cfi_section *section;
	uint64_t off; /* in the section */
	uint64_t code_align, ra;
	int64_t data_align;
	uint8_t enc; /* of addresses */
	bool signal;
	bool sized; /* an FDE says how much of it is augmentation */
	bool go; /* written by Go, which does not say where it keeps the frame pointer */
	struct cfi_state first;
};

struct cfi_fde {
	uint64_t start, end;
	uint32_t cie;
	const uint8_t *ins, *ins_end;
	bool switches; /* to another stack: it is not its instructions that lead on */
};

/* Where rows go. */
struct cfi_table {
	uint64_t base;
	cfi_intern intern;
	void *arg;
	struct cfi_rows *rows;
};

/* Sets cie->first. -EINVAL: its instructions cannot be believed. */
int cfi_run_cie(struct cfi_cie *cie, const uint8_t *ins, const uint8_t *end);
/* Adds its rows, and one behind its end, which that of the next takes the place of when it begins there. */
int cfi_run_fde(struct cfi_table *t, const struct cfi_cie *cie, const struct cfi_fde *f);

#endif

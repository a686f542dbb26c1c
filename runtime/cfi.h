/* SPDX-License-Identifier: Apache-2.0 */
/* What .eh_frame says of a file's code, as the rows by which programs unwind (struct unwind_row). */
#ifndef TRACE_CFI_H
#define TRACE_CFI_H

#include <libelf.h>

#include "runtime/image_unwind.h"

struct cfi_rows {
	struct unwind_row *row; /* by vaddr */
	uint32_t cnt, cap;
	uint64_t base; /* vaddr of a row's 0 */
};

/* The number of a rule: equal ones have one number. 0 is that of all zeroes. */
typedef uint32_t (*cfi_intern)(void *arg, const struct unwind_rule *rule);

/*
 * -ENOENT: the file has no .eh_frame (or it is of another machine); -EINVAL: nothing in it can be
 * believed; -ENOMEM. Addresses count from base, those that are 4 GiB above it are left out.
 */
int cfi_read(Elf *elf, uint64_t base, cfi_intern intern, void *arg, struct cfi_rows *rows);
void cfi_rows_free(struct cfi_rows *rows);

#endif

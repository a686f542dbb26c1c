/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the kernel's structures are what the image's programs take them for. */
#ifndef TRACE_LAYOUT_H
#define TRACE_LAYOUT_H

#include "runtime/load.h"

struct btf;

/* One row of the table against a kernel's types: 0, or -ENOKEY after saying what differs. */
int layout_compare(const struct image *img, const struct btf *btf, const struct image_layout *l);
/*
 * *is_other: the kernel is another one than the image was compiled on, and its relocations are to be
 * applied. offs, by row: where the fields of args lie, in bits. 0, or -ENOKEY: something is missing or
 * has another size, which it has said.
 */
int layout_check(const struct load_args *a, bool *is_other, uint32_t *offs);
/*
 * On the same kernel there is nothing to relocate: a copy of the object that lists no relocations, so
 * that nobody reads the kernel's BTF for them. *out NULL: it lists none. free() it after loading.
 */
int layout_settle(const void *elf, size_t sz, void **out);

#endif

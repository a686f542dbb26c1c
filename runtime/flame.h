/* SPDX-License-Identifier: Apache-2.0 */
/* A flame graph: stacks with their weights, drawn as a self-contained SVG. */
#ifndef TRACE_FLAME_H
#define TRACE_FLAME_H

#include "runtime/buf.h"

struct flame;

struct flame *flame_new(void);
void flame_free(struct flame *f);
/* A stack as frames parted by ';', outermost first. -ENOMEM */
int flame_add(struct flame *f, const char *stack, size_t len, uint64_t n);
void flame_draw(const struct flame *f, struct buf *b);

#endif

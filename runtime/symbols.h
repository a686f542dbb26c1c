/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks by their ids, and places in code as text. */
#ifndef TRACE_SYMBOLS_H
#define TRACE_SYMBOLS_H

#include "runtime/image.h"
#include "runtime/value.h"

struct symbols;

/* dirs: of --debuginfo, or NULL; it has to last. */
struct symbols *symbols_new(const struct image *img, const char *dirs);
void symbols_free(struct symbols *s);

/* The files that user code lies in, for others who look at them. */
struct ufiles *symbols_files(struct symbols *s);

/*
 * From now on processes are followed, when the image has user stacks at all, and tgid (0: none) is
 * looked at. closely: nobody else does, so that files are to be opened as they are mapped. A
 * descriptor that is readable when symbols_advance should be called, or negative: nothing to follow.
 */
int symbols_follow(struct symbols *s, uint32_t tgid, bool closely);
/* All stacks that were sent before that time (CLOCK_MONOTONIC) have been noted. */
void symbols_advance(struct symbols *s, uint64_t ns);

/* A stack as it was sent: sz bytes of a struct event_stack. -EINVAL: it is none. */
int symbols_note(struct symbols *s, const void *rec, size_t sz);

/*
 * So many stacks have come since the last sweep that those which nothing refers to any more should
 * go: symbols_keep for each that something does, then symbols_sweep.
 */
bool symbols_crowded(const struct symbols *s);
void symbols_keep(struct symbols *s, uint64_t id);
void symbols_sweep(struct symbols *s);
/* The map in which programs mark what they have sent. */
void symbols_set_marks(struct symbols *s, int map_fd);

/* How often different stacks had one id. */
uint64_t symbols_clashes(const struct symbols *s);

/* Of KSTACK USTACK; compact: no blanks before a frame (keys in JSON). */
void stack_text(struct buf *b, const struct value_env *env, const struct value *v, bool compact);
/* Of KSYM USYM: the name alone. */
void symbol_text(struct buf *b, const struct value_env *env, const struct value *v);

/* Address of a kernel symbol, 0: none. */
uint64_t symbols_kaddr(struct symbols *s, const char *name);

#endif

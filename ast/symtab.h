/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are in sight while resolve walks: variables of the blocks around, all maps. */
#ifndef TRACE_SYMTAB_H
#define TRACE_SYMTAB_H

#include "ast/ast.h"

struct arena;
struct nearest;
struct symtab;
struct binding;

struct symtab *symtab_new(struct arena *a);

/* A block: what is made inside goes out of sight with leave. */
struct binding *symtab_enter(struct symtab *st);
void symtab_leave(struct symtab *st, struct binding *mark);

void symtab_probe(struct symtab *st, struct node *probe); /* whose variables come now */
struct var_sym *symtab_var(const struct symtab *st, const char *name); /* NULL: none in sight */
struct var_sym *symtab_var_new(struct symtab *st, const struct node *var);
void symtab_nearest(const struct symtab *st, struct nearest *near);

struct map_sym *symtab_map(struct symtab *st, const char *name, struct span def); /* or a new one */
struct map_sym *symtab_maps(struct symtab *st); /* all, chained in name order, numbered */

#endif

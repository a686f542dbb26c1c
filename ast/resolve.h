/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of resolve. */
#ifndef TRACE_RESOLVE_H
#define TRACE_RESOLVE_H

#include "ast/symtab.h"
#include "ast/unit.h"

struct resolver {
	struct unit *u;
	struct symtab *names;
	int constants; /* above zero: where only a literal will do */
	bool beside_text; /* the word stands where something is compared with a string */
	bool is_target; /* the word stands where something is assigned to */
};

void resolve_node(struct resolver *r, struct node *n); /* NULL: nothing */

/* ---- names that the program makes, parameters that it is given: resolve_names.c ---- */

/* A new variable that may not hide another; NULL: told. */
struct var_sym *resolve_new_var(struct resolver *r, struct node *var, struct span sp);
void resolve_var(struct resolver *r, struct node *n); /* where it is read */
/* Whoever is given the variable's address, or is to fill it, assigns to it. */
void resolve_filled(struct resolver *r, const struct node *n);
/* Whoever is given to a call that is wrong may have been assigned to by it. */
void resolve_lost(struct resolver *r, const struct node *n);
/* What a function fills outlives the call, so the script says in which block it lives. */
void resolve_to_fill(struct resolver *r, const struct node *n);
void resolve_map(struct resolver *r, struct node *n);
void resolve_map_decl(struct resolver *r, struct node *n);
const char *resolve_param(struct unit *u, uint64_t n); /* $n; "": it is not given */
void resolve_positional(struct resolver *r, struct node *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_FOLD_H
#define TRACE_FOLD_H

#include "ast/unit.h"

/*
 * An operator whose operands are literals becomes the literal that it gives, in place, with its
 * type. True when it did, or when it cannot (overflow): then the type is V_NONE, and it is told if
 * report is set.
 */
bool fold_literal(struct unit *u, struct node *n, bool report);

#endif

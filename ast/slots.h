/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a node its children are: written once for the walker, the copy and the dump. */
#ifndef TRACE_SLOTS_H
#define TRACE_SLOTS_H

#include "ast/ast.h"

#define NODE_SLOTS_MAX 4

struct node_slot {
	uint16_t off; /* of a struct node *; 0: no more slots */
	bool is_list;
};

/* In source order; ends at off 0 or after NODE_SLOTS_MAX. */
const struct node_slot *node_slots(enum node_kind kind);

static inline struct node **node_slot_at(struct node *n, const struct node_slot *s)
{
	return (struct node **)((char *)n + s->off);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/slots.h"

#define ONE(member)                                                                                \
	{                                                                                          \
		offsetof(struct node, member), false                                               \
	}
#define LIST(member)                                                                               \
	{                                                                                          \
		offsetof(struct node, member), true                                                \
	}

static const struct node_slot slots[][NODE_SLOTS_MAX] = {
	[N_PROGRAM] = { LIST(program.items) },
	[N_CONFIG] = { LIST(config.vars) },
	[N_CONFIG_VAR] = { ONE(config_var.value) },
	[N_CDEF] = { ONE(cdef.type), LIST(cdef.decls) },
	[N_MACRO] = { LIST(macro.params), ONE(macro.body) },
	[N_MAP_DECL] = { ONE(map_decl.map), LIST(map_decl.args) },
	[N_PROBE] = { LIST(probe.attaches), ONE(probe.pred), ONE(probe.body) },
	[N_TYPE_NAME] = { ONE(type_name.size) },
	[N_TYPE_PTR] = { ONE(type_deriv.elem) },
	[N_TYPE_ARRAY] = { ONE(type_deriv.elem), ONE(type_deriv.count) },
	[N_TYPE_FUNC] = { ONE(type_deriv.elem) },
	[N_TYPE_OF] = { ONE(type_of.arg) },
	[N_TYPE_TUPLE] = { LIST(type_tuple.elems) },
	[N_TYPE_RECORD] = { LIST(type_def.fields) },
	[N_TYPE_ENUM] = { LIST(type_def.fields) },
	[N_CFIELD] = { ONE(cfield.type), ONE(cfield.bits) },
	[N_ENUMERATOR] = { ONE(enumerator.value) },
	[N_BLOCK] = { LIST(block.stmts), ONE(block.value) },
	[N_EXPR_STMT] = { ONE(expr.e) },
	[N_LET] = { ONE(let.var), ONE(let.vtype), ONE(let.init) },
	[N_ASSIGN] = { ONE(assign.target), ONE(assign.value) },
	[N_DISCARD] = { ONE(expr.e) },
	[N_IF] = { ONE(cond.cond), ONE(cond.then), ONE(cond.otherwise) },
	[N_FOR_MAP] = { ONE(loop.var), ONE(loop.map), ONE(loop.body) },
	[N_FOR_RANGE] = { ONE(loop.var), ONE(loop.from), ONE(loop.to), ONE(loop.body) },
	[N_WHILE] = { ONE(repeat.cond), ONE(repeat.body) },
	[N_UNROLL] = { ONE(repeat.cond), ONE(repeat.body) },
	[N_RETURN] = { ONE(expr.e) },
	[N_MAP] = { ONE(map.key) },
	[N_UNARY] = { ONE(unary.e) },
	[N_INCDEC] = { ONE(incdec.target) },
	[N_BINARY] = { ONE(binary.l), ONE(binary.r) },
	[N_TERNARY] = { ONE(cond.cond), ONE(cond.then), ONE(cond.otherwise) },
	[N_CALL] = { LIST(call.args) },
	[N_FIELD] = { ONE(field.e) },
	[N_TUPLE_GET] = { ONE(element.e) },
	[N_INDEX] = { ONE(index.e), ONE(index.idx) },
	[N_CAST] = { ONE(cast.to), ONE(cast.e) },
	[N_TUPLE] = { LIST(list.elems) },
	[N_RECORD] = { LIST(list.elems) },
	[N_NAMED] = { ONE(named.e) },
	[N_SIZEOF] = { ONE(sizeof_.arg) },
	[N_OFFSETOF] = { ONE(sizeof_.arg) },
	[N_TYPE_ARG] = { ONE(type_of.arg) },
};

#define NODE_KIND_CNT (N_TYPE_ARG + 1)
_Static_assert(sizeof(slots) / sizeof(slots[0]) == NODE_KIND_CNT, "a kind of node has no slots");

const struct node_slot *node_slots(enum node_kind kind)
{
	return slots[kind];
}

void node_set_depth(struct node *n)
{
	const struct node_slot *s = slots[n->kind];
	const struct node *child;
	int i;

	for (i = 0; i < NODE_SLOTS_MAX && s[i].off; i++) {
		for (child = *node_slot_at(n, &s[i]); child; child = child->next) {
			if (child->depth >= n->depth)
				n->depth = child->depth + 1;
			if (!s[i].is_list)
				break;
		}
	}
}

void walk(struct walker *w, struct node *n)
{
	const struct node_slot *s;
	int i;

	if (!n || (w->pre && !w->pre(w, n)))
		return;
	s = slots[n->kind];
	for (i = 0; i < NODE_SLOTS_MAX && s[i].off; i++) {
		if (s[i].is_list)
			walk_list(w, *node_slot_at(n, &s[i]));
		else
			walk(w, *node_slot_at(n, &s[i]));
	}
	if (w->post)
		w->post(w, n);
}

void walk_list(struct walker *w, struct node *n)
{
	struct node *next;

	/* A callback may put another node in n's place. */
	for (; n; n = next) {
		next = n->next;
		walk(w, n);
	}
}

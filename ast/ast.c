/* SPDX-License-Identifier: Apache-2.0 */
#include "ast/slots.h"

#include <string.h>

#include "ast/type.h"
#include "lexer/arena.h"

static const char *const kind_names[] = {
#define X(name, dump) [N_##name] = dump,
	NODE_KINDS(X)
#undef X
};

static const char *const binary_texts[] = { [OP_NONE] = "",
#define X(name, text) [OP_##name] = text,
					    BINARY_OPS(X)
#undef X
};

struct node *node_new(struct arena *a, enum node_kind kind, struct span sp)
{
	struct node *n = arena_new_of(a, struct node);

	n->kind = kind;
	n->span = sp;
	return n;
}

void node_become_number(struct node *n, enum node_kind kind, uint64_t value, bool is_unsigned)
{
	n->kind = kind;
	memset(&n->num, 0, sizeof(n->num));
	n->num.value = value;
	n->num.is_unsigned = is_unsigned;
}

void node_become_text(struct node *n, const char *text)
{
	n->kind = N_STR;
	n->str.text = text;
	n->str.len = strlen(text);
}

static bool is_c_struct(const struct type *t)
{
	return t->kind == V_STRUCT || t->kind == V_UNION;
}

const struct type *node_stored_type(const struct node *e)
{
	const struct type *whole = NULL;

	if (e->kind == N_FIELD)
		whole = e->field.e->type;
	else if (e->kind == N_INDEX)
		whole = e->index.e->type;
	if (!whole)
		return e->type;
	if (whole->kind == V_PTR && whole->elem)
		whole = whole->elem;
	if (e->kind == N_FIELD && is_c_struct(whole) && e->field.field)
		return e->field.field->type;
	return e->kind == N_INDEX && whole->kind == V_ARRAY ? whole->elem : e->type;
}

const char *node_kind_name(enum node_kind kind)
{
	return kind_names[kind];
}

const char *binary_op_text(enum binary_op op)
{
	return binary_texts[op];
}

const char *var_shown(const char *name)
{
	return strrchr(name, '$');
}

const char *unary_op_text(enum unary_op op)
{
	switch (op) {
	case UN_NEG: return "-";
	case UN_NOT: return "!";
	case UN_BNOT: return "~";
	case UN_DEREF: return "*";
	case UN_ADDR: return "&";
	case UN_PLUS: return "+";
	case UN_COMPTIME: return "comptime";
	}
	return "?";
}

/* What passes have written into a node is not part of what was copied. */
static void forget(struct node *n)
{
	n->type = NULL;
	n->next = NULL;
	switch (n->kind) {
	case N_PROGRAM: n->program.maps = NULL; break;
	case N_PROBE:
		n->probe.ptype = NULL;
		n->probe.args = NULL;
		n->probe.vars = NULL;
		n->probe.idx = 0;
		break;
	case N_ATTACH: n->attach.target = NULL; break;
	case N_IDENT: n->ident.fn = NULL; break;
	case N_VAR: n->var.sym = NULL; break;
	case N_MAP:
		n->map.sym = NULL;
		n->map.whole = false;
		break;
	case N_BINARY: n->binary.common = NULL; break;
	case N_CALL:
		n->call.fn = NULL;
		n->call.info = NULL;
		break;
	case N_FIELD: n->field.field = NULL; break;
	case N_CONFIG:
	case N_CONFIG_VAR:
	case N_IMPORT:
	case N_CPP:
	case N_CDEF:
	case N_MACRO:
	case N_MAP_DECL:
	case CASES_TYPE:
	case CASES_STATEMENT:
	case N_BLOCK:
	case N_IF:
	case N_INT:
	case N_BOOL:
	case N_STR:
	case N_POSITIONAL:
	case N_POS_COUNT:
	case N_OPTION:
	case N_UNARY:
	case N_INCDEC:
	case N_TERNARY:
	case N_TUPLE_GET:
	case N_INDEX:
	case N_CAST:
	case N_TUPLE:
	case N_RECORD:
	case N_NAMED:
	case N_SIZEOF:
	case N_OFFSETOF:
	case N_TYPE_ARG: break;
	}
}

static struct node *clone_list(struct arena *a, const struct node *n)
{
	struct node *first = NULL, **end = &first;

	for (; n; n = n->next) {
		*end = node_clone(a, n);
		end = &(*end)->next;
	}
	return first;
}

struct node *node_clone(struct arena *a, const struct node *n)
{
	const struct node_slot *s;
	struct node *copy, **child;
	int i;

	if (!n)
		return NULL;
	copy = arena_new_of(a, struct node);
	*copy = *n;
	forget(copy);
	s = node_slots(n->kind);
	for (i = 0; i < NODE_SLOTS_MAX && s[i].off; i++) {
		child = node_slot_at(copy, &s[i]);
		*child = s[i].is_list ? clone_list(a, *child) : node_clone(a, *child);
	}
	return copy;
}

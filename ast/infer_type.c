/* SPDX-License-Identifier: Apache-2.0 */
/* Types as written in casts, let and sizeof. */
#include <string.h>

#include "ast/ctype.h"
#include "ast/infer.h"
#include "ast/settings.h"

static const struct type *unknown_type(struct infer *in, const struct node *n, const char *name)
{
	if (in->report)
		ctypes_unknown(in->u, n->span, name);
	return in->bad;
}

static const struct type *sized(struct infer *in, const struct node *n, enum vkind kind)
{
	const struct node *size = n->type_name.size;

	if (size && (size->kind != N_INT || !size->num.value || size->num.value > UINT16_MAX)) {
		if (in->report)
			diag(in->u->diags, size->span, D_TYPE_SIZE, n->type_name.name);
		return in->bad;
	}
	if (kind == V_BUFFER)
		return type_buffer(in->ts, size ? (uint32_t)size->num.value : 0);
	return type_string(in->ts,
			   size ? (uint32_t)size->num.value : setting_text_size(in->u->settings));
}

static const struct type *by_name(struct infer *in, struct node *n)
{
	const char *name = n->type_name.name;
	const struct type *t;

	if (strcmp(name, "string") == 0)
		return sized(in, n, V_STRING);
	if (strcmp(name, "buffer") == 0)
		return sized(in, n, V_BUFFER);
	t = ctypes_find(in->u->ctypes, name);
	return t ? t : unknown_type(in, n, name);
}

static const struct type *array_of(struct infer *in, struct node *n)
{
	const struct type *elem = infer_written(in, n->type_deriv.elem);
	const struct node *cnt = n->type_deriv.count;

	if (!infer_known(in, elem))
		return elem;
	if (cnt && (cnt->kind != N_INT || cnt->num.value > TYPE_SIZE_MAX ||
		    cnt->num.value * elem->size > TYPE_SIZE_MAX)) {
		if (in->report)
			diag(in->u->diags, cnt->span, D_TYPE_SIZE, "array");
		return in->bad;
	}
	return type_array(in->ts, elem, cnt ? (uint32_t)cnt->num.value : 0);
}

static const struct type *tuple_of(struct infer *in, struct node *n)
{
	const struct type *elems[TYPE_FIELDS_MAX];
	uint32_t cnt = 0;

	for (struct node *e = n->type_tuple.elems; e; e = e->next) {
		if (cnt == TYPE_FIELDS_MAX)
			return unknown_type(in, n, "tuple");
		elems[cnt] = infer_written(in, e);
		if (!infer_known(in, elems[cnt++]))
			return elems[cnt - 1];
	}
	return type_tuple(in->ts, elems, cnt);
}

static const struct type *type_of(struct infer *in, struct node *n)
{
	const struct type *t;

	while (n->kind == N_TYPE_ARG)
		n = n->type_of.arg;
	t = node_is_type(n) ? infer_written(in, n) : infer_value(in, n);
	return type_settled(in->ts, t);
}

const struct type *infer_written(struct infer *in, struct node *n)
{
	const struct type *t = in->bad;

	if (n->kind == N_TYPE_NAME)
		t = by_name(in, n);
	else if (n->kind == N_TYPE_ARRAY)
		t = array_of(in, n);
	else if (n->kind == N_TYPE_TUPLE)
		t = tuple_of(in, n);
	else if (n->kind == N_TYPE_OF)
		t = type_of(in, n->type_of.arg);
	else if (n->kind == N_TYPE_PTR)
		t = infer_written(in, n->type_deriv.elem);
	else
		unknown_type(in, n, "type");
	if (infer_known(in, t))
		type_complete(in->ts, t);
	if (n->kind == N_TYPE_PTR && infer_known(in, t))
		t = type_ptr(in->ts, t, AS_NONE);
	return n->type = t;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A stack that is met for the first time: noted, while its process lives. Stacks that are printed
 * once would add up for ever: from time to time those go that no map holds.
 */
#include <string.h>

#include "runtime/event.h"
#include "runtime/symbols.h"
#include "runtime/unwind.h"

static bool has_stack(const struct image *img, uint32_t type)
{
	const struct image_type *t = &img->types[type];

	switch ((int)t->kind) {
	case V_KSTACK:
	case V_USTACK: return true;
	case V_ARRAY: return has_stack(img, t->elem);
	case V_TUPLE:
	case V_RECORD:
		for (uint32_t i = 0; i < t->count; i++)
			if (has_stack(img, img->fields[t->first + i].type))
				return true;
	}
	return false;
}

static void keep(struct event_ctx *c, const struct value *v)
{
	struct stack_ref ref;

	if (v->type->kind == V_KSTACK || v->type->kind == V_USTACK) {
		memcpy(&ref, v->at, sizeof(ref));
		symbols_keep(c->env->symbols, ref.id);
		return;
	}
	if (v->type->kind != V_ARRAY && v->type->kind != V_TUPLE && v->type->kind != V_RECORD)
		return;
	for (uint32_t i = 0; i < v->type->count; i++) {
		struct value part = value_part(c->img, v, i);

		keep(c, &part);
	}
}

static int keep_map(struct event_ctx *c, uint32_t idx)
{
	const struct image_map *m = &c->img->maps[idx];
	bool in_key = m->key != IMAGE_NONE && has_stack(c->img, m->key);
	bool in_val = has_stack(c->img, m->val);
	struct map_data d;
	int rc;

	if (!in_key && !in_val)
		return 0;
	rc = maps_read(c->maps, idx, false, &d);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < d.cnt; i++) {
		struct value v;

		if (in_key) {
			v = value_at(c->img, m->key, map_data_key(&d, i));
			keep(c, &v);
		}
		if (in_val) {
			v = value_at(c->img, m->val, map_data_val(&d, i));
			keep(c, &v);
		}
	}
	map_data_free(&d);
	return 0;
}

int act_stack(struct event_ctx *c, const struct image_action *a, const char *json)
{
	int rc = symbols_note(c->env->symbols, c->body, c->body_sz);

	if (rc || !symbols_crowded(c->env->symbols))
		return rc;
	for (uint32_t i = 0; i < c->img->maps_cnt && !rc; i++)
		rc = keep_map(c, i);
	if (!rc) /* a map that cannot be read may hold anything: all stays */
		symbols_sweep(c->env->symbols);
	return 0;
}

int act_unwind(struct event_ctx *c, const struct image_action *a, const char *json)
{
	return unwind_need(c->unwind, c->body, c->body_sz);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Decoding. The layout of a record is in image.h; the image was checked, the record was not: its size
 * and the lengths of its tail strings are believed only as far as the bytes go.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/event.h"
#include "runtime/pcap.h"

int event_ctx_init(struct event_ctx *c, const struct image *img, const struct value_env *env,
		   struct out *out, struct maps *maps)
{
	uint32_t most = 1;

	*c = (struct event_ctx){ .img = img, .env = env, .out = out, .maps = maps };
	for (uint32_t i = 0; i < img->actions_cnt; i++)
		if (img->actions[i].rec != IMAGE_NONE &&
		    img->types[img->actions[i].rec].count > most)
			most = img->types[img->actions[i].rec].count;
	c->args = calloc(most, sizeof(*c->args));
	return c->args ? 0 : -ENOMEM;
}

void event_ctx_free(struct event_ctx *c)
{
	free(c->args);
	buf_free(&c->text);
	pcap_free(c->captures);
	c->args = NULL;
}

static int take_tail(struct value *v, const char **tail, const char *end)
{
	uint32_t word;

	memcpy(&word, v->at, sizeof(word));
	v->tail = true;
	v->cut = word & STR_CUT;
	v->len = word & ~STR_CUT;
	v->at = *tail;
	if (v->len > (size_t)(end - *tail))
		return -EINVAL;
	*tail += v->len;
	return 0;
}

static int decode(struct event_ctx *c, const struct image_type *rec, const char *body, size_t sz)
{
	const char *tail, *end = body + sz;

	c->arg_cnt = 0;
	if (sz < rec->size)
		return -EINVAL;
	tail = body + (((size_t)rec->size + 7) & ~(size_t)7);
	tail = tail < end ? tail : end;
	for (uint32_t i = 0; i < rec->count; i++) {
		const struct image_field *f = &c->img->fields[rec->first + i];

		c->args[i] = value_at(c->img, f->type, body + f->off);
		c->args[i].bit_off = f->bit_off;
		c->args[i].bit_sz = f->bit_sz;
		if (f->flags & IMAGE_FIELD_TAIL && take_tail(&c->args[i], &tail, end))
			return -EINVAL;
	}
	c->arg_cnt = rec->count;
	return 0;
}

static const struct {
	int (*run)(struct event_ctx *c, const struct image_action *a, const char *json);
	const char *json;
} handlers[] = {
#define ACTION(name, handler, json_type) { act_##handler, json_type },
#include "runtime/actions.def"
#undef ACTION
};

void event_handle(struct event_ctx *c, const void *rec, size_t sz)
{
	const struct event_head *head = rec;
	const struct image_action *a;

	if (sz < sizeof(*head) || head->action >= c->img->actions_cnt)
		goto bad;
	a = &c->img->actions[head->action];
	c->arg_cnt = 0;
	c->body = head + 1;
	c->body_sz = sz - sizeof(*head);
	if (a->rec != IMAGE_NONE &&
	    decode(c, &c->img->types[a->rec], (const char *)(head + 1), sz - sizeof(*head)))
		goto bad;
	if (handlers[a->kind].run(c, a, handlers[a->kind].json))
		goto bad;
	out_commit(c->out);
	return;
bad:
	c->bad_cnt++;
}

// SPDX-License-Identifier: Apache-2.0
/* Actions that print: printf, print, time, join. */
#include <errno.h>
#include <time.h>

#include "runtime/event.h"

int act_printf(struct event_ctx *c, const struct image_action *a, const char *json)
{
	struct buf *b = c->out->ops->text_begin(c->out);
	struct value_env env = out_text_env(c->out);

	format_run(b, c, &env, &c->img->pieces[a->piece_first], a->piece_cnt);
	c->out->ops->text_end(c->out, json);
	return 0;
}

int act_print_value(struct event_ctx *c, const struct image_action *a, const char *json)
{
	c->out->ops->value(c->out, json, &c->args[0]);
	return 0;
}

int act_print_map(struct event_ctx *c, const struct image_action *a, const char *json)
{
	struct map_data d;
	int rc = maps_read(c->maps, a->map, true, &d);

	if (rc)
		return rc;
	c->out->ops->map(c->out, &d, a->num[0] > 0 ? (uint64_t)a->num[0] : 0,
			 a->num[1] > 0 ? (uint64_t)a->num[1] : 1);
	map_data_free(&d);
	return 0;
}

int act_time(struct event_ctx *c, const struct image_action *a, const char *json)
{
	struct buf *b = c->out->ops->text_begin(c->out);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_text(b, image_str(c->img, a->str), now.tv_sec * 1000000000LL + now.tv_nsec);
	c->out->ops->text_end(c->out, json);
	return 0;
}

int act_join(struct event_ctx *c, const struct image_action *a, const char *json)
{
	uint64_t cnt = (uint64_t)value_int(&c->args[0]);
	struct value_env env = out_text_env(c->out);
	struct buf *b;

	if (cnt >= c->arg_cnt)
		return -EINVAL;
	b = c->out->ops->text_begin(c->out);
	for (uint32_t i = 1; i <= cnt; i++) {
		uint32_t len;
		const char *s;

		if (c->args[i].type->kind != V_STRING)
			continue;
		s = value_bytes(&c->args[i], &len);
		if (i > 1)
			buf_puts(b, image_str(c->img, a->str));
		traced_text(b, &env, s, len, false);
	}
	if (!c->out->ops->bare_lines)
		buf_putc(b, '\n');
	c->out->ops->text_end(c->out, json);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Actions that change something: clear, zero, unwatch, exit. */
#include "probes/probe.h"
#include "runtime/event.h"

int act_clear(struct event_ctx *c, const struct image_action *a, const char *json)
{
	return maps_clear(c->maps, a->map);
}

int act_zero(struct event_ctx *c, const struct image_action *a, const char *json)
{
	return maps_zero(c->maps, a->map);
}

int act_unwatch(struct event_ctx *c, const struct image_action *a, const char *json)
{
	if (c->links)
		probe_links_unwatch(c->links, (uint64_t)value_int(&c->args[0]));
	return 0;
}

/* The first exit() decides; those behind it in the ring say nothing. */
int act_exit(struct event_ctx *c, const struct image_action *a, const char *json)
{
	if (!c->exiting)
		c->code = (int)value_int(&c->args[0]) & 0xff;
	c->exiting = true;
	return 0;
}

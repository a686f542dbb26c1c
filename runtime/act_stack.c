// SPDX-License-Identifier: Apache-2.0
/* A stack that is met for the first time: noted, while its process lives. */
#include "runtime/event.h"
#include "runtime/symbols.h"

int act_stack(struct event_ctx *c, const struct image_action *a, const char *json)
{
	return symbols_note(c->env->symbols, c->body, c->body_sz);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Event records: decoded, then handed to the action they name. */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include "runtime/maps.h"
#include "runtime/out.h"

struct commands;
struct pcap;
struct unwind;

/* What actions work on and what they leave behind. */
struct event_ctx {
	const struct image *img;
	const struct value_env *env;
	struct out *out;
	struct maps *maps;
	struct value *args; /* of the record being handled, arg_cnt valid */
	uint32_t arg_cnt;
	const void *body; /* of the record, as it came */
	size_t body_sz;
	bool exiting; /* exit() was called, with: */
	int code;
	struct commands *commands; /* of system() */
	struct probe_links *links; /* of unwatch(); NULL: nothing is attached */
	struct pcap *captures; /* of skboutput() */
	struct unwind *unwind; /* NULL: no program unwinds */
	struct buf text; /* of the text being made for an action */
	uint64_t bad_cnt; /* records that no action could read */
};

int event_ctx_init(struct event_ctx *c, const struct image *img, const struct value_env *env,
		   struct out *out, struct maps *maps);
void event_ctx_free(struct event_ctx *c);

/* One record from the ring; anything malformed is counted and dropped. */
void event_handle(struct event_ctx *c, const void *rec, size_t sz);

/* Puts the format's text, as printf would, out of the args; env is that of where the text goes. */
void format_run(struct buf *b, const struct event_ctx *c, const struct value_env *env,
		const struct image_piece *pieces, uint32_t cnt);

/* Handlers: by actions.def. Negative errno: a record that does not fit its action. */
#define ACTION(name, handler, json_type)                                                           \
	int act_##handler(struct event_ctx *c, const struct image_action *a, const char *json);
#include "runtime/actions.def"
#undef ACTION

#endif

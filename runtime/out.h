/* SPDX-License-Identifier: Apache-2.0 */
/* Output: one buffer, one file, and a format as a table of functions. */
#ifndef TRACE_OUT_H
#define TRACE_OUT_H

#include "runtime/buf.h"
#include "runtime/maps.h"
#include "runtime/run.h"
#include "runtime/value.h"

struct out;

/* What a format does. All append to out->buf. */
struct out_ops {
	void (*attached)(struct out *o, uint32_t cnt);
	/* Text made by the script: between begin and end it is put into the buffer begin gives. */
	struct buf *(*text_begin)(struct out *o);
	void (*text_end)(struct out *o, const char *json_type);
	void (*value)(struct out *o, const char *json_type, const struct value *v);
	/* The top largest entries (0: all), numbers divided by div. */
	void (*map)(struct out *o, const struct map_data *d, uint64_t top, uint64_t div);
	/* Records lost of a probe: since last told, and in all. */
	void (*lost)(struct out *o, const char *probe, uint64_t cnt, uint64_t total);
	void (*refused)(struct out *o, const struct image_map *m, enum image_refusal why,
			uint64_t cnt);
	void (*missed)(struct out *o, const char *probe, uint64_t cnt);
	/* A helper failed so often since last told, last with ret (-errno). */
	void (*failed)(struct out *o, const struct image_site *s, int64_t ret, uint64_t cnt);
	void (*before_maps)(struct out *o);
	/* From errorf and the like: place is a row of places. */
	void (*message)(struct out *o, const char *json_type, const char *level, uint32_t place,
			const char *text);
	/*
	 * Results of --test and --bench; NULL: a table of text. What the test printed stands in the
	 * buffer from from on, to be taken out.
	 */
	void (*test)(struct out *o, const char *name, uint64_t ns, bool passed, size_t from);
	void (*bench)(struct out *o, const char *name, uint64_t ns, uint64_t runs);
	void (*finish)(struct out *o); /* after the last map; NULL */
	bool whole_texts; /* one object for a text: it cannot come in pieces */
	bool bare_lines; /* the newline behind join() is no part of what it prints */
	bool texts_aside; /* what the script prints goes to stderr */
	bool messages_within; /* what errorf and the like say goes to the file with the rest */
};

extern const struct out_ops out_text_ops, out_json_ops, out_csv_ops, out_metrics_ops,
	out_folded_ops, out_flame_ops;

/* Parts of text that other formats share: they go to stderr. */
/* What stands behind the colon, without a newline. */
void out_text_entry_value(struct out *o, const struct map_data *d, const void *val, uint64_t div);
void out_text_attached(struct out *o, uint32_t cnt);
void out_text_lost(struct out *o, const char *probe, uint64_t cnt, uint64_t total);
void out_text_refused(struct out *o, const struct image_map *m, enum image_refusal why,
		      uint64_t cnt);
/* What a helper's error means for the script. */
const char *out_failure(const struct image *img, const struct image_site *s, int64_t ret);
void out_text_failed(struct out *o, const struct image_site *s, int64_t ret, uint64_t cnt);
void out_text_missed(struct out *o, const char *probe, uint64_t cnt);
void out_text_message(struct out *o, const char *json_type, const char *level, uint32_t place,
		      const char *text);

struct flame;

#define OUT_NO_HOLD UINT64_MAX

struct out {
	const struct out_ops *ops;
	const struct value_env *env;
	struct buf buf; /* not yet written */
	uint64_t written; /* bytes */
	uint64_t hold; /* of all bytes, those that may be written */
	struct buf scratch; /* of a format */
	const char *path; /* NULL: stdout */
	int fd;
	int wake_fd; /* readable when a signal asks us to end; -1: none */
	enum run_buffering buffering;
	bool percentiles; /* under each histogram */
	bool held; /* nothing is written for now */
	bool final; /* what comes now are the maps at the end */
	bool headed; /* the head of a table was written */
	struct flame *flame; /* -f flame: what was gathered */
	struct buf family, families; /* -f openmetrics: the name at hand, and all that are taken */
	bool is_pipe; /* or a socket or a terminal: may block for ever */
	bool err_terminal; /* stderr is one */
	int err; /* first failure to write; -EPIPE: the reader went away */
};

/* NULL with errno; said on stderr. env and opt must outlive it. */
struct out *out_new(const struct run_options *opt, const struct value_env *env);
void out_free(struct out *o);

/* A record is complete: written when the buffering asks for it or much has gathered. */
void out_commit(struct out *o);
/* Nothing more to do for the moment: whoever watches sees what there is. */
void out_idle(struct out *o);
/* Writes everything. 0 or o->err. */
int out_flush(struct out *o);
/* Says what went wrong with writing; a reader that went away is not worth a word. */
void out_report(const struct out *o);

/* How values are shown where the file is not the place: on stderr, in a command or a path. */
static inline struct value_env out_env_elsewhere(const struct out *o, bool terminal)
{
	struct value_env env = *o->env;

	env.terminal = terminal;
	return env;
}

/* Of what the script prints. */
static inline struct value_env out_text_env(const struct out *o)
{
	return out_env_elsewhere(o, o->ops->texts_aside ? o->err_terminal : o->env->terminal);
}

static inline uint32_t out_first_rank(const struct map_data *d, uint64_t top)
{
	return top && top < d->cnt ? d->cnt - (uint32_t)top : 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* --test and --bench: programs run on purpose, and what is said about it. */
#ifndef TRACE_TESTS_H
#define TRACE_TESTS_H

#include "runtime/event.h"
#include "runtime/load.h"
#include "runtime/loop.h"
#include "runtime/ring.h"

struct tests_args {
	const struct image *img;
	const struct loaded *loaded;
	struct loop *loop;
	struct ring *ring;
	struct event_ctx *events;
	struct out *out;
};

/* Whether the image holds probes that are run here instead of waiting for events. */
bool tests_any(const struct image *img);
/* Runs all of them. The number of those that failed, or a negative errno after saying why. */
int tests_run(const struct tests_args *a);

#endif

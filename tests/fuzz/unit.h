/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets for libFuzzer share: one compilation of the bytes at hand. */
#ifndef TRACE_FUZZ_UNIT_H
#define TRACE_FUZZ_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include "ast/settings.h"
#include "ast/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What has been queued is printed, too, to nowhere. */
static inline void fuzz_flush(struct unit *u, FILE *nowhere)
{
	diags_flush(u->diags, nowhere, true);
}

static inline void fuzz_begin(struct unit *u, const struct compile_options *opt,
			      const uint8_t *data, size_t len)
{
	*u = (struct unit){ .opt = opt, .arena = arena_new() };
	u->sources = sources_new(u->arena);
	u->diags = diags_new(u->arena, u->sources);
	u->settings = settings_new(u->arena);
	u->main_source = source_add(u->sources, "fuzz", (const char *)data, len);
}

/* All passes that can find something wrong. */
static inline int fuzz_check(struct unit *u)
{
	int err = parse(u);

	err = err ?: import(u);
	err = err ?: configure(u);
	err = err ?: expand(u);
	err = err ?: define(u);
	err = err ?: resolve(u);
	err = err ?: infer(u);
	return err ?: check(u);
}

/* /dev/null, opened once. */
static inline FILE *fuzz_nowhere(void)
{
	static FILE *f;

	if (!f)
		f = fopen("/dev/null", "we");
	return f;
}

#endif

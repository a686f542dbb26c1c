// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "runtime/out_side.h"

struct buf *side_text_begin(struct out *o)
{
	o->scratch.len = 0;
	return &o->scratch;
}

void side_text_end(struct out *o, const char *json_type)
{
	if (o->scratch.len)
		fwrite(o->scratch.p, 1, o->scratch.len, stderr);
}

void side_value(struct out *o, const char *json_type, const struct value *v)
{
	struct value_env env = out_env_elsewhere(o, o->err_terminal);
	struct buf *b = side_text_begin(o);

	value_text(b, &env, v, false);
	buf_putc(b, '\n');
	side_text_end(o, json_type);
}

void side_before_maps(struct out *o)
{
	o->final = true;
}

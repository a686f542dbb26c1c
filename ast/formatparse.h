/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_FORMATPARSE_H
#define TRACE_FORMATPARSE_H

#include "ast/builtins.h"

struct type;

/*
 * A format's pieces. *bad is set to the conversion that there is none of ("f"), NULL when all is
 * well.
 */
struct format *format_parse(struct arena *a, const char *text, size_t len, const char **bad);
uint32_t format_args(const struct format *f); /* how many it takes */
/* Whether a conversion prints values of the type. */
bool format_takes(const struct format_piece *p, const struct type *t);
/* The conversion as the script wrote it, less its flags. */
const char *format_conv_name(const struct format_piece *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What --fmt promises of every text. */
#ifndef TRACE_FORMAT_LAW_H
#define TRACE_FORMAT_LAW_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A text that parses is formatted; the result is the same program, has every comment, and formats to
 * itself. NULL: so it is. *parses may be NULL; show prints the texts concerned on stderr.
 */
const char *format_law(const char *text, size_t len, bool *parses, bool show);

#endif

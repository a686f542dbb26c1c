/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes that others chose mean as UTF-8. */
#ifndef TRACE_UTF8_H
#define TRACE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the sequence at p, 0 when it is none (overlong, surrogate, cut, beyond 10FFFF). */
size_t utf8_len(const uint8_t *p, size_t left);
/* The code point of the sequence of len bytes at p. */
uint32_t utf8_code(const uint8_t *p, size_t len);
/*
 * Whether showing it does something other than show it: C0, DEL and C1 drive a terminal; line and
 * paragraph separators break lines; marks of direction make text read as what it is not.
 */
bool utf8_is_control(uint32_t code);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of demangle(): see probe.h. */
#ifndef TRACE_DEMANGLE_H
#define TRACE_DEMANGLE_H

#include <stdint.h>

/* malloc'ed; NULL: it is no such name. */
char *demangle_rust(const char *name);

#endif

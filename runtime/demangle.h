/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_DEMANGLE_H
#define TRACE_DEMANGLE_H

/* The name as C++ or Rust source has it, malloc'ed; NULL: it is not mangled. */
char *demangle(const char *name);

#endif

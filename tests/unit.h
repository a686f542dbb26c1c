/* SPDX-License-Identifier: Apache-2.0 */
/* What unit tests check with: each that fails is told and counted. */
#ifndef TRACE_TESTS_UNIT_H
#define TRACE_TESTS_UNIT_H

#include <stdio.h>

static unsigned failed;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			failed++;                                                                  \
		}                                                                                  \
	} while (0)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* --fmt keeps its promises for every text. */
#include <stdlib.h>

#include "tests/format_law.h"
#include "tests/fuzz/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (format_law((const char *)data, len, NULL, true))
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are taken apart, dumped, copied and complained about. */
#include "tests/fuzz/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const params[] = { "1", "sched:sched_switch" };
	const struct compile_options opt = {
		.have_btf = len & 1, .warnings = true, .params = params, .param_cnt = 2
	};
	struct unit u;

	fuzz_begin(&u, &opt, data, len);
	if (!parse(&u))
		ast_dump(fuzz_nowhere(), node_clone(u.arena, u.program), false);
	fuzz_flush(&u, fuzz_nowhere());
	arena_free(u.arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything from text to the checked tree, against the probes and types of this very kernel. */
#include <string.h>

#include "ast/ctype.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "probes/probe.h"
#include "tests/fuzz/unit.h"

enum { ENV_RUNS = 2000 };

/* It keeps all that was asked for, so it is made anew now and then. */
static struct probe_env *env(void)
{
	static const struct probe_env_options opt = { .unsafe = true };
	static struct probe_env *kept;
	static unsigned runs;

	if (runs++ % ENV_RUNS == 0) {
		probe_env_free(kept);
		kept = probe_env_new(&opt);
	}
	return kept;
}

static int compile(struct unit *u)
{
	int err = fuzz_check(u);

	err = err ?: fold(u);
	return err ?: pick(u);
}

static bool has(const uint8_t *data, size_t len, const char *word)
{
	return memmem(data, len, word, strlen(word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const params[] = { "1", "word" }, *const named[] = { "--name=1" };
	const struct compile_options opt = {
		.warnings = true,
		.have_btf = true,
		.unsafe = true,
		.mode = len % 3,
		.params = params,
		.param_cnt = 2,
		.named = named,
		.named_cnt = 1,
	};
	struct unit u;

	/* These run a compiler, read whatever file is named, or all files that match. */
	if (has(data, len, "include") || has(data, len, "import") || has(data, len, "uprobe") ||
	    has(data, len, "usdt") || has(data, len, "uretprobe") || has(data, len, "u:") ||
	    has(data, len, "ur:") || has(data, len, "U:"))
		return 0;
	fuzz_begin(&u, &opt, data, len);
	u.types = types_new(u.arena);
	u.settings = settings_new(u.arena);
	u.env = env();
	if (!compile(&u))
		ast_dump(fuzz_nowhere(), u.program, true);
	fuzz_flush(&u, fuzz_nowhere());
	ctypes_free(u.ctypes);
	arena_free(u.arena);
	return 0;
}

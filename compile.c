// SPDX-License-Identifier: Apache-2.0
/* The passes of the compiler, and what they are run on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/ctype.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "compile.h"
#include "options.h"
#include "program.h"
#include "runtime/features.h"

static bool want_colour(void)
{
	const char *mode = getenv("TRACE_COLOR");

	mode = mode ? mode : getenv("BPFTRACE_COLOR");
	if (mode && !strcmp(mode, "always"))
		return true;
	if (mode && !strcmp(mode, "never"))
		return false;
	return isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

void unit_tell(struct unit *u)
{
	if (u->diags)
		diags_flush(u->diags, stderr, want_colour());
}

int unit_init(struct unit *u, const struct compile_options *opt, struct probe_env *env)
{
	*u = (struct unit){ .opt = opt, .env = env, .arena = arena_new() };
	if (!u->arena)
		return fail_oom();
	u->sources = sources_new(u->arena);
	u->diags = diags_new(u->arena, u->sources);
	u->types = types_new(u->arena);
	u->settings = settings_new(u->arena);
	if (!opt->warnings)
		diags_mute_warnings(u->diags);
	return 0;
}

void unit_done(struct unit *u)
{
	unit_tell(u);
	ctypes_free(u->ctypes);
	arena_free(u->arena);
}

static void dump(struct unit *u, const struct options *o, bool with_types)
{
	if (!(with_types ? o->dump_types : o->dump_ast))
		return;
	if (o->gen.headings)
		printf("---- %s\n", with_types ? "types" : "ast");
	ast_dump(stdout, u->program, with_types);
}

/* Said before the costly part of compiling, after everything that can be wrong with the program. */
int check_privilege(const struct options *o)
{
	if (o->emit_elf || o->aot || o->mode == MODE_CODEGEN || !caps_missing())
		return 0;
	fail("tracing needs CAP_BPF and CAP_PERFMON: run trace as root, for example with sudo");
	return -EPERM;
}

const struct pass passes[PASS_CNT] = {
	{ "parse", parse },   { "import", import }, { "configure", configure },
	{ "expand", expand }, { "define", define }, { "resolve", resolve },
	{ "infer", infer },   { "check", check },   { "fold", fold },
	{ "pick", pick },
};

int front_end(struct unit *u, const struct options *o)
{
	int err = read_program(u, o);
	bool hidden = false;

	for (int i = 0; i < PASS_CNT && !err; i++) {
		err = passes[i].run(u);
		if (!err && passes[i].run == parse)
			dump(u, o, false);
		if (passes[i].run == expand)
			hidden = diags_errors(u->diags);
	}
	/* Who may not trace does not see what there is to trace: not one error for each probe then. */
	if (err == -EINVAL && hidden && check_privilege(o)) {
		u->diags = diags_new(u->arena, u->sources);
		return -EPERM;
	}
	err = err ?: fit_keys(u, o);
	if (!err)
		dump(u, o, true);
	return err;
}

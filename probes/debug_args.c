// SPDX-License-Identifier: Apache-2.0
/* Parameters and results of functions from debug information, as fields of args. */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "probes/debug.h"

static int fill(struct probe_env *env, struct probe_field *f, Dwarf_Die *type)
{
	Dwarf_Die *kept = env_alloc(env, sizeof(*kept));

	f->ctype = debug_type_text(env, type);
	if (!kept || !f->ctype || !f->name)
		return -ENOMEM;
	*kept = *type;
	f->die = kept;
	f->size = (uint32_t)debug_size(type);
	f->decl = env_printf(env, "%s %s", f->ctype, f->name);
	return f->decl ? 0 : -ENOMEM;
}

/* One after the other, as a struct would have them: what "args" as a whole looks like. */
static void lay_out(struct probe_fields *out, struct probe_field *f)
{
	uint32_t align = f->size >= 8 ? 8 : f->size >= 4 ? 4 : f->size >= 2 ? 2 : 1;

	f->off = (out->size + align - 1) & ~(align - 1);
	out->size = f->off + f->size;
}

static uint32_t count_params(Dwarf_Die *fn)
{
	Dwarf_Die die;
	uint32_t cnt = 0;

	for (int rc = dwarf_child(fn, &die); !rc; rc = debug_next_die(&die))
		cnt += dwarf_tag(&die) == DW_TAG_formal_parameter;
	return cnt;
}

static int params(struct probe_env *env, Dwarf_Die *fn, struct probe_fields *out)
{
	struct probe_field *f = env_alloc(env, (count_params(fn) + 1) * sizeof(*f));
	Dwarf_Die die, type;
	struct abi abi;

	if (!f)
		return -ENOMEM;
	out->fields = f;
	abi_begin(&abi, debug_type_of(fn, &type) && abi_result_indirect(&type));
	for (int rc = dwarf_child(fn, &die); !rc; rc = debug_next_die(&die)) {
		Dwarf_Attribute attr;
		const char *name;

		if (dwarf_tag(&die) != DW_TAG_formal_parameter || !debug_type_of(&die, &type))
			continue;
		name = dwarf_attr_integrate(&die, DW_AT_name, &attr) ? dwarf_formstring(&attr)
								     : NULL;
		f->name = name ? env_strdup(env, name) : env_printf(env, "arg%u", out->cnt);
		if (fill(env, f, &type))
			return -ENOMEM;
		abi_place(&abi, &type, f);
		lay_out(out, f++);
		out->cnt++;
	}
	out->size = (out->size + 7) & ~7u;
	return 0;
}

static int result(struct probe_env *env, Dwarf_Die *fn, struct probe_fields *out)
{
	struct probe_field *f = env_alloc(env, sizeof(*f));
	Dwarf_Die type, bare;

	if (!f)
		return -ENOMEM;
	out->fields = f;
	if (!debug_type_of(fn, &type) || !debug_bare_type(&type, &bare))
		return 0; /* void */
	f->name = "retval";
	if (fill(env, f, &type))
		return -ENOMEM;
	abi_result(&type, f);
	lay_out(out, f);
	out->cnt = 1;
	out->size = (out->size + 7) & ~7u;
	return 0;
}

/* The compiler passes them as it likes: foo.isra.0, foo.constprop.0, foo.part.0. */
static bool is_changed(const char *name)
{
	return strstr(name, ".isra.") || strstr(name, ".constprop.") || strstr(name, ".part.");
}

int debug_args(struct probe_env *env, struct elf_file *f, const struct elf_symbol *s,
	       bool is_return, struct probe_fields *out, struct probe_error *err)
{
	Dwarf_Die fn;

	*out = (struct probe_fields){ 0 };
	if (!f->is_native)
		return probe_fail(err, -1, -ENOENT,
				  "%s: how a program of 32 bits passes arguments is not known",
				  f->path);
	if (f->is_go) {
		probe_fail(err, -1, -ENOTSUP, "%s: Go passes arguments in a way of its own",
			   s->name);
		env_hint(err, "Integers and pointers are in reg(\"ax\"), reg(\"bx\"), reg(\"cx\"), "
			      "reg(\"di\"), reg(\"si\") (Go 1.17 and newer, x86_64).");
		return -ENOTSUP;
	}
	if (!debug_of(env, f))
		return probe_fail(err, -1, -ENOENT, "%s has no debug information", f->path);
	if (!debug_find_function(env, f, s->addr, &fn))
		return probe_fail(err, -1, -ENOENT, "%s: no debug information says what %s is",
				  f->path, s->name);
	if (!is_return && is_changed(s->name))
		return probe_fail(err, -1, -ENOENT,
				  "%s: the compiler has changed how its arguments are passed",
				  s->name);
	if ((is_return ? result : params)(env, &fn, out))
		return probe_fail_oom(err);
	return 0;
}

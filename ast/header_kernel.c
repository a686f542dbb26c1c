/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of the kernel itself, where the packages are installed that modules are built with: not those
 * of user space, which have the same names and less in them. They are in two directories, of which the
 * one holds what was generated for the kernel that runs; what the compiler is to be told is in the
 * kernel's Makefile (LINUXINCLUDE).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ast/import.h"
#include "ast/settings.h"
#include "ast/unit.h"

static const char *arch_of(const char *machine)
{
	static const char *const names[][2] = {
		{ "x86_64", "x86" },  { "aarch64", "arm64" },	      { "ppc64", "powerpc" },
		{ "s390x", "s390" },  { "loongarch64", "loongarch" }, { "riscv64", "riscv" },
		{ "mips64", "mips" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(machine, names[i][0], strlen(names[i][0])))
			return names[i][1];
	return machine;
}

static bool has_file(struct arena *a, const char *dir, const char *file)
{
	return !access(arena_printf(a, "%s/%s", dir, file), R_OK);
}

/* The directory that a variable names, or the one of the kernel's modules that has the file. */
static const char *directory(struct unit *u, const char *var, const char *const *usual,
			     const char *file, bool *is_named)
{
	const char *name, *dir = settings_env(u->arena, var, &name);

	if (dir) {
		*is_named = true;
		if (has_file(u->arena, dir, file))
			return dir;
		diag(u->diags, SPAN_NONE, D_CONFIG_ENV_VALUE, name, dir,
		     arena_printf(u->arena, "a directory with %s", file));
		return NULL;
	}
	for (; *usual; usual++)
		if (has_file(u->arena, *usual, file))
			return *usual;
	return NULL;
}

int kernel_tree_find(struct unit *u, struct kernel_tree *k)
{
	unsigned told = diags_errors(u->diags);
	struct utsname uts;
	const char *modules, *usual[3] = { NULL };

	*k = (struct kernel_tree){ 0 };
	if (uname(&uts))
		return 0;
	k->arch = arch_of(uts.machine);
	modules = arena_printf(u->arena, "/lib/modules/%s", uts.release);
	usual[0] = arena_printf(u->arena, "%s/source", modules);
	usual[1] = arena_printf(u->arena, "%s/build", modules);
	k->source = directory(u, "KERNEL_SOURCE", usual, "include/linux/kconfig.h", &k->is_named);
	k->build = directory(u, "KERNEL_BUILD", usual + 1, "include/generated/autoconf.h",
			     &k->is_named);
	if (!k->build && k->source && has_file(u->arena, k->source, "include/generated/autoconf.h"))
		k->build = k->source; /* built where the sources are */
	return diags_errors(u->diags) > told ? -1 : 0;
}

bool kernel_tree_is_there(const struct kernel_tree *k)
{
	return k->source && k->build;
}

uint32_t kernel_tree_args(const struct kernel_tree *k, struct arena *a, const char **args)
{
	static const char *const plain[] = {
		"-nostdinc",  "-D__KERNEL__",  "-DKBUILD_MODNAME=\"trace\"",
		"-std=gnu11", "-fshort-wchar", "-O2"
	};
	static const char *const first[] = { "compiler-version", "kconfig", "compiler_types" };
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		args[n++] = plain[i];
	args[n++] = arena_printf(a, "-I%s/arch/%s/include", k->source, k->arch);
	args[n++] = arena_printf(a, "-I%s/arch/%s/include/generated", k->build, k->arch);
	args[n++] = arena_printf(a, "-I%s/include", k->source);
	args[n++] = arena_printf(a, "-I%s/include", k->build);
	args[n++] = arena_printf(a, "-I%s/arch/%s/include/uapi", k->source, k->arch);
	args[n++] = arena_printf(a, "-I%s/arch/%s/include/generated/uapi", k->build, k->arch);
	args[n++] = arena_printf(a, "-I%s/include/uapi", k->source);
	args[n++] = arena_printf(a, "-I%s/include/generated/uapi", k->build);
	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++) {
		const char *file = arena_printf(a, "include/linux/%s.h", first[i]);

		if (!has_file(a, k->source, file)) /* compiler-version.h: since 5.12 */
			continue;
		args[n++] = "-include";
		args[n++] = arena_printf(a, "%s/%s", k->source, file);
	}
	return n;
}

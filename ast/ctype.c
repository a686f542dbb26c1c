/* SPDX-License-Identifier: Apache-2.0 */
/* Who defines a C type: the script, a header it includes, the kernel, in this order. */
#include "ast/ctype.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ast/fold.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "probes/probe.h"

/* Numbers of definitions: the kernel's BTF ids, those of headers, the script's. */
#define DEF_HEADERS TYPE_DEF_KERNEL_END
#define DEF_SCRIPT 0x80000000u
#define DEF_PROGRAM TYPE_DEF_FOREIGN

struct ctypes {
	struct unit *u;
	struct ctype_script *script;
	struct ctype_btf *kernel;
	struct ctype_dwarf *headers; /* NULL: none, or they define no type */
	struct debugfile *headers_file;
	struct Dwarf *headers_dwarf;
	struct ctype_dwarf *programs; /* made when first needed */
	const struct node *probe; /* whose program's types come first; NULL: none */
	struct ctype_modules *modules; /* of the kernel; made when first needed */
	bool kernel_tried, kernel_told; /* told: that it has none is */
};

static struct ctype_btf *kernel(struct ctypes *c)
{
	const char *named, *var;

	if (c->kernel_tried)
		return c->kernel;
	c->kernel_tried = true;
	c->kernel = ctype_btf_open(c->u->types, NULL, 0);
	named = c->kernel ? NULL : settings_env(c->u->arena, "BTF", &var);
	c->kernel_told = named && *named;
	if (c->kernel_told)
		diag(c->u->diags, SPAN_NONE, D_CONFIG_ENV_VALUE, var, named, "a file with BTF");
	return c->kernel;
}

static struct ctype_modules *modules(struct ctypes *c)
{
	if (!c->modules)
		c->modules = ctype_modules_new(c->u->types, c->u->arena, kernel_types_modules(),
					       kernel(c));
	return c->modules;
}

static void complete(void *arg, struct type *t)
{
	struct ctypes *c = arg;

	if (t->def >= DEF_PROGRAM)
		ctype_dwarf_complete(c->programs, t);
	if (t->def >= DEF_SCRIPT)
		return;
	if (!t->def && c->headers)
		ctype_dwarf_bind(c->headers, c->headers_dwarf, t);
	if (!t->def && kernel(c) && !ctype_btf_bind(c->kernel, t) && t->name)
		ctype_modules_bind(modules(c), t);
	if (t->def >= DEF_HEADERS)
		ctype_dwarf_complete(c->headers, t);
	else if (t->def && ctype_btf_has(c->kernel, t->def))
		ctype_btf_complete(c->kernel, t);
	else if (t->def)
		ctype_modules_complete(modules(c), t);
}

struct ctypes *ctypes_new(struct unit *u)
{
	struct ctypes *c = arena_new_of(u->arena, struct ctypes);

	c->u = u;
	c->script = ctype_script_new(u, DEF_SCRIPT);
	types_set_source(u->types, complete, c);
	return c;
}

void ctypes_free(struct ctypes *c)
{
	if (!c)
		return;
	ctype_modules_free(c->modules);
	ctype_btf_free(c->kernel);
	debugfile_close(c->headers_file);
	types_set_source(c->u->types, NULL, NULL);
}

int ctypes_headers(struct ctypes *c, const char *path)
{
	struct unit *u = c->u;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Dwarf_Addr bias;

	if (fd < 0)
		return -errno;
	c->headers_file = debugfile_open(fd, path, NULL);
	if (!c->headers_file)
		return -ENOEXEC;
	c->headers_dwarf = dwfl_module_getdwarf(debugfile_module(c->headers_file), &bias);
	if (c->headers_dwarf)
		c->headers = ctype_dwarf_new(u->types, u->arena, u->env, DEF_HEADERS, false);
	return 0;
}

/* ---- by name ---- */

static struct ctype_dwarf *programs(struct ctypes *c)
{
	struct unit *u = c->u;

	if (!c->programs)
		c->programs = ctype_dwarf_new(u->types, u->arena, u->env, DEF_PROGRAM, true);
	return c->programs;
}

void ctypes_enter(struct ctypes *c, const struct node *probe)
{
	bool has_program = probe && probe->probe.ptype && probe->probe.ptype->debug &&
			   probe->probe.attaches && probe->probe.attaches->attach.target;

	c->probe = has_program ? probe : NULL;
}

static struct Dwarf *program(struct ctypes *c)
{
	const struct node *p = c->probe;

	return p ? p->probe.ptype->debug(c->u->env, p->probe.attaches->attach.target) : NULL;
}

const struct type *ctypes_of_die(struct ctypes *c, const struct probe_type *ptype,
				 const struct probe_target *target, const void *die)
{
	return ctype_dwarf_type(programs(c), ptype->debug(c->u->env, target), die);
}

static const struct type *of_program(struct ctypes *c, const char *name)
{
	struct Dwarf *dw = program(c);

	return dw ? ctype_dwarf_find(programs(c), dw, name) : NULL;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static const struct type *find_tagged(struct ctypes *c, enum vkind kind, const char *name)
{
	struct type *t = type_tagged(c->u->types, kind, name, 0);
	const struct type *own = NULL;

	if (!t->def && c->probe && c->headers)
		ctype_dwarf_bind(c->headers, c->headers_dwarf, t);
	if (t->def < DEF_HEADERS)
		own = of_program(c, name);
	if (own)
		return own;
	type_complete(c->u->types, t);
	return t->def ? t : NULL;
}

const struct type *ctypes_find(struct ctypes *c, const char *name)
{
	const struct type *t;

	if (starts(name, "struct "))
		return find_tagged(c, V_STRUCT, name);
	if (starts(name, "union "))
		return find_tagged(c, V_UNION, name);
	if (starts(name, "enum "))
		return find_tagged(c, V_ENUM, name);
	t = ctype_script_typedef(c->script, name);
	if (t)
		return type_complete(c->u->types, t);
	t = ctype_parse(c->u->types, c->u->arena, name, AS_NONE);
	if (!t && c->headers)
		t = ctype_dwarf_find(c->headers, c->headers_dwarf, name);
	if (!t)
		t = of_program(c, name);
	if (!t && kernel(c))
		t = ctype_btf_find(c->kernel, name);
	if (!t && !strchr(name, ' ')) /* a struct's name by itself */
		return find_tagged(c, V_STRUCT, arena_printf(c->u->arena, "struct %s", name));
	return t ? type_complete(c->u->types, t) : NULL;
}

bool ctypes_value(struct ctypes *c, const char *name, int64_t *value, const struct type **e)
{
	struct Dwarf *dw;

	if (ctype_script_value(c->script, name, value, e))
		return true;
	if (c->headers && ctype_dwarf_value(c->headers, c->headers_dwarf, name, value, e))
		return true;
	dw = program(c);
	return (dw && ctype_dwarf_value(programs(c), dw, name, value, e)) ||
	       (kernel(c) && ctype_btf_value(c->kernel, name, value, e));
}

void ctypes_values_nearest(struct ctypes *c, struct nearest *near)
{
	ctype_script_values_nearest(c->script, near);
}

static bool is_in_capitals(const char *name)
{
	return !name[strcspn(name, "abcdefghijklmnopqrstuvwxyz")];
}

/* The kernel has so many that a short word of any kind would be near to one. */
void ctypes_kernel_values_nearest(struct ctypes *c, struct nearest *near)
{
	if (is_in_capitals(near->word) && strlen(near->word) > 5 && kernel(c))
		ctype_btf_values_nearest(c->kernel, near);
}

bool ctypes_has_function(struct ctypes *c, const char *name)
{
	return kernel(c) && ctype_btf_has_function(c->kernel, name);
}

/* ---- one that is not there ---- */

/* "struct tsk" -> "struct "; a name by itself -> "". */
static const char *tag_word(struct ctypes *c, const char *name)
{
	const char *space = strchr(name, ' ');

	return space ? arena_printf(c->u->arena, "%.*s", (int)(space + 1 - name), name) : "";
}

void ctypes_unknown(struct unit *u, struct span sp, const char *name)
{
	struct ctypes *c = u->ctypes;
	struct diag *d = c->kernel_told ? NULL : diag(u->diags, sp, D_TYPE_UNKNOWN, name);
	const char *word = tag_word(c, name);
	struct nearest near;

	if (!d)
		return;
	nearest_init(&near, name + strlen(word));
	ctype_script_nearest(c->script, word, &near);
	if (!*word) {
		nearest_feed(&near, "string");
		nearest_feed(&near, "buffer");
		ctype_names_nearest(&near);
	}
	if (kernel(c))
		ctype_btf_nearest(c->kernel, word, &near);
	if (near.best)
		diag_hint(d, "Did you mean '%s%s'?", word, near.best);
	if (!u->opt->have_btf)
		diag_hint(d, "This kernel has no BTF, which would tell its types: define it in the "
			     "program, or #include a header that does");
}

/* Needs: the tree, macros gone. Gives: ctypes with what the program defines. */
int define(struct unit *u)
{
	ctype_script_define(u->ctypes->script, u->program->program.items);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What is known of a function that the kernel would not trace, or does not have. Its answer is a number
 * that stands for several reasons; the lists that tell them apart have many thousands of lines, so nobody
 * reads them before there is something to tell.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/env.h"

/* ---- what the symbols say ---- */

/* Code of which nothing can be traced, between two symbols. */
enum { REGION_NOINSTR, REGION_ENTRY, REGION_KPROBES, REGION_INIT, REGION_CNT };
static const struct region {
	const char *from, *to, *what;
} regions[REGION_CNT] = {
	[REGION_NOINSTR] = { "__noinstr_text_start", "__noinstr_text_end",
			     "it is noinstr: it runs where no tracer may" },
	[REGION_ENTRY] = { "__entry_text_start", "__entry_text_end",
			   "it is how the kernel is entered: it runs where no tracer may" },
	[REGION_KPROBES] = { "__kprobes_text_start", "__kprobes_text_end",
			     "it is what kprobes themselves need" },
	[REGION_INIT] = { "_sinittext", "_einittext",
			  "it ran while the kernel started, and is gone" },
};

/* Of what compilers make of a function the first that there is, which is the nearest to it. */
static const char *const suffixes[] = { ".isra.", ".constprop.", ".llvm.", ".part." };
enum { SUFFIX_CNT = sizeof(suffixes) / sizeof(*suffixes) };

struct symbol_facts {
	const char *name; /* in */
	bool is_code, is_data;
	uint64_t addr; /* of the code; 0: hidden (kptr_restrict) */
	char module[64]; /* that has the code; "": the kernel itself */
	uint64_t from[REGION_CNT], to[REGION_CNT];
	uint64_t text_end;
	uint64_t end; /* where the next symbol is; 0: unknown */
	unsigned rank; /* of the variant, in suffixes */
	char variant[128]; /* "" when there is none */
	char syscall[128]; /* what "sys_NAME" is called in fact; "" */
};

static void note_variant(struct symbol_facts *f, const char *symbol, size_t len)
{
	const char *suffix = symbol + strlen(f->name);

	for (unsigned i = 0; i < f->rank; i++) {
		if (strncmp(suffix, suffixes[i], strlen(suffixes[i])))
			continue;
		f->rank = i;
		snprintf(f->variant, sizeof(f->variant), "%.*s", (int)len, symbol);
	}
}

/* rest: "[\t[MODULE]]" */
static void note_code(struct symbol_facts *f, uint64_t addr, const char *rest)
{
	f->addr = addr;
	if (!strncmp(rest, "\t[", 2))
		snprintf(f->module, sizeof(f->module), "%.*s", (int)strcspn(rest + 2, "]\n"),
			 rest + 2);
}

static bool is_symbol(const char *symbol, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(symbol, name, len);
}

/* "sys_read" is "__x64_sys_read" (4.17), "__arm64_sys_read"; not the one of 32-bit programs. */
static bool is_syscall(const char *symbol, size_t len, const char *name)
{
	size_t tail = strlen(name);

	return !strncmp(name, "sys_", 4) && !strncmp(symbol, "__", 2) && len > tail + 2 &&
	       symbol[len - tail - 1] == '_' && !memcmp(symbol + len - tail, name, tail) &&
	       strncmp(symbol, "__ia32_", 7) && strncmp(symbol, "__se_", 5) &&
	       strncmp(symbol, "__do_", 5) && strncmp(symbol, "__pfx_", 6);
}

/* Linkers say "T" of what they were told to place, data too (7.2): that lies behind the code. */
static bool is_code_at(const struct symbol_facts *f, uint64_t addr, char kind, bool of_module)
{
	bool starts = f->from[REGION_INIT] && addr >= f->from[REGION_INIT] && !f->to[REGION_INIT];

	return strchr("tTwW", kind) && (of_module || !f->text_end || addr < f->text_end || starts);
}

static void note_symbol(struct symbol_facts *f, uint64_t addr, char kind, const char *symbol,
			size_t len)
{
	bool is_code = is_code_at(f, addr, kind, symbol[len] == '\t');

	if (is_symbol(symbol, len, f->name)) {
		if (is_code && !f->is_code)
			note_code(f, addr, symbol + len);
		f->is_code |= is_code;
		f->is_data |= !is_code;
	} else if (is_code && len > strlen(f->name) && !memcmp(symbol, f->name, strlen(f->name))) {
		note_variant(f, symbol, len);
	} else if (is_code && is_syscall(symbol, len, f->name)) {
		snprintf(f->syscall, sizeof(f->syscall), "%.*s", (int)len, symbol);
	}
	if (f->addr && addr > f->addr && !f->end && !*f->module) /* the kernel's own are sorted */
		f->end = addr;
	if (is_symbol(symbol, len, "_etext"))
		f->text_end = addr;
	for (unsigned i = 0; symbol[0] == '_' && i < REGION_CNT; i++) { /* as all of them */
		if (is_symbol(symbol, len, regions[i].from))
			f->from[i] = addr;
		else if (is_symbol(symbol, len, regions[i].to))
			f->to[i] = addr;
	}
}

/* "ADDR TYPE NAME[\t[MODULE]]" each. */
static void read_symbols(struct symbol_facts *f)
{
	char *text = tracefs_read(AT_FDCWD, "/proc/kallsyms", NULL);

	f->rank = SUFFIX_CNT;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *type;

		line += *line == '\n';
		type = line + strcspn(line, " \n");
		if (type[0] != ' ' || !type[1] || type[2] != ' ')
			continue;
		note_symbol(f, strtoull(line, NULL, 16), type[1], type + 3,
			    strcspn(type + 3, "\t\n"));
	}
	free(text);
}

static bool has_btf(struct probe_env *env, const char *name)
{
	uint32_t id;

	probe_kfuncs(env, &name, &id, 1);
	return id;
}

/* ---- why not ---- */

/* Whether a line has the name as its n-th word (0: the first). */
static bool has_word(const char *text, unsigned n, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		for (unsigned i = 0; i < n; i++) {
			line += strcspn(line, " \t\n");
			line += strspn(line, " \t");
		}
		if (!strncmp(line, name, len) && (!line[len] || isspace((unsigned char)line[len])))
			return true;
	}
	return false;
}

enum ftrace_knows { FTRACE_HIDDEN, FTRACE_NOT, FTRACE_HAS };

static enum ftrace_knows ask_ftrace(struct probe_env *env, const char *name)
{
	struct probe_error ignored;
	int dir = tracefs_dir(env, &ignored);
	char *list = dir < 0 ? NULL : tracefs_read(dir, "available_filter_functions", NULL);
	enum ftrace_knows knows = FTRACE_HIDDEN;

	if (list && *list)
		knows = has_word(list, 0, name) ? FTRACE_HAS : FTRACE_NOT;
	free(list);
	return knows;
}

/* The type of probe in the other's place: that without BTF, or that without a breakpoint. */
static const char *other_type(const struct probe_target *t, bool is_fentry)
{
	bool is_return = !strncmp(t->name, "kret", 4) || !strncmp(t->name, "fexit", 5);

	if (is_fentry)
		return is_return ? "fexit" : "fentry";
	return is_return ? "kretprobe" : "kprobe";
}

static bool is_fentry(const struct probe_target *t)
{
	return *t->name == 'f';
}

/* Why nothing of the code can be traced, as what follows "NAME can not be traced: "; NULL: who knows. */
static const char *reason(struct probe_env *env, const struct symbol_facts *f, bool by_fentry)
{
	const char *why = NULL;
	char *black;

	if (f->is_data && !f->is_code)
		return "it is a variable";
	for (unsigned i = 0; f->addr && i < REGION_CNT; i++)
		if (f->from[i] && f->from[i] <= f->addr && f->addr < f->to[i])
			return regions[i].what;
	black = by_fentry ? NULL : debugfs_read("kprobes/blacklist", NULL);
	if (black && has_word(black, 1, f->name)) /* "0xFROM-0xTO NAME" */
		why = "it is on the kernel's blacklist of kprobes";
	else if (ask_ftrace(env, f->name) == FTRACE_NOT)
		why = "it is marked notrace";
	free(black);
	return why;
}

/* What to do instead. */
static void hint_instead(struct probe_env *env, const struct probe_target *t,
			 const struct symbol_facts *f, struct probe_error *err)
{
	if (f->is_data && !f->is_code)
		env_hint(err, "kaddr(\"%s\") is where it lies.", f->name);
	else if (!is_fentry(t) && !t->value && ask_ftrace(env, f->name) == FTRACE_HAS &&
		 has_btf(env, f->name))
		env_hint(err, "%s:%s can do without a kprobe.", other_type(t, true), f->name);
	else
		env_hint(err, "A function that calls it, or that it calls, may be one to trace.");
}

bool refusal_tell(struct probe_env *env, const struct probe_target *t, const char *name, int rc,
		  struct probe_error *err)
{
	struct symbol_facts f = { .name = t->b };
	const char *why;

	read_symbols(&f);
	why = reason(env, &f, is_fentry(t));
	if (!why)
		return false;
	probe_fail(err, -1, rc, "%s can not be traced: %s", name, why);
	hint_instead(env, t, &f, err);
	return true;
}

bool refusal_may_override(const char *name)
{
	char *list = debugfs_read("error_injection/list", NULL); /* "NAME\tERROR" */
	bool may = !list || !*list || !name || has_word(list, 0, name);

	free(list);
	return may;
}

uint64_t refusal_size(const char *name)
{
	struct symbol_facts f = { .name = name };

	read_symbols(&f);
	return f.end ? f.end - f.addr : 0;
}

/* ---- what is not there ---- */

/* Whether there is a module of that name for this kernel, to be loaded. */
static bool module_waits(const char *name, size_t len)
{
	char path[512], file[64], line[4096];
	struct utsname host;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%.*s", (int)len, name);
	if (!access(path, F_OK) || uname(&host))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", host.release);
	snprintf(file, sizeof(file), "/%.*s.ko", (int)len, name);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":")] = 0;
		found = strstr(line, file);
	}
	if (f)
		fclose(f);
	return found;
}

/*
 * Names begin with what they belong to: where nothing else begins so, what is missing is not another
 * file system's function, but the one that is not in use.
 */
static void hint_near(struct probe_env *env, const char *name, struct probe_error *err)
{
	struct near_name near = { .word = name };
	struct probe_error ignored;
	const struct function *f;
	int cnt = env_functions(env, &f, &ignored);
	size_t prefix = strcspn(name, "_");
	bool has_kin = !name[prefix] || !prefix;

	for (int i = 0; i < cnt; i++) {
		has_kin |= !strncmp(f[i].name, name, prefix + 1);
		near_name_feed(&near, f[i].name);
	}
	if (!has_kin && module_waits(name, prefix))
		env_hint(err, "The module '%.*s' is not loaded.", (int)prefix, name);
	else if (near.best && (has_kin || near.distance < 3))
		env_hint(err, "Did you mean '%s'?", near.best);
	else if (!has_kin)
		env_hint(err,
			 "Nothing in this kernel begins with '%.*s_': it may be of a module that "
			 "is not loaded.",
			 (int)prefix, name);
	else
		env_hint(err, "It may be inline: part of functions that call it, which can be "
			      "traced.");
}

bool refusal_exists(const char *name)
{
	struct symbol_facts f = { .name = name };

	read_symbols(&f);
	return f.is_code;
}

static bool is_loaded(const char *module)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !strcmp(module, "vmlinux") || !access(path, F_OK);
}

void refusal_missing(struct probe_env *env, const struct probe_target *t, struct probe_error *err)
{
	struct symbol_facts f = { .name = t->b };
	const char *type = other_type(t, false), *in;

	read_symbols(&f);
	in = *f.module ? f.module : "vmlinux";
	if (t->a && !f.is_code && !is_loaded(t->a))
		env_hint(err, "The module '%s' is not loaded.", t->a);
	else if (f.is_code && t->a && strcmp(t->a, in))
		env_hint(err, "It is in %s.", in);
	else if (f.is_code)
		env_hint(err, "BTF does not describe it; %s:%s needs none.", type, t->b);
	else if (*f.syscall)
		env_hint(err, "Did you mean '%s'?", f.syscall);
	else if (*f.variant)
		env_hint(err, "The compiler has made %s:%s of it.", type, f.variant);
	else if (f.is_data)
		env_hint(err, "It is a variable: kaddr(\"%s\") is where it lies.", t->b);
	else if (has_btf(env, t->b))
		env_hint(err, "The compiler has made it part of the functions that call it, which "
			      "can be traced.");
	else
		hint_near(env, t->b, err);
}

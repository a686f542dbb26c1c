// SPDX-License-Identifier: Apache-2.0
/*
 * uprobe and uretprobe: functions of programs and libraries. Targets: a is the file, b the symbol of
 * the function or NULL, value the offset, or the address without a function, value2 whether --unsafe
 * has taken it unchecked and whether a pattern has found it. Patterns: b what is looked for, value2 how
 * (enum pattern_kind).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/debug.h"

enum pattern_kind { BY_SYMBOL, BY_ADDRESS, BY_CPP, BY_LINE };
enum { KIND_MASK = 0xff, COLUMN_SHIFT = 8 };

/* ---- parse ---- */

static int parse_number(const char *what, const char *text, uint64_t *value, int part,
			struct probe_error *err)
{
	const char *end, *why = number_read(text, value, &end);

	if (!why && *end)
		why = "invalid trailing bytes";
	return why ? probe_fail(err, part, -EINVAL, "Invalid %s: %s: %s", what, why, text) : 0;
}

static int parse_function(struct probe_env *env, const char *text, bool is_return,
			  struct probe_target *pat, struct probe_error *err)
{
	const char *plus = strchr(text, '+');
	int rc = 0;

	if (*text >= '0' && *text <= '9') {
		pat->value2 = BY_ADDRESS;
		return parse_number("address", text, &pat->value, 2, err);
	}
	pat->b = env_strndup(env, text, plus ? (size_t)(plus - text) : strlen(text));
	if (!pat->b)
		return probe_fail_oom(err);
	if (plus && is_return)
		return probe_fail(err, 2, -EINVAL, "Offset not allowed");
	if (plus)
		rc = parse_number("offset", plus + 1, &pat->value, 2, err);
	if (!rc && plus && probe_is_glob(pat->b))
		return probe_fail(err, 2, -EINVAL,
				  "Offset not allowed with a wildcard in the function");
	return rc;
}

/* uprobe:FILE:cpp:"Ns::fn(int)": without quotes the colons have come apart. */
static int parse_cpp(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		     struct probe_target *pat, struct probe_error *err)
{
	char *name = env_strdup(env, parts[3].text);

	for (uint32_t i = 4; name && i < cnt; i++)
		name = env_printf(env, "%s:%s", name, parts[i].text);
	if (!name)
		return probe_fail_oom(err);
	if (!*name)
		return probe_fail(err, 3, -EINVAL, "cpp: should be followed by a function's name");
	pat->b = name;
	pat->value2 = BY_CPP;
	return 0;
}

/* uprobe:FILE@SOURCE:LINE[:COLUMN], unless a file's name has that '@'. */
static bool is_source(const struct probe_part *parts, uint32_t cnt)
{
	return cnt <= 4 && strrchr(parts[1].text, '@') && parts[2].text[0] >= '0' &&
	       parts[2].text[0] <= '9' && !path_exists(parts[1].text);
}

static int parse_source(struct probe_env *env, const char *type, const struct probe_part *parts,
			uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	const char *at = strrchr(parts[1].text, '@');
	uint64_t column = 0;
	int rc;

	pat->a = env_strndup(env, parts[1].text, (size_t)(at - parts[1].text));
	pat->b = env_strdup(env, at + 1);
	if (!pat->a || !pat->b)
		return probe_fail_oom(err);
	if (type[1] == 'r')
		return probe_fail(err, -1, -EINVAL,
				  "uretprobe goes to a function, not to a line of its source");
	if (!*pat->a || !*pat->b)
		return probe_fail(err, 1, -EINVAL,
				  "%s should name a program and a source file around '@'", type);
	rc = parse_number("line", parts[2].text, &pat->value, 2, err);
	if (!rc && cnt > 3)
		rc = parse_number("column", parts[3].text, &column, 3, err);
	if (!rc && (pat->value > INT32_MAX || column > INT32_MAX))
		return probe_fail(err, 2, -EINVAL, "%s: no source is that long", pat->b);
	pat->value2 = BY_LINE | column << COLUMN_SHIFT;
	return rc;
}

static int parse_as(struct probe_env *env, const char *type, const struct probe_part *parts,
		    uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	bool is_cpp = cnt > 3 && !strcmp(parts[2].text, "cpp");
	int rc;

	*pat = (struct probe_target){ 0 };
	if (!is_cpp && !(cnt > 2 && is_source(parts, cnt))) {
		rc = probe_check_parts(type, cnt, 2, 2, err);
		if (rc)
			return rc;
	}
	if (!*parts[1].text)
		return probe_fail(err, -1, -EINVAL, "%s should have a target", type);
	if (!*parts[2].text)
		return probe_fail(err, -1, -EINVAL,
				  "%s should be attached to a function or an address", type);
	pat->a = env_strdup(env, parts[1].text);
	pat->name = env_printf(env, "%s:%s", type, parts[1].text);
	for (uint32_t i = 2; pat->name && i < cnt; i++)
		pat->name = env_printf(env, "%s:%s", pat->name, parts[i].text);
	if (!pat->a || !pat->name)
		return probe_fail_oom(err);
	if (is_cpp)
		return parse_cpp(env, parts, cnt, pat, err);
	if (is_source(parts, cnt))
		return parse_source(env, type, parts, cnt, pat, err);
	return parse_function(env, parts[2].text, type[1] == 'r', pat, err);
}

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "uprobe", parts, cnt, pat, err);
}

static int parse_return(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
			struct probe_target *pat, struct probe_error *err)
{
	return parse_as(env, "uretprobe", parts, cnt, pat, err);
}

/* ---- expand ---- */

struct matching {
	struct probe_env *env;
	const char *type;
	const struct probe_target *pat;
	probe_fn fn;
	void *arg;
	struct probe_error *err;
	int cnt;
	struct elf_file *f; /* at hand, and what it is shown as */
	const char *shown;
	uint64_t *seen; /* addresses of C++ functions given so far, hashed */
	uint32_t seen_cap;
};

static bool is_pattern(const struct probe_target *pat)
{
	return probe_is_glob(pat->a) || (pat->b && probe_is_glob(pat->b));
}

/* What stands behind the file in the name. */
static int give(struct matching *m, const char *symbol, uint64_t value, const char *what)
{
	struct probe_target t = { .a = m->f->path, .b = symbol, .value = value };

	t.name = what ? env_printf(m->env, "%s:%s:%s", m->type, m->shown, what) : NULL;
	if (!t.name)
		return -ENOMEM;
	t.value2 = (m->env->opt.unsafe ? UPROBE_UNSAFE : 0) |
		   (is_pattern(m->pat) ? UPROBE_OF_PATTERN : 0);
	m->cnt++;
	return m->fn(m->arg, &t);
}

static int give_address(void *arg, uint64_t addr)
{
	struct matching *m = arg;

	return give(m, NULL, addr, env_printf(m->env, "%llu", (unsigned long long)addr));
}

static int by_address(struct matching *m)
{
	int rc = uprobe_check(m->env, m->f, m->pat->value, m->type[1] == 'r', m->err);

	return rc ?: give_address(m, m->pat->value);
}

static int by_line(struct matching *m)
{
	const struct source_place at = { m->pat->b, (int)m->pat->value,
					 (int)(m->pat->value2 >> COLUMN_SHIFT) };

	int rc = debug_lines(m->env, m->f, &at, give_address, m, m->err);

	return rc == -ENOENT ? 0 : rc; /* the hint says why */
}

static int by_offset(struct matching *m, const struct elf_symbol *s)
{
	uint64_t off = m->pat->value;
	int rc = 0;

	if (s->size && off >= s->size && !m->env->opt.unsafe)
		return probe_fail(m->err, 2, -EINVAL,
				  "Offset outside the function bounds ('%s' size is %llu)", s->name,
				  (unsigned long long)s->size);
	if (off)
		rc = uprobe_check(m->env, m->f, elf_symbol_addr(m->f, s) + off, false, m->err);
	if (rc)
		return rc;
	return give(m, s->name, off,
		    off ? env_printf(m->env, "%s+%llu", s->name, (unsigned long long)off)
			: s->name);
}

/* Constructors and destructors have several symbols at one place. */
static bool is_new(struct matching *m, uint64_t addr)
{
	uint32_t i = (uint32_t)(addr * 0x9e3779b97f4a7c15ull >> 32) % m->seen_cap;

	for (; m->seen[i]; i = (i + 1) % m->seen_cap)
		if (m->seen[i] == addr)
			return false;
	m->seen[i] = addr;
	return true;
}

static int by_cpp(struct matching *m, const struct elf_symbol *s)
{
	if (!cpp_matches(m->pat->b, s->name) || !is_new(m, s->addr))
		return 0;
	return give(m, s->name, 0, env_printf(m->env, "cpp:%s", s->name));
}

static int by_symbol(struct matching *m)
{
	const struct elf_symbol *s;
	uint32_t cnt;
	int rc = 0;

	if (m->pat->value2 == BY_SYMBOL && !probe_is_glob(m->pat->b)) {
		s = elf_symbol_find(m->env, m->f, m->pat->b);
		return s ? by_offset(m, s) : 0;
	}
	s = elf_symbols(m->env, m->f, &cnt);
	m->seen_cap = 2 * cnt + 1;
	m->seen = m->pat->value2 == BY_CPP ? calloc(m->seen_cap, sizeof(*m->seen)) : NULL;
	if (m->pat->value2 == BY_CPP && !m->seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < cnt && !rc; i++)
		if (m->pat->value2 == BY_CPP)
			rc = by_cpp(m, &s[i]);
		else if (probe_glob_match(m->pat->b, s[i].name))
			rc = give(m, s[i].name, 0, s[i].name);
	free(m->seen);
	m->seen = NULL;
	return rc;
}

static int in_file(void *arg, const char *path, const char *shown)
{
	struct matching *m = arg;
	int rc = -ENOENT;

	m->f = elf_file_get(m->env, path, m->err);
	m->shown = shown;
	if (!m->f) /* among many, some are scripts */
		return probe_is_glob(m->pat->a) ? 0 : -ENOEXEC;
	switch ((enum pattern_kind)(m->pat->value2 & KIND_MASK)) {
	case BY_ADDRESS: rc = by_address(m); break;
	case BY_LINE: rc = by_line(m); break;
	case BY_SYMBOL:
	case BY_CPP: return by_symbol(m);
	}
	/* among many, some have no such place */
	return rc < 0 && rc != -ENOMEM && probe_is_glob(m->pat->a) ? 0 : rc;
}

/* What an exact name may have meant. */
struct guess {
	struct probe_env *env;
	struct near_name near;
	const char *importer; /* a file that has it from a library */
};

static int feed_guess(void *arg, const char *path, const char *shown)
{
	struct guess *g = arg;
	struct probe_error ignored;
	struct elf_file *f = elf_file_get(g->env, path, &ignored);
	const struct elf_symbol *s;
	uint32_t cnt = 0;

	s = f ? elf_symbols(g->env, f, &cnt) : NULL;
	for (uint32_t i = 0; i < cnt; i++)
		near_name_feed(&g->near, s[i].name);
	if (f && elf_imports(f, g->near.word))
		g->importer = shown;
	return 0;
}

static void hint(struct probe_env *env, const struct probe_target *pat, struct probe_error *err)
{
	struct guess g = { env, { .word = pat->b }, NULL };

	if (paths_hint(env, pat->a, err))
		return;
	if (pat->value2 == BY_CPP)
		env_hint(err, "Names are those of the source: cpp:\"Ns::fn\", cpp:\"Ns::fn(int)\", "
			      "cpp:\"Ns::*\".");
	if (pat->value2 != BY_SYMBOL || probe_is_glob(pat->b))
		return;
	paths_match(env, pat->a, feed_guess, &g);
	if (g.importer)
		env_hint(err, "%s has it from a library: name that one, as in uprobe:libc:%s.",
			 g.importer, pat->b);
	else if (g.near.best)
		env_hint(err, "Did you mean '%s'?", g.near.best);
}

static int expand_as(struct probe_env *env, const char *type, const struct probe_target *pat,
		     probe_fn fn, void *arg, struct probe_error *err)
{
	struct matching m = {
		.env = env, .type = type, .pat = pat, .fn = fn, .arg = arg, .err = err
	};
	int rc;

	if (!env->listing && perf_type("uprobe") < 0)
		return uprobe_none(err);
	rc = paths_match(env, pat->a, in_file, &m);
	if (!rc && !probe_is_glob(pat->a))
		return paths_missing(env, type, pat->a, err);
	if (rc == -ENOMEM)
		return probe_fail_oom(err);
	if (rc < 0 || m.cnt)
		return rc < 0 ? rc : m.cnt;
	if ((pat->value2 & KIND_MASK) == BY_LINE)
		return 0; /* told already */
	probe_fail(err, -1, 0, "No matches for %s.", pat->name);
	hint(env, pat, err);
	return 0;
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	return expand_as(env, "uprobe", pat, fn, arg, err);
}

static int expand_return(struct probe_env *env, const struct probe_target *pat, probe_fn fn,
			 void *arg, struct probe_error *err)
{
	return expand_as(env, "uretprobe", pat, fn, arg, err);
}

/* All that the process of -p has mapped. */
static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	const struct probe_target all = { .name = "uprobe:*:*", .a = "*", .b = "*" };

	return env->opt.pid ? expand(env, &all, fn, arg, err) : 0;
}

/* ---- debug information ---- */

static struct Dwarf *debug(struct probe_env *env, const struct probe_target *t)
{
	struct probe_error ignored;
	struct elf_file *f = elf_file_get(env, t->a, &ignored);

	return f ? debug_of(env, f) : NULL;
}

static int args_as(struct probe_env *env, const struct probe_target *t, bool is_return,
		   struct probe_fields *out, struct probe_error *err)
{
	struct elf_file *f = elf_file_get(env, t->a, err);
	const struct elf_symbol *s = NULL;
	int rc = -ENOENT;

	if (!f)
		return rc;
	if (t->b && !t->value)
		s = elf_symbol_find(env, f, t->b);
	if (s)
		rc = debug_args(env, f, s, is_return, out, err);
	else
		probe_fail(err, -1, rc, "args are there at a function's first instruction only");
	if (rc == -ENOENT)
		env_hint(err, "%s without types.",
			 is_return ? "retval is there" : "arg0, arg1, ... are there");
	return rc;
}

static int args(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		struct probe_error *err)
{
	return args_as(env, t, false, out, err);
}

static int args_return(struct probe_env *env, const struct probe_target *t,
		       struct probe_fields *out, struct probe_error *err)
{
	return args_as(env, t, true, out, err);
}

/* ---- load and attach ---- */

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	return uprobe_load(env, cnt, false, out, err);
}

static int load_return(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		       struct probe_load *out, struct probe_error *err)
{
	return uprobe_load(env, cnt, true, out, err);
}

/* Returns of Go functions are other places than the calls, see uprobe_place.c. */
static bool session(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		    struct probe_load *out)
{
	struct probe_error ignored;

	for (uint32_t i = 0; i < cnt; i++) {
		struct elf_file *f = elf_file_get(env, targets[i].a, &ignored);

		if (!f || f->is_go)
			return false;
	}
	return env_session(env, PROBE_UPROBE_SESSION, out);
}

/* What the script names, and the kernel will not have. */
static int open_as(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		   bool is_return, struct probe_error *err)
{
	struct uprobe_places places = { 0 };
	int rc = 0;

	for (uint32_t i = 0; i < cnt && !rc; i++) {
		if (targets[i].value2 & UPROBE_OF_PATTERN)
			continue;
		err->target_no = i + 1;
		places.cnt = 0;
		rc = uprobe_place(env, &targets[i], 0, is_return, &places, err);
		rc = rc ?: uprobe_try_places(env, places.at, places.cnt, err);
	}
	free(places.at);
	return rc;
}

static int open_entry(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		      struct probe_error *err)
{
	return open_as(env, targets, cnt, false, err);
}

static int open_return(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		       struct probe_error *err)
{
	return open_as(env, targets, cnt, true, err);
}

static int attach_as(struct probe_env *env, const struct probe_attach *a, bool is_return,
		     struct probe_links *links, struct probe_error *err)
{
	struct uprobe_places places = { 0 };
	int rc = 0;

	for (uint32_t i = 0; i < a->target_cnt && !rc; i++)
		rc = uprobe_place(env, &a->targets[i], a->cookies ? a->cookies[i] : 0, is_return,
				  &places, err);
	links->note = places.note;
	rc = rc ?: uprobe_attach_places(env, a, places.at, places.cnt, links, err);
	free(places.at);
	return rc;
}

static int symbol_as(struct probe_env *env, const struct probe_target *t, bool is_return,
		     const char *name, struct probe_symbol *out, struct probe_error *err)
{
	struct uprobe_places places = { 0 };
	int rc = uprobe_place(env, t, 0, is_return, &places, err);
	bool is_one = places.cnt == 1 && places.at[0].is_return == is_return;

	rc = rc ?: uprobe_symbol(env, t->a, is_one ? places.at[0].off : 0, name, out, err);
	free(places.at);
	out->from_entry = is_return;
	return rc;
}

static int symbol(struct probe_env *env, const struct probe_target *t, const char *name,
		  struct probe_symbol *out, struct probe_error *err)
{
	return symbol_as(env, t, false, name, out, err);
}

static int symbol_return(struct probe_env *env, const struct probe_target *t, const char *name,
			 struct probe_symbol *out, struct probe_error *err)
{
	return symbol_as(env, t, true, name, out, err);
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	return attach_as(env, a, false, links, err);
}

static int attach_return(struct probe_env *env, const struct probe_attach *a,
			 struct probe_links *links, struct probe_error *err)
{
	return attach_as(env, a, true, links, err);
}

const struct probe_type probe_uprobe = {
	.name = "uprobe",
	.aliases = { "u" },
	.help = "uprobe:FILE:FUNCTION[+OFFSET]: a function of a program or library is called",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_USER_MEMORY | PROBE_ONE_MEMORY |
		 PROBE_FUNCTIONS | PROBE_UNGUARDED,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse,
	.expand = expand,
	.list = list,
	.args = args,
	.debug = debug,
	.arg = regs_arg,
	.context = regs_context,
	.symbol = symbol,
	.open = open_entry,
	.load = load,
	.attach = attach,
};

const struct probe_type probe_uretprobe = {
	.name = "uretprobe",
	.aliases = { "ur" },
	.help = "uretprobe:FILE:FUNCTION: a function of a program or library returns",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_USER_MEMORY | PROBE_ONE_MEMORY |
		 PROBE_FUNCTIONS | PROBE_TYPED_RETVAL | PROBE_UNGUARDED,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse_return,
	.expand = expand_return,
	.args = args_return,
	.debug = debug,
	.arg = regs_retval,
	.context = regs_context,
	.symbol = symbol_return,
	.open = open_return,
	.load = load_return,
	.calls = &probe_uprobe,
	.session_least = 1,
	.session = session,
	.attach = attach_return,
};

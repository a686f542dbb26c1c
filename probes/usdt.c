// SPDX-License-Identifier: Apache-2.0
/*
 * usdt: probes that a program's author put into it, told by notes in its file (.note.stapsdt, as
 * <sys/sdt.h> writes them). Targets: a is the file, b the provider, c the arguments, value tells
 * where the probe's name begins in the target's. A probe may be in several places of the file: those
 * with the same arguments are one target, so that a program is generated for each way in which the
 * arguments are passed. Semaphores, which tell the program that somebody looks, are counted up and
 * down by the kernel (4.20) in all processes, those to come included.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "probes/usdt.h"

enum { NOTE_STAPSDT = 3 };

/* ---- notes ---- */

struct reading {
	struct probe_env *env;
	struct elf_file *f;
	Elf *elf;
	uint64_t base; /* address of .stapsdt.base, 0: none */
	uint32_t cap;
};

static int add_site(struct reading *r, const struct usdt_site *site)
{
	struct elf_file *f = r->f;

	if (f->site_cnt == r->cap) {
		uint32_t cap = r->cap ? r->cap * 4 : 64;
		struct usdt_site *grown = env_alloc(r->env, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (f->site_cnt)
			memcpy(grown, f->sites, f->site_cnt * sizeof(*grown));
		f->sites = grown;
		r->cap = cap;
	}
	f->sites[f->site_cnt++] = *site;
	return 0;
}

/* The address of a variable; 0: unknown. */
static uint64_t variable(const struct reading *r, const char *name, size_t len)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Sym sym;

	while ((scn = elf_nextscn(r->elf, scn))) {
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) ||
		    (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM))
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
			const char *s = elf_strptr(r->elf, sh.sh_link, sym.st_name);

			if (s && sym.st_shndx != SHN_UNDEF && !strncmp(s, name, len) && !s[len])
				return sym.st_value;
		}
	}
	return 0;
}

/* "4@counter+8(%rip)", as the assembler wrote it, to the distance from the probe. */
static int resolve_names(struct reading *r, uint64_t at, const char **args)
{
	static const char rip[] = "(%rip)";
	const char *end, *name, *plus;
	uint64_t addr;

	while ((end = strstr(*args, rip))) {
		for (name = end; name > *args && name[-1] != '@' && name[-1] != ' ';)
			name--;
		plus = name + strcspn(name, "+-(");
		if (plus == name) /* it has become a number already */
			return 0;
		addr = variable(r, name, (size_t)(plus - name));
		if (!addr)
			return 0; /* an operand that is not understood */
		addr += (uint64_t)strtoll(*plus == '+' ? plus + 1 : plus, NULL, 0) - at;
		*args = env_printf(r->env, "%.*s%lld(%%ip)%s", (int)(name - *args), *args,
				   (long long)addr, end + strlen(rip));
		if (!*args)
			return -ENOMEM;
	}
	return 0;
}

/* Three addresses, then three strings. A note that makes no sense is left out. */
static int read_note(struct reading *r, const char *desc, size_t sz)
{
	const char *text = desc + 24, *end = desc + sz, *part[3];
	struct usdt_site site;
	uint64_t addr[3], moved;

	if (sz < 27)
		return 0;
	memcpy(addr, desc, sizeof(addr));
	for (int i = 0; i < 3; i++) {
		size_t len = strnlen(text, (size_t)(end - text));

		if (text + len >= end)
			return 0;
		part[i] = text; /* mapped for as long as env */
		text += len + 1;
	}
	/* prelink moves code but not notes */
	moved = r->base && addr[1] ? r->base - addr[1] : 0;
	if (resolve_names(r, addr[0] + moved, &part[2]))
		return -ENOMEM;
	site = (struct usdt_site){
		.provider = part[0],
		.name = part[1],
		.args = part[2],
		.off = elf_file_offset(r->f, addr[0] + moved),
		.ref_ctr = addr[2] ? elf_file_offset(r->f, addr[2] + moved) : 0,
	};
	return site.off ? add_site(r, &site) : 0;
}

static int read_section(struct reading *r, Elf_Scn *scn)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t off = 0, next, name, desc;
	GElf_Nhdr n;
	int rc = 0;

	for (; data && !rc && (next = gelf_getnote(data, off, &n, &name, &desc)) > 0; off = next) {
		const char *bytes = data->d_buf;

		if (n.n_type == NOTE_STAPSDT && n.n_namesz == 8 &&
		    !memcmp(bytes + name, "stapsdt", 8))
			rc = read_note(r, bytes + desc, n.n_descsz);
	}
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct usdt_site *x = a, *y = b;
	int c = strcmp(x->provider, y->provider);

	c = c ?: strcmp(x->name, y->name);
	c = c ?: strcmp(x->args, y->args);
	return c ?: (x->off > y->off) - (x->off < y->off);
}

static int read_sites(struct reading *r)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;
	int rc = 0;

	if (elf_getshdrstrndx(r->elf, &names))
		return -ENOEXEC;
	while ((scn = elf_nextscn(r->elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(r->elf, names, sh.sh_name);
		if (name && !strcmp(name, ".stapsdt.base"))
			r->base = sh.sh_addr;
	}
	while (!rc && (scn = elf_nextscn(r->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_NOTE)
			rc = read_section(r, scn);
	if (r->f->site_cnt)
		qsort(r->f->sites, r->f->site_cnt, sizeof(*r->f->sites), compare);
	return rc;
}

/* The file with its sites; NULL and err. */
static struct elf_file *get_file(struct probe_env *env, const char *path, struct probe_error *err)
{
	struct reading r = { .env = env, .f = elf_file_get(env, path, err) };
	int rc;

	if (!r.f || r.f->sites)
		return r.f;
	r.elf = r.f->elf;
	rc = read_sites(&r);
	if (!rc && !r.f->sites) {
		r.f->sites = env_alloc(env, sizeof(*r.f->sites)); /* read, and there are none */
		rc = r.f->sites ? 0 : -ENOMEM;
	}
	if (!rc)
		return r.f;
	probe_fail(err, -1, rc, "%s: %s", path,
		   rc == -ENOMEM ? "out of memory" : "its notes can not be read");
	return NULL;
}

/* ---- parse and expand ---- */

static int parse(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		 struct probe_target *pat, struct probe_error *err)
{
	const char *provider;
	int rc = probe_check_parts("usdt", cnt, 2, 3, err);

	*pat = (struct probe_target){ 0 };
	if (rc)
		return rc;
	if (!*parts[1].text || !*parts[cnt - 1].text)
		return probe_fail(err, -1, -EINVAL, "usdt probe must have a target");
	provider = cnt == 4 ? parts[2].text : "*";
	pat->a = env_strdup(env, parts[1].text);
	pat->b = env_strdup(env, provider);
	pat->c = env_strdup(env, parts[cnt - 1].text);
	pat->name = cnt == 4 ? env_printf(env, "usdt:%s:%s:%s", pat->a, provider, pat->c)
			     : env_printf(env, "usdt:%s:%s", pat->a, pat->c);
	return pat->a && pat->b && pat->c && pat->name ? 0 : probe_fail_oom(err);
}

struct matching {
	struct probe_env *env;
	const struct probe_target *pat;
	probe_fn fn;
	void *arg;
	struct probe_error *err;
	struct near_name near;
	const char *provider; /* one that has a probe of that name */
	int cnt;
};

static int give(struct matching *m, const struct elf_file *f, const char *shown,
		const struct usdt_site *s)
{
	struct probe_target t = { .a = f->path, .b = s->provider, .c = s->args };

	t.name = env_printf(m->env, "usdt:%s:%s:%s", shown, s->provider, s->name);
	if (!t.name)
		return -ENOMEM;
	t.value = strlen(t.name) - strlen(s->name);
	m->cnt++;
	return m->fn(m->arg, &t);
}

static bool same_probe(const struct usdt_site *a, const struct usdt_site *b, bool with_args)
{
	return !strcmp(a->provider, b->provider) && !strcmp(a->name, b->name) &&
	       (!with_args || !strcmp(a->args, b->args));
}

static int in_file(void *arg, const char *path, const char *shown)
{
	struct matching *m = arg;
	struct elf_file *f = get_file(m->env, path, m->err);
	int rc = 0;

	if (!f)
		return probe_is_glob(m->pat->a) ? 0 : -ENOEXEC;
	for (uint32_t i = 0; i < f->site_cnt && !rc; i++) {
		const struct usdt_site *s = &f->sites[i];

		near_name_feed(&m->near, s->name);
		if (!strcmp(s->name, m->pat->c))
			m->provider = s->provider;
		if (i && same_probe(s - 1, s, !m->env->listing))
			continue;
		if (probe_glob_match(m->pat->b, s->provider) &&
		    probe_glob_match(m->pat->c, s->name))
			rc = give(m, f, shown, s);
	}
	return rc;
}

static int expand(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		  struct probe_error *err)
{
	struct matching m = {
		.env = env, .pat = pat, .fn = fn, .arg = arg, .err = err, .near.word = pat->c
	};
	int rc = paths_match(env, pat->a, in_file, &m);

	if (!rc && !probe_is_glob(pat->a))
		return paths_missing(env, "usdt", pat->a, err);
	if (rc == -ENOMEM)
		return probe_fail_oom(err);
	if (rc < 0 || m.cnt)
		return rc < 0 ? rc : m.cnt;
	probe_fail(err, -1, 0, "No matches for %s.", pat->name);
	if (paths_hint(env, pat->a, err))
		return 0;
	if (m.provider)
		env_hint(err, "The provider of '%s' is '%s'.", pat->c, m.provider);
	else if (m.near.best)
		env_hint(err, "Did you mean '%s'?", m.near.best);
	return 0;
}

/* All that the process of -p has mapped. */
static int list(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err)
{
	const struct probe_target all = { .name = "usdt:*:*", .a = "*", .b = "*", .c = "*" };

	return env->opt.pid ? expand(env, &all, fn, arg, err) : 0;
}

static int arg(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err)
{
	int rc = usdt_arg(t->c, n, out);

	if (rc == -ENOENT && n != PROBE_ARG_RETVAL)
		return probe_fail(err, -1, rc, "%s has no arg%d", t->name, n);
	if (rc == -EINVAL)
		return probe_fail(err, -1, -ENOENT, "arg%d of %s is not understood: %s", n, t->name,
				  t->c);
	return rc;
}

/* ---- load and attach ---- */

struct places {
	struct uprobe_place *at;
	uint32_t cnt;
};

static int places_of(struct probe_env *env, const struct probe_target *t, uint64_t cookie,
		     struct places *p, struct probe_error *err)
{
	const struct elf_file *f = get_file(env, t->a, err);
	/* an image keeps no empty string */
	struct usdt_site want = { t->b, t->name + t->value, t->c ?: "", 0, 0 };
	struct uprobe_place *grown;
	uint32_t before = p->cnt;

	if (!f)
		return -ENOENT;
	grown = realloc(p->at, (p->cnt + f->site_cnt + 1) * sizeof(*grown));
	if (!grown)
		return probe_fail_oom(err);
	p->at = grown;
	for (uint32_t i = 0; i < f->site_cnt; i++) {
		const struct usdt_site *s = &f->sites[i];

		if (same_probe(s, &want, true))
			p->at[p->cnt++] = (struct uprobe_place){
				.path = f->open_as,
				.off = s->off,
				.ref_ctr = s->ref_ctr,
				.cookie = cookie,
				.t = t,
			};
	}
	return p->cnt > before ? 0 : probe_fail(err, -1, -ENOENT, "No matches for %s.", t->name);
}

static int all_places(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		      const uint64_t *cookies, struct places *p, struct probe_error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < cnt && !rc; i++)
		rc = places_of(env, &targets[i], cookies ? cookies[i] : 0, p, err);
	return rc;
}

static int load(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		struct probe_load *out, struct probe_error *err)
{
	struct places p = { 0 };
	int rc = all_places(env, targets, cnt, NULL, &p, err);

	rc = rc ?: uprobe_load(env, p.cnt, false, out, err);
	free(p.at);
	return rc;
}

static int symbol(struct probe_env *env, const struct probe_target *t, const char *name,
		  struct probe_symbol *out, struct probe_error *err)
{
	struct places p = { 0 };
	int rc = places_of(env, t, 0, &p, err);

	rc = rc ?: uprobe_symbol(env, t->a, p.cnt == 1 ? p.at[0].off : 0, name, out, err);
	free(p.at);
	return rc;
}

static int attach(struct probe_env *env, const struct probe_attach *a, struct probe_links *links,
		  struct probe_error *err)
{
	struct places p = { 0 };
	int rc = all_places(env, a->targets, a->target_cnt, a->cookies, &p, err);

	rc = rc ?: uprobe_attach_places(env, a, p.at, p.cnt, links, err);
	free(p.at);
	return rc;
}

const struct probe_type probe_usdt = {
	.name = "usdt",
	.aliases = { "U" },
	.help = "usdt:FILE:[PROVIDER:]NAME: a probe that a program's author put into it",
	.flags = PROBE_WILDCARDS | PROBE_LISTS_PATTERN | PROBE_USER_MEMORY | PROBE_ONE_MEMORY |
		 PROBE_UNGUARDED,
	.args_kind = PROBE_ARGS_REGS,
	.section = "kprobe",
	.parse = parse,
	.expand = expand,
	.list = list,
	.arg = arg,
	.context = regs_context,
	.symbol = symbol,
	.load = load,
	.attach = attach,
};

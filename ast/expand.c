/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach points to targets. A probe ends with targets of one probe type; when its code looks at
 * args also of one args layout, of the fields that it uses, and the same for argN and retval.
 * Otherwise it is cloned: one probe per type and layout, each with all its targets, so that a
 * wildcard costs as few programs as it can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ast/builtins.h"
#include "ast/ctype.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "ast/wants.h"

/*
 * A target named twice by one probe counts twice, but one program cannot sit on it twice: the second
 * goes to another group.
 */
struct seen {
	struct seen_name {
		const char *text; /* NULL: the slot is free */
		uint32_t hash;
	} * at;
	uint32_t cnt, cap; /* the latter is a power of two, or 0 */
};

/* Where arg0 to arg9 and retval are, of those that the code uses. */
struct words {
	struct probe_arg at[PROBE_ARGS_MAX + 1];
};

/* Targets that one program can serve. */
struct group {
	const struct probe_type *ptype;
	const struct type *args;
	const char *context; /* "": not asked for */
	struct words words;
	struct node *attaches, **tail;
	struct seen seen; /* names of its targets */
	struct group *next;
};

struct expansion {
	struct unit *u;
	struct group *groups, **tail;
	/* Of the probe at hand. */
	bool is_single; /* it has one attach point */
	struct wants wants;
	/* Of the attach point at hand. */
	struct node *attach;
	const struct probe_type *ptype;
	bool is_wild, failed;
	uint64_t target_cnt; /* of the whole program */
};

static int first_name(void *arg, const struct probe_type *type, const struct probe_target *t)
{
	*(const char **)arg = t->name;
	return 1;
}

/* Parts of a name were left out, at its front: "sys_enter_openat" is a tracepoint of syscalls. */
static bool hint_elsewhere(struct unit *u, struct diag *d, const struct node *attach,
			   const struct probe_type *type)
{
	const char *front = type ? type->name : "*", *rest = "", *found = NULL;
	struct probe_error err;

	for (uint32_t i = type != NULL; i < attach->attach.part_cnt; i++)
		rest = arena_printf(u->arena, "%s:%s", rest, attach->attach.parts[i].text);
	if (strpbrk(rest, "/*[") || !rest[0] || !rest[1])
		return false;
	probe_list(u->env, arena_printf(u->arena, "%s%s", front, rest), first_name, &found, &err);
	if (!found)
		probe_list(u->env, arena_printf(u->arena, "%s:*%s", front, rest), first_name,
			   &found, &err);
	if (found)
		diag_hint(d, "Did you mean '%s'?", found);
	return found;
}

/* "$N" in an attach point is nothing when the command line gives none. */
static void hint_param(struct unit *u, struct diag *d, const char *raw)
{
	const char *at = strchr(raw, '$');
	unsigned long n = at ? strtoul(at + 1, NULL, 10) : 0;

	if (n > u->opt->param_cnt)
		diag_hint(d, "The program needs an argument that was not given: $%lu", n);
}

static void attach_error(struct expansion *x, const struct probe_error *err)
{
	const struct node *a = x->attach;
	struct span sp = a->span;
	struct diag *d;

	if (err->part >= 0 && (uint32_t)err->part < a->attach.part_cnt &&
	    a->attach.parts[err->part].span.from)
		sp = a->attach.parts[err->part].span;
	d = diag(x->u->diags, sp, D_ATTACH, err->text);
	if (err->hint[0])
		diag_hint(d, "%s", err->hint);
	else if (!(err->part < 0 && x->ptype->flags & PROBE_LISTED &&
		   hint_elsewhere(x->u, d, a, x->ptype)) &&
		 err->is_form)
		diag_hint(d, "%s", x->ptype->help);
	hint_param(x->u, d, a->attach.raw);
	x->failed = true;
}

/* ---- args of a target to a struct type ---- */

/* An enum, where the kernel's BTF has it with the size of the record; else NULL. */
static const struct type *enum_type(struct expansion *x, const struct probe_field *f)
{
	const struct type *t;

	if (strncmp(f->ctype, "enum ", 5) || strpbrk(f->ctype, "*[") ||
	    !wants_field(&x->wants, f->name))
		return NULL;
	t = ctypes_find(x->u->ctypes, f->ctype);
	return t && t->kind == V_ENUM && t->size == f->size ? t : NULL;
}

/*
 * "sockptr_t", "const kuid_t *": what only the kernel's BTF knows, which is opened for the fields that
 * the code looks at. NULL: it is not known there either.
 */
static const struct type *typedef_type(struct expansion *x, const struct probe_field *f)
{
	struct unit *u = x->u;
	const char *name = strncmp(f->ctype, "const ", 6) ? f->ctype : f->ctype + 6, *stars;
	const struct type *t;

	stars = name + strcspn(name, " *[");
	if (!wants_field(&x->wants, f->name) || strspn(stars, " *") != strlen(stars))
		return NULL;
	t = ctypes_find(u->ctypes, arena_printf(u->arena, "%.*s", (int)(stars - name), name));
	for (; t && *stars; stars++)
		if (*stars == '*')
			t = type_ptr(u->types, t, f->user_ptr ? AS_USER : AS_KERNEL);
	return t && t->size == f->size ? t : NULL;
}

/* By its text and its size in the record. */
static const struct type *text_type(struct expansion *x, const struct probe_field *f)
{
	struct unit *u = x->u;
	enum addr_space as = f->user_ptr ? AS_USER : AS_KERNEL;
	const struct type *t = ctype_parse(u->types, u->arena, f->ctype, as);
	bool is_word = f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8;
	const struct type *e = f->loc == LOC_PLAIN ? enum_type(x, f) : NULL;

	if (e)
		return e;
	if (f->loc == LOC_DATA_LOC || f->loc == LOC_REL_LOC) {
		const struct type *elem = t && t->kind == V_ARRAY ? t->elem : t;

		if (elem && !strstr(f->ctype, "char"))
			return type_array(u->types, elem, 0);
		return type_string(u->types, setting_text_size(u->settings));
	}
	t = t ?: typedef_type(x, f);
	/* The size in the record is what counts: u32 in one kernel may be int[1] in the next. */
	if (t && t->kind == V_ARRAY && t->elem->kind == V_INT && t->elem->size == 1 &&
	    strstr(f->ctype, "char"))
		return type_string(u->types, f->size);
	if (t && t->kind == V_INT && f->size > t->size && f->size % t->size == 0) {
		if (strstr(f->ctype, "char"))
			return type_string(u->types, f->size);
		return type_array(u->types, t, f->size / t->size);
	}
	if (t && t->kind == V_INT && is_word)
		return type_int(u->types, f->size, f->is_signed);
	if (t && t->size == f->size)
		return t;
	if (!t && f->size == 8 && strchr(f->ctype, '*'))
		return type_ptr(u->types, type_void(u->types), as);
	if (is_word)
		return type_int(u->types, f->size, f->is_signed);
	return type_array(u->types, type_int(u->types, 1, false), f->size);
}

static struct type_field field_of(struct expansion *x, const struct probe_target *target,
				  const struct probe_field *f)
{
	struct type_field to = { .name = f->name, .off = f->off, .loc = f->loc, .disp = f->disp };

	to.type = f->die ? ctypes_of_die(x->u->ctypes, x->ptype, target, f->die) : text_type(x, f);
	memcpy(to.reg, f->reg, sizeof(to.reg));
	return to;
}

/* That of several functions is a number: one probe is to stay one program. */
static bool types_retval(const struct expansion *x)
{
	return x->wants.retval_type && !x->is_wild && x->is_single;
}

static const struct type *args_type(struct expansion *x, const struct probe_target *target)
{
	struct unit *u = x->u;
	struct probe_fields pf = { 0 };
	struct probe_error err = { .part = -1 };
	struct type_field *f;
	uint32_t cnt = 0, size = 0;

	if (x->ptype->args_kind == PROBE_ARGS_NONE || !x->ptype->args)
		return NULL;
	if (!x->wants.args && !(x->ptype->flags & PROBE_TYPED_RETVAL && types_retval(x)))
		return NULL;
	if (x->ptype->args(u->env, target, &pf, &err)) {
		if (!x->wants.args)
			return NULL; /* a retval of unknown type is a number */
		attach_error(x, &err);
		return type_plain(u->types, V_NONE);
	}
	f = arena_array_of(u->arena, struct type_field, pf.cnt + 1);
	for (uint32_t i = 0; i < pf.cnt; i++) {
		if (x->is_wild && !wants_field(&x->wants, pf.fields[i].name))
			continue;
		f[cnt++] = field_of(x, target, &pf.fields[i]);
		if (size < pf.fields[i].off + pf.fields[i].size)
			size = pf.fields[i].off + pf.fields[i].size;
	}
	/* what a pattern finds is alike where the fields that are used are */
	return type_struct(u->types, V_STRUCT, NULL, x->is_wild ? size : pf.size, 8, f, cnt);
}

/* ---- targets to groups ---- */

/* The slot of a name, or that where it belongs. */
static struct seen_name *name_slot(const struct seen *s, const char *name, uint32_t hash)
{
	uint32_t i = hash;

	for (;; i++) {
		struct seen_name *n = &s->at[i & (s->cap - 1)];

		if (!n->text || (n->hash == hash && !strcmp(n->text, name)))
			return n;
	}
}

static void seen_grow(struct arena *a, struct seen *s)
{
	struct seen old = *s;

	s->cap = old.cap ? 2 * old.cap : 16;
	s->at = arena_array_of(a, struct seen_name, s->cap);
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.at[i].text)
			*name_slot(s, old.at[i].text, old.at[i].hash) = old.at[i];
}

/* False: the group has it already. */
static bool group_note(struct arena *a, struct group *g, const char *name)
{
	struct seen *s = &g->seen;
	struct seen_name *n;
	uint32_t hash = 2166136261u;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	hash ^= hash >> 15;
	if (2 * s->cnt >= s->cap)
		seen_grow(a, s);
	n = name_slot(s, name, hash);
	if (n->text)
		return false;
	*n = (struct seen_name){ name, hash };
	s->cnt++;
	return true;
}

/* What cannot be found is infer's to tell. */
static struct words words_of(const struct expansion *x, const struct probe_target *target)
{
	struct probe_error err = { .part = -1 };
	struct words w;

	memset(&w, 0, sizeof(w));
	for (int i = 0; x->ptype->arg && i <= PROBE_ARGS_MAX; i++)
		if (x->wants.words & 1u << i &&
		    x->ptype->arg(target, i < PROBE_ARGS_MAX ? i : PROBE_ARG_RETVAL, &w.at[i],
				  &err))
			memset(&w.at[i], 0, sizeof(w.at[i]));
	return w;
}

/* What ctx points to. What has no type is infer's to tell. */
static const char *context_of(const struct expansion *x, const struct probe_target *target)
{
	const char *name = NULL;

	if (x->wants.ctx && x->ptype->context)
		name = x->ptype->context(x->u->env, target);
	return name ?: "";
}

static struct group *group_get(struct expansion *x, const struct type *args, const struct words *w,
			       const struct probe_target *target)
{
	const char *context = context_of(x, target), *name = target->name;
	struct group *g;

	/* distances to what uaddr() names are from one place */
	for (g = x->wants.uaddr ? NULL : x->groups; g; g = g->next)
		if (g->ptype == x->ptype && g->args == args && !strcmp(g->context, context) &&
		    !memcmp(&g->words, w, sizeof(*w)) && group_note(x->u->arena, g, name))
			return g;
	g = arena_new_of(x->u->arena, struct group);
	g->ptype = x->ptype;
	g->args = args;
	g->context = context;
	g->words = *w;
	g->tail = &g->attaches;
	*x->tail = g;
	x->tail = &g->next;
	group_note(x->u->arena, g, name);
	return g;
}

static int add_target(void *arg, const struct probe_target *target)
{
	struct expansion *x = arg;
	struct words w = words_of(x, target);
	struct group *g;
	struct node *n;

	g = group_get(x, args_type(x, target), &w, target);
	n = node_new(x->u->arena, N_ATTACH, x->attach->span);
	n->attach = x->attach->attach;
	n->attach.target = arena_new_of(x->u->arena, struct probe_target);
	*n->attach.target = *target;
	*g->tail = n;
	g->tail = &n->next;
	x->target_cnt++;
	return x->failed;
}

/* ---- attach points ---- */

/* Probe types of the language that have no file in probes/ yet, to tell them from misspelt ones. */
static const char later_types[] = "asyncwatchpoint|aw";

static const struct probe_type *type_of_attach(struct unit *u, const struct node *attach)
{
	const struct attach_part *part = &attach->attach.parts[0];
	const struct probe_type *t = probe_type_find(part->text);
	const struct probe_type *const *all;
	struct span sp = part->span.from ? part->span : attach->span;
	struct nearest near;
	struct diag *d;
	uint32_t cnt;

	if (t)
		return t;
	if (words_find(later_types, part->text) >= 0) {
		diag(u->diags, sp, D_NOT_AVAILABLE,
		     arena_printf(u->arena, "'%s' probes are", part->text));
		return NULL;
	}
	d = diag(u->diags, sp, D_PROBE_TYPE, part->text);
	all = probe_types(&cnt);
	nearest_init(&near, part->text);
	for (uint32_t i = 0; i < cnt; i++)
		nearest_feed(&near, all[i]->name);
	if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
	else
		hint_elsewhere(u, d, attach, NULL);
	return NULL;
}

static void no_match(struct expansion *x, const struct probe_part *parts, uint32_t cnt,
		     const struct probe_error *err)
{
	uint64_t mode = setting_num(x->u->settings, SETTING_missing_probes);
	const char *rest = "";
	struct diag *d;

	for (uint32_t i = 1; i < cnt; i++)
		rest = arena_printf(x->u->arena, "%s%s%s", rest, i > 1 ? ":" : "", parts[i].text);
	if (mode == MISSING_IGNORE)
		return;
	if (mode == MISSING_WARN) {
		diag(x->u->diags, x->attach->span, D_NO_MATCH_SKIPPED, x->ptype->name, rest);
		return;
	}
	x->failed = true;
	d = diag(x->u->diags, x->attach->span, D_NO_MATCH, x->ptype->name, rest);
	if (err->hint[0])
		diag_hint(d, "%s", err->hint);
}

static bool may_miss(const struct expansion *x)
{
	return setting_num(x->u->settings, SETTING_missing_probes) != MISSING_ERROR;
}

static void expand_attach(struct expansion *x, struct node *attach)
{
	struct unit *u = x->u;
	uint32_t cnt = attach->attach.part_cnt;
	struct probe_part *parts = arena_array_of(u->arena, struct probe_part, cnt);
	struct probe_error err = { .part = -1 };
	struct probe_target pat = { 0 };
	int matches;

	x->attach = attach;
	x->ptype = type_of_attach(u, attach);
	if (!x->ptype) {
		x->failed = true;
		return;
	}
	x->is_wild = false;
	for (uint32_t i = 0; i < cnt; i++) {
		parts[i].text = attach->attach.parts[i].text;
		parts[i].quoted = attach->attach.parts[i].quoted;
		x->is_wild |= i && probe_is_glob(parts[i].text);
	}
	if (x->ptype->parse(u->env, parts, cnt, &pat, &err)) {
		attach_error(x, &err);
		return;
	}
	matches = x->ptype->expand ? x->ptype->expand(u->env, &pat, add_target, x, &err)
				   : (add_target(x, &pat), 1);
	/* a kernel without that kind of probe is one more way to miss it */
	if (matches == 0 || matches == -ENOENT || (matches == -EOPNOTSUPP && may_miss(x)))
		no_match(x, parts, cnt, &err);
	else if (matches < 0)
		attach_error(x, &err);
}

/* ---- probes ---- */

/* The first group takes the probe as it stands, the others copies, chained after it. */
static struct node *deal_out(struct expansion *x, struct node *probe)
{
	struct node *last = probe;

	for (struct group *g = x->groups; g; g = g->next) {
		struct node *p = probe;

		if (g != x->groups) {
			p = node_clone(x->u->arena, probe);
			p->next = last->next;
			last->next = p;
		}
		p->probe.ptype = g->ptype;
		p->probe.args = g->args;
		last = p;
	}
	last = probe;
	for (struct group *g = x->groups; g; g = g->next, last = last->next)
		last->probe.attaches = g->attaches;
	return probe;
}

/* Whether the probe keeps a place in the program. */
static bool expand_probe(struct expansion *x, struct node *probe)
{
	x->groups = NULL;
	x->tail = &x->groups;
	x->failed = false;
	x->is_single = !probe->probe.attaches->next;
	wants_of(x->u, probe, &x->wants);
	for (struct node *a = probe->probe.attaches; a; a = a->next)
		expand_attach(x, a);
	if (x->groups) {
		deal_out(x, probe);
		return true;
	}
	if (!x->failed && setting_num(x->u->settings, SETTING_missing_probes) != MISSING_IGNORE)
		diag(x->u->diags, probe->probe.attaches->span, D_PROBE_REMOVED);
	return x->failed; /* its code is still checked */
}

/* Needs: the tree, settings. Gives: no macros; probes with type, args and concrete targets. */
int expand(struct unit *u)
{
	struct expansion x = { .u = u };
	uint64_t max = setting_num(u->settings, SETTING_max_probes);
	struct node **at = &u->program->program.items;
	uint32_t idx = 0;
	int err = expand_macros(u);

	if (err)
		return err;
	while (*at) {
		struct node *n = *at, *end = n->next;

		if (n->kind == N_PROBE && !expand_probe(&x, n)) {
			*at = end;
			continue;
		}
		for (; n != end; n = n->next) {
			if (n->kind == N_PROBE)
				n->probe.idx = idx++;
			at = &n->next;
		}
	}
	if (x.target_cnt > max)
		diag_hint(diag(u->diags, SPAN_NONE, D_MAX_PROBES, (unsigned long long)x.target_cnt,
			       (unsigned long long)max),
			  "The limit is the config variable max_probes, or TRACE_MAX_PROBES.");
	return 0;
}

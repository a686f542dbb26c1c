// SPDX-License-Identifier: Apache-2.0
/*
 * The stacks that programs have sent, by id. A user frame is settled when it arrives: what it lay in
 * is kept with it. Names are looked up when they are printed.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/elfsyms.h"
#include "runtime/ksources.h"
#include "runtime/ksyms.h"
#include "runtime/load.h"
#include "runtime/symbols.h"
#include "runtime/ufiles.h"
#include "runtime/usyms.h"

struct frame {
	uint64_t ip;
	const struct umap *map; /* user frames; NULL: unknown */
};

struct stack {
	uint64_t id;
	uint32_t tgid, cnt;
	bool kept; /* something refers to it; until the sweep */
	bool doomed; /* its mark has been taken away */
	struct stack *next; /* in its bucket */
	struct frame frames[];
};

struct symbols {
	const struct image *img;
	struct ksyms *ksyms;
	struct ksources *ksources;
	struct ufiles *ufiles;
	struct usyms *usyms;
	bool lines;
	struct stack **buckets;
	size_t bucket_cnt, stack_cnt; /* bucket_cnt: a power of two */
	size_t fresh_sz; /* bytes of stacks since the last sweep */
	int marks_fd; /* -1: none */
	uint64_t clashes; /* different stacks of one id */
};

enum {
	FIRST_BUCKETS = 1024,
	CROWD_SZ = 128 << 20, /* a quarter of a million stacks of 30 frames */
};

struct symbols *symbols_new(const struct image *img, const char *dirs)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->marks_fd = -1;
	s->img = img;
	s->lines = image_setting_num(img, "show_debug_info", 1);
	s->bucket_cnt = FIRST_BUCKETS;
	s->buckets = calloc(s->bucket_cnt, sizeof(*s->buckets));
	s->ksyms = ksyms_new(NULL);
	s->ksources = s->ksyms ? ksources_new(dirs, s->ksyms) : NULL;
	s->ufiles = ufiles_new(dirs, image_setting_num(img, "cpp_demangle", 1));
	s->usyms = s->ufiles ? usyms_new(s->ufiles) : NULL;
	if (s->buckets && s->ksyms && s->ksources && s->usyms)
		return s;
	symbols_free(s);
	return NULL;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->buckets && i < s->bucket_cnt; i++) {
		for (struct stack *st = s->buckets[i], *next; st; st = next) {
			next = st->next;
			free(st);
		}
	}
	free(s->buckets);
	ksources_free(s->ksources);
	ksyms_free(s->ksyms);
	usyms_free(s->usyms);
	ufiles_free(s->ufiles);
	free(s);
}

static bool has_user_code(const struct image *img)
{
	for (uint32_t i = 0; i < img->types_cnt; i++)
		if (img->types[i].kind == V_USTACK || img->types[i].kind == V_USYM)
			return true;
	return false;
}

struct ufiles *symbols_files(struct symbols *s)
{
	return s->ufiles;
}

int symbols_follow(struct symbols *s, uint32_t tgid, bool closely)
{
	int fd;

	if (!has_user_code(s->img))
		return -ENOENT;
	fd = closely ? usyms_follow_closely(s->usyms) : usyms_follow(s->usyms);
	if (tgid) /* it may be gone, or be another program, when its first stack is read */
		usyms_learn(s->usyms, tgid, 0);
	return fd;
}

void symbols_advance(struct symbols *s, uint64_t ns)
{
	usyms_advance(s->usyms, ns);
}

/* ---- stacks ---- */

static struct stack *find(const struct symbols *s, uint64_t id)
{
	struct stack *st = s->buckets[id & (s->bucket_cnt - 1)];

	while (st && st->id != id)
		st = st->next;
	return st;
}

/* More buckets when there is a stack for each; staying as they are is only slower. */
static void grow(struct symbols *s)
{
	size_t cnt = s->bucket_cnt * 2;
	struct stack **more;

	if (s->stack_cnt < s->bucket_cnt)
		return;
	more = calloc(cnt, sizeof(*more));
	if (!more)
		return;
	for (size_t i = 0; i < s->bucket_cnt; i++) {
		for (struct stack *st = s->buckets[i], *next; st; st = next) {
			next = st->next;
			st->next = more[st->id & (cnt - 1)];
			more[st->id & (cnt - 1)] = st;
		}
	}
	free(s->buckets);
	s->buckets = more;
	s->bucket_cnt = cnt;
}

static bool same(const struct stack *st, const struct event_stack *es, const char *ips)
{
	uint64_t ip;

	if (st->tgid != es->tgid || st->cnt != es->cnt)
		return false;
	for (uint32_t i = 0; i < st->cnt; i++) {
		memcpy(&ip, ips + i * sizeof(ip), sizeof(ip));
		if (st->frames[i].ip != ip)
			return false;
	}
	return true;
}

int symbols_note(struct symbols *s, const void *rec, size_t sz)
{
	struct event_stack es;
	const char *ips = (const char *)rec + sizeof(es);
	struct stack *st;

	if (!s || sz < sizeof(es))
		return -EINVAL;
	memcpy(&es, rec, sizeof(es));
	if (es.cnt > STACK_MAX || sz < sizeof(es) + es.cnt * sizeof(uint64_t))
		return -EINVAL;
	if (es.tgid)
		usyms_advance(s->usyms, es.ns);
	st = find(s, es.id);
	if (st) {
		s->clashes += !same(st, &es, ips);
		st->doomed = false;
		return 0;
	}
	st = malloc(sizeof(*st) + es.cnt * sizeof(st->frames[0]));
	s->fresh_sz += sizeof(*st) + es.cnt * sizeof(st->frames[0]);
	if (!st)
		return -ENOMEM;
	*st = (struct stack){ .id = es.id, .tgid = es.tgid, .cnt = es.cnt };
	for (uint32_t i = 0; i < es.cnt; i++) {
		struct frame *f = &st->frames[i];

		memcpy(&f->ip, ips + i * sizeof(f->ip), sizeof(f->ip));
		f->map = es.tgid ? usyms_place(s->usyms, es.tgid, f->ip) : NULL;
	}
	grow(s);
	st->next = s->buckets[es.id & (s->bucket_cnt - 1)];
	s->buckets[es.id & (s->bucket_cnt - 1)] = st;
	s->stack_cnt++;
	return 0;
}

bool symbols_crowded(const struct symbols *s)
{
	return s && s->fresh_sz > CROWD_SZ;
}

void symbols_keep(struct symbols *s, uint64_t id)
{
	struct stack *st = find(s, id);

	if (st)
		st->kept = true;
}

/*
 * A stack without its mark is sent again when it is met again. So the first sweep takes the mark
 * away, and only the next one the stack: by then whatever saw the mark has long been printed.
 */
void symbols_sweep(struct symbols *s)
{
	for (size_t i = 0; i < s->bucket_cnt; i++) {
		for (struct stack **at = &s->buckets[i], *st; (st = *at);) {
			if (!st->kept && st->doomed) {
				*at = st->next;
				s->stack_cnt--;
				free(st);
				continue;
			}
			if (!st->kept) {
				st->doomed = true;
				if (s->marks_fd >= 0)
					bpf_map_delete_elem(s->marks_fd, &st->id);
			}
			st->kept = false;
			at = &st->next;
		}
	}
	s->fresh_sz = 0;
}

void symbols_set_marks(struct symbols *s, int map_fd)
{
	s->marks_fd = map_fd;
}

uint64_t symbols_clashes(const struct symbols *s)
{
	return s ? s->clashes : 0;
}

uint64_t symbols_kaddr(struct symbols *s, const char *name)
{
	return s ? ksyms_addr(s->ksyms, name) : 0;
}

/* ---- text ---- */

/* A place as name, module and source, whichever of the two sides it is on; back: see usyms_find. */
static void look_up(struct symbols *s, bool user, const struct frame *f, bool back, bool lines,
		    struct usym *sym)
{
	const struct elfplace *place;
	struct ksym k;

	*sym = (struct usym){ 0 };
	if (user)
		return usyms_find(s->usyms, f->map, f->ip, back, lines, sym);
	if (ksyms_find(s->ksyms, f->ip - back, &k))
		return;
	sym->name = k.name;
	sym->off = k.off + back;
	sym->module = k.module ?: "kernel";
	place = lines ? ksources_find(s->ksources, f->ip - back, k.module) : NULL;
	if (!place)
		return;
	sym->sources = place->sources;
	sym->source_cnt = place->source_cnt;
}

static void name_text(struct buf *b, const struct usym *sym, uint64_t ip)
{
	if (sym->name) {
		buf_puts(b, sym->name);
		buf_putc(b, '+');
		buf_put_u64(b, sym->off);
	} else {
		buf_put_ptr(b, ip);
	}
}

static void source_text(struct buf *b, const struct elfsource *src)
{
	if (src->file)
		buf_printf(b, "@%s:%d", src->file, src->line);
}

static void perf_text(struct buf *b, const struct usym *sym, uint64_t ip, bool compact)
{
	buf_printf(b, "%s%llx ", compact ? "" : "\t", (unsigned long long)ip);
	name_text(b, sym, ip);
	buf_printf(b, " (%s)\n", sym->module ?: "[unknown]");
}

/* A line for each function that was inlined there, then one for the function itself. */
static void frame_text(struct buf *b, const struct usym *sym, uint64_t ip, bool compact)
{
	const char *indent = compact ? "" : "        ";
	const struct elfsource *src = sym->sources, *end = src + sym->source_cnt;

	for (; src < end && src->inlined; src++) {
		buf_printf(b, "%s[inlined] %s", indent, src->inlined);
		source_text(b, src);
		buf_putc(b, '\n');
	}
	buf_puts(b, indent);
	name_text(b, sym, ip);
	if (src < end)
		source_text(b, src);
	buf_putc(b, '\n');
}

static void build_id_text(struct buf *b, const struct frame *f)
{
	uint64_t off;
	const char *id = usyms_build_id(f->map, f->ip, &off);

	if (id)
		buf_printf(b, "%s 0x%llx\n", id, (unsigned long long)off);
	else
		buf_printf(b, "0x%llx\n", (unsigned long long)f->ip);
}

static void one_frame(struct buf *b, struct symbols *s, const struct stack *st, uint32_t i,
		      enum stack_mode mode, bool compact)
{
	const struct frame *f = &st->frames[i];
	struct usym sym;

	if (mode == STACK_BUILD_ID)
		return build_id_text(b, f);
	if (mode == STACK_RAW) {
		buf_printf(b, "%llx\n", (unsigned long long)f->ip);
		return;
	}
	look_up(s, st->tgid != 0, f, i > 0, s->lines && mode != STACK_PERF, &sym);
	if (mode == STACK_PERF)
		perf_text(b, &sym, f->ip, compact);
	else
		frame_text(b, &sym, f->ip, compact);
}

void stack_text(struct buf *b, const struct value_env *env, const struct value *v, bool compact)
{
	struct symbols *s = env->symbols;
	struct stack_ref ref;
	const struct stack *st;

	memcpy(&ref, v->at, sizeof(ref));
	buf_putc(b, '\n');
	st = s && ref.cnt ? find(s, ref.id) : NULL;
	if (ref.cnt && !st)
		buf_puts(b, compact ? "[lost]\n" : "        [lost]\n");
	for (uint32_t i = 0; st && i < st->cnt; i++)
		one_frame(b, s, st, i, v->type->k, compact);
}

void symbol_text(struct buf *b, const struct value_env *env, const struct value *v)
{
	bool user = v->type->kind == V_USYM;
	struct frame f = { 0 };
	struct usym sym = { 0 };
	uint32_t tgid = 0;

	memcpy(&f.ip, v->at, sizeof(f.ip));
	if (user)
		memcpy(&tgid, v->at + sizeof(f.ip), sizeof(tgid));
	if (tgid && env->symbols)
		f.map = usyms_place(env->symbols->usyms, tgid, f.ip);
	if (env->symbols)
		look_up(env->symbols, user, &f, false, false, &sym);
	if (sym.name)
		buf_puts(b, sym.name);
	else
		buf_put_ptr(b, f.ip);
}

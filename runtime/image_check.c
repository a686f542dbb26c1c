// SPDX-License-Identifier: Apache-2.0
/* The rows of an image, one check per table; see image_check.h for what holds afterwards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/image_check.h"

/* What is known of each type while those that refer to it are checked. */
struct type_info {
	uint32_t cells; /* values to print */
	uint8_t depth;
	bool tail;
};

struct checker {
	const struct image *img;
	struct type_info *info;
	struct image_err *err;
};

enum { VALUE_MAX = 4 << 20 };

#define fail(c, ...) image_fail((c)->err, __VA_ARGS__)

static bool in_rows(uint32_t first, uint32_t cnt, uint32_t rows)
{
	return first <= rows && cnt <= rows - first;
}

static bool str_ok(const struct checker *c, uint32_t off)
{
	return off < c->img->strings_cnt;
}

static bool index_ok(uint32_t i, uint32_t cnt)
{
	return i < cnt;
}

static bool index_or_none(uint32_t i, uint32_t cnt)
{
	return i == IMAGE_NONE || i < cnt;
}

static int check_strings(struct checker *c)
{
	const struct image *img = c->img;

	if (!img->strings_cnt || img->strings[0] || img->strings[img->strings_cnt - 1])
		return fail(c, "the table of strings does not begin and end with NUL");
	return 0;
}

/* ---- types ---- */

static int add_part(struct checker *c, uint32_t i, uint32_t part, uint64_t times)
{
	struct type_info *me = &c->info[i], *it = &c->info[part];
	uint64_t cells = me->cells + times * it->cells;

	if (it->depth >= IMAGE_MAX_DEPTH || cells > IMAGE_MAX_CELLS)
		return fail(c, "type %u is too large", i);
	if (it->tail)
		return fail(c, "type %u holds an event record", i);
	me->cells = (uint32_t)cells;
	if (me->depth <= it->depth)
		me->depth = it->depth + 1;
	return 0;
}

static int check_field(struct checker *c, uint32_t i, const struct image_field *f)
{
	const struct image_type *t = &c->img->types[i], *ft;
	uint32_t sz;

	if (!str_ok(c, f->name) || f->type >= i)
		return fail(c, "type %u: bad field", i);
	ft = &c->img->types[f->type];
	sz = ft->size;
	if (f->flags & IMAGE_FIELD_TAIL) {
		if (t->kind != V_TUPLE || ft->kind != V_STRING)
			return fail(c, "type %u: only strings of an event have a tail", i);
		c->info[i].tail = true;
		sz = sizeof(uint32_t);
	}
	if (f->off > t->size || sz > t->size - f->off)
		return fail(c, "type %u: a field lies outside", i);
	if (f->bit_sz &&
	    (f->bit_sz > 64 || ft->size > 8 || (uint32_t)f->bit_off + f->bit_sz > ft->size * 8))
		return fail(c, "type %u: a bit-field lies outside", i);
	return add_part(c, i, f->type, 1);
}

static int check_fields(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];
	int rc = 0;

	if (!in_rows(t->first, t->count, c->img->fields_cnt))
		return fail(c, "type %u: fields out of range", i);
	for (uint32_t f = 0; f < t->count && !rc; f++)
		rc = check_field(c, i, &c->img->fields[t->first + f]);
	return rc;
}

static int check_array(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];

	if (t->elem >= i)
		return fail(c, "type %u: bad element", i);
	if ((uint64_t)t->count * c->img->types[t->elem].size != t->size ||
	    (t->count && !c->img->types[t->elem].size))
		return fail(c, "type %u: %u elements do not make %u bytes", i, t->count, t->size);
	return add_part(c, i, t->elem, t->count);
}

static int check_lhist(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];
	uint64_t span = (uint64_t)t->max - (uint64_t)t->min;

	if (t->step <= 0 || t->max <= t->min || span / (uint64_t)t->step >= IMAGE_MAX_LHIST ||
	    span > INT64_MAX - (uint64_t)t->step)
		return fail(c, "type %u: bad bounds", i);
	if (lhist_buckets(t->min, t->max, t->step) > IMAGE_MAX_LHIST)
		return fail(c, "type %u: too many buckets", i);
	if (t->size != lhist_buckets(t->min, t->max, t->step) * sizeof(uint64_t))
		return fail(c, "type %u: bad size", i);
	return 0;
}

static int check_tseries(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];

	if (t->min < 1 || t->max < 1 || t->max > TSERIES_SLOTS_MAX || t->k > TSERIES_LAST)
		return fail(c, "type %u: bad intervals", i);
	if (t->size != t->max * sizeof(struct tseries_slot))
		return fail(c, "type %u: bad size", i);
	return 0;
}

static int check_enum(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];

	if (!in_rows(t->first, t->count, c->img->enumerators_cnt))
		return fail(c, "type %u: enumerators out of range", i);
	return 0;
}

/* The size a kind must have; 0: any. */
static uint32_t fixed_size(const struct image_type *t)
{
	switch ((enum vkind)t->kind) {
	case V_BOOL: return 1;
	case V_PTR:
	case V_KSYM:
	case V_USERNAME:
	case V_COUNT: return 8;
	case V_CGROUP_PATH:
	case V_TIMESTAMP:
	case V_KSTACK:
	case V_USTACK:
	case V_USYM:
	case V_SUM:
	case V_AVG:
	case V_STATS:
	case V_MIN:
	case V_MAX: return 16;
	case V_HIST: return hist_buckets(t->k) * sizeof(uint64_t);
	case V_MAC: return 6;
	case V_NONE:
	case V_VOID:
	case V_INT:
	case V_ENUM:
	case V_STRING:
	case V_BUFFER:
	case V_ARRAY:
	case V_STRUCT:
	case V_UNION:
	case V_TUPLE:
	case V_RECORD:
	case V_INET:
	case V_LHIST:
	case V_TSERIES:
	case V_KIND_CNT: break;
	}
	return 0;
}

static int check_size(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];
	uint32_t fixed;

	if (t->kind == V_HIST && t->k > IMAGE_MAX_HIST_K)
		return fail(c, "type %u: hist of %u bits", i, t->k);
	fixed = fixed_size(t);
	if (fixed && t->size != fixed)
		return fail(c, "type %u: a %s of %u bytes", i, vkind_name(t->kind), t->size);
	if ((t->kind == V_INT || t->kind == V_ENUM) && t->size != 1 && t->size != 2 &&
	    t->size != 4 && t->size != 8)
		return fail(c, "type %u: an integer of %u bytes", i, t->size);
	if (t->kind == V_BUFFER && t->size < sizeof(uint32_t))
		return fail(c, "type %u: a buffer of %u bytes", i, t->size);
	if (t->kind == V_STRING && !t->size)
		return fail(c, "type %u: a string of no bytes", i);
	return 0;
}

static int check_type(struct checker *c, uint32_t i)
{
	const struct image_type *t = &c->img->types[i];
	int rc;

	c->info[i].cells = 1;
	if (t->kind >= V_KIND_CNT || !str_ok(c, t->name))
		return fail(c, "type %u: bad kind or name", i);
	rc = check_size(c, i);
	if (rc)
		return rc;
	switch ((enum vkind)t->kind) {
	case V_ARRAY: return check_array(c, i);
	case V_STRUCT:
	case V_UNION:
	case V_TUPLE:
	case V_RECORD: return check_fields(c, i);
	case V_ENUM: return check_enum(c, i);
	case V_LHIST: return check_lhist(c, i);
	case V_TSERIES: return check_tseries(c, i);
	case V_PTR:
		return t->elem == IMAGE_NONE || t->elem < i ? 0 : fail(c, "type %u: bad target", i);
	case V_NONE:
	case V_VOID:
	case V_BOOL:
	case V_INT:
	case V_STRING:
	case V_BUFFER:
	case V_KSTACK:
	case V_USTACK:
	case V_KSYM:
	case V_USYM:
	case V_TIMESTAMP:
	case V_INET:
	case V_MAC:
	case V_CGROUP_PATH:
	case V_USERNAME:
	case V_COUNT:
	case V_SUM:
	case V_AVG:
	case V_MIN:
	case V_MAX:
	case V_STATS:
	case V_HIST:
	case V_KIND_CNT: break;
	}
	return 0;
}

static int check_enumerators(struct checker *c)
{
	for (uint32_t i = 0; i < c->img->enumerators_cnt; i++)
		if (!str_ok(c, c->img->enumerators[i].name))
			return fail(c, "enumerator %u: bad name", i);
	return 0;
}

static int check_types(struct checker *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->img->types_cnt && !rc; i++)
		rc = check_type(c, i);
	return rc;
}

/* ---- what refers to types ---- */

static bool place_ok(const struct checker *c, uint32_t i)
{
	return index_or_none(i, c->img->places_cnt);
}

/* A value that may lie in a map. Of one CPU: what the kernel takes is for loading to see. */
static bool storable(const struct checker *c, uint32_t type)
{
	return index_ok(type, c->img->types_cnt) && !c->info[type].tail &&
	       c->img->types[type].size && c->img->types[type].size <= VALUE_MAX;
}

static int check_map(struct checker *c, uint32_t i)
{
	const struct image_map *m = &c->img->maps[i];
	bool scalar = m->flags & IMAGE_MAP_SCALAR;

	if (!str_ok(c, m->name) || !str_ok(c, m->bpf_name) || !place_ok(c, m->place))
		return fail(c, "map %u: bad name or place", i);
	if (!storable(c, m->val) || scalar != (m->key == IMAGE_NONE) ||
	    (!scalar && !storable(c, m->key)))
		return fail(c, "map %u: bad key or value", i);
	if (!scalar && vkind_is_agg(c->img->types[m->key].kind))
		return fail(c, "map %u: an aggregate as key", i);
	if (vkind_is_agg(c->img->types[m->val].kind) && !(m->flags & IMAGE_MAP_PERCPU))
		return fail(c, "map %u: an aggregate that is not per CPU", i);
	if (!scalar && (!m->max_entries || m->max_entries > UINT32_MAX))
		return fail(c, "map %u: %llu entries", i, (unsigned long long)m->max_entries);
	return 0;
}

static int check_maps(struct checker *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->img->maps_cnt && !rc; i++)
		rc = check_map(c, i);
	return rc;
}

static int check_probes(struct checker *c)
{
	const struct image *img = c->img;

	for (uint32_t i = 0; i < img->probes_cnt; i++) {
		const struct image_probe *p = &img->probes[i];

		if (!str_ok(c, p->prog) || !str_ok(c, p->type) || !place_ok(c, p->place) ||
		    !in_rows(p->target_first, p->target_cnt, img->targets_cnt))
			return fail(c, "probe %u: bad name, place or targets", i);
		if ((p->flags & IMAGE_PROBE_COOKIE) && !p->target_cnt)
			return fail(c, "probe %u: a cookie without a target", i);
	}
	for (uint32_t i = 0; i < img->targets_cnt; i++) {
		const struct image_target *t = &img->targets[i];

		if (!str_ok(c, t->name) || !str_ok(c, t->a) || !str_ok(c, t->b) ||
		    !str_ok(c, t->c) || !place_ok(c, t->place))
			return fail(c, "target %u: bad name or place", i);
	}
	return 0;
}

static int check_sessions(struct checker *c)
{
	const struct image *img = c->img;

	for (uint32_t i = 0; i < img->sessions_cnt; i++) {
		const struct image_session *s = &img->sessions[i];

		if (!str_ok(c, s->prog) || !index_ok(s->calls, img->probes_cnt) ||
		    !index_ok(s->returns, img->probes_cnt) || s->calls == s->returns ||
		    img->probes[s->calls].target_cnt != img->probes[s->returns].target_cnt)
			return fail(c, "session %u: bad name or probes", i);
	}
	return 0;
}

static int check_pieces(struct checker *c, uint32_t i)
{
	const struct image_action *a = &c->img->actions[i];
	uint32_t args = a->rec == IMAGE_NONE ? 0 : c->img->types[a->rec].count;

	for (uint32_t p = 0; p < a->piece_cnt; p++) {
		const struct image_piece *pc = &c->img->pieces[a->piece_first + p];

		if (!in_rows(pc->text, pc->len, c->img->strings_cnt))
			return fail(c, "action %u: text out of range", i);
		if (pc->arg == IMAGE_NONE)
			continue;
		if (pc->arg >= args || !memchr("diuxXopcsrRHg", pc->conv, 13))
			return fail(c, "action %u: bad conversion", i);
		if (pc->size != 0 && pc->size != 1 && pc->size != 2 && pc->size != 4 &&
		    pc->size != 8)
			return fail(c, "action %u: bad length modifier", i);
	}
	return 0;
}

/* What a kind of action needs beyond valid indexes. */
static int check_action_kind(struct checker *c, uint32_t i)
{
	const struct image_action *a = &c->img->actions[i];
	const struct image_type *rec = a->rec == IMAGE_NONE ? NULL : &c->img->types[a->rec];
	const struct image_type *arg0 = NULL;

	if (rec && rec->count)
		arg0 = &c->img->types[c->img->fields[rec->first].type];
	switch ((enum action_kind)a->kind) {
	case ACT_PRINT_MAP:
	case ACT_CLEAR:
	case ACT_ZERO: return a->map == IMAGE_NONE ? fail(c, "action %u: no map", i) : 0;
	case ACT_SKB:
		if (!rec || rec->count != 3 || arg0->kind != V_INT ||
		    c->img->types[c->img->fields[rec->first + 1].type].kind != V_INT ||
		    !(c->img->fields[rec->first + 2].flags & IMAGE_FIELD_TAIL))
			return fail(c, "action %u: no packet", i);
		return 0;
	case ACT_PRINT_VALUE: return arg0 ? 0 : fail(c, "action %u: no value", i);
	case ACT_EXIT:
	case ACT_UNWATCH:
	case ACT_JOIN: return arg0 && arg0->kind == V_INT ? 0 : fail(c, "action %u: no number", i);
	case ACT_PRINTF:
	case ACT_ERRORF:
	case ACT_WARNF:
	case ACT_DEBUGF:
	case ACT_CAT:
	case ACT_SYSTEM:
	case ACT_TIME:
	case ACT_STACK:
	case ACT_UNWIND: return 0;
	case ACT_CNT: break;
	}
	return fail(c, "action %u: unknown kind %u", i, a->kind);
}

static int check_action(struct checker *c, uint32_t i)
{
	const struct image_action *a = &c->img->actions[i];
	int rc;

	if (!index_or_none(a->rec, c->img->types_cnt) || !place_ok(c, a->place) ||
	    (a->rec != IMAGE_NONE && c->img->types[a->rec].kind != V_TUPLE))
		return fail(c, "action %u: bad record or place", i);
	if (!in_rows(a->piece_first, a->piece_cnt, c->img->pieces_cnt))
		return fail(c, "action %u: bad format", i);
	if (!index_or_none(a->map, c->img->maps_cnt) || !str_ok(c, a->str))
		return fail(c, "action %u: bad map or string", i);
	rc = check_action_kind(c, i);
	return rc ?: check_pieces(c, i);
}

static int check_actions(struct checker *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->img->actions_cnt && !rc; i++)
		rc = check_action(c, i);
	return rc;
}

static const struct image_option *option_of(const struct image *img, uint32_t name)
{
	for (uint32_t i = 0; i < img->options_cnt; i++)
		if (!strcmp(image_str(img, img->options[i].name), image_str(img, name)))
			return &img->options[i];
	return NULL;
}

static int check_const(struct checker *c, uint32_t i)
{
	const struct image_const *k = &c->img->consts[i];
	const struct image_option *o;

	if (k->kind >= KONST_CNT || !str_ok(c, k->str))
		return fail(c, "constant %u: unknown", i);
	if (!place_ok(c, k->place))
		return fail(c, "constant %u: place out of range", i);
	if (k->kind == KONST_ARG_OFF && !index_ok(k->part, c->img->layouts_cnt))
		return fail(c, "constant %u: no such field", i);
	if ((k->kind == KONST_UADDR || k->kind == KONST_UADDR_MOVES) &&
	    !(index_ok(k->part, c->img->probes_cnt) && c->img->probes[k->part].target_cnt))
		return fail(c, "constant %u: no such probe", i);
	if (k->kind != KONST_OPTION && k->kind != KONST_OPTION_TEXT)
		return 0;
	o = option_of(c->img, k->str);
	if (!o || (o->kind == SCRIPT_TEXT) != (k->kind == KONST_OPTION_TEXT))
		return fail(c, "constant %u: no such option", i);
	if (k->part >= SCRIPT_TEXT_SZ / sizeof(uint64_t))
		return fail(c, "constant %u: behind the end of a text", i);
	return 0;
}

static int check_options(struct checker *c)
{
	const struct image *img = c->img;

	for (uint32_t i = 0; i < img->options_cnt; i++) {
		const struct image_option *o = &img->options[i];

		if (!str_ok(c, o->name) || !str_ok(c, o->help) || !str_ok(c, o->text) ||
		    o->kind >= SCRIPT_KIND_CNT || strlen(image_str(img, o->text)) >= SCRIPT_TEXT_SZ)
			return fail(c, "option %u: bad name, kind or default", i);
	}
	for (uint32_t i = 0; i < img->abouts_cnt; i++)
		if (!str_ok(c, img->abouts[i].text))
			return fail(c, "about: bad text");
	return 0;
}

static int check_consts(struct checker *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->img->consts_cnt && !rc; i++)
		rc = check_const(c, i);
	return rc;
}

static int check_rest(struct checker *c)
{
	const struct image *img = c->img;

	for (uint32_t i = 0; i < img->layouts_cnt; i++)
		if (!str_ok(c, img->layouts[i].type) || !str_ok(c, img->layouts[i].path) ||
		    !index_or_none(img->layouts[i].probe, img->probes_cnt) ||
		    !place_ok(c, img->layouts[i].place))
			return fail(c, "layout %u: bad name or place", i);
	for (uint32_t i = 0; i < img->settings_cnt; i++)
		if (!str_ok(c, img->settings[i].name) || !str_ok(c, img->settings[i].str))
			return fail(c, "setting %u: bad name", i);
	for (uint32_t i = 0; i < img->places_cnt; i++)
		if (!str_ok(c, img->places[i].file) || !str_ok(c, img->places[i].excerpt))
			return fail(c, "place %u: bad text", i);
	for (uint32_t i = 0; i < img->sites_cnt; i++)
		if ((!image_site_is_loop(&img->sites[i]) && !str_ok(c, img->sites[i].helper)) ||
		    !place_ok(c, img->sites[i].place))
			return fail(c, "site %u: bad name or place", i);
	for (uint32_t i = 0; i < img->needs_cnt; i++)
		if (!str_ok(c, img->needs[i].feature) || !place_ok(c, img->needs[i].place) ||
		    (img->needs[i].probe != IMAGE_NONE && img->needs[i].probe >= img->probes_cnt))
			return fail(c, "need %u: bad name", i);
	return 0;
}

int image_check(const struct image *img, struct image_err *err)
{
	struct checker c = { img, NULL, err };
	int rc;

	c.info = calloc((size_t)img->types_cnt + 1, sizeof(*c.info));
	if (!c.info)
		return image_fail(err, "out of memory");
	rc = check_strings(&c);
	rc = rc ?: check_enumerators(&c);
	rc = rc ?: check_types(&c);
	rc = rc ?: check_maps(&c);
	rc = rc ?: check_probes(&c);
	rc = rc ?: check_sessions(&c);
	rc = rc ?: check_actions(&c);
	rc = rc ?: check_options(&c);
	rc = rc ?: check_consts(&c);
	rc = rc ?: check_rest(&c);
	free(c.info);
	return rc;
}

// SPDX-License-Identifier: Apache-2.0
/* The image's tables: types, maps, probes, settings and places as rows of plain data. */
#include <string.h>

#include "ast/getopt.h"
#include "codegen/gen.h"

/* Types already packed, to be found again by identity. */
struct packed_type {
	const struct type *type;
	uint32_t idx;
	struct packed_type *next;
};

static uint32_t put_str(struct gen *g, const char *s)
{
	return s ? image_put_str(g->img, s) : 0;
}

/* Rows in fields; element types come first, as a type refers only to smaller indexes. */
/* Without those of args that lie elsewhere, as fn_args() leaves them out. */
static void pack_fields(struct gen *g, const struct type *t, struct image_type *row)
{
	struct image_field *rows = arena_array_of(g->u->arena, struct image_field, t->count);

	for (uint32_t i = 0; i < t->count; i++) {
		const struct type_field *f = &t->fields[i];

		if (f->loc == LOC_DATA_LOC || f->loc == LOC_REL_LOC)
			continue;
		rows[row->count++] = (struct image_field){
			.name = put_str(g, f->name),
			.type = pack_type(g, f->type),
			.off = f->off,
			.bit_off = f->bit_off,
			.bit_sz = f->bit_sz,
		};
	}
	row->first = image_put_fields(g->img, rows, row->count);
}

static uint32_t pack_values(struct gen *g, const struct type *t)
{
	struct image_enumerator *rows =
		arena_array_of(g->u->arena, struct image_enumerator, t->count + 1);

	for (uint32_t i = 0; i < t->count; i++) {
		rows[i].value = t->values[i].value;
		rows[i].name = put_str(g, t->values[i].name);
	}
	return image_put_enumerators(g->img, rows, t->count);
}

static bool has_fields(const struct type *t)
{
	return t->kind == V_STRUCT || t->kind == V_UNION || t->kind == V_TUPLE ||
	       t->kind == V_RECORD;
}

uint32_t pack_type(struct gen *g, const struct type *t)
{
	struct packed_type *p;
	struct image_type row;

	for (p = g->packed; p; p = p->next)
		if (p->type == t)
			return p->idx;
	type_complete(g->u->types, t);
	row = (struct image_type){
		.kind = (uint8_t)t->kind,
		.flags = t->is_signed ? IMAGE_TYPE_SIGNED : 0,
		.k = t->k,
		.size = t->size,
		.elem = IMAGE_NONE,
		.name = put_str(g, t->name),
		.min = t->min,
		.max = t->max,
		.step = t->step,
	};
	if (t->kind == V_ARRAY) { /* a pointer's target is never printed: it stays unknown */
		row.elem = pack_type(g, t->elem);
		row.count = t->count;
	} else if (has_fields(t)) {
		pack_fields(g, t, &row);
	} else if (t->kind == V_ENUM) {
		row.first = pack_values(g, t);
		row.count = t->count;
	}
	p = arena_new_of(g->u->arena, struct packed_type);
	*p = (struct packed_type){ t, image_put_types(g->img, &row, 1), g->packed };
	g->packed = p;
	return p->idx;
}

uint32_t pack_place(struct gen *g, struct span sp)
{
	struct image_place row = { 0 };
	struct place pl;

	if (source_place(g->u->sources, sp, &pl)) {
		row.file = put_str(g, pl.file);
		row.line = pl.line;
		row.end_line = pl.end_line;
		row.col = pl.col;
		row.end_col = pl.end_col;
		row.excerpt = put_str(g, source_excerpt(g->u->arena, g->u->sources, sp));
	}
	return image_put_places(g->img, &row, 1);
}

void pack_statement(struct gen *g, struct span sp)
{
	if (!g->p->plain)
		pack_place(g, sp);
}

void pack_maps(struct gen *g)
{
	for (struct map_sym *m = g->u->program->program.maps; m; m = m->next) {
		const struct map_gen *mg = m->gen;
		struct image_map row = {
			.name = put_str(g, m->name),
			.bpf_name = put_str(g, mg->name),
			.key = m->key ? pack_type(g, m->key) : IMAGE_NONE,
			.val = pack_type(g, m->val),
			.flags = map_flags(m) | (mg->own ? IMAGE_MAP_OWN : 0) |
				 (mg->whole ? IMAGE_MAP_WHOLE : 0),
			.place = pack_place(g, m->def),
			.max_entries = mg->max_entries,
		};

		image_put_maps(g->img, &row, 1);
	}
}

static void pack_target(struct gen *g, const struct probe_target *t, uint32_t place)
{
	struct image_target row = {
		.name = put_str(g, t->name),
		.a = put_str(g, t->a),
		.b = put_str(g, t->b),
		.c = put_str(g, t->c),
		.value = t->value,
		.value2 = t->value2,
		.place = place,
	};

	image_put_targets(g->img, &row, 1);
}

void pack_probe(struct gen *g, struct prog_gen *p)
{
	const struct node *n = p->probe;
	struct image_probe row = {
		.prog = put_str(g, gen_program_name(g, n, "")),
		.type = put_str(g, n->probe.ptype->name),
		.target_first = g->target_cnt,
		.flags = (p->uses_cookie ? IMAGE_PROBE_COOKIE : 0) |
			 (p->overrides ? IMAGE_PROBE_OVERRIDES : 0),
		.place = pack_place(g, n->span),
	};
	struct span at = SPAN_NONE;
	uint32_t place = row.place;

	for (const struct node *a = n->probe.attaches; a; a = a->next, row.target_cnt++) {
		/* what one pattern finds follows each other */
		if (a->span.from != at.from || a->span.to != at.to)
			place = pack_place(g, a->span);
		at = a->span;
		pack_target(g, a->attach.target, place);
	}
	g->target_cnt += row.target_cnt;
	image_put_probes(g->img, &row, 1);
}

void pack_settings(struct gen *g)
{
	for (unsigned i = 0; i < SETTING_CNT; i++) {
		struct image_setting row = {
			.name = put_str(g, setting_name(i)),
			.str = put_str(g, setting_str(g->u->settings, i)),
			.num = setting_num(g->u->settings, i),
		};

		image_put_settings(g->img, &row, 1);
	}
}

void pack_need(struct gen *g, const char *feature, struct span sp)
{
	struct image_need row = { put_str(g, feature), pack_place(g, sp), IMAGE_NONE };

	image_put_needs(g->img, &row, 1);
}

void pack_wish(struct gen *g, const char *feature, struct span sp)
{
	struct image_need row = { put_str(g, feature), pack_place(g, sp), g->p->probe->probe.idx };

	if (!g->p->plain)
		image_put_needs(g->img, &row, 1);
}

uint32_t pack_layout(struct gen *g, const struct image_layout *row, struct span sp)
{
	struct image_layout *old = g->layouts;

	for (uint32_t i = 0; i < g->layout_cnt; i++)
		if (old[i].type == row->type && old[i].path == row->path &&
		    old[i].probe == row->probe && old[i].is_fixed == row->is_fixed)
			return i;
	if (g->layout_cnt == g->layout_cap) {
		g->layout_cap = g->layout_cap ? g->layout_cap * 2 : 16;
		g->layouts = arena_array_of(g->u->arena, struct image_layout, g->layout_cap);
		if (g->layout_cnt)
			memcpy(g->layouts, old, g->layout_cnt * sizeof(*old));
	}
	g->layouts[g->layout_cnt] = *row;
	g->layouts[g->layout_cnt].place = pack_place(g, sp);
	return g->layout_cnt++;
}

/* What can be given when the image is run. */
void pack_options(struct gen *g)
{
	struct image_about about;

	if (!g->u->opt->open_options)
		return;
	about.text = image_put_str(g->img, getopt_about(g->u));
	image_put_abouts(g->img, &about, 1);
	for (const struct asked_option *o = g->u->script_options; o; o = o->next) {
		struct image_option row = {
			.name = image_put_str(g->img, o->opt.name),
			.help = image_put_str(g->img, o->opt.help),
			.kind = o->opt.kind,
			.text = o->opt.text ? image_put_str(g->img, o->opt.text) : 0,
			.num = o->opt.num,
		};

		if (o->is_open)
			image_put_options(g->img, &row, 1);
	}
}

void pack_layouts(struct gen *g)
{
	struct image_origin origin = { 0 };

	if (!g->layout_cnt)
		return;
	origin.kernel = image_kernel_id();
	image_put_layouts(g->img, g->layouts, g->layout_cnt);
	image_put_origins(g->img, &origin, 1);
}

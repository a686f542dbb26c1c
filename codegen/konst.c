// SPDX-License-Identifier: Apache-2.0
/*
 * Constants known only where the image runs: words of a section that are filled in when it is loaded.
 * Those of this kernel and machine are plain operands instead, where it is known to run here.
 */
#include <string.h>

#include "codegen/gen.h"

static void add_konst(struct gen *g, const struct image_const *row)
{
	struct image_const *old = g->konsts;

	if (g->konst_cnt == g->konst_cap) {
		g->konst_cap = g->konst_cap ? g->konst_cap * 2 : 16;
		g->konsts = arena_array_of(g->u->arena, struct image_const, g->konst_cap);
		if (old)
			memcpy(g->konsts, old, g->konst_cnt * sizeof(*old));
	}
	g->konsts[g->konst_cnt++] = *row;
}

/*
 * Where the words of a constant lie, cnt of them. Equal ones are asked for once; the section is made
 * when their number is known.
 */
static LLVMValueRef konst_addr(struct gen *g, struct image_const row, uint32_t cnt)
{
	uint32_t i = 0;

	while (i < g->konst_cnt && (g->konsts[i].kind != row.kind || g->konsts[i].str != row.str ||
				    g->konsts[i].part != row.part))
		i++;
	if (i == g->konst_cnt)
		for (; cnt; cnt--, row.part++)
			add_konst(g, &row);
	return gen_off(g, g->konst_global, i * 8);
}

static LLVMValueRef load_konst(struct gen *g, struct image_const row)
{
	LLVMValueRef v = LLVMBuildLoad2(g->b, g->i64, konst_addr(g, row, 1), "");

	LLVMSetVolatile(v, true); /* its value here is not the one it will be loaded with */
	return v;
}

LLVMValueRef gen_konst_at(struct gen *g, enum image_const_kind kind, const char *str,
			  struct span sp)
{
	const struct image_const row = {
		.kind = kind,
		.str = str ? image_put_str(g->img, str) : 0,
		.place = sp.from ? pack_place(g, sp) : IMAGE_NONE,
	};

	return load_konst(g, row);
}

LLVMValueRef gen_konst_arg(struct gen *g, uint32_t layout)
{
	const struct image_const row = {
		.kind = KONST_ARG_OFF,
		.part = layout,
		.place = IMAGE_NONE,
	};

	return load_konst(g, row);
}

LLVMValueRef gen_konst_probe(struct gen *g, enum image_const_kind kind, const char *str,
			     struct span sp)
{
	const struct image_const row = {
		.kind = kind,
		.str = image_put_str(g->img, str),
		.part = g->p->probe->probe.idx,
		.place = pack_place(g, sp),
	};

	return load_konst(g, row);
}

LLVMValueRef gen_konst_text(struct gen *g, const char *option)
{
	const struct image_const row = {
		.kind = KONST_OPTION_TEXT,
		.str = image_put_str(g->img, option),
		.place = IMAGE_NONE,
	};

	return konst_addr(g, row, SCRIPT_TEXT_SZ / sizeof(uint64_t));
}

bool gen_knows(const struct gen *g, enum image_const_kind kind, const char *str, uint64_t *word)
{
	return g->opt->known && g->opt->known(g->opt->here, kind, str, word);
}

LLVMValueRef gen_konst(struct gen *g, enum image_const_kind kind, const char *str)
{
	uint64_t word;

	if (gen_knows(g, kind, str, &word))
		return gen_i64(g, word);
	return gen_konst_at(g, kind, str, SPAN_NONE);
}

/* The section has no size until all constants are asked for: until then a stand-in has its place. */
void konst_open(struct gen *g)
{
	g->konst_global = LLVMAddGlobal(g->mod, g->i64, "consts_later");
	LLVMSetExternallyInitialized(g->konst_global, true);
}

void konst_close(struct gen *g)
{
	LLVMTypeRef type = LLVMArrayType(g->i64, g->konst_cnt);
	LLVMValueRef v;

	image_put_consts(g->img, g->konsts, g->konst_cnt);
	if (g->konst_cnt) {
		v = LLVMAddGlobal(g->mod, type, "consts");
		LLVMSetInitializer(v, LLVMConstNull(type));
		LLVMSetSection(v, IMAGE_CONSTS_SECTION);
		LLVMSetGlobalConstant(v, true);
		LLVMSetExternallyInitialized(v, true);
		LLVMSetAlignment(v, 8);
		LLVMReplaceAllUsesWith(g->konst_global, v);
	}
	LLVMDeleteGlobal(g->konst_global);
}

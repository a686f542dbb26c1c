// SPDX-License-Identifier: Apache-2.0
/*
 * Fields of the kernel's structures, by name. Where a field lies differs from kernel to kernel, so an
 * offset is an instruction of its own that the object file lists beside the names: the loader of
 * another kernel puts that kernel's offset there (CO-RE relocations, which LLVM makes of two
 * intrinsics and of debug information). On the kernel it was compiled for nothing is to be done.
 *
 * A relocation names a type of ours, which has the structure's name, a "___" with a number (ignored
 * when names are compared) and only the one member that is asked for.
 */
#include <string.h>

#include "codegen/core.h"

#define DW_ATE_SIGNED_ 0x05
#define DW_ATE_UNSIGNED_ 0x07

enum { FIELD_BYTE_OFFSET = 0 }; /* of llvm.bpf.preserve.field.info */

struct core_type {
	struct core_path path;
	LLVMMetadataRef di[CORE_PATH_MAX];
	struct core_type *next;
};

static LLVMMetadataRef di_struct(struct gen *g, const char *name, uint64_t size,
				 LLVMMetadataRef *members, unsigned cnt)
{
	return LLVMDIBuilderCreateStructType(g->di, g->di_file, name, strlen(name), g->di_file, 1,
					     size * 8, 8, 0, NULL, members, cnt, 0, NULL, "", 0);
}

/* As much of a type as is compared: its kind. */
static LLVMMetadataRef di_kind(struct gen *g, const struct type *t)
{
	LLVMMetadataRef range;

	switch ((int)t->kind) {
	case V_PTR: return g->di_ptr;
	case V_STRUCT:
	case V_UNION: return di_struct(g, "", t->size, NULL, 0);
	case V_ENUM:
		return LLVMDIBuilderCreateEnumerationType(g->di, g->di_file, "", 0, g->di_file, 1,
							  t->size * 8, t->align * 8, NULL, 0,
							  g->di_int);
	case V_STRING:
		range = LLVMDIBuilderGetOrCreateSubrange(g->di, 0, t->size);
		return LLVMDIBuilderCreateArrayType(g->di, t->size * 8, 8, g->di_int, &range, 1);
	case V_ARRAY:
		range = LLVMDIBuilderGetOrCreateSubrange(g->di, 0, t->count);
		return LLVMDIBuilderCreateArrayType(g->di, t->size * 8, t->align * 8,
						    di_kind(g, t->elem), &range, 1);
	}
	return LLVMDIBuilderCreateBasicType(g->di, "int", 3, t->size * 8,
					    t->is_signed ? DW_ATE_SIGNED_ : DW_ATE_UNSIGNED_, 0);
}

/* struct NAME { struct { TYPE c; } b; } for the path b.c, outermost first in out. */
static void di_path(struct gen *g, const struct core_path *path, LLVMMetadataRef *out)
{
	const char *root = strchr(path->root->name, ' ') + 1;
	LLVMMetadataRef member, inner = di_kind(g, path->fields[path->cnt - 1]->type);

	for (uint32_t i = path->cnt; i-- > 0;) {
		const struct type_field *f = path->fields[i];
		const struct type *in = i ? path->fields[i - 1]->type : path->root;
		const char *name = "";

		if (!i)
			/* LLVM keeps what it makes of a name for as long as the process lives */
			name = arena_printf(g->u->arena, "%s___%u_%u", root, g->attempt,
					    ++g->core_cnt);
		member = LLVMDIBuilderCreateMemberType(g->di, g->di_file, f->name, strlen(f->name),
						       g->di_file, 1, f->type->size * 8,
						       f->type->align * 8, f->off * 8ull, 0, inner);
		inner = out[i] = di_struct(g, name, in->size, &member, 1);
	}
}

static LLVMValueRef intrinsic(struct gen *g, const char *name, LLVMTypeRef *overload, unsigned cnt,
			      LLVMTypeRef *ft)
{
	unsigned id = LLVMLookupIntrinsicID(name, strlen(name));

	*ft = LLVMIntrinsicGetType(g->ctx, id, overload, cnt);
	return LLVMGetIntrinsicDeclaration(g->mod, id, overload, cnt);
}

/* The address of one member in a structure at base, which stands for what the metadata says. */
static LLVMValueRef member_of(struct gen *g, LLVMValueRef base, LLVMMetadataRef di)
{
	LLVMTypeRef ptrs[2] = { g->ptr, g->ptr }, ft;
	LLVMTypeRef shape = LLVMStructTypeInContext(g->ctx, &g->i64, 1, false);
	LLVMValueRef fn = intrinsic(g, "llvm.preserve.struct.access.index", ptrs, 2, &ft), call;
	unsigned kind = LLVMGetMDKindIDInContext(g->ctx, "llvm.preserve.access.index", 26);
	unsigned attr = LLVMGetEnumAttributeKindForName("elementtype", 11);

	call = LLVMBuildCall2(g->b, ft, fn, (LLVMValueRef[]){ base, gen_i32(g, 0), gen_i32(g, 0) },
			      3, "");
	LLVMAddCallSiteAttribute(call, 1, LLVMCreateTypeAttribute(g->ctx, attr, shape));
	LLVMSetMetadata(call, kind, LLVMMetadataAsValue(g->ctx, di));
	return call;
}

static bool is_same(const struct core_path *a, const struct core_path *b)
{
	return a->root == b->root && a->cnt == b->cnt &&
	       memcmp(a->fields, b->fields, a->cnt * sizeof(*a->fields)) == 0;
}

static const LLVMMetadataRef *type_for(struct gen *g, const struct core_path *path)
{
	struct core_type *t = g->core;

	while (t && !is_same(&t->path, path))
		t = t->next;
	if (!t) {
		t = arena_new_of(g->u->arena, struct core_type);
		t->path = *path;
		t->next = g->core;
		g->core = t;
		di_path(g, path, t->di);
	}
	return t->di;
}

static LLVMValueRef relocated(struct gen *g, const struct core_path *path)
{
	const LLVMMetadataRef *di = type_for(g, path);
	LLVMValueRef at = LLVMConstNull(g->ptr), fn, off;
	LLVMTypeRef ft;

	for (uint32_t i = 0; i < path->cnt; i++)
		at = member_of(g, at, di[i]);
	fn = intrinsic(g, "llvm.bpf.preserve.field.info", &g->ptr, 1, &ft);
	off = LLVMBuildCall2(g->b, ft, fn, (LLVMValueRef[]){ at, gen_i64(g, FIELD_BYTE_OFFSET) }, 2,
			     "");
	return LLVMBuildZExt(g->b, off, g->i64, "");
}

/* What the loader of another kernel compares before it relocates anything. */
static void pack_path(struct gen *g, const struct core_path *path, bool is_fixed, struct span sp)
{
	const struct type_field *last = path->fields[path->cnt - 1];
	const char *text = "";
	uint32_t off = 0;

	for (uint32_t i = 0; i < path->cnt; i++) {
		text = arena_printf(g->u->arena, "%s%s%s", text, i ? "." : "",
				    path->fields[i]->name);
		off += path->fields[i]->off;
	}
	pack_layout(
		g,
		&(struct image_layout){ .type = image_put_str(g->img, path->root->name),
					.path = image_put_str(g->img, text),
					.probe = IMAGE_NONE,
					.off = off * 8 + last->bit_off,
					.size = last->bit_sz ? last->bit_sz : last->type->size * 8,
					.is_fixed = is_fixed },
		sp);
}

bool core_is_named(const struct type *t)
{
	return (t->kind == V_STRUCT || t->kind == V_UNION) && t->name && type_is_kernel(t);
}

LLVMValueRef core_offset(struct gen *g, const struct core_path *path, struct span sp)
{
	const struct type_field *last = path->fields[path->cnt - 1];
	uint64_t off = 0;

	for (uint32_t i = 0; i < path->cnt; i++)
		off += path->fields[i]->off;
	if (!core_is_named(path->root))
		return gen_i64(g, off);
	pack_path(g, path, last->bit_sz != 0, sp);
	return last->bit_sz ? gen_i64(g, off) : relocated(g, path);
}

void core_size(struct gen *g, const struct type *t, struct span sp)
{
	if (t && core_is_named(t))
		pack_layout(g,
			    &(struct image_layout){ .type = image_put_str(g->img, t->name),
						    .probe = IMAGE_NONE,
						    .size = t->size * 8 },
			    sp);
}

static struct core_path path_of(const struct type *root, const char *const *names, uint32_t cnt)
{
	struct core_path path = { .root = root };
	const struct type *t = root;

	for (uint32_t i = 0; i < cnt; i++) {
		path.fields[path.cnt] = type_field_find(t, names[i]);
		t = path.fields[path.cnt++]->type;
	}
	return path;
}

LLVMValueRef core_offsetof(struct gen *g, struct node *e)
{
	struct core_path path;

	if (e->sizeof_.path_cnt > CORE_PATH_MAX)
		return gen_i64(g, e->sizeof_.off);
	path = path_of(e->sizeof_.arg->type, e->sizeof_.path, e->sizeof_.path_cnt);
	return core_offset(g, &path, e->span);
}

void core_used(struct gen *g, const struct size_used *s)
{
	struct core_path path;

	if (!s->path_cnt) {
		core_size(g, s->type, s->span);
	} else if (core_is_named(s->type) && s->path_cnt <= CORE_PATH_MAX) {
		path = path_of(s->type, s->path, s->path_cnt);
		pack_path(g, &path, true, s->span);
	}
}

/* A tracepoint's fields are found by name when an image is loaded. */
bool core_arg_moves(const struct gen *g)
{
	return g->u->opt->open_options && g->p->probe->probe.ptype->args_kind == PROBE_ARGS_RECORD;
}

uint32_t core_arg(struct gen *g, const struct type_field *f)
{
	const struct node *probe = g->p->probe;
	const struct probe_target *t = probe->probe.attaches->attach.target;

	if (!f->name || probe->probe.ptype->flags & PROBE_USER_MEMORY)
		return IMAGE_NONE;
	return pack_layout(
		g,
		&(struct image_layout){ .type = image_put_str(g->img, t->name),
					.path = image_put_str(g->img, f->name),
					.probe = probe->probe.idx,
					.off = f->off * 8,
					.size = f->loc == LOC_PLAIN ? f->type->size * 8 : 0,
					.loc = f->loc,
					.is_fixed = !core_arg_moves(g) },
		g->place);
}

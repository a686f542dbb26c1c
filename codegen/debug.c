// SPDX-License-Identifier: Apache-2.0
/*
 * Debug info, from which LLVM makes the object's BTF: a function and the script's lines for each
 * program (the verifier's log quotes them), and the definitions of the maps in the form libbpf reads:
 * a struct whose members' types carry the numbers.
 */
#include <string.h>

#include "codegen/gen.h"

#define DW_ATE_SIGNED 5
#define DW_ATE_UNSIGNED 7

static LLVMMetadataRef di_string_file(struct gen *g, const char *name)
{
	return LLVMDIBuilderCreateFile(g->di, name, strlen(name), ".", 1);
}

void debug_init(struct gen *g)
{
	const char *name = g->u->main_source ? g->u->main_source->name : "stdin";
	unsigned kind = LLVMDWARFSourceLanguageC;
	LLVMMetadataRef params[2], u64;
	LLVMValueRef version = LLVMConstInt(g->i32, LLVMDebugMetadataVersion(), false);

	LLVMAddModuleFlag(g->mod, LLVMModuleFlagBehaviorWarning, "Debug Info Version", 18,
			  LLVMValueAsMetadata(version));
	g->di = LLVMCreateDIBuilder(g->mod);
	g->di_file = di_string_file(g, name);
	g->di_cu = LLVMDIBuilderCreateCompileUnit(g->di, kind, g->di_file, "trace", 5, true, "", 0,
						  0, "", 0, LLVMDWARFEmissionFull, 0, false, false,
						  "", 0, "", 0);
	g->di_int = LLVMDIBuilderCreateBasicType(g->di, "int", 3, 32, DW_ATE_SIGNED, 0);
	u64 = LLVMDIBuilderCreateBasicType(g->di, "long", 4, 64, DW_ATE_SIGNED, 0);
	g->di_ptr = LLVMDIBuilderCreatePointerType(
		g->di, LLVMDIBuilderCreateBasicType(g->di, "char", 4, 8, DW_ATE_UNSIGNED, 0), 64, 0,
		0, "", 0);
	params[0] = u64;
	params[1] = g->di_ptr;
	g->di_fn_type = LLVMDIBuilderCreateSubroutineType(g->di, g->di_file, params, 2, 0);
}

/* Nothing unwinds: no .eh_frame. */
static void no_unwind(struct gen *g, LLVMValueRef fn)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("nounwind", 8);

	LLVMAddAttributeAtIndex(fn, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(g->ctx, kind, 0));
}

/*
 * The kernel takes no function whose parameters have no names. (LLVM's DWARF writer in turn dies of
 * such a name when the function has no instruction with a place in it, or when less than full debug
 * info is asked for.)
 */
static void name_context(struct gen *g, LLVMMetadataRef scope, unsigned line)
{
	LLVMDIBuilderCreateParameterVariable(g->di, scope, "ctx", 3, 1, g->di_file, line, g->di_ptr,
					     true, 0);
}

void debug_function(struct gen *g, struct prog_gen *p)
{
	struct place pl = { .line = 1 };
	const char *name = p->name;

	source_place(g->u->sources, p->probe->span, &pl);
	no_unwind(g, p->fn);
	p->scope = LLVMDIBuilderCreateFunction(g->di, g->di_file, name, strlen(name), name,
					       strlen(name), g->di_file, pl.line, g->di_fn_type,
					       p->is_body, true, pl.line, 0, true);
	LLVMSetSubprogram(p->fn, p->scope);
	name_context(g, p->scope, pl.line);
}

/* A function that helpers call back: it stands for no line of the script. */
LLVMMetadataRef debug_callback(struct gen *g, LLVMValueRef fn, const char *name)
{
	LLVMMetadataRef sp = LLVMDIBuilderCreateFunction(g->di, g->di_file, name, strlen(name),
							 name, strlen(name), g->di_file, 1,
							 g->di_fn_type, true, true, 1, 0, true);

	no_unwind(g, fn);
	LLVMSetSubprogram(fn, sp);
	name_context(g, sp, 1);
	return sp;
}

LLVMMetadataRef debug_global(struct gen *g, LLVMValueRef fn, const char *name,
			     const char *const *params, uint32_t cnt)
{
	LLVMMetadataRef types[8], fn_type, sp, u64;

	u64 = LLVMDIBuilderCreateBasicType(g->di, "long", 4, 64, DW_ATE_UNSIGNED, 0);
	for (uint32_t i = 0; i <= cnt; i++)
		types[i] = u64;
	fn_type = LLVMDIBuilderCreateSubroutineType(g->di, g->di_file, types, cnt + 1, 0);
	sp = LLVMDIBuilderCreateFunction(g->di, g->di_file, name, strlen(name), name, strlen(name),
					 g->di_file, 1, fn_type, false, true, 1, 0, true);
	no_unwind(g, fn);
	LLVMSetSubprogram(fn, sp);
	for (uint32_t i = 0; i < cnt; i++)
		LLVMDIBuilderCreateParameterVariable(g->di, sp, params[i], strlen(params[i]), i + 1,
						     g->di_file, 1, u64, true, 0);
	return sp;
}

/* struct { int (*name)[value]; ... }: one member. */
static LLVMMetadataRef map_attribute(struct gen *g, const char *name, uint32_t value, unsigned at)
{
	LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(g->di, 0, value), type;

	type = LLVMDIBuilderCreateArrayType(g->di, (uint64_t)value * 32, 32, g->di_int, &range, 1);
	type = LLVMDIBuilderCreatePointerType(g->di, type, 64, 0, 0, "", 0);
	return LLVMDIBuilderCreateMemberType(g->di, g->di_file, name, strlen(name), g->di_file, 1,
					     64, 64, at * 64ull, 0, type);
}

void debug_map(struct gen *g, struct map_gen *m)
{
	LLVMMetadataRef members[4], type, var;
	unsigned cnt = 0;

	members[cnt] = map_attribute(g, "type", m->type, cnt);
	cnt++;
	members[cnt] = map_attribute(g, "max_entries", m->max_entries, cnt);
	cnt++;
	if (m->key_sz) {
		members[cnt] = map_attribute(g, "key_size", m->key_sz, cnt);
		cnt++;
		members[cnt] = map_attribute(g, "value_size", m->val_sz, cnt);
		cnt++;
	}
	type = LLVMDIBuilderCreateStructType(g->di, g->di_file, "", 0, g->di_file, 1, cnt * 64, 64,
					     0, NULL, members, cnt, 0, NULL, "", 0);
	var = LLVMDIBuilderCreateGlobalVariableExpression(
		g->di, g->di_cu, m->name, strlen(m->name), "", 0, g->di_file, 1, type, false,
		LLVMDIBuilderCreateExpression(g->di, NULL, 0), NULL, 0);
	LLVMGlobalSetMetadata(m->global, LLVMGetMDKindIDInContext(g->ctx, "dbg", 3), var);
}

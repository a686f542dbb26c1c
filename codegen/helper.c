// SPDX-License-Identifier: Apache-2.0
/* Calls of BPF helpers: an indirect call of the helper's number. */
#include <string.h>

#include "codegen/gen.h"

enum result { R_INT, R_PTR };

static const struct {
	uint32_t number;
	enum result result;
	bool pure;
} helpers[] = {
#define HELPER(name, number, result, pure) [H_##name] = { number, R_##result, pure },
#include "codegen/helpers.def"
#undef HELPER
};

/* LLVM 16 replaced readnone by memory(none). */
static LLVMAttributeRef no_memory(struct gen *g)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("memory", 6);

	if (!kind)
		kind = LLVMGetEnumAttributeKindForName("readnone", 8);
	return LLVMCreateEnumAttribute(g->ctx, kind, 0);
}

static void call_attribute(struct gen *g, LLVMValueRef call, LLVMAttributeIndex at,
			   const char *name, uint64_t value)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

	LLVMAddCallSiteAttribute(call, at, LLVMCreateEnumAttribute(g->ctx, kind, value));
}

/* With -k: reads and map updates that fail. */
static void report_failure(struct gen *g, enum helper h, LLVMValueRef ret)
{
	const char *name = NULL;
	bool meant = g->may_fail;

	g->may_fail = false;
	if (!g->opt->helper_errors || meant)
		return;
	switch ((int)h) {
	case H_probe_read_user: name = "probe_read_user"; break;
	case H_probe_read_kernel: name = "probe_read_kernel"; break;
	case H_probe_read_user_str: name = "probe_read_user_str"; break;
	case H_probe_read_kernel_str: name = "probe_read_kernel_str"; break;
	case H_map_update_elem: name = "map_update_elem"; break;
	case H_map_delete_elem: name = "map_delete_elem"; break;
	}
	if (name)
		failed_count(g, name, ret);
}

void gen_pure(struct gen *g, LLVMValueRef call)
{
	LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex, no_memory(g));
	call_attribute(g, call, LLVMAttributeFunctionIndex, "nounwind", 0);
	call_attribute(g, call, LLVMAttributeFunctionIndex, "willreturn", 0);
}

LLVMValueRef gen_helper(struct gen *g, enum helper h, LLVMValueRef *args, unsigned cnt)
{
	LLVMTypeRef types[5], ft;
	LLVMValueRef fn, call;
	unsigned i;

	for (i = 0; i < cnt; i++)
		types[i] = LLVMTypeOf(args[i]);
	ft = LLVMFunctionType(helpers[h].result == R_PTR ? g->ptr : g->i64, types, cnt, false);
	fn = LLVMConstIntToPtr(gen_i64(g, helpers[h].number), g->ptr);
	call = LLVMBuildCall2(g->b, ft, fn, args, cnt, "");
	call_attribute(g, call, LLVMAttributeFunctionIndex, "nounwind", 0);
	if (helpers[h].result == R_PTR) /* values of maps, records, structures of the kernel */
		call_attribute(g, call, LLVMAttributeReturnIndex, "align", 8);
	if (helpers[h].pure)
		gen_pure(g, call);
	report_failure(g, h, call);
	return call;
}

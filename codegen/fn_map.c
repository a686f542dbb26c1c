// SPDX-License-Identifier: Apache-2.0
/* Functions on maps that run in the kernel. */
#include "codegen/call.h"

/* delete(@m, key), delete(@m[key]) and delete(@m) */
LLVMValueRef fn_delete(struct gen *g, struct call *c)
{
	struct node *map = c->args;

	return map_delete(g, map, map->next ? map->next : map->map.key);
}

LLVMValueRef fn_has_key(struct gen *g, struct call *c)
{
	struct node *map = c->args;

	return map_has_key(g, map, map->next ? map->next : map->map.key);
}

LLVMValueRef fn_find(struct gen *g, struct call *c)
{
	struct node *map = c->args, *key = map->next;

	return map_take(g, map, key, key->next->var.sym);
}

/* A function of its own that does nothing: for_each_map_elem tells how often it called it. */
static LLVMValueRef nothing(struct gen *g)
{
	LLVMTypeRef params[4] = { g->ptr, g->ptr, g->ptr, g->ptr };
	LLVMTypeRef ft = LLVMFunctionType(g->i64, params, 4, false);
	LLVMValueRef fn = LLVMGetNamedFunction(g->mod, "nothing");
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b);
	LLVMMetadataRef loc = LLVMGetCurrentDebugLocation2(g->b);

	if (fn)
		return fn;
	fn = LLVMAddFunction(g->mod, "nothing", ft);
	LLVMSetLinkage(fn, LLVMInternalLinkage);
	LLVMSetCurrentDebugLocation2(
		g->b, LLVMDIBuilderCreateDebugLocation(g->ctx, 1, 1,
						       debug_callback(g, fn, "nothing"), NULL));
	gen_at(g, LLVMAppendBasicBlockInContext(g->ctx, fn, ""));
	LLVMBuildRet(g->b, gen_i64(g, 0));
	gen_at(g, here);
	LLVMSetCurrentDebugLocation2(g->b, loc);
	return fn;
}

LLVMValueRef fn_len(struct gen *g, struct call *c)
{
	struct node *a = c->args;
	struct map_sym *m;

	if (a->type->kind == V_KSTACK || a->type->kind == V_USTACK)
		return gen_load(g, gen_off(g, gen_addr(g, a), offsetof(struct stack_ref, cnt)),
				type_int(g->u->types, 4, false));
	m = a->map.sym;
	((struct map_gen *)m->gen)->whole = true;
	pack_need(g, "for_each_map_elem", c->n->span);
	clock_soon(g);
	return HELP(g, for_each_map_elem, ((struct map_gen *)m->gen)->global, nothing(g),
		    LLVMConstNull(g->ptr), gen_i64(g, 0));
}

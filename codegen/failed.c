// SPDX-License-Identifier: Apache-2.0
/*
 * What fails at run time is counted by its place in the script, with the last error: helpers with -k,
 * loops that are left early always. User space looks once a second, so that a flood of failures costs
 * nobody a line each. The counting is a function of its own: a caller's blocks stay as they are.
 */
#include <errno.h>
#include <linux/bpf.h>

#include "codegen/gen.h"

enum { SITES_MAX = 4096 };

/* failed(site, ret) */
static LLVMValueRef failed_function(struct gen *g)
{
	LLVMTypeRef params[2] = { g->i64, g->i64 };
	LLVMTypeRef ft = LLVMFunctionType(g->i64, params, 2, false);
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b), bad, count, out;
	LLVMMetadataRef loc = LLVMGetCurrentDebugLocation2(g->b);
	struct prog_gen inner = *g->p, *outer = g->p;
	struct span place = g->place;
	LLVMValueRef key, p, ret;

	inner.fn = g->failed_fn = LLVMAddFunction(g->mod, "failed", ft);
	LLVMSetLinkage(inner.fn, LLVMInternalLinkage);
	inner.scope = debug_callback(g, inner.fn, "failed");
	g->p = &inner;
	gen_at(g, gen_block(g, ""));
	gen_place(g, inner.probe->span);
	bad = gen_block(g, "bad");
	count = gen_block(g, "count");
	out = gen_block(g, "out");
	ret = LLVMGetParam(inner.fn, 1);
	key = LLVMBuildAlloca(g->b, g->i64, "");
	gen_cond_br(g, gen_cmp(g, LLVMIntSLT, ret, gen_i64(g, 0)), bad, out);
	gen_at(g, bad);
	LLVMBuildStore(g->b, LLVMGetParam(inner.fn, 0), key);
	p = HELP(g, map_lookup_elem, g->sites->global, key);
	gen_cond_br(g, gen_not_zero(g, p), count, out);
	gen_at(g, count);
	key = LLVMBuildLoad2(g->b, g->i64, p, "");
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, key, gen_i64(g, 1), ""), p);
	LLVMBuildStore(g->b, ret, gen_off(g, p, 8));
	gen_br(g, out);
	gen_at(g, out);
	LLVMBuildRet(g->b, gen_i64(g, 0));
	g->p = outer;
	g->place = place;
	gen_at(g, here);
	LLVMSetCurrentDebugLocation2(g->b, loc);
	return g->failed_fn;
}

static void count(struct gen *g, struct image_site row, LLVMValueRef ret)
{
	LLVMTypeRef params[2] = { g->i64, g->i64 };
	LLVMTypeRef ft = LLVMFunctionType(g->i64, params, 2, false);
	LLVMValueRef args[2] = { gen_i64(g, g->site_cnt), ret };

	if (g->site_cnt == SITES_MAX)
		return;
	if (!g->sites)
		g->sites = map_new(g, IMAGE_MAP_SITES, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 0);
	g->sites->max_entries = ++g->site_cnt;
	image_put_sites(g->img, &row, 1);
	LLVMBuildCall2(g->b, ft, g->failed_fn ?: failed_function(g), args, 2, "");
}

void failed_count(struct gen *g, const char *helper, LLVMValueRef ret)
{
	struct image_site row = { pack_place(g, g->place), image_put_str(g->img, helper) };

	count(g, row, ret);
}

void failed_loop(struct gen *g, struct span loop, int err)
{
	struct image_site row = { pack_place(g, loop), IMAGE_SITE_LOOP };

	count(g, row, gen_i64(g, (uint64_t)-err));
}

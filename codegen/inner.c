// SPDX-License-Identifier: Apache-2.0
/*
 * Functions of ours that programs call with pointers: static ones, which the verifier walks through
 * for each call, so that they save nothing there but a good deal of the compiler's time. (Those of
 * outline.c take numbers and are walked through once.)
 */
#include <errno.h>
#include <linux/bpf.h>

#include "codegen/gen.h"

struct inner {
	struct prog_gen p, *outer;
	LLVMBasicBlockRef here;
	LLVMMetadataRef loc;
};

/* Leaves the builder inside the new function. */
static LLVMValueRef inner_open(struct gen *g, struct inner *in, const char *name,
			       LLVMTypeRef *params, unsigned cnt)
{
	LLVMTypeRef ft = LLVMFunctionType(g->i64, params, cnt, false);

	in->outer = g->p;
	in->here = LLVMGetInsertBlock(g->b);
	in->loc = LLVMGetCurrentDebugLocation2(g->b);
	in->p = (struct prog_gen){ .probe = g->p->probe, .fn = LLVMAddFunction(g->mod, name, ft) };
	LLVMSetLinkage(in->p.fn, LLVMInternalLinkage);
	in->p.scope = debug_callback(g, in->p.fn, name);
	g->p = &in->p;
	in->p.entry = gen_block(g, "entry");
	gen_at(g, in->p.entry);
	gen_place(g, in->p.probe->span);
	return in->p.fn;
}

static void inner_close(struct gen *g, struct inner *in)
{
	g->p = in->outer;
	gen_at(g, in->here);
	LLVMSetCurrentDebugLocation2(g->b, in->loc);
}

/*
 * In the initial namespace, the usual case, the word PIDNS_INO is zero and the verifier drops the
 * branch.
 */
static void ids_body(struct gen *g)
{
	LLVMValueRef ino = gen_konst(g, KONST_PIDNS_INO, NULL), dev, info;
	LLVMBasicBlockRef inner = gen_block(g, "pidns"), outer = gen_block(g, "init_pidns");

	gen_cond_br(g, gen_not_zero(g, ino), inner, outer);
	gen_at(g, inner);
	dev = gen_konst(g, KONST_PIDNS_DEV, NULL);
	/* struct bpf_pidns_info: u32 pid, tgid; as one word like the helper's */
	info = gen_stack(g, 8);
	LLVMBuildStore(g->b, gen_i64(g, 0), info);
	HELP(g, get_ns_current_pid_tgid, dev, ino, info, gen_i32(g, 8));
	LLVMBuildRet(g->b, LLVMBuildLoad2(g->b, g->i64, info, ""));
	gen_at(g, outer);
	LLVMBuildRet(g->b, HELP0(g, get_current_pid_tgid));
}

LLVMValueRef inner_ids(struct gen *g)
{
	LLVMTypeRef ft = LLVMFunctionType(g->i64, NULL, 0, false);
	struct inner in;
	LLVMValueRef call;

	if (!g->ids_fn) {
		g->ids_fn = inner_open(g, &in, "ids", NULL, 0);
		ids_body(g);
		inner_close(g, &in);
	}
	call = LLVMBuildCall2(g->b, ft, g->ids_fn, NULL, 0, "");
	gen_pure(g, call);
	return call;
}

bool inner_expand(struct gen *g)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);

	if (!g->ids_fn)
		return false;
	LLVMAddAttributeAtIndex(g->ids_fn, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(g->ctx, kind, 0));
	return true;
}

enum { MAKE_MAP, MAKE_KEY, MAKE_COUNTER, MAKE_PARAMS };

static void make_refused(struct gen *g, LLVMValueRef ret)
{
	map_count_refusal_at(g, LLVMGetParam(g->p->fn, MAKE_COUNTER), ret);
	LLVMBuildRet(g->b, ret);
}

/*
 * An entry of zeroes; where it was there, or somebody deletes it in between, once more. That a key is
 * there already is no failure: somebody else has put it.
 */
static void make_body(struct gen *g)
{
	LLVMValueRef map = LLVMGetParam(g->p->fn, MAKE_MAP);
	LLVMValueRef key = LLVMGetParam(g->p->fn, MAKE_KEY), zero = gen_stack(g, 8), zeroes, ret;
	LLVMBasicBlockRef put = gen_block(g, "put"), none = gen_block(g, "none");
	LLVMBasicBlockRef there = gen_block(g, "there"), again = gen_block(g, "again");
	LLVMBasicBlockRef refused = gen_block(g, "refused"), lost = gen_block(g, "lost");
	LLVMValueRef made, exists;

	LLVMBuildStore(g->b, gen_i64(g, 0), zero);
	zeroes = HELP(g, map_lookup_elem, g->zeroes->global, zero);
	gen_cond_br(g, gen_not_zero(g, zeroes), put, there);
	gen_at(g, put);
	g->may_fail = true; /* a full map is told by the lookup after */
	ret = HELP(g, map_update_elem, map, key, zeroes, gen_i64(g, BPF_NOEXIST));
	gen_cond_br(g, gen_not_zero(g, HELP(g, map_lookup_elem, map, key)), there, none);
	gen_at(g, none);
	made = gen_cmp(g, LLVMIntEQ, LLVMBuildTrunc(g->b, ret, g->i32, ""), gen_i32(g, 0));
	exists = map_is_errno(g, ret, EEXIST);
	gen_cond_br(g, LLVMBuildOr(g->b, made, exists, ""), again, refused);
	gen_at(g, refused);
	make_refused(g, ret);
	gen_at(g, again);
	g->may_fail = true;
	ret = HELP(g, map_update_elem, map, key, zeroes, gen_i64(g, BPF_NOEXIST));
	gen_cond_br(g, gen_not_zero(g, HELP(g, map_lookup_elem, map, key)), there, lost);
	gen_at(g, lost);
	make_refused(g, ret);
	gen_at(g, there);
	LLVMBuildRet(g->b, gen_i64(g, 0));
}

LLVMValueRef inner_make_entry(struct gen *g, struct map_sym *m, LLVMValueRef key)
{
	LLVMTypeRef params[MAKE_PARAMS] = { g->ptr, g->ptr, g->i64 };
	LLVMTypeRef ft = LLVMFunctionType(g->i64, params, MAKE_PARAMS, false);
	LLVMValueRef args[MAKE_PARAMS] = { ((struct map_gen *)m->gen)->global, key,
					   gen_i64(g, image_counter_refused(m->idx)) };
	struct inner in;

	if (!g->make_fn) {
		g->make_fn = inner_open(g, &in, "make_entry", params, MAKE_PARAMS);
		make_body(g);
		inner_close(g, &in);
	}
	return LLVMBuildCall2(g->b, ft, g->make_fn, args, MAKE_PARAMS, "");
}

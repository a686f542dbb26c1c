// SPDX-License-Identifier: Apache-2.0
/* Builtin values: what the kernel knows about now and here. */
#include <string.h>

#include "codegen/call.h"
#include "codegen/lvalue.h"

static LLVMValueRef low32(struct gen *g, LLVMValueRef v)
{
	return LLVMBuildAnd(g->b, v, gen_i64(g, 0xffffffff), "");
}

static LLVMValueRef high32(struct gen *g, LLVMValueRef v)
{
	return LLVMBuildLShr(g->b, v, gen_i64(g, 32), "");
}

/* pid(init): as the initial namespace numbers it. */
static LLVMValueRef ids_of(struct gen *g, struct call *c)
{
	return c->args && c->args->num.value ? HELP0(g, get_current_pid_tgid) : inner_ids(g);
}

LLVMValueRef fn_pid(struct gen *g, struct call *c)
{
	return high32(g, ids_of(g, c));
}

LLVMValueRef fn_tid(struct gen *g, struct call *c)
{
	return low32(g, ids_of(g, c));
}

LLVMValueRef fn_uid(struct gen *g, struct call *c)
{
	(void)c;
	return low32(g, HELP0(g, get_current_uid_gid));
}

LLVMValueRef fn_gid(struct gen *g, struct call *c)
{
	(void)c;
	return high32(g, HELP0(g, get_current_uid_gid));
}

/* Its name is looked up when it is printed. */
LLVMValueRef fn_username(struct gen *g, struct call *c)
{
	LLVMBuildStore(g->b, low32(g, HELP0(g, get_current_uid_gid)), c->dst);
	return gen_i64(g, 0);
}

/*
 * Kernels from 5.16 to 6.2 leave the bytes behind the name's end as they are: two keys of one name
 * would differ.
 */
LLVMValueRef fn_comm(struct gen *g, struct call *c)
{
	LLVMValueRef tmp;

	if (c->max == 16) {
		/* in a tuple it may stand anywhere: LLVM finds out how it is aligned */
		LLVMBuildMemSet(g->b, c->dst, LLVMConstNull(g->i8), gen_i64(g, 16), 1);
		HELP(g, get_current_comm, c->dst, gen_i32(g, 16));
		return gen_i64(g, 0); /* its length is nobody's question: see event.c */
	}
	tmp = gen_tmp(g, 16);
	HELP(g, get_current_comm, tmp, gen_i32(g, 16));
	return gen_text_from(g, c->dst, c->max < 16 ? c->max : 16, tmp, AS_KERNEL);
}

LLVMValueRef fn_cpu(struct gen *g, struct call *c)
{
	(void)c;
	return low32(g, HELP0(g, get_smp_processor_id));
}

LLVMValueRef fn_ncpus(struct gen *g, struct call *c)
{
	(void)c;
	return gen_konst(g, KONST_NCPUS, NULL);
}

LLVMValueRef fn_numaid(struct gen *g, struct call *c)
{
	(void)c;
	return low32(g, HELP0(g, get_numa_node_id));
}

/* nsecs(boot|monotonic|tai|sw_tai): the word has become its number in the builtin's row. */
LLVMValueRef fn_nsecs(struct gen *g, struct call *c)
{
	enum { BOOT, MONOTONIC, TAI, SW_TAI } clock = c->args ? c->args->num.value : BOOT;
	LLVMValueRef boot;

	if (clock == MONOTONIC)
		return HELP0(g, ktime_get_ns);
	if (clock == TAI) {
		pack_need(g, "ktime_tai", c->n->span);
		return HELP0(g, ktime_get_tai_ns);
	}
	boot = HELP0(g, ktime_get_boot_ns);
	if (clock == BOOT)
		return boot;
	return LLVMBuildAdd(g->b, boot, gen_konst(g, KONST_TAI_OFFSET_NS, NULL), "");
}

LLVMValueRef fn_elapsed(struct gen *g, struct call *c)
{
	(void)c;
	return LLVMBuildSub(g->b, HELP0(g, ktime_get_boot_ns), gen_konst(g, KONST_START_NS, NULL),
			    "");
}

LLVMValueRef fn_rand(struct gen *g, struct call *c)
{
	(void)c;
	return low32(g, HELP0(g, get_prandom_u32));
}

LLVMValueRef fn_cgroup(struct gen *g, struct call *c)
{
	(void)c;
	return HELP0(g, get_current_cgroup_id);
}

LLVMValueRef fn_cgroupid(struct gen *g, struct call *c)
{
	return gen_konst_at(g, KONST_CGROUPID, c->args->str.text, c->n->span);
}

LLVMValueRef fn_ctx(struct gen *g, struct call *c)
{
	(void)c;
	return gen_number(g, LLVMBuildPtrToInt(g->b, g->p->ctx, g->i64, ""));
}

LLVMValueRef fn_socket_cookie(struct gen *g, struct call *c)
{
	LLVMBasicBlockRef null = gen_block(g, "null"), join = gen_block(g, "join"), from;
	LLVMValueRef v = HELP(g, get_socket_cookie, lvalue_trusted(g, c->args, null));

	from = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, null);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, v, from, gen_i64(g, 0), null);
}

LLVMValueRef fn_curtask(struct gen *g, struct call *c)
{
	(void)c;
	return HELP0(g, get_current_task);
}

LLVMValueRef fn_cpid(struct gen *g, struct call *c)
{
	(void)c;
	return gen_konst(g, KONST_CPID, NULL);
}

LLVMValueRef fn_has_cpid(struct gen *g, struct call *c)
{
	(void)c;
	return LLVMBuildZExt(g->b, gen_not_zero(g, gen_konst(g, KONST_CPID, NULL)), g->i64, "");
}

/* ---- probe, func ---- */

typedef const char *name_fn(const struct probe_target *t);

static const char *target_name(const struct probe_target *t)
{
	return t->name;
}

/* All names of the program's targets, padded to one stride, as read-only data. */
static LLVMValueRef name_table(struct gen *g, uint32_t cnt, uint32_t stride, name_fn *name)
{
	char *bytes = arena_alloc(g->u->arena, (size_t)cnt * stride), *at = bytes;
	LLVMValueRef init, table;

	for (struct node *a = g->p->probe->probe.attaches; a; a = a->next, at += stride)
		strncpy(at, name(a->attach.target), stride - 1);
	init = LLVMConstStringInContext(g->ctx, bytes, cnt * stride, true);
	table = LLVMAddGlobal(g->mod, LLVMTypeOf(init), "probe_names");
	LLVMSetInitializer(table, init);
	LLVMSetGlobalConstant(table, true);
	LLVMSetLinkage(table, LLVMInternalLinkage);
	LLVMSetAlignment(table, 8);
	LLVMSetSection(table, ".rodata.names");
	return table;
}

/* Of the target that the attach cookie names; any other would be a foreign attachment: the first. */
static LLVMValueRef current_name(struct gen *g, uint32_t cnt, uint32_t stride, name_fn *name)
{
	LLVMValueRef row;

	g->p->uses_cookie = true;
	row = gen_bound(g, HELP(g, get_attach_cookie, g->p->ctx), cnt);
	return gen_off_var(g, name_table(g, cnt, stride, name),
			   LLVMBuildMul(g->b, row, gen_i64(g, stride), ""));
}

static LLVMValueRef name_of_target(struct gen *g, struct call *c, name_fn *name)
{
	struct node *attaches = g->p->probe->probe.attaches;
	struct node lit = { .kind = N_STR };
	uint32_t cnt = 0, stride = (c->n->type->size + 7) & ~7u;
	LLVMValueRef src;

	for (struct node *a = attaches; a; a = a->next)
		cnt++;
	if (cnt == 1) {
		lit.str.text = name(attaches->attach.target);
		lit.str.len = strlen(lit.str.text);
		return gen_text(g, &lit, c->dst, c->max);
	}
	src = current_name(g, cnt, stride, name);
	return gen_text_from(g, c->dst, c->max < stride ? c->max : stride, src, AS_KERNEL);
}

LLVMValueRef fn_probe(struct gen *g, struct call *c)
{
	return name_of_target(g, c, target_name);
}

LLVMValueRef fn_func(struct gen *g, struct call *c)
{
	return name_of_target(g, c, target_function);
}

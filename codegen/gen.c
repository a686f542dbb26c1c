// SPDX-License-Identifier: Apache-2.0
/*
 * The driver of code generation: one BPF program per probe of the expanded tree, the maps they
 * share, and the image's tables; then the small building blocks that everything else uses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/core.h"
#include "codegen/outline.h"

#define STACK_BUDGET_LEAST 64
/* PCPU_MIN_UNIT_SIZE */
#define FRAME_PERCPU_MAX (32 << 10)

LLVMValueRef gen_i64(struct gen *g, uint64_t v)
{
	return LLVMConstInt(g->i64, v, false);
}

LLVMValueRef gen_i32(struct gen *g, uint32_t v)
{
	return LLVMConstInt(g->i32, v, false);
}

LLVMBasicBlockRef gen_block(struct gen *g, const char *name)
{
	return LLVMAppendBasicBlockInContext(g->ctx, g->p->fn, name);
}

void gen_at(struct gen *g, LLVMBasicBlockRef bb)
{
	LLVMPositionBuilderAtEnd(g->b, bb);
}

bool gen_ended(struct gen *g)
{
	return LLVMGetBasicBlockTerminator(LLVMGetInsertBlock(g->b)) != NULL;
}

void gen_br(struct gen *g, LLVMBasicBlockRef to)
{
	if (!gen_ended(g))
		LLVMBuildBr(g->b, to);
}

void gen_cond_br(struct gen *g, LLVMValueRef cond, LLVMBasicBlockRef yes, LLVMBasicBlockRef no)
{
	LLVMBuildCondBr(g->b, cond, yes, no);
}

void gen_only_if(struct gen *g, LLVMValueRef cond, LLVMBasicBlockRef no)
{
	LLVMBasicBlockRef yes = gen_block(g, "ok");

	gen_cond_br(g, cond, yes, no);
	gen_at(g, yes);
}

LLVMValueRef gen_not_zero(struct gen *g, LLVMValueRef v)
{
	return LLVMBuildICmp(g->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
}

LLVMValueRef gen_cmp(struct gen *g, LLVMIntPredicate pred, LLVMValueRef a, LLVMValueRef b)
{
	return LLVMBuildICmp(g->b, pred, a, b, "");
}

LLVMValueRef gen_select(struct gen *g, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b)
{
	return LLVMBuildSelect(g->b, c, a, b, "");
}

LLVMValueRef gen_opaque(struct gen *g, LLVMValueRef v)
{
	LLVMTypeRef ft = LLVMFunctionType(g->i64, &g->i64, 1, false);
	LLVMValueRef barrier =
		LLVMGetInlineAsm(ft, "", 0, "=r,0", 4, true, false, LLVMInlineAsmDialectATT, false);

	return LLVMBuildCall2(g->b, ft, barrier, &v, 1, "");
}

LLVMValueRef gen_tested(struct gen *g, LLVMValueRef v)
{
	LLVMValueRef none = gen_opaque(g, gen_i64(g, 0));

	v = gen_opaque(g, v);
	return gen_opaque(g, gen_select(g, gen_not_zero(g, v), v, none));
}

/*
 * The verifier goes straight on before it comes back for a jump's target. So the way out of bounds is
 * the jump: when the verifier has been through all that follows with v in its bounds, it need not go
 * there again with the other value. The other way round each bound would double what is left to do.
 */
LLVMValueRef gen_clamp(struct gen *g, LLVMValueRef v, uint64_t limit, uint64_t other)
{
	LLVMBasicBlockRef in = gen_block(g, "in"), out = gen_block(g, "out"), from;
	LLVMValueRef instead;

	v = gen_opaque(g, v);
	from = LLVMGetInsertBlock(g->b);
	LLVMMoveBasicBlockAfter(in, from);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, v, gen_i64(g, limit)), in, out);
	gen_at(g, out);
	instead = gen_opaque(g, gen_i64(g, other)); /* nothing to make a select of */
	gen_br(g, in);
	gen_at(g, in);
	/* once more: or LLVM would move what follows to before the check */
	return gen_opaque(g, gen_merge(g, g->i64, v, from, instead, out));
}

LLVMValueRef gen_bound(struct gen *g, LLVMValueRef v, uint64_t limit)
{
	return gen_clamp(g, v, limit, 0);
}

LLVMValueRef gen_off_var(struct gen *g, LLVMValueRef base, LLVMValueRef off)
{
	return LLVMBuildGEP2(g->b, g->i8, base, &off, 1, "");
}

LLVMValueRef gen_off(struct gen *g, LLVMValueRef base, uint64_t off)
{
	return off ? gen_off_var(g, base, gen_i64(g, off)) : base;
}

void gen_place(struct gen *g, struct span sp)
{
	struct place pl;

	if (!source_place(g->u->sources, sp, &pl))
		return;
	g->place = sp;
	LLVMSetCurrentDebugLocation2(
		g->b, LLVMDIBuilderCreateDebugLocation(g->ctx, pl.line, pl.col, g->p->scope, NULL));
}

/* The kernel gives most helpers only to programs under a licence it likes. */
static void add_license(struct gen *g)
{
	const char *text = setting_str(g->u->settings, SETTING_license);
	LLVMValueRef init = LLVMConstStringInContext(g->ctx, text, (unsigned)strlen(text), false);
	LLVMValueRef v = LLVMAddGlobal(g->mod, LLVMTypeOf(init), "_license");

	LLVMSetInitializer(v, init);
	LLVMSetSection(v, "license");
}

static void gen_module(struct gen *g)
{
	struct node *n;
	uint32_t prog_cnt = 0;

	konst_open(g);
	map_declare_all(g);
	gen_declare_over(g);
	for (n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE)
			n->probe.idx = prog_cnt++;
	session_plan(g);
	sharing_plan(g);
	for (n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE)
			gen_program(g, n, false);
	session_all(g);
	outline_finish(g);
	if (g->sites)
		g->sites->max_entries = g->site_cnt;
	stack_finish(g);
	g->scratch->max_entries = prog_cnt ? prog_cnt : 1;
	pack_maps(g);
	for (const struct size_used *s = g->u->sizes; s; s = s->next)
		core_used(g, s);
	pack_options(g);
	pack_layouts(g);
	pack_settings(g);
	add_license(g);
	konst_close(g);
	map_finish_all(g);
}

static void gen_types(struct gen *g)
{
	g->i1 = LLVMInt1TypeInContext(g->ctx);
	g->i8 = LLVMInt8TypeInContext(g->ctx);
	g->i16 = LLVMInt16TypeInContext(g->ctx);
	g->i32 = LLVMInt32TypeInContext(g->ctx);
	g->i64 = LLVMInt64TypeInContext(g->ctx);
	g->ptr = LLVMPointerTypeInContext(g->ctx, 0);
	g->void_t = LLVMVoidTypeInContext(g->ctx);
}

static int gen_open(struct gen *g)
{
	g->ctx = LLVMContextCreate();
	/* names of blocks and values are for those who read them */
	LLVMContextSetDiscardValueNames(g->ctx, !g->opt->dump_ir && !g->opt->dump_ir_opt &&
							!g->opt->emit_llvm);
	g->mod = LLVMModuleCreateWithNameInContext("trace", g->ctx);
	g->b = LLVMCreateBuilderInContext(g->ctx);
	g->img = image_writer_new();
	if (!g->img)
		return -ENOMEM;
	gen_types(g);
	return emit_init(g);
}

static void gen_close(struct gen *g)
{
	image_writer_free(g->img);
	if (g->di)
		LLVMDisposeDIBuilder(g->di);
	LLVMDisposeBuilder(g->b);
	LLVMDisposeModule(g->mod);
	if (g->td)
		LLVMDisposeTargetData(g->td);
	if (g->tm)
		LLVMDisposeTargetMachine(g->tm);
	LLVMContextDispose(g->ctx);
}

/* The probe whose program has that name, as tracepoint_3. */
const struct node *gen_probe_of(const struct gen *g, const char *name)
{
	unsigned long idx = strtoul(name + strcspn(name, "0123456789"), NULL, 10);

	for (const struct node *n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE && n->probe.idx == idx)
			return n;
	return NULL;
}

/* The program of that name; none for NULL. */
static void no_stack(struct gen *g, const char *name)
{
	const struct node *probe = name ? gen_probe_of(g, name) : NULL;

	if (!name)
		return;
	g->too_little_stack = true;
	if (probe && g->stack_budget <= STACK_BUDGET_LEAST)
		diag_hint(diag(g->u->diags, probe->probe.attaches->span, D_STACK),
			  "Use fewer variables at a time (maps keep values too), nest fewer "
			  "loops, or split large expressions.");
}

/* LLVM's own way with errors is to end the process. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *arg)
{
	struct gen *g = arg;
	char *text;

	if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
		return;
	text = LLVMGetDiagInfoDescription(info);
	if (strstr(text, "stack"))
		no_stack(g, strstr(text, "in function ") ?: text);
	else
		diag(g->u->diags, SPAN_NONE, D_LLVM_REFUSED, text);
	LLVMDisposeMessage(text);
}

static int generate(struct gen *g, void **elf, size_t *elf_sz)
{
	struct unit *u = g->u;
	int err = gen_open(g);

	if (!err) {
		LLVMContextSetDiagnosticHandler(g->ctx, on_diagnostic, g);
		debug_init(g);
		gen_module(g);
		err = diags_errors(u->diags) ? -EINVAL : 0;
		if (!g->large_frames && g->scratch->val_sz > FRAME_PERCPU_MAX)
			err = err ?: -EFBIG;
		err = err ?: emit_object(g, elf, elf_sz);
		if (!err && !g->too_little_stack)
			no_stack(g, depth_exceeded(g, *elf, *elf_sz));
	}
	if (!err && (g->too_little_stack || diags_errors(u->diags))) {
		free(*elf);
		*elf = NULL;
		err = g->too_little_stack ? -ENOSPC : -EINVAL;
	}
	gen_close(g);
	return err;
}

enum { ATTEMPTS_MAX = 8 }; /* of one compilation; fewer are made */

/* Needs: a checked tree. Gives: an image. A program that spills much gets less stack for values. */
int codegen(struct unit *u, const struct codegen_options *opt, void **elf, size_t *elf_sz)
{
	static const uint32_t budgets[] = { 320, 160, STACK_BUDGET_LEAST };
	size_t i = 0;
	bool large = false;
	uint32_t attempt = opt->round * ATTEMPTS_MAX;
	int err;

	do {
		struct gen g = { .u = u,
				 .opt = opt,
				 .stack_budget = budgets[i],
				 .frugal = i > 0,
				 .attempt = attempt++,
				 .large_frames = large };

		err = generate(&g, elf, elf_sz);
		if (err == -EFBIG)
			large = true;
		else
			i++;
	} while (err == -EFBIG || (err == -ENOSPC && i < sizeof(budgets) / sizeof(*budgets)));
	return err == -ENOSPC ? -EINVAL : err;
}

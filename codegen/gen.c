// SPDX-License-Identifier: Apache-2.0
/*
 * The driver of code generation: one BPF program per probe of the expanded tree, the maps they
 * share, and the image's tables; then the small building blocks that everything else uses.
 *
 * A program looks like this:
 *
 *	entry:	stack slots                         (filled in as they are needed)
 *	pred:	[scratch lookup] predicate -> leave
 *	body:	[scratch lookup] statements -> leave
 *	leave:	return 0
 *
 * so that a predicate of cheap values costs nothing but itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/beat.h"
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

void gen_place(struct gen *g, struct span sp)
{
	struct place pl;

	if (!source_place(g->u->sources, sp, &pl))
		return;
	g->place = sp;
	LLVMSetCurrentDebugLocation2(
		g->b, LLVMDIBuilderCreateDebugLocation(g->ctx, pl.line, pl.col, g->p->scope, NULL));
}

/* A global whose size is not known yet: a stand-in that finish_global replaces. */
static LLVMValueRef placeholder(struct gen *g, const char *name)
{
	LLVMValueRef v = LLVMAddGlobal(g->mod, g->i64, name);

	LLVMSetExternallyInitialized(v, true);
	return v;
}

static LLVMValueRef finish_global(struct gen *g, LLVMValueRef old, LLVMTypeRef type,
				  const char *name, const char *section)
{
	LLVMValueRef v = LLVMAddGlobal(g->mod, type, name);

	LLVMSetInitializer(v, LLVMConstNull(type));
	LLVMSetSection(v, section);
	LLVMSetGlobalConstant(v, true);
	LLVMSetExternallyInitialized(v, true);
	LLVMSetAlignment(v, 8);
	LLVMReplaceAllUsesWith(old, v);
	LLVMDeleteGlobal(old);
	return v;
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

static void finish_globals(struct gen *g)
{
	add_license(g);
	image_put_consts(g->img, g->konsts, g->konst_cnt);
	if (g->konst_cnt)
		finish_global(g, g->konst_global, LLVMArrayType(g->i64, g->konst_cnt), "consts",
			      IMAGE_CONSTS_SECTION);
	else
		LLVMDeleteGlobal(g->konst_global);
}

void gen_open_program(struct gen *g, struct prog_gen *p)
{
	LLVMTypeRef ft = LLVMFunctionType(g->i64, &g->ptr, 1, false);

	p->fn = LLVMAddFunction(g->mod, p->name, ft);
	if (p->is_body)
		LLVMSetLinkage(p->fn, LLVMInternalLinkage);
	else
		LLVMSetSection(p->fn, p->probe->probe.ptype->section);
	p->ctx = LLVMGetParam(p->fn, 0);
	p->entry = gen_block(g, "entry");
	p->leave = gen_block(g, "leave");
	p->stop = p->probe->probe.ptype->flags & PROBE_WALKS ? gen_block(g, "stop") : p->leave;
	debug_function(g, p);
	gen_at(g, p->entry);
	gen_place(g, p->probe->span);
	if (p->probe->probe.ptype->flags & PROBE_RETURNS) {
		p->result = gen_stack(g, 8);
		LLVMBuildStore(g->b, gen_i64(g, 0), p->result);
	}
}

/* Starts a phase: a head block of its own for the scratch lookup, then the code. */
LLVMBasicBlockRef gen_phase_open(struct gen *g, const char *name)
{
	LLVMBasicBlockRef code;

	g->p->head = gen_block(g, name);
	g->p->scratch = NULL;
	gen_br(g, g->p->head);
	code = gen_block(g, "code");
	gen_at(g, code);
	return code;
}

/* Ends it: the head leads to the code, by way of the lookup when it was needed. */
void gen_phase_close(struct gen *g, LLVMBasicBlockRef code)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b);
	LLVMValueRef ok;

	gen_at(g, g->p->head);
	if (g->p->scratch) {
		ok = gen_not_zero(g, g->p->scratch);
		gen_cond_br(g, ok, code, g->p->leave);
	} else {
		gen_br(g, code);
	}
	gen_at(g, here);
}

/* With -p, a probe that sees every process leaves when it is not the one; the pid may come later. */
static void filter_pid(struct gen *g)
{
	const struct probe_type *pt = g->p->probe->probe.ptype;
	const struct compile_options *opt = g->u->opt;
	LLVMBasicBlockRef look, mine;
	LLVMValueRef tgid;

	if ((!opt->pid && !opt->open_options) || pt->when != PROBE_WHEN_ATTACHED ||
	    (pt->flags & (PROBE_TAKES_PID | PROBE_NOBODYS)))
		return;
	look = gen_block(g, "look");
	mine = gen_block(g, "mine");
	gen_cond_br(g, gen_not_zero(g, gen_konst(g, KONST_FILTER_PID, NULL)), look, mine);
	gen_at(g, look);
	tgid = gen_call_int(g, builtin_by_id(B_pid), NULL, NULL);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, tgid, gen_konst(g, KONST_FILTER_PID, NULL)), mine,
		    g->p->leave);
	gen_at(g, mine);
}

/*
 * A walk waits for user space, which reads the ring between two parts of it: while that is half full
 * the object's turn is put off (the kernel comes back to it when we return 1). And the call without
 * an object that ends a walk is none of the script's.
 */
static void begin_walk(struct gen *g)
{
	const struct probe_type *pt = g->p->probe->probe.ptype;
	const struct probe_target *t = g->p->probe->probe.attaches->attach.target;
	LLVMBasicBlockRef room, object;
	LLVMValueRef used, at;

	if (!(pt->flags & PROBE_WALKS))
		return;
	if (!t->c) {
		room = gen_block(g, "room");
		used = HELP(g, ringbuf_query, g->events->global, gen_i64(g, 0));
		used = LLVMBuildShl(g->b, used, gen_i64(g, 1), "");
		gen_cond_br(g, gen_cmp(g, LLVMIntULT, used, gen_konst(g, KONST_RING_LIMIT, NULL)),
			    room, g->p->stop);
		gen_at(g, room);
	}
	if (t->value) {
		object = gen_block(g, "object");
		at = LLVMBuildLoad2(g->b, g->i64, gen_off(g, g->p->ctx, t->value), "");
		gen_cond_br(g, gen_not_zero(g, at), object, g->p->leave);
		gen_at(g, object);
	}
}

/* Whether a probe runs on events: those before and after the trace always run, walks end by themselves. */
static bool is_on_events(const struct node *probe)
{
	const struct probe_type *pt = probe->probe.ptype;

	return (pt->when == PROBE_WHEN_ATTACHED || pt->when == PROBE_WHEN_SIGNAL) &&
	       !(pt->flags & PROBE_WALKS);
}

static bool exit_inside(struct walker *w, struct node *n)
{
	if (n->kind == N_CALL && n->call.fn && n->call.fn->id == B_exit)
		*(bool *)w->arg = true;
	return true;
}

/* Makes the word that exit() sets, when a probe on events calls it. */
static void declare_over(struct gen *g)
{
	bool found = false;
	struct walker w = { .pre = exit_inside, .arg = &found };

	for (struct node *n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE && is_on_events(n))
			walk(&w, n);
	if (!found)
		return;
	g->over = LLVMAddGlobal(g->mod, g->i64, "over");
	LLVMSetInitializer(g->over, LLVMConstInt(g->i64, 0, false));
	LLVMSetSection(g->over, ".bss");
	LLVMSetAlignment(g->over, 8);
}

/*
 * What happens between exit() and the end of the trace is no part of it: neither printed nor counted,
 * so that what was counted is what was printed.
 */
static void leave_when_over(struct gen *g)
{
	LLVMBasicBlockRef on = g->over && is_on_events(g->p->probe) ? gen_block(g, "on") : NULL;
	LLVMValueRef over;

	if (!on)
		return;
	over = LLVMBuildLoad2(g->b, g->i64, g->over, "");
	LLVMSetVolatile(over, true);
	gen_cond_br(g, gen_not_zero(g, over), g->p->leave, on);
	gen_at(g, on);
}

static void gen_phases(struct gen *g)
{
	struct node *probe = g->p->probe;
	LLVMBasicBlockRef code, hit;
	struct mem_mark m;

	begin_walk(g);
	beat_begin(g);
	leave_when_over(g);
	filter_pid(g);
	if (probe->probe.pred) {
		code = gen_phase_open(g, "pred");
		hit = gen_block(g, "hit");
		gen_place(g, probe->probe.pred->span);
		pack_statement(g, probe->probe.pred->span);
		m = gen_mark(g);
		gen_cond_br(g, gen_bool(g, probe->probe.pred), hit, g->p->leave);
		gen_release(g, m);
		gen_phase_close(g, code);
		gen_at(g, hit);
	}
	code = gen_phase_open(g, "body");
	gen_body(g, probe->probe.body);
	gen_br(g, g->p->leave);
	gen_phase_close(g, code);
}

/* A block that nothing reaches (after exit()) still needs an end. */
void gen_finish_blocks(struct gen *g)
{
	LLVMBasicBlockRef bb = LLVMGetFirstBasicBlock(g->p->fn);

	for (; bb; bb = LLVMGetNextBasicBlock(bb)) {
		gen_at(g, bb);
		if (!gen_ended(g))
			LLVMBuildUnreachable(g->b);
	}
}

void gen_close_program(struct gen *g, struct prog_gen *p)
{
	LLVMValueRef result;

	gen_at(g, p->leave);
	result = p->result ? LLVMBuildLoad2(g->b, g->i64, p->result, "") : gen_i64(g, 0);
	LLVMBuildRet(g->b, result);
	if (p->stop != p->leave) {
		gen_at(g, p->stop);
		LLVMBuildRet(g->b, gen_i64(g, 1));
	}
	gen_finish_blocks(g);
	LLVMMoveBasicBlockAfter(p->leave, LLVMGetLastBasicBlock(p->fn));
	LLVMSetCurrentDebugLocation2(g->b, NULL);
}

const char *gen_program_name(struct gen *g, const struct node *probe, const char *form)
{
	return arena_printf(g->u->arena, "%s_%u%s", probe->probe.ptype->name, probe->probe.idx,
			    form);
}

/*
 * A program with loops is made twice: with bodies that bpf_loop calls, and for kernels that have no
 * such thing (before 5.17), or may be, with plain loops that the verifier walks through. The image's
 * row names the first, the other's name is the same with IMAGE_PLAIN behind it.
 */
static void gen_program(struct gen *g, struct node *probe, bool plain)
{
	struct prog_gen p = { .probe = probe, .plain = plain };
	uint64_t has;

	p.is_body = !plain && session_has(g, probe);
	p.name = gen_program_name(g, probe, plain ? IMAGE_PLAIN : p.is_body ? PROGRAM_BODY : "");
	g->p = &p;
	gen_open_program(g, &p);
	gen_phases(g);
	gen_close_program(g, &p);
	if (p.frame_max > g->scratch->val_sz)
		g->scratch->val_sz = p.frame_max;
	if (!plain)
		pack_probe(g, &p);
	g->p = NULL;
	if (p.is_body)
		session_entry(g, probe);
	if (p.has_calls && !plain && !(gen_knows(g, KONST_FEATURE, "bpf_loop", &has) && has))
		gen_program(g, probe, true);
}

static void gen_module(struct gen *g)
{
	struct node *n;
	uint32_t prog_cnt = 0;

	g->konst_global = placeholder(g, "consts_later");
	map_declare_all(g);
	declare_over(g);
	for (n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE)
			n->probe.idx = prog_cnt++;
	session_plan(g);
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
	finish_globals(g);
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

/* The program of that name, as tracepoint_3; none for NULL. */
static void no_stack(struct gen *g, const char *name)
{
	unsigned long idx;

	if (!name)
		return;
	g->too_little_stack = true;
	name += strcspn(name, "0123456789");
	idx = strtoul(name, NULL, 10);
	if (g->stack_budget > STACK_BUDGET_LEAST)
		return;
	for (const struct node *n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE && n->probe.idx == idx)
			diag(g->u->diags, n->probe.attaches->span, D_STACK);
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

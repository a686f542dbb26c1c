// SPDX-License-Identifier: Apache-2.0
/*
 * The BPF program of a probe:
 *
 *	entry:	[have the frame alone] stack slots  (filled in as they are needed)
 *	pred:	[scratch lookup] predicate -> leave
 *	body:	[scratch lookup] statements -> leave
 *	leave:	[give it back] return 0
 *
 * so that a predicate of cheap values costs nothing but itself.
 */
#include "codegen/beat.h"
#include "codegen/gen.h"

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
	alone_open(g, p);
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

/*
 * Makes the word that exit() sets, when a probe on events calls it; or when the trace may be over before
 * it begins, which is a dry run.
 */
void gen_declare_over(struct gen *g)
{
	bool found = g->opt->dry_run || !g->opt->known;
	struct walker w = { .pre = exit_inside, .arg = &found };

	for (struct node *n = g->u->program->program.items; n; n = n->next)
		if (n->kind == N_PROBE && is_on_events(n))
			walk(&w, n);
	if (!found)
		return;
	g->over = LLVMAddGlobal(g->mod, g->i64, "over");
	LLVMSetInitializer(g->over, LLVMConstInt(g->i64, 0, false));
	LLVMSetSection(g->over, IMAGE_SECTION_OVER);
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
		clock_open(g, probe->probe.pred);
		m = gen_mark(g);
		gen_cond_br(g, gen_bool(g, probe->probe.pred), hit, g->p->leave);
		gen_release(g, m);
		gen_phase_close(g, code);
		gen_at(g, hit);
	}
	code = gen_phase_open(g, "body");
	clock_open(g, probe->probe.body);
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

	alone_close(g, p);
	gen_at(g, p->leave);
	alone_leave(g, p);
	result = p->result ? LLVMBuildLoad2(g->b, g->i64, p->result, "") : gen_i64(g, 0);
	LLVMBuildRet(g->b, result);
	if (p->stop != p->leave) {
		gen_at(g, p->stop);
		alone_leave(g, p);
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
void gen_program(struct gen *g, struct node *probe, bool plain)
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

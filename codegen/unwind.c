// SPDX-License-Identifier: Apache-2.0
/*
 * User stacks of code without frame pointers. What compilers write in .eh_frame says for each
 * instruction where the caller's registers are; user space makes tables of it (runtime/unwind.c,
 * struct unwind_proc and what follows it in the seam), and here they are walked by: so the frames
 * are known where the event happens, and a stack may be a key like any other.
 *
 *	unwind_find(slot, addr)		the table for an address (unwind_walk.c)
 *	unwind_rule(table, vaddr)	the rule for an address there: two searches by halving
 *	unwind_step(slot)		one frame: from the state's registers to those of the caller
 *
 * They are global functions: the kernel verifies each by itself, once, and takes what it returns for
 * any number; so 127 frames cost no more to verify than one. They get numbers only, and find the
 * state by the program's slot. Code without a table (what a JIT compiler has made) is passed by its
 * frame pointer, which is believed when it leads to code. When nothing is known yet of an address,
 * user space is told, and meanwhile frame pointers have to do (ask_for).
 */
#include <linux/bpf.h>

#include "codegen/stack.h"
#include "codegen/unwind.h"

enum { TGIDS = 4096, FILES = 4096, CHUNKS = 16384 };

/*
 * Offsets in the kernel's struct pt_regs (CALL: number of the system call, negative when there is none),
 * and from the stack pointer on where the kernel leaves registers for a signal's handler to return.
 */
#if defined(__x86_64__)
#define KNOWN 1
enum { R_PC = 128, R_SP = 152, R_FP = 32, R_BX = 40, R_LR = 128 };
enum { R_MODE = 136, MODE_MASK = 0xffff, MODE = 0x33 }; /* cs of 64-bit code */
enum { R_CALL = 120, R_CALL_SZ = 8 };
enum { SIG_FP = 120, SIG_BX = 128, SIG_SP = 160, SIG_PC = 168, SIG_LR = 168 };
#define ADDR_MASK UINT64_MAX
#elif defined(__aarch64__)
#define KNOWN 1
enum { R_PC = 256, R_SP = 248, R_FP = 232, R_BX = 152, R_LR = 240 };
enum { R_MODE = 264, MODE_MASK = 0x1f, MODE = 0 }; /* pstate: 64 bit, user */
enum { R_CALL = 280, R_CALL_SZ = 4 };
enum { SIG_FP = 544, SIG_BX = 464, SIG_SP = 560, SIG_PC = 568, SIG_LR = 552 };
#define ADDR_MASK 0xffffffffffffull /* a return address may be signed in its upper bits */
#else
#define KNOWN 0
enum { R_PC, R_SP, R_FP, R_BX, R_LR, R_MODE, MODE_MASK, MODE, R_CALL, R_CALL_SZ };
enum { SIG_FP, SIG_BX, SIG_SP, SIG_PC, SIG_LR };
#define ADDR_MASK UINT64_MAX
#endif

bool unwind_known_here(void)
{
	return KNOWN;
}

/* ---- functions ---- */

/* An entry of a map whose key is made here; leaves the function when there is none. */
static LLVMValueRef entry_of(struct gen *g, struct map_gen *map, LLVMValueRef key)
{
	LLVMValueRef mem = gen_stack(g, 8), p;

	LLVMBuildStore(g->b, key, mem);
	p = HELP(g, map_lookup_elem, map->global, mem);
	gen_only_if(g, gen_not_zero(g, p), g->p->leave);
	return p;
}

/* unwind_rule(table, vaddr): 0 when there is none, UNWIND_LATER when there is no table yet. */
static void rule_function(struct gen *g, struct unwind_gen *u)
{
	LLVMValueRef table, vaddr, chunk, at, key;
	LLVMBasicBlockRef later;
	struct stack_function f;

	u->rule_fn = stack_function_open(g, &f, "unwind_rule", 2);
	table = LLVMBuildShl(g->b, LLVMGetParam(u->rule_fn, 0), gen_i64(g, 32), "");
	vaddr = LLVMGetParam(u->rule_fn, 1);
	key = gen_stack(g, 8);
	later = gen_block(g, "later");
	LLVMBuildStore(g->b, LLVMBuildOr(g->b, table, gen_i64(g, UNWIND_INDEX), ""), key);
	chunk = HELP(g, map_lookup_elem, u->tables->global, key);
	gen_only_if(g, gen_not_zero(g, chunk), later);
	at = word_search(g, chunk, UNWIND_CHUNKS, 4, 4, vaddr);
	at = LLVMBuildLShr(g->b, at, gen_i64(g, 2), "");
	chunk = entry_of(g, u->tables, LLVMBuildOr(g->b, table, at, ""));
	at = gen_off_var(g, chunk,
			 word_search(g, chunk, UNWIND_ROWS, sizeof(struct unwind_row), 4, vaddr));
	gen_only_if(g, gen_cmp(g, LLVMIntULE, word_load(g, at, 0, 4, false), vaddr), g->p->leave);
	LLVMBuildRet(g->b, word_load(g, at, offsetof(struct unwind_row, rule), 4, false));
	gen_at(g, later);
	LLVMBuildRet(g->b, gen_i64(g, UNWIND_LATER));
	stack_function_close(g, &f);
}

/* A step of unwind_step that is being made: what its parts share. */
struct step {
	LLVMValueRef slot, st, rule; /* the last two: memory */
	LLVMValueRef pc; /* the instruction it is about */
	LLVMValueRef cfa; /* variable */
	LLVMBasicBlockRef stop, by_rule, by_fp, moved;
};

/* A guess led to no code: it is no frame. */
static void drop_guess(struct gen *g, struct step *s)
{
	LLVMValueRef cnt = LLVMBuildLoad2(g->b, g->i32, gen_off(g, s->st, STACK_AT(cnt)), "");
	LLVMValueRef guessed = word_load64(g, s->st, STACK_AT(guessed));

	guessed = LLVMBuildTrunc(g->b, guessed, g->i32, "");
	word_store(g, s->st, STACK_AT(cnt), LLVMBuildSub(g->b, cnt, guessed, ""));
	gen_br(g, s->stop);
}

/*
 * User space shall know of pc, of which there is no table yet. Until then what may have no frame pointers
 * is passed by them all the same, as the kernel would, from the innermost frame on; but where the kernel's
 * mappings can be looked into, a frame counts only when it is code.
 */
static void ask_for(struct gen *g, struct step *s)
{
	LLVMValueRef cnt = word_load(g, s->st, STACK_AT(cnt), 4, false);
	LLVMValueRef guessed = word_load64(g, s->st, STACK_AT(guessed));
	LLVMValueRef guess = LLVMBuildOr(g->b, word_is(g, cnt, 1), gen_not_zero(g, guessed), "");

	word_store(g, s->st, STACK_AT(need), s->pc);
	gen_only_if(g, gen_not_zero(g, unwind_can_walk(g)), s->stop);
	gen_cond_br(g, guess, s->by_fp, s->stop);
}

/* Nothing is known of pc. It is code, unless that was a guess. */
static void no_mapping(struct gen *g, struct step *s, LLVMBasicBlockRef later)
{
	LLVMBasicBlockRef drop = gen_block(g, "drop");
	LLVMValueRef guessed = word_load64(g, s->st, STACK_AT(guessed));
	LLVMValueRef sure =
		LLVMBuildOr(g->b, word_is(g, guessed, 0), gen_not_zero(g, unwind_can_walk(g)), "");

	gen_cond_br(g, sure, later, drop);
	gen_at(g, drop);
	drop_guess(g, s);
	gen_at(g, later);
	ask_for(g, s);
}

/* The table of pc and its place there, into the state: by what we were told, or else by the kernel's own. */
static LLVMValueRef find_table(struct gen *g, struct unwind_gen *u, struct step *s)
{
	LLVMBasicBlockRef walk = gen_block(g, "walk"), have = gen_block(g, "table"), told, walked;
	LLVMTypeRef params[2] = { g->i64, g->i64 };
	LLVMValueRef map, row, vaddr, table, found, args[2] = { s->slot, s->pc };

	map = HELP(g, map_lookup_elem, u->procs->global, gen_off(g, s->st, STACK_AT(tgid)));
	gen_only_if(g, gen_not_zero(g, map), walk);
	gen_only_if(g,
		    gen_cmp(g, LLVMIntEQ, word_load64(g, map, offsetof(struct unwind_proc, mm)),
			    word_load64(g, s->st, STACK_AT(mm))),
		    walk);
	row = gen_off_var(
		g, map,
		word_search(g, map, UNWIND_MAPPINGS, sizeof(struct unwind_mapping), 8, s->pc));
	vaddr = word_load(g, row, offsetof(struct unwind_mapping, vaddr), 4, false);
	vaddr = word_add(g, LLVMBuildSub(g->b, s->pc, word_load64(g, row, 0), ""), vaddr);
	word_store(g, s->st, STACK_AT(vaddr), vaddr);
	table = word_load(g, row, offsetof(struct unwind_mapping, table), 4, false);
	told = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, gen_not_zero(g, table), have, walk);
	gen_at(g, walk);
	found = LLVMBuildCall2(g->b, LLVMFunctionType(g->i64, params, 2, false), u->find_fn, args,
			       2, "");
	walked = LLVMGetInsertBlock(g->b);
	gen_br(g, have);
	gen_at(g, have);
	return gen_merge(g, g->i64, table, told, found, walked);
}

/* The mapping that pc lies in says how to go on: by a rule, by the frame pointer, or not at all. */
static void find_rule(struct gen *g, struct unwind_gen *u, struct step *s)
{
	LLVMBasicBlockRef unknown = gen_block(g, "unknown"), by_rule = gen_block(g, "by_rule");
	LLVMBasicBlockRef later = gen_block(g, "later"), nothing = gen_block(g, "nothing");
	LLVMTypeRef params[2] = { g->i64, g->i64 };
	LLVMValueRef table = find_table(g, u, s), args[2], rule;

	gen_only_if(g, gen_not_zero(g, table), unknown);
	gen_only_if(g, LLVMBuildNot(g->b, word_is(g, table, UNWIND_NO_TABLE), ""), s->by_fp);
	gen_only_if(g, LLVMBuildNot(g->b, word_is(g, table, UNWIND_NOTHING), ""), nothing);
	args[0] = table;
	args[1] = word_load64(g, s->st, STACK_AT(vaddr));
	rule = LLVMBuildCall2(g->b, LLVMFunctionType(g->i64, params, 2, false), u->rule_fn, args, 2,
			      "");
	gen_only_if(g, LLVMBuildNot(g->b, word_is(g, rule, UNWIND_LATER), ""), later);
	s->rule = entry_of(g, u->rules, rule);
	gen_br(g, by_rule);
	gen_at(g, unknown);
	no_mapping(g, s, later);
	gen_at(g, nothing);
	drop_guess(g, s);
	gen_at(g, by_rule);
}

/* What sort of place pc is. */
static void set_place(struct gen *g, LLVMValueRef st, LLVMValueRef back, uint32_t guessed,
		      uint32_t lr_holds)
{
	word_store(g, st, STACK_AT(back), back);
	word_store(g, st, STACK_AT(guessed), gen_i64(g, guessed));
	LLVMBuildStore(g->b, gen_i32(g, lr_holds), gen_off(g, st, STACK_AT(lr_holds)));
}

/* The caller's registers were all saved by the kernel, which called the handler. */
static void take_signal(struct gen *g, struct step *s, LLVMValueRef sp)
{
	static const struct {
		uint32_t from, to;
	} regs[] = { { SIG_FP, STACK_AT(fp) },
		     { SIG_BX, STACK_AT(bx) },
		     { SIG_LR, STACK_AT(lr) },
		     { SIG_PC, STACK_AT(pc) },
		     { SIG_SP, STACK_AT(sp) } };

	for (size_t i = 0; i < sizeof(regs) / sizeof(*regs); i++)
		word_read(g, WORD_USER, gen_off(g, s->st, regs[i].to), 8,
			  word_add(g, sp, gen_i64(g, regs[i].from)), s->stop);
	set_place(g, s->st, gen_i64(g, 0), 0, 1);
	gen_br(g, s->moved);
}

static void set_cfa(struct gen *g, struct step *s, LLVMValueRef v, LLVMBasicBlockRef have)
{
	LLVMBuildStore(g->b, v, s->cfa);
	gen_br(g, have);
}

/* A word of memory. */
static LLVMValueRef word_at(struct gen *g, struct step *s, enum word_space space, LLVMValueRef addr)
{
	word_read(g, space, gen_off(g, s->st, STACK_AT(tmp)), 8, addr, s->stop);
	return word_load64(g, s->st, STACK_AT(tmp));
}

/* The CFA into its variable, by whichever of the ways the rule says. */
static void find_cfa(struct gen *g, struct step *s)
{
	LLVMBasicBlockRef way[UNWIND_SIGNAL + 1], have = gen_block(g, "cfa");
	LLVMBasicBlockRef switched = gen_block(g, "switched");
	LLVMValueRef kind = word_load(g, s->rule, offsetof(struct unwind_rule, cfa), 1, false);
	LLVMValueRef off = word_load(g, s->rule, offsetof(struct unwind_rule, off), 4, true);
	LLVMValueRef sw, v, more;
	static const uint32_t regs[] = {
		[UNWIND_SP] = STACK_AT(sp), [UNWIND_FP] = STACK_AT(fp), [UNWIND_BX] = STACK_AT(bx)
	};

	more = word_load(g, s->rule, offsetof(struct unwind_rule, more), 4, true);
	sw = LLVMBuildSwitch(g->b, kind, s->stop, UNWIND_SIGNAL);
	for (uint32_t i = UNWIND_SP; i <= UNWIND_SIGNAL; i++) {
		way[i] = gen_block(g, "way");
		LLVMAddCase(sw, gen_i64(g, i), way[i]);
	}
	LLVMAddCase(sw, gen_i64(g, UNWIND_UNSAID), s->by_fp);
	LLVMAddCase(sw, gen_i64(g, UNWIND_SWITCH), switched);
	gen_at(g, switched);
	word_store(g, s->st, STACK_AT(sp), gen_i64(g, 0)); /* which of them is above says nothing */
	gen_br(g, s->by_fp);
	for (uint32_t i = UNWIND_SP; i <= UNWIND_BX; i++) {
		gen_at(g, way[i]);
		set_cfa(g, s, word_add(g, word_load64(g, s->st, regs[i]), off), have);
	}
	gen_at(g, way[UNWIND_REG]);
	v = word_load64(g, s->st, STACK_AT(regs));
	gen_only_if(g, gen_not_zero(g, v), s->stop);
	set_cfa(g, s, word_add(g, word_at(g, s, WORD_KERNEL, word_add(g, v, more)), off), have);
	for (uint32_t i = UNWIND_AT_SP; i <= UNWIND_AT_FP; i++) {
		gen_at(g, way[i]);
		v = word_load64(g, s->st, i == UNWIND_AT_SP ? STACK_AT(sp) : STACK_AT(fp));
		v = word_at(g, s, WORD_USER, word_add(g, v, off));
		set_cfa(g, s, word_add(g, v, more), have);
	}
	gen_at(g, way[UNWIND_PLT]);
	v = LLVMBuildAnd(g->b, s->pc, gen_i64(g, 15), "");
	v = gen_cmp(g, LLVMIntUGE, v,
		    word_load(g, s->rule, offsetof(struct unwind_rule, bx), 2, false));
	v = LLVMBuildShl(g->b, LLVMBuildZExt(g->b, v, g->i64, ""), gen_i64(g, 3), "");
	set_cfa(g, s, word_add(g, word_add(g, word_load64(g, s->st, STACK_AT(sp)), off), v), have);
	gen_at(g, way[UNWIND_SIGNAL]);
	take_signal(g, s, word_load64(g, s->st, STACK_AT(sp)));
	gen_at(g, have);
}

/* A register that the rule says was saved, into the state. */
static void restore(struct gen *g, struct step *s, uint32_t rule_off, uint32_t state_off,
		    LLVMValueRef base)
{
	LLVMBasicBlockRef saved = gen_block(g, "saved"), done = gen_block(g, "done");
	LLVMValueRef off = word_load(g, s->rule, rule_off, 2, true);

	gen_cond_br(g, gen_not_zero(g, off), saved, done);
	gen_at(g, saved);
	word_read(g, WORD_USER, gen_off(g, s->st, state_off), 8, word_add(g, base, off), s->stop);
	gen_br(g, done);
	gen_at(g, done);
}

/*
 * The caller's registers, by where they are from the CFA. Without a place for it, the address to
 * return to is in the link register, while that holds.
 */
static void restore_all(struct gen *g, struct step *s)
{
	LLVMBasicBlockRef linked = gen_block(g, "linked"), on_stack = gen_block(g, "on_stack");
	LLVMBasicBlockRef have = gen_block(g, "have_pc");
	LLVMValueRef cfa = LLVMBuildLoad2(g->b, g->i64, s->cfa, ""), ra, base, flags;

	gen_only_if(g, gen_cmp(g, LLVMIntUGE, cfa, word_load64(g, s->st, STACK_AT(sp))), s->stop);
	ra = word_load(g, s->rule, offsetof(struct unwind_rule, ra), 2, true);
	gen_cond_br(g, gen_not_zero(g, ra), on_stack, linked);
	gen_at(g, linked);
	gen_only_if(g, gen_not_zero(g, word_load(g, s->st, STACK_AT(lr_holds), 4, false)), s->stop);
	word_store(g, s->st, STACK_AT(pc), word_load64(g, s->st, STACK_AT(lr)));
	gen_br(g, have);
	gen_at(g, on_stack);
	word_read(g, WORD_USER, gen_off(g, s->st, STACK_AT(pc)), 8, word_add(g, cfa, ra), s->stop);
	gen_br(g, have);
	gen_at(g, have);
	restore(g, s, offsetof(struct unwind_rule, bx), STACK_AT(bx), cfa);
	flags = word_load(g, s->rule, offsetof(struct unwind_rule, flags), 1, false);
	base = LLVMBuildSub(g->b, word_load64(g, s->st, STACK_AT(fp)), gen_i64(g, 8), "");
	base = gen_select(g, word_is(g, flags, UNWIND_FP_AT_FP), base, cfa);
	restore(g, s, offsetof(struct unwind_rule, fp), STACK_AT(fp), base);
	word_store(g, s->st, STACK_AT(sp), cfa);
	set_place(g, s->st, gen_i64(g, 1), 0, 0);
	gen_br(g, s->moved);
}

static void by_frame_pointer(struct gen *g, struct step *s)
{
	LLVMValueRef fp = word_load64(g, s->st, STACK_AT(fp)),
		     tmp = gen_off(g, s->st, STACK_AT(tmp));

	gen_only_if(g, gen_cmp(g, LLVMIntUGE, fp, word_load64(g, s->st, STACK_AT(sp))), s->stop);
	word_read(g, WORD_USER, tmp, 16, fp, s->stop);
	word_store(g, s->st, STACK_AT(sp), word_add(g, fp, gen_i64(g, 16)));
	word_store(g, s->st, STACK_AT(fp), word_load64(g, tmp, 0));
	word_store(g, s->st, STACK_AT(pc), word_load64(g, tmp, 8));
	set_place(g, s->st, gen_i64(g, 1), 1, 0);
	gen_br(g, s->moved);
}

/* The caller is one frame more: 1 when there may be another. */
static void note_frame(struct gen *g, struct step *s)
{
	LLVMValueRef pc = word_load64(g, s->st, STACK_AT(pc)),
		     cnt = word_load(g, s->st, STACK_AT(cnt), 4, false), at;
	LLVMValueRef limit = word_load(g, s->st, STACK_AT(limit), 4, false);

	pc = LLVMBuildAnd(g->b, pc, gen_i64(g, ADDR_MASK), "");
	word_store(g, s->st, STACK_AT(pc), pc);
	word_store(g, s->st, STACK_AT(regs), gen_i64(g, 0)); /* a caller's registers are others */
	gen_only_if(g, gen_cmp(g, LLVMIntSGT, pc, gen_i64(g, 0)), s->stop);
	gen_only_if(g, gen_cmp(g, LLVMIntULT, cnt, limit), s->stop);
	at = gen_opaque(g, LLVMBuildAnd(g->b, cnt, gen_i64(g, STACK_MAX), ""));
	at = LLVMBuildAnd(g->b, at, gen_i64(g, STACK_MAX), "");
	word_store(g, gen_off_var(g, s->st, LLVMBuildShl(g->b, at, gen_i64(g, 3), "")),
		   STACK_AT(ip), pc);
	cnt = word_add(g, cnt, gen_i64(g, 1));
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, cnt, g->i32, ""),
		       gen_off(g, s->st, STACK_AT(cnt)));
	LLVMBuildRet(g->b, LLVMBuildZExt(g->b, gen_cmp(g, LLVMIntULT, cnt, limit), g->i64, ""));
}

static void step_function(struct gen *g, struct unwind_gen *u)
{
	struct stack_function f;
	struct step s;

	u->step_fn = stack_function_open(g, &f, "unwind_step", 1);
	s.stop = g->p->leave;
	s.by_fp = gen_block(g, "by_fp");
	s.moved = gen_block(g, "moved");
	s.cfa = gen_stack(g, 8);
	s.slot = LLVMGetParam(u->step_fn, 0);
	s.st = stack_state_at(g, s.slot);
	s.pc = word_load64(g, s.st, STACK_AT(pc));
	s.pc = LLVMBuildSub(g->b, s.pc, word_load64(g, s.st, STACK_AT(back)), "");
	find_rule(g, u, &s);
	find_cfa(g, &s);
	restore_all(g, &s);
	gen_at(g, s.by_fp);
	by_frame_pointer(g, &s);
	gen_at(g, s.moved);
	note_frame(g, &s);
	stack_function_close(g, &f);
}

/* ---- in the program ---- */

static struct unwind_gen *unwind_of(struct gen *g)
{
	struct unwind_gen *u = g->unwind;

	if (u)
		return u;
	u = g->unwind = arena_new_of(g->u->arena, struct unwind_gen);
	*u = (struct unwind_gen){
		.procs = map_new(g, IMAGE_MAP_UNWIND_PROCS, BPF_MAP_TYPE_HASH, 4,
				 sizeof(struct unwind_proc), TGIDS),
		.files = map_new(g, IMAGE_MAP_UNWIND_FILES, BPF_MAP_TYPE_HASH,
				 sizeof(struct unwind_file_id), sizeof(struct unwind_file), FILES),
		.tables = map_new(g, IMAGE_MAP_UNWIND_TABLES, BPF_MAP_TYPE_HASH, 8,
				  sizeof(union unwind_chunk), CHUNKS),
		.rules = map_new(g, IMAGE_MAP_UNWIND_RULES, BPF_MAP_TYPE_ARRAY, 4,
				 sizeof(struct unwind_rule), UNWIND_RULES),
	};
	rule_function(g, u);
	unwind_find_function(g, u);
	step_function(g, u);
	return u;
}

/* Asks user space for what it knows of an address, once. */
static void send_need(struct gen *g, LLVMValueRef tgid, LLVMValueRef addr)
{
	struct image_action act = { .kind = ACT_UNWIND, .rec = IMAGE_NONE, .map = IMAGE_NONE };
	const uint32_t size = sizeof(struct event_head) + sizeof(struct event_unwind);
	LLVMBasicBlockRef known = gen_block(g, "told");
	struct mem_mark m = gen_mark(g);
	LLVMValueRef rec = gen_tmp(g, size), key = gen_tmp(g, 8), mark;
	LLVMValueRef page = LLVMBuildLShr(g->b, addr, gen_i64(g, 12), "");
	struct event_lost lost;

	mark = stack_mix(g, stack_mix(g, tgid, page), gen_i64(g, 1));
	LLVMBuildStore(g->b, mark, key);
	gen_only_if(
		g, LLVMBuildIsNull(g->b, HELP(g, map_lookup_elem, stack_marks(g)->global, key), ""),
		known);
	act.place = pack_place(g, g->p->probe->span);
	lost = event_lost_begin(g, false);
	word_store(g, rec, 0, gen_i64(g, event_action(g, &act, NULL, 0)));
	word_store(g, rec, sizeof(struct event_head), HELP0(g, ktime_get_ns));
	word_store(g, rec, sizeof(struct event_head) + offsetof(struct event_unwind, addr), addr);
	word_store(g, rec, sizeof(struct event_head) + offsetof(struct event_unwind, mark), mark);
	word_store(g, rec, sizeof(struct event_head) + offsetof(struct event_unwind, tgid), tgid);
	event_output(g, rec, gen_i64(g, size), lost.lost);
	HELP(g, map_update_elem, stack_marks(g)->global, key, key, gen_i64(g, BPF_ANY));
	event_lost_end(g, lost);
	gen_br(g, known);
	gen_at(g, known);
	gen_release(g, m);
}

/*
 * What the process was doing when it entered the kernel, whatever has interrupted what since. In a
 * system call pc stands behind the instruction that made it, which may be a function's last.
 */
static void take_registers(struct gen *g, LLVMValueRef st, LLVMBasicBlockRef not_ours)
{
	static const struct {
		uint32_t from, to;
	} rows[] = { { R_PC, STACK_AT(pc) },
		     { R_SP, STACK_AT(sp) },
		     { R_FP, STACK_AT(fp) },
		     { R_BX, STACK_AT(bx) },
		     { R_LR, STACK_AT(lr) } };
	LLVMValueRef regs = HELP(g, task_pt_regs, HELP0(g, get_current_task_btf)), mode, call;

	mode = LLVMBuildAnd(g->b, word_load64(g, regs, R_MODE), gen_i64(g, MODE_MASK), "");
	gen_only_if(g, word_is(g, mode, MODE), not_ours);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		word_store(g, st, rows[i].to, word_load64(g, regs, rows[i].from));
	call = word_load(g, regs, R_CALL, R_CALL_SZ, true);
	call = LLVMBuildLShr(g->b, LLVMBuildNot(g->b, call, ""), gen_i64(g, 63), "");
	set_place(g, st, call, 0, 1);
	word_store(g, st, STACK_AT(regs), LLVMBuildPtrToInt(g->b, regs, g->i64, ""));
	word_store(g, st, STACK_AT(need), gen_i64(g, 0));
	word_store(g, st, STACK_AT(ip), word_load64(g, st, STACK_AT(pc)));
}

/* One step after another, until there are no more or limit is reached. */
static void walk_up(struct gen *g, struct unwind_gen *u, uint32_t limit)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), body = gen_block(g, "step");
	LLVMBasicBlockRef bound = gen_block(g, "bound"), done = gen_block(g, "walked");
	LLVMValueRef i, more, slot = stack_slot(g), ret;

	if (limit < 2)
		return;
	g->has_loops = true;
	gen_br(g, body);
	gen_at(g, body);
	i = LLVMBuildPhi(g->b, g->i64, "");
	ret = LLVMBuildCall2(g->b, LLVMFunctionType(g->i64, &g->i64, 1, false), u->step_fn, &slot,
			     1, "");
	gen_cond_br(g, gen_not_zero(g, ret), bound, done);
	gen_at(g, bound);
	more = gen_opaque(g, word_add(g, i, gen_i64(g, 1)));
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, gen_i64(g, limit - 1)), body, done);
	LLVMAddIncoming(i, (LLVMValueRef[]){ gen_i64(g, 0), more },
			(LLVMBasicBlockRef[]){ from, bound }, 2);
	gen_at(g, done);
}

/*
 * Whether we can go on: the process is known, or can be looked into; where it is not known, user space
 * is asked, as what it tells is found faster. What it tells is of one address space: of which, shows when
 * the first stack comes after it.
 */
static void know_process(struct gen *g, struct unwind_gen *u, LLVMValueRef st, LLVMValueRef tgid,
			 LLVMBasicBlockRef by_kernel)
{
	LLVMBasicBlockRef known = gen_block(g, "known"), stranger = gen_block(g, "stranger");
	LLVMBasicBlockRef fresh = gen_block(g, "fresh"), ready = gen_block(g, "ready");
	LLVMValueRef map, mm, mine;

	unwind_take_mm(g, st);
	mine = word_load64(g, st, STACK_AT(mm));
	map = HELP(g, map_lookup_elem, u->procs->global, gen_off(g, st, STACK_AT(tgid)));
	gen_cond_br(g, gen_not_zero(g, map), known, stranger);
	gen_at(g, known);
	mm = word_load64(g, map, offsetof(struct unwind_proc, mm));
	gen_cond_br(g, gen_not_zero(g, mm), ready, fresh);
	gen_at(g, fresh);
	word_store(g, map, offsetof(struct unwind_proc, mm), mine);
	gen_br(g, ready);
	gen_at(g, stranger);
	send_need(g, tgid, gen_i64(g, 0));
	gen_cond_br(g, gen_not_zero(g, unwind_can_walk(g)), ready, by_kernel);
	gen_at(g, ready);
}

LLVMValueRef unwind_user(struct gen *g, LLVMValueRef st, LLVMValueRef tgid, uint32_t limit)
{
	struct unwind_gen *u = unwind_of(g);
	LLVMBasicBlockRef by_kernel = gen_block(g, "by_kernel"), asks = gen_block(g, "asks");
	LLVMBasicBlockRef join = gen_block(g, "stack");
	LLVMValueRef size = gen_stack(g, 8), can, need, cnt;

	LLVMBuildStore(g->b, gen_i64(g, 0), size);
	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, tgid, g->i32, ""),
		       gen_off(g, st, STACK_AT(tgid)));
	can = LLVMBuildAnd(g->b, gen_konst(g, KONST_FEATURE, "task_pt_regs"),
			   gen_konst(g, KONST_FEATURE, "btf"), "");
	gen_only_if(g, gen_not_zero(g, can), by_kernel);
	/* a kernel thread has no user stack, and its registers are none */
	gen_only_if(g, gen_not_zero(g, stack_by_kernel(g, st, 8, true)), join);
	know_process(g, u, st, tgid, by_kernel);
	take_registers(g, st, by_kernel);
	LLVMBuildStore(g->b, gen_i32(g, 1), gen_off(g, st, STACK_AT(cnt)));
	LLVMBuildStore(g->b, gen_i32(g, limit), gen_off(g, st, STACK_AT(limit)));
	walk_up(g, u, limit);
	cnt = gen_bound(g, word_load(g, st, STACK_AT(cnt), 4, false), limit + 1);
	LLVMBuildStore(g->b, LLVMBuildShl(g->b, cnt, gen_i64(g, 3), ""), size);
	need = word_load64(g, st, STACK_AT(need));
	gen_cond_br(g, gen_not_zero(g, need), asks, join);
	gen_at(g, asks);
	send_need(g, tgid, need);
	gen_only_if(g, LLVMBuildNot(g->b, gen_not_zero(g, unwind_can_walk(g)), ""), join);
	gen_cond_br(g, word_is(g, word_load(g, st, STACK_AT(cnt), 4, false), 1), by_kernel, join);
	gen_at(g, by_kernel);
	LLVMBuildStore(g->b, stack_by_kernel(g, st, limit * 8, true), size);
	gen_br(g, join);
	gen_at(g, join);
	return gen_bound(g, LLVMBuildLoad2(g->b, g->i64, size, ""), limit * 8 + 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of codegen.
 *
 * Values. An integer (bool, enum, pointer too) is an i64 while it is computed, extended by its own
 * type's sign; it takes its type's width when stored. Everything else lives in memory: gen_addr
 * gives its address, gen_into builds it at a given place, so that a printed string goes from the
 * kernel's memory to the event in one copy.
 *
 * Memory. Small objects go to the BPF stack (gen_tmp, given back when the statement ends), large
 * ones to the program's own entry of the per-CPU map "scratch". A string in memory ends in NUL; what
 * follows is unspecified except in map keys and values, where it is zero.
 */
#ifndef TRACE_GEN_H
#define TRACE_GEN_H

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/TargetMachine.h>

#include "ast/ast.h"
#include "ast/builtins.h"
#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "codegen/codegen.h"
#include "runtime/image.h"

enum helper {
#define HELPER(name, number, result, pure) H_##name,
#include "codegen/helpers.def"
#undef HELPER
	H_COUNT
};

/* A BPF map of ours: user map or internal. */
struct map_gen {
	const char *name; /* in the ELF */
	uint32_t type; /* BPF_MAP_TYPE_* */
	uint32_t key_sz, val_sz, max_entries;
	LLVMValueRef global;
	struct map_gen *next;
	bool own, whole; /* IMAGE_MAP_OWN, IMAGE_MAP_WHOLE */
	/* sharing.c */
	const struct node *adds; /* a probe that adds to the aggregate, the last seen */
	bool adds_exclusive; /* all seen are of PROBE_EXCLUSIVE types */
	bool shared; /* programs may come in the midst of each other's additions */
};

/* A piece of the stack that is reused from statement to statement. */
struct stack_slot {
	LLVMValueRef mem;
	uint32_t size;
	uint32_t level; /* of the mark it was taken under; 0: free */
	struct stack_slot *next;
};

/* A variable's memory, from its first assignment to the end of its block. */
struct var_gen {
	struct var_sym *sym;
	LLVMValueRef mem;
	struct var_gen *next;
};

/* A loop being generated: where break and continue go. */
struct loop_gen {
	LLVMBasicBlockRef brk, cont;
	struct loop_gen *outer;
};

/* Functions that programs share, see outline.h. */
enum outline {
	OUTLINE_SAME, /* (l, r, n, last): 1 when two texts are equal in their first n bytes */
	OUTLINE_DIFF, /* (l, r, n, last): the first difference of n bytes, as memcmp has it */
	OUTLINE_STARTS, /* (text, needle): 1 when the text begins with the needle */
	OUTLINE_STARTS_IN, /* (text, needle): which of the 8 places from text on does, see below */
	OUTLINE_FIND, /* (text, needle): the needle's place or -ENOENT */
	OUTLINE_LOST, /* (counter): counts */
	OUTLINE_REFUSED, /* (a map's first counter, error): counts why */
	OUTLINE_CNT
};

/* The program being generated. */
struct prog_gen {
	struct node *probe;
	const char *name;
	LLVMValueRef fn, ctx;
	LLVMBasicBlockRef entry, leave;
	LLVMBasicBlockRef stop; /* where exit() goes: of a walk, to its end */
	LLVMBasicBlockRef head; /* where this phase's scratch lookup stands */
	LLVMValueRef scratch; /* NULL until used in this phase */
	LLVMValueRef result; /* where return puts its value; NULL: nobody asks for it */
	LLVMMetadataRef scope;
	struct stack_slot *slots;
	struct var_gen *vars; /* alive now, youngest first */
	uint32_t level, stack_used, frame_used, frame_max;
	struct loop_gen *loop;
	bool uses_cookie, overrides;
	uint32_t stack_slot; /* in stack_states, counted from 1; 0: none */
	/* loops that could be written out are calls where the kernel can; or they are not */
	bool has_calls, plain;
	bool has_clock; /* clock.c */
	uint32_t clock_off; /* in the frame */
	bool is_body; /* a function that programs call, see session.c */
	/* alone.c */
	bool keeps_cpu;
	LLVMBasicBlockRef start; /* behind entry */
	LLVMValueRef taken; /* the frame or null; NULL: nobody takes it */
};

struct gen {
	struct unit *u;
	const struct codegen_options *opt;
	LLVMContextRef ctx;
	LLVMModuleRef mod;
	LLVMBuilderRef b;
	LLVMTargetMachineRef tm;
	LLVMTargetDataRef td;
	LLVMDIBuilderRef di;
	LLVMMetadataRef di_file, di_cu, di_int, di_ptr, di_fn_type;
	LLVMTypeRef i1, i8, i16, i32, i64, ptr, void_t;
	struct image_writer *img;
	struct map_gen *maps, *events, *scratch, *counters, *zeroes;
	struct map_gen *beats; /* NULL until there is a timer */
	uint32_t beat_cnt; /* slots taken so far */
	uint32_t beat_slots; /* by the probe at hand */
	uint32_t probe_cnt;
	uint32_t user_map_cnt;
	struct map_gen *stacks; /* NULL until a stack is asked for */
	struct map_gen *stack_states;
	LLVMValueRef stack_hash_fn;
	uint32_t stack_slot_cnt;
	struct unwind_gen *unwind; /* NULL until a user stack is asked for */
	struct image_const *konsts;
	uint32_t konst_cnt, konst_cap;
	LLVMValueRef konst_global;
	LLVMValueRef over; /* not 0 once exit() was called; NULL: no probe calls it */
	bool has_loops;
	struct session_gen *sessions;
	bool has_asm; /* for LLVM to parse */
	LLVMValueRef outline[OUTLINE_CNT]; /* NULL until called */
	LLVMValueRef ids_fn, make_fn; /* the same, see inner.c */
	/* bytes they look at, at most; of a text that is searched; of a frame */
	uint32_t outline_max, outline_text_max, outline_frame;
	uint32_t target_cnt; /* rows put in targets so far */
	uint32_t action_cnt; /* and in actions */
	struct core_type *core; /* types made for relocations of fields */
	uint32_t core_cnt;
	struct image_layout *layouts;
	uint32_t layout_cnt, layout_cap;
	struct packed_type *packed;
	/* What we take of a program's 512 bytes of stack; the rest is LLVM's, for spilled registers. */
	uint32_t stack_budget;
	uint32_t attempt;
	bool frugal; /* keep fewer values alive, computing some again */
	bool large_frames; /* too large for a per-CPU map */
	bool too_little_stack; /* LLVM says that it was not enough */
	struct prog_gen *p;
	/* failed.c */
	struct span place; /* of what is being generated */
	struct map_gen *sites;
	LLVMValueRef failed_fn;
	uint32_t site_cnt;
	bool may_fail; /* the next helper: its failure is meant */
};

/* ---- gen.c: building blocks ---- */
LLVMValueRef gen_i64(struct gen *g, uint64_t v);
LLVMValueRef gen_i32(struct gen *g, uint32_t v);
LLVMBasicBlockRef gen_block(struct gen *g, const char *name);
void gen_at(struct gen *g, LLVMBasicBlockRef bb); /* go on in bb */
void gen_br(struct gen *g, LLVMBasicBlockRef to); /* unless the block already ended */
void gen_cond_br(struct gen *g, LLVMValueRef cond, LLVMBasicBlockRef yes, LLVMBasicBlockRef no);
void gen_only_if(struct gen *g, LLVMValueRef cond, LLVMBasicBlockRef no); /* yes: go on here */
bool gen_ended(struct gen *g); /* the current block has its terminator */
LLVMValueRef gen_not_zero(struct gen *g, LLVMValueRef v); /* i64 or ptr -> i1 */
LLVMValueRef gen_cmp(struct gen *g, LLVMIntPredicate pred, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef gen_select(struct gen *g, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b);
/* Hides a value's origin from LLVM, so that a check of it stays a check of that register. */
LLVMValueRef gen_opaque(struct gen *g, LLVMValueRef v);
/*
 * The same for a pointer that may be NULL, which the verifier lets nobody count with before it was
 * compared: here it is, and either way the program goes on.
 */
LLVMValueRef gen_tested(struct gen *g, LLVMValueRef v);
/* v when it is below limit, else 0, in a form whose bounds the verifier sees at every use. */
LLVMValueRef gen_bound(struct gen *g, LLVMValueRef v, uint64_t limit);
/* The same with another value below limit in place of 0. */
LLVMValueRef gen_clamp(struct gen *g, LLVMValueRef v, uint64_t limit, uint64_t other);
LLVMValueRef gen_off(struct gen *g, LLVMValueRef base, uint64_t off);
LLVMValueRef gen_off_var(struct gen *g, LLVMValueRef base, LLVMValueRef off);
/* A word of IMAGE_CONSTS_SECTION. */
LLVMValueRef gen_konst(struct gen *g, enum image_const_kind kind, const char *str);
/* Its word, when that is known while compiling. */
bool gen_knows(const struct gen *g, enum image_const_kind kind, const char *str, uint64_t *word);
/* Where the text of an option is when the program runs: char[SCRIPT_TEXT_SZ]. */
LLVMValueRef gen_konst_text(struct gen *g, const char *option);
/* Where a field of args lies, by its row in the layouts. */
LLVMValueRef gen_konst_arg(struct gen *g, uint32_t layout);
/* The same for one that may not be there: then loading fails and names the place. */
/* Of the probe at hand: of the program that it is in. */
LLVMValueRef gen_konst_probe(struct gen *g, enum image_const_kind kind, const char *str,
			     struct span sp);
LLVMValueRef gen_konst_at(struct gen *g, enum image_const_kind kind, const char *str,
			  struct span sp);
void gen_place(struct gen *g, struct span sp); /* debug location of what follows */

/* Failures at run time are told of this part of a statement; gives what it was, to be put back. */
static inline struct span gen_narrow_place(struct gen *g, struct span sp)
{
	struct span around = g->place;

	if (sp.to)
		g->place = sp;
	return around;
}
/*
 * A phase: a head block of its own where the scratch lookup goes if it is needed, then the code.
 * Open gives the code's first block, close wants it back.
 */
LLVMBasicBlockRef gen_phase_open(struct gen *g, const char *name);
void gen_phase_close(struct gen *g, LLVMBasicBlockRef code);
void gen_finish_blocks(struct gen *g);
/* The start of a program of that name, for its probe; and its ways out. */
/* The probe whose program, or function of it, has that name; NULL: none. */
const struct node *gen_probe_of(const struct gen *g, const char *name);
void gen_open_program(struct gen *g, struct prog_gen *p);
void gen_close_program(struct gen *g, struct prog_gen *p);
const char *gen_program_name(struct gen *g, const struct node *probe, const char *form);
/* The program, or the programs, of a probe; plain: see there. */
void gen_program(struct gen *g, struct node *probe, bool plain);
void gen_declare_over(struct gen *g);
#define PROGRAM_BODY "_body" /* behind the name of a program: the function it calls */

/* ---- konst.c ---- */
void konst_open(struct gen *g); /* before all programs */
void konst_close(struct gen *g); /* behind them */

/* ---- helper.c ---- */
LLVMValueRef gen_helper(struct gen *g, enum helper h, LLVMValueRef *args, unsigned cnt);
#define HELP(g, h, ...)                                                                            \
	gen_helper((g), H_##h, (LLVMValueRef[]){ __VA_ARGS__ },                                    \
		   sizeof((LLVMValueRef[]){ __VA_ARGS__ }) / sizeof(LLVMValueRef))
#define HELP0(g, h) gen_helper((g), H_##h, NULL, 0)
/* To LLVM the call gives the same whenever it is made, so once is enough. */
void gen_pure(struct gen *g, LLVMValueRef call);

/* ---- inner.c: functions of ours that programs share ---- */
/* pid << 32 | tid, as our own pid namespace numbers them */
LLVMValueRef inner_ids(struct gen *g);
/* Puts zeroes at a key that is not there; gives what the kernel said, 0 when it is there now. */
LLVMValueRef inner_make_entry(struct gen *g, struct map_sym *m, LLVMValueRef key);
/* Written out where it is called, once equal calls are one. */
bool inner_expand(struct gen *g);

/* ---- atomic.c ---- */
LLVMValueRef gen_fetch_add(struct gen *g, LLVMValueRef p, LLVMValueRef v); /* what was there */
void gen_atomic_add(struct gen *g, LLVMValueRef p, LLVMValueRef v);
/* What was there; it is v now if that was old. Before 5.12 v is stored, and old given. */
LLVMValueRef gen_atomic_swap(struct gen *g, LLVMValueRef p, LLVMValueRef old, LLVMValueRef v);
void gen_atomic_max(struct gen *g, LLVMValueRef p, LLVMValueRef v); /* without sign */

/* ---- sharing.c ---- */
void sharing_plan(struct gen *g); /* before all programs: which aggregates are shared */

/* ---- alone.c ---- */
void alone_open(struct gen *g, struct prog_gen *p); /* in entry, leads to start */
void alone_close(struct gen *g, struct prog_gen *p); /* before any alone_leave */
void alone_leave(struct gen *g, struct prog_gen *p);

/* ---- session.c ---- */
struct session_gen {
	struct node *calls, *returns;
	struct session_gen *next;
};
void session_plan(struct gen *g); /* before all programs: which probes go together */
bool session_has(const struct gen *g, const struct node *probe);
void session_entry(struct gen *g, struct node *probe); /* the program that calls the probe's body */
void session_all(struct gen *g); /* behind all programs */

/* ---- failed.c ---- */
void failed_count(struct gen *g, const char *helper, LLVMValueRef ret);
/* A loop that was left early, whether there is -k or not: see IMAGE_SITE_LOOP. */
void failed_loop(struct gen *g, struct span loop, int err);

/* ---- memory.c ---- */
/* Memory of the stack whatever its size, for as long as the program runs. */
LLVMValueRef gen_stack(struct gen *g, uint32_t size);
/* A word that is only loaded and stored: LLVM makes it a register, it takes nothing of the budget. */
LLVMValueRef gen_register(struct gen *g);
/* An address (i64) as a number to count with: of a pointer the verifier lets nobody take bits. */
LLVMValueRef gen_number(struct gen *g, LLVMValueRef addr);
/* Whether the verifier may know a value for a pointer that came from elsewhere: an argument with BTF. */
bool gen_knows_pointers(const struct gen *g);
/* v of type t to count with: as a number when it may be such a pointer. */
LLVMValueRef gen_count_from(struct gen *g, const struct type *t, LLVMValueRef v);
/* Memory until the enclosing mark is released. Aligned to 8. */
LLVMValueRef gen_tmp(struct gen *g, uint32_t size);
/* The same in the program's frame of the scratch map, and the frame itself. */
LLVMValueRef gen_frame_tmp(struct gen *g, uint32_t size);
LLVMValueRef gen_frame(struct gen *g);
/* Stores the key of a program's frame. */
void gen_frame_key(struct gen *g, LLVMValueRef key, LLVMValueRef prog);
struct mem_mark {
	uint32_t frame_used;
	struct var_gen *vars;
};
struct mem_mark gen_mark(struct gen *g);
void gen_release(struct gen *g, struct mem_mark m);
LLVMValueRef gen_var(struct gen *g, struct var_sym *sym);
/* Longest run of stores emitted in place of one helper call. */
enum { INLINE_BYTES = 64 };
/* dst is aligned to 8; or to what is said, where LLVM may find out that it is more */
void gen_zero(struct gen *g, LLVMValueRef dst, uint32_t size);
void gen_zero_at(struct gen *g, LLVMValueRef dst, uint32_t size, uint32_t align);
void gen_copy(struct gen *g, LLVMValueRef dst, LLVMValueRef src, uint32_t size);
LLVMTypeRef gen_int_type(struct gen *g, uint32_t size);
/* One integer of that type in memory, extended to i64; and back. */
LLVMValueRef gen_load(struct gen *g, LLVMValueRef addr, const struct type *t);
void gen_store(struct gen *g, LLVMValueRef addr, const struct type *t, LLVMValueRef v);
bool type_in_register(const struct type *t);

/* ---- expr.c ---- */
LLVMValueRef gen_int(struct gen *g, struct node *e); /* i64 */
LLVMValueRef gen_narrow(struct gen *g, LLVMValueRef v, const struct type *t);
LLVMValueRef gen_merge(struct gen *g, LLVMTypeRef t, LLVMValueRef a, LLVMBasicBlockRef from_a,
		       LLVMValueRef b, LLVMBasicBlockRef from_b);
bool gen_in_memory(const struct type *t);
LLVMValueRef gen_bool(struct gen *g, struct node *e); /* i1 */
LLVMValueRef gen_addr(struct gen *g, struct node *e); /* memory laid out as e->type */
/*
 * What becomes of bytes that a value does not fill (holes of a tuple, after a string's NUL): in map
 * keys and values they must be zero.
 */
enum pad {
	PAD_NONE, /* as they are */
	PAD_ZERO, /* to be zeroed */
	PAD_CLEAN, /* zero already, and to stay so */
};
/* Builds e at dst, laid out as type t (strings cut or padded, integers converted). */
void gen_into(struct gen *g, struct node *e, LLVMValueRef dst, const struct type *t, enum pad pad);
/* A copy between two places of maybe different types of the same shape. */
void gen_convert(struct gen *g, LLVMValueRef dst, const struct type *dt, LLVMValueRef src,
		 const struct type *st, enum pad pad);
void gen_effect(struct gen *g, struct node *e); /* the value is not wanted */
LLVMValueRef gen_equal(struct gen *g, struct node *l, struct node *r); /* memory values, i1 */

/* ---- arith.c ---- */
LLVMValueRef gen_arith(struct gen *g, enum binary_op op, LLVMValueRef l, LLVMValueRef r,
		       bool is_signed);
LLVMValueRef gen_log2(struct gen *g, LLVMValueRef v); /* highest bit set of a non-zero i64 */

/* ---- string.c ---- */
/* Whose memory an address is: what its type says, or else the probe's. */
enum addr_space gen_space(struct gen *g, enum addr_space as);
/* Copies e's text to dst (at most max bytes with the NUL); gives its length without the NUL. */
LLVMValueRef gen_text(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max);
LLVMValueRef gen_text_from(struct gen *g, LLVMValueRef dst, uint32_t max, LLVMValueRef src,
			   enum addr_space as);
/* That of e, an array of bytes. */
LLVMValueRef gen_text_bytes(struct gen *g, struct node *e, LLVMValueRef dst, uint32_t max);
void gen_literal(struct gen *g, struct node *str, LLVMValueRef dst, uint32_t max, enum pad pad);

/* ---- compare.c ---- */
/* A text in memory; aligned: at 8. */
struct text_at {
	LLVMValueRef addr;
	uint32_t size;
	bool aligned;
};
/* Equal in their first limit bytes; i1. */
LLVMValueRef gen_text_equal(struct gen *g, struct node *l, struct node *r, uint32_t limit);
LLVMValueRef gen_same_text(struct gen *g, struct text_at l, struct text_at r, uint32_t limit);
/* memcmp of n bytes */
LLVMValueRef gen_differ_bytes(struct gen *g, LLVMValueRef l, LLVMValueRef r, uint32_t n);

/* ---- stmt.c ---- */
void gen_body(struct gen *g, struct node *block);
void gen_stmts(struct gen *g, struct node *block);

/* ---- loop.c ---- */
void gen_for_map(struct gen *g, struct node *n);
void gen_for_range(struct gen *g, struct node *n);
void gen_while(struct gen *g, struct node *n);
void gen_unroll(struct gen *g, struct node *n);
/* Whether a node is a loop whose body the kernel calls. */
bool loop_is_call(const struct gen *g, struct node *n);

/* ---- clock.c ---- */
/* At the start of code, before it takes memory: rounds are counted from here on if it has loops. */
void clock_open(struct gen *g, struct node *code);
/* At the start of a round of a loop: leaves the program when it has had its time. */
void clock_round(struct gen *g, struct span loop);
/* What was just done may have taken long: the next round looks at the clock. */
void clock_soon(struct gen *g);

/* ---- map.c, agg.c ---- */
void map_declare_all(struct gen *g);
struct map_gen *map_new(struct gen *g, const char *name, uint32_t type, uint32_t key_sz,
			uint32_t val_sz, uint32_t max_entries);
void map_finish_all(struct gen *g); /* their definitions as debug info */
LLVMValueRef map_key(struct gen *g, struct node *map); /* address of the key */
LLVMValueRef map_key_of(struct gen *g, struct map_sym *m, struct node *key);
/* The same with the CPU behind it: image_map_cpu_off(). */
LLVMValueRef map_key_on(struct gen *g, struct map_sym *m, struct node *key, LLVMValueRef cpu);
LLVMValueRef map_find(struct gen *g, struct node *map, LLVMValueRef key); /* address or NULL */
LLVMValueRef map_read_int(struct gen *g, struct node *map);
void map_read_into(struct gen *g, struct node *map, LLVMValueRef dst);
void map_assign(struct gen *g, struct node *map, struct node *value);
/* @m op= value; gives the value before and after through pointers when not NULL. */
void map_modify(struct gen *g, struct node *map, enum binary_op op, LLVMValueRef operand,
		bool is_signed, LLVMValueRef *before, LLVMValueRef *after);
void gen_phi_rest(LLVMValueRef phi, LLVMBasicBlockRef join, LLVMBasicBlockRef but);
void gen_count_lost(struct gen *g);
LLVMValueRef map_delete(struct gen *g, struct node *map, struct node *key);
/* find(@m, key, $var) */
LLVMValueRef map_take(struct gen *g, struct node *map, struct node *key, struct var_sym *var);
LLVMValueRef map_has_key(struct gen *g, struct node *map, struct node *key);
/* The in-place address of an entry that is made when missing; branches to fail when it cannot. */
LLVMValueRef map_entry(struct gen *g, struct map_sym *m, LLVMValueRef key, LLVMBasicBlockRef fail);
/* ret: what the update gave */
LLVMValueRef map_is_errno(struct gen *g, LLVMValueRef ret, int err);
void map_count_refusal(struct gen *g, struct map_sym *m, LLVMValueRef ret);
void map_count_refusal_at(struct gen *g, LLVMValueRef first, LLVMValueRef ret); /* its counters */
uint32_t map_presence_off(const struct map_sym *m);
uint32_t map_flags(const struct map_sym *m); /* IMAGE_MAP_* */
uint32_t map_value_size(const struct map_sym *m);
void agg_update(struct gen *g, struct node *map, struct node *call);
LLVMValueRef agg_read_int(struct gen *g, struct node *map); /* summed over CPUs */
/* delete(@m) of a scalar aggregate */
void agg_delete_scalar(struct gen *g, struct map_sym *m);
void agg_read_stats(struct gen *g, struct map_sym *m, LLVMValueRef key, LLVMValueRef dst);
LLVMValueRef agg_read_entry(struct gen *g, struct map_sym *m, LLVMValueRef key);

/* ---- call.c, fn_*.c ---- */
LLVMValueRef gen_call_int(struct gen *g, const struct builtin *fn, struct node *n,
			  struct node *args);
void gen_call_into(struct gen *g, const struct builtin *fn, struct node *n, LLVMValueRef dst);
/* A call whose value is a string: as gen_text. */
bool call_reads_all(struct node *e); /* str(p): as much as the language lets a string hold */
LLVMValueRef gen_call_text(struct gen *g, struct node *n, LLVMValueRef dst, uint32_t max);

/* ---- depth.c ---- */
void stack_finish(struct gen *g);

/* ---- event.c ---- */
struct event_arg {
	const struct type *type; /* as recorded */
	bool tail; /* string in the tail */
	struct node *e;
};
bool event_wants_tail(const struct type *t);
/* Packs the action's row, emits its record. */
void event_emit(struct gen *g, struct image_action *act, struct event_arg *args, uint32_t cnt,
		bool control);
/* The same; sent makes code that runs when the record got through. */
void event_emit_then(struct gen *g, struct image_action *act, struct event_arg *args, uint32_t cnt,
		     bool control, void (*sent)(struct gen *g));
/* The same in pieces, for a record that is built another way. */
struct event_lost {
	LLVMBasicBlockRef lost, join;
	bool control;
};
uint32_t event_action(struct gen *g, struct image_action *act, struct event_arg *args,
		      uint32_t cnt);
struct event_lost event_lost_begin(struct gen *g, bool control);
void event_lost_end(struct gen *g, struct event_lost l);
void event_output(struct gen *g, LLVMValueRef rec, LLVMValueRef size, LLVMBasicBlockRef lost);

/* ---- fn_seq.c ---- */
void seq_print(struct gen *g, const struct format *f, struct node *args);

/* ---- debug.c ---- */
void debug_init(struct gen *g);
void debug_function(struct gen *g, struct prog_gen *p);
LLVMMetadataRef debug_callback(struct gen *g, LLVMValueRef fn, const char *name);
/* A function of numbers that the verifier looks at by itself. */
LLVMMetadataRef debug_global(struct gen *g, LLVMValueRef fn, const char *name,
			     const char *const *params, uint32_t cnt);
void debug_map(struct gen *g, struct map_gen *m);

/* ---- pack.c: rows of the image ---- */
uint32_t pack_type(struct gen *g, const struct type *t);
uint32_t pack_place(struct gen *g, struct span sp);
/* So that a verdict on its instructions finds it. */
void pack_statement(struct gen *g, struct span sp);
void pack_maps(struct gen *g);
void pack_settings(struct gen *g);
void pack_probe(struct gen *g, struct prog_gen *p);
/* Equal ones are packed once; sp: where it is told that the kernel has it not. */
uint32_t pack_layout(struct gen *g, const struct image_layout *row, struct span sp);
void pack_options(struct gen *g);
void pack_layouts(struct gen *g);
void pack_need(struct gen *g, const char *feature, struct span sp);
/* What the program at hand is better off with: told when its plain form is refused. */
void pack_wish(struct gen *g, const char *feature, struct span sp);

/* ---- depth.c ---- */
/* The program that needs more stack, with what it calls, than there is; or NULL. */
const char *depth_exceeded(struct gen *g, void *obj, size_t sz);

/* ---- emit.c ---- */
int emit_init(struct gen *g); /* target machine */
int emit_object(struct gen *g, void **elf, size_t *elf_sz);

#endif

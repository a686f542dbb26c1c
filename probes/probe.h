/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probe types. Each is one const struct in a file of its own; nothing outside this directory
 * switches on the kind of a probe. Both halves use it: the compiler to parse, expand and type attach
 * points, the runtime to attach them.
 */
#ifndef TRACE_PROBE_H
#define TRACE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/image.h"

struct Dwarf;
struct probe_env;

/* What listing and lookup need, opened lazily and cached; owns all strings handed out below. */
struct probe_env_options {
	int pid; /* -p, 0: none */
	bool unsafe; /* --unsafe */
	const char *debuginfo; /* --debuginfo; NULL: none */
	const char *functions; /* --traceable-functions: in place of the kernel's list; NULL */
	const char *no_features; /* --no-feature: names a,b; NULL */
};
struct probe_env *probe_env_new(const struct probe_env_options *opt);
void probe_env_free(struct probe_env *env);

/* One part of an attach point, between colons, unquoted; parts[0] is the type's name. */
struct probe_part {
	const char *text;
	bool quoted;
};

/* Where a probe goes: meaning of a, b, c and the values is the type's own. */
struct probe_target {
	const char *name; /* canonical, as the builtin "probe" gives it */
	const char *a, *b, *c;
	uint64_t value, value2;
};

struct probe_error {
	char text[256];
	char hint[256]; /* "" when there is nothing to say */
	int part; /* the offending part; -1: the whole */
	uint32_t target_no; /* of several targets the first is 1; 0: all, or who knows */
	bool is_form; /* it has not the form that the type's help shows */
};

/* A field of a probe's args. */
enum probe_field_loc {
	LOC_PLAIN, /* the value itself */
	LOC_DATA_LOC, /* a u32: offset from the record's start | size << 16 */
	LOC_REL_LOC, /* the same, offset from the end of this word */
	/* Of functions of programs: off is that in a struct made of the arguments. */
	LOC_REGS, /* in one or two words of the context */
	LOC_USER, /* in the program's memory, at a word of the context + disp */
	/* Where no program can see it: */
	LOC_NOWHERE, /* in a floating point register */
	LOC_LOST, /* in memory whose address is in no register */
};
struct probe_field {
	const char *name;
	const char *ctype; /* C type as text: "unsigned int", "const char *", "char[16]" */
	const char *decl; /* as the kernel declares it, for -lv: "__data_loc char[] filename" */
	uint32_t off, size; /* in the record */
	bool is_signed;
	bool user_ptr; /* a pointer into user memory */
	enum probe_field_loc loc;
	int16_t reg[2]; /* LOC_REGS, LOC_USER: offsets in the context */
	int32_t disp; /* LOC_USER */
	const void *die; /* its type, a Dwarf_Die that lasts as long as env; NULL: ctype tells */
};
struct probe_fields {
	const struct probe_field *fields;
	uint32_t cnt;
	uint32_t size; /* of the record; 0: unknown */
};

/*
 * Where argument N, or the return value, is for a program: the word of the context at byte base, plus
 * scale times the word at index, plus disp; what lies at that address when deref is set. size and
 * is_signed say how much of it counts. Zeroed before it is filled in: equal ones are equal bytes.
 */
struct probe_arg {
	int32_t base, index; /* PROBE_ARG_NONE: no such part */
	uint32_t scale;
	uint32_t size; /* 1 2 4 8 */
	int64_t disp;
	bool deref, is_signed;
	bool high; /* of the base's low 16 bits the upper 8: ah bh ch dh */
};
/* A variable or function of the program that a target is in. */
struct probe_symbol {
	uint64_t value; /* its address, or how far behind the place that is hit it lies */
	uint32_t size;
	bool is_fixed; /* value is the address: the program is never loaded elsewhere */
	bool from_entry; /* what is hit is a return, value counts from the function's entry */
};
enum { PROBE_ARG_NONE = -1, PROBE_ARG_RETVAL = -1, PROBE_ARGS_MAX = 10 };

/* How the program gets at args. */
enum probe_args_kind {
	PROBE_ARGS_NONE,
	PROBE_ARGS_RECORD, /* fields lie at constant offsets of the context */
	PROBE_ARGS_REGS, /* the context is a struct pt_regs: argN, retval, reg() come from it */
	PROBE_ARGS_WORDS, /* the context is an array of u64: argument N is word N (BTF programs) */
};

enum probe_when {
	PROBE_WHEN_ATTACHED,
	PROBE_WHEN_BEGIN, /* run once by BPF_PROG_RUN before anything is attached */
	PROBE_WHEN_END, /* run once after everything is detached */
	PROBE_WHEN_SIGNAL, /* run whenever trace gets the signal of the target's value */
	PROBE_WHEN_TEST, /* run by --test, which asks what it returns */
	PROBE_WHEN_BENCH, /* the same, by --bench, many times */
};

enum {
	/*
	 * -p restricts the attachment itself; others are filtered in code. Threads and children
	 * started later inherit it, but not the cookie: there it reads 0 (Linux 6.18 too). A program
	 * that needs cookies is to be loaded once per target then.
	 */
	PROBE_TAKES_PID = 1,
	PROBE_WILDCARDS = 2,
	PROBE_LISTED = 4, /* part of -l without a pattern */
	PROBE_USER_MEMORY = 8, /* numbers taken for addresses are the traced program's */
	PROBE_OWN_PROGRAM =
		16, /* a program is bound to its target when it is loaded: one for each */
	PROBE_LISTS_PATTERN = 64, /* -l of "TYPE:PATTERN" is what the pattern expands to */
	PROBE_ONE_MEMORY = 128, /* -p restricts it to that process, not to those that it starts */
	PROBE_FUNCTIONS = 256, /* targets are functions, b their names: what "func" gives */
	/* The verifier knows pointers in args by their BTF types: helpers that want such take them. */
	PROBE_BTF_POINTERS = 8192,
	PROBE_CONTEXT_REGS =
		512, /* the context starts with the registers, as a perf event's does */
	PROBE_TYPED_RETVAL =
		1024, /* the field "retval" of args, when there is one, is what retval gives */
	PROBE_RETURNS = 2048, /* what its code returns is the program's result */
	PROBE_WALKS =
		4096, /* the kernel runs the program when it is told to, for each of its objects */
	PROBE_NOBODYS = 16384, /* happens to no process in particular: -p is no filter */
	PROBE_NO_COOKIE = 32, /* a program that asks which target it runs for: one for each */
	/*
	 * Hits are overflows of perf events, which the kernel skips, counting nothing, while a program
	 * of another kind runs on that CPU (bpf_prog_active in bpf_overflow_handler).
	 */
	PROBE_OVERFLOWS = 32768,
	PROBE_OVERRIDES = 131072, /* its program may say what the function is to return */
	/*
	 * Nothing keeps the kernel from running a program of the type for a thread while one that was
	 * preempted is in the midst of it on the same CPU. Of other types it runs none then, and counts it
	 * as missed.
	 */
	PROBE_UNGUARDED = 262144,
	/* Of all such types the kernel runs one program at a time on a CPU (bpf_prog_active). */
	PROBE_EXCLUSIVE = 524288,
	PROBE_BEATS = 65536, /* one at a time, by a timer: those skipped are made up for */
};

/* What a program must be told to the kernel with, beyond its type. */
struct probe_load {
	uint32_t attach_type; /* expected_attach_type; 0: what the section says */
	const char *attach_name; /* of a kernel function, or NULL */
	uint32_t btf_id; /* the same for a copy, which libbpf does not load */
	int btf_fd; /* of the module's BTF, or of a BPF program; 0: the kernel's own BTF */
	bool of_prog; /* btf_fd is a program */
	bool overrides; /* given: the program changes what the function returns */
};

/* An event whose every period-th count is a hit, for those of which it can be known. */
struct probe_event {
	int fd; /* owned by the links */
	uint32_t owner;
	int cpu; /* -1: of hits wherever they come */
	uint64_t period;
	bool is_time; /* it counts nanoseconds */
	uint64_t due; /* hits that there should have been, once it is settled */
};

/* A timer whose beats are to be made up for when the kernel has skipped them. */
struct probe_beat {
	uint32_t slot;
	int prog_fd, cpu;
	uint64_t from_ns, period_ns; /* the first is due at from_ns + period_ns, CLOCK_MONOTONIC */
	bool has_cookie;
	uint64_t cookie;
	int again_fd; /* the event that makes up for one; -1: none yet, -2: it is not to be had */
};

/* What watches an address: stretches of the links' fds and late. */
struct probe_watch {
	uint64_t addr;
	uint32_t fd_from, fd_to, late_from, late_to;
};

/* fds whose closing detaches, and fds closed after those; grown by attach. All zero at first. */
struct probe_links {
	uint32_t owner; /* whose events are attached now, by whatever the caller counts */
	struct probe_event *events; /* in the order of their owners */
	uint32_t event_cnt;
	struct probe_beat *beats;
	uint32_t beat_cnt;
	int *fds;
	uint32_t cnt, cap;
	int *late;
	uint32_t late_cnt, late_cap;
	uint32_t
		skipped; /* by the last attachment: a pattern's targets that the kernel does not trace */
	const char *note; /* for -v: what is special about the last attachment; owned by env */
	struct probe_watch *watches;
	uint32_t watch_cnt;
	int *walks; /* to be read to their end: reading is what runs the program */
	uint32_t walk_cnt, walk_cap;
	char **pins; /* files that keep a link when we are gone */
	uint32_t pin_cnt;
};
/* Stops the events and settles how many hits are due, before all is closed. */
void probe_links_settle(struct probe_links *l);
int probe_links_add(struct probe_links *l, int fd); /* closes fd on failure */
int probe_links_add_walk(struct probe_links *l, int fd); /* the same */
int probe_links_add_pin(struct probe_links *l, const char *path); /* removes it on failure */
/* Lets go of what watches that address, if anything does. */
void probe_links_unwatch(struct probe_links *l, uint64_t addr);
/* Detaches what came after the first cnt links, of types that have nothing but links. */
void probe_links_cut(struct probe_links *l, uint32_t cnt);
void probe_links_unpin(struct probe_links *l); /* what was pinned is not to stay */
void probe_links_close(struct probe_links *l); /* no program runs any more when it returns */

struct probe_attach {
	int prog_fd;
	const struct probe_target *targets;
	const uint64_t *cookies; /* one per target; NULL: the program asks for none */
	uint32_t target_cnt;
	uint32_t attach_type; /* as load chose it */
	int pid; /* -p or the -c child; 0: all. For types with PROBE_TAKES_PID */
	uint32_t
		beat; /* the slot of the first target's beats; PROBE_NO_BEAT: nobody looks after them */
};
enum { PROBE_NO_BEAT = 0xffff };

typedef int (*probe_fn)(void *arg, const struct probe_target *t);

struct probe_type {
	const char *name; /* "tracepoint" */
	const char *aliases[4]; /* "t" */
	const char *help; /* one line: form and meaning */
	uint32_t flags;
	enum probe_when when;
	enum probe_args_kind args_kind;
	const char *section; /* ELF section that gives libbpf the program type: "tracepoint" */

	/*
	 * Parts of an attach point, possibly with wildcards, to a pattern. 0, or -EINVAL with err
	 * filled in.
	 */
	int (*parse)(struct probe_env *env, const struct probe_part *parts, uint32_t cnt,
		     struct probe_target *pat, struct probe_error *err);
	/*
	 * Calls fn for every existing target that matches the pattern, sorted by name. An exact name
	 * reads no list. Returns the number of matches or a negative errno with err filled in; stops
	 * early, returning it, when fn gives non-zero. Hints (nearest name) go to err->hint on none.
	 */
	int (*expand)(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		      struct probe_error *err);
	/*
	 * Everything of the type as -l prints it ("software:cs:" stands for all counts), sorted;
	 * like expand otherwise. NULL: the type is never listed.
	 */
	int (*list)(struct probe_env *env, probe_fn fn, void *arg, struct probe_error *err);
	/* The line of -l that a target falls under. NULL: its name. */
	const char *(*list_name)(struct probe_env *env, const struct probe_target *t);
	/* The C type that the program's context points to. NULL: it has no name, or no use. */
	const char *(*context)(struct probe_env *env, const struct probe_target *t);
	/* Fields of args, lasting as long as env. NULL: the type has none. */
	int (*args)(struct probe_env *env, const struct probe_target *t, struct probe_fields *out,
		    struct probe_error *err);
	/*
	 * The debug information of the program that the target is in, owned by env. NULL: there is none.
	 * The hook is NULL: targets are in no program.
	 */
	struct Dwarf *(*debug)(struct probe_env *env, const struct probe_target *t);
	/*
	 * Where argument n (PROBE_ARG_RETVAL: the return value) is. 0; -ENOENT: there is none, with err
	 * filled in when more can be said than that. NULL: the type has neither.
	 */
	int (*arg)(const struct probe_target *t, int n, struct probe_arg *out,
		   struct probe_error *err);
	/* -ENOENT and err: there is no such symbol. NULL: targets are in no program. */
	int (*symbol)(struct probe_env *env, const struct probe_target *t, const char *name,
		      struct probe_symbol *out, struct probe_error *err);
	/*
	 * Before anything is loaded or runs: opens what the kernel may refuse, for attach to find it
	 * open. 0, or -errno with err filled in. NULL: load or attach tell.
	 */
	int (*open)(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		    struct probe_error *err);
	/*
	 * Before a program for these targets is loaded; called once for each target with
	 * PROBE_OWN_PROGRAM. NULL: nothing is special.
	 */
	int (*load)(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
		    struct probe_load *out, struct probe_error *err);
	/*
	 * Of a type of returns: that of the calls, of which a probe on the same targets, session_least
	 * or more, may be one program with this one. NULL: none.
	 */
	const struct probe_type *calls;
	uint32_t session_least;
	/* Whether the kernel has that for these targets; attached by the hook of calls then. */
	bool (*session)(struct probe_env *env, const struct probe_target *targets, uint32_t cnt,
			struct probe_load *out);
	/* NULL for types that run by themselves (when). */
	int (*attach)(struct probe_env *env, const struct probe_attach *a,
		      struct probe_links *links, struct probe_error *err);
};

/* By name or alias; case matters but for BEGIN and END. NULL: none. */
const struct probe_type *probe_type_find(const char *name);
const struct probe_type *const *probe_types(uint32_t *cnt);

/* What scripts know as probetype: what runs by itself goes by one name. */
static inline const char *probe_type_name(const struct probe_type *t)
{
	return t->when == PROBE_WHEN_ATTACHED ? t->name : "special";
}

/*
 * What -l prints: calls fn, in the order to print, for everything that matches one of the patterns
 * between commas ("t:sched:*,software:*,*exec*"; NULL: all that is listed by default). Returns the
 * number of lines, or a negative errno with err filled in. An exact name reads no list.
 */
typedef int (*probe_list_fn)(void *arg, const struct probe_type *type,
			     const struct probe_target *t);
int probe_list(struct probe_env *env, const char *patterns, probe_list_fn fn, void *arg,
	       struct probe_error *err);

/*
 * Ids, in the kernel's BTF, of functions of the kernel by their names. 0: there is none of that name, or
 * no BTF. One walk through all types for all of them.
 */
void probe_kfuncs(struct probe_env *env, const char *const *names, uint32_t *ids, uint32_t cnt);

/* Byte offset of a field of the kernel's: "mm_struct.mm_mt.ma_root"; -1: there is none, or no BTF. */
int64_t probe_field_off(struct probe_env *env, const char *path);

/* Whether the kernel lets a program of this type call one of its functions that programs may call. */
bool probe_kfunc_allowed(struct probe_env *env, const struct probe_type *type, const char *name);

/*
 * A file system of the kernel's own ("tracefs") in a mount that nobody else sees and that goes with its
 * descriptor. Negative errno: not allowed, or there is none.
 */
int probe_mount_privately(const char *type);

/*
 * ---- beats ----
 * A timer's program is told by sample_period, a word of its context, for which event it runs: that of
 * a target has the target's period in ns, the one that makes up for a beat of slot n has
 * PROBE_AGAIN + n, which no timer that is looked after is as fast as.
 */
enum { PROBE_AGAIN = 1, PROBE_BEATS_MAX = 900 };
/* How many slots the targets of a probe take, of which used are taken: one each, or 0. */
uint32_t probe_beats(const struct probe_type *t, const struct probe_target *targets, uint32_t cnt,
		     uint32_t used);
uint64_t probe_beat_period_ns(const struct probe_target *t);
int probe_beat_off(void); /* of sample_period */
/* Runs the program for a beat that is missed; it is done when it returns. 0 or -errno. */
int probe_beat_again(struct probe_links *links, struct probe_beat *b);

/* Byte offset of a register in the context of PROBE_ARGS_REGS, by its usual names; -1: no such one. */
int probe_reg_find(const char *name);
const char *probe_machine(void); /* "x86_64" */
/* Where the context that starts with registers says whose they are; false: unknown machine. */
struct probe_mode {
	int off; /* of the word */
	uint64_t mask, user; /* word & mask == user: user mode */
};
bool probe_reg_mode(struct probe_mode *out);

/*
 * Names of a field's bits as the kernel prints them, the largest sets first. 0, or a negative errno
 * and err. The names last as long as env.
 */
struct probe_flag {
	uint64_t bits;
	const char *name;
};
struct probe_flags {
	struct probe_flag *at;
	uint32_t cnt;
};
int probe_flags_read(struct probe_env *env, const char *event, const char *field,
		     struct probe_flags *out, struct probe_error *err);
void probe_flags_free(struct probe_flags *f);

/*
 * ---- types of the kernel: its BTF, or the file of it that TRACE_BTF names ----
 */
struct btf;
struct btf *kernel_types(void); /* NULL and errno */
bool kernel_has_types(void);
const char *kernel_types_path(void); /* the named one; NULL: its own */
/* The directory of those of modules, which continue the kernel's own; "": they would not continue these. */
const char *kernel_types_modules(void);

/*
 * ---- files of programs, for whoever reads symbols and debug information ----
 * libdwfl on an open file, which is taken over, and on the debug files that belong to it. path: a
 * label, and where debug files are looked for beside; dirs: "DIR:..." to look in first, or NULL.
 * NULL: no ELF file, or no memory.
 */
struct Dwfl_Module;
struct debugfile;
struct debugfile *debugfile_open(int fd, const char *path, const char *dirs);
void debugfile_close(struct debugfile *d);
struct Dwfl_Module *debugfile_module(struct debugfile *d);
/*
 * A Dwarf_Die becomes the next one of its parent, as by dwarf_siblingof(): 0. But files may lie, and
 * one that refers back would be gone through for ever: what comes next lies behind.
 */
int debug_next_die(void *die);

/*
 * Units of a program's debug information by address. unit: a Dwarf_Die; a skeleton, where that has the
 * addresses. debug_units_split() puts what it stands for in its place, from the object file (.dwo) or the
 * package beside the program (.dwp): false when it is gone. program: its path.
 */
struct Dwarf;
struct debug_units;
struct debug_units *debug_units_new(struct Dwarf *dw, const char *program);
void debug_units_free(struct debug_units *u);
bool debug_units_find(struct debug_units *u, uint64_t addr, void *unit);
bool debug_units_split(struct debug_units *u, void *unit);

/* As dwarf_haspc(), also in a split unit: base is debug_unit_base() of its skeleton. */
uint64_t debug_unit_base(void *skeleton);
bool debug_has_addr(void *die, uint64_t base, uint64_t addr);

/*
 * A type of a program by name, "struct foo", "enum foo" or "foo"; the enum that has an enumerator. As a
 * Dwarf_Die that lasts as long as env; NULL: there is none.
 */
const void *debug_find_type(struct probe_env *env, struct Dwarf *dw, const char *name);
const void *debug_find_enumerator(struct probe_env *env, struct Dwarf *dw, const char *name);

/* Calls fn for what a program begins with: itself, its interpreter, the libraries that it needs. */
void probe_program_files(struct probe_env *env, const char *path,
			 void (*fn)(void *arg, const char *path), void *arg);

/* The name as C++ or Rust source has it, malloc'ed; NULL: it is not mangled. */
char *demangle(const char *name);

/* Links on many targets at once, which kernels have or have not. */
enum probe_multi {
	PROBE_KPROBE_MULTI,
	PROBE_KPROBE_SESSION,
	PROBE_UPROBE_MULTI,
	PROBE_UPROBE_SESSION
};
bool probe_has_multi(enum probe_multi kind);

/* Shell-like match of '*' and '[abc]'. */
bool probe_glob_match(const char *pattern, const char *name);
bool probe_is_glob(const char *s);

#endif

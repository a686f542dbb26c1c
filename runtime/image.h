/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam. The compiler half ends in an image, the runtime half begins with one, and nothing else
 * crosses. An image is one relocatable BPF ELF object: programs, .maps, .BTF, .BTF.ext as libbpf
 * reads them, and the section IMAGE_SECTION: a header and tables of plain data that refer to each
 * other by index, never by pointer, and to text by offset into the table of strings.
 *
 * An image may come from anywhere, so image_read checks every offset, index, size and the sum over
 * the whole file before anybody else looks at it. Rules it enforces, which readers may rely on:
 *   - a string offset lies in the table of strings, whose last byte is NUL;
 *   - a type refers only to types with a smaller index (no cycles), its fields lie inside it;
 *   - every index is in range or, where a row says so, IMAGE_NONE.
 */
#ifndef TRACE_IMAGE_H
#define TRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/image_agg.h"
#include "runtime/script_option.h"

#define IMAGE_SECTION ".trace"
/* Of an image with keys that not every kernel takes: the same program with shorter ones, an image. */
#define IMAGE_SECTION_SHORT ".trace.short"
/* One word of the programs': not 0 once the trace is over, and events are of no interest any more. */
#define IMAGE_SECTION_OVER ".bss"
#define IMAGE_MAGIC "trace\1\r\n"
#define IMAGE_VERSION 4
#define IMAGE_NONE UINT32_MAX

/*
 * What a value is: the same list for the compiler's types and the runtime's decoder.
 * X(NAME, name as the language writes it)
 */
#define VKINDS(X)                                                                                  \
	X(NONE, "none")                                                                            \
	X(VOID, "void")                                                                            \
	X(BOOL, "bool")                                                                            \
	X(INT, "int")                                                                              \
	X(ENUM, "enum")                                                                            \
	X(STRING, "string") /* char[size], NUL-terminated, rest zero; or in the tail: see below */ \
	X(BUFFER, "buffer") /* u32 length, then bytes */                                           \
	X(PTR, "pointer")                                                                          \
	X(ARRAY, "array")                                                                          \
	X(STRUCT, "struct")                                                                        \
	X(UNION, "union")                                                                          \
	X(TUPLE, "tuple")                                                                          \
	X(RECORD, "record")                                                                        \
	X(KSTACK, "kstack")                                                                        \
	X(USTACK, "ustack")                                                                        \
	X(KSYM, "ksym_t")                                                                          \
	X(USYM, "usym_t")                                                                          \
	X(TIMESTAMP, "timestamp") /* strftime: u64 ns since boot, u32 format string, u32 unused */ \
	X(INET, "inet")                                                                            \
	X(MAC, "mac_address")                                                                      \
	X(CGROUP_PATH, "cgroup_path_t")                                                            \
	X(USERNAME, "username_t") /* u64 uid */                                                    \
	X(COUNT, "count_t")                                                                        \
	X(SUM, "sum_t")                                                                            \
	X(AVG, "avg_t")                                                                            \
	X(MIN, "min_t")                                                                            \
	X(MAX, "max_t")                                                                            \
	X(STATS, "stats_t")                                                                        \
	X(HIST, "hist_t")                                                                          \
	X(LHIST, "lhist_t")                                                                        \
	X(TSERIES, "tseries_t")

enum vkind {
#define X(name, text) V_##name,
	VKINDS(X)
#undef X
		V_KIND_CNT
};

const char *vkind_name(enum vkind k);
static inline bool vkind_is_agg(enum vkind k)
{
	return k >= V_COUNT && k <= V_TSERIES;
}

/*
 * KSTACK and USTACK: which stack, not its frames. The first time a program meets a stack it sends
 * it (ACT_STACK: struct event_stack in place of a record's fields); from then on the id stands for
 * it. The id is a 64-bit hash of tgid and frames: equal stacks are equal keys on all CPUs, and among
 * a million stacks the chance that any two share an id is 3 in 100 million. User space compares what
 * is sent again, so that it would be told. A stack that did not get through the ring is sent again
 * when it is met again.
 */
struct stack_ref {
	uint64_t id; /* 0: no frames */
	uint32_t tgid; /* 0: of the kernel */
	uint32_t cnt; /* frames */
};
/* KSYM: u64 address. USYM: the address; it is sent too, as a stack of one frame. */
struct usym_ref {
	uint64_t addr;
	uint32_t tgid;
	uint32_t unused;
};

struct event_stack {
	uint64_t ns; /* bpf_ktime_get_ns() */
	uint64_t id;
	uint32_t tgid;
	uint32_t cnt;
	uint64_t ip[];
};
/* ACT_UNWIND: nothing is known of an address of that process (0: of all of it). */
struct event_unwind {
	uint64_t ns;
	uint64_t addr;
	uint64_t mark; /* in IMAGE_MAP_STACKS: it is not said again while that stands */
	uint32_t tgid;
	uint32_t unused;
};

enum { STACK_MAX = 127 }; /* frames: what the kernel gives at most */

enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW, STACK_BUILD_ID };

/* ---- rows of the tables ---- */

enum { IMAGE_TYPE_SIGNED = 1 };

struct image_type {
	uint8_t kind; /* enum vkind */
	uint8_t flags;
	uint8_t k; /* HIST: bits; KSTACK, USTACK: enum stack_mode; TSERIES: enum tseries_kind */
	uint8_t unused;
	uint32_t size; /* bytes; aggregates: of one CPU */
	uint32_t elem; /* ARRAY, PTR (IMAGE_NONE: void or unknown) */
	uint32_t count; /* ARRAY elements; rows in fields (STRUCT UNION TUPLE RECORD ENUM) */
	uint32_t first; /* first such row in fields, for ENUM in enumerators */
	uint32_t name; /* string; 0 when none */
	int64_t min, max, step; /* LHIST; TSERIES: min the interval in ns, max the slots */
};

enum { IMAGE_FIELD_TAIL = 1 };

struct image_field {
	uint32_t name; /* string; 0 in tuples and event records */
	uint32_t type;
	uint32_t off;
	uint8_t bit_off, bit_sz;
	uint8_t flags;
	uint8_t unused;
};

struct image_enumerator {
	int64_t value;
	uint32_t name;
	uint32_t unused;
};

enum {
	/*
	 * An array map: of an aggregate one entry for each CPU, else one entry, the value with a word
	 * that tells whether it is set at align8(size).
	 */
	IMAGE_MAP_SCALAR = 1,
	IMAGE_MAP_PERCPU = 2, /* an aggregate: each CPU has its own copy */
	IMAGE_MAP_LRU = 4,
	/* Programs read or delete what is in it: a reset must reach the kernel. */
	IMAGE_MAP_OWN = 8,
	/* Keys are counted, or looked up by programs: an entry must be all there is of a key. */
	IMAGE_MAP_WHOLE = 16,
};

struct image_map {
	uint32_t name; /* "@x" */
	uint32_t bpf_name; /* in the ELF's .maps */
	uint32_t key; /* type; IMAGE_NONE: scalar */
	uint32_t val; /* type */
	uint32_t flags;
	uint32_t place;
	uint64_t max_entries;
};

enum {
	/* Asks for the attach cookie: which of its targets it is. */
	IMAGE_PROBE_COOKIE = 1,
	/* Calls override(). */
	IMAGE_PROBE_OVERRIDES = 2,
};

struct image_probe {
	uint32_t prog; /* name of the BPF program */
	uint32_t type; /* name of the probe type */
	uint32_t target_first, target_cnt;
	uint32_t flags;
	uint32_t place;
};

/*
 * A program that is two probes at once, for kernels that run one when functions are called and when
 * they return. Their targets are the same. It asks by IMAGE_CALL_is_return which of the two it is.
 */
struct image_session {
	uint32_t prog; /* name of the BPF program */
	uint32_t calls, returns; /* the probes */
};

/*
 * The numbers of no helpers: loading puts calls of functions of the kernel's, whose numbers differ from
 * kernel to kernel, in the place of these calls (runtime/kfuncs.c). X(name, function)
 */
#define IMAGE_CALLS(X)                                                                             \
	X(is_return, "bpf_session_is_return")                                                      \
	X(preempt_disable, "bpf_preempt_disable")                                                  \
	X(preempt_enable, "bpf_preempt_enable")

enum image_call {
	IMAGE_CALL_FIRST = 0x7fff0000,
#define X(name, function) IMAGE_CALL_##name,
	IMAGE_CALLS(X)
#undef X
};

/*
 * Value size of a map in the ELF. Of an aggregate it is that of one CPU's copy, whole cache lines;
 * loading makes room for all CPUs (see runtime/load_maps.c).
 */
static inline uint32_t image_map_value_size(const struct image_map *m, const struct image_type *val)
{
	if (m->flags & IMAGE_MAP_PERCPU)
		return (val->size + 63) & ~63u;
	return ((val->size + 7) & ~7u) + (m->flags & IMAGE_MAP_SCALAR ? 8 : 0);
}

/*
 * Behind an aggregate's key programs put the number of their CPU, a u64: loading may make it part of
 * the key (see runtime/shape.c). What lies between is zero.
 */
static inline uint32_t image_map_cpu_off(uint32_t key_size)
{
	return (key_size + 7) & ~7u;
}

/* The longest key that every kernel takes, in bytes. */
enum { IMAGE_KEY_EVERYWHERE = 512 };

/* struct probe_target, flattened. */
struct image_target {
	uint32_t name; /* as the builtin "probe" gives it */
	uint32_t a, b, c; /* strings; 0: absent */
	uint64_t value, value2;
	uint32_t place; /* of the attach point */
	uint32_t pad;
};

/*
 * What user space does for one call in the script. An event record is
 *   struct event_head, then the fields of type `rec` (a V_TUPLE, offsets count from the head's end,
 *   sizes and alignment as in C), padded to 8 bytes, then the tail.
 * A string field flagged IMAGE_FIELD_TAIL is a u32 in the record: the number of its bytes in the
 * tail, without a NUL; tail strings follow each other in field order without padding. The top bit
 * STR_CUT of that word says that the string was cut short.
 */
struct image_action {
	uint32_t kind; /* enum action_kind */
	uint32_t rec; /* type, IMAGE_NONE: no arguments */
	uint32_t piece_first, piece_cnt; /* format plan */
	uint32_t map; /* IMAGE_NONE */
	uint32_t place;
	uint32_t str; /* a constant string argument; 0 */
	uint32_t unused;
	int64_t num[2]; /* constant arguments: top, div; join's separator is in str */
};

struct event_head {
	uint32_t action; /* index in actions */
	uint32_t unused;
};

#define STR_CUT 0x80000000u

enum action_kind {
#define ACTION(name, handler, json_type) ACT_##name,
#include "runtime/actions.def"
#undef ACTION
	ACT_CNT
};

enum { PIECE_LEFT = 1, PIECE_ZERO = 2, PIECE_PLUS = 4, PIECE_SPACE = 8, PIECE_ALT = 16 };

/* One stretch of a format: literal text (arg IMAGE_NONE) or one conversion. */
struct image_piece {
	uint32_t text, len; /* literal, in strings; may hold NULs */
	uint32_t arg; /* field of the action's record */
	int16_t width, prec; /* -1: none */
	char conv; /* d i u x X o p c s; 'r' buffer, 'R' %rx, 'H' %rh, 'g' %gr */
	uint8_t flags;
	uint8_t size; /* bytes of an integer that are printed: hh 1, h 2, none 4, l ll j z 8 */
	uint8_t unused;
};

/*
 * Words of the read-only section IMAGE_CONSTS_SECTION, set before loading, constants to the
 * verifier. X(NAME, meaning)
 */
#define IMAGE_CONSTS(X)                                                                            \
	X(NCPUS, "possible CPUs")                                                                  \
	X(START_NS, "bpf_ktime_get_boot_ns() at start, for elapsed")                               \
	X(TAI_OFFSET_NS, "International Atomic Time minus time since boot")                        \
	X(WALL_OFFSET_NS, "time of day minus time since boot, for tseries")                        \
	X(CPID, "pid of the -c child, 0 without")                                                  \
	X(FILTER_PID, "pid of -p, 0 without: others are left out")                                 \
	X(OPTION, "value of the script's option str")                                              \
	X(OPTION_TEXT, "eight bytes of its text")                                                  \
	X(ARG_OFF, "where a field of args lies in its record")                                     \
	X(PIDNS_DEV, "device of our pid namespace, 0 when it is the initial one")                  \
	X(PIDNS_INO, "inode of our pid namespace")                                                 \
	X(RING_LIMIT, "bytes in the ring above which data is refused: the rest is control's")      \
	X(SLOT, "bytes between the CPUs' copies in a value of map str; 0: a per-CPU map")          \
	X(KADDR, "address of kernel symbol str")                                                   \
	X(KADDR_MAYBE, "the same, or 0 when there is none")                                        \
	X(UADDR, "address of symbol str of the program that probe part is in, or its distance")    \
	X(UADDR_MOVES, "1 when that is the distance from where the probe is hit")                  \
	X(CGROUPID, "id of the cgroup at path str")                                                \
	X(FEATURE, "1 when the kernel has feature str")                                            \
	X(FIELD, "offset of a field of the kernel's, str; all ones: there is none")                \
	X(PAGE_SZ, "bytes of a page")

enum image_const_kind {
#define X(name, text) KONST_##name,
	IMAGE_CONSTS(X)
#undef X
		KONST_CNT
};

#define IMAGE_CONSTS_SECTION ".rodata.trace"
/* Behind the name of a program: the form of it for kernels without bpf_loop (before 5.17). */
#define IMAGE_PLAIN "_plain"

/* Internal maps by their names in the ELF, and the entries of "counters" (per-CPU u64). */
#define IMAGE_MAP_EVENTS "events"
#define IMAGE_MAP_SCRATCH "scratch"
#define IMAGE_MAP_COUNTERS "counters"
#define IMAGE_MAP_STACKS "stacks" /* ids of the stacks that were sent */
#define IMAGE_MAP_UNWIND "unwind" /* struct unwind_state, by program */
#define IMAGE_MAP_UNWIND_PROCS "unwind_procs" /* struct unwind_proc by tgid */
#define IMAGE_MAP_UNWIND_FILES "unwind_files" /* struct unwind_file by struct unwind_file_id */
#define IMAGE_MAP_UNWIND_TABLES "unwind_tables" /* union unwind_chunk by table << 32 | chunk */
#define IMAGE_MAP_UNWIND_RULES "unwind_rules" /* array of struct unwind_rule */
#define IMAGE_MAP_SITES "sites" /* failures, by row in sites */
#define IMAGE_MAP_BEATS "beats" /* array of struct image_beat, by slot (probe_beats) */
#define IMAGE_MAP_ZEROES "zeroes" /* an array of one entry: what new keys are made of */

/* Why an update was refused. X(NAME, meaning) */
#define IMAGE_REFUSALS(X)                                                                          \
	X(FULL, "the map has all the keys it may have")                                            \
	X(MEMORY, "the kernel had no memory at hand")                                              \
	X(RACE, "the key was deleted at that moment")

enum image_refusal {
#define X(name, text) REFUSED_##name,
	IMAGE_REFUSALS(X)
#undef X
		REFUSED_CNT
};

/* What a timer's program and user space tell each other; CLOCK_MONOTONIC. See codegen/beat.c. */
struct image_beat {
	uint64_t last_ns; /* by the program: when the body was run */
	uint64_t again_ns; /* when it was run to make up for a beat, last */
	uint64_t wanted_ns; /* by user space: a run before that does not count as the beat */
};

/*
 * First the updates refused, by map and reason, then, by probe, the records lost, the hits (0 but for
 * those with PROBE_OVERFLOWS) and the hits that found the program at work already.
 */
static inline uint32_t image_counter_refused(uint32_t map)
{
	return map * REFUSED_CNT;
}

static inline uint32_t image_counter_lost(uint32_t maps_cnt, uint32_t probe)
{
	return maps_cnt * REFUSED_CNT + probe;
}

static inline uint32_t image_counter_hits(uint32_t maps_cnt, uint32_t probes_cnt, uint32_t probe)
{
	return image_counter_lost(maps_cnt, probes_cnt) + probe;
}

static inline uint32_t image_counter_missed(uint32_t maps_cnt, uint32_t probes_cnt, uint32_t probe)
{
	return image_counter_hits(maps_cnt, probes_cnt, probes_cnt) + probe;
}

/* Word i of that section is row i of the table. */
struct image_const {
	uint32_t kind;
	uint32_t str; /* FEATURE, OPTION..: its name */
	uint32_t place; /* who asked for it first; IMAGE_NONE: nobody in particular */
	uint32_t
		part; /* OPTION_TEXT: which eight bytes, from 0 on; ARG_OFF: row in layouts; UADDR..: in probes */
};

/* A config variable whose value the runtime needs: all of them, resolved. */
struct image_setting {
	uint32_t name;
	uint32_t str; /* string value; 0 */
	uint64_t num;
};

/* A place in the script, for messages at run time. */
struct image_place {
	uint32_t file; /* string */
	uint32_t line, end_line, col, end_col; /* the columns are those of one line */
	uint32_t excerpt; /* the source line, and marks below: what stands under a message */
};

/*
 * A kernel feature the image cannot do without; or without which a probe's program is another, which
 * the verifier may find too much.
 */
struct image_need {
	uint32_t feature; /* name, as in runtime/features.def */
	uint32_t place;
	uint32_t probe; /* whose program; IMAGE_NONE: there is no other */
};

/*
 * What may fail at run time, and is counted: a helper (-k), or a loop, which is left when it takes too
 * long (-ETIME) or more rounds than there can be (-E2BIG). Entry i of "sites" is row i's.
 */
#define IMAGE_SITE_LOOP IMAGE_NONE

struct image_site {
	uint32_t place;
	uint32_t helper; /* name; or IMAGE_SITE_LOOP */
};

static inline bool image_site_is_loop(const struct image_site *s)
{
	return s->helper == IMAGE_SITE_LOOP;
}

struct site_count { /* one for each CPU */
	uint64_t cnt;
	int64_t ret; /* of the last failure */
};

/*
 * What the programs take for granted of one of the kernel's structures. Where a field lies is not
 * among it unless is_fixed: that is relocated when the kernel is another one, or of args a constant.
 */
struct image_layout {
	uint32_t type; /* "struct task_struct" */
	uint32_t path; /* "se.vruntime"; "": the structure itself */
	uint32_t probe; /* the path is a field of its args, type is its name; IMAGE_NONE */
	uint32_t off, size; /* in bits; size 0: not compared */
	uint32_t loc; /* of args: enum probe_field_loc */
	uint32_t is_fixed;
	uint32_t place; /* who asked for it first */
};

/* What may be given when the image is run: enum script_option_kind and its default. */
struct image_option {
	uint32_t name, help; /* strings */
	uint32_t kind;
	uint32_t text; /* TEXT: string, shorter than SCRIPT_TEXT_SZ */
	int64_t num;
};

/* What the program is for, as its first comment says. */
struct image_about {
	uint32_t text;
};

/* The kernel it was compiled on. */
struct image_origin {
	uint64_t kernel; /* image_kernel_id() */
};

/* A number for the kernel that runs: of two builds, two numbers. */
uint64_t image_kernel_id(void);

/* X(table, row type) */
#define IMAGE_TABLES(X)                                                                            \
	X(strings, char)                                                                           \
	X(types, struct image_type)                                                                \
	X(fields, struct image_field)                                                              \
	X(enumerators, struct image_enumerator)                                                    \
	X(maps, struct image_map)                                                                  \
	X(probes, struct image_probe)                                                              \
	X(targets, struct image_target)                                                            \
	X(actions, struct image_action)                                                            \
	X(pieces, struct image_piece)                                                              \
	X(consts, struct image_const)                                                              \
	X(settings, struct image_setting)                                                          \
	X(places, struct image_place)                                                              \
	X(needs, struct image_need)                                                                \
	X(layouts, struct image_layout)                                                            \
	X(origins, struct image_origin)                                                            \
	X(sites, struct image_site)                                                                \
	X(options, struct image_option)                                                            \
	X(abouts, struct image_about)                                                              \
	X(sessions, struct image_session)

enum image_table {
#define X(name, row) IMAGE_T_##name,
	IMAGE_TABLES(X)
#undef X
		IMAGE_TABLE_CNT
};

struct image_header {
	char magic[8];
	uint32_t version;
	uint32_t size; /* of the whole section */
	uint64_t sum; /* over the whole ELF object, this field taken as zero */
	struct {
		uint32_t off, cnt; /* from the section's start; rows */
	} table[IMAGE_TABLE_CNT];
};

/* ---- reading ---- */

/* A validated image: views into the caller's bytes, which must outlive it. */
struct image {
	const void *elf;
	size_t elf_sz;
#define X(name, row)                                                                               \
	const row *name;                                                                           \
	uint32_t name##_cnt;
	IMAGE_TABLES(X)
#undef X
};

/* 0 or -EINVAL with one line in err. */
int image_read(struct image *img, const void *elf, size_t sz, char *err, size_t err_sz);
/* Where a section of an ELF object lies; -EINVAL: nowhere, or outside of it. */
int image_section(const void *elf, size_t sz, const char *name, size_t *off, size_t *sec_sz);
/* That in IMAGE_SECTION_SHORT of img. -ENOENT: there is none, or -EINVAL with one line in err. */
int image_read_short(struct image *out, const struct image *img, char *err, size_t err_sz);
/* The section's bytes alone (no ELF, no sum): what the unit tests and fuzzers aim at. */
int image_read_tables(struct image *img, const void *sec, size_t sz, char *err, size_t err_sz);

static inline const char *image_str(const struct image *img, uint32_t off)
{
	return img->strings + off;
}

/* Row i of the options, with its default. */
static inline struct script_option image_option(const struct image *img, uint32_t i)
{
	const struct image_option *o = &img->options[i];

	return (struct script_option){ .name = image_str(img, o->name),
				       .help = image_str(img, o->help),
				       .kind = (enum script_option_kind)o->kind,
				       .num = o->num,
				       .text = image_str(img, o->text) };
}

/* ---- writing ---- */

struct image_writer;

struct image_writer *image_writer_new(void);
void image_writer_free(struct image_writer *w);
/* Offset of the text (equal texts share it); 0 is "". Out of memory is remembered, see finish. */
uint32_t image_put_str(struct image_writer *w, const char *s);
uint32_t image_put_bytes(struct image_writer *w, const char *s, size_t len); /* adds a NUL */
/* Appends rows, gives the index of the first. */
#define X(name, row)                                                                               \
	uint32_t image_put_##name(struct image_writer *w, const row *rows, uint32_t cnt);
IMAGE_TABLES(X)
#undef X
/* The section's bytes (malloc'ed), sum still zero. */
int image_finish(struct image_writer *w, void **sec, size_t *sz);
/* Writes the sum into an ELF object that holds the section. */
int image_seal(void *elf, size_t sz);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The seam, continued: what programs unwind user stacks by. */
#ifndef TRACE_IMAGE_UNWIND_H
#define TRACE_IMAGE_UNWIND_H

#include "runtime/image.h"

/*
 * Unwinding user stacks by what compilers write in .eh_frame (codegen/unwind.c walks, user space
 * fills in what it walks by: runtime/unwind.c). IMAGE_MAP_UNWIND_PROCS says for each process which
 * table an address belongs to; a table is the rows of one file by address, in chunks, whose first
 * addresses make up its index; a row names one of the rules. All are sorted, found by halving, and
 * filled up with the highest number there is.
 */
enum {
	UNWIND_MAPPINGS = 128,
	UNWIND_PLACES = 32,
	UNWIND_ROWS = 512, /* of a chunk */
	UNWIND_CHUNKS = 1024, /* of a table */
	UNWIND_INDEX = 0xffffffff, /* in place of a chunk's number */
	UNWIND_RULES = 16384,
	UNWIND_LATER = 0xffffffff, /* in place of a rule: the table has not been made */
};

/* What a mapping's table may be, instead of a table. */
enum {
	UNWIND_NO_CODE = 0,
	UNWIND_NO_TABLE = 0xffffffff, /* code that is known for nothing but its frame pointers */
	UNWIND_NOTHING = 0xfffffffe, /* no code, and that is certain */
};

struct unwind_mapping {
	uint64_t start;
	uint32_t table;
	uint32_t vaddr; /* of start, as the table counts */
};
struct unwind_proc {
	struct unwind_mapping map[UNWIND_MAPPINGS]; /* the last one is never of use */
	uint64_t mm; /* address space that it is about, as the kernel sees it; 0: not known yet */
};
/*
 * What is not in there is looked up as the kernel does, in the process's own mappings, where they are a
 * tree that we know (6.1): so a process is known from its first instruction on. IMAGE_MAP_UNWIND_FILES
 * says which table a place in a file belongs to; start is the place.
 */
struct unwind_file_id {
	uint64_t ino;
	uint32_t dev; /* as the kernel has it: major << 20 | minor */
	uint32_t unused;
};
struct unwind_file {
	struct unwind_mapping map[UNWIND_PLACES];
};
struct unwind_row {
	uint32_t vaddr;
	uint32_t rule; /* 0: nothing is known */
};
union unwind_chunk {
	struct unwind_row row[UNWIND_ROWS];
	uint32_t first[UNWIND_CHUNKS]; /* the index */
};

/* How the caller's stack pointer before the call, the CFA, is found. */
enum unwind_cfa {
	UNWIND_STOP, /* no way is known */
	UNWIND_END, /* there is no caller */
	UNWIND_SP, /* the stack pointer, plus off */
	UNWIND_FP, /* the frame pointer, plus off */
	UNWIND_BX, /* rbx, plus off */
	UNWIND_REG, /* a register of the code that was interrupted, at more in struct pt_regs, plus off */
	UNWIND_AT_SP, /* what stands at the stack pointer plus off, plus more */
	UNWIND_AT_FP, /* what stands at the frame pointer plus off, plus more */
	UNWIND_PLT, /* as SP, and one word more from the instruction on that bx says, of 16 bytes */
	UNWIND_SIGNAL, /* the kernel has left all registers on the stack */
	UNWIND_UNSAID, /* code that is not described: by its frame pointer, if it has one */
	UNWIND_SWITCH, /* code that has gone to another stack: the frame pointer leads to the one before */
};
enum { UNWIND_FP_AT_FP = 1 }; /* fp counts from 8 below the frame pointer, not from the CFA */

/* Where the caller's registers are, counted from the CFA; 0: as they were. */
struct unwind_rule {
	int32_t off;
	int16_t ra, fp, bx;
	uint8_t cfa, flags;
	int32_t more;
};

/* Of one program on one CPU. */
struct unwind_state {
	uint64_t pc, sp, fp, bx, lr;
	uint64_t back; /* 1: it is the instruction before pc that counts, a call; 0: pc's own */
	uint64_t guessed; /* pc was found by the frame pointer alone */
	uint64_t need; /* an address of which nothing is known; 0 */
	uint64_t regs; /* the kernel's struct pt_regs, if that is what pc was doing; 0 */
	uint32_t tgid, cnt, limit;
	uint32_t lr_holds; /* 1: lr is the register itself, no call has been made from there */
	uint64_t mm;
	uint64_t vaddr; /* what unwind_find has found, beside the table */
	uint64_t tmp[8];
	uint64_t node[32]; /* of the kernel's tree */
	char rec[sizeof(struct event_head) + sizeof(struct event_stack)];
	uint64_t ip[STACK_MAX + 1];
};

#endif

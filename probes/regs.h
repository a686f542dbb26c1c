/* SPDX-License-Identifier: Apache-2.0 */
/* Registers as struct pt_regs (user_pt_regs on arm64) holds them, in bytes: one table per machine. */
#ifndef TRACE_PROBES_REGS_H
#define TRACE_PROBES_REGS_H

struct reg_row {
	const char *name, *alias; /* as "ax" and "rax" */
	int off;
};

#if defined(__x86_64__)
#define REGS_MACHINE "x86_64"
#define REGS_ROWS                                                                                  \
	{ "r15", 0, 0 }, { "r14", 0, 8 }, { "r13", 0, 16 }, { "r12", 0, 24 }, { "bp", "rbp", 32 }, \
		{ "bx", "rbx", 40 }, { "r11", 0, 48 }, { "r10", 0, 56 }, { "r9", 0, 64 },          \
		{ "r8", 0, 72 }, { "ax", "rax", 80 }, { "cx", "rcx", 88 }, { "dx", "rdx", 96 },    \
		{ "si", "rsi", 104 }, { "di", "rdi", 112 }, { "orig_ax", "orig_rax", 120 },        \
		{ "ip", "rip", 128 }, { "cs", 0, 136 }, { "flags", "eflags", 144 },                \
		{ "sp", "rsp", 152 },                                                              \
	{                                                                                          \
		"ss", 0, 160                                                                       \
	}
#define REGS_ARGS                                                                                  \
	{                                                                                          \
		"di", "si", "dx", "cx", "r8", "r9"                                                 \
	}
#define REGS_RETVAL "ax"
#define REGS_MODE "cs", 3, 3
#elif defined(__aarch64__)
#define REGS_MACHINE "arm64"
#define REGS_ROWS                                                                                  \
	{ "r0", "x0", 0 }, { "r1", "x1", 8 }, { "r2", "x2", 16 }, { "r3", "x3", 24 },              \
		{ "r4", "x4", 32 }, { "r5", "x5", 40 }, { "r6", "x6", 48 }, { "r7", "x7", 56 },    \
		{ "r8", "x8", 64 }, { "r9", "x9", 72 }, { "r10", "x10", 80 },                      \
		{ "r11", "x11", 88 }, { "r12", "x12", 96 }, { "r13", "x13", 104 },                 \
		{ "r14", "x14", 112 }, { "r15", "x15", 120 }, { "r16", "x16", 128 },               \
		{ "r17", "x17", 136 }, { "r18", "x18", 144 }, { "r19", "x19", 152 },               \
		{ "r20", "x20", 160 }, { "r21", "x21", 168 }, { "r22", "x22", 176 },               \
		{ "r23", "x23", 184 }, { "r24", "x24", 192 }, { "r25", "x25", 200 },               \
		{ "r26", "x26", 208 }, { "r27", "x27", 216 }, { "r28", "x28", 224 },               \
		{ "r29", "x29", 232 }, { "r30", "x30", 240 }, { "sp", 0, 248 },                    \
		{ "pc", "ip", 256 },                                                               \
	{                                                                                          \
		"pstate", 0, 264                                                                   \
	}
#define REGS_ARGS                                                                                  \
	{                                                                                          \
		"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"                                     \
	}
#define REGS_RETVAL "r0"
#define REGS_MODE "pstate", 15, 0
#else /* registers stay unnamed: argN, retval and reg() are refused */
#define REGS_MACHINE "this machine"
#define REGS_ROWS                                                                                  \
	{                                                                                          \
		"", 0, 0                                                                           \
	}
#define REGS_ARGS                                                                                  \
	{                                                                                          \
		""                                                                                 \
	}
#define REGS_RETVAL ""
#define REGS_MODE "", 0, 0
#endif

#endif

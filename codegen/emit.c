// SPDX-License-Identifier: Apache-2.0
/*
 * From LLVM's module to the sealed image: optimise, emit the object in memory, add the image's own
 * section. The pass list is the part of -O2 that pays for code like ours: straight lines, few loops.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>

#include "codegen/gen.h"

/* From 18 on, instcombine named in a list dies when one round was not enough, unless told not to. */
#if LLVM_VERSION_MAJOR >= 18
#define INSTCOMBINE "instcombine<no-verify-fixpoint>"
#else
#define INSTCOMBINE "instcombine"
#endif

/* LLVM's own way to make relocations of the intrinsics in core.c; it does nothing else. */
#define PASSES_CORE "default<O0>,"

/*
 * Each once: over all scripts, a second round of instcombine, gvn and dse made a fifth of the time
 * and no instruction less.
 */
#define PASSES "function(sroa,early-cse<memssa>," INSTCOMBINE ",simplifycfg,dce),globaldce"

/* For programs that spill: what keeps fewer values alive from one place to another. */
#define PASSES_FRUGAL "function(simplifycfg,sroa," INSTCOMBINE ",simplifycfg,dce),globaldce"

#define PASSES_EXPAND "always-inline,function(simplifycfg)"

/* Whose module LLVM is at: the handler below is called with nothing else to go by. */
static struct gen *emitting;

static unsigned insn_cnt(LLVMValueRef fn)
{
	unsigned cnt = 0;

	for (LLVMBasicBlockRef bb = LLVMGetFirstBasicBlock(fn); bb; bb = LLVMGetNextBasicBlock(bb))
		for (LLVMValueRef i = LLVMGetFirstInstruction(bb); i; i = LLVMGetNextInstruction(i))
			cnt++;
	return cnt;
}

/* The name of the program that is the largest. */
static const char *largest_program(LLVMModuleRef mod)
{
	const char *name = "";
	unsigned most = 0;
	size_t len;

	for (LLVMValueRef fn = LLVMGetFirstFunction(mod); fn; fn = LLVMGetNextFunction(fn)) {
		unsigned cnt = LLVMGetSection(fn) ? insn_cnt(fn) : 0; /* what none has is called */

		if (cnt > most)
			name = LLVMGetValueName2(fn, &len);
		most = cnt > most ? cnt : most;
	}
	return name;
}

/*
 * LLVM gives some refusals (a jump over more than 32767 instructions) no other way out than this:
 * when the handler returns it aborts. Nothing of ours is running yet, so leaving here is clean.
 */
static void on_fatal(const char *reason)
{
	struct gen *g = emitting;
	const struct node *probe = gen_probe_of(g, largest_program(g->mod));
	struct diag *d = diag(g->u->diags, probe ? probe->probe.attaches->span : SPAN_NONE,
			      D_PROGRAM_SIZE, reason);

	diag_hint(d, "Most of it is what 'unroll' repeats, or comparisons of long texts.");
	g->opt->give_up(g->u);
	_exit(1);
}

/*
 * What has no call of its own. The scheduler of a block's operations: the fast one's programs are the
 * shorter ones for an instruction set as plain as this.
 * Verifiers before 6.3 take a loop's way back only from a jump. LLVM likes to place blocks so that
 * the last instruction of a loop runs on into its first; with that pass off, a loop that has its test
 * at the end keeps it there.
 */
static void set_llvm_options(const struct gen *g)
{
	static const char *const args[] = { "trace", "-pre-RA-sched=fast",
					    "-disable-block-placement" };

	LLVMParseCommandLineOptions(g->has_loops ? 3 : 2, args, NULL);
}

int emit_init(struct gen *g)
{
	LLVMTargetRef target;
	char *err = NULL, *layout;

	LLVMInstallFatalErrorHandler(on_fatal);
	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	if (LLVMGetTargetFromTriple("bpf", &target, &err)) {
		LLVMDisposeMessage(err);
		return -ENOTSUP;
	}
	/* v3: 32-bit instructions and jumps, known to every kernel from 5.1 on */
	g->tm = LLVMCreateTargetMachine(target, "bpf", "v3", "", LLVMCodeGenLevelDefault,
					LLVMRelocDefault, LLVMCodeModelDefault);
	g->td = LLVMCreateTargetDataLayout(g->tm);
	LLVMSetTarget(g->mod, "bpf");
	layout = LLVMCopyStringRepOfTargetData(g->td);
	LLVMSetDataLayout(g->mod, layout);
	LLVMDisposeMessage(layout);
	return 0;
}

static void heading(const struct gen *g, const char *stage)
{
	if (g->opt->headings)
		printf("---- %s\n", stage);
}

static void dump_ir(struct gen *g, const char *stage)
{
	char *text = LLVMPrintModuleToString(g->mod);

	heading(g, stage);
	fputs(text, stdout);
	LLVMDisposeMessage(text);
}

static int verify(struct gen *g)
{
	char *err = NULL;

	if (!LLVMVerifyModule(g->mod, LLVMReturnStatusAction, &err)) {
		LLVMDisposeMessage(err);
		return 0;
	}
	diag(g->u->diags, SPAN_NONE, D_LLVM_VERIFY, err);
	LLVMDisposeMessage(err);
	return -EINVAL;
}

static int optimise(struct gen *g)
{
	LLVMPassBuilderOptionsRef opt = LLVMCreatePassBuilderOptions();
	const char *passes = g->frugal ? PASSES_FRUGAL : PASSES;
	LLVMErrorRef err;
	char *text;

	if (g->core_cnt)
		passes = arena_printf(g->u->arena, PASSES_CORE "%s", passes);
	err = LLVMRunPasses(g->mod, passes, g->tm, opt);
	if (!err && inner_expand(g))
		err = LLVMRunPasses(g->mod, PASSES_EXPAND, g->tm, opt);
	LLVMDisposePassBuilderOptions(opt);
	if (!err)
		return 0;
	text = LLVMGetErrorMessage(err);
	diag(g->u->diags, SPAN_NONE, D_LLVM_VERIFY, text);
	LLVMDisposeErrorMessage(text);
	return -EINVAL;
}

/*
 * Bytes that nobody wrote (a hole of a tuple that is copied whole) are "undefined" to LLVM, which then
 * leaves the register as it is on that way. To the verifier that is a read of something never written,
 * or of a pointer. So they are zero.
 */
static void define_operands(LLVMValueRef insn)
{
	for (int i = 0, cnt = LLVMGetNumOperands(insn); i < cnt; i++) {
		LLVMValueRef v = LLVMGetOperand(insn, (unsigned)i);
		LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(v));

		if ((kind == LLVMIntegerTypeKind || kind == LLVMPointerTypeKind) && LLVMIsUndef(v))
			LLVMSetOperand(insn, (unsigned)i, LLVMConstNull(LLVMTypeOf(v)));
	}
}

static void define_all(struct gen *g)
{
	LLVMBasicBlockRef bb;
	LLVMValueRef fn, insn;

	for (fn = LLVMGetFirstFunction(g->mod); fn; fn = LLVMGetNextFunction(fn))
		for (bb = LLVMGetFirstBasicBlock(fn); bb; bb = LLVMGetNextBasicBlock(bb))
			for (insn = LLVMGetFirstInstruction(bb); insn;
			     insn = LLVMGetNextInstruction(insn))
				define_operands(insn);
}

static int emit_file(struct gen *g, LLVMCodeGenFileType kind, LLVMMemoryBufferRef *out)
{
	char *err = NULL;

	if (!LLVMTargetMachineEmitToMemoryBuffer(g->tm, g->mod, kind, &err, out))
		return 0;
	diag(g->u->diags, SPAN_NONE, D_LLVM_VERIFY, err);
	LLVMDisposeMessage(err);
	return -EINVAL;
}

static void add_section(struct gen *g, const char *name, const char *section, const void *data,
			size_t sz)
{
	LLVMValueRef init = LLVMConstStringInContext(g->ctx, data, (unsigned)sz, true);
	LLVMValueRef v = LLVMAddGlobal(g->mod, LLVMTypeOf(init), name);

	LLVMSetInitializer(v, init);
	LLVMSetGlobalConstant(v, true);
	LLVMSetSection(v, section);
	LLVMSetAlignment(v, 8);
}

/* The tables become a global of their own section, so LLVM writes the whole ELF object. */
static int add_tables(struct gen *g)
{
	void *sec;
	size_t sz;
	int err = image_finish(g->img, &sec, &sz);

	if (err)
		return err;
	add_section(g, "trace_tables", IMAGE_SECTION, sec, sz);
	if (g->opt->short_image)
		add_section(g, "trace_short", IMAGE_SECTION_SHORT, g->opt->short_image,
			    g->opt->short_sz);
	free(sec);
	return 0;
}

static int dump_asm(struct gen *g)
{
	LLVMMemoryBufferRef text;
	LLVMModuleRef copy = LLVMCloneModule(g->mod), mod = g->mod;
	int err;

	g->mod = copy; /* emitting changes the module */
	err = emit_file(g, LLVMAssemblyFile, &text);
	g->mod = mod;
	LLVMDisposeModule(copy);
	if (err)
		return err;
	heading(g, "dis");
	fwrite(LLVMGetBufferStart(text), 1, LLVMGetBufferSize(text), stdout);
	LLVMDisposeMemoryBuffer(text);
	return 0;
}

static int write_ir(struct gen *g)
{
	char *err = NULL;

	if (!LLVMPrintModuleToFile(g->mod, g->opt->emit_llvm, &err))
		return 0;
	diag(g->u->diags, SPAN_NONE, D_WRITE_FILE, g->opt->emit_llvm, err);
	LLVMDisposeMessage(err);
	return -EINVAL;
}

static int take_object(struct gen *g, void **elf, size_t *elf_sz)
{
	LLVMMemoryBufferRef obj;
	int err = emit_file(g, LLVMObjectFile, &obj);

	if (err)
		return err;
	*elf_sz = LLVMGetBufferSize(obj);
	*elf = malloc(*elf_sz);
	if (*elf)
		memcpy(*elf, LLVMGetBufferStart(obj), *elf_sz);
	LLVMDisposeMemoryBuffer(obj);
	return *elf ? image_seal(*elf, *elf_sz) : -ENOMEM;
}

int emit_object(struct gen *g, void **elf, size_t *elf_sz)
{
	int err;

	emitting = g;
	set_llvm_options(g);
	if (g->has_asm)
		LLVMInitializeBPFAsmParser();
	LLVMDIBuilderFinalize(g->di);
	if (g->opt->dump_ir)
		dump_ir(g, "codegen");
	err = g->opt->verify ? verify(g) : 0;
	err = err ?: optimise(g);
	define_all(g);
	if (!err && g->opt->dump_ir_opt)
		dump_ir(g, "codegen-opt");
	err = err ?: (g->opt->emit_llvm ? write_ir(g) : 0);
	err = err ?: (g->opt->dump_asm ? dump_asm(g) : 0);
	err = err ?: add_tables(g);
	return err ?: take_object(g, elf, elf_sz);
}

const char *codegen_version(void)
{
	return "LLVM " LLVM_VERSION_STRING;
}

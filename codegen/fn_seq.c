// SPDX-License-Identifier: Apache-2.0
/*
 * printf of a pinned iterator: whoever reads the file runs the program, and what it prints is what
 * the file holds. So the kernel formats. Its bpf_seq_printf takes less than printf does (check has
 * seen to that) and wants ASCII, so plain text and plain strings are written by bpf_seq_write, and
 * a conversion at a time is all that it is asked for.
 */
#include <string.h>

#include "codegen/call.h"

/* ctx->meta->seq: both are the first member, and plain loads are what the verifier follows. */
static LLVMValueRef seq_file(struct gen *g)
{
	LLVMValueRef meta = LLVMBuildLoad2(g->b, g->ptr, g->p->ctx, "");

	return LLVMBuildLoad2(g->b, g->ptr, meta, "");
}

static LLVMValueRef constant_text(struct gen *g, const char *text, uint32_t len)
{
	LLVMValueRef init = LLVMConstStringInContext(g->ctx, text, len, true);
	LLVMValueRef v = LLVMAddGlobal(g->mod, LLVMTypeOf(init), "text");

	LLVMSetInitializer(v, init);
	LLVMSetGlobalConstant(v, true);
	LLVMSetLinkage(v, LLVMInternalLinkage);
	LLVMSetSection(v, ".rodata.names");
	return v;
}

static void write_text(struct gen *g, const char *text, uint32_t len)
{
	HELP(g, seq_write, seq_file(g), constant_text(g, text, len), gen_i32(g, len));
}

/* What the conversion asks for of an integer. */
static LLVMValueRef narrowed(struct gen *g, const struct format_piece *p, struct node *e)
{
	bool is_signed = p->conv == 'd' || p->conv == 'i';
	LLVMValueRef v = gen_int(g, e);

	if (p->size == 8 || p->conv == 'p')
		return v;
	v = LLVMBuildTrunc(g->b, v, gen_int_type(g, p->size), "");
	return is_signed ? LLVMBuildSExt(g->b, v, g->i64, "") : LLVMBuildZExt(g->b, v, g->i64, "");
}

/* The conversion as the kernel writes it: all integers are 64 bits by now. */
static const char *kernel_format(struct gen *g, const struct format_piece *p, uint32_t *len)
{
	struct arena *a = g->u->arena;
	const char *width = p->width > 0 ? arena_printf(a, "%d", p->width) : "";
	const char *fmt, *conv = arena_printf(a, "ll%c", p->conv);

	if (p->conv == 's' || p->conv == 'c')
		conv = "s";
	else if (p->conv == 'p')
		conv = "llx";
	fmt = arena_printf(a, "%s%%%s%s%s%s%s%s", p->conv == 'p' ? "0x" : "",
			   p->flags & PIECE_LEFT ? "-" : "", p->flags & PIECE_ZERO ? "0" : "",
			   p->flags & PIECE_PLUS ? "+" : "", p->flags & PIECE_SPACE ? " " : "",
			   width, conv);
	*len = (uint32_t)strlen(fmt) + 1;
	return fmt;
}

/* data: before 5.11 an address may be passed from a map's value, but not from the stack. */
static void print_word(struct gen *g, const struct format_piece *p, LLVMValueRef word)
{
	uint32_t len;
	const char *fmt = kernel_format(g, p, &len);
	LLVMValueRef data = gen_frame_tmp(g, 8);

	LLVMBuildStore(g->b, word, data);
	HELP(g, seq_printf, seq_file(g), constant_text(g, fmt, len), gen_i32(g, len), data,
	     gen_i32(g, 8));
}

static void print_string(struct gen *g, const struct format_piece *p, struct node *e)
{
	uint32_t max = e->type->size + 1;
	LLVMValueRef text = gen_frame_tmp(g, max), len = gen_text(g, e, text, max);

	if (p->width > 0)
		print_word(g, p, LLVMBuildPtrToInt(g->b, text, g->i64, ""));
	else
		HELP(g, seq_write, seq_file(g), text, gen_bound(g, len, max));
}

static void print_char(struct gen *g, const struct format_piece *p, struct node *e)
{
	LLVMValueRef text = gen_frame_tmp(g, 8);

	LLVMBuildStore(g->b, LLVMBuildAnd(g->b, gen_int(g, e), gen_i64(g, 0xff), ""), text);
	print_word(g, p, LLVMBuildPtrToInt(g->b, text, g->i64, ""));
}

void seq_print(struct gen *g, const struct format *f, struct node *args)
{
	for (uint32_t i = 0; i < f->cnt; i++) {
		const struct format_piece *p = &f->pieces[i];
		struct mem_mark m = gen_mark(g);

		if (p->text)
			write_text(g, p->text, p->len);
		else if (p->conv == 's')
			print_string(g, p, args);
		else if (p->conv == 'c')
			print_char(g, p, args);
		else
			print_word(g, p, narrowed(g, p, args));
		if (!p->text)
			args = args->next;
		gen_release(g, m);
	}
}

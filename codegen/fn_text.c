// SPDX-License-Identifier: Apache-2.0
/* Functions on text: length, search, joining; names of numbers. */
#include <errno.h>
#include <string.h>

#include "ast/syscalls.h"
#include "codegen/call.h"
#include "codegen/outline.h"

/* Errors have numbers up to this in Linux; signals up to SIGRTMAX. */
#define ERRNO_MAX 133
#define SIGNAL_MAX 64

/* A string argument in memory of ours, all of it defined; gives its length. */
static LLVMValueRef in_memory(struct gen *g, struct node *e, LLVMValueRef *at, uint32_t room)
{
	uint32_t size = e->type->size + room;
	LLVMValueRef len;

	*at = gen_tmp(g, size);
	gen_zero(g, *at, (size + 7) & ~7u);
	/* one byte more than it can have: comm tells its length only then */
	len = gen_text(g, e, *at, e->type->size + 1);
	return gen_clamp(g, len, e->type->size, e->type->size - 1);
}

LLVMValueRef fn_strlen(struct gen *g, struct call *c)
{
	LLVMValueRef at;

	if (c->args->kind == N_STR)
		return gen_i64(g, strlen(c->args->str.text));
	return in_memory(g, c->args, &at, 8);
}

LLVMValueRef fn_str_concat(struct gen *g, struct call *c)
{
	struct node *l = c->args, *r = l->next;
	LLVMValueRef both, len = in_memory(g, l, &both, r->type->size);

	gen_text(g, r, gen_off_var(g, both, len), r->type->size);
	return gen_text_from(g, c->dst, c->max, both, AS_KERNEL);
}

/* ---- search ---- */

/* The needle's place, or -ENOENT as the kernel's own strstr has it. */
static LLVMValueRef find(struct gen *g, struct node *text, struct node *needle)
{
	LLVMValueRef in = gen_frame_tmp(g, text->type->size), what;

	gen_text(g, text, in, text->type->size);
	what = gen_frame_tmp(g, needle->type->size);
	gen_text(g, needle, what, needle->type->size);
	return outline_find(g, in, text->type->size, what, needle->type->size);
}

LLVMValueRef fn_strstr(struct gen *g, struct call *c)
{
	return find(g, c->args, c->args->next);
}

LLVMValueRef fn_strcontains(struct gen *g, struct call *c)
{
	LLVMValueRef at = find(g, c->args, c->args->next);

	return LLVMBuildZExt(g->b, gen_cmp(g, LLVMIntSGE, at, gen_i64(g, 0)), g->i64, "");
}

/* ---- memcmp ---- */

/* The first n bytes of what e is or points to, in memory of ours. */
static LLVMValueRef bytes_of(struct gen *g, struct node *e, uint32_t n)
{
	uint32_t size = e->type->size > n ? e->type->size : n;
	LLVMValueRef tmp;

	if (e->type->kind == V_PTR || e->type->kind == V_INT) {
		LLVMValueRef addr = LLVMBuildIntToPtr(g->b, gen_int(g, e), g->ptr, "");

		tmp = gen_tmp(g, n);
		if (gen_space(g, e->type->as) == AS_USER)
			HELP(g, probe_read_user, tmp, gen_i32(g, n), addr);
		else
			HELP(g, probe_read_kernel, tmp, gen_i32(g, n), addr);
		return tmp;
	}
	if (e->type->kind == V_STRING) {
		in_memory(g, e, &tmp, n > e->type->size ? n - e->type->size + 8 : 8);
		return tmp;
	}
	tmp = gen_tmp(g, size);
	gen_zero(g, tmp, (size + 7) & ~7u);
	gen_into(g, e, tmp, e->type, PAD_NONE);
	return e->type->kind == V_BUFFER ? gen_off(g, tmp, 4) : tmp;
}

LLVMValueRef fn_memcmp(struct gen *g, struct call *c)
{
	uint32_t n = (uint32_t)c->args->next->next->num.value;
	LLVMValueRef l, r;

	if (!n)
		return gen_i64(g, 0);
	l = bytes_of(g, c->args, n);
	r = bytes_of(g, c->args->next, n);
	return gen_differ_bytes(g, l, r, n);
}

/* ---- names of numbers: rows of one table of text, the last for what has none ---- */

static LLVMValueRef text_table(struct gen *g, const char *symbol, const char *const *rows,
			       uint32_t cnt, uint32_t stride)
{
	LLVMValueRef table = LLVMGetNamedGlobal(g->mod, symbol), init;
	char *bytes;

	if (table)
		return table;
	bytes = arena_alloc(g->u->arena, (size_t)cnt * stride);
	for (uint32_t i = 0; i < cnt; i++)
		strncpy(bytes + (size_t)i * stride, rows[i], stride - 1);
	init = LLVMConstStringInContext(g->ctx, bytes, cnt * stride, true);
	table = LLVMAddGlobal(g->mod, LLVMTypeOf(init), symbol);
	LLVMSetInitializer(table, init);
	LLVMSetGlobalConstant(table, true);
	LLVMSetLinkage(table, LLVMInternalLinkage);
	LLVMSetAlignment(table, 8);
	LLVMSetSection(table, ".rodata.names");
	return table;
}

static LLVMValueRef row_text(struct gen *g, struct call *c, const char *symbol,
			     const char *const *rows, uint32_t cnt, LLVMValueRef row)
{
	uint32_t stride = (c->n->type->size + 7) & ~7u;
	LLVMValueRef table = text_table(g, symbol, rows, cnt, stride);

	row = gen_clamp(g, row, cnt, cnt - 1);
	row = LLVMBuildMul(g->b, row, gen_i64(g, stride), "");
	return gen_text_from(g, c->dst, c->max < stride ? c->max : stride,
			     gen_off_var(g, table, row), AS_KERNEL);
}

LLVMValueRef fn_strerror(struct gen *g, struct call *c)
{
	const char *rows[ERRNO_MAX + 2];
	LLVMValueRef nr = gen_int(g, c->args); /* as the kernel returns it too: -2 */

	for (int i = 0; i <= ERRNO_MAX; i++)
		rows[i] = arena_strdup(g->u->arena, strerror(i));
	rows[ERRNO_MAX + 1] = "Unknown error";
	nr = gen_select(g, gen_cmp(g, LLVMIntSLT, nr, gen_i64(g, 0)), LLVMBuildNeg(g->b, nr, ""),
			nr);
	return row_text(g, c, "error_names", rows, ERRNO_MAX + 2, nr);
}

LLVMValueRef fn_signal_name(struct gen *g, struct call *c)
{
	const char *rows[SIGNAL_MAX + 2];

	for (int i = 0; i <= SIGNAL_MAX; i++)
		rows[i] = arena_strdup(g->u->arena, strsignal(i));
	rows[SIGNAL_MAX + 1] = "N/A";
	return row_text(g, c, "signal_names", rows, SIGNAL_MAX + 2, gen_int(g, c->args));
}

LLVMValueRef fn_syscall_name(struct gen *g, struct call *c)
{
	uint32_t cnt = syscall_cnt();
	const char **rows = arena_array_of(g->u->arena, const char *, cnt + 1);

	for (uint32_t i = 0; i < cnt; i++)
		rows[i] = syscall_by_number(i);
	rows[cnt] = SYSCALL_UNKNOWN;
	return row_text(g, c, "syscall_names", rows, cnt + 1, gen_int(g, c->args));
}

LLVMValueRef fn_probetype(struct gen *g, struct call *c)
{
	struct node lit = { .kind = N_STR };

	lit.str.text = probe_type_name(g->p->probe->probe.ptype);
	lit.str.len = strlen(lit.str.text);
	return gen_text(g, &lit, c->dst, c->max);
}

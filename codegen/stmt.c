// SPDX-License-Identifier: Apache-2.0
/* Statements. Each takes its memory under a mark and gives it back; variables last to their block's end. */
#include "codegen/gen.h"

static void assign_var(struct gen *g, struct var_sym *sym, struct node *value)
{
	LLVMValueRef mem = gen_var(g, sym);
	struct mem_mark m = gen_mark(g);
	const struct type *t = sym->type;

	if (type_in_register(t)) {
		gen_store(g, mem, t, gen_int(g, value));
	} else if (value->kind == N_STR) {
		gen_into(g, value, mem, t, PAD_NONE);
	} else {
		/* the value may be made from the variable itself: build it aside */
		LLVMValueRef tmp = gen_addr(g, value);

		if (tmp != mem)
			gen_convert(g, mem, t, tmp, value->type, PAD_NONE);
	}
	gen_release(g, m);
}

static void gen_let(struct gen *g, struct node *n)
{
	struct var_sym *sym = n->let.var->var.sym;

	if (n->let.init)
		assign_var(g, sym, n->let.init);
	else if (sym->type && sym->type->kind != V_NONE)
		gen_zero(g, gen_var(g, sym), sym->type->size);
}

static void modify_var(struct gen *g, struct node *n)
{
	struct var_sym *sym = n->assign.target->var.sym;
	const struct type *vt = n->assign.value->type;
	LLVMValueRef mem = gen_var(g, sym), v = gen_int(g, n->assign.value), old;
	bool is_signed = sym->type->is_signed || sym->type->size < 8;

	if (sym->type->kind == V_PTR && sym->type->elem->size > 1)
		v = LLVMBuildMul(g->b, v, gen_i64(g, sym->type->elem->size), "");
	if (vt->size == 8 && !vt->is_signed && n->assign.op != OP_SHR)
		is_signed = false;
	old = gen_count_from(g, sym->type, gen_load(g, mem, sym->type));
	gen_store(g, mem, sym->type, gen_arith(g, n->assign.op, old, v, is_signed));
}

static void gen_assign(struct gen *g, struct node *n)
{
	struct node *t = n->assign.target, *v = n->assign.value;
	struct mem_mark m;

	if (t->kind == N_VAR && n->assign.op == OP_NONE) {
		assign_var(g, t->var.sym, v);
		return;
	}
	m = gen_mark(g);
	if (t->kind == N_VAR)
		modify_var(g, n);
	else if (v->kind == N_CALL && v->call.fn && (v->call.fn->flags & BI_MAPFN))
		agg_update(g, t, v);
	else if (n->assign.op == OP_NONE)
		map_assign(g, t, v);
	else
		map_modify(g, t, n->assign.op, gen_int(g, v), t->type->is_signed, NULL, NULL);
	gen_release(g, m);
}

static void gen_block_stmt(struct gen *g, struct node *block)
{
	struct mem_mark m = gen_mark(g);

	gen_stmts(g, block);
	if (block->block.value)
		gen_effect(g, block->block.value);
	gen_release(g, m);
}

static void gen_if(struct gen *g, struct node *n)
{
	LLVMBasicBlockRef yes = gen_block(g, "yes"), no = gen_block(g, "no"), join;
	struct mem_mark m = gen_mark(g);

	gen_cond_br(g, gen_bool(g, n->cond.cond), yes, no);
	gen_release(g, m);
	join = n->cond.otherwise ? gen_block(g, "join") : no;
	gen_at(g, yes);
	gen_body(g, n->cond.then);
	gen_br(g, join);
	if (n->cond.otherwise) {
		gen_at(g, no);
		gen_body(g, n->cond.otherwise);
		gen_br(g, join);
	}
	gen_at(g, join);
}

/* Code after a jump in the same block is unreachable: give it a block to stand in. */
static void gen_jump(struct gen *g, LLVMBasicBlockRef to)
{
	gen_br(g, to);
	gen_at(g, gen_block(g, "unreached"));
}

static void gen_return(struct gen *g, struct node *e)
{
	if (e && g->p->result)
		LLVMBuildStore(g->b, gen_int(g, e), g->p->result);
	else if (e)
		gen_effect(g, e);
	gen_jump(g, g->p->leave);
}

static void gen_stmt(struct gen *g, struct node *n)
{
	gen_place(g, n->span);
	pack_statement(g, n->span);
	switch (n->kind) {
	case N_EXPR_STMT:
	case N_DISCARD: gen_effect(g, n->expr.e); break;
	case N_LET: gen_let(g, n); break;
	case N_ASSIGN: gen_assign(g, n); break;
	case N_IF: gen_if(g, n); break;
	case N_BLOCK: gen_block_stmt(g, n); break;
	case N_UNROLL: gen_unroll(g, n); break;
	case N_WHILE: gen_while(g, n); break;
	case N_FOR_RANGE: gen_for_range(g, n); break;
	case N_BREAK: gen_jump(g, g->p->loop->brk); break;
	case N_CONTINUE: gen_jump(g, g->p->loop->cont); break;
	case N_RETURN: gen_return(g, n->expr.e); break;
	case N_FOR_MAP: gen_for_map(g, n); break;
	case CASES_TOP_LEVEL:
	case CASES_TYPE: break;
	case CASES_EXPRESSION: gen_effect(g, n); break;
	}
}

void gen_stmts(struct gen *g, struct node *block)
{
	for (struct node *s = block->block.stmts; s; s = s->next)
		gen_stmt(g, s);
}

void gen_body(struct gen *g, struct node *n)
{
	if (n->kind == N_BLOCK)
		gen_block_stmt(g, n);
	else
		gen_stmt(g, n);
}

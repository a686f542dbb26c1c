/* SPDX-License-Identifier: Apache-2.0 */
/* Constructors of statements and of what stands at top level. */
#include "parse.h"

#include <string.h>

struct node *make_expr_stmt(struct parser *p, enum node_kind kind, struct node *e, struct span sp)
{
	struct node *n = make(p, kind, sp);

	n->expr.e = e;
	return made(p, n);
}

static bool is_expr(const struct node *n)
{
	return n->kind >= N_INT || n->kind == N_BLOCK || n->kind == N_IF;
}

struct node *as_stmt(struct parser *p, struct node *n)
{
	return is_expr(n) ? make_expr_stmt(p, N_EXPR_STMT, n, n->span) : n;
}

struct node *make_let(struct parser *p, struct token var, struct node *type, struct node *init,
		      struct span sp)
{
	struct node *n = make(p, N_LET, sp);

	n->let.var = make_name(p, N_VAR, var);
	n->let.vtype = type;
	n->let.init = init;
	return made(p, n);
}

struct node *make_assign(struct parser *p, struct node *target, enum binary_op op,
			 struct node *value, struct span sp)
{
	struct node *n;

	if (op == OP_NONE && target->kind == N_IDENT && !strcmp(target->ident.name, "_"))
		return make_expr_stmt(p, N_DISCARD, value, sp);
	n = make(p, N_ASSIGN, sp);
	n->assign.target = target;
	n->assign.op = op;
	n->assign.value = value;
	return made(p, n);
}

/* ---- blocks and their values */

static bool has_value(const struct node *n)
{
	for (; n; n = n->cond.otherwise) {
		if (n->kind == N_BLOCK)
			return n->block.value != NULL;
		if (n->kind != N_IF || !n->cond.then->block.value)
			return false;
	}
	return false;
}

static void append_stmt(struct node *block, struct node *stmt)
{
	struct node **end = &block->block.stmts;

	while (*end)
		end = &(*end)->next;
	*end = stmt;
}

struct node *no_value(struct parser *p, struct node *n)
{
	struct node *branch, *value;

	for (branch = n; branch && branch->kind == N_IF; branch = branch->cond.otherwise)
		no_value(p, branch->cond.then);
	if (!branch || !branch->block.value)
		return n;
	value = branch->block.value;
	branch->block.value = NULL;
	if (value->kind == N_IF || value->kind == N_BLOCK)
		append_stmt(branch, no_value(p, value));
	else
		append_stmt(branch, as_stmt(p, value));
	return n;
}

/* The last if or block of a block is its value when it has one; any other's value is dropped. */
static void settle_values(struct parser *p, struct node *block)
{
	struct node **at, *n;

	for (at = &block->block.stmts; (n = *at); at = &n->next) {
		if (n->kind != N_IF && n->kind != N_BLOCK)
			continue;
		if (!n->next && !block->block.value && has_value(n)) {
			*at = NULL;
			block->block.value = n;
			return;
		}
		no_value(p, n);
	}
}

struct node *make_block(struct parser *p, struct node_list stmts, struct node *last, struct span sp)
{
	struct node *n = make(p, N_BLOCK, sp);

	if (last && is_expr(last))
		n->block.value = last;
	else
		stmts = list_add(stmts, last);
	n->block.stmts = stmts.first;
	settle_values(p, n);
	return made(p, n);
}

struct node *make_if(struct parser *p, struct node *cond, struct node *then, struct node *otherwise,
		     struct span sp)
{
	struct node *n = make(p, N_IF, sp);

	/* The grammar hands "comptime e" over as a statement. */
	n->cond.is_comptime = cond->kind == N_EXPR_STMT;
	n->cond.cond = n->cond.is_comptime ? cond->expr.e : cond;
	n->cond.then = then;
	n->cond.otherwise = otherwise;
	return made(p, n);
}

struct node *make_for(struct parser *p, struct token var, struct node *from, struct node *to,
		      struct node *body, struct span sp)
{
	struct node *n;

	if (!to && (from->kind != N_MAP || from->map.key)) {
		p->errors++;
		diag(p->unit->diags, from->span, D_FOR_OVER);
		return NULL;
	}
	n = make(p, to ? N_FOR_RANGE : N_FOR_MAP, sp);
	n->loop.var = make_name(p, N_VAR, var);
	if (to)
		n->loop.from = from;
	else
		n->loop.map = from;
	n->loop.to = to;
	no_value(p, body);
	n->loop.body = body;
	return made(p, n);
}

struct node *make_loop(struct parser *p, enum node_kind kind, struct node *cond, struct node *body,
		       struct span sp)
{
	struct node *n = make(p, kind, sp);

	no_value(p, body);
	n->repeat.cond = cond;
	n->repeat.body = body;
	return made(p, n);
}

/* ---- top level */

struct node *make_config(struct parser *p, struct node_list vars, struct span sp)
{
	struct node *n = make(p, N_CONFIG, sp);

	if (p->has_code || p->has_config) {
		p->errors++;
		diag(p->unit->diags, (struct span){ sp.from, sp.from + 6 },
		     p->has_code ? D_CONFIG_LATE : D_CONFIG_TWICE);
	}
	p->has_config = true;
	n->config.vars = vars.first;
	return made(p, n);
}

struct node *make_config_var(struct parser *p, struct token name, struct node *value,
			     struct span sp)
{
	struct node *n = make(p, N_CONFIG_VAR, sp);

	n->config_var.name = name.text;
	n->config_var.value = value;
	return made(p, n);
}

struct node *make_import(struct parser *p, struct token path, struct span sp)
{
	struct node *n = make(p, N_IMPORT, sp);

	n->import.path = path.text;
	return n;
}

struct node *make_cpp(struct parser *p, struct token line)
{
	struct node *n = make(p, N_CPP, line.span);

	n->cpp.text = line.text;
	return n;
}

struct node *make_macro(struct parser *p, struct token name, struct node_list params,
			struct node *body, struct span sp)
{
	struct node *n = make(p, N_MACRO, sp);

	p->has_code = true;
	n->macro.name = name.text;
	n->macro.params = params.first;
	n->macro.body = body;
	return made(p, n);
}

struct node *make_map_decl(struct parser *p, struct token map, struct token kind,
			   struct node_list args, struct span args_span, struct span sp)
{
	struct node *n = make(p, N_MAP_DECL, sp), *size = args.first;

	if (args.cnt != 1 || size->kind != N_INT || !size->num.value ||
	    (int64_t)size->num.value < 0) {
		p->errors++;
		diag(p->unit->diags, size ? size->span : args_span, D_MAP_DECL_SIZE);
	}
	n->map_decl.map = make_name(p, N_MAP, map);
	n->map_decl.kind = kind.text;
	n->map_decl.kind_span = kind.span;
	n->map_decl.args = args.first;
	return made(p, n);
}

struct node *make_probe(struct parser *p, const char *name, struct node_list attaches,
			struct node *pred, struct node *body)
{
	struct node *n = make(p, N_PROBE, span_join(attaches.first->span, body->span));

	p->has_code = true;
	no_value(p, body);
	n->probe.name = name;
	n->probe.attaches = attaches.first;
	n->probe.pred = pred;
	n->probe.body = body;
	return made(p, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "parse.h"

struct node *parse_source(struct unit *u, const struct source *src)
{
	struct parser p = { .unit = u, .arena = u->arena };
	unsigned errors = diags_errors(u->diags);
	struct span all = { src->base, src->base + (uint32_t)src->len };
	struct node *program;

	p.lexer = lexer_new(u->arena, u->diags, src, u->opt && u->opt->have_btf);
	if (!p.lexer)
		return NULL;
	p.last.kind = p.before.kind = p.scanned = T_SEMI;
	parser_grammar(&p);
	lexer_free(p.lexer);
	if (diags_errors(u->diags) != errors)
		return NULL;
	program = make(&p, N_PROGRAM, all);
	program->program.items = p.items.first;
	return made(&p, program);
}

/*
 * Needs main_source. Gives program: the tree as written. Names are not looked up, and of attach
 * points only the parts are known. Positional parameters inside attach points are filled in.
 */
int parse(struct unit *u)
{
	u->program = parse_source(u, u->main_source);
	return u->program ? 0 : -EINVAL;
}

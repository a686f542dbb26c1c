/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's own parts: the adapter between tokens and grammar, constructors, C definitions. */
#ifndef TRACE_PARSE_H
#define TRACE_PARSE_H

#include "ast/unit.h"
#include "lexer/lexer.h"

#define SYNTAX_ERRORS_MAX 20

struct node_list {
	struct node *first, *last;
	uint32_t cnt;
};

#define VALUE_HASH_CNT 1024

struct value_name {
	const char *name;
	struct value_name *next;
};

struct parser {
	struct unit *unit;
	struct arena *arena;
	struct lexer *lexer;

	/* tokens read but not yet given to the grammar */
	struct token *ahead;
	uint32_t ahead_at, ahead_cnt, ahead_cap;
	enum token_kind scanned; /* the newest of them */

	struct token last, before; /* the two newest tokens that the grammar has */
	struct token first; /* of the statement or item */
	enum token_kind item; /* first token of the item */
	uint32_t braces, parens; /* open now */
	bool in_angle; /* the outermost of them is a '<' */
	bool in_pred;
	bool stop; /* nothing but END from now on */

	bool recovering; /* skip to where the grammar can go on */
	uint32_t recover_braces; /* nesting of the broken statement */
	unsigned errors;
	unsigned lexer_errors; /* when the statement began */

	/* #define names, enumerators, macros and their parameters: no types */
	struct value_name *values[VALUE_HASH_CNT];
	bool in_macro_head;
	bool has_config, has_code; /* seen so far */
	uint32_t c_braces, c_depth; /* inside a C definition */
	uint32_t anon_cnt;
	struct node_list items;
};

/* tokens.c */
const struct token *tokens_peek(struct parser *p, uint32_t idx); /* 0: the next */
struct token tokens_take(struct parser *p);
bool is_base_type(const char *name);
struct token tokens_next(struct parser *p); /* for the grammar: with everything it cannot see */
void add_value_name(struct parser *p, const char *name); /* "(name) - 1" is no cast */

/* error.c: expected is indexed by token kind */
void syntax_error(struct parser *p, const bool *expected);
void syntax_exhausted(struct parser *p);
struct diag *syntax_message(struct parser *p, struct span sp, const char *text);
void nesting_error(struct parser *p, struct span sp);
void recovered(struct parser *p); /* the broken part is over */

/* build_*.c: constructors; those that may give NULL say so */
struct node_list list_of(struct node *n);
struct node_list list_add(struct node_list l, struct node *n); /* NULL adds nothing */
struct node_list list_join(struct node_list a, struct node_list b); /* neither is empty */
struct node *make(struct parser *p, enum node_kind kind, struct span sp);
/* Every constructor ends with it: takes the depth from the children. */
struct node *made(struct parser *p, struct node *n);

struct node *make_int(struct parser *p, struct token t);
struct node *make_bool(struct parser *p, bool value, struct span sp);
struct node *make_str(struct parser *p, struct token t);
struct node *make_name(struct parser *p, enum node_kind kind, struct token t); /* IDENT VAR MAP */
struct node *make_keyed(struct parser *p, struct token t, struct node_list keys, struct span sp);
struct node *make_unary(struct parser *p, enum unary_op op, struct node *e, struct span sp);
struct node *make_incdec(struct parser *p, struct node *target, struct token op, bool is_post,
			 struct span sp);
struct node *make_binary(struct parser *p, enum binary_op op, struct node *l, struct node *r,
			 struct span sp);
struct node *make_ternary(struct parser *p, struct node *c, struct node *a, struct node *b,
			  struct span sp);
struct node *make_call(struct parser *p, struct token name, struct node_list args, struct span sp);
struct node *make_field(struct parser *p, struct node *e, struct token name, struct span sp);
struct node *make_element(struct parser *p, struct node *e, struct token idx, struct span sp);
struct node *make_index(struct parser *p, struct node *e, struct node *idx, struct span sp);
struct node *make_cast(struct parser *p, struct node *to, struct node *e, struct span sp);
struct node *make_list(struct parser *p, enum node_kind kind, struct node_list l, struct span sp);
struct node *make_named(struct parser *p, struct token name, struct node *e, struct span sp);
struct node *make_sizeof(struct parser *p, struct node *arg, struct span sp);
struct node *make_offsetof(struct parser *p, struct node *arg, struct node_list path,
			   struct span sp);

struct node *make_type_name(struct parser *p, const char *name, struct span sp);
struct node *type_word(struct parser *p, struct node *type, struct token word);
struct node *make_tagged(struct parser *p, const char *tag, struct token name, struct span sp);
struct node *make_ptr(struct parser *p, struct node *elem, struct span sp);
struct node *make_array(struct parser *p, struct node *elem, struct node *cnt, struct span sp);
struct node *make_type_of(struct parser *p, enum node_kind kind, struct node *arg, struct span sp);
struct node *make_type_tuple(struct parser *p, struct node_list l, struct span sp);

struct node *make_expr_stmt(struct parser *p, enum node_kind kind, struct node *e, struct span sp);
struct node *as_stmt(struct parser *p, struct node *n); /* an expression becomes a statement */
struct node *make_let(struct parser *p, struct token var, struct node *type, struct node *init,
		      struct span sp);
struct node *make_assign(struct parser *p, struct node *target, enum binary_op op,
			 struct node *value, struct span sp);
struct node *make_block(struct parser *p, struct node_list stmts, struct node *last,
			struct span sp);
struct node *make_if(struct parser *p, struct node *cond, struct node *then, struct node *otherwise,
		     struct span sp);
struct node *make_for(struct parser *p, struct token var, struct node *from, struct node *to,
		      struct node *body, struct span sp); /* to NULL: over a map. May be NULL */
struct node *make_loop(struct parser *p, enum node_kind kind, struct node *cond, struct node *body,
		       struct span sp);
/* A block's value becomes a statement: nobody takes it. */
struct node *no_value(struct parser *p, struct node *n);

struct node *make_config(struct parser *p, struct node_list vars, struct span sp);
struct node *make_config_var(struct parser *p, struct token name, struct node *value,
			     struct span sp);
struct node *make_import(struct parser *p, struct token path, struct span sp);
struct node *make_cpp(struct parser *p, struct token line);
struct node *make_macro(struct parser *p, struct token name, struct node_list params,
			struct node *body, struct span sp);
struct node *make_map_decl(struct parser *p, struct token map, struct token kind,
			   struct node_list args, struct span args_span, struct span sp);
struct node *make_probe(struct parser *p, const char *name, struct node_list attaches,
			struct node *pred, struct node *body);

/* attachpoint.c */
struct node *make_attach(struct parser *p, struct token raw);

/* cdef.c, cexpr.c: read from the token stream. NULL: an error was reported */
struct node *cdef_parse(struct parser *p);
struct node *cdef_type_name(struct parser *p); /* "unsigned long *" in sizeof */
struct node *cexpr_parse(struct parser *p);
struct token cdef_take(struct parser *p);
bool cdef_take_if(struct parser *p, enum token_kind kind);
void *cdef_error(struct parser *p, const char *expected); /* NULL */
bool cdef_enter(struct parser *p); /* one level of nesting; false: too deep */

/* parser.y: 0 or, after an error that nothing could be resynchronised from, another number */
int parser_grammar(struct parser *p);

#endif

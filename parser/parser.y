/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar. Tokens come from tokens.c, which has looked ahead where needed: a cast's '(' (CAST), a
 * type where an expression could stand (TYPE_MARK before it), a '{' and an 'if' that are operands
 * (LBRACE_EXPR, IF_EXPR). So a statement that begins with '{' or 'if' is a statement.
 *
 * After an error tokens.c also gives what the rules with `error` wait for: a ';' or '}' of the same
 * block, or ITEM_END after the whole probe, macro, ...
 */
%require "3.8"
%expect 0
%define api.pure full
%define api.prefix {parser_}
%define api.token.prefix {TOK_}
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%locations
%param {struct parser *p}

%code {
#include <stdlib.h>

#include "parser/parse.h"

/* Deeper than any tree may get; each level of '(' or '{' takes a few places. */
#define YYMAXDEPTH 10000

/* An empty rule is nowhere: what holds it begins with its first real part. */
#define YYLLOC_DEFAULT(cur, rhs, n)                                                                \
	do {                                                                                       \
		int part;                                                                          \
		(cur) = SPAN_NONE;                                                                 \
		for (part = 1; part <= (n); part++)                                                \
			(cur) = span_join((cur), YYRHSLOC(rhs, part));                             \
	} while (0)
}

%union {
	struct token tok;
	struct node *node;
	struct node_list list;
	enum binary_op op;
}

%code requires {
#include "parser/parse.h"
}

%code {
static int parser_lex(PARSER_STYPE *value, struct span *loc, struct parser *p);
static void parser_error(struct span *loc, struct parser *p, const char *message);
}

%token END 0
%token <tok> ATTACH NAME CPP IDENT VAR MAP POSITIONAL INT STR INC "++" DEC "--"
%token <node> CDEF
%token PRED_OPEN PRED_CLOSE ACT_OPEN ACT_CLOSE
%token CONFIG IMPORT MACRO TYPEDEF STRUCT UNION ENUM LET IF ELSE FOR WHILE UNROLL
%token BREAK CONTINUE RETURN SIZEOF OFFSETOF TYPEOF TRUE FALSE POS_COUNT
%token LBRACE "{" RBRACE "}" LPAREN "(" RPAREN ")" LBRACKET "[" RBRACKET "]" SEMI ";" COMMA ","
%token COLON ":" QUESTION "?" DOT "." DOTDOT ".." ELLIPSIS "..." ARROW "->"
%token ASSIGN "=" ADD_ASSIGN "+=" SUB_ASSIGN "-=" MUL_ASSIGN "*=" DIV_ASSIGN "/=" MOD_ASSIGN "%="
%token AND_ASSIGN "&=" OR_ASSIGN "|=" XOR_ASSIGN "^=" SHL_ASSIGN "<<=" SHR_ASSIGN ">>="
%token LOR "||" LAND "&&" BOR "|" BXOR "^" BAND "&" EQ "==" NE "!=" LT "<" LE "<=" GT ">" GE ">="
%token SHL "<<" SHR ">>" ADD "+" SUB "-" MUL "*" DIV "/" MOD "%" NOT "!" BNOT "~"
%token CAST TYPE_MARK COMPTIME COMPTIME_EXPR IF_EXPR LBRACE_EXPR ITEM_END

%right "?" ":"
%left "||"
%left "&&"
%left "|"
%left "^"
%left "&"
%left "==" "!="
%left "<" "<=" ">" ">="
%left "<<" ">>"
%left "+" "-"
%left "*" "/" "%"
%precedence UNARY /* no token: "-x", "(int8)x" */
%precedence SCALAR /* no token: a map without key */
%precedence "." "->" "[" "++" "--"

%type <node> item config config_var config_assign config_value import macro macro_param map_decl
%type <node> probe action predicate block stmt block_stmt simple if_stmt if_else condition
%type <node> expr operand argument type type_base type_words type_elem path_part
%type <list> attach_list attaches config_vars macro_params macro_params_some stmts
%type <list> exprs arguments arguments_some named_list type_elems path
%type <op> assign_op
%type <tok> probe_name tag

%%

program: items;

items: %empty
	| items item { p->items = list_add(p->items, $2); }
	;

item: config
	| import
	| macro
	| map_decl
	| CPP { $$ = make_cpp(p, $1); }
	| CDEF
	| probe
	| error ITEM_END { $$ = NULL; recovered(p); yyerrok; }
	| error ";" { $$ = NULL; recovered(p); yyerrok; }
	| error "}" { $$ = NULL; recovered(p); yyerrok; }
	;

/* ---- config, import, macro, map declaration */

config: CONFIG "=" "{" config_vars "}" { $$ = make_config(p, $4, @$); }
	| CONFIG "=" "{" config_vars config_assign "}" {
		$$ = make_config(p, list_add($4, $5), @$);
	}
	| CONFIG "=" "{" config_vars error "}" { $$ = NULL; recovered(p); yyerrok; }
	;

config_vars: %empty { $$ = list_of(NULL); }
	| config_vars config_var { $$ = list_add($1, $2); }
	;

config_var: config_assign ";"
	| error ";" { $$ = NULL; recovered(p); yyerrok; }
	;

config_assign: IDENT "=" config_value { $$ = make_config_var(p, $1, $3, @$); };

config_value: INT { $$ = make_int(p, $1); }
	| STR { $$ = make_str(p, $1); }
	| TRUE { $$ = make_bool(p, true, @$); }
	| FALSE { $$ = make_bool(p, false, @$); }
	| IDENT { $$ = make_name(p, N_IDENT, $1); }
	;

import: IMPORT STR ";" { $$ = make_import(p, $2, @$); };

macro: MACRO IDENT "(" macro_params ")" block { $$ = make_macro(p, $2, $4, $6, @$); }
	| MACRO IDENT block { $$ = make_macro(p, $2, list_of(NULL), $3, @$); }
	;

macro_params: %empty { $$ = list_of(NULL); }
	| macro_params_some
	;

macro_params_some: macro_param { $$ = list_of($1); }
	| macro_params_some "," macro_param { $$ = list_add($1, $3); }
	;

macro_param: IDENT { $$ = make_name(p, N_IDENT, $1); }
	| VAR { $$ = make_name(p, N_VAR, $1); }
	| MAP { $$ = make_name(p, N_MAP, $1); }
	;

map_decl: LET MAP "=" IDENT "(" arguments ")" ";" {
		$$ = make_map_decl(p, $2, $4, $6, span_join(@5, @7), @$);
	}
	;

/* ---- probes */

probe: probe_name attach_list predicate action {
		$$ = make_probe(p, $1.text, $2, $3, $4);
	}
	| probe_name attach_list PRED_OPEN error ITEM_END { $$ = NULL; recovered(p); yyerrok; }
	;

probe_name: %empty { $$ = (struct token){ .text = NULL }; }
	| NAME "=" { $$ = $1; }
	;

attach_list: attaches
	| attaches ","
	;

attaches: ATTACH { $$ = list_of(make_attach(p, $1)); }
	| attaches "," ATTACH { $$ = list_add($1, make_attach(p, $3)); }
	;

predicate: %empty { $$ = NULL; }
	| PRED_OPEN expr PRED_CLOSE { $$ = $2; }
	| PRED_OPEN error PRED_CLOSE { $$ = NULL; recovered(p); yyerrok; }
	;

action: block
	| ACT_OPEN stmts ACT_CLOSE { $$ = make_block(p, $2, NULL, @$); }
	| ACT_OPEN stmts error ACT_CLOSE {
		$$ = make_block(p, $2, NULL, @$);
		recovered(p);
		yyerrok;
	}
	;

/* ---- statements */

block: "{" stmts "}" { $$ = make_block(p, $2, NULL, @$); }
	| "{" stmts simple "}" { $$ = make_block(p, $2, $3, @$); }
	| "{" stmts error "}" {
		$$ = make_block(p, $2, NULL, @$);
		recovered(p);
		yyerrok;
	}
	;

stmts: %empty { $$ = list_of(NULL); }
	| stmts stmt { $$ = list_add($1, $2); }
	;

stmt: simple ";" { $$ = as_stmt(p, $1); }
	| block_stmt
	| ";" { $$ = NULL; }
	| error ";" { $$ = NULL; recovered(p); yyerrok; }
	;

block_stmt: block
	| if_stmt
	| WHILE expr block { $$ = make_loop(p, N_WHILE, $2, $3, @$); }
	| UNROLL expr block { $$ = make_loop(p, N_UNROLL, $2, $3, @$); }
	| FOR VAR ":" expr block { $$ = make_for(p, $2, $4, NULL, $5, @$); }
	| FOR VAR ":" expr ".." expr block { $$ = make_for(p, $2, $4, $6, $7, @$); }
	| FOR "(" VAR ":" expr ")" block { $$ = make_for(p, $3, $5, NULL, $7, @$); }
	| FOR "(" VAR ":" expr ".." expr ")" block { $$ = make_for(p, $3, $5, $7, $9, @$); }
	;

if_stmt: IF condition block if_else { $$ = make_if(p, $2, $3, $4, @$); };

if_else: %empty { $$ = NULL; }
	| ELSE block { $$ = $2; }
	| ELSE if_stmt { $$ = $2; }
	;

condition: expr
	| COMPTIME expr { $$ = make_expr_stmt(p, N_EXPR_STMT, $2, @$); /* make_if takes it apart */ }
	;

/* An expression, or a statement that ends with ';'. */
simple: expr
	| expr assign_op expr { $$ = make_assign(p, $1, $2, $3, @$); }
	| LET VAR { $$ = make_let(p, $2, NULL, NULL, @$); }
	| LET VAR "=" expr { $$ = make_let(p, $2, NULL, $4, @$); }
	| LET VAR ":" type { $$ = make_let(p, $2, $4, NULL, @$); }
	| LET VAR ":" type "=" expr { $$ = make_let(p, $2, $4, $6, @$); }
	| LET VAR ":" type "*=" expr { /* "int8*= e" */
		$$ = make_let(p, $2, make_ptr(p, $4, @4), $6, @$);
	}
	| BREAK { $$ = make_expr_stmt(p, N_BREAK, NULL, @$); }
	| CONTINUE { $$ = make_expr_stmt(p, N_CONTINUE, NULL, @$); }
	| RETURN { $$ = make_expr_stmt(p, N_RETURN, NULL, @$); }
	| RETURN expr { $$ = make_expr_stmt(p, N_RETURN, $2, @$); }
	;

assign_op: "=" { $$ = OP_NONE; }
	| "+=" { $$ = OP_ADD; }
	| "-=" { $$ = OP_SUB; }
	| "*=" { $$ = OP_MUL; }
	| "/=" { $$ = OP_DIV; }
	| "%=" { $$ = OP_MOD; }
	| "&=" { $$ = OP_BAND; }
	| "|=" { $$ = OP_BOR; }
	| "^=" { $$ = OP_BXOR; }
	| "<<=" { $$ = OP_SHL; }
	| ">>=" { $$ = OP_SHR; }
	;

/* ---- expressions */

expr: operand
	| expr "?" expr ":" expr { $$ = make_ternary(p, $1, $3, $5, @$); }
	| expr "?" ":" expr %prec "?" { $$ = make_ternary(p, $1, NULL, $4, @$); }
	| expr "||" expr { $$ = make_binary(p, OP_LOR, $1, $3, @$); }
	| expr "&&" expr { $$ = make_binary(p, OP_LAND, $1, $3, @$); }
	| expr "|" expr { $$ = make_binary(p, OP_BOR, $1, $3, @$); }
	| expr "^" expr { $$ = make_binary(p, OP_BXOR, $1, $3, @$); }
	| expr "&" expr { $$ = make_binary(p, OP_BAND, $1, $3, @$); }
	| expr "==" expr { $$ = make_binary(p, OP_EQ, $1, $3, @$); }
	| expr "!=" expr { $$ = make_binary(p, OP_NE, $1, $3, @$); }
	| expr "<" expr { $$ = make_binary(p, OP_LT, $1, $3, @$); }
	| expr "<=" expr { $$ = make_binary(p, OP_LE, $1, $3, @$); }
	| expr ">" expr { $$ = make_binary(p, OP_GT, $1, $3, @$); }
	| expr ">=" expr { $$ = make_binary(p, OP_GE, $1, $3, @$); }
	| expr "<<" expr { $$ = make_binary(p, OP_SHL, $1, $3, @$); }
	| expr ">>" expr { $$ = make_binary(p, OP_SHR, $1, $3, @$); }
	| expr "+" expr { $$ = make_binary(p, OP_ADD, $1, $3, @$); }
	| expr "-" expr { $$ = make_binary(p, OP_SUB, $1, $3, @$); }
	| expr "*" expr { $$ = make_binary(p, OP_MUL, $1, $3, @$); }
	| expr "/" expr { $$ = make_binary(p, OP_DIV, $1, $3, @$); }
	| expr "%" expr { $$ = make_binary(p, OP_MOD, $1, $3, @$); }
	| "-" expr %prec UNARY { $$ = make_unary(p, UN_NEG, $2, @$); }
	| "+" expr %prec UNARY { $$ = make_unary(p, UN_PLUS, $2, @$); }
	| "!" expr %prec UNARY { $$ = make_unary(p, UN_NOT, $2, @$); }
	| "~" expr %prec UNARY { $$ = make_unary(p, UN_BNOT, $2, @$); }
	| "*" expr %prec UNARY { $$ = make_unary(p, UN_DEREF, $2, @$); }
	| "&" expr %prec UNARY { $$ = make_unary(p, UN_ADDR, $2, @$); }
	| COMPTIME_EXPR expr %prec UNARY { $$ = make_unary(p, UN_COMPTIME, $2, @$); }
	| "++" expr %prec UNARY { $$ = make_incdec(p, $2, $1, false, @$); }
	| "--" expr %prec UNARY { $$ = make_incdec(p, $2, $1, false, @$); }
	| expr "++" { $$ = make_incdec(p, $1, $2, true, @$); }
	| expr "--" { $$ = make_incdec(p, $1, $2, true, @$); }
	| CAST type ")" expr %prec UNARY { $$ = make_cast(p, $2, $4, @$); }
	| expr "." IDENT { $$ = make_field(p, $1, $3, @$); }
	| expr "->" IDENT { $$ = make_field(p, $1, $3, @$); }
	| expr "." INT { $$ = make_element(p, $1, $3, @$); }
	| expr "[" expr "]" { $$ = make_index(p, $1, $3, @$); }
	;

operand: INT { $$ = make_int(p, $1); }
	| STR { $$ = make_str(p, $1); }
	| TRUE { $$ = make_bool(p, true, @$); }
	| FALSE { $$ = make_bool(p, false, @$); }
	| IDENT { $$ = make_name(p, N_IDENT, $1); }
	| VAR { $$ = make_name(p, N_VAR, $1); }
	| MAP %prec SCALAR { $$ = make_name(p, N_MAP, $1); }
	| MAP "[" exprs "]" { $$ = make_keyed(p, $1, $3, @$); }
	| POSITIONAL { $$ = make_int(p, $1); }
	| POS_COUNT { $$ = made(p, make(p, N_POS_COUNT, @$)); }
	| IDENT "(" arguments ")" { $$ = make_call(p, $1, $3, @$); }
	| "(" expr ")" { $$ = $2; }
	| "(" ")" { $$ = make_list(p, N_TUPLE, list_of(NULL), @$); }
	| "(" expr "," ")" { $$ = make_list(p, N_TUPLE, list_of($2), @$); }
	| "(" expr "," exprs ")" {
		$$ = make_list(p, N_TUPLE, list_join(list_of($2), $4), @$);
	}
	| "(" expr "," exprs "," ")" {
		$$ = make_list(p, N_TUPLE, list_join(list_of($2), $4), @$);
	}
	| "(" named_list ")" { $$ = make_list(p, N_RECORD, $2, @$); }
	| "(" named_list "," ")" { $$ = make_list(p, N_RECORD, $2, @$); }
	| SIZEOF "(" argument ")" { $$ = make_sizeof(p, $3, @$); }
	| OFFSETOF "(" argument "," path ")" { $$ = make_offsetof(p, $3, $5, @$); }
	| LBRACE_EXPR stmts "}" { $$ = make_block(p, $2, NULL, @$); }
	| LBRACE_EXPR stmts simple "}" { $$ = make_block(p, $2, $3, @$); }
	| LBRACE_EXPR stmts error "}" {
		$$ = make_block(p, $2, NULL, @$);
		recovered(p);
		yyerrok;
	}
	| IF_EXPR condition block if_else { $$ = make_if(p, $2, $3, $4, @$); }
	;

exprs: expr { $$ = list_of($1); }
	| exprs "," expr { $$ = list_add($1, $3); }
	;

arguments: %empty { $$ = list_of(NULL); }
	| arguments_some
	;

arguments_some: argument { $$ = list_of($1); }
	| arguments_some "," argument { $$ = list_add($1, $3); }
	;

argument: expr
	| TYPE_MARK type { $$ = make_type_of(p, N_TYPE_ARG, $2, $2->span); }
	;

named_list: IDENT "=" expr { $$ = list_of(make_named(p, $1, $3, @$)); }
	| named_list "," IDENT "=" expr {
		$$ = list_add($1, make_named(p, $3, $5, span_join(@3, @5)));
	}
	;

path: path_part { $$ = list_of($1); }
	| path "." path_part { $$ = list_add($1, $3); }
	;

path_part: IDENT { $$ = make_name(p, N_IDENT, $1); };

/* ---- types as written */

type: type_base
	| type "*" { $$ = make_ptr(p, $1, @$); }
	| type "[" "]" { $$ = make_array(p, $1, NULL, @$); }
	| type "[" INT "]" { $$ = make_array(p, $1, make_int(p, $3), @$); }
	| type "[" POSITIONAL "]" { $$ = make_array(p, $1, make_int(p, $3), @$); }
	| type "[" IDENT "]" { $$ = make_array(p, $1, make_name(p, N_IDENT, $3), @$); }
	;

type_base: type_words
	| tag IDENT { $$ = make_tagged(p, $1.text, $2, @$); }
	| TYPEOF "(" argument ")" { $$ = make_type_of(p, N_TYPE_OF, $3, @$); }
	| "(" ")" { $$ = make_type_tuple(p, list_of(NULL), @$); }
	| "(" type_elems ")" { $$ = make_type_tuple(p, $2, @$); }
	| "(" type_elems "," ")" { $$ = make_type_tuple(p, $2, @$); }
	;

type_words: IDENT { $$ = type_word(p, NULL, $1); }
	| type_words IDENT { $$ = type_word(p, $1, $2); }
	;

tag: STRUCT { $$.text = "struct"; }
	| UNION { $$.text = "union"; }
	| ENUM { $$.text = "enum"; }
	;

type_elems: type_elem { $$ = list_of($1); }
	| type_elems "," type_elem { $$ = list_add($1, $3); }
	;

type_elem: type
	| TYPE_MARK type { $$ = $2; }
	;

%%

static const int grammar_tokens[] = {
#define TOKEN(name, words, after) [T_##name] = TOK_##name,
#include "lexer/tokens.def"
#undef TOKEN
};

static int parser_lex(PARSER_STYPE *value, struct span *loc, struct parser *p)
{
	struct token t = tokens_next(p);

	*loc = t.span;
	if (t.kind == T_CDEF)
		value->node = cdef_parse(p);
	else
		value->tok = t;
	return grammar_tokens[t.kind];
}

static void expected_tokens(const yypcontext_t *ctx, bool *expected)
{
	enum { YYSYMBOL_END = YYSYMBOL_YYEOF }; /* bison's own name for it */
	static const enum token_kind kinds[] = {
#define TOKEN(name, words, after) [YYSYMBOL_##name] = T_##name,
#include "lexer/tokens.def"
#undef TOKEN
	};
	yysymbol_kind_t symbols[YYNTOKENS];
	int i, cnt = yypcontext_expected_tokens(ctx, symbols, YYNTOKENS);

	for (i = 0; i < cnt; i++)
		if ((size_t)symbols[i] < sizeof(kinds) / sizeof(kinds[0]))
			expected[kinds[symbols[i]]] = true;
}

static int yyreport_syntax_error(const yypcontext_t *ctx, struct parser *p)
{
	bool expected[T_COUNT] = { false };

	expected_tokens(ctx, expected);
	syntax_error(p, expected);
	return 0;
}

/* Only called when the parser's own stack has reached its limit. */
static void parser_error(struct span *loc, struct parser *p, const char *message)
{
	(void)loc;
	(void)message;
	syntax_exhausted(p);
}

int parser_grammar(struct parser *p)
{
	return parser_parse(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: one node type with a common head and a union named by kind. The parser builds it, the
 * passes of ast/ annotate it in place (sym, fn, type, value), codegen only reads it.
 * Lists are chained through next, in source order.
 */
#ifndef TRACE_AST_H
#define TRACE_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lexer/source.h"

struct arena;
struct builtin; /* ast/builtins.h */
struct type; /* ast/type.h */
struct probe_type; /* probes/probe.h */
struct probe_target;

/* X(NAME, dump name) */
#define NODE_KINDS(X)                                                                              \
	/* top level */                                                                            \
	X(PROGRAM, "program")                                                                      \
	X(CONFIG, "config")                                                                        \
	X(CONFIG_VAR, "var")                                                                       \
	X(IMPORT, "import")                                                                        \
	X(CPP, "directive") /* #include, #define: the raw line */                                  \
	X(CDEF, "cdef") /* struct/union/enum definition or typedef, possibly with declarators */   \
	X(MACRO, "macro")                                                                          \
	X(MAP_DECL, "map_decl")                                                                    \
	X(PROBE, "probe")                                                                          \
	X(ATTACH, "attach")                                                                        \
	/* types as written */                                                                     \
	X(TYPE_NAME, "type") /* int8, string, size_t, struct foo, enum bar */                      \
	X(TYPE_PTR, "ptr")                                                                         \
	X(TYPE_ARRAY, "array")                                                                     \
	X(TYPE_FUNC, "func") /* C only: behind a pointer member */                                 \
	X(TYPE_OF, "typeof")                                                                       \
	X(TYPE_TUPLE, "tuple_type")                                                                \
	X(TYPE_RECORD, "record_def") /* C struct/union body */                                     \
	X(TYPE_ENUM, "enum_def") /* C enum body */                                                 \
	X(CFIELD, "field") /* member or typedef declarator */                                      \
	X(ENUMERATOR, "enumerator")                                                                \
	/* statements */                                                                           \
	X(BLOCK, "block") /* also an expression: value != NULL */                                  \
	X(EXPR_STMT, "expr")                                                                       \
	X(LET, "let")                                                                              \
	X(ASSIGN, "assign")                                                                        \
	X(DISCARD, "discard")                                                                      \
	X(IF, "if") /* also an expression */                                                       \
	X(FOR_MAP, "for")                                                                          \
	X(FOR_RANGE, "for_range")                                                                  \
	X(WHILE, "while")                                                                          \
	X(UNROLL, "unroll")                                                                        \
	X(BREAK, "break")                                                                          \
	X(CONTINUE, "continue")                                                                    \
	X(RETURN, "return")                                                                        \
	/* expressions */                                                                          \
	X(INT, "int")                                                                              \
	X(BOOL, "bool")                                                                            \
	X(STR, "string")                                                                           \
	X(IDENT, "ident") /* builtin value, enumerator, #define, macro, macro parameter */         \
	X(POSITIONAL, "positional") /* $1 */                                                       \
	X(POS_COUNT, "positional_count") /* $# */                                                  \
	X(OPTION, "option") /* getopt() whose value comes when the program runs */                 \
	X(VAR, "variable")                                                                         \
	X(MAP, "map")                                                                              \
	X(UNARY, "unary")                                                                          \
	X(INCDEC, "incdec")                                                                        \
	X(BINARY, "binary")                                                                        \
	X(TERNARY, "ternary")                                                                      \
	X(CALL, "call")                                                                            \
	X(FIELD, "member") /* e.name or e->name */                                                 \
	X(TUPLE_GET, "element") /* e.0 */                                                          \
	X(INDEX, "index")                                                                          \
	X(CAST, "cast")                                                                            \
	X(TUPLE, "tuple")                                                                          \
	X(RECORD, "record")                                                                        \
	X(NAMED, "named") /* name=e inside a record */                                             \
	X(SIZEOF, "sizeof")                                                                        \
	X(OFFSETOF, "offsetof")                                                                    \
	X(TYPE_ARG, "type_arg") /* typeof(..) or a type standing as a call argument */

enum node_kind {
#define X(name, dump) N_##name,
	NODE_KINDS(X)
#undef X
};

/* clang-format off */
/* Kinds that a switch over code never meets; it names them so that -Wswitch-enum stays silent. */
#define CASES_TOP_LEVEL                                                                            \
	N_PROGRAM:                                                                                 \
	case N_CONFIG:                                                                             \
	case N_CONFIG_VAR:                                                                         \
	case N_IMPORT:                                                                             \
	case N_CPP:                                                                                \
	case N_CDEF:                                                                               \
	case N_MACRO:                                                                              \
	case N_MAP_DECL:                                                                           \
	case N_PROBE:                                                                              \
	case N_ATTACH
#define CASES_TYPE                                                                                 \
	N_TYPE_NAME:                                                                               \
	case N_TYPE_PTR:                                                                           \
	case N_TYPE_ARRAY:                                                                         \
	case N_TYPE_FUNC:                                                                          \
	case N_TYPE_OF:                                                                            \
	case N_TYPE_TUPLE:                                                                         \
	case N_TYPE_RECORD:                                                                        \
	case N_TYPE_ENUM:                                                                          \
	case N_CFIELD:                                                                             \
	case N_ENUMERATOR
/* Statements that are never expressions (a block and an if may be either). */
#define CASES_STATEMENT                                                                            \
	N_EXPR_STMT:                                                                               \
	case N_LET:                                                                                \
	case N_ASSIGN:                                                                             \
	case N_DISCARD:                                                                            \
	case N_FOR_MAP:                                                                            \
	case N_FOR_RANGE:                                                                          \
	case N_WHILE:                                                                              \
	case N_UNROLL:                                                                             \
	case N_BREAK:                                                                              \
	case N_CONTINUE:                                                                           \
	case N_RETURN

/* Expressions that are never statements by themselves. */
#define CASES_EXPRESSION                                                                           \
	N_INT:                                                                                     \
	case N_BOOL:                                                                               \
	case N_STR:                                                                                \
	case N_IDENT:                                                                              \
	case N_POSITIONAL:                                                                         \
	case N_POS_COUNT:                                                                          \
	case N_OPTION:                                                                             \
	case N_VAR:                                                                                \
	case N_MAP:                                                                                \
	case N_UNARY:                                                                              \
	case N_INCDEC:                                                                             \
	case N_BINARY:                                                                             \
	case N_TERNARY:                                                                            \
	case N_CALL:                                                                               \
	case N_FIELD:                                                                              \
	case N_TUPLE_GET:                                                                          \
	case N_INDEX:                                                                              \
	case N_CAST:                                                                               \
	case N_TUPLE:                                                                              \
	case N_RECORD:                                                                             \
	case N_NAMED:                                                                              \
	case N_SIZEOF:                                                                             \
	case N_OFFSETOF:                                                                           \
	case N_TYPE_ARG

/* X(NAME, text): binary operators; also those of compound assignments. */
#define BINARY_OPS(X)                                                                              \
	X(LOR, "||") X(LAND, "&&") X(BOR, "|") X(BXOR, "^") X(BAND, "&") X(EQ, "==") X(NE, "!=")   \
	X(LT, "<") X(LE, "<=") X(GT, ">") X(GE, ">=") X(SHL, "<<") X(SHR, ">>") X(ADD, "+")        \
	X(SUB, "-") X(MUL, "*") X(DIV, "/") X(MOD, "%")
/* clang-format on */

enum binary_op {
	OP_NONE, /* plain assignment */
#define X(name, text) OP_##name,
	BINARY_OPS(X)
#undef X
};

enum unary_op { UN_NEG, UN_NOT, UN_BNOT, UN_DEREF, UN_ADDR, UN_PLUS, UN_COMPTIME };

const char *binary_op_text(enum binary_op op);
const char *unary_op_text(enum unary_op op);

/* A variable of one scope. Made by resolve; N_VAR and N_LET nodes that mean it point to it. */
struct var_sym {
	const char *name; /* with the $ */
	struct span def; /* where it was first seen */
	struct span type_span; /* what fixed its type */
	const struct type *type;
	bool declared_type; /* let $x: T */
	bool used, assigned;
	struct span early; /* where it was read before it was assigned; SPAN_NONE */
	bool undefined; /* only read: one error for all of it */
	struct node *probe; /* the N_PROBE it lives in */
	void *gen; /* codegen's */
	struct var_sym *next; /* all of the probe */
};

/* A map of the program. Made by resolve. */
struct map_sym {
	const char *name; /* with the @ */
	struct span def;
	struct span key_span, val_span; /* what fixed the types */
	const struct type *key; /* NULL: scalar */
	const struct type *val; /* a value type, or an aggregate (type_is_agg) */
	bool has_key_use, has_scalar_use;
	bool assigned;
	bool unset; /* read but never assigned to: all zero */
	bool told; /* that it is unset */
	bool lost; /* given to a call that is wrong, which may have put anything into it */
	const char *kind; /* declared: hash lruhash percpuhash percpulruhash; NULL */
	uint64_t max_entries; /* declared; 0: config max_map_keys */
	uint32_t idx; /* in the image's map table, in name order */
	void *gen; /* codegen's */
	struct map_sym *next;
};

/* One part of an attach point's text, between colons, unquoted. */
struct attach_part {
	const char *text;
	struct span span;
	bool quoted;
};

struct node {
	enum node_kind kind;
	struct span span;
	uint32_t depth; /* levels below, set by the parser, which keeps it under AST_DEPTH_MAX */
	const struct type *type; /* expressions: set by infer */
	struct node *next;
	union {
		struct {
			struct node *items; /* in source order, of every top-level kind */
			struct map_sym *maps; /* resolve: all maps, name order */
		} program;
		struct {
			struct node *vars; /* N_CONFIG_VAR */
		} config;
		struct {
			const char *name;
			struct node *value; /* N_INT, N_STR, N_BOOL or N_IDENT */
		} config_var;
		struct {
			const char *path;
		} import;
		struct {
			const char *text; /* whole line, continuation lines joined */
		} cpp;
		struct {
			struct node *type; /* N_TYPE_RECORD, N_TYPE_ENUM, or base of a typedef */
			struct node *decls; /* typedef: N_CFIELD per declarator */
			bool is_typedef;
		} cdef;
		struct {
			const char *name;
			struct node *params; /* N_IDENT, N_VAR, N_MAP */
			struct node *body; /* N_BLOCK */
			bool is_define; /* from a #define */
			bool is_recursive; /* expand: it calls itself, and that was reported */
		} macro;
		struct {
			struct node *map; /* N_MAP */
			const char *kind;
			struct span kind_span;
			struct node *args; /* N_INT .. */
		} map_decl;
		struct {
			const char *name; /* NULL: unnamed */
			struct node *attaches; /* N_ATTACH */
			struct node *pred; /* NULL */
			struct node *body; /* N_BLOCK */
			/* expand: all attaches are of this type and share this args type */
			const struct probe_type *ptype;
			const struct type *args; /* struct of args; NULL when it has none */
			struct var_sym *vars;
			uint32_t idx;
		} probe;
		struct {
			const char *raw; /* as written */
			struct attach_part *parts; /* [0] is the probe type */
			uint32_t part_cnt;
			/* expand: one concrete target, wildcards gone */
			struct probe_target *target;
		} attach;
		struct {
			const char *name; /* "int8", "struct foo", "unsigned long" */
			struct node *size; /* string[N], buffer[N]: NULL when absent */
		} type_name;
		struct {
			struct node *elem;
			struct node *count; /* arrays; NULL: [] */
		} type_deriv; /* TYPE_PTR, TYPE_ARRAY, TYPE_FUNC (elem is the result) */
		struct {
			struct node *arg; /* expression or type node */
		} type_of; /* TYPE_OF, TYPE_ARG */
		struct {
			struct node *elems;
		} type_tuple;
		struct {
			const char *name; /* "struct foo"; NULL when anonymous */
			struct span name_span;
			bool is_union, is_packed;
			uint32_t aligned; /* 0: natural */
			struct node *fields; /* N_CFIELD; of an enum N_ENUMERATOR */
		} type_def; /* TYPE_RECORD, TYPE_ENUM */
		struct {
			const char *name; /* NULL: anonymous member */
			struct node *type;
			struct node *bits; /* NULL: no bit-field */
			struct span name_span;
			uint32_t aligned; /* at least; 0: as its type is */
		} cfield;
		struct {
			const char *name;
			struct node *value; /* NULL: one more than the last */
		} enumerator;
		struct {
			struct node *stmts;
			struct node *value; /* last expression without ';'; NULL */
		} block;
		struct {
			struct node *e;
		} expr; /* EXPR_STMT, DISCARD, RETURN (NULL: none) */
		struct {
			struct node *var; /* N_VAR */
			struct node *vtype; /* type node or NULL */
			struct node *init; /* or NULL */
		} let;
		struct {
			struct node *target; /* N_VAR, N_MAP (or what check refuses) */
			enum binary_op op; /* OP_NONE: = */
			struct node *value;
		} assign;
		struct {
			struct node *cond, *then, *otherwise; /* otherwise: N_BLOCK, N_IF, NULL */
			bool is_comptime;
			/* resolve: what is wrong in a branch, told if it is the one taken */
			struct diag *in_then, *in_otherwise;
		} cond; /* N_IF, N_TERNARY (then NULL in a ?: b) */
		struct {
			struct node *var; /* N_VAR */
			struct node *map; /* N_MAP; FOR_MAP */
			struct node *from, *to; /* FOR_RANGE */
			struct node *body;
		} loop; /* N_FOR_MAP N_FOR_RANGE */
		struct {
			struct node *cond; /* WHILE; UNROLL: the count */
			struct node *body;
		} repeat;
		struct {
			uint64_t value;
			bool is_unsigned; /* above int64's maximum, or fold says so */
			uint8_t is_duration;
			const struct type *of_enum; /* resolve: an enumerator's */
		} num; /* N_INT, N_BOOL, N_POSITIONAL (value: which) */
		struct {
			const char *text;
			size_t len; /* may hold NULs */
		} str;
		const struct asked_option *option;
		struct {
			const char *name;
			const struct builtin *fn; /* resolve: a builtin value */
		} ident;
		struct {
			const char *name;
			struct var_sym *sym;
		} var;
		struct {
			const char *name;
			struct node *key; /* NULL: scalar; several keys stand as an N_TUPLE */
			struct map_sym *sym;
			bool whole; /* resolve: the map itself, clear(@m), not its value */
		} map;
		struct {
			enum unary_op op;
			struct node *e;
		} unary;
		struct {
			struct node *target; /* N_VAR or N_MAP */
			bool is_dec, is_post;
		} incdec;
		struct {
			enum binary_op op;
			struct node *l, *r;
			/*
			 * infer: what both sides convert to before the operation (also in
			 * comparisons, where it says signed or not); NULL: each side stays as it
			 * is (&&, ||, a pointer and its offset).
			 */
			const struct type *common;
		} binary;
		struct {
			const char *name;
			struct span name_span;
			struct node *args;
			uint32_t arg_cnt;
			const struct builtin *fn; /* resolve */
			void *info; /* check: what the function keeps, e.g. a parsed format */
			bool is_told; /* expand: of a macro; it is wrong and was reported */
		} call;
		struct {
			struct node *e;
			const char *name;
			struct span name_span;
			const struct type_field *field; /* infer */
		} field;
		struct {
			struct node *e;
			uint32_t idx;
		} element;
		struct {
			struct node *e, *idx;
		} index;
		struct {
			struct node *to; /* type node */
			struct node *e;
		} cast;
		struct {
			struct node *elems; /* N_RECORD: N_NAMED */
			uint32_t cnt;
		} list; /* N_TUPLE, N_RECORD */
		struct {
			const char *name;
			struct node *e;
		} named;
		struct {
			struct node *arg; /* type node or expression */
			const char *const *path; /* OFFSETOF: a.b.c */
			const struct span *path_spans; /* of each name; NULL in library text */
			uint32_t path_cnt;
			uint32_t off; /* infer: OFFSETOF's value */
		} sizeof_;
	};
};

/* A variable as the author calls it: the name of a macro's own is its call's, then a '$' again. */
const char *var_shown(const char *name);

/* How deep the parser lets a tree get, so that what recurses over one may do so. */
#define AST_DEPTH_MAX 500

struct node *node_new(struct arena *a, enum node_kind kind, struct span sp);
const char *node_kind_name(enum node_kind kind);
void node_set_depth(struct node *n); /* from its children's */
/* Makes a literal of it: an N_INT or N_BOOL, an N_STR. */
void node_become_number(struct node *n, enum node_kind kind, uint64_t value, bool is_unsigned);
void node_become_text(struct node *n, const char *text);

/* Deep copy; annotations (type, sym, fn) are not copied. */
struct node *node_clone(struct arena *a, const struct node *n);

/*
 * The generic walk: pre is called before, post after a node's children, in source order; either
 * may be NULL. pre returning false skips the children (and post). Types as written are children.
 */
struct walker {
	bool (*pre)(struct walker *w, struct node *n);
	void (*post)(struct walker *w, struct node *n);
	void *arg;
};
void walk(struct walker *w, struct node *n); /* one node; NULL is fine */
void walk_list(struct walker *w, struct node *n); /* a chain */

/*
 * The type of what e reads, as it lies there. It is e->type but for texts: an array of N characters may
 * do without a NUL, so the text that is read from one has room for a character more.
 */
const struct type *node_stored_type(const struct node *e);

static inline bool node_is_type(const struct node *n)
{
	return n->kind >= N_TYPE_NAME && n->kind <= N_TYPE_ENUM;
}

/* True for a name that is a value by itself (pid, comm, args ...): "(pid) - 1" is no cast. */
bool builtin_is_value(const char *name);

#endif

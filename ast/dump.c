/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as text, one node a line, children one space further in. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ast/getopt.h"
#include "ast/slots.h"
#include "ast/type.h"
#include "ast/unit.h"

struct dump {
	FILE *out;
	struct arena *arena; /* for the names of types */
	bool with_types;
	unsigned level;
};

/* A string as a literal of the language. */
static void put_quoted(FILE *out, const char *s, size_t len)
{
	size_t i;

	fputc('"', out);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		switch (c) {
		case '\n': fputs("\\n", out); break;
		case '\t': fputs("\\t", out); break;
		case '\r': fputs("\\r", out); break;
		case '"': fputs("\\\"", out); break;
		case '\\': fputs("\\\\", out); break;
		default:
			if (c < 0x20 || c == 0x7f)
				fprintf(out, "\\x%02x", c);
			else
				fputc(c, out);
		}
	}
	fputc('"', out);
}

static void put_words(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(isspace((unsigned char)*text) ? ' ' : *text, out);
}

static void put_attach(FILE *out, const struct node *n)
{
	uint32_t i;

	put_words(out, n->attach.raw);
	for (i = 0; i < n->attach.part_cnt; i++) {
		fputs(i ? ", " : " = ", out);
		put_quoted(out, n->attach.parts[i].text, strlen(n->attach.parts[i].text));
	}
}

static void put_int(FILE *out, const struct node *n)
{
	if (n->num.is_unsigned)
		fprintf(out, "%" PRIu64, n->num.value);
	else
		fprintf(out, "%" PRId64, (int64_t)n->num.value);
	if (n->num.is_duration)
		fputs(" ns", out);
}

static void put_offsetof(FILE *out, const struct node *n)
{
	uint32_t i;

	for (i = 0; i < n->sizeof_.path_cnt; i++)
		fprintf(out, "%s%s", i ? "." : "", n->sizeof_.path[i]);
}

static void put_aligned(FILE *out, uint32_t aligned)
{
	if (aligned)
		fprintf(out, " aligned(%u)", aligned);
}

static void put_type_def(FILE *out, const struct node *n)
{
	fputs(n->type_def.name ? n->type_def.name : n->type_def.is_union ? "union" : "", out);
	if (n->type_def.is_packed)
		fputs(" packed", out);
	put_aligned(out, n->type_def.aligned);
}

static const char *or_nothing(const char *s)
{
	return s ? s : "";
}

static void put_cfield(FILE *out, const struct node *n)
{
	fputs(or_nothing(n->cfield.name), out);
	put_aligned(out, n->cfield.aligned);
}

/* What a node is beside its kind and its children; "" for many. */
static void put_detail(FILE *out, const struct node *n)
{
	switch (n->kind) {
	case N_CONFIG_VAR: fputs(n->config_var.name, out); break;
	case N_IMPORT: put_quoted(out, n->import.path, strlen(n->import.path)); break;
	case N_CPP: put_words(out, n->cpp.text); break;
	case N_CDEF: fputs(n->cdef.is_typedef ? "typedef" : "", out); break;
	case N_MACRO: fputs(n->macro.name, out); break;
	case N_MAP_DECL: fputs(n->map_decl.kind, out); break;
	case N_PROBE: fputs(or_nothing(n->probe.name), out); break;
	case N_ATTACH: put_attach(out, n); break;
	case N_TYPE_NAME: fputs(n->type_name.name, out); break;
	case N_TYPE_RECORD:
	case N_TYPE_ENUM: put_type_def(out, n); break;
	case N_CFIELD: put_cfield(out, n); break;
	case N_ENUMERATOR: fputs(n->enumerator.name, out); break;
	case N_ASSIGN: fprintf(out, "%s=", binary_op_text(n->assign.op)); break;
	case N_IF: fputs(n->cond.is_comptime ? "comptime" : "", out); break;
	case N_INT: put_int(out, n); break;
	case N_BOOL: fputs(n->num.value ? "true" : "false", out); break;
	case N_STR: put_quoted(out, n->str.text, n->str.len); break;
	case N_IDENT: fputs(n->ident.name, out); break;
	case N_POSITIONAL: fprintf(out, "$%" PRIu64, n->num.value); break;
	case N_OPTION: fprintf(out, "--%s", n->option->opt.name); break;
	case N_VAR: fputs(n->var.name, out); break;
	case N_MAP: fputs(n->map.name, out); break;
	case N_UNARY: fputs(unary_op_text(n->unary.op), out); break;
	case N_INCDEC:
		fprintf(out, "%s%s", n->incdec.is_post ? "post" : "pre",
			n->incdec.is_dec ? "--" : "++");
		break;
	case N_BINARY: fputs(binary_op_text(n->binary.op), out); break;
	case N_TERNARY: fputs(n->cond.then ? "" : "?:", out); break;
	case N_CALL: fputs(n->call.name, out); break;
	case N_FIELD: fputs(n->field.name, out); break;
	case N_TUPLE_GET: fprintf(out, "%u", n->element.idx); break;
	case N_NAMED: fputs(n->named.name, out); break;
	case N_OFFSETOF: put_offsetof(out, n); break;
	case N_PROGRAM:
	case N_CONFIG:
	case N_TYPE_PTR:
	case N_TYPE_ARRAY:
	case N_TYPE_FUNC:
	case N_TYPE_OF:
	case N_TYPE_TUPLE:
	case N_BLOCK:
	case N_EXPR_STMT:
	case N_LET:
	case N_DISCARD:
	case N_FOR_MAP:
	case N_FOR_RANGE:
	case N_WHILE:
	case N_UNROLL:
	case N_BREAK:
	case N_CONTINUE:
	case N_RETURN:
	case N_POS_COUNT:
	case N_INDEX:
	case N_CAST:
	case N_TUPLE:
	case N_RECORD:
	case N_SIZEOF:
	case N_TYPE_ARG: break;
	}
}

static void put_detail_after_colon(FILE *out, const struct node *n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		return;
	put_detail(mem, n);
	if (!fclose(mem) && len) {
		fputs(": ", out);
		fwrite(text, 1, len, out);
	}
	free(text);
}

static bool dump_node(struct walker *w, struct node *n)
{
	struct dump *d = w->arg;
	struct node *value = n->kind == N_BLOCK ? n->block.value : NULL;

	fprintf(d->out, "%*s%s", (int)d->level, "", node_kind_name(n->kind));
	put_detail_after_colon(d->out, n);
	if (d->with_types && n->type)
		fprintf(d->out, " :: [%s]", type_name(d->arena, n->type));
	fputc('\n', d->out);
	d->level++;
	if (!value)
		return true;
	/* A block's value would look like one more statement. */
	walk_list(w, n->block.stmts);
	fprintf(d->out, "%*svalue\n", (int)d->level++, "");
	walk(w, value);
	d->level -= 2;
	return false;
}

static void dump_leave(struct walker *w, struct node *n)
{
	struct dump *d = w->arg;

	(void)n;
	d->level--;
}

void ast_dump(FILE *out, const struct node *n, bool with_types)
{
	struct dump d = { .out = out, .with_types = with_types };
	struct walker w = { .pre = dump_node, .post = dump_leave, .arg = &d };

	d.arena = arena_new();
	if (d.arena)
		walk(&w, (struct node *)n); /* the dump changes nothing */
	arena_free(d.arena);
}

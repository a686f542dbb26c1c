/* SPDX-License-Identifier: Apache-2.0 */
/* The raw text of an attach point, taken apart at its colons. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
	struct parser *p;
	const struct token *raw;
	const char *at;
	char *text; /* of the part, growing */
	size_t len, cap;
	bool in_quotes;
};

static void put(struct cursor *c, const char *s, size_t len)
{
	char *grown;

	if (c->len + len + 1 > c->cap) {
		c->cap = (c->len + len + 1) * 2;
		grown = arena_alloc(c->p->arena, c->cap);
		if (c->len)
			memcpy(grown, c->text, c->len);
		c->text = grown;
	}
	memcpy(c->text + c->len, s, len);
	c->len += len;
	c->text[c->len] = '\0';
}

/* At "$1": what the command line gave for it, nothing when it gave none. */
static void put_param(struct cursor *c)
{
	const struct compile_options *opt = c->p->unit->opt;
	const char *from = c->at++;
	unsigned long idx;
	char *end;
	struct span sp;

	idx = strtoul(c->at, &end, 10);
	c->at = end;
	if (!idx) {
		sp.from = c->raw->span.from + (uint32_t)(from - c->raw->text);
		sp.to = sp.from + (uint32_t)(end - from);
		c->p->errors++;
		diag(c->p->unit->diags, sp, D_PARAM_ZERO, "");
	} else if (opt && idx <= opt->param_cnt) {
		put(c, opt->params[idx - 1], strlen(opt->params[idx - 1]));
		c->p->unit->params_used |= idx <= 64 ? 1ull << (idx - 1) : 0;
	}
}

static void take_byte(struct cursor *c)
{
	const char *s = c->at;

	if (*s == '"') {
		c->in_quotes = !c->in_quotes;
		c->at++;
	} else if (*s == '\\' && (s[1] == '"' || s[1] == '\\')) {
		put(c, s + 1, 1);
		c->at += 2;
	} else if (*s == '$' && isdigit((unsigned char)s[1])) {
		put_param(c);
	} else {
		put(c, s, 1);
		c->at++;
	}
}

/* Up to the colon or the end. */
static struct attach_part take_part(struct cursor *c)
{
	struct attach_part part = { .quoted = *c->at == '"' };
	const char *end = c->raw->text + c->raw->len;

	part.span.from = c->raw->span.from + (uint32_t)(c->at - c->raw->text);
	c->text = NULL;
	c->len = c->cap = 0;
	put(c, "", 0);
	while (c->at < end && (c->in_quotes || *c->at != ':'))
		take_byte(c);
	part.span.to = c->raw->span.from + (uint32_t)(c->at - c->raw->text);
	part.text = c->text;
	return part;
}

/* Colons inside quotes count too: room for all is room enough. */
static uint32_t parts_max(const struct token *raw)
{
	uint32_t cnt = 1;
	size_t i;

	for (i = 0; i < raw->len; i++)
		cnt += raw->text[i] == ':';
	return cnt;
}

struct node *make_attach(struct parser *p, struct token raw)
{
	struct node *n = make(p, N_ATTACH, raw.span);
	struct cursor c = { .p = p, .raw = &raw, .at = raw.text };
	const char *end = raw.text + raw.len;

	n->attach.raw = raw.text;
	n->attach.parts = arena_array_of(p->arena, struct attach_part, parts_max(&raw));
	for (;;) {
		n->attach.parts[n->attach.part_cnt++] = take_part(&c);
		if (c.at >= end)
			return n;
		c.at++;
	}
}

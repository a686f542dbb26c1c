// SPDX-License-Identifier: Apache-2.0
/*
 * Rust's own mangling (RFC 2603, "v0"): _R and a path, which names types and other paths inside of it,
 * some by where in the name they stood before. Names are whatever a file holds: depth, length and steps
 * are bounded, as a short name may stand for an endless one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/demangle.h"

enum { DEPTH_MAX = 64, OUT_MAX = 4096, STEPS_MAX = 8192, LIFETIMES_MAX = 64 };

struct name {
	const char *s; /* behind "_R" */
	size_t at, len;
	char *out;
	size_t out_len;
	unsigned depth, steps;
	uint64_t lifetimes; /* bound around here */
	bool quiet; /* what is read is not shown */
	bool bad;
};

static void type(struct name *n);
static void path(struct name *n, bool is_value);
static void constant(struct name *n);

/* ---- reading and writing ---- */

static char peek(const struct name *n)
{
	return n->at < n->len ? n->s[n->at] : '\0';
}

static bool eat(struct name *n, char c)
{
	if (n->bad || peek(n) != c)
		return false;
	n->at++;
	return true;
}

static char next(struct name *n)
{
	char c = peek(n);

	if (!c || ++n->steps > STEPS_MAX)
		n->bad = true;
	else
		n->at++;
	return c;
}

static void put_bytes(struct name *n, const char *s, size_t len)
{
	if (n->quiet || n->bad)
		return;
	if (len > OUT_MAX - n->out_len) {
		n->bad = true;
		return;
	}
	memcpy(n->out + n->out_len, s, len);
	n->out_len += len;
}

static void put(struct name *n, const char *s)
{
	put_bytes(n, s, strlen(s));
}

static void put_number(struct name *n, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	put(n, text);
}

static bool enter(struct name *n)
{
	if (++n->depth > DEPTH_MAX)
		n->bad = true;
	return !n->bad;
}

/* ---- numbers and identifiers ---- */

/* "_" is 0, "0_" is 1, and so on. */
static uint64_t base62(struct name *n)
{
	uint64_t v = 0;

	if (eat(n, '_'))
		return 0;
	while (!n->bad && !eat(n, '_')) {
		char c = next(n);
		unsigned d;

		if (c >= '0' && c <= '9')
			d = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'z')
			d = (unsigned)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'Z')
			d = (unsigned)(c - 'A') + 36;
		else
			d = 62;
		if (d == 62 || v > (UINT64_MAX - 62) / 62)
			n->bad = true;
		else
			v = v * 62 + d;
	}
	return v + 1;
}

/* After the letter, which may be missing: then 0. */
static uint64_t optional62(struct name *n, char letter)
{
	return eat(n, letter) ? base62(n) + 1 : 0;
}

struct ident {
	const char *s;
	size_t len;
	bool puny;
};

static struct ident identifier(struct name *n)
{
	struct ident id = { .puny = eat(n, 'u') };

	n->bad |= peek(n) < '0' || peek(n) > '9';
	if (!eat(n, '0'))
		while (peek(n) >= '0' && peek(n) <= '9' && id.len <= n->len)
			id.len = id.len * 10 + (size_t)(next(n) - '0');
	eat(n, '_');
	if (id.len > n->len - n->at) {
		n->bad = true;
		id.len = 0;
	}
	id.s = n->s + n->at;
	n->at += id.len;
	return id;
}

static void put_ident(struct name *n, const struct ident *id)
{
	if (id->puny)
		put(n, "punycode{");
	put_bytes(n, id->s, id->len);
	if (id->puny)
		put(n, "}");
}

/* What stood at another place of the name, which is before this one. */
static void back(struct name *n, void (*fn)(struct name *n, bool is_value), bool is_value)
{
	size_t here = n->at - 1, to = (size_t)base62(n), after = n->at;

	if (to >= here)
		n->bad = true;
	if (n->bad || n->quiet)
		return;
	n->at = to;
	fn(n, is_value);
	n->at = after;
}

static void type_at(struct name *n, bool is_value)
{
	type(n);
}

static void constant_at(struct name *n, bool is_value)
{
	constant(n);
}

/* ---- lifetimes ---- */

/* 0 is the one without a name; others count from the innermost one that is bound. */
static void lifetime(struct name *n, uint64_t i)
{
	uint64_t nth = n->lifetimes - i;
	char text[] = "'a";

	if (!i) {
		put(n, "'_");
	} else if (i > n->lifetimes) {
		n->bad = true;
	} else if (nth < 26) {
		text[1] = (char)('a' + nth);
		put(n, text);
	} else {
		put(n, "'_");
		put_number(n, nth);
	}
}

/* "for<'a, 'b> "; gives how many there were before. */
static uint64_t binder(struct name *n)
{
	uint64_t before = n->lifetimes, cnt = optional62(n, 'G');

	if (cnt > LIFETIMES_MAX)
		n->bad = true;
	for (uint64_t i = 0; i < cnt && !n->bad; i++) {
		put(n, i ? ", " : "for<");
		n->lifetimes++;
		lifetime(n, 1);
	}
	if (cnt)
		put(n, "> ");
	return before;
}

/* ---- constants ---- */

static void put_hex(struct name *n, const char *digits, size_t len)
{
	char buf[17];

	while (len > 1 && *digits == '0') {
		digits++;
		len--;
	}
	if (len > 16) {
		put(n, "0x");
		put_bytes(n, digits, len);
		return;
	}
	memcpy(buf, digits, len);
	buf[len] = '\0';
	put_number(n, strtoull(buf, NULL, 16));
}

static void constant_data(struct name *n, char kind)
{
	bool minus = eat(n, 'n');
	const char *digits = n->s + n->at;
	size_t len = 0;

	while (!n->bad && !eat(n, '_')) {
		if (!strchr("0123456789abcdef", next(n)))
			n->bad = true;
		len++;
	}
	if (n->bad)
		return;
	if (kind == 'b') {
		put(n, len == 1 && *digits == '1' ? "true" : "false");
		return;
	}
	if (minus)
		put(n, "-");
	put_hex(n, len ? digits : "0", len ? len : 1);
}

static void constant(struct name *n)
{
	char c = next(n);

	if (c == 'p')
		put(n, "_");
	else if (c == 'B')
		back(n, constant_at, false);
	else if (c && strchr("hmtyojasxlnibc", c))
		constant_data(n, c);
	else /* texts and structures: too new to be seen in names of functions */
		n->bad = true;
}

/* ---- types ---- */

static const char *basic(char c)
{
	static const char *const names[26] = {
		['a' - 'a'] = "i8",   ['b' - 'a'] = "bool",  ['c' - 'a'] = "char",
		['d' - 'a'] = "f64",  ['e' - 'a'] = "str",   ['f' - 'a'] = "f32",
		['h' - 'a'] = "u8",   ['i' - 'a'] = "isize", ['j' - 'a'] = "usize",
		['l' - 'a'] = "i32",  ['m' - 'a'] = "u32",   ['n' - 'a'] = "i128",
		['o' - 'a'] = "u128", ['p' - 'a'] = "_",     ['s' - 'a'] = "i16",
		['t' - 'a'] = "u16",  ['u' - 'a'] = "()",    ['v' - 'a'] = "...",
		['x' - 'a'] = "i64",  ['y' - 'a'] = "u64",   ['z' - 'a'] = "!",
	};

	return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void function_type(struct name *n)
{
	uint64_t before = binder(n);
	struct ident abi;

	if (eat(n, 'U'))
		put(n, "unsafe ");
	if (eat(n, 'K')) {
		abi = eat(n, 'C') ? (struct ident){ "C", 1, false } : identifier(n);
		put(n, "extern \"");
		for (size_t i = 0; i < abi.len; i++)
			put_bytes(n, abi.s[i] == '_' ? "-" : abi.s + i, 1);
		put(n, "\" ");
	}
	put(n, "fn(");
	for (bool first = true; !n->bad && !eat(n, 'E'); first = false) {
		put(n, first ? "" : ", ");
		type(n);
	}
	put(n, ")");
	if (!eat(n, 'u')) {
		put(n, " -> ");
		type(n);
	}
	n->lifetimes = before;
}

static void generic_arg(struct name *n)
{
	if (eat(n, 'L'))
		lifetime(n, base62(n));
	else if (eat(n, 'K'))
		constant(n);
	else
		type(n);
}

/* Of a path that may have arguments, what is between its brackets, left open: whether they are. */
static bool open_path(struct name *n)
{
	if (!eat(n, 'I')) {
		path(n, false);
		return false;
	}
	path(n, false);
	put(n, "<");
	for (bool first = true; !n->bad && !eat(n, 'E'); first = false) {
		put(n, first ? "" : ", ");
		generic_arg(n);
	}
	return true;
}

static void dyn_trait(struct name *n)
{
	bool open = open_path(n);
	struct ident id;

	while (eat(n, 'p')) {
		put(n, open ? ", " : "<");
		open = true;
		id = identifier(n);
		put_ident(n, &id);
		put(n, " = ");
		type(n);
	}
	if (open)
		put(n, ">");
}

static void dyn_type(struct name *n)
{
	uint64_t before, i;

	put(n, "dyn ");
	before = binder(n);
	for (bool first = true; !n->bad && !eat(n, 'E'); first = false) {
		put(n, first ? "" : " + ");
		dyn_trait(n);
	}
	n->lifetimes = before;
	if (!eat(n, 'L')) {
		n->bad = true;
		return;
	}
	i = base62(n);
	if (i) {
		put(n, " + ");
		lifetime(n, i);
	}
}

static void tuple_type(struct name *n)
{
	unsigned cnt = 0;

	put(n, "(");
	for (; !n->bad && !eat(n, 'E'); cnt++) {
		put(n, cnt ? ", " : "");
		type(n);
	}
	put(n, cnt == 1 ? ",)" : ")");
}

static void reference_type(struct name *n, bool is_mut)
{
	uint64_t i = eat(n, 'L') ? base62(n) : 0;

	put(n, "&");
	if (i) {
		lifetime(n, i);
		put(n, " ");
	}
	put(n, is_mut ? "mut " : "");
	type(n);
}

static void type_of(struct name *n, char c)
{
	switch (c) {
	case 'A':
	case 'S':
		put(n, "[");
		type(n);
		if (c == 'A') {
			put(n, "; ");
			constant(n);
		}
		put(n, "]");
		return;
	case 'T': return tuple_type(n);
	case 'R':
	case 'Q': return reference_type(n, c == 'Q');
	case 'P':
	case 'O': put(n, c == 'P' ? "*const " : "*mut "); return type(n);
	case 'F': return function_type(n);
	case 'D': return dyn_type(n);
	case 'B': return back(n, type_at, false);
	}
	n->at--; /* a path's own letter */
	path(n, false);
}

static void type(struct name *n)
{
	char c = next(n);
	const char *name = basic(c);

	if (!enter(n))
		return;
	if (name)
		put(n, name);
	else
		type_of(n, c);
	n->depth--;
}

/* ---- paths ---- */

/* Where an impl stands, which is not shown. */
static void impl_path(struct name *n)
{
	bool quiet = n->quiet;

	n->quiet = true;
	optional62(n, 's');
	path(n, false);
	n->quiet = quiet;
}

static void nested_path(struct name *n, bool is_value)
{
	char space = next(n);
	struct ident id;
	uint64_t nth;

	path(n, is_value);
	nth = optional62(n, 's');
	id = identifier(n);
	if (space >= 'a' && space <= 'z') {
		if (id.len)
			put(n, "::");
		return put_ident(n, &id);
	}
	put(n, space == 'C' ? "::{closure" : space == 'S' ? "::{shim" : "::{");
	if (space != 'C' && space != 'S')
		put_bytes(n, &space, 1);
	if (id.len) {
		put(n, ":");
		put_ident(n, &id);
	}
	put(n, "#");
	put_number(n, nth);
	put(n, "}");
}

static void impl(struct name *n, char c)
{
	if (c != 'Y')
		impl_path(n);
	put(n, "<");
	type(n);
	if (c != 'M') {
		put(n, " as ");
		path(n, false);
	}
	put(n, ">");
}

static void path_of(struct name *n, char c, bool is_value)
{
	struct ident id;

	switch (c) {
	case 'C':
		optional62(n, 's');
		id = identifier(n);
		return put_ident(n, &id);
	case 'M':
	case 'X':
	case 'Y': return impl(n, c);
	case 'N': return nested_path(n, is_value);
	case 'I':
		path(n, is_value);
		put(n, is_value ? "::<" : "<");
		for (bool first = true; !n->bad && !eat(n, 'E'); first = false) {
			put(n, first ? "" : ", ");
			generic_arg(n);
		}
		return put(n, ">");
	case 'B': return back(n, path, is_value);
	}
	n->bad = true;
}

static void path(struct name *n, bool is_value)
{
	char c = next(n);

	if (!enter(n))
		return;
	path_of(n, c, is_value);
	n->depth--;
}

char *demangle_rust(const char *name)
{
	struct name n = { .s = name + 2 };

	if (name[0] != '_' || name[1] != 'R' || name[2] < 'A' || name[2] > 'Z')
		return NULL;
	n.len = strcspn(n.s, ".$"); /* what a compiler has made of it follows: ".llvm.1234" */
	n.out = malloc(OUT_MAX + 1);
	if (!n.out)
		return NULL;
	path(&n, true);
	if (!n.bad && n.at < n.len) { /* the crate that it was made for */
		n.quiet = true;
		path(&n, false);
	}
	if (n.bad || n.at < n.len) {
		free(n.out);
		return NULL;
	}
	n.out[n.out_len] = '\0';
	return n.out;
}

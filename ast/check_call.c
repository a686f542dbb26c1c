/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "ast/check.h"
#include "ast/formatparse.h"
#include "ast/settings.h"
#include "ast/signals.h"

#define HIST_BITS_MAX 5
#define LENGTH_MAX 4096

static const char *args_text(struct arena *a, uint32_t n)
{
	static const char *const words[] = { "no arguments", "one argument" };

	return n < 2 ? words[n] : arena_printf(a, "%u arguments", n);
}

static bool check_count(struct unit *u, const struct node *n, const struct signature *sig)
{
	const char *name = n->call.fn->name;
	uint32_t cnt = n->call.arg_cnt;

	if (cnt >= sig->min && (sig->variadic || cnt <= sig->cnt))
		return true;
	if (sig->min == sig->cnt && !sig->variadic)
		diag(u->diags, n->span, D_ARGS_EXACT, name, args_text(u->arena, sig->min), cnt);
	else if (cnt < sig->min)
		diag(u->diags, n->span, D_ARGS_FEW, name, args_text(u->arena, sig->min), cnt);
	else
		diag(u->diags, n->span, D_ARGS_MANY, name, args_text(u->arena, sig->cnt), cnt);
	return false;
}

static bool is_number(struct unit *u, const struct type *t)
{
	const struct type *v = type_is_agg(t) ? type_agg_value(u->types, t) : t;

	return v && type_is_int(v);
}

static bool is_whole_map(const struct node *a)
{
	return a->kind == N_MAP && a->map.whole;
}

#define LITERAL_SORTS (SIG_LITERAL | SIG_LITERAL_STRING | SIG_FORMAT)
#define NEEDED_SORTS (LITERAL_SORTS | SIG_MAP | SIG_VAR)

static bool fits_sort(struct unit *u, const struct node *a, uint32_t sorts)
{
	if (sorts == SIG_WORD || (sorts & SIG_MAP && is_whole_map(a)))
		return true;
	if (sorts & SIG_VAR)
		return a->kind == N_VAR;
	if (sorts & SIG_LITERAL && a->kind == N_INT)
		return true;
	if (sorts & (SIG_LITERAL_STRING | SIG_FORMAT) && a->kind == N_STR)
		return true;
	if (check_is_bad(a)) /* told already; but literals and maps are needed below */
		return !(sorts & NEEDED_SORTS);
	if (sorts & SIG_ANY && !type_is_agg(a->type) && a->type->size > TYPE_SIZE_MAX)
		diag(u->diags, a->span, D_TOO_LARGE, "The value", a->type->size, TYPE_SIZE_MAX);
	if (sorts & SIG_ANY)
		return a->type->kind != V_VOID && !is_whole_map(a);
	return (sorts & SIG_INT && is_number(u, a->type)) ||
	       (sorts & SIG_PTR && a->type->kind == V_PTR) ||
	       (sorts & SIG_BYTES && type_is_bytes(a->type)) ||
	       (sorts & SIG_STRING && a->type->kind == V_STRING) ||
	       (sorts & SIG_STACK && (a->type->kind == V_KSTACK || a->type->kind == V_USTACK));
}

static bool check_sorts(struct unit *u, const struct node *n, const struct signature *sig)
{
	const char *name = n->call.fn->name;
	bool ok = true;
	uint32_t i = 0;

	for (const struct node *a = n->call.args; a && i < sig->cnt; a = a->next, i++) {
		uint32_t sorts = sig->args[i].sorts;

		/* delete(@m[k]) is the older way to write delete(@m, k) */
		if (n->call.fn->id == B_delete && i == 0 && a->kind == N_MAP)
			continue;
		if (fits_sort(u, a, sorts))
			continue;
		ok = false;
		if (check_is_bad(a))
			continue;
		if (sorts == SIG_MAP)
			diag(u->diags, a->span, D_ARG_MAP, name);
		else if (sorts & LITERAL_SORTS)
			diag(u->diags, a->span, D_ARG_LITERAL, name,
			     signature_sorts(u->arena, sorts), type_kind_name(a->type));
		else
			diag(u->diags, a->span, D_ARG_SORT, name, signature_sorts(u->arena, sorts),
			     type_kind_name(a->type));
	}
	return ok;
}

bool check_points_to_text(const struct type *t)
{
	return t->kind == V_PTR && t->elem && type_is_int(t->elem) && t->elem->size == 1;
}

/* Known to need more than 32 bits as soon as it is read. */
static bool is_wide(const struct node *e)
{
	const struct builtin *fn = e->kind == N_IDENT  ? e->ident.fn
				   : e->kind == N_CALL ? e->call.fn
						       : NULL;
	int64_t v = e->kind == N_INT ? (int64_t)e->num.value : 0;

	if (fn)
		return fn->id == B_nsecs || fn->id == B_elapsed || fn->id == B_kaddr;
	return v < INT32_MIN || v > UINT32_MAX;
}

/* An integer without length modifier is an int; aggregates have no size of their own. */
static void settle_size(struct unit *u, struct format_piece *p, const struct node *e)
{
	const char conv[] = { p->conv, '\0' };

	if (p->size)
		return;
	p->size = type_is_agg(e->type) ? 8 : 4;
	if (strchr("diuxXo", p->conv) && is_wide(e))
		diag_hint(diag(u->diags, e->span, D_FORMAT_CUT, conv, type_name(u->arena, e->type)),
			  "%%l%s prints all of it", conv);
}

static void check_argument(struct unit *u, struct format_piece *p, const struct node *a)
{
	if (check_is_bad(a))
		return;
	if (a->type->size > TYPE_SIZE_MAX)
		diag(u->diags, a->span, D_TOO_LARGE, "The argument", a->type->size, TYPE_SIZE_MAX);
	if (!format_takes(p, a->type))
		diag(u->diags, a->span, D_FORMAT_TYPE, type_name(u->arena, a->type),
		     format_conv_name(p));
	else if (p->conv == 's' && check_points_to_text(a->type))
		diag_hint(diag(u->diags, a->span, D_FORMAT_ADDRESS, type_name(u->arena, a->type)),
			  "str(%.*s) reads the text", (int)(a->span.to - a->span.from),
			  source_text(u->sources, a->span));
	else
		settle_size(u, p, a);
}

/* bad: one character, or words for what is none. */
static void bad_conversion(struct unit *u, struct span sp, const char *bad)
{
	struct diag *d = diag(u->diags, sp, D_FORMAT_CONV, bad);

	if (bad[1] || !isalpha((unsigned char)*bad))
		diag_hint(d, "%%%% prints a percent sign");
	else if (strchr("aAeEfFgG", *bad))
		diag_hint(d,
			  "There are no fractions: count in a smaller unit and print it with %%d");
	else
		diag_hint(d,
			  "There are %%s, %%d, %%u, %%x, %%p, %%c, %%r and what comes with them");
}

static void check_format(struct unit *u, struct node *n)
{
	const struct node *fmt = n->call.args;
	const char *bad;
	struct format *f = format_parse(u->arena, fmt->str.text, fmt->str.len, &bad);
	uint32_t want = format_args(f), have = n->call.arg_cnt - 1, i = 0;
	const struct node *a = fmt->next;

	n->call.info = f;
	if (bad) {
		bad_conversion(u, fmt->span, bad);
		return;
	}
	if (want != have) {
		diag(u->diags, n->span, have < want ? D_FORMAT_FEW : D_FORMAT_MANY, have, want);
		return;
	}
	for (; i < f->cnt; i++) {
		if (f->pieces[i].text)
			continue;
		check_argument(u, &f->pieces[i], a);
		a = a->next;
	}
}

static int64_t value(const struct node *n)
{
	return (int64_t)n->num.value;
}

static void check_lhist(struct unit *u, const struct node *n)
{
	const struct node *lo = n->call.args->next, *hi = lo->next, *step = hi->next;
	int64_t min = value(lo), max = value(hi), by = value(step);
	uint64_t buckets;

	if (lo->num.is_unsigned || hi->num.is_unsigned || step->num.is_unsigned) {
		diag(u->diags, n->span, D_LHIST_RANGE);
		return;
	}
	if (by < 1) {
		diag(u->diags, step->span, D_LHIST_STEP, (long long)by);
		return;
	}
	if (min >= max) {
		diag(u->diags, n->span, D_LHIST_ORDER, (long long)min, (long long)max);
		return;
	}
	if ((uint64_t)max - (uint64_t)min < (uint64_t)by) {
		diag(u->diags, step->span, D_LHIST_STEP_LARGE, (long long)by,
		     (unsigned long long)((uint64_t)max - (uint64_t)min));
		return;
	}
	buckets = ((uint64_t)max - (uint64_t)min) / (uint64_t)by;
	buckets += ((uint64_t)max - (uint64_t)min) % (uint64_t)by != 0;
	if (buckets > CHECK_LHIST_MAX)
		diag(u->diags, n->span, D_LHIST_BUCKETS, CHECK_LHIST_MAX,
		     (unsigned long long)buckets);
}

static void check_hist(struct unit *u, const struct node *n)
{
	const struct node *bits = n->call.args->next;

	if (bits && (value(bits) < 0 || value(bits) > HIST_BITS_MAX || bits->num.is_unsigned))
		diag(u->diags, bits->span, D_HIST_BITS, (long long)value(bits), HIST_BITS_MAX);
}

static void check_tseries(struct unit *u, const struct node *n)
{
	const struct node *interval = n->call.args->next, *slots = interval->next;
	const struct node *kind = slots->next;

	if (interval->num.is_unsigned || value(interval) < 1)
		diag(u->diags, interval->span, D_TSERIES_INTERVAL, (long long)value(interval));
	if (slots->num.is_unsigned || value(slots) < 1 || value(slots) > TSERIES_SLOTS_MAX)
		diag(u->diags, slots->span, D_TSERIES_SLOTS, TSERIES_SLOTS_MAX,
		     (long long)value(slots));
	if (kind && words_find(CHECK_TSERIES_KINDS, kind->str.text) < 0)
		diag(u->diags, kind->span, D_TSERIES_KIND,
		     words_list(u->arena, CHECK_TSERIES_KINDS), kind->str.text);
}

/* A number that is unsigned is a word: see SIG_WORD. */
static void check_stack(struct unit *u, const struct node *n)
{
	const struct node *a = n->call.args;

	if (a && a->num.is_unsigned) {
		if (n->call.fn->id == B_kstack && ~a->num.value == STACK_BUILD_ID)
			diag(u->diags, a->span, D_STACK_BUILD_ID);
		a = a->next;
	} else if (a && a->next) {
		diag(u->diags, n->span, D_ARGS_EXACT, n->call.fn->name, "a mode before the limit",
		     n->call.arg_cnt);
	}
	if (a && (value(a) < 0 || value(a) > STACK_MAX || a->num.is_unsigned))
		diag(u->diags, a->span, D_STACK_LIMIT, n->call.fn->name, STACK_MAX);
}

static void check_str(struct unit *u, const struct node *n)
{
	const struct node *len = n->call.args->next;
	uint64_t max = setting_num(u->settings, SETTING_max_strlen);

	if (!len || len->kind != N_INT)
		return;
	if (!len->num.is_unsigned && value(len) < 0)
		diag(u->diags, len->span, D_STR_NEGATIVE, (long long)value(len));
	else if (len->num.value > max)
		diag(u->diags, len->span, D_STR_LONG, (unsigned long long)len->num.value,
		     (unsigned long long)max);
}

static void check_not_negative(struct unit *u, const struct node *n, const struct node *a)
{
	for (; a; a = a->next)
		if (a->kind == N_INT && !a->num.is_unsigned && value(a) < 0)
			diag(u->diags, a->span, D_ARG_NEGATIVE, n->call.fn->name);
}

static void check_print(struct unit *u, const struct node *n)
{
	const struct node *a = n->call.args;
	bool one_value = a->kind == N_MAP && !a->map.whole;

	if (!is_whole_map(a) && a->next)
		diag(u->diags, a->next->span, D_PRINT_VALUE_ARGS, n->call.arg_cnt);
	else if (one_value && type_is_agg(a->type) && !type_agg_value(u->types, a->type))
		diag(u->diags, a->span, D_PRINT_AGG_KEY, type_name(u->arena, a->type));
	else if (!one_value)
		check_not_negative(u, n, a->next);
	if (is_whole_map(a) && a->next && !check_is_bad(a) && a->map.sym->val->kind == V_STATS)
		diag(u->diags, n->span, D_PRINT_STATS);
}

/* The map is keyed, and the key is given; or it is scalar, and none is. */
static void check_key(struct unit *u, const struct node *n)
{
	const struct node *m = n->call.args, *key = m->next;
	const char *name = n->call.fn->name;

	if (m->kind != N_MAP || !m->map.sym)
		return;
	if (m->map.key) {
		if (key)
			diag(u->diags, key->span, D_KEY_TWICE, name);
		return;
	}
	if (key && m->map.sym->has_scalar_use)
		diag(u->diags, n->span, D_KEY_OF_SCALAR, name);
	else if (!key && m->map.sym->has_key_use)
		diag(u->diags, n->span, D_KEY_MISSING, name);
}

static void check_map_arg(struct unit *u, const struct node *n)
{
	const struct node *m = n->call.args;

	if (m->map.sym && m->map.sym->has_scalar_use && n->call.fn->id == B_len)
		diag(u->diags, m->span, D_LEN_SCALAR, m->map.sym->name);
}

static void check_strncmp(struct unit *u, const struct node *n)
{
	check_not_negative(u, n, n->call.args->next->next);
}

static void check_pton(struct unit *u, const struct node *n)
{
	const struct node *a = n->call.args;
	uint8_t bytes[16];

	if (inet_pton(AF_INET, a->str.text, bytes) != 1 &&
	    inet_pton(AF_INET6, a->str.text, bytes) != 1)
		diag(u->diags, a->span, D_PTON, a->str.text);
}

static void no_signal(struct unit *u, const struct node *name)
{
	struct diag *d = diag(u->diags, name->span, D_SIGNAL, name->str.text);
	struct nearest near;

	nearest_init(&near, name->str.text);
	signals_nearest(u->arena, &near);
	if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
}

static void check_signal(struct unit *u, const struct node *n)
{
	const struct node *a = n->call.args;

	if (a->kind == N_STR && !signal_by_name(a->str.text))
		no_signal(u, a);
	else if (a->kind == N_INT && (value(a) < 1 || value(a) > 64))
		diag(u->diags, a->span, D_SIGNAL,
		     arena_printf(u->arena, "%lld", (long long)value(a)));
}

static void check_length(struct unit *u, const struct node *n)
{
	const struct node *len = n->call.args->next->next;

	if (len->num.is_unsigned || value(len) < 0 || value(len) > LENGTH_MAX)
		diag(u->diags, len->span, D_LENGTH, n->call.fn->name, LENGTH_MAX);
}

/* An address is that many bytes, or a pointer to them. */
static void check_bytes(struct unit *u, const struct node *n, const struct node *a, uint32_t least)
{
	const struct type *t = a->type;
	bool is_mem = t->kind == V_ARRAY || t->kind == V_STRING || t->kind == V_BUFFER ||
		      t->kind == V_STRUCT || t->kind == V_UNION;

	if (!check_is_bad(a) && t->kind != V_PTR && !(is_mem && t->size >= least) &&
	    !(least == 4 && type_is_int(t)))
		diag(u->diags, a->span, D_ADDRESS_BYTES, n->call.fn->name, least,
		     type_name(u->arena, t));
}

static void check_macaddr(struct unit *u, const struct node *n)
{
	check_bytes(u, n, n->call.args, 6);
}

static void check_ntop(struct unit *u, const struct node *n)
{
	check_bytes(u, n, n->call.args->next ? n->call.args->next : n->call.args, 4);
}

static void check_path(struct unit *u, const struct node *n)
{
	const struct node *a = n->call.args;
	const struct type *t = a->type->kind == V_PTR ? a->type->elem : a->type;

	if (t->kind != V_STRUCT || !t->name || strcmp(t->name, "struct path") != 0)
		diag(u->diags, a->span, D_PATH, type_name(u->arena, a->type));
}

static void check_skboutput(struct unit *u, const struct node *n)
{
	const struct type *t = type_tagged(u->types, V_STRUCT, "struct sk_buff", 0);

	if (!type_field_find(type_complete(u->types, t), "data_len"))
		diag_hint(diag(u->diags, n->span, D_SKB_UNKNOWN),
			  "It comes with the kernel's BTF, or from its headers: #include "
			  "<linux/skbuff.h>.");
}

/* What a signature cannot say; the arguments are of the right number and sorts. */
/* clang-format off */
static void (*const special[B_COUNT])(struct unit *u, const struct node *n) = {
	[B_delete] = check_key,
	[B_dw_ustack] = check_stack,
	[B_find] = check_key,
	[B_has_key] = check_key,
	[B_hist] = check_hist,
	[B_kstack] = check_stack,
	[B_len] = check_map_arg,
	[B_lhist] = check_lhist,
	[B_macaddr] = check_macaddr,
	[B_memcmp] = check_length,
	[B_ntop] = check_ntop,
	[B_path] = check_path,
	[B_print] = check_print,
	[B_pton] = check_pton,
	[B_signal] = check_signal,
	[B_signal_thread] = check_signal,
	[B_skboutput] = check_skboutput,
	[B_str] = check_str,
	[B_strncmp] = check_strncmp,
	[B_tseries] = check_tseries,
	[B_ustack] = check_stack,
	[B_write_user] = check_length,
};
/* clang-format on */

void check_call(struct unit *u, struct node *n)
{
	const struct builtin *fn = n->call.fn;
	struct signature sig;

	if (!fn)
		return;
	if (fn->flags & BI_UNSAFE && !u->opt->unsafe)
		diag(u->diags, n->span, D_UNSAFE, fn->name);
	signature_parse(&sig, fn->signature);
	if (!check_count(u, n, &sig) || !check_sorts(u, n, &sig))
		return;
	if (fn->flags & BI_PRINTF)
		check_format(u, n);
	else if (special[fn->id])
		special[fn->id](u, n);
}

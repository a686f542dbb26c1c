// SPDX-License-Identifier: Apache-2.0
/*
 * Prints a random program of the language for a seed: valid by construction as far as types go, so
 * that it must load, or be refused by the checker with a place. What the kernel's verifier says no to
 * is a bug of ours. tests/fuzz/run drives it.
 *
 *	tests/fuzz/generate SEED [TARGET [WORD...]]
 *
 * TARGET is a program for uprobes on its main(), or "". Words: nobtf, no types of the kernel's;
 * nokeys: nothing goes over the keys of a map;
 * kprobe, fentry, iter: there are such probes; write: write_user() is allowed; cgroup: of
 * the second version, where they usually are.
 *
 * The language stands in the tables of rows_*.h: a row is text in which ` and a letter is a part to be chosen:
 *
 *	`i integer  `t text  `b boolean  `o (integer, text) of a variable  `p pointer to struct own
 *	`n integer literal  `s text literal  `d literal below 64  `v integer variable  `w text variable
 *	`e the statements of a block  `x a block with a value  `f a value by find()
 *	`a an integer that only this kind of probe has
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, VARS_MAX = 4, NAMES_MAX = 64, LOOPS_MAX = 2 };

/* What the action of a probe can ask for, beside what all can. */
enum kind {
	KIND_PLAIN,
	KIND_RW,
	KIND_ARGS,
	KIND_FUNC,
	KIND_RETURN,
	KIND_OPEN,
	KIND_EXIT,
	KIND_EXEC,
	KIND_SKB,
	KIND_ITER,
	KIND_FENTRY,
};

#include "rows_expr.h"
#include "rows_probe.h"
#include "rows_stmt.h"

/* Variables in sight, of one type: a letter and these numbers. */
struct vars {
	int name[NAMES_MAX];
	int cnt;
};

struct gen {
	uint64_t state;
	enum kind kind;
	bool nobtf, nokeys, kprobe, fentry, iter, write, cgroup;
	struct vars ints, texts, tuples;
	int depth, level, loops, unrolled;
	int made; /* names given so far in this probe */
};

/* xorshift64*: the same programs on every machine. */
static uint32_t roll(struct gen *g, uint32_t n)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return (uint32_t)((g->state * 0x2545f4914f6cdd1dull) >> 33) % n;
}

#define ROWS(table) table, sizeof(table) / sizeof(*(table))

static void emit(struct gen *g, const char *row);

static bool needs_btf(const char *row)
{
	static const char *const words[] = {
		"curtask", "task_struct", "PIDTYPE", "ppid",  "pcomm",
		"leader_", "skb",	  "comm(",   "kfunc", "jiffies"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(row, words[i]))
			return true;
	return false;
}

static void emit_one(struct gen *g, const char *const *rows, size_t cnt)
{
	const char *row;

	do
		row = rows[roll(g, (uint32_t)cnt)];
	while ((g->nobtf && needs_btf(row)) || (g->nokeys && strstr(row, "len(@")) ||
	       (!g->write && strstr(row, "write_user")) ||
	       (!g->cgroup && strstr(row, "cgroupid")) || (!g->ints.cnt && strstr(row, "`v")));
	emit(g, row);
}

/* ---- expressions ---- */

static void number(struct gen *g)
{
	if (roll(g, 2))
		printf("%u", roll(g, 100));
	else
		emit_one(g, ROWS(number_rows));
}

static void variable(struct gen *g, const struct vars *v, char letter)
{
	printf("$%c%d", letter, v->name[roll(g, (uint32_t)v->cnt)]);
}

/* Of the probe's own arguments. */
static void argument(struct gen *g)
{
	switch (g->kind) {
	case KIND_RW: emit_one(g, ROWS(rw_rows)); break;
	case KIND_ARGS: emit_one(g, ROWS(args_rows)); break;
	case KIND_FUNC: emit_one(g, ROWS(func_rows)); break;
	case KIND_RETURN: emit_one(g, ROWS(return_rows)); break;
	case KIND_OPEN: emit_one(g, ROWS(open_rows)); break;
	case KIND_EXIT: emit_one(g, ROWS(exit_rows)); break;
	case KIND_EXEC: emit_one(g, ROWS(exec_rows)); break;
	case KIND_SKB: emit_one(g, ROWS(skb_rows)); break;
	case KIND_ITER: emit_one(g, ROWS(iter_rows)); break;
	case KIND_FENTRY: emit_one(g, ROWS(fentry_rows)); break;
	case KIND_PLAIN: emit_one(g, ROWS(plain_rows)); break;
	}
}

static void int_leaf(struct gen *g)
{
	uint32_t what = roll(g, 12);

	if (what < 3 && g->ints.cnt)
		variable(g, &g->ints, 'i');
	else if (what < 4)
		argument(g);
	else if (what < 6)
		emit_one(g, ROWS(value_rows));
	else if (what < 9)
		emit_one(g, ROWS(map_int_rows));
	else if (what < 10)
		emit_one(g, ROWS(field_rows));
	else
		number(g);
}

static void integer(struct gen *g)
{
	if (g->depth >= DEPTH_MAX || !roll(g, 4)) {
		int_leaf(g);
		return;
	}
	g->depth++;
	emit_one(g, ROWS(int_rows));
	g->depth--;
}

static void boolean(struct gen *g)
{
	if (g->depth >= DEPTH_MAX + 1) {
		emit_one(g, ROWS(bool_leaf_rows));
		return;
	}
	g->depth++;
	emit_one(g, ROWS(bool_rows));
	g->depth--;
}

static void literal_text(struct gen *g)
{
	emit_one(g, ROWS(literal_rows));
}

static void text(struct gen *g)
{
	uint32_t what = roll(g, 10);

	if (what < 3 && g->texts.cnt) {
		variable(g, &g->texts, 's');
	} else if (what < 7 || g->depth >= DEPTH_MAX) {
		emit_one(g, ROWS(text_leaf_rows));
	} else {
		g->depth++;
		emit_one(g, ROWS(text_rows));
		g->depth--;
	}
}

static void tuple(struct gen *g)
{
	if (g->tuples.cnt)
		variable(g, &g->tuples, 'o');
	else
		emit(g, "(`i, `t)");
}

static void block(struct gen *g);

static void block_value(struct gen *g)
{
	int name = g->made++;

	printf("{ let $x%d = ", name);
	integer(g);
	printf("; ($x%d + ", name);
	integer(g);
	printf(") }");
}

static void emit_part(struct gen *g, char part)
{
	switch (part) {
	case 'i': integer(g); break;
	case 't': text(g); break;
	case 'b': boolean(g); break;
	case 'o': tuple(g); break;
	case 'n': number(g); break;
	case 's': literal_text(g); break;
	case 'd': printf("%u", roll(g, 64)); break;
	case 'v': variable(g, &g->ints, 'i'); break;
	case 'w': variable(g, &g->texts, 's'); break;
	case 'p':
		if (g->kind == KIND_RW)
			emit_one(g, ROWS(user_pointer_rows));
		else
			emit_one(g, ROWS(pointer_rows));
		break;
	case 'a': argument(g); break;
	case 'e': block(g); break;
	case 'x': block_value(g); break;
	case 'f': emit(g, g->level ? "(find(@t, `i, $f) ? $f : 3)" : "@t[`i]"); break;
	}
}

static void emit(struct gen *g, const char *row)
{
	for (; *row; row++) {
		if (*row == '`')
			emit_part(g, *++row);
		else
			putchar(*row);
	}
}

/* ---- statements ---- */

static void print_stmt(struct gen *g)
{
	emit_one(g, ROWS(print_rows));
	putchar('\n');
}

static void map_stmt(struct gen *g)
{
	emit_one(g, ROWS(map_rows));
	putchar('\n');
}

static bool assign_new(struct gen *g, struct vars *v, char letter, const char *value)
{
	int name = g->made;

	if (v->cnt >= VARS_MAX || g->made >= NAMES_MAX - 4)
		return false;
	g->made++;
	printf("%s$%c%d = ", roll(g, 3) ? "" : "let ", letter, name);
	emit(g, value);
	printf(";\n");
	v->name[v->cnt++] = name;
	return true;
}

static void assign(struct gen *g)
{
	switch (roll(g, 6)) {
	case 0:
	case 1:
		if (assign_new(g, &g->ints, 'i', "(int64)(`i)"))
			return;
		break;
	case 2:
		if (assign_new(g, &g->texts, 's', "`t"))
			return;
		break;
	case 3:
		if (assign_new(g, &g->tuples, 'o', "(`i, `t)"))
			return;
		break;
	case 4:
		if (g->texts.cnt) {
			emit(g, "`w = `t;\n");
			return;
		}
		break;
	}
	emit_one(g, ROWS(assign_rows));
}

enum { LOOP_FEW, LOOP_RANGE, LOOP_KEYS, LOOP_UNROLL, LOOP_WHILE, LOOP_COUNTED, LOOP_CNT };

static void loop(struct gen *g)
{
	int name = g->made++, ints = g->ints.cnt;
	uint32_t which;

	do
		which = roll(g, LOOP_CNT);
	while (which == LOOP_KEYS && g->nokeys);
	g->loops++;
	switch (which) {
	case LOOP_FEW:
		printf("for ($i%d : 0..%u) ", name, 1 + roll(g, 70));
		g->ints.name[g->ints.cnt++] = name;
		break;
	case LOOP_RANGE:
		printf("for ($i%d : 0..", name);
		emit(g, "((int64)(`i) & 63)) ");
		g->ints.name[g->ints.cnt++] = name;
		break;
	case LOOP_KEYS: printf("for ($kv%d : %s) ", name, walked_maps[roll(g, 5)]); break;
	case LOOP_UNROLL:
		printf("unroll(%u) ", 1 + roll(g, 4));
		g->unrolled++;
		block(g);
		g->unrolled--;
		g->loops--;
		return;
	case LOOP_WHILE: /* what the body does to the variable may keep it going for millions of rounds */
		printf("$c%d = 0;\nwhile ($i%d++ < %u && $c%d++ < 64) ", name, g->ints.name[0],
		       1 + roll(g, 9), name);
		break;
	default: printf("$c%d = 0;\nwhile ($c%d++ < %u) ", name, name, 1 + roll(g, 9));
	}
	printf("{\n");
	if (which == LOOP_KEYS && roll(g, 2))
		printf("print($kv%d.%u);\n", name, roll(g, 2));
	block(g);
	printf("}\n");
	g->ints.cnt = ints;
	g->loops--;
}

static void branch(struct gen *g)
{
	emit(g, "if (`b) `e");
	if (roll(g, 2))
		emit_one(g, ROWS(else_rows));
}

static void statement(struct gen *g)
{
	uint32_t what = roll(g, 21);

	if (what < 3 && g->level < 3)
		branch(g);
	else if (what < 6 && g->level < 3 && g->loops < LOOPS_MAX && g->made < 50)
		loop(g);
	else if (what < 7 && g->level > 1 && !g->unrolled)
		emit(g, g->loops ? "if (`b) { continue; }\nif (`b) { break; }\n"
				 : "if (`b) { return; }\nif (pid == 0xfffffff0) { exit(`i); }\n");
	else if (what < 8)
		emit_one(g, ROWS(other_rows));
	else if (what < 13)
		map_stmt(g);
	else if (what < 16)
		print_stmt(g);
	else
		assign(g);
}

static void block(struct gen *g)
{
	int ints = g->ints.cnt, texts = g->texts.cnt, tuples = g->tuples.cnt;
	uint32_t cnt = 1 + roll(g, g->level ? 3 : 7);

	g->level++;
	printf("{\n");
	while (cnt--)
		statement(g);
	printf("}\n");
	g->level--;
	g->ints.cnt = ints;
	g->texts.cnt = texts;
	g->tuples.cnt = tuples;
}

/* ---- the whole ---- */

static bool has_place(const struct gen *g, const struct place *at, const char *target)
{
	switch (at->kind) {
	case KIND_FUNC: return strstr(at->at, "kprobe") ? g->kprobe : target != NULL;
	case KIND_RETURN: return strstr(at->at, "kretprobe") ? g->kprobe : target != NULL;
	case KIND_SKB: return !g->nobtf;
	case KIND_ITER: return g->iter;
	case KIND_FENTRY: return g->fentry;
	case KIND_PLAIN:
	case KIND_RW:
	case KIND_ARGS:
	case KIND_OPEN:
	case KIND_EXIT:
	case KIND_EXEC: break;
	}
	return true;
}

static void probe(struct gen *g, const char *target)
{
	const struct place *at;

	do
		at = &places[roll(g, sizeof(places) / sizeof(*places))];
	while (!has_place(g, at, target));
	g->ints.cnt = g->texts.cnt = g->tuples.cnt = 0;
	g->made = g->depth = g->level = g->loops = g->unrolled = 0;
	g->kind = at->kind;
	printf(at->at, target);
	putchar(' ');
	if (roll(g, 3) == 0)
		emit(g, "/ `b / ");
	printf("{\nlet $f;\n$i%d = (int64)pid;\n", g->made);
	g->ints.name[g->ints.cnt++] = g->made++;
	block(g);
	printf("}\n");
}

static void preamble(struct gen *g)
{
	puts("enum shade { RED = 1, GREEN, BLUE };\n"
	     "#define LIMIT 12\n"
	     "struct inner { int x; long y; };\n"
	     "struct own { int a; long b; unsigned lo : 3, hi : 29; int arr[4]; char name[12];\n"
	     "struct inner in; union { long y; char raw[8]; }; struct own *next; char *text;\n"
	     "enum shade color; int grid[2][3]; };\n"
	     "typedef unsigned short half;\n"
	     "union both { int whole; half part[2]; };\n"
	     "struct __attribute__((packed)) tight { char c; half h; void (*fn)(int); };");
	if (!roll(g, 4))
		emit_one(g, ROWS(config_rows));
	puts("macro m_add(a, b) { a + b }\n"
	     "macro m_bool(t) { let $y = t; if ($y == \"abc\") { 1 } else { 0 } }\n"
	     "macro m_text(t) { str_concat(t, \"!\") }\n"
	     "macro m_bump(@map) { @map++; }\n"
	     "macro m_double($v) { $v += $v; }\n"
	     "macro m_size(t) { sizeof(t) }\n"
	     "macro m_none() { 7 }\n"
	     "let @lru = lruhash(100);\nlet @pc = percpuhash(50);\n"
	     "let @plain = hash(9);\nlet @plru = percpulruhash(9);\n"
	     "begin {\n@n = 1; @m = -1; @k[(int64)1, \"a\"] = (int64)2; @t[tid] = nsecs;\n"
	     "@x = comm; @s = (1, \"one\", (true, pid)); @r = (a=1, b=\"one\");\n"
	     "@by[comm] = count(); @total = sum(3); @average = avg(4); @low[cpu] = min(5);\n"
	     "@names[(int64)1] = \"one\"; @big[\"a\"] = (1, \"one\"); @lru[1] = (int64)1;\n"
	     "@high[\"a\", 1] = max(1); @hk[1, (\"a\", true)] = hist(1, 3); @col[GREEN] = "
	     "count();\n"
	     "@a[1, \"a\"] = stats(1); @ts = tseries(1, 1s, 10); @lh[\"a\"] = lhist(1, 0, 1000, "
	     "10);\n"
	     "@pc[1] = sum(1); @plain[1] = (int64)1; @plru[1] = sum(1); @gone[(int64)1, \"a\"] "
	     "= true; @h = hist(1);\n"
	     "@own = *(struct own *)curtask; exit();\n}");
}

int main(int argc, char **argv)
{
	struct gen g = { .state = argc > 1 ? strtoull(argv[1], NULL, 0) * 2654435769u +
						     88172645463325252u
					   : 1 };
	const char *target = argc > 2 && *argv[2] ? argv[2] : NULL;

	for (int i = 3; i < argc; i++) {
		g.nobtf |= !strcmp(argv[i], "nobtf");
		g.nokeys |= !strcmp(argv[i], "nokeys");
		g.kprobe |= !strcmp(argv[i], "kprobe");
		g.fentry |= !strcmp(argv[i], "fentry");
		g.iter |= !strcmp(argv[i], "iter");
		g.write |= !strcmp(argv[i], "write");
		g.cgroup |= !strcmp(argv[i], "cgroup");
	}

	roll(&g, 2);
	preamble(&g);
	for (uint32_t cnt = 1 + roll(&g, 3); cnt; cnt--)
		probe(&g, target);
	return 0;
}

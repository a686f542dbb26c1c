// SPDX-License-Identifier: Apache-2.0
/*
 * Prints a random program of the language for a seed: valid by construction as far as types go, so
 * that it must load, or be refused by the checker with a place. What the kernel's verifier says no to
 * is a bug of ours. tests/fuzz/run drives it.
 *
 *	tests/fuzz/generate SEED [TARGET [nobtf]]
 *
 * TARGET is a program for uprobes on its main(), or ""; nobtf: no types of the kernel's.
 *
 * The language stands in the tables: a row is text in which ` and a letter is a part to be chosen:
 *
 *	`i integer  `t text  `b boolean  `o (integer, text) of a variable  `p pointer to struct own
 *	`n integer literal  `s text literal  `d literal below 64  `v integer variable  `w text variable
 *	`e the statements of a block  `x a block with a value  `f a value by find()
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, VARS_MAX = 4, NAMES_MAX = 64, LOOPS_MAX = 2 };

/* What the action of a probe can ask for, beside what all can. */
enum kind { KIND_PLAIN, KIND_RW, KIND_ARGS, KIND_FUNC };

/* Variables in sight, of one type: a letter and these numbers. */
struct vars {
	int name[NAMES_MAX];
	int cnt;
};

struct gen {
	uint64_t state;
	enum kind kind;
	bool nobtf;
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

struct table {
	const char *const *rows;
	uint32_t cnt;
};
#define TABLE(...)                                                                                 \
	(struct table)                                                                             \
	{                                                                                          \
		(const char *const[]){ __VA_ARGS__ },                                              \
			sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)              \
	}

static void emit(struct gen *g, const char *row);

static bool needs_btf(const char *row)
{
	return strstr(row, "curtask->") || strstr(row, "task_struct") || strstr(row, "PIDTYPE");
}

static void emit_one(struct gen *g, struct table t)
{
	const char *row;

	do
		row = t.rows[roll(g, t.cnt)];
	while (g->nobtf && needs_btf(row));
	emit(g, row);
}

/* ---- expressions ---- */

static void number(struct gen *g)
{
	if (roll(g, 2))
		printf("%u", roll(g, 100));
	else
		emit_one(g, TABLE("(0)", "(1)", "(127)", "(128)", "(255)", "(256)", "(65535)",
				  "(1e6)", "(2147483647)", "(4294967296)", "(0x7fffffffffffffff)",
				  "(-1)", "(-128)", "(1ms)", "(077)", "(1_000)", "(10u)"));
}

static void variable(struct gen *g, const struct vars *v, char letter)
{
	printf("$%c%d", letter, v->name[roll(g, (uint32_t)v->cnt)]);
}

/* Of the probe's own arguments. */
static void argument(struct gen *g)
{
	switch (g->kind) {
	case KIND_RW: emit_one(g, TABLE("args.fd", "args.count", "(uint64)args.buf")); break;
	case KIND_ARGS: emit_one(g, TABLE("arg0", "arg1", "(int32)arg1")); break;
	case KIND_FUNC: emit_one(g, TABLE("arg0", "arg1", "arg5", "reg(\"ip\")")); break;
	case KIND_PLAIN: emit_one(g, TABLE("pid", "cpu")); break;
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
		emit_one(g, TABLE("pid", "tid", "cpu", "uid", "gid", "nsecs", "elapsed", "rand",
				  "ncpus", "jiffies", "nsecs(boot)", "numaid", "cgroup",
				  "pid(init)", "usermode", "default_str_length"));
	else if (what < 8)
		emit_one(g, TABLE("@n", "@m", "@k[1, \"a\"]", "@t[tid]", "@s.0", "@s.2.1", "@r.a",
				  "(int64)@total", "(int64)@low[cpu]", "(uint64)@average",
				  "@big[`s].0", "@lru[`n]", "@pc[tid]", "@own.b", "@own.arr[1]"));
	else if (what < 10)
		emit_one(g, TABLE("curtask->pid", "curtask->prio", "curtask->cred->uid.val",
				  "curtask->se.vruntime", "curtask->in_execve",
				  "curtask->signal->rlim[3].rlim_cur", "PIDTYPE_SID", "GREEN",
				  "curtask->cpus_mask.bits[cpu & 3]", "sizeof(struct task_struct)",
				  "offsetof(struct own, b)", "`p->b", "`p->arr[1]", "`p->lo",
				  "`p->hi", "`p->in.x", "`p->y", "(uint64)`p", "`p->next->a",
				  "*(uint16 *)(`p)", "`p->arr[pid & 3]", "sizeof(uint32)",
				  "(uint32)`p->color", "LIMIT", "((uint8[4])(uint32)pid)[1]"));
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
	emit_one(g, TABLE("(`i + `i)", "(`i - `i)", "(`i * `i)", "(`i / `i)", "(`i % `i)",
			  "(`i & `i)", "(`i | `i)", "(`i ^ `i)", "(`i << `d)", "(`i >> `d)",
			  "(`i << (`i & 63))", "(uint8)(`i)", "(int8)(`i)", "(uint16)(`i)",
			  "(int32)(`i)", "(uint64)(`i)", "(int64)(`i)", "(uint32)(`i)",
			  "(`b ? `i : `i)", "(`i ?: `i)", "-(`i)", "~(`i)",
			  "(if (`b) { `i } else { `i })", "`x", "strlen(`t)", "strncmp(`t, `t, `d)",
			  "strstr(`t, `s)", "strstr(`t, `t)", "memcmp(`t, `t, 7)",
			  "(uint64)bswap((uint16)(`i))", "(uint64)bswap((uint32)(`i))",
			  "(uint64)bswap((int64)(`i))", "(int64)len(@k)",
			  "(has_key(@t, `i) ? 1 : 2)", "(delete(@k, (`i, `t)) ? `i : 5)", "@t[`i]",
			  "@k[`i, `t]", "`o.0", "(`i, `t, `i).2", "(a=`i, b=`t).a", "m_add(`i, `i)",
			  "m_bool(`t)", "strcontains(`t, `s) + 1", "`f", "(int64)sizeof(`t)",
			  "(is_err(`i) ? 1 : 0)"));
	g->depth--;
}

static void boolean(struct gen *g)
{
	if (g->depth >= DEPTH_MAX + 1) {
		emit_one(g, TABLE("true", "false", "(pid > 1)", "has_key(@t, tid)"));
		return;
	}
	g->depth++;
	emit_one(g, TABLE("true", "(`t == `t)", "(`t != `t)", "(`t == `s)", "!(`i)", "(`b && `b)",
			  "(`b || `b)", "((`i, `t) == (`i, \"x\"))", "((`i, `t) != (`i, `t))",
			  "(`i < `i)", "(`i <= `i)", "(`i > `i)", "(`i >= `i)", "(`i == `i)",
			  "(`i != `i)", "strcontains(`t, `s)", "has_key(@t, `i)",
			  "has_key(@k, (`i, `t))", "(`o == (`i, `t))", "(`o.1 == `t)", "!(`b)",
			  "(`p->color == GREEN)", "((bool)(`i))", "(`p->arr == `p->arr)"));
	g->depth--;
}

static void literal_text(struct gen *g)
{
	emit_one(g, TABLE("\"\"", "\"a\"", "\"abc\"", "\"sh\"", "\"with \\\"quotes\\\" \\x41\"",
			  "\"a longer text of some forty bytes, ends.\"",
			  "\"a text of more than sixty-four bytes, so that it is never on the "
			  "stack\""));
}

static void text(struct gen *g)
{
	uint32_t what = roll(g, 10);

	if (what < 3 && g->texts.cnt) {
		variable(g, &g->texts, 's');
	} else if (what < 7 || g->depth >= DEPTH_MAX) {
		emit_one(g, TABLE("comm", "`s", "@x", "@s.1", "@r.b", "@names[1]", "curtask->comm",
				  "probe", "`p->name", "probetype", "str(`p->text)", "@own.name"));
	} else {
		g->depth++;
		emit_one(g,
			 TABLE("(`b ? `t : `t)", "str_concat(`t, `t)", "str_concat(comm, `t)",
			       "str((uint64)`p, 16)", "str(`p->text, pid & 15)", "str(`t, `i)",
			       "signal_name(`i)", "strerror(`i)", "syscall_name(`i)", "`o.1",
			       "(if (`b) { `t } else { `t })", "@names[`i]", "(`i, `t).1",
			       "(a=`i, b=`t).b", "(string[20])(`t)", "@big[`s].1", "m_text(`t)"));
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
		emit_one(g,
			 g->kind == KIND_RW
				 ? TABLE("((struct own *)curtask)", "((struct own *)args.buf)",
					 "(((struct own *)curtask) + 1)")
				 : TABLE("((struct own *)curtask)", "((struct own *)kptr(curtask))",
					 "((struct own *)uptr(cpu))"));
		break;
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
	emit_one(g, TABLE("printf(\"%d %s %x\\n\", `i, `t, `i);",
			  "printf(\"%5lld|%-20s|%c|%p|%llu\\n\", `i, `t, `i, `p, (uint64)`i);",
			  "printf(\"%r %rx %s %d\\n\", buf(`t, 9), buf(`t), `p->color, `p->color);",
			  "printf(\"%s %s %s\\n\", ntop((uint32)`i), macaddr(`p), `b);",
			  "printf(\"%s %s\\n\", ksym(`i), strftime(\"%H:%M:%S\", nsecs));",
			  "printf(\"%s\", kstack(3));", "print(ustack(perf, 2));", "print(kstack);",
			  "print((`i, `t, `b));", "print((`i, (`t, `i), (`b, `i, `t)));",
			  "print((a=`i, b=`t, c=(`b, `i)));", "print(`t);", "print(`i);",
			  "print(`b);", "print(`o);", "print(@k);", "print(@k[`i, `t]);",
			  "print(@by, 2);", "print(@h);", "print(@total);", "print(@own);",
			  "print(*`p);", "print(`p->in);", "print(`p->arr);", "print(`p->grid);",
			  "print(curtask->cred->uid);", "print(buf(`t, `i));",
			  "print(buf(`p, 40));", "print(curtask->cpus_mask);",
			  "print(ntop(`p->arr));", "print(pton(\"10.0.0.1\"));",
			  "print((int8[4])(uint32)`i);", "print(cgroup_path(cgroup));",
			  "print(usym(`i));", "print(username);", "errorf(\"%d\\n\", `i);",
			  "warnf(\"%s\\n\", `t);", "debugf(\"%s\\n\", `t);", "time(\"%H\\n\");",
			  "clear(@gone);", "zero(@by);", "join((uint64)`p, \",\");"));
	putchar('\n');
}

static void map_stmt(struct gen *g)
{
	emit_one(g, TABLE("@x = `t;", "@n = `i;", "@m = `i;", "@n += `i;", "@n -= `i;", "@m ^= `i;",
			  "@m *= `i;", "@n /= `i;", "@n %= `i;", "@m |= `i;", "@m &= `i;",
			  "@n <<= `d;", "@m >>= `d;", "@n++;", "--@m;", "@t[tid]++;",
			  "@t[`i] = `i;", "@t[`i] += `i;", "delete(@t, tid);",
			  "delete(@k[1, \"a\"]);", "delete(@t, `i);", "@k[`i, `t] = `i;",
			  "@s = (`i, `t, (`b, `i));", "@r = (a=`i, b=`t);", "@names[`i] = `t;",
			  "@big[`t] = (`i, `t);", "@own = *`p;", "@lru[`i] = `i;", "@pc[`i] += `i;",
			  "@gone[`o] = `b;", "@bits[buf(`t, 12)] = `t;",
			  "@stk[kstack(2), ustack] = count();", "@col[`p->color] = count();",
			  "@by[`t] = count();", "@by[str_concat(`t, `t)] = count();",
			  "@total = sum(`i);", "@average = avg(`i);", "@low[cpu] = min(`i);",
			  "@high[`t, `i] = max(`i);", "@a[`i, `t] = stats(`i);", "@h = hist(`i);",
			  "@hk[`i, (`t, `b)] = hist(`i, 3);", "@lh[`t] = lhist(`i, 0, 1000, 10);",
			  "@ts = tseries(`i, 1s, 10);", "m_bump(@n);", "$got = @n++ + --@m;",
			  "@wide[`i, `t, `b, (`i, `t)] = (`t, (`i, `t));",
			  "_ = delete(@k, (`i, `t));", "if (find(@t, `i, $f)) { print($f); }"));
	putchar('\n');
}

static bool assign_new(struct gen *g, struct vars *v, char letter, const char *value)
{
	if (v->cnt >= VARS_MAX || g->made >= NAMES_MAX - 4)
		return false;
	printf("%s$%c%d = ", roll(g, 3) ? "" : "let ", letter, g->made);
	emit(g, value);
	printf(";\n");
	v->name[v->cnt++] = g->made++;
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
	emit_one(g, TABLE("`v = `i;\n", "`v += `i;\n", "`v ^= `i;\n", "`v -= `i;\n", "`v *= `i;\n",
			  "`v /= `i;\n", "`v %= `i;\n", "`v |= `i;\n", "`v &= `i;\n",
			  "`v <<= `d;\n", "`v >>= `d;\n", "`v++;\n", "--`v;\n", "m_double(`v);\n"));
}

static void loop(struct gen *g)
{
	int name = g->made++, ints = g->ints.cnt;

	g->loops++;
	switch (roll(g, 6)) {
	case 0:
		printf("for ($i%d : 0..%u) ", name, 1 + roll(g, 70));
		g->ints.name[g->ints.cnt++] = name;
		break;
	case 1:
		printf("for ($i%d : 0..", name);
		emit(g, "((int64)`i & 63)) ");
		g->ints.name[g->ints.cnt++] = name;
		break;
	case 2:
		printf("for ($kv%d : %s) ", name,
		       TABLE("@k", "@by", "@t", "@names", "@total").rows[roll(g, 4)]);
		break;
	case 3:
		printf("unroll(%u) ", 1 + roll(g, 4));
		g->unrolled++;
		block(g);
		g->unrolled--;
		g->loops--;
		return;
	case 4: printf("while ($i%d++ < %u) ", g->ints.name[0], 1 + roll(g, 9)); break;
	default: printf("$c%d = 0;\nwhile ($c%d++ < %u) ", name, name, 1 + roll(g, 9));
	}
	block(g);
	g->ints.cnt = ints;
	g->loops--;
}

static void branch(struct gen *g)
{
	emit(g, "if (`b) `e");
	if (roll(g, 2))
		emit_one(g, TABLE("else `e", "else if (`b) `e", "else if (`i) `e else `e"));
}

static void statement(struct gen *g)
{
	uint32_t what = roll(g, 20);

	if (what < 3 && g->level < 3)
		branch(g);
	else if (what < 6 && g->level < 3 && g->loops < LOOPS_MAX && g->made < 50)
		loop(g);
	else if (what < 7 && g->level > 1 && !g->unrolled)
		emit(g, g->loops ? "if (`b) { continue; }\nif (`b) { break; }\n"
				 : "if (`b) { return; }\n");
	else if (what < 8)
		emit_one(g, TABLE("if comptime (sizeof(uint64) == 8) { @n = 3; }\n",
				  "let $z: uint32 = pid;\nprint($z);\n", "{ let $z; $z = `t; }\n",
				  "let $p = (uint64 *)uptr(`i);\nprint(*$p);\n",
				  "$r = (a=`i, b=`t);\nprint(($r.a, $r.b));\n"));
	else if (what < 12)
		map_stmt(g);
	else if (what < 15)
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

static void probe(struct gen *g, const char *target)
{
	static const struct {
		const char *at;
		enum kind kind;
	} places[] = {
		{ "tracepoint:syscalls:sys_enter_write", KIND_RW },
		{ "tracepoint:syscalls:sys_enter_write", KIND_RW },
		{ "tracepoint:syscalls:sys_enter_read,\ntracepoint:syscalls:sys_enter_write",
		  KIND_RW },
		{ "rawtracepoint:sys_enter", KIND_ARGS },
		{ "interval:s:100", KIND_PLAIN },
		{ "profile:hz:1", KIND_PLAIN },
		{ "software:cpu-clock:1000000000", KIND_PLAIN },
		{ "begin", KIND_PLAIN },
		{ "end", KIND_PLAIN },
		{ NULL, KIND_FUNC },
	};
	uint32_t at = roll(g, sizeof(places) / sizeof(*places) - (target ? 0 : 1));

	g->ints.cnt = g->texts.cnt = g->tuples.cnt = 0;
	g->made = g->depth = g->level = g->loops = g->unrolled = 0;
	g->kind = places[at].kind;
	if (places[at].at)
		printf("%s ", places[at].at);
	else
		printf("uprobe:%s:main ", target);
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
	     "enum shade color; int grid[2][3]; };");
	if (!roll(g, 4))
		emit_one(g, TABLE("config = { max_strlen = 64; }\n",
				  "config = { max_strlen = 3000; }\n",
				  "config = { on_stack_limit = 8; }\n",
				  "config = { on_stack_limit = 128; max_strlen = 200; }\n"));
	puts("macro m_add(a, b) { a + b }\n"
	     "macro m_bool(t) { let $y = t; if ($y == \"abc\") { 1 } else { 0 } }\n"
	     "macro m_text(t) { str_concat(t, \"!\") }\n"
	     "macro m_bump(@map) { @map++; }\n"
	     "macro m_double($v) { $v += $v; }\n"
	     "let @lru = lruhash(100);\nlet @pc = percpuhash(50);\n"
	     "begin {\n@n = 1; @m = -1; @k[(int64)1, \"a\"] = (int64)2; @t[tid] = nsecs;\n"
	     "@x = comm; @s = (1, \"one\", (true, pid)); @r = (a=1, b=\"one\");\n"
	     "@by[comm] = count(); @total = sum(3); @average = avg(4); @low[cpu] = min(5);\n"
	     "@names[(int64)1] = \"one\"; @big[\"a\"] = (1, \"one\"); @lru[1] = (int64)1;\n"
	     "@pc[1] = (int64)1; @gone[(int64)1, \"a\"] = true; @h = hist(1);\n"
	     "@own = *(struct own *)curtask; exit();\n}");
}

int main(int argc, char **argv)
{
	struct gen g = { .state = argc > 1 ? strtoull(argv[1], NULL, 0) * 2654435769u +
						     88172645463325252u
					   : 1 };
	const char *target = argc > 2 && *argv[2] ? argv[2] : NULL;

	g.nobtf = argc > 3 && !strcmp(argv[3], "nobtf");

	roll(&g, 2);
	preamble(&g);
	for (uint32_t cnt = 1 + roll(&g, 3); cnt; cnt--)
		probe(&g, target);
	return 0;
}

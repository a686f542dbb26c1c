// SPDX-License-Identifier: Apache-2.0
/*
 * Prints a random program of the language for a seed: valid by construction as far as types go, so
 * that it must load, or be refused by the checker with a place. What the kernel's verifier says no to
 * is a bug of ours. tests/fuzz/run drives it.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 4
#define VARS_MAX 4

struct gen {
	uint64_t state;
	int ints, strs; /* variables in sight: $i0.., $s0.. */
	int depth, level, loops;
	int made; /* names given so far in this probe */
	int int_name[64], str_name[64];
};

/* xorshift64*: the same programs on every machine. */
static uint32_t roll(struct gen *g, uint32_t n)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return (uint32_t)((g->state * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static const char *pick(struct gen *g, const char *const *words, uint32_t cnt)
{
	return words[roll(g, cnt)];
}
#define PICK(g, ...)                                                                               \
	pick((g), (const char *const[]){ __VA_ARGS__ },                                            \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void integer(struct gen *g);
static void text(struct gen *g);
static void block(struct gen *g);

static void number(struct gen *g)
{
	static const char *const edge[] = { "0",
					    "1",
					    "2",
					    "7",
					    "127",
					    "128",
					    "255",
					    "256",
					    "65535",
					    "1e6",
					    "2147483647",
					    "4294967296",
					    "0x7fffffffffffffff",
					    "-1",
					    "-128",
					    "1ms" };

	if (roll(g, 2))
		printf("%u", roll(g, 100));
	else
		printf("(%s)", edge[roll(g, sizeof(edge) / sizeof(*edge))]);
}

static void boolean(struct gen *g)
{
	switch (roll(g, 6)) {
	case 0: printf("true"); break;
	case 1:
		printf("(");
		text(g);
		printf(" %s ", PICK(g, "==", "!="));
		text(g);
		printf(")");
		break;
	case 2:
		printf("!");
		integer(g);
		break;
	case 3:
		printf("(");
		boolean(g);
		printf(" %s ", PICK(g, "&&", "||"));
		boolean(g);
		printf(")");
		break;
	case 4:
		printf("((");
		integer(g);
		printf(", ");
		text(g);
		printf(") == (");
		integer(g);
		printf(", \"x\"))");
		break;
	default:
		printf("(");
		integer(g);
		printf(" %s ", PICK(g, "<", "<=", ">", ">=", "==", "!="));
		integer(g);
		printf(")");
	}
}

static void int_leaf(struct gen *g)
{
	uint32_t what = roll(g, 10);

	if (what < 3 && g->ints)
		printf("$i%d", g->int_name[roll(g, (uint32_t)g->ints)]);
	else if (what < 5)
		printf("%s", PICK(g, "pid", "tid", "cpu", "uid", "nsecs", "elapsed", "rand",
				  "ncpus", "jiffies", "args.fd", "args.count", "(uint64)args.buf"));
	else if (what < 6)
		printf("%s", PICK(g, "@n", "@m", "@k[1, \"a\"]", "@t[tid]", "@s.0", "@s.2.1"));
	else if (what < 7)
		printf("%s",
		       PICK(g, "curtask->pid", "curtask->prio", "curtask->cred->uid.val",
			    "curtask->se.vruntime", "curtask->in_execve",
			    "curtask->signal->rlim[3].rlim_cur", "PIDTYPE_SID",
			    "curtask->cpus_mask.bits[cpu & 3]", "sizeof(struct task_struct)",
			    "offsetof(struct own, b)", "((struct own *)curtask)->b",
			    "((struct own *)args.buf)->arr[1]", "((struct own *)curtask)->lo"));
	else
		number(g);
}

static void call_int(struct gen *g)
{
	switch (roll(g, 7)) {
	case 0: printf("strlen("); break;
	case 1:
		printf("strncmp(");
		text(g);
		printf(", ");
		text(g);
		printf(", %u)", roll(g, 20));
		return;
	case 2:
		printf("strstr(");
		text(g);
		printf(", \"%s\")", PICK(g, "a", "", "bc", "sh"));
		return;
	case 3:
		printf("memcmp(");
		text(g);
		printf(", ");
		text(g);
		printf(", %u)", roll(g, 12));
		return;
	case 4:
		printf("(uint64)bswap((%s)", PICK(g, "uint16", "uint32", "int64", "int8"));
		integer(g);
		printf(")");
		return;
	case 5: printf("(int64)len(@k)"); return;
	default:
		printf("(has_key(@t, ");
		integer(g);
		printf(") ? 1 : 2)");
		return;
	}
	text(g);
	printf(")");
}

static void integer(struct gen *g)
{
	if (g->depth >= DEPTH_MAX) {
		int_leaf(g);
		return;
	}
	g->depth++;
	switch (roll(g, 10)) {
	case 0:
	case 1:
	case 2:
		printf("(");
		integer(g);
		printf(" %s ", PICK(g, "+", "-", "*", "/", "%", "&", "|", "^"));
		integer(g);
		printf(")");
		break;
	case 3:
		printf("(");
		integer(g);
		printf(" %s %u)", PICK(g, "<<", ">>"), roll(g, 64));
		break;
	case 4:
		printf("(%s)", PICK(g, "uint8", "int8", "uint16", "int32", "uint64", "int64"));
		int_leaf(g);
		break;
	case 5:
		printf("(");
		boolean(g);
		printf(" ? ");
		integer(g);
		printf(" : ");
		integer(g);
		printf(")");
		break;
	case 6:
		printf("%s", PICK(g, "-", "~"));
		int_leaf(g);
		break;
	case 7: call_int(g); break;
	default: int_leaf(g);
	}
	g->depth--;
}

static void text(struct gen *g)
{
	uint32_t what = roll(g, 10);

	if (what < 3 && g->strs) {
		printf("$s%d", g->str_name[roll(g, (uint32_t)g->strs)]);
	} else if (what < 4 && g->depth < DEPTH_MAX) {
		g->depth++;
		printf("(");
		boolean(g);
		printf(" ? ");
		text(g);
		printf(" : ");
		text(g);
		printf(")");
		g->depth--;
	} else if (what < 5 && g->depth < DEPTH_MAX) {
		g->depth += 2;
		printf("str_concat(comm, ");
		text(g);
		printf(")");
		g->depth -= 2;
	} else {
		printf("%s",
		       PICK(g, "comm", "\"\"", "\"abc\"", "\"a longer text of some forty bytes..\"",
			    "@x", "@s.1", "curtask->comm", "str(args.buf, 16)", "probe",
			    "str(args.buf, pid & 15)", "signal_name(pid)",
			    "((struct own *)curtask)->name"));
	}
}

static void print_stmt(struct gen *g)
{
	switch (roll(g, 4)) {
	case 0:
		printf("printf(\"%%d %%s %%x\\n\", ");
		integer(g);
		printf(", ");
		text(g);
		printf(", ");
		integer(g);
		printf(");\n");
		return;
	case 1: printf("print(("); break;
	case 2:
		printf("print(%s);\n",
		       PICK(g, "@k", "@s", "*((struct own *)curtask)", "curtask->cred->uid",
			    "buf(comm, 5)", "@c", "(pid, (comm, cpu))", "ntop(pid)",
			    "curtask->cpus_mask"));
		return;
	default:
		printf("print(");
		text(g);
		printf(");\n");
		return;
	}
	integer(g);
	printf(", ");
	text(g);
	printf(", ");
	boolean(g);
	printf("));\n");
}

static void map_stmt(struct gen *g)
{
	static const char *const key[] = { "@n = ", "@m = ", "@k[1, \"a\"] = ", "@t[tid] = ",
					   "@n += " };

	switch (roll(g, 8)) {
	case 0:
		printf("@x = ");
		text(g);
		break;
	case 1:
		printf("@s = (");
		integer(g);
		printf(", ");
		text(g);
		printf(", (true, ");
		integer(g);
		printf("))");
		break;
	case 2:
		printf("@c[");
		text(g);
		printf("] = count()");
		break;
	case 3:
		printf("@h = hist(");
		integer(g);
		printf(", %u)", 2);
		break;
	case 4:
		printf("@a[");
		integer(g);
		printf(", ");
		text(g);
		printf("] = %s(", "stats");
		integer(g);
		printf(")");
		break;
	case 5:
		printf("%s", PICK(g, "@n++", "--@m", "@t[tid]++", "delete(@t, tid)",
				  "delete(@k[1, \"a\"])"));
		break;
	default: printf("%s", key[roll(g, 5)]); integer(g);
	}
	printf(";\n");
}

static void assign(struct gen *g)
{
	if (roll(g, 3) && g->ints < VARS_MAX && g->made < 60) {
		printf("$i%d = ", g->made);
		integer(g);
		printf(";\n");
		g->int_name[g->ints++] = g->made++;
	} else if (g->strs < VARS_MAX && g->made < 60) {
		printf("$s%d = ", g->made);
		text(g);
		printf(";\n");
		g->str_name[g->strs++] = g->made++;
	} else {
		printf("$i%d %s ", g->int_name[0], PICK(g, "=", "+=", "^=", "-="));
		integer(g);
		printf(";\n");
	}
}

static void loop(struct gen *g)
{
	int name = g->made++, ints = g->ints;

	if (g->loops || g->made > 50) {
		print_stmt(g);
		return;
	}
	g->loops++;
	switch (roll(g, 4)) {
	case 0:
		printf("for ($i%d : 0..%u) ", name, 1 + roll(g, 20));
		g->int_name[g->ints++] = name;
		break;
	case 1: printf("for ($kv%d : @k) ", name); break;
	case 2: printf("unroll(%u) ", 1 + roll(g, 4)); break;
	default: printf("$i%d = 0;\nwhile ($i%d++ < %u) ", name, name, 1 + roll(g, 9));
	}
	block(g);
	g->ints = ints;
	g->loops--;
}

static void statement(struct gen *g)
{
	switch (roll(g, 9)) {
	case 0:
	case 1: print_stmt(g); break;
	case 2:
	case 3: map_stmt(g); break;
	case 4:
		if (g->level < 3) {
			printf("if ");
			boolean(g);
			printf(" ");
			block(g);
			if (roll(g, 2)) {
				printf("else ");
				block(g);
			}
			break;
		}
		/* fallthrough */
	case 5:
		if (g->level < 3) {
			loop(g);
			break;
		}
		/* fallthrough */
	default: assign(g);
	}
}

static void block(struct gen *g)
{
	int ints = g->ints, strs = g->strs;
	uint32_t cnt = 1 + roll(g, g->level ? 3 : 6);

	g->level++;
	printf("{\n");
	while (cnt--)
		statement(g);
	printf("}\n");
	g->level--;
	g->ints = ints;
	g->strs = strs;
}

static void probe(struct gen *g, const char *at)
{
	g->ints = g->strs = g->made = g->depth = g->level = g->loops = 0;
	printf("%s ", at);
	if (roll(g, 3) == 0) {
		printf("/ ");
		boolean(g);
		printf(" / ");
	}
	printf("{\n$i%d = pid;\n", g->made);
	g->int_name[g->ints++] = g->made++;
	block(g);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct gen g = { .state = argc > 1 ? strtoull(argv[1], NULL, 0) * 2654435769u +
						     88172645463325252u
					   : 1 };

	roll(&g, 2);
	printf("struct own { int a; long b; unsigned lo : 3, hi : 29; int arr[4]; char name[12]; "
	       "};\n");
	printf("begin {\n@n = 1; @m = -1; @k[1, \"a\"] = 2; @t[tid] = nsecs; @x = comm;\n"
	       "@s = (1, \"one\", (true, pid)); @c[comm] = count(); exit();\n}\n");
	probe(&g, "tracepoint:syscalls:sys_enter_write");
	if (roll(&g, 2))
		probe(&g,
		      "tracepoint:syscalls:sys_enter_read,\ntracepoint:syscalls:sys_enter_write");
	return 0;
}

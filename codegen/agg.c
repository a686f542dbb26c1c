// SPDX-License-Identifier: Apache-2.0
/*
 * Aggregates: count, sum, avg, min, max, stats, hist, lhist, tseries. Each CPU has its own copy and updates it
 * in place through one lookup; they are summed where they are read.
 *
 * A scalar's copies are the entries of an array, by CPU. Those of a key lie in its value, SLOT bytes
 * apart; or each is an entry of its own, or the map is the kernel's per-CPU kind, and SLOT is zero
 * (loading decides: runtime/shape.c): "entry + cpu * SLOT" is right in all cases.
 */
#include "codegen/gen.h"

/* shared: other programs may come in between, see sharing.c */
static void add_at(struct gen *g, LLVMValueRef addr, LLVMValueRef v, bool shared)
{
	LLVMValueRef old;

	if (shared) {
		gen_atomic_add(g, addr, v);
		return;
	}
	old = LLVMBuildLoad2(g->b, g->i64, addr, "");
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, old, v, ""), addr);
}

static LLVMValueRef greater(struct gen *g, LLVMValueRef a, LLVMValueRef b)
{
	return gen_select(g, gen_cmp(g, LLVMIntUGT, a, b), a, b);
}

/* The word that min and max keep of a value, and back again. */
static LLVMValueRef flip(struct gen *g, LLVMValueRef v, bool is_min, bool is_signed)
{
	return LLVMBuildXor(g->b, v, gen_i64(g, agg_extreme_flip(is_min, is_signed)), "");
}

static void keep_greater(struct gen *g, LLVMValueRef addr, LLVMValueRef word, bool shared)
{
	LLVMValueRef old;

	if (shared) {
		gen_atomic_max(g, addr, word);
		return;
	}
	old = LLVMBuildLoad2(g->b, g->i64, addr, "");
	LLVMBuildStore(g->b, greater(g, word, old), addr);
}

/* The bucket of hist(v, k): see hist_buckets() in the seam. */
static LLVMValueRef hist_bucket(struct gen *g, LLVMValueRef v, uint32_t k)
{
	LLVMValueRef top = gen_log2(g, v), group, base, mant, index, exact;

	/* group e-k of 2^k buckets begins at 1 + 2^k + ((e-k) << k); the next k bits choose */
	group = LLVMBuildSub(g->b, top, gen_i64(g, k), "");
	base = LLVMBuildShl(g->b, group, gen_i64(g, k), "");
	mant = LLVMBuildLShr(g->b, v, LLVMBuildAnd(g->b, group, gen_i64(g, 63), ""), "");
	mant = LLVMBuildAnd(g->b, mant, gen_i64(g, (1u << k) - 1), "");
	index = LLVMBuildAdd(g->b, base, mant, "");
	index = LLVMBuildAdd(g->b, index, gen_i64(g, 1 + (1u << k)), "");
	exact = LLVMBuildAdd(g->b, v, gen_i64(g, 1), "");
	return gen_select(g, gen_cmp(g, LLVMIntULT, v, gen_i64(g, 1ULL << k)), exact, index);
}

static LLVMValueRef lhist_bucket(struct gen *g, LLVMValueRef v, const struct type *t,
				 bool is_signed)
{
	LLVMValueRef min = gen_i64(g, (uint64_t)t->min), max = gen_i64(g, (uint64_t)t->max);
	LLVMValueRef step = gen_i64(g, (uint64_t)t->step), index, below, above;

	index = LLVMBuildUDiv(g->b, LLVMBuildSub(g->b, v, min, ""), step, "");
	index = LLVMBuildAdd(g->b, index, gen_i64(g, 1), "");
	above = gen_cmp(g, is_signed ? LLVMIntSGE : LLVMIntUGE, v, max);
	index = gen_select(g, above, gen_i64(g, lhist_buckets(t->min, t->max, t->step) - 1), index);
	below = gen_cmp(g, is_signed || t->min < 0 ? LLVMIntSLT : LLVMIntULT, v, min);
	if (!is_signed && t->min <= 0)
		return index;
	return gen_select(g, below, gen_i64(g, 0), index);
}

/* One more in the bucket; the bound is checked where the verifier sees it. */
static void count_bucket(struct gen *g, LLVMValueRef entry, LLVMValueRef index, uint32_t buckets,
			 bool shared)
{
	LLVMBasicBlockRef in = gen_block(g, "bucket"), join = gen_block(g, "join");

	index = gen_opaque(g, index);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, index, gen_i64(g, buckets)), in, join);
	gen_at(g, in);
	index = LLVMBuildShl(g->b, index, gen_i64(g, 3), "");
	add_at(g, gen_off_var(g, entry, index), gen_i64(g, 1), shared);
	gen_br(g, join);
	gen_at(g, join);
}

/* ---- one update each; v is NULL for count() ---- */

struct sample {
	LLVMValueRef v;
	bool is_signed; /* how v is to be read */
	bool shared;
};

static void update_count(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	(void)t;
	add_at(g, entry, gen_i64(g, 1), s.shared);
}

static void update_sum(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	(void)t;
	add_at(g, entry, s.v, s.shared);
	add_at(g, gen_off(g, entry, offsetof(struct agg_sum, cnt)), gen_i64(g, 1), s.shared);
}

static void update_extreme(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	keep_greater(g, entry, flip(g, s.v, t->kind == V_MIN, t->is_signed), s.shared);
	add_at(g, gen_off(g, entry, offsetof(struct agg_minmax, cnt)), gen_i64(g, 1), s.shared);
}

static void update_hist(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	LLVMValueRef index = hist_bucket(g, s.v, t->k), below;

	if (s.is_signed) {
		below = gen_cmp(g, LLVMIntSLT, s.v, gen_i64(g, 0));
		index = gen_select(g, below, gen_i64(g, 0), index);
	}
	count_bucket(g, entry, index, hist_buckets(t->k), s.shared);
}

static void update_lhist(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	count_bucket(g, entry, lhist_bucket(g, s.v, t, s.is_signed),
		     lhist_buckets(t->min, t->max, t->step), s.shared);
}

/* ---- tseries: words of a slot */

struct slot {
	LLVMValueRef interval, value, cnt; /* where they are */
};

/*
 * A slot of an interval that has gone by becomes that of now. Whoever changes the number of the interval
 * takes away what it found; what others add from then on stays. A program that comes in between
 * does all of it first, and the one that it interrupted only adds.
 */
static void turn_slot(struct gen *g, const struct slot *at, const struct type *t,
		      LLVMValueRef interval)
{
	LLVMBasicBlockRef old = gen_block(g, "old"), turned = gen_block(g, "turned");
	LLVMBasicBlockRef join = gen_block(g, "join");
	LLVMValueRef had = LLVMBuildLoad2(g->b, g->i64, at->interval, ""), value, cnt, was;

	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, had, interval), join, old);
	gen_at(g, old);
	value = LLVMBuildLoad2(g->b, g->i64, at->value, "");
	cnt = LLVMBuildLoad2(g->b, g->i64, at->cnt, "");
	if (t->k == TSERIES_MIN || t->k == TSERIES_MAX)
		gen_atomic_swap(g, at->value, value, gen_i64(g, 0));
	was = gen_atomic_swap(g, at->interval, had, interval);
	gen_cond_br(g, gen_cmp(g, LLVMIntEQ, was, had), turned, join);
	gen_at(g, turned);
	if (t->k == TSERIES_SUM || t->k == TSERIES_AVG)
		gen_atomic_add(g, at->value, LLVMBuildNeg(g->b, value, ""));
	gen_atomic_add(g, at->cnt, LLVMBuildNeg(g->b, cnt, ""));
	gen_br(g, join);
	gen_at(g, join);
}

static void update_shared_slot(struct gen *g, const struct slot *at, const struct type *t,
			       LLVMValueRef v, LLVMValueRef interval)
{
	turn_slot(g, at, t, interval);
	if (t->k == TSERIES_SUM || t->k == TSERIES_AVG)
		gen_atomic_add(g, at->value, v);
	else
		gen_atomic_max(g, at->value, v);
	gen_atomic_add(g, at->cnt, gen_i64(g, 1));
}

static void update_own_slot(struct gen *g, const struct slot *at, const struct type *t,
			    LLVMValueRef v, LLVMValueRef interval)
{
	LLVMValueRef had = LLVMBuildLoad2(g->b, g->i64, at->interval, ""), value, cnt, same;

	same = gen_cmp(g, LLVMIntEQ, had, interval);
	value = LLVMBuildLoad2(g->b, g->i64, at->value, "");
	value = gen_select(g, same, value, gen_i64(g, 0));
	cnt = LLVMBuildLoad2(g->b, g->i64, at->cnt, "");
	cnt = gen_select(g, same, cnt, gen_i64(g, 0));
	if (t->k == TSERIES_SUM || t->k == TSERIES_AVG)
		value = LLVMBuildAdd(g->b, value, v, "");
	else
		value = greater(g, v, value);
	LLVMBuildStore(g->b, value, at->value);
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, cnt, gen_i64(g, 1), ""), at->cnt);
	LLVMBuildStore(g->b, interval, at->interval);
}

static void update_slot(struct gen *g, LLVMValueRef slot, const struct type *t, struct sample s,
			LLVMValueRef now, LLVMValueRef interval)
{
	const struct slot at = { slot, gen_off(g, slot, offsetof(struct tseries_slot, value)),
				 gen_off(g, slot, offsetof(struct tseries_slot, cnt)) };

	if (t->k == TSERIES_LAST) { /* of two at the same moment either is the last */
		LLVMBuildStore(g->b, s.v, at.value);
		LLVMBuildStore(g->b, now, at.cnt);
		LLVMBuildStore(g->b, interval, at.interval);
		return;
	}
	if (t->k == TSERIES_MIN || t->k == TSERIES_MAX)
		s.v = flip(g, s.v, t->k == TSERIES_MIN, t->is_signed);
	(s.shared ? update_shared_slot : update_own_slot)(g, &at, t, s.v, interval);
}

static void update_tseries(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	LLVMBasicBlockRef in = gen_block(g, "slot"), join = gen_block(g, "join");
	LLVMValueRef now = HELP0(g, ktime_get_boot_ns), interval, index;
	uint64_t slots = (uint64_t)t->max;

	interval = LLVMBuildAdd(g->b, now, gen_konst(g, KONST_WALL_OFFSET_NS, NULL), "");
	interval = LLVMBuildUDiv(g->b, interval, gen_i64(g, (uint64_t)t->min), "");
	index = gen_opaque(g, LLVMBuildURem(g->b, interval, gen_i64(g, slots), ""));
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, index, gen_i64(g, slots)), in, join);
	gen_at(g, in);
	index = LLVMBuildMul(g->b, index, gen_i64(g, sizeof(struct tseries_slot)), "");
	update_slot(g, gen_off_var(g, entry, index), t, s, now, interval);
	gen_br(g, join);
	gen_at(g, join);
}

typedef void update_fn(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s);

static update_fn *const updates[V_KIND_CNT] = {
	[V_COUNT] = update_count, [V_SUM] = update_sum,	    [V_AVG] = update_sum,
	[V_STATS] = update_sum,	  [V_MIN] = update_extreme, [V_MAX] = update_extreme,
	[V_HIST] = update_hist,	  [V_LHIST] = update_lhist, [V_TSERIES] = update_tseries,
};

static LLVMValueRef slot_size(struct gen *g, struct map_sym *m)
{
	return gen_konst(g, KONST_SLOT, ((struct map_gen *)m->gen)->name);
}

static LLVMValueRef at_slot(struct gen *g, LLVMValueRef entry, LLVMValueRef cpu, LLVMValueRef slot)
{
	return gen_off_var(g, entry, LLVMBuildMul(g->b, cpu, slot, ""));
}

static LLVMValueRef array_entry(struct gen *g, struct map_sym *m, LLVMValueRef cpu)
{
	LLVMValueRef key = gen_tmp(g, 4);

	LLVMBuildStore(g->b, LLVMBuildTrunc(g->b, cpu, g->i32, ""), key);
	return HELP(g, map_lookup_elem, ((struct map_gen *)m->gen)->global, key);
}

/* This CPU's copy; to fail when there is none. */
static LLVMValueRef own_copy(struct gen *g, struct node *map, LLVMBasicBlockRef fail)
{
	LLVMValueRef cpu = gen_call_int(g, builtin_by_id(B_cpu), NULL, NULL), entry;
	LLVMBasicBlockRef ok = gen_block(g, "own");
	struct map_sym *m = map->map.sym;

	if (!m->key) {
		entry = array_entry(g, m, cpu);
		gen_cond_br(g, gen_not_zero(g, entry), ok, fail);
		gen_at(g, ok);
		return entry;
	}
	entry = map_entry(g, m, map_key_on(g, m, map->map.key, cpu), fail);
	cpu = gen_opaque(g, cpu); /* the check below is for the verifier, not for LLVM */
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, cpu, gen_konst(g, KONST_NCPUS, NULL)), ok, fail);
	gen_at(g, ok);
	return at_slot(g, entry, cpu, slot_size(g, m));
}

void agg_update(struct gen *g, struct node *map, struct node *call)
{
	struct map_sym *m = map->map.sym;
	struct node *arg = call->call.args;
	LLVMBasicBlockRef join = gen_block(g, "join");
	struct sample s = { .shared = ((struct map_gen *)m->gen)->shared };
	LLVMValueRef entry;

	if (arg) {
		s.v = gen_int(g, arg);
		/* every unsigned type but the widest fits the signed reading */
		s.is_signed = arg->type->is_signed || arg->type->size < 8;
	}
	entry = own_copy(g, map, join);
	updates[m->val->kind](g, entry, m->val, s);
	gen_br(g, join);
	gen_at(g, join);
}

/* ---- reading: the sum over all CPUs ---- */

struct agg_total {
	LLVMValueRef a, b; /* memory of two words: n; sum, cnt; value, cnt */
};

static void add_cpu(struct gen *g, const struct type *t, struct agg_total *s, LLVMValueRef entry)
{
	LLVMValueRef v = LLVMBuildLoad2(g->b, g->i64, entry, "");

	if (t->kind == V_MIN || t->kind == V_MAX)
		keep_greater(g, s->a, v, false);
	else
		add_at(g, s->a, v, false);
	if (t->kind != V_COUNT)
		add_at(g, s->b, LLVMBuildLoad2(g->b, g->i64, gen_off(g, entry, 8), ""), false);
}

/*
 * A loop over all CPUs under construction: the body is built between open and close. There is at
 * least one CPU, so the test may stand at the end.
 */
struct cpu_loop {
	LLVMBasicBlockRef from, body, next, done;
	LLVMValueRef cpu;
};

static struct cpu_loop cpu_loop_open(struct gen *g)
{
	struct cpu_loop l = { LLVMGetInsertBlock(g->b), gen_block(g, "cpu"), gen_block(g, "next"),
			      gen_block(g, "done"), NULL };

	g->has_loops = true;
	gen_br(g, l.body);
	gen_at(g, l.body);
	l.cpu = LLVMBuildPhi(g->b, g->i64, "");
	return l;
}

static void cpu_loop_close(struct gen *g, struct cpu_loop *l)
{
	LLVMValueRef zero = gen_i64(g, 0), more;

	gen_br(g, l->next);
	gen_at(g, l->next);
	more = LLVMBuildAdd(g->b, l->cpu, gen_i64(g, 1), "");
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, more, gen_konst(g, KONST_NCPUS, NULL)), l->body,
		    l->done);
	LLVMAddIncoming(l->cpu, (LLVMValueRef[]){ zero, more },
			(LLVMBasicBlockRef[]){ l->from, l->next }, 2);
	gen_at(g, l->done);
}

static void sum_slots(struct gen *g, struct map_sym *m, LLVMValueRef key, LLVMValueRef slot,
		      struct agg_total *s)
{
	LLVMBasicBlockRef found = gen_block(g, "found"), join = gen_block(g, "join");
	LLVMValueRef entry = HELP(g, map_lookup_elem, ((struct map_gen *)m->gen)->global, key);
	struct cpu_loop l;

	gen_cond_br(g, gen_not_zero(g, entry), found, join);
	gen_at(g, found);
	l = cpu_loop_open(g);
	add_cpu(g, m->val, s, at_slot(g, entry, gen_opaque(g, l.cpu), slot));
	cpu_loop_close(g, &l);
	gen_br(g, join);
	gen_at(g, join);
}

/* fn(entry of the CPU) for every CPU of a scalar. */
static void each_copy(struct gen *g, struct map_sym *m,
		      void (*fn)(struct gen *g, const struct map_sym *m, void *arg,
				 LLVMValueRef entry),
		      void *arg)
{
	struct cpu_loop l = cpu_loop_open(g);
	LLVMBasicBlockRef found = gen_block(g, "found");
	LLVMValueRef entry = array_entry(g, m, l.cpu);

	gen_cond_br(g, gen_not_zero(g, entry), found, l.next);
	gen_at(g, found);
	fn(g, m, arg, entry);
	cpu_loop_close(g, &l);
}

static void add_copy(struct gen *g, const struct map_sym *m, void *arg, LLVMValueRef entry)
{
	add_cpu(g, m->val, arg, entry);
}

static void zero_copy(struct gen *g, const struct map_sym *m, void *arg, LLVMValueRef entry)
{
	(void)arg;
	gen_zero(g, entry, map_value_size(m));
}

void agg_delete_scalar(struct gen *g, struct map_sym *m)
{
	each_copy(g, m, zero_copy, NULL);
}

/* Loading takes the kernel's per-CPU kind only where this helper is too (both 6.1 and 5.19). */
static void sum_percpu(struct gen *g, struct map_sym *m, LLVMValueRef key, struct agg_total *s)
{
	struct cpu_loop l = cpu_loop_open(g);
	LLVMBasicBlockRef add = gen_block(g, "add");
	LLVMValueRef p;

	p = HELP(g, map_lookup_percpu_elem, ((struct map_gen *)m->gen)->global, key, l.cpu);
	gen_cond_br(g, gen_not_zero(g, p), add, l.next);
	gen_at(g, add);
	add_cpu(g, m->val, s, p);
	cpu_loop_close(g, &l);
}

/* The word SLOT is a constant to the verifier, so it sees one of the two ways only. */
static void sum_cpus(struct gen *g, struct map_sym *m, LLVMValueRef key, struct agg_total *s)
{
	LLVMBasicBlockRef slots, percpu, join;
	LLVMValueRef slot;

	if (!m->key) {
		each_copy(g, m, add_copy, s);
		return;
	}
	slots = gen_block(g, "slots");
	percpu = gen_block(g, "percpu");
	join = gen_block(g, "join");
	slot = slot_size(g, m);
	gen_cond_br(g, gen_not_zero(g, slot), slots, percpu);
	gen_at(g, slots);
	sum_slots(g, m, key, slot, s);
	gen_br(g, join);
	gen_at(g, percpu);
	sum_percpu(g, m, key, s);
	gen_br(g, join);
	gen_at(g, join);
}

static struct agg_total total_of(struct gen *g, struct map_sym *m, LLVMValueRef key)
{
	struct agg_total s = { gen_tmp(g, 8), gen_tmp(g, 8) };

	((struct map_gen *)m->gen)->own = true;
	LLVMBuildStore(g->b, gen_i64(g, 0), s.a);
	LLVMBuildStore(g->b, gen_i64(g, 0), s.b);
	sum_cpus(g, m, key, &s);
	return s;
}

static LLVMValueRef average(struct gen *g, struct map_sym *m, LLVMValueRef total, LLVMValueRef cnt)
{
	return gen_arith(g, OP_DIV, total, cnt, m->val->is_signed);
}

LLVMValueRef agg_read_entry(struct gen *g, struct map_sym *m, LLVMValueRef key)
{
	struct agg_total s = total_of(g, m, key);
	LLVMValueRef total = LLVMBuildLoad2(g->b, g->i64, s.a, ""), cnt;
	const struct type *t = m->val;

	if (t->kind == V_COUNT || t->kind == V_SUM)
		return total;
	cnt = LLVMBuildLoad2(g->b, g->i64, s.b, "");
	if (t->kind == V_AVG)
		return average(g, m, total, cnt);
	total = flip(g, total, t->kind == V_MIN, t->is_signed);
	return gen_select(g, gen_not_zero(g, cnt), total, gen_i64(g, 0));
}

/* The record of type_agg_value(): count, average, total. */
void agg_read_stats(struct gen *g, struct map_sym *m, LLVMValueRef key, LLVMValueRef dst)
{
	struct agg_total s = total_of(g, m, key);
	LLVMValueRef total = LLVMBuildLoad2(g->b, g->i64, s.a, "");
	LLVMValueRef cnt = LLVMBuildLoad2(g->b, g->i64, s.b, "");

	LLVMBuildStore(g->b, cnt, dst);
	LLVMBuildStore(g->b, average(g, m, total, cnt), gen_off(g, dst, 8));
	LLVMBuildStore(g->b, total, gen_off(g, dst, 16));
}

LLVMValueRef agg_read_int(struct gen *g, struct node *map)
{
	return agg_read_entry(g, map->map.sym, map_key(g, map));
}

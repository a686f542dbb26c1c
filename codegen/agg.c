// SPDX-License-Identifier: Apache-2.0
/*
 * Aggregates: count, sum, avg, min, max, stats, hist, lhist. Each CPU has its own copy and updates it
 * in place through one lookup; they are summed where they are read.
 */
#include "codegen/gen.h"

static void add_at(struct gen *g, LLVMValueRef addr, LLVMValueRef v)
{
	LLVMValueRef old = LLVMBuildLoad2(g->b, g->i64, addr, "");

	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, old, v, ""), addr);
}

/* min and max: the first value is kept whatever it is. */
static void keep_extreme(struct gen *g, LLVMValueRef entry, const struct type *t, LLVMValueRef v)
{
	LLVMValueRef cnt_at = gen_off(g, entry, offsetof(struct agg_minmax, cnt));
	LLVMValueRef cnt = LLVMBuildLoad2(g->b, g->i64, cnt_at, "");
	LLVMValueRef old = LLVMBuildLoad2(g->b, g->i64, entry, ""), better;
	LLVMIntPredicate pred;

	if (t->kind == V_MIN)
		pred = t->is_signed ? LLVMIntSLT : LLVMIntULT;
	else
		pred = t->is_signed ? LLVMIntSGT : LLVMIntUGT;
	better = LLVMBuildOr(g->b, gen_cmp(g, pred, v, old),
			     gen_cmp(g, LLVMIntEQ, cnt, gen_i64(g, 0)), "");
	LLVMBuildStore(g->b, gen_select(g, better, v, old), entry);
	LLVMBuildStore(g->b, LLVMBuildAdd(g->b, cnt, gen_i64(g, 1), ""), cnt_at);
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
static void count_bucket(struct gen *g, LLVMValueRef entry, LLVMValueRef index, uint32_t buckets)
{
	LLVMBasicBlockRef in = gen_block(g, "bucket"), join = gen_block(g, "join");

	index = gen_opaque(g, index);
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, index, gen_i64(g, buckets)), in, join);
	gen_at(g, in);
	index = LLVMBuildShl(g->b, index, gen_i64(g, 3), "");
	add_at(g, gen_off_var(g, entry, index), gen_i64(g, 1));
	gen_br(g, join);
	gen_at(g, join);
}

/* ---- one update each; v is NULL for count() ---- */

struct sample {
	LLVMValueRef v;
	bool is_signed; /* how v is to be read */
};

static void update_count(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	(void)t;
	(void)s;
	add_at(g, entry, gen_i64(g, 1));
}

static void update_sum(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	(void)t;
	add_at(g, entry, s.v);
	add_at(g, gen_off(g, entry, offsetof(struct agg_sum, cnt)), gen_i64(g, 1));
}

static void update_extreme(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	keep_extreme(g, entry, t, s.v);
}

static void update_hist(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	LLVMValueRef index = hist_bucket(g, s.v, t->k), below;

	if (s.is_signed) {
		below = gen_cmp(g, LLVMIntSLT, s.v, gen_i64(g, 0));
		index = gen_select(g, below, gen_i64(g, 0), index);
	}
	count_bucket(g, entry, index, hist_buckets(t->k));
}

static void update_lhist(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s)
{
	count_bucket(g, entry, lhist_bucket(g, s.v, t, s.is_signed),
		     lhist_buckets(t->min, t->max, t->step));
}

typedef void update_fn(struct gen *g, LLVMValueRef entry, const struct type *t, struct sample s);

static update_fn *const updates[V_KIND_CNT] = {
	[V_COUNT] = update_count, [V_SUM] = update_sum,	    [V_AVG] = update_sum,
	[V_STATS] = update_sum,	  [V_MIN] = update_extreme, [V_MAX] = update_extreme,
	[V_HIST] = update_hist,	  [V_LHIST] = update_lhist,
};

void agg_update(struct gen *g, struct node *map, struct node *call)
{
	struct map_sym *m = map->map.sym;
	struct node *arg = call->call.args;
	LLVMBasicBlockRef join = gen_block(g, "join");
	struct sample s = { NULL, false };
	LLVMValueRef entry;

	if (arg) /* every unsigned type but the widest fits the signed reading */
		s = (struct sample){ gen_int(g, arg), arg->type->is_signed || arg->type->size < 8 };
	entry = map_entry(g, m, map_key(g, map), join);
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
	LLVMValueRef v = LLVMBuildLoad2(g->b, g->i64, entry, ""), cnt, old, seen, better;
	LLVMIntPredicate pred;

	if (t->kind == V_COUNT) {
		add_at(g, s->a, v);
		return;
	}
	cnt = LLVMBuildLoad2(g->b, g->i64, gen_off(g, entry, 8), "");
	if (t->kind != V_MIN && t->kind != V_MAX) {
		add_at(g, s->a, v);
		add_at(g, s->b, cnt);
		return;
	}
	old = LLVMBuildLoad2(g->b, g->i64, s->a, "");
	seen = LLVMBuildLoad2(g->b, g->i64, s->b, "");
	if (t->kind == V_MIN)
		pred = t->is_signed ? LLVMIntSLT : LLVMIntULT;
	else
		pred = t->is_signed ? LLVMIntSGT : LLVMIntUGT;
	better = LLVMBuildOr(g->b, gen_cmp(g, pred, v, old),
			     gen_cmp(g, LLVMIntEQ, seen, gen_i64(g, 0)), "");
	better = LLVMBuildAnd(g->b, better, gen_not_zero(g, cnt), "");
	LLVMBuildStore(g->b, gen_select(g, better, v, old), s->a);
	add_at(g, s->b, cnt);
}

/* for (cpu = 0; cpu < ncpus; cpu++) if (p = lookup_percpu(map, key, cpu)) add(p) */
static void sum_cpus(struct gen *g, struct map_sym *m, LLVMValueRef key, struct agg_total *s)
{
	LLVMBasicBlockRef head = gen_block(g, "cpus"), look = gen_block(g, "look");
	LLVMBasicBlockRef add = gen_block(g, "add"), next = gen_block(g, "next");
	LLVMBasicBlockRef done = gen_block(g, "done"), from = LLVMGetInsertBlock(g->b);
	LLVMValueRef ncpus = gen_konst(g, KONST_NCPUS, NULL), cpu, cpu_next, p,
		     zero = gen_i64(g, 0);

	gen_br(g, head);
	gen_at(g, head);
	cpu = LLVMBuildPhi(g->b, g->i64, "");
	gen_cond_br(g, gen_cmp(g, LLVMIntULT, cpu, ncpus), look, done);
	gen_at(g, look);
	p = HELP(g, map_lookup_percpu_elem, ((struct map_gen *)m->gen)->global, key, cpu);
	gen_cond_br(g, gen_not_zero(g, p), add, next);
	gen_at(g, add);
	add_cpu(g, m->val, s, p);
	gen_br(g, next);
	gen_at(g, next);
	cpu_next = LLVMBuildAdd(g->b, cpu, gen_i64(g, 1), "");
	gen_br(g, head);
	LLVMAddIncoming(cpu, (LLVMValueRef[]){ zero, cpu_next },
			(LLVMBasicBlockRef[]){ from, next }, 2);
	gen_at(g, done);
}

LLVMValueRef agg_read_entry(struct gen *g, struct map_sym *m, LLVMValueRef key, struct span sp)
{
	struct agg_total s = { gen_tmp(g, 8), gen_tmp(g, 8) };
	LLVMValueRef total, cnt;

	pack_need(g, "percpu_lookup", sp);
	LLVMBuildStore(g->b, gen_i64(g, 0), s.a);
	LLVMBuildStore(g->b, gen_i64(g, 0), s.b);
	sum_cpus(g, m, key, &s);
	total = LLVMBuildLoad2(g->b, g->i64, s.a, "");
	if (m->val->kind != V_AVG && m->val->kind != V_STATS)
		return total;
	cnt = LLVMBuildLoad2(g->b, g->i64, s.b, "");
	return gen_arith(g, OP_DIV, total, cnt, m->val->is_signed);
}

LLVMValueRef agg_read_int(struct gen *g, struct node *map)
{
	return agg_read_entry(g, map->map.sym, map_key(g, map), map->span);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * User maps. A scalar map is an array of one entry, whose lookup the kernel inlines; beside a plain
 * value stands a word that says whether it was ever set. A keyed map is a hash. An aggregate has a
 * copy for each CPU and is updated in place through the looked-up pointer.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "codegen/outline.h"

uint32_t map_presence_off(const struct map_sym *m)
{
	return (m->val->size + 7) & ~7u;
}

static bool is_scalar(const struct map_sym *m)
{
	return !m->key;
}

static bool is_agg(const struct map_sym *m)
{
	return type_is_agg(m->val);
}

static bool is_lru(const struct map_sym *m)
{
	return m->kind && strstr(m->kind, "lru");
}

uint32_t map_flags(const struct map_sym *m)
{
	return (is_scalar(m) ? IMAGE_MAP_SCALAR : 0) | (is_agg(m) ? IMAGE_MAP_PERCPU : 0) |
	       (is_lru(m) ? IMAGE_MAP_LRU : 0) | (m->max_entries ? IMAGE_MAP_WHOLE : 0);
}

uint32_t map_value_size(const struct map_sym *m)
{
	struct image_map row = { .flags = map_flags(m) };
	struct image_type val = { .size = m->val->size };

	return image_map_value_size(&row, &val);
}

/* Loading turns a hash of aggregates into a per-CPU one where that is better. */
static uint32_t bpf_map_type(const struct map_sym *m)
{
	if (is_scalar(m))
		return BPF_MAP_TYPE_ARRAY;
	return is_lru(m) ? BPF_MAP_TYPE_LRU_HASH : BPF_MAP_TYPE_HASH;
}

struct map_gen *map_new(struct gen *g, const char *name, uint32_t type, uint32_t key_sz,
			uint32_t val_sz, uint32_t max_entries)
{
	/* libbpf reads a definition's attributes from the debug info of these four pointers */
	LLVMTypeRef members[4] = { g->ptr, g->ptr, g->ptr, g->ptr };
	LLVMTypeRef def = LLVMStructTypeInContext(g->ctx, members, 4, false);
	struct map_gen *m = arena_new_of(g->u->arena, struct map_gen);

	*m = (struct map_gen){ .name = name,
			       .type = type,
			       .key_sz = key_sz,
			       .val_sz = val_sz,
			       .max_entries = max_entries,
			       .next = g->maps };
	m->global = LLVMAddGlobal(g->mod, def, name);
	LLVMSetInitializer(m->global, LLVMConstNull(def));
	LLVMSetSection(m->global, ".maps");
	LLVMSetAlignment(m->global, 8);
	g->maps = m;
	return m;
}

void map_declare_all(struct gen *g)
{
	for (struct map_sym *m = g->u->program->program.maps; m; m = m->next, g->user_map_cnt++) {
		uint64_t max = m->max_entries ? m->max_entries
					      : setting_num(g->u->settings, SETTING_max_map_keys);
		const char *name = arena_printf(g->u->arena, "AT_%s", m->name + 1);

		m->gen = map_new(g, name, bpf_map_type(m), m->key ? m->key->size : 4,
				 map_value_size(m), m->key ? (uint32_t)max : 1);
	}
	g->events = map_new(g, IMAGE_MAP_EVENTS, BPF_MAP_TYPE_RINGBUF, 0, 0, 1 << 20);
	g->scratch =
		map_new(g, IMAGE_MAP_SCRATCH,
			g->large_frames ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1);
	g->zeroes = map_new(g, IMAGE_MAP_ZEROES, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	for (struct node *n = g->u->program->program.items; n; n = n->next)
		g->probe_cnt += n->kind == N_PROBE;
	g->counters =
		map_new(g, IMAGE_MAP_COUNTERS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
			image_counter_missed(g->user_map_cnt, g->probe_cnt, g->probe_cnt) ?: 1);
}

void map_finish_all(struct gen *g)
{
	for (struct map_gen *m = g->maps; m; m = m->next)
		debug_map(g, m);
}

static LLVMValueRef bpf_map(const struct map_sym *m)
{
	return ((struct map_gen *)m->gen)->global;
}

/* ---- keys ---- */

LLVMValueRef map_key_of(struct gen *g, struct map_sym *m, struct node *key)
{
	LLVMValueRef mem = gen_tmp(g, m->key ? m->key->size : 4);

	if (!m->key)
		LLVMBuildStore(g->b, gen_i32(g, 0), mem);
	else
		gen_into(g, key, mem, m->key, PAD_ZERO);
	return mem;
}

LLVMValueRef map_key_on(struct gen *g, struct map_sym *m, struct node *key, LLVMValueRef cpu)
{
	uint32_t off = image_map_cpu_off(m->key->size);
	LLVMValueRef mem = gen_tmp(g, off + 8);

	if (m->key->size != off)
		LLVMBuildStore(g->b, gen_i64(g, 0), gen_off(g, mem, off - 8));
	gen_into(g, key, mem, m->key, PAD_ZERO);
	LLVMBuildStore(g->b, cpu, gen_off(g, mem, off));
	return mem;
}

LLVMValueRef map_key(struct gen *g, struct node *map)
{
	return map_key_of(g, map->map.sym, map->map.key);
}

/* ---- reading ---- */

LLVMValueRef map_find(struct gen *g, struct node *map, LLVMValueRef key)
{
	return HELP(g, map_lookup_elem, bpf_map(map->map.sym), key);
}

LLVMValueRef map_read_int(struct gen *g, struct node *map)
{
	struct map_sym *m = map->map.sym;
	LLVMValueRef p = map_find(g, map, map_key(g, map)), v;
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b);
	LLVMBasicBlockRef found = gen_block(g, "found"), join = gen_block(g, "join");

	gen_cond_br(g, gen_not_zero(g, p), found, join);
	gen_at(g, found);
	v = gen_load(g, p, m->val);
	found = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, v, found, gen_i64(g, 0), from);
}

void map_read_into(struct gen *g, struct node *map, LLVMValueRef dst)
{
	/* no branch for a missing key: reading at NULL fails, and a failed read gives zeroes */
	LLVMValueRef p = map_find(g, map, map_key(g, map));

	g->may_fail = true;
	HELP(g, probe_read_kernel, dst, gen_i32(g, map->map.sym->val->size), p);
}

/* ---- writing ---- */

/* Map functions, which the kernel calls directly, returned an int before 6.4: the upper half is open. */
LLVMValueRef map_is_errno(struct gen *g, LLVMValueRef ret, int err)
{
	return gen_cmp(g, LLVMIntEQ, LLVMBuildTrunc(g->b, ret, g->i32, ""),
		       gen_i32(g, (uint32_t)-err));
}

void gen_count_lost(struct gen *g)
{
	outline_count_lost(g, image_counter_lost(g->user_map_cnt, g->p->probe->probe.idx));
}

void map_count_refusal_at(struct gen *g, LLVMValueRef first, LLVMValueRef ret)
{
	outline_count_refusal(g, first, ret);
}

void map_count_refusal(struct gen *g, struct map_sym *m, LLVMValueRef ret)
{
	map_count_refusal_at(g, gen_i64(g, image_counter_refused(m->idx)), ret);
}

static void mark_present(struct gen *g, struct map_sym *m, LLVMValueRef entry)
{
	if (is_scalar(m) && !is_agg(m))
		LLVMBuildStore(g->b, gen_i64(g, 1), gen_off(g, entry, map_presence_off(m)));
}

static void assign_scalar(struct gen *g, struct node *map, struct node *value)
{
	struct map_sym *m = map->map.sym;
	LLVMBasicBlockRef found = gen_block(g, "found"), join = gen_block(g, "join");
	LLVMValueRef src, p;

	src = type_in_register(m->val) ? gen_int(g, value) : gen_addr(g, value);
	p = map_find(g, map, map_key(g, map));
	gen_cond_br(g, gen_not_zero(g, p), found, join);
	gen_at(g, found);
	if (type_in_register(m->val))
		gen_store(g, p, m->val, src);
	else
		gen_convert(g, p, m->val, src, value->type, PAD_NONE);
	mark_present(g, m, p);
	gen_br(g, join);
	gen_at(g, join);
}

void map_assign(struct gen *g, struct node *map, struct node *value)
{
	struct map_sym *m = map->map.sym;
	LLVMBasicBlockRef refused, join;
	LLVMValueRef key, val, ret;

	if (is_scalar(m)) {
		assign_scalar(g, map, value);
		return;
	}
	key = map_key(g, map);
	val = gen_tmp(g, map_value_size(m));
	if (m->val->size & 7)
		gen_zero(g, val, map_value_size(m));
	gen_into(g, value, val, m->val, PAD_ZERO);
	ret = HELP(g, map_update_elem, bpf_map(m), key, val, gen_i64(g, BPF_ANY));
	refused = gen_block(g, "refused");
	join = gen_block(g, "join");
	gen_cond_br(g, gen_not_zero(g, ret), refused, join);
	gen_at(g, refused);
	map_count_refusal(g, m, ret);
	gen_br(g, join);
	gen_at(g, join);
}

/*
 * Looks the key up and, when it is new, puts zeroes there and looks again: whoever else puts the key
 * at the same moment, all go on with one entry and no update is lost.
 */
LLVMValueRef map_entry(struct gen *g, struct map_sym *m, LLVMValueRef key, LLVMBasicBlockRef fail)
{
	LLVMBasicBlockRef from[2] = { LLVMGetInsertBlock(g->b) }, make, refused;
	LLVMBasicBlockRef ready = gen_block(g, "ready");
	LLVMValueRef p[2] = { HELP(g, map_lookup_elem, bpf_map(m), key) }, entry, why;

	if (is_scalar(m)) { /* entry 0 of an array is always there; the verifier wants it said */
		gen_cond_br(g, gen_not_zero(g, p[0]), ready, fail);
		gen_at(g, ready);
		return p[0];
	}
	make = gen_block(g, "make");
	gen_cond_br(g, gen_not_zero(g, p[0]), ready, make);
	gen_at(g, make);
	why = inner_make_entry(g, m, key);
	p[1] = HELP(g, map_lookup_elem, bpf_map(m), key);
	from[1] = LLVMGetInsertBlock(g->b);
	refused = g->opt->helper_errors ? gen_block(g, "refused") : fail;
	gen_cond_br(g, gen_not_zero(g, p[1]), ready, refused);
	if (refused != fail) {
		gen_at(g, refused);
		failed_count(g, "map_update_elem", why);
		gen_br(g, fail);
	}
	gen_at(g, ready);
	entry = LLVMBuildPhi(g->b, g->ptr, "");
	LLVMAddIncoming(entry, p, from, 2);
	return entry;
}

/*
 * @m op= operand. Adding to a word is one atomic instruction, so concurrent CPUs lose nothing. The
 * other operators have no form that the oldest kernels know.
 */
void map_modify(struct gen *g, struct node *map, enum binary_op op, LLVMValueRef operand,
		bool is_signed, LLVMValueRef *before, LLVMValueRef *after)
{
	struct map_sym *m = map->map.sym;
	LLVMBasicBlockRef join = gen_block(g, "join"), from;
	LLVMValueRef p = map_entry(g, m, map_key(g, map), join), v = NULL, old;

	if ((op == OP_ADD || op == OP_SUB) && m->val->size == 8) {
		if (op == OP_SUB)
			operand = LLVMBuildNeg(g->b, operand, "");
		if (after)
			v = LLVMBuildAdd(g->b, gen_fetch_add(g, p, operand), operand, "");
		else
			gen_atomic_add(g, p, operand);
	} else {
		old = gen_load(g, p, m->val);
		v = gen_narrow(g, gen_arith(g, op, old, operand, is_signed), m->val);
		gen_store(g, p, m->val, v);
	}
	mark_present(g, m, p);
	from = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	if (!after)
		return;
	/* every other way into join is a refusal: zero */
	*after = LLVMBuildPhi(g->b, g->i64, "");
	LLVMAddIncoming(*after, &v, &from, 1);
	gen_phi_rest(*after, join, from);
	*before = LLVMBuildSub(g->b, *after, operand, "");
}

/* Zero from every predecessor of join but one. */
void gen_phi_rest(LLVMValueRef phi, LLVMBasicBlockRef join, LLVMBasicBlockRef but)
{
	LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(phi));

	for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(join)); u;
	     u = LLVMGetNextUse(u)) {
		LLVMValueRef user = LLVMGetUser(u);
		LLVMBasicBlockRef from;

		if (!LLVMIsATerminatorInst(user))
			continue;
		from = LLVMGetInstructionParent(user);
		if (from != but)
			LLVMAddIncoming(phi, &zero, &from, 1);
	}
}

/* ---- deleting ---- */

static LLVMValueRef delete_scalar(struct gen *g, struct node *map)
{
	struct map_sym *m = map->map.sym;
	LLVMBasicBlockRef from, found, join;
	LLVMValueRef p, was;

	if (is_agg(m)) {
		agg_delete_scalar(g, m);
		return gen_i64(g, 1);
	}
	p = map_find(g, map, map_key_of(g, m, NULL));
	found = gen_block(g, "found");
	join = gen_block(g, "join");
	from = LLVMGetInsertBlock(g->b);
	gen_cond_br(g, gen_not_zero(g, p), found, join);
	gen_at(g, found);
	was = LLVMBuildLoad2(g->b, g->i64, gen_off(g, p, map_presence_off(m)), "");
	gen_zero(g, p, map_value_size(m));
	found = LLVMGetInsertBlock(g->b);
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, was, found, gen_i64(g, 0), from);
}

LLVMValueRef map_delete(struct gen *g, struct node *map, struct node *key)
{
	struct map_sym *m = map->map.sym;
	LLVMValueRef ret;

	((struct map_gen *)m->gen)->own = true;
	if (is_scalar(m))
		return delete_scalar(g, map);
	ret = HELP(g, map_delete_elem, bpf_map(m), map_key_of(g, m, key));
	return LLVMBuildZExt(g->b, gen_cmp(g, LLVMIntEQ, ret, gen_i64(g, 0)), g->i64, "");
}

/*
 * Whether a lookup found something, as a number. LLVM is kept from making one test of several such:
 * the verifier takes no arithmetic on what may be a pointer.
 */
static LLVMValueRef was_found(struct gen *g, LLVMValueRef p)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(g->b), yes = gen_block(g, "is_there");
	LLVMBasicBlockRef join = gen_block(g, "join");
	LLVMValueRef one;

	gen_cond_br(g, gen_not_zero(g, p), yes, join);
	gen_at(g, yes);
	one = gen_opaque(g, gen_i64(g, 1));
	gen_br(g, join);
	gen_at(g, join);
	return gen_merge(g, g->i64, one, yes, gen_i64(g, 0), from);
}

LLVMValueRef map_has_key(struct gen *g, struct node *map, struct node *key)
{
	LLVMValueRef p = map_find(g, map, map_key_of(g, map->map.sym, key));

	((struct map_gen *)map->map.sym->gen)->whole = true;
	return was_found(g, p);
}

/* One lookup; the variable stays as it is when the key is not there. */
LLVMValueRef map_take(struct gen *g, struct node *map, struct node *key, struct var_sym *var)
{
	struct map_sym *m = map->map.sym;
	LLVMBasicBlockRef found = gen_block(g, "found"), join = gen_block(g, "join");
	LLVMValueRef mem = gen_var(g, var), k = map_key_of(g, m, key), p, is_there;

	p = map_find(g, map, k);
	is_there = was_found(g, p);
	gen_cond_br(g, gen_not_zero(g, p), found, join);
	gen_at(g, found);
	if (is_agg(m))
		gen_store(g, mem, var->type, agg_read_entry(g, m, k));
	else
		gen_convert(g, mem, var->type, p, m->val, PAD_NONE);
	gen_br(g, join);
	gen_at(g, join);
	return is_there;
}

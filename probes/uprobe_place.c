// SPDX-License-Identifier: Apache-2.0
/*
 * From targets to places that a breakpoint may stand. The kernel writes it where it is told to, be it
 * the middle of an instruction, which breaks the program: so the code is read first. Functions of Go
 * move their stacks, where the return address that a uretprobe puts there is found out and the program
 * ends: their return instructions are probed instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/elf.h"
#include "probes/insn.h"

static const uint8_t *code_of(const struct elf_file *f, const struct elf_symbol *s, size_t *left)
{
	const uint8_t *code = elf_file_bytes(f, s->off, left);

	if (!f->is_native)
		return NULL;
	if (code && *left > s->size)
		*left = s->size;
	return code;
}

static int unproven(const struct elf_file *f, uint64_t addr, struct probe_error *err)
{
	int rc = probe_fail(err, -1, -EINVAL,
			    "%s: nothing tells whether an instruction begins at 0x%llx", f->path,
			    (unsigned long long)addr);

	env_hint(err, "A breakpoint that is not on an instruction's first byte breaks the program. "
		      "--unsafe sets it all the same.");
	return rc;
}

static int check_boundary(const struct elf_file *f, const struct elf_symbol *s, uint64_t addr,
			  struct probe_error *err)
{
	uint64_t before = 0, after = 0;
	size_t left = 0;
	const uint8_t *code = code_of(f, s, &left);
	int rc = code ? insn_boundary(code, left, addr - s->addr, &before, &after) : -EILSEQ;

	if (rc == -EILSEQ)
		return unproven(f, addr, err);
	if (!rc)
		return 0;
	probe_fail(err, -1, rc, "Could not add uprobe into middle of instruction: %s:%s+%llu",
		   f->path, s->name, (unsigned long long)(addr - s->addr));
	env_hint(err, "Instructions begin at %s+%llu and %s+%llu. --unsafe sets it all the same.",
		 s->name, (unsigned long long)before, s->name, (unsigned long long)after);
	return rc;
}

int uprobe_check(struct probe_env *env, struct elf_file *f, uint64_t addr, bool is_return,
		 struct probe_error *err)
{
	const struct elf_symbol *s;

	if (!elf_file_offset(f, addr))
		return probe_fail(err, -1, -EINVAL, "%s has no code at 0x%llx", f->path,
				  (unsigned long long)addr);
	if (env->opt.unsafe)
		return 0;
	s = elf_symbol_at(env, f, addr);
	if (!s)
		return unproven(f, addr, err);
	if (addr == s->addr)
		return 0;
	if (!is_return)
		return check_boundary(f, s, addr, err);
	probe_fail(err, -1, -EINVAL, "uretprobe: 0x%llx is inside of %s", (unsigned long long)addr,
		   s->name);
	env_hint(err, "The function begins at 0x%llx.", (unsigned long long)s->addr);
	return -EINVAL;
}

static int add(struct uprobe_places *p, const struct uprobe_place *place, struct probe_error *err)
{
	struct uprobe_place *grown;

	if (p->cnt == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		grown = realloc(p->at, p->cap * sizeof(*grown));
		if (!grown)
			return probe_fail_oom(err);
		p->at = grown;
	}
	p->at[p->cnt++] = *place;
	return 0;
}

/* The place of a return probe on a Go function: each of its returns. */
static int go_returns(struct probe_env *env, const struct elf_file *f, const struct elf_symbol *s,
		      struct uprobe_place place, struct uprobe_places *p, struct probe_error *err)
{
	size_t left = 0;
	const uint8_t *code = s ? code_of(f, s, &left) : NULL;
	uint32_t before = p->cnt;
	int rc = code ? 0 : -EILSEQ;

	place.is_return = false;
	for (size_t at = 0; at < left && !rc;) {
		unsigned len = insn_length(code + at, left - at);

		place.off = s->off + at;
		if (!len)
			rc = -EILSEQ;
		else if (insn_is_return(code + at, len))
			rc = add(p, &place, err);
		at += len;
	}
	if (rc == -ENOMEM)
		return rc;
	if (rc || p->cnt == before)
		return probe_fail(err, -1, -EINVAL,
				  "%s: Go would crash on a return probe, and its return "
				  "instructions were not found",
				  place.t->name);
	p->note = env_printf(env, "at the %u return instructions, as Go crashes on return probes",
			     p->cnt - before);
	return 0;
}

int uprobe_place(struct probe_env *env, const struct probe_target *t, uint64_t cookie,
		 bool is_return, struct uprobe_places *p, struct probe_error *err)
{
	struct elf_file *f = elf_file_get(env, t->a, err);
	struct uprobe_place place = { .t = t, .cookie = cookie, .is_return = is_return };
	const struct elf_symbol *s = NULL;
	uint64_t addr = t->value;
	const uint8_t *code;
	size_t left;
	int rc = 0;

	if (!f)
		return -ENOENT;
	if (t->b) {
		s = elf_symbol_find(env, f, t->b);
		if (!s)
			return probe_fail(err, -1, -ENOENT, "No matches for %s.", t->name);
		addr = elf_symbol_addr(f, s) + t->value;
		if (addr != s->addr && s->is_ifunc)
			p->note = env_printf(env, "%s is what this CPU uses of it, at 0x%llx",
					     s->name, (unsigned long long)addr);
	}
	/* an image may come to another version of the file */
	if (!(t->value2 & UPROBE_UNSAFE) && (!t->b || t->value))
		rc = uprobe_check(env, f, addr, is_return, err);
	if (rc)
		return rc;
	place.path = f->open_as;
	place.off = elf_file_offset(f, addr);
	code = elf_file_bytes(f, place.off, &left);
	place.is_doubtful = f->is_native && code && insn_is_doubtful(code, left);
	if (place.is_doubtful && insn_length(code, left) && s && !is_return)
		place.next = t->value + insn_length(code, left);
	if (is_return && f->is_go)
		return go_returns(env, f, s ?: elf_symbol_at(env, f, addr), place, p, err);
	return add(p, &place, err);
}

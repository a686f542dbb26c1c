// SPDX-License-Identifier: Apache-2.0
/*
 * One program serves many attach points by asking the kernel which one it runs for:
 * bpf_get_attach_cookie() gives the index of the target's row in the image. Where that does not work
 * each target gets a program of its own, a copy in which the call is replaced by the constant:
 *
 * - before 5.15 for probes of every kind: there is no such helper, and the verifier refuses the whole
 *   program;
 * - on every kernel for rawtracepoints and self probes (PROBE_NO_COOKIE), and with -p or -c for what
 *   the kernel restricts to a process and its children, which inherit no cookie (PROBE_TAKES_PID);
 * - on every kernel for fentry, fexit and iterators (PROBE_OWN_PROGRAM), whether they ask or not: what
 *   they are attached to is told when they are loaded.
 *
 * A call of a helper is one instruction, "call 174", and leaves its result in r0. "r0 = imm" is one
 * instruction too and leaves the other registers alone, so nothing moves: no jump, no relocation and
 * no line of debug information needs to know. A call also ends the life of r1 to r5, which the code
 * behind it therefore does not read.
 *
 * libbpf relocates and loads an object in one go. In between it calls whoever handles the program's
 * section, with all that it is about to tell the kernel: instructions with the functions they call
 * behind them and the maps' file descriptors in place, and the types of these functions, without which
 * the kernel takes no callback (5.13) and checks a function anew wherever it is called. The first
 * target is served by what libbpf loads then; the others by copies of the same. (What the kernel knows
 * of the first afterwards would not do: it lacks the functions that the verifier found dead.)
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clone.h"

enum { HELPER_GET_ATTACH_COOKIE = 174 };

int clone_watch(const char *section, libbpf_prog_prepare_load_fn_t fn, void *arg)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)arg,
		    .prog_prepare_load_fn = fn);
	enum bpf_attach_type attach;
	enum bpf_prog_type type;
	/* as most sections of libbpf's are known: more may follow behind a slash */
	char with_rest[32];
	int rc = libbpf_prog_type_by_name(section, &type, &attach);

	if (rc)
		return rc;
	snprintf(with_rest, sizeof(with_rest), "%s+", section);
	return libbpf_register_prog_handler(with_rest, type, attach, &opts);
}

void clone_unwatch(int id)
{
	if (id > 0)
		libbpf_unregister_prog_handler(id);
}

static bool is_cookie_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && !i->src_reg && i->imm == HELPER_GET_ATTACH_COOKIE;
}

/* Every call for the cookie in insns becomes the constant cookie. */
static void put_constants(struct bpf_insn *insns, size_t cnt, uint64_t cookie)
{
	for (size_t i = 0; i < cnt; i++) {
		if (is_cookie_call(&insns[i]))
			insns[i] = (struct bpf_insn){
				.code = BPF_ALU64 | BPF_MOV | BPF_K,
				.dst_reg = BPF_REG_0,
				.imm = (int32_t)cookie,
			};
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++; /* its second half is no instruction */
	}
}

/* A copy of p; NULL: of nothing, or there is no memory. */
static void *copy_of(const void *p, size_t sz)
{
	void *copy = p && sz ? malloc(sz) : NULL;

	return copy ? memcpy(copy, p, sz) : NULL;
}

/* libbpf keeps the tables as long as it likes: s has its own. */
static int take_opts(struct clone_source *s, const struct bpf_prog_load_opts *o)
{
	memcpy(&s->opts, o, o->sz < sizeof(s->opts) ? o->sz : sizeof(s->opts));
	s->opts.sz = sizeof(s->opts);
	s->opts.fd_array = NULL; /* the modules whose functions it calls: none */
	s->funcs = copy_of(o->func_info, (size_t)o->func_info_cnt * o->func_info_rec_size);
	s->lines = copy_of(o->line_info, (size_t)o->line_info_cnt * o->line_info_rec_size);
	s->opts.func_info = s->funcs;
	s->opts.line_info = s->lines;
	return (o->func_info_cnt && !s->funcs) || (o->line_info_cnt && !s->lines) ? -ENOMEM : 0;
}

int clone_take(struct clone_source *s, struct bpf_program *prog,
	       const struct bpf_prog_load_opts *opts)
{
	size_t cnt = bpf_program__insn_cnt(prog), sz = cnt * sizeof(struct bpf_insn);
	struct bpf_insn *insns = copy_of(bpf_program__insns(prog), sz);
	int rc;

	s->insns = copy_of(insns, sz);
	s->cnt = cnt;
	rc = insns && s->insns ? take_opts(s, opts) : -ENOMEM;
	if (!rc) {
		put_constants(insns, cnt, 0);
		rc = bpf_program__set_insns(prog, insns, cnt);
	}
	free(insns);
	return rc;
}

int clone_load(const struct clone_args *a)
{
	const struct clone_source *s = a->source;
	struct bpf_prog_load_opts opts = s->opts;
	struct bpf_insn *insns = copy_of(s->insns, s->cnt * sizeof(*insns));
	int fd;

	if (!insns)
		return -ENOMEM;
	put_constants(insns, s->cnt, a->cookie);
	opts.attach_btf_id = a->btf_id;
	opts.attach_btf_obj_fd = (uint32_t)a->btf_fd;
	opts.attach_prog_fd = 0; /* the kernel has one word for both */
	opts.log_buf = a->log;
	opts.log_size = a->log ? a->log_sz : 0;
	opts.log_level = 0; /* only what it says of a refusal */
	fd = bpf_prog_load(bpf_program__type(a->prog), bpf_program__name(a->prog), a->license,
			   insns, s->cnt, &opts);
	free(insns);
	return fd;
}

void clone_source_free(struct clone_source *s)
{
	free(s->insns);
	free(s->funcs);
	free(s->lines);
	*s = (struct clone_source){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe types share among themselves; nobody else includes this. */
#ifndef TRACE_PROBES_ENV_H
#define TRACE_PROBES_ENV_H

#include <linux/perf_event.h>

#include "probes/probe.h"

struct btf;
struct btf_file;
struct btf_fields;
struct name_lists;
struct elf_file;
struct env_block;
struct functions;
struct tracepoints;

struct module_btf {
	struct module_btf *next;
	const char *name;
	struct btf *btf;
};

struct kept_fd {
	struct kept_fd *next;
	int fd; /* -1: taken */
	const char *name; /* NULL: nobody takes it */
};

struct probe_env {
	struct probe_env_options opt;
	struct env_block *blocks;
	int tracefs_fd; /* -1: not tried or refused, see tracefs_err */
	int tracefs_err; /* negative errno of the refusal, so that it is tried once */
	struct tracepoints *tracepoints;
	struct functions *functions;
	struct elf_file *files; /* read so far */
	bool listing; /* what does not exist is not to be listed, by whatever name it is asked for */
	struct btf *btf; /* the kernel's, NULL: not read yet */
	struct btf_file *btf_file; /* the same as a file, NULL: not read yet */
	struct name_lists *btf_names; /* of it; NULL: not read yet */
	struct btf_fields *btf_fields; /* the same */
	struct module_btf *module_btfs;
	struct kept_fd *fds; /* to be closed with env */
};

/* Memory that lasts as long as env; zeroed; NULL when there is none. */
void *env_alloc(struct probe_env *env, size_t sz);
/* Closes fd when env ends, or at once when there is no memory: -ENOMEM. */
int env_keep_fd(struct probe_env *env, int fd);
/* The same for who asks for it by name later: the caller's then, -1 when there is none. */
int env_keep_named(struct probe_env *env, const char *name, int fd);
bool env_has_named(struct probe_env *env, const char *name);
int env_take_named(struct probe_env *env, const char *name);
char *env_strndup(struct probe_env *env, const char *s, size_t len);
char *env_strdup(struct probe_env *env, const char *s);
char *env_printf(struct probe_env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fills err in and gives rc back, so that a failure is one statement. */
int probe_fail(struct probe_error *err, int part, int rc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void env_hint(struct probe_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int probe_fail_oom(struct probe_error *err);
/* "TYPE probe type requires 2 arguments, found 1" unless min <= parts after the type <= max. */
int probe_check_parts(const char *type, uint32_t cnt, uint32_t min, uint32_t max,
		      struct probe_error *err);
/* The expand of types without patterns: what was parsed is the target. */
int probe_is_itself(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		    struct probe_error *err);
/* parse of types that take one name, "test:NAME". */
int probe_parse_named(const char *type, struct probe_env *env, const struct probe_part *parts,
		      uint32_t cnt, struct probe_target *pat, struct probe_error *err);

/* The private handle on tracefs: a directory fd owned by env, or a negative errno and err. */
int tracefs_dir(struct probe_env *env, struct probe_error *err);
/* The whole file, malloc'ed and NUL-terminated; NULL and errno when it cannot be read. */
char *tracefs_read(int dir_fd, const char *path, size_t *len);
/* The same of a file in debugfs, which need not be mounted. */
char *debugfs_read(const char *path, size_t *len);

/* ---- functions.c: the kernel's functions that can be traced ---- */
/* Read once, sorted by name; names that several functions share are there once. */
struct function {
	const char *name, *module; /* module NULL: the kernel itself */
};
/* The list and how many, or a negative errno and err. */
int env_functions(struct probe_env *env, const struct function **out, struct probe_error *err);
/* fn for each that matches; module NULL: in any. As probe_type's expand. */
int functions_match(struct probe_env *env, const char *module, const char *pattern,
		    int (*fn)(void *arg, const struct function *f), void *arg,
		    struct probe_error *err);

/* ---- addresses.c ---- */
/* Where the functions of that name are (module NULL: anywhere), malloc'ed; how many. */
uint32_t functions_at(const char *module, const char *name, uint64_t **addrs);
/* Where targets are: a the module (NULL: the kernel), b the name. Those not found stay as they are. */
int functions_addresses(const struct probe_target *targets, uint32_t cnt, uint64_t *addrs);
bool functions_have_addresses(void); /* the kernel may hide them */

/* What the kernel says of code that it can not trace; not in errno.h. */
enum { KERNEL_ENOTSUPP = 524 };

/* ---- refusal.c: read only when the kernel has refused ---- */
/*
 * Why the kernel does not trace the function, and what to trace instead; false: who knows, err stays as
 * it is. name: what to call it.
 */
bool refusal_tell(struct probe_env *env, const struct probe_target *t, const char *name, int rc,
		  struct probe_error *err);
/* Whether programs may change what it returns; true when it is not known. */
bool refusal_may_override(const char *name);
uint64_t refusal_size(const char *name); /* of its code; 0: unknown */
/* Whether there is code of that name at all. */
bool refusal_exists(const char *name);
/* The hint: why there is no such function for this type of probe, or what it is called. */
void refusal_missing(struct probe_env *env, const struct probe_target *t, struct probe_error *err);

/* ---- bpf_prog.c: BPF programs as if they were modules, "bpf:ID" ---- */
#define BPF_PROG_MODULE "bpf:"
int bpf_prog_open(uint32_t id); /* its fd, or a negative errno */
/* The BTF of the program "bpf:ID", the caller's; NULL and err. */
struct btf *bpf_prog_btf(struct probe_env *env, const char *module, struct probe_error *err);
/*
 * fn for the functions that can be traced, by their ids in the program's BTF, of the programs whose id
 * matches. -EPERM: programs can not be looked at; or what fn gave that was not zero.
 */
typedef int (*bpf_prog_fn)(void *arg, uint32_t prog_id, uint32_t btf_id);
int bpf_progs_each(const char *id_pattern, bpf_prog_fn fn, void *arg);
/* Parameters get the types that they really have. */
int bpf_prog_fields(struct probe_env *env, const struct probe_target *t,
		    struct probe_fields *fields);
/* How many words an fexit program sees before the result, of a function with so many arguments. */
uint32_t bpf_prog_words(uint32_t prog_id, uint32_t btf_id, uint32_t declared);

/* ---- btf_file.c: the kernel's BTF, gone through from type to type ---- */
struct btf_type;
/* NULL and err when the kernel has none. Owned by env. */
struct btf_file *env_btf_file(struct probe_env *env, struct probe_error *err);
void btf_file_free(struct btf_file *f);
typedef int (*btf_file_fn)(void *arg, const struct btf_type *t, const char *name, uint32_t id);
/* Stops at a non-zero result and returns it; -EINVAL: it is no BTF that we know. */
int btf_file_each(const struct btf_file *f, btf_file_fn fn, void *arg);
const char *btf_file_str(const struct btf_file *f, uint32_t off);

/* ---- btf_fields.c: see probe_field_off ---- */
void btf_fields_free(struct btf_fields *b);

/* ---- btf_names.c: names in the kernel's BTF without their prefix, sorted ---- */
enum btf_names_kind {
	BTF_NAMES_TRACEPOINTS, /* typedef btf_trace_NAME */
	BTF_NAMES_ITER_CONTEXTS, /* struct bpf_iter__NAME */
	BTF_NAMES_ITER_FUNCTIONS, /* bpf_iter_NAME() */
	BTF_NAMES_CNT
};
struct btf_name {
	const char *name;
	uint32_t id;
};
struct btf_names {
	struct btf_name *at;
	uint32_t cnt;
};
/* NULL and err when the kernel has no BTF. Owned by env. */
const struct btf_names *env_btf_names(struct probe_env *env, enum btf_names_kind kind,
				      struct probe_error *err);
uint32_t btf_names_find(const struct btf_names *n, const char *name); /* its id; 0: not there */
void btf_names_free(struct name_lists *l);

/* ---- btf.c: what the kernel says of its types ---- */
/* NULL and err when the kernel has none. Owned by env. */
struct btf *env_btf(struct probe_env *env, struct probe_error *err);
/* Says that there is none: -ENOENT. */
int btf_missing(struct probe_error *err);
/* A type as C text: "const struct file *". NULL: out of memory. */
char *btf_ctype(struct probe_env *env, const struct btf *btf, uint32_t id);
/*
 * The parameters of a function's prototype from the first-th on, as fields of a context of words;
 * is_return: the result too, as "retval". The words they take go to *words.
 */
int btf_proto_fields(struct probe_env *env, const struct btf *btf, uint32_t proto, uint32_t first,
		     bool is_return, struct probe_fields *out, uint32_t *words);

/*
 * A number as the language writes it: decimal, hex, octal, 1e6, 1_000. Gives what follows it in
 * *end, or NULL and a reason ("invalid integer").
 */
const char *number_read(const char *s, uint64_t *value, const char **end);

/* The candidate nearest to a misspelt word; best is NULL when none is near. */
struct near_name {
	const char *word, *best;
	unsigned distance;
};
void near_name_feed(struct near_name *n, const char *candidate);

/* ---- regs.c: the hook arg of types whose context are registers, at entry and on return ---- */
int regs_arg(const struct probe_target *t, int n, struct probe_arg *out, struct probe_error *err);
const char *regs_context(struct probe_env *env, const struct probe_target *t);
int regs_retval(const struct probe_target *t, int n, struct probe_arg *out,
		struct probe_error *err);

/*
 * ---- perf events ----
 * What programs on events that count or sample get: struct bpf_perf_event_data.
 */
const char *perf_context(struct probe_env *env, const struct probe_target *t);

/*
 * Where the events of one attachment go. Done with perf_where_done.
 */
struct perf_where {
	int pid; /* a process: the threads it has, and what they start; 0: everybody */
	bool one_cpu; /* everybody: the first CPU that is online, instead of each */
	bool one_task; /* of that process the main thread is enough: the event is its memory's */
	int holder; /* see links_holder; -1: none */
	bool counted; /* each period is a hit: noted in links->events, where that can be known */
	const int *opened; /* the first event, opened before; NULL: none */
	int *cpus; /* read when first needed */
	uint32_t cpu_cnt;
	int cpu; /* out: of the last event, -1 when it is a process's */
};
void perf_where_done(struct perf_where *where);
/* The number of a kind of events that the kernel calls by name, "kprobe"; -ENOENT: it has none. */
int perf_type(const char *name);
int perf_open(const struct perf_event_attr *attr, int pid, int cpu); /* its fd or -errno */
/* One of everybody's on the first CPU that is online, counting nothing yet. */
int perf_open_first(struct perf_event_attr *attr);
bool perf_is_time(const struct perf_event_attr *attr);
/* Opens the events of target number `target` and attaches the program to each. */
int perf_attach(const struct probe_attach *a, uint32_t target, struct perf_event_attr *attr,
		struct perf_where *where, struct probe_links *links, struct probe_error *err);

/*
 * ---- links ----
 * Attaches a program to an open event and hands the event over: perf_fd is closed or kept in links
 * in any case. cookie may be NULL. holder: see links_holder, -1: none.
 */
int links_attach_perf(struct probe_links *links, int prog_fd, int perf_fd, const uint64_t *cookie,
		      int holder, uint32_t slot);
/* ---- beat.c ---- */
int links_add_beat(struct probe_links *links, const struct probe_beat *b);
/* Notes an event that has been attached. */
int links_count(struct probe_links *links, int perf_fd, int cpu,
		const struct perf_event_attr *attr);
/*
 * ---- multi.c ----
 * One link on many functions of the kernel (5.18) or places in a file (6.6). The link's fd or -errno;
 * -EINVAL and -EOPNOTSUPP: the kernel has no such links.
 */
enum {
	TRACE_KPROBE_MULTI = 42,
	TRACE_UPROBE_MULTI = 48,
	TRACE_KPROBE_SESSION = 56,
	TRACE_UPROBE_SESSION = 57,
}; /* expected_attach_type */
struct multi_args {
	int prog_fd;
	uint32_t attach_type;
	const char *path; /* uprobes; NULL: kprobes */
	const uint64_t *offsets, *ref_ctr_offsets; /* in it; the latter may be NULL */
	const char *const *syms; /* kprobes: by name */
	const uint64_t *addrs; /* or by address */
	const uint64_t *cookies; /* may be NULL */
	uint32_t cnt, pid;
	bool is_return;
};
int links_multi(const struct multi_args *a);
/* Whether the kernel would take the link on these functions, by name: 0 or -errno. Nothing is attached. */
int links_multi_try(const struct multi_args *a);
int links_load_nothing(uint32_t attach_type); /* the fd of a program that does nothing */
/* Unless --no-feature says that the kernel has none. */
bool env_has_multi(struct probe_env *env, enum probe_multi kind);
/* Whether programs of such links can be told whether a function returns; how to load them. */
bool env_session(struct probe_env *env, enum probe_multi kind, struct probe_load *out);

/* Notes what unwatch() may let go of. */
int links_watch(struct probe_links *l, const struct probe_watch *w);
/* The target came of a pattern, and the kernel will not have it: it is left out, and err forgotten. */
int links_skip(struct probe_env *env, const struct probe_target *t, struct probe_links *links,
	       struct probe_error *err);

/*
 * Calls fn for 0 to cnt - 1, from as many threads as it takes for those that wait for a grace period to
 * wait for the same one.
 */
void links_together(uint32_t cnt, void (*fn)(void *arg, uint32_t i), void *arg);

/* A map that holds tracepoint events so that the kernel closes them behind our back; -1: none. */
int links_holder(struct probe_links *links, uint32_t cnt);

/*
 * ---- what profile and interval have in common ----
 * Targets: a is the unit (hz s ms us), value the number, value2 the period in ns (0: hz).
 */
int timer_parse(struct probe_env *env, const char *type, const struct probe_part *parts,
		uint32_t cnt, struct probe_target *pat, struct probe_error *err);
int timer_list(struct probe_env *env, const char *type, probe_fn fn, void *arg);
const char *timer_list_name(struct probe_env *env, const char *type, const struct probe_target *t);
int timer_attach(const struct probe_attach *a, bool one_cpu, struct probe_links *links,
		 struct probe_error *err);

/*
 * ---- what software and hardware have in common: counters ----
 * Targets: a is the event's name as written, value the count, value2 perf's config.
 */
struct counter {
	const char *name, *alias; /* alias may be NULL */
	uint64_t config;
	uint64_t count; /* when the script names none */
};
struct counters {
	const char *type; /* "software" */
	uint32_t perf_type;
	const struct counter *rows;
	uint32_t cnt;
};
int counter_parse(struct probe_env *env, const struct counters *c, const struct probe_part *parts,
		  uint32_t cnt, struct probe_target *pat, struct probe_error *err);
int counter_list(struct probe_env *env, const struct counters *c, probe_fn fn, void *arg);
const char *counter_list_name(struct probe_env *env, const struct counters *c,
			      const struct probe_target *t);
int counter_attach(const struct counters *c, const struct probe_attach *a,
		   struct probe_links *links, struct probe_error *err);

#endif

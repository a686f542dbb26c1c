/* SPDX-License-Identifier: Apache-2.0 */
/* What random programs are made of, see generate.c: probes, and what only their kind has. */
static const struct place {
	const char *at; /* %s: the program for uprobes */
	enum kind kind;
} places[] = {
	{ "tracepoint:syscalls:sys_enter_write", KIND_RW },
	{ "tracepoint:syscalls:sys_enter_write", KIND_RW },
	{ "tracepoint:syscalls:sys_enter_read,\ntracepoint:syscalls:sys_enter_write", KIND_RW },
	{ "tracepoint:syscalls:sys_enter_getp[pg]id", KIND_PLAIN },
	{ "tracepoint:syscalls:sys_enter_openat", KIND_OPEN },
	{ "tracepoint:syscalls:sys_exit_read", KIND_EXIT },
	{ "tracepoint:sched:sched_process_exec", KIND_EXEC },
	{ "rawtracepoint:sys_enter", KIND_ARGS },
	{ "rawtracepoint:net_dev_start_xmit", KIND_SKB },
	{ "interval:s:100", KIND_PLAIN },
	{ "profile:hz:1", KIND_PLAIN },
	{ "software:cpu-clock:1000000000", KIND_PLAIN },
	{ "self:signal:SIGUSR2", KIND_PLAIN },
	{ "begin", KIND_PLAIN },
	{ "end", KIND_PLAIN },
	{ "uprobe:%s:main", KIND_FUNC },
	{ "uretprobe:%s:main", KIND_RETURN },
	{ "kprobe:vfs_read", KIND_FUNC },
	{ "kretprobe:vfs_read", KIND_RETURN },
	{ "fentry:vfs_read", KIND_FENTRY },
	{ "iter:task", KIND_ITER },
};

static const char *const plain_rows[] = { "pid", "cpu" };

static const char *const rw_rows[] = { "args.fd", "args.count", "(uint64)args.buf" };

static const char *const args_rows[] = { "arg0", "arg1", "(int32)arg1" };

static const char *const func_rows[] = { "arg0",	 "arg1",	"arg2",
					 "arg3",	 "arg4",	"arg5",
					 "reg(\"ip\")",	 "reg(\"sp\")", "*(uint64 *)uptr(arg1)",
					 "strlen(func)", "(uint64)ctx" };

static const char *const return_rows[] = { "retval", "(int32)retval", "reg(\"ax\")",
					   "strlen(func)" };

static const char *const open_rows[] = { "args.dfd", "args.flags", "strlen(str(args.filename))",
					 "(uint64)args.filename" };

static const char *const exit_rows[] = { "args.ret", "(int32)args.ret", "args.__syscall_nr" };

static const char *const exec_rows[] = { "args.pid", "strlen(args.filename)", "args.old_pid" };

static const char *const skb_rows[] = { "args.skb->len",
					"args.skb->dev->mtu",
					"(uint64)args.skb",
					"arg0",
					"skboutput(\"/dev/null\", args.skb, `i, `d)",
					"skboutput(\"/dev/null\", args.skb, args.skb->len, 0)" };

static const char *const iter_rows[] = { "ctx->task->pid",     "ctx->task->prio",
					 "ctx->meta->seq_num", "((uint64)ctx.task % 7)",
					 "ctx.task[`i].prio",  "(ctx.task + `i)->prio" };

static const char *const fentry_rows[] = { "args.count",
					   "(uint64)args.buf",
					   "args.file->f_flags",
					   "(uint64)args.file",
					   "arg2",
					   "((uint64)args.file % 7)",
					   "args.file[`i].f_flags",
					   "(args.file + `i)->f_flags" };

// SPDX-License-Identifier: Apache-2.0
/*
 * The way out. Signals are blocked while we run (the loop reads them from a signalfd), so a write
 * into a full pipe would hold us for ever: pipes and terminals are written PIPE_BUF bytes at a time
 * after poll() said so, and a signal that waits while nobody reads ends the output.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/out.h"

enum {
	BLOCK = 64 << 10, /* gathered before it is written */
	STUCK_MS = 1000, /* a reader gets that long after a signal */
};

static const struct out_ops *ops_of(enum run_format format)
{
	switch (format) {
	case RUN_TEXT: break;
	case RUN_JSON: return &out_json_ops;
	case RUN_CSV: return &out_csv_ops;
	case RUN_OPENMETRICS: return &out_metrics_ops;
	case RUN_FOLDED: return &out_folded_ops;
	case RUN_FLAME: return &out_flame_ops;
	}
	return &out_text_ops;
}

struct out *out_new(const struct run_options *opt, const struct value_env *env)
{
	struct out *o = calloc(1, sizeof(*o));
	struct stat st;

	if (!o)
		return NULL;
	o->ops = ops_of(opt->format);
	o->percentiles = opt->percentiles;
	o->env = env;
	o->buffering = opt->buffering;
	o->path = opt->output;
	o->fd = STDOUT_FILENO;
	o->wake_fd = -1;
	o->hold = OUT_NO_HOLD;
	if (o->path)
		o->fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (o->fd < 0) {
		fprintf(stderr, "ERROR: cannot write %s: %m\n", o->path);
		free(o);
		return NULL;
	}
	o->is_pipe = !fstat(o->fd, &st) &&
		     (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(o->fd));
	o->err_terminal = isatty(STDERR_FILENO);
	return o;
}

void out_free(struct out *o)
{
	if (!o)
		return;
	if (o->path)
		close(o->fd);
	buf_free(&o->buf);
	buf_free(&o->scratch);
	buf_free(&o->family);
	buf_free(&o->families);
	free(o);
}

/* 0 when the file takes bytes; -EINTR when a signal waits and the reader does not read. */
static int wait_writable(struct out *o)
{
	struct pollfd fds[] = { { o->fd, POLLOUT, 0 }, { o->wake_fd, POLLIN, 0 } };
	int n;

	do
		n = poll(fds, 2, -1);
	while (n < 0 && errno == EINTR);
	if (!fds[0].revents && fds[1].revents)
		n = poll(fds, 1, STUCK_MS);
	return fds[0].revents ? 0 : -EINTR;
}

static int write_some(struct out *o, const char *p, size_t len, size_t *done)
{
	ssize_t n;
	int rc;

	if (o->is_pipe) {
		rc = wait_writable(o);
		if (rc)
			return rc;
		len = len < PIPE_BUF ? len : PIPE_BUF;
	}
	n = write(o->fd, p, len);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	*done += (size_t)n;
	return 0;
}

static void write_until(struct out *o, size_t end)
{
	size_t done = 0;

	if (o->held)
		return;
	if (o->hold != OUT_NO_HOLD && end > o->hold - o->written)
		end = (size_t)(o->hold - o->written);
	while (!o->err && done < end)
		o->err = write_some(o, o->buf.p + done, end - done, &done);
	if (o->err)
		done = o->buf.len;
	if (done < o->buf.len)
		memmove(o->buf.p, o->buf.p + done, o->buf.len - done);
	o->buf.len -= done;
	o->written += done;
	if (o->buf.nomem && !o->err)
		o->err = -ENOMEM;
}

int out_flush(struct out *o)
{
	write_until(o, o->buf.len);
	return o->err;
}

static void flush_lines(struct out *o)
{
	const char *nl = o->buf.len ? memrchr(o->buf.p, '\n', o->buf.len) : NULL;

	if (nl)
		write_until(o, (size_t)(nl - o->buf.p) + 1);
}

void out_commit(struct out *o)
{
	if (o->buffering == RUN_BUF_NONE || o->buf.len >= BLOCK || o->buf.nomem)
		out_flush(o);
	else if (o->buffering == RUN_BUF_LINE)
		flush_lines(o);
}

void out_idle(struct out *o)
{
	if (o->buffering == RUN_BUF_AUTO && o->buf.len)
		out_flush(o);
}

void out_report(const struct out *o)
{
	if (!o->err || o->err == -EPIPE || o->err == -EINTR)
		return;
	errno = -o->err;
	fprintf(stderr, "ERROR: cannot write %s: %m\n", o->path ? o->path : "the output");
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The output of a command stands where system() was called, and tracing does not wait for it: what
 * comes after in the output is held back in memory until the command has ended. Commands are run in
 * order, one at a time. A mark is a place in the whole of the output, written or not. Messages, which
 * go elsewhere, wait in the same row.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/child.h"
#include "runtime/commands.h"

enum { HELD_MAX = 64 << 20, QUEUE_MAX = 1000, AT_ONCE = 64 << 10 };

struct command {
	struct command *next;
	uint64_t mark;
	const char *json;
	const char *level; /* of a message; NULL: a command */
	uint32_t place; /* of a message */
	char text[];
};

struct commands {
	struct out *out;
	const sigset_t *mask;
	struct command *first, *last; /* the first runs */
	uint32_t cnt;
	pid_t pid; /* 0: none runs */
	int epoll_fd, pid_fd, fd;
	struct buf got; /* JSON: in one object */
};

struct commands *commands_new(struct out *o, const sigset_t *mask)
{
	struct commands *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->out = o;
	c->mask = mask;
	c->pid_fd = c->fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd >= 0)
		return c;
	free(c);
	return NULL;
}

int commands_fd(const struct commands *c)
{
	return c->epoll_fd;
}

/* ---- what they print ---- */

/* Appends at the first command's mark whatever put() appends; the rest moves on. */
static void insert(struct commands *c, void (*put)(struct commands *c, const void *p, size_t len),
		   const void *p, size_t len)
{
	struct buf *b = &c->out->buf, rest = { 0 };
	size_t at = (size_t)(c->first->mark - c->out->written);
	uint64_t before;

	buf_put(&rest, b->p + at, b->len - at);
	b->len = at;
	before = c->out->written + b->len;
	put(c, p, len);
	before = c->out->written + b->len - before;
	buf_put(b, rest.p, rest.len);
	b->nomem |= rest.nomem;
	buf_free(&rest);
	for (struct command *i = c->first; i; i = i->next)
		i->mark += before;
	c->out->hold = c->first->mark;
	out_idle(c->out);
}

static void put_text(struct commands *c, const void *p, size_t len)
{
	buf_put(&c->out->buf, p, len);
}

static void put_object(struct commands *c, const void *p, size_t len)
{
	buf_put(c->out->ops->text_begin(c->out), p, len);
	c->out->ops->text_end(c->out, c->first->json);
}

static void read_output(struct commands *c)
{
	char bytes[AT_ONCE];
	ssize_t n;

	while (c->fd >= 0) {
		n = read(c->fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (!n) {
			close(c->fd); /* leaves the epoll set by itself */
			c->fd = -1;
		} else if (c->out->ops->whole_texts) {
			buf_put(&c->got, bytes, (size_t)n);
		} else {
			insert(c, put_text, bytes, (size_t)n);
		}
	}
}

/* ---- one after the other ---- */

static int watch(struct commands *c, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int spawn(struct commands *c, int out_fd)
{
	char *argv[] = { "sh", "-c", c->first->text, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t usual;
	int rc;

	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, c->mask);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	posix_spawn_file_actions_adddup2(&files, out_fd, 2);
	rc = posix_spawn(&c->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static int start(struct commands *c)
{
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	rc = spawn(c, fds[1]);
	close(fds[1]);
	if (rc) {
		c->pid = 0;
		close(fds[0]);
		return rc;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	c->fd = fds[0];
	c->pid_fd = pid_watch(c->pid);
	return watch(c, c->fd) ?: c->pid_fd < 0 ? c->pid_fd : watch(c, c->pid_fd);
}

static void drop_first(struct commands *c)
{
	struct command *done = c->first;

	c->first = done->next;
	c->cnt--;
	c->out->hold = c->first ? c->first->mark : OUT_NO_HOLD;
	free(done);
}

static void say_first(struct commands *c)
{
	const struct command *m = c->first;

	out_idle(c->out);
	c->out->ops->message(c->out, m->json, m->level, m->place, m->text);
	drop_first(c);
}

static void start_next(struct commands *c)
{
	int rc;

	while (c->first && !c->pid) {
		if (c->first->level) {
			say_first(c);
			continue;
		}
		rc = start(c);
		if (!rc)
			break;
		fprintf(stderr, "ERROR: system(): cannot run a command: %s\n", strerror(-rc));
		if (c->pid)
			break; /* it runs, although nobody tells us of its end: commands_wait */
		drop_first(c);
	}
}

static void end_first(struct commands *c)
{
	read_output(c);
	if (c->fd >= 0) /* something that the command left behind has it */
		close(c->fd);
	if (c->pid_fd >= 0)
		close(c->pid_fd);
	c->fd = c->pid_fd = -1;
	c->pid = 0;
	if (c->out->ops->whole_texts)
		insert(c, put_object, c->got.p, c->got.len);
	c->got.len = 0;
	drop_first(c);
	out_idle(c->out);
}

static int add(struct commands *c, struct command what, const char *text, size_t len)
{
	struct command *one = calloc(1, sizeof(*one) + len + 1);

	if (!one)
		return -ENOMEM;
	*one = what;
	memcpy(one->text, text, len);
	one->mark = c->out->written + c->out->buf.len;
	if (c->first)
		c->last->next = one;
	else
		c->first = one;
	c->last = one;
	c->cnt++;
	c->out->hold = c->first->mark;
	start_next(c);
	return 0;
}

int commands_add(struct commands *c, const char *text, size_t len, const char *json)
{
	return add(c, (struct command){ .json = json }, text, len);
}

int commands_message(struct commands *c, const char *json, const char *level, uint32_t place,
		     const char *text)
{
	const struct command m = { .json = json, .level = level, .place = place };

	return add(c, m, text, strlen(text));
}

void commands_step(struct commands *c)
{
	if (!c->pid)
		return;
	read_output(c);
	if (waitpid(c->pid, NULL, WNOHANG) == c->pid)
		end_first(c);
	start_next(c);
}

bool commands_full(const struct commands *c)
{
	return c->cnt > QUEUE_MAX || (c->cnt && c->out->buf.len > HELD_MAX);
}

void commands_wait(struct commands *c, int signal_fd)
{
	struct pollfd fds[] = { { c->epoll_fd, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };

	while (c->first && !fds[1].revents && !c->out->err) {
		poll(fds, 2, c->pid_fd < 0 ? 100 : -1);
		commands_step(c);
	}
}

void commands_free(struct commands *c)
{
	if (!c)
		return;
	if (c->pid) {
		kill(c->pid, SIGTERM);
		end_first(c);
	}
	while (c->first) {
		if (c->first->level)
			say_first(c);
		else
			drop_first(c);
	}
	buf_free(&c->got);
	close(c->epoll_fd);
	free(c);
}

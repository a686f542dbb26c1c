// SPDX-License-Identifier: Apache-2.0
/* Actions that take a formatted text further: messages, files, commands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/commands.h"
#include "runtime/event.h"
#include "runtime/load.h"
#include "runtime/pcap.h"

/* The formatted text with a NUL behind it; until the next one. terminal: it is shown on one. */
static const char *text_of(struct event_ctx *c, const struct image_action *a, bool terminal)
{
	struct value_env env = out_env_elsewhere(c->out, terminal);

	c->text.len = 0;
	format_run(&c->text, c, &env, &c->img->pieces[a->piece_first], a->piece_cnt);
	buf_putc(&c->text, '\0');
	return c->text.nomem ? NULL : c->text.p;
}

int act_message(struct event_ctx *c, const struct image_action *a, const char *json)
{
	bool terminal = !c->out->ops->messages_within && c->out->err_terminal;
	const char *text = text_of(c, a, terminal), *level = "ERROR";

	if (!text)
		return -ENOMEM;
	if (a->kind == ACT_WARNF)
		level = "WARNING";
	else if (a->kind == ACT_DEBUGF)
		level = "DEBUG";
	out_idle(c->out); /* what came before stands before */
	if (!c->out->ops->messages_within && c->commands)
		return commands_message(c->commands, json, level, a->place, text);
	c->out->ops->message(c->out, json, level, a->place, text);
	return 0;
}

static void cannot_open(struct event_ctx *c, const char *path)
{
	struct value_env env = out_env_elsewhere(c->out, c->out->err_terminal);
	const char *why = strerror(errno);
	struct buf shown = { 0 };

	traced_text(&shown, &env, path, strlen(path), false);
	fprintf(stderr, "ERROR: failed to open file '%.*s': %s\n", (int)shown.len, shown.p ?: "",
		why);
	buf_free(&shown);
}

int act_cat(struct event_ctx *c, const struct image_action *a, const char *json)
{
	uint64_t left = image_setting_num(c->img, "max_cat_bytes", 10240);
	struct value_env env = out_text_env(c->out);
	const char *path = text_of(c, a, false);
	struct buf *b;
	char bytes[4096];
	ssize_t n;
	int fd;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe nobody writes is empty */
	if (fd < 0) {
		cannot_open(c, path);
		return 0;
	}
	b = c->out->ops->text_begin(c->out);
	while (left && (n = read(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes))) > 0) {
		traced_text(b, &env, bytes, (size_t)n, true);
		left -= (uint64_t)n;
	}
	close(fd);
	c->out->ops->text_end(c->out, json);
	return 0;
}

int act_system(struct event_ctx *c, const struct image_action *a, const char *json)
{
	const char *text = text_of(c, a, false);

	if (!text)
		return -ENOMEM;
	return c->commands ? commands_add(c->commands, text, c->text.len - 1, json) : -EINVAL;
}

/* A capture that cannot be written ends the trace: what else it does is for that, mostly. */
int act_skb(struct event_ctx *c, const struct image_action *a, const char *json)
{
	uint64_t ns = (uint64_t)value_int(&c->args[0]), len = (uint64_t)value_int(&c->args[1]);
	const char *path = image_str(c->img, a->str), *bytes;
	uint32_t cnt;
	int rc;

	if (c->exiting)
		return 0;
	bytes = value_bytes(&c->args[2], &cnt);
	rc = pcap_put(&c->captures, path, ns + (uint64_t)c->env->boot_ns, bytes, cnt,
		      (uint32_t)len);
	if (!rc)
		return 0;
	fprintf(stderr, "ERROR: skboutput(): cannot write %s: %s\n", path, strerror(-rc));
	c->exiting = true;
	c->code = 1;
	return 0;
}

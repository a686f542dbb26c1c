// SPDX-License-Identifier: Apache-2.0
/*
 * A child that waits for us. After fork it reads one byte from a pipe whose other end only we hold:
 * the byte says go, its end says that we are gone, and then it leaves. So it can neither run ahead
 * of the probes nor be left behind stopped, whatever happens to us. A second pipe first says that the
 * child waits (what it did before is no part of the trace), then, when it is not simply closed by a
 * successful exec, why exec failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "runtime/child.h"

struct child {
	char **words;
	char *path;
	pid_t pid;
	int go_fd, status_fd;
	bool ended;
};

int pid_watch(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* ---- the command ---- */

/* One word from *s to out; gives the end of what it wrote, NULL when a quote is left open. */
static char *split_word(const char **s, char *out)
{
	char quote = 0;
	const char *p;

	for (p = *s; *p && (quote || !strchr(" \t\n", *p)); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
		else if (*p == '\\' && p[1] && (!quote || (quote == '"' && strchr("\"\\$`", p[1]))))
			*out++ = *++p;
		else
			*out++ = *p;
	}
	*s = p;
	*out++ = '\0';
	return quote ? NULL : out;
}

int words_split(const char *s, char ***words)
{
	size_t len = strlen(s), cnt = 0;
	char **list = malloc((len / 2 + 2) * sizeof(*list) + len + 2), *text;

	if (!list)
		return -ENOMEM;
	text = (char *)(list + len / 2 + 2);
	for (;;) {
		s += strspn(s, " \t\n");
		if (!*s)
			break;
		list[cnt++] = text;
		text = split_word(&s, text);
		if (!text) {
			free(list);
			return -EINVAL;
		}
	}
	list[cnt] = NULL;
	*words = list;
	return (int)cnt;
}

static bool runnable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* As execvp looks it up, but now, so that a misspelt command is told before anything is attached. */
static char *find_program(const char *name)
{
	const char *p = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
	char *path;

	if (strchr(name, '/'))
		return runnable(name) ? strdup(name) : NULL;
	while (*p) {
		int len = (int)strcspn(p, ":");

		if (asprintf(&path, "%.*s/%s", len ? len : 1, len ? p : ".", name) < 0)
			return NULL;
		if (runnable(path))
			return path;
		free(path);
		p += len + (p[len] == ':');
	}
	return NULL;
}

static int parse_command(struct child *c, const char *cmd, char *err, size_t err_sz)
{
	int cnt = words_split(cmd, &c->words);

	if (cnt < 0) {
		snprintf(err, err_sz,
			 cnt == -EINVAL ? "-c: a quote is not closed: %s" : "-c: out of memory: %s",
			 cmd);
		return cnt;
	}
	if (!cnt) {
		snprintf(err, err_sz, "-c: no command");
		return -EINVAL;
	}
	c->path = find_program(c->words[0]);
	if (!c->path) {
		snprintf(err, err_sz, "-c: %s: no such program", c->words[0]);
		return -ENOENT;
	}
	return 0;
}

/* ---- the process ---- */

/* In the child; never returns. */
static void wait_and_exec(const struct child *c, int go, int status, const sigset_t *mask,
			  pid_t parent)
{
	int failed = 0;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (getppid() != parent || write(status, &failed, sizeof(failed)) < 0 ||
	    read(go, &byte, 1) != 1)
		_exit(127);
	execvp(c->path, c->words); /* has a slash; a script without #! goes to sh */
	failed = errno;
	if (write(status, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

int child_start(struct child **out, const char *cmd, const sigset_t *mask, char *err, size_t err_sz)
{
	int go[2] = { -1, -1 }, status[2] = { -1, -1 }, rc;
	struct child *c = calloc(1, sizeof(*c));
	pid_t parent = getpid();

	if (!c)
		return -ENOMEM;
	c->go_fd = c->status_fd = -1;
	rc = parse_command(c, cmd, err, err_sz);
	if (rc)
		goto err_out;
	if (pipe2(go, O_CLOEXEC) || pipe2(status, O_CLOEXEC) || (c->pid = fork()) < 0) {
		rc = -errno;
		snprintf(err, err_sz, "-c: %s", strerror(-rc));
		goto err_out;
	}
	if (!c->pid) {
		close(go[1]);
		close(status[0]);
		wait_and_exec(c, go[0], status[1], mask, parent);
	}
	close(go[0]);
	close(status[1]);
	c->go_fd = go[1];
	c->status_fd = status[0];
	*out = c;
	return 0;

err_out:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (status[i] >= 0)
			close(status[i]);
	}
	c->pid = 0;
	child_free(c);
	return rc;
}

/* The next word from the child, 0 when there is none. */
static int read_status(const struct child *c)
{
	int word = 0;
	ssize_t n;

	do
		n = read(c->status_fd, &word, sizeof(word));
	while (n < 0 && errno == EINTR);
	return n == sizeof(word) ? word : 0;
}

void child_settle(struct child *c)
{
	read_status(c);
}

int child_go(struct child *c, char *err, size_t err_sz)
{
	int failed;

	if (write(c->go_fd, "g", 1) != 1)
		return 0; /* it died meanwhile: the watch on it says so */
	close(c->go_fd);
	c->go_fd = -1;
	failed = read_status(c);
	if (failed)
		snprintf(err, err_sz, "-c: %s: %s", c->path, strerror(failed));
	return -failed;
}

const char *child_shell_word(const struct child *c)
{
	static const char *const marks[] = { "|", ">", ">>", "<", "&", "&&", "||", ";", "2>&1" };

	for (char **w = c->words; *w; w++)
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if (!strcmp(*w, marks[i]))
				return *w;
	return NULL;
}

int child_pid(const struct child *c)
{
	return c->pid;
}

const char *child_path(const struct child *c)
{
	return c->path;
}

void child_reap(struct child *c)
{
	if (!c->ended && waitpid(c->pid, NULL, WNOHANG) == c->pid)
		c->ended = true;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	if (c->status_fd >= 0)
		close(c->status_fd);
	if (c->pid > 0)
		child_reap(c);
	if (c->pid > 0 && !c->ended) {
		kill(c->pid, c->go_fd >= 0 ? SIGKILL : SIGTERM);
		if (c->go_fd >= 0)
			waitpid(c->pid, NULL, 0);
	}
	if (c->go_fd >= 0)
		close(c->go_fd);
	free(c->path);
	free(c->words);
	free(c);
}

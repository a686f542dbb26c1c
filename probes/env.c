// SPDX-License-Identifier: Apache-2.0
/* The environment of probes: strings and lists that last as long as it, opened when asked for. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/debug.h"

struct env_block {
	struct env_block *next;
	size_t used, sz;
	char data[] __attribute__((aligned(16)));
};

enum { BLOCK_SZ = 32 << 10 };

struct probe_env *probe_env_new(const struct probe_env_options *opt)
{
	struct probe_env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	if (opt)
		env->opt = *opt;
	env->tracefs_fd = -1;
	return env;
}

static void env_blocks_free(struct probe_env *env)
{
	struct env_block *b, *next;

	for (b = env->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
}

void probe_env_free(struct probe_env *env)
{
	if (!env)
		return;
	if (env->tracefs_fd >= 0)
		close(env->tracefs_fd);
	for (struct module_btf *m = env->module_btfs; m; m = m->next)
		btf__free(m->btf);
	btf__free(env->btf);
	btf_names_free(env->btf_names);
	btf_fields_free(env->btf_fields);
	btf_file_free(env->btf_file);
	for (struct kept_fd *k = env->fds; k; k = k->next)
		if (k->fd >= 0)
			close(k->fd);
	for (struct elf_file *f = env->files; f; f = f->next) {
		debug_close(f);
		elf_file_close(f);
	}
	env_blocks_free(env);
	free(env);
}

void *env_alloc(struct probe_env *env, size_t sz)
{
	struct env_block *b = env->blocks;
	size_t block_sz;
	void *mem;

	sz = (sz + 15) & ~(size_t)15;
	if (!b || b->sz - b->used < sz) {
		block_sz = sz > BLOCK_SZ ? sz : BLOCK_SZ;
		b = calloc(1, sizeof(*b) + block_sz);
		if (!b)
			return NULL;
		b->sz = block_sz;
		b->next = env->blocks;
		env->blocks = b;
	}
	mem = b->data + b->used;
	b->used += sz;
	return mem;
}

int env_keep_named(struct probe_env *env, const char *name, int fd)
{
	struct kept_fd *k = env_alloc(env, sizeof(*k));
	char *copy = name ? env_strdup(env, name) : NULL;

	if (!k || (name && !copy)) {
		close(fd);
		return -ENOMEM;
	}
	*k = (struct kept_fd){ env->fds, fd, copy };
	env->fds = k;
	return 0;
}

int env_keep_fd(struct probe_env *env, int fd)
{
	return env_keep_named(env, NULL, fd);
}

static struct kept_fd *find_named(struct probe_env *env, const char *name)
{
	struct kept_fd *k = env->fds;

	while (k && (k->fd < 0 || !k->name || strcmp(k->name, name)))
		k = k->next;
	return k;
}

bool env_has_named(struct probe_env *env, const char *name)
{
	return find_named(env, name);
}

int env_take_named(struct probe_env *env, const char *name)
{
	struct kept_fd *k = find_named(env, name);
	int fd = k ? k->fd : -1;

	if (k)
		k->fd = -1;
	return fd;
}

char *env_strndup(struct probe_env *env, const char *s, size_t len)
{
	char *copy = env_alloc(env, len + 1);

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *env_strdup(struct probe_env *env, const char *s)
{
	return env_strndup(env, s, strlen(s));
}

char *env_printf(struct probe_env *env, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = len < 0 ? NULL : env_alloc(env, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

int probe_fail(struct probe_error *err, int part, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	err->hint[0] = 0;
	err->part = part;
	err->is_form = false;
	return rc;
}

void env_hint(struct probe_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

int probe_fail_oom(struct probe_error *err)
{
	return probe_fail(err, -1, -ENOMEM, "out of memory");
}

int probe_check_parts(const char *type, uint32_t cnt, uint32_t min, uint32_t max,
		      struct probe_error *err)
{
	uint32_t found = cnt - 1;

	if (found >= min && found <= max)
		return 0;
	if (min == max)
		probe_fail(err, -1, -EINVAL, "%s probe type requires %u argument%s, found %u", type,
			   min, min == 1 ? "" : "s", found);
	else
		probe_fail(err, -1, -EINVAL, "%s probe type requires %u or %u arguments, found %u",
			   type, min, max, found);
	err->is_form = true;
	return -EINVAL;
}

int probe_is_itself(struct probe_env *env, const struct probe_target *pat, probe_fn fn, void *arg,
		    struct probe_error *err)
{
	int rc = fn(arg, pat);

	(void)env;
	(void)err;
	return rc ?: 1;
}

int probe_parse_named(const char *type, struct probe_env *env, const struct probe_part *parts,
		      uint32_t cnt, struct probe_target *pat, struct probe_error *err)
{
	int rc = probe_check_parts(type, cnt, 1, 1, err);

	if (rc)
		return rc;
	if (!*parts[1].text)
		return probe_fail(err, -1, -EINVAL, "%s: the name is empty", type);
	*pat = (struct probe_target){ .a = parts[1].text };
	pat->name = env_printf(env, "%s:%s", type, pat->a);
	return pat->name ? 0 : probe_fail_oom(err);
}

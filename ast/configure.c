/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ast/builtins.h"
#include "ast/settings.h"
#include "ast/unit.h"

const char *settings_env(struct arena *a, const char *name, const char **env_name)
{
	static const char *const prefixes[] = { "TRACE_", "BPFTRACE_" };

	for (int i = 0; i < 2; i++) {
		char *full = arena_printf(a, "%s%s", prefixes[i], name);
		const char *value;

		for (char *c = full; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		value = getenv(full);
		if (value) {
			*env_name = full;
			return value;
		}
	}
	return NULL;
}

static void apply_env(struct unit *u, bool set[SETTING_CNT])
{
	for (int id = 0; id < SETTING_CNT; id++) {
		const char *var = setting_name((enum setting_id)id), *name;
		const char *value = settings_env(u->arena, var, &name);

		if (!value)
			continue;
		set[id] = true;
		if (setting_set(u->settings, (enum setting_id)id, value))
			diag(u->diags, SPAN_NONE, D_CONFIG_ENV_VALUE, name, value,
			     setting_values(u->arena, (enum setting_id)id));
	}
}

static void unknown_name(struct unit *u, const struct node *var)
{
	static const char env_only[] = "btf|color|kernel_build|kernel_source|vmlinux";
	const char *all = "";
	struct nearest near;
	struct diag *d;

	if (words_find(env_only, var->config_var.name) >= 0) {
		diag(u->diags, var->span, D_CONFIG_ENV_ONLY, var->config_var.name);
		return;
	}

	d = diag(u->diags, var->span, D_CONFIG_UNKNOWN, var->config_var.name);
	nearest_init(&near, var->config_var.name);
	for (int id = 0; id < SETTING_CNT; id++) {
		const char *name = setting_name((enum setting_id)id);

		nearest_feed(&near, name);
		all = arena_printf(u->arena, "%s%s%s", all, id ? ", " : "", name);
	}
	if (near.best)
		diag_hint(d, "Did you mean '%s'?", near.best);
	else
		diag_hint(d, "There are %s", all);
}

static const char *value_text(struct unit *u, const struct node *v)
{
	if (v->kind == N_STR)
		return v->str.text;
	if (v->kind == N_IDENT)
		return v->ident.name;
	return arena_printf(u->arena, "%llu", (unsigned long long)v->num.value);
}

static void apply_var(struct unit *u, const struct node *var, const bool env_set[SETTING_CNT])
{
	const struct node *v = var->config_var.value;
	const char *name = var->config_var.name;
	int id = setting_find(name);
	bool str_kind;

	if (strncmp(name, "unstable_", 9) == 0)
		return; /* what bpftrace hides behind these is simply there */
	if (id < 0) {
		unknown_name(u, var);
		return;
	}
	str_kind = setting_kind((enum setting_id)id) == SETTING_STR;
	if (env_set[id])
		return;
	if (str_kind != (v->kind == N_STR) && setting_kind((enum setting_id)id) != SETTING_ENUM) {
		diag(u->diags, var->span, D_CONFIG_VALUE, name, value_text(u, v),
		     setting_values(u->arena, (enum setting_id)id));
		return;
	}
	if (setting_set(u->settings, (enum setting_id)id, value_text(u, v)))
		diag(u->diags, var->span, D_CONFIG_VALUE, name, value_text(u, v),
		     setting_values(u->arena, (enum setting_id)id));
}

/* Needs: the tree, u->settings with the defaults. Gives: what environment and program say of them. */
int configure(struct unit *u)
{
	bool env_set[SETTING_CNT] = { false };

	apply_env(u, env_set);
	for (struct node *n = u->program->program.items; n; n = n->next) {
		if (n->kind != N_CONFIG)
			continue;
		for (struct node *v = n->config.vars; v; v = v->next)
			apply_var(u, v, env_set);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Config variables (runtime/config.def): default, environment, config block; environment wins. */
#ifndef TRACE_SETTINGS_H
#define TRACE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct settings;

enum setting_id {
#define CONFIG(name, kind, dflt, values, help) SETTING_##name,
#include "runtime/config.def"
#undef CONFIG
	SETTING_CNT
};

enum setting_kind { SETTING_NUM, SETTING_BOOL, SETTING_STR, SETTING_ENUM };

/* Values of missing_probes, in the order of its row. */
enum missing_probes { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE };

struct settings *settings_new(struct arena *a); /* all defaults */

const char *setting_name(enum setting_id id);
/* A variable's value in the environment, by its name there in full; NULL when it is not there. */
const char *settings_env(struct arena *a, const char *name, const char **env_name);
enum setting_kind setting_kind(enum setting_id id);
/* The number; of a BOOL 0 or 1, of an ENUM the index of its word; 0 of a STR. */
uint64_t setting_num(const struct settings *s, enum setting_id id);
/* The text of a STR or the word of an ENUM; NULL of others. */
const char *setting_str(const struct settings *s, enum setting_id id);

/* Size of what str() reads: max_strlen characters and the NUL. */
uint32_t setting_text_size(const struct settings *s);

int setting_find(const char *name); /* -1: none */
/* What the values may be, in words, for messages. */
const char *setting_values(struct arena *a, enum setting_id id);
/* From text; 0 or -EINVAL. */
int setting_set(struct settings *s, enum setting_id id, const char *text);
/* Another default, of a NUM; before it is set. */
void setting_default(struct settings *s, enum setting_id id, uint64_t num);
bool setting_is_given(const struct settings *s, enum setting_id id); /* it was set */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The installed scripts: found by name, listed with what they do. */
#ifndef TRACE_SCRIPTS_H
#define TRACE_SCRIPTS_H

/* The path of the script of that name (".bt" may be left out), to be freed; NULL: there is none. */
char *scripts_find(const char *name);

/* The script whose name is nearest to a misspelt one, to be freed; NULL: none is near. */
char *scripts_nearest(const char *name);

/* All of them, sorted by name; their number. */
typedef void (*scripts_fn)(void *arg, const char *name, const char *purpose);
int scripts_each(scripts_fn fn, void *arg);

/* --scripts: a line for each, "name  purpose". Negative errno after a line on stderr. */
int scripts_list(void);

#endif

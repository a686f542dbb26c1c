/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of the pipeline: from text to a checked tree. */
#ifndef TRACE_COMPILE_H
#define TRACE_COMPILE_H

struct compile_options;
struct options;
struct probe_env;
struct unit;

/* In this order; what each needs and gives stands above its definition. */
struct pass {
	const char *name;
	int (*run)(struct unit *u);
};

enum { PASS_CNT = 10 };
extern const struct pass passes[PASS_CNT];

/* 0, or a negative errno after a line on stderr; opt and env must outlive the unit. */
int unit_init(struct unit *u, const struct compile_options *opt, struct probe_env *env);
void unit_done(struct unit *u); /* what is wrong with the program is told at the latest now */
void unit_tell(struct unit *u);

/* What is missing for tracing is said; 0 also where nothing is to be traced. */
int check_privilege(const struct options *o);

/* Everything from reading the program to the checked tree, with what -d asks for. */
int front_end(struct unit *u, const struct options *o);

/* ---- fit.c ---- */

/*
 * Needs a checked tree. Where this kernel takes no key as long as the program's, and the program
 * leaves max_strlen to us, gives the tree that it has with a max_strlen that fits.
 */
int fit_keys(struct unit *u, const struct options *o);
/*
 * The same of a program that is to run elsewhere, whose tree stays as it is: out is the other one,
 * about which nothing is told. -ENOENT: none is wanted, or there is none.
 */
int fit_short(const struct unit *u, struct unit *out);
void fit_short_done(struct unit *u);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * max_strlen for kernels that take short keys only.
 *
 * Before Linux 5.11 a key has 512 bytes at most, and a text of the default max_strlen takes more:
 * @[str(args.filename)] would be refused. Who says nothing of max_strlen gets as much as fits then,
 * in the whole program, so that a text is the same wherever it is used; what does not fit is cut,
 * and printed as texts that were cut are. A program that is compiled to run elsewhere too is compiled
 * twice, and the kernel that it meets decides which of the two runs.
 *
 * Sizes of types are the compiler's, so the program is compiled anew, as far as the checked tree. How
 * long keys become is seen by trying: keys hold several texts, texts are joined, and lengths may be
 * computed from max_strlen, but all of that is linear, and two points tell the line.
 */
#include <errno.h>
#include <string.h>

#include "ast/settings.h"
#include "ast/type.h"
#include "ast/unit.h"
#include "compile.h"
#include "options.h"
#include "program.h"
#include "runtime/features.h"
#include "runtime/image.h"
#include "runtime/run.h"

enum {
	LEN_LEAST = 63, /* below this, names and paths are of no use */
	/*
	 * The two points. With the NUL they are multiples of every alignment, which so bends no line,
	 * and a program's own texts are hardly as long.
	 */
	LEN_A = 383,
	LEN_B = 511,
	LEN_STEP = 8, /* what alignment may have added in between */
	STEPS_MAX = 4,
};

/* By how many bytes the longest key is longer than what every kernel takes; negative: they fit. */
static int64_t keys_over(const struct unit *u)
{
	int64_t longest = 0;

	for (const struct map_sym *m = u->program->program.maps; m; m = m->next) {
		int64_t sz = m->key ? m->key->size : 0;

		if (m->key && type_is_agg(m->val)) /* the CPU's number may become part of it */
			sz = image_map_cpu_off(m->key->size) + (int64_t)sizeof(uint64_t);
		if (sz > longest)
			longest = sz;
	}
	return longest - IMAGE_KEY_EVERYWHERE;
}

/* All passes on the program that text is, with another default of max_strlen. */
static int compile_with(struct unit *u, const struct unit *like, const struct source *text,
			uint64_t len)
{
	int err = unit_init(u, like->opt, like->env);

	if (err)
		return err;
	setting_default(u->settings, SETTING_max_strlen, len);
	err = add_source(u, text->name, text->text, text->len);
	for (int i = 0; i < PASS_CNT && !err; i++)
		err = passes[i].run(u);
	return err;
}

/* The program is not told about twice. */
static void forget(struct unit *u)
{
	u->diags = NULL;
	unit_done(u);
}

/* How far off keys are with this max_strlen; positive also when the program has errors then. */
static int64_t over_with(const struct unit *like, uint64_t len)
{
	struct unit u;
	int64_t over = compile_with(&u, like, like->main_source, len) ? 1 : keys_over(&u);

	forget(&u);
	return over;
}

/* The longest max_strlen with which all keys fit; 0: there is none. */
static uint64_t fitting_len(const struct unit *u)
{
	int64_t a = over_with(u, LEN_A), b = over_with(u, LEN_B), len;

	if (a >= b)
		return 0;
	len = LEN_A - (LEN_B - LEN_A) * a / (b - a);
	for (int i = 0; i < STEPS_MAX && len >= LEN_LEAST; i++, len -= LEN_STEP)
		if (over_with(u, (uint64_t)len) <= 0)
			return (uint64_t)len;
	return 0;
}

/* Keys are too long for some kernels, and may be made shorter. */
static bool is_too_long(const struct unit *u)
{
	return !setting_is_given(u->settings, SETTING_max_strlen) && keys_over(u) > 0;
}

int fit_short(const struct unit *u, struct unit *out)
{
	uint64_t len = u->opt->open_options && is_too_long(u) ? fitting_len(u) : 0;

	if (!len)
		return -ENOENT;
	if (!compile_with(out, u, u->main_source, len))
		return 0;
	forget(out);
	return -ENOENT;
}

void fit_short_done(struct unit *u)
{
	forget(u);
}

int fit_keys(struct unit *u, const struct options *o)
{
	bool wanted = !u->opt->open_options && is_too_long(u) && !caps_missing() &&
		      !features_has(o->run.features, FEAT_LONG_KEYS);
	uint64_t len = wanted ? fitting_len(u) : 0;
	struct unit had =
		*u; /* other parts of a unit know its address: the new one takes its place */

	if (!len)
		return 0;
	if (compile_with(u, &had, had.main_source, len)) {
		forget(u);
		*u = had;
		return 0;
	}
	forget(&had);
	if (o->run.verbose)
		run_tell_short(len);
	return 0;
}

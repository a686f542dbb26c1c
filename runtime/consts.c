// SPDX-License-Identifier: Apache-2.0
/* Values known only where the script runs: constants to the verifier once they are filled in. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/attach.h"
#include "runtime/cgroups.h"
#include "runtime/load.h"
#include "runtime/symbols.h"

enum { CONTROL_SHARE = 8 }; /* an eighth of the ring is kept for control records */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The initial namespace has a fixed inode (PROC_PID_INIT_INO): there pids need no translation. */
static uint64_t pidns(bool dev)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == 0xEFFFFFFCu)
		return 0;
	return dev ? st.st_dev : st.st_ino;
}

static uint64_t slot_of(const struct image *img, const char *name, const struct map_shape *shapes)
{
	for (uint32_t i = 0; i < img->maps_cnt; i++)
		if (!strcmp(image_str(img, img->maps[i].bpf_name), name))
			return shapes[i].slot;
	return 0;
}

/* What was given, or the default. image_check has seen that there is such an option. */
static struct script_option option_value(const struct load_args *a, const char *name)
{
	struct script_option o = { .text = "" };

	for (uint32_t i = 0; i < a->img->options_cnt; i++) {
		o = a->opt->script_options ? a->opt->script_options[i] : image_option(a->img, i);
		if (!strcmp(o.name, name))
			break;
	}
	return o;
}

static uint64_t text_word(const char *text, uint32_t word)
{
	char bytes[SCRIPT_TEXT_SZ] = { 0 };
	uint64_t v;

	memcpy(bytes, text, strnlen(text, sizeof(bytes) - 1));
	memcpy(&v, bytes + word * sizeof(v), sizeof(v));
	return v;
}

static bool has_feature(struct features *f, const char *name)
{
	enum feature id = feature_by_name(name, strlen(name));

	return id != FEAT_CNT && features_has(f, id);
}

bool consts_here(const struct consts_here *here, enum image_const_kind kind, const char *name,
		 uint64_t *word)
{
	switch ((int)kind) {
	case KONST_NCPUS: *word = (uint64_t)libbpf_num_possible_cpus(); break;
	case KONST_PIDNS_DEV: *word = pidns(true); break;
	case KONST_PIDNS_INO: *word = pidns(false); break;
	case KONST_PAGE_SZ: *word = (uint64_t)sysconf(_SC_PAGESIZE); break;
	case KONST_FEATURE: *word = has_feature(here->features, name); break;
	case KONST_FIELD: *word = (uint64_t)probe_field_off(here->env, name); break;
	default: return false;
	}
	return true;
}

static uint64_t value_of(const struct image_const *c, const struct load_args *a,
			 const struct consts_args *args)
{
	const char *name = image_str(a->img, c->str);
	const struct consts_here here = { a->features, a->env };
	uint64_t word = 0;

	switch ((enum image_const_kind)c->kind) {
	case KONST_NCPUS: return args->ncpus;
	case KONST_START_NS: return clock_ns(CLOCK_BOOTTIME);
	case KONST_TAI_OFFSET_NS: return clock_ns(CLOCK_TAI) - clock_ns(CLOCK_BOOTTIME);
	case KONST_WALL_OFFSET_NS: return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	case KONST_CPID: return (uint64_t)a->child_pid;
	case KONST_FILTER_PID: return (uint64_t)a->opt->pid;
	case KONST_OPTION: return (uint64_t)option_value(a, name).num;
	case KONST_OPTION_TEXT: return text_word(option_value(a, name).text, c->part);
	case KONST_ARG_OFF: return args->offs[c->part] / 8;
	case KONST_RING_LIMIT: return args->ring - args->ring / CONTROL_SHARE;
	case KONST_SLOT: return slot_of(a->img, name, args->shapes);
	case KONST_KADDR_MAYBE:
	case KONST_KADDR: return symbols_kaddr(a->symbols, name);
	case KONST_UADDR: break; /* user_symbol */
	case KONST_UADDR_MOVES: break;
	case KONST_CGROUPID: return cgroup_id(name);
	case KONST_FEATURE:
	case KONST_FIELD:
	case KONST_PIDNS_DEV:
	case KONST_PIDNS_INO:
	case KONST_PAGE_SZ: consts_here(&here, c->kind, name, &word); break;
	case KONST_CNT: break;
	}
	return word;
}

/* What is not there would silently be zero. */
static int check_found(const struct image_const *c, uint64_t word, const struct load_args *a)
{
	const char *name = image_str(a->img, c->str);

	if (word || (c->kind != KONST_KADDR && c->kind != KONST_CGROUPID))
		return 0;
	if (c->kind == KONST_KADDR)
		place_error(a->img, c->place,
			    "the kernel has no symbol %s (or hides its addresses)", name);
	else
		place_error(a->img, c->place, "no cgroup at \"%s\": %s", name, strerror(errno));
	return -ENOKEY; /* told */
}

static int user_symbol(const struct image_const *c, const struct load_args *a, uint64_t *word)
{
	const struct image_probe *p = &a->img->probes[c->part];
	const struct probe_type *t = probe_type_find(image_str(a->img, p->type));
	struct probe_target *target = targets_of(a->img, p->target_first, 1);
	struct probe_error err = { .text = "the probe is in no program" };
	struct probe_symbol sym = { 0 };
	const char *why = NULL;

	if (!t || !t->symbol || !target ||
	    t->symbol(a->env, target, image_str(a->img, c->str), &sym, &err))
		why = err.text;
	else if (sym.from_entry && !sym.is_fixed && !features_has(a->features, FEAT_UPROBE_FUNC_IP))
		why = "uaddr() in a uretprobe needs Linux 6.6, unless the program is always loaded "
		      "at the same addresses";
	free(target);
	*word = c->kind == KONST_UADDR ? sym.value : !sym.is_fixed;
	if (!why)
		return 0;
	place_error(a->img, c->place, "%s", why);
	return -ENOKEY; /* told */
}

static int fill_word(const struct image_const *c, const struct load_args *a,
		     const struct consts_args *args, uint64_t *word)
{
	if (c->kind == KONST_UADDR || c->kind == KONST_UADDR_MOVES)
		return user_symbol(c, a, word);
	*word = value_of(c, a, args);
	return check_found(c, *word, a);
}

int consts_fill(struct bpf_object *obj, const struct load_args *a, const struct consts_args *args)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, IMAGE_CONSTS_SECTION);
	uint64_t *words;
	size_t sz;
	int rc = 0;

	if (!map)
		return a->img->consts_cnt ? -ENOENT : 0;
	if (!bpf_map__initial_value(map, &sz) || sz < a->img->consts_cnt * sizeof(*words))
		return -EINVAL;
	words = calloc(1, sz);
	if (!words)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->img->consts_cnt && !rc; i++)
		rc = fill_word(&a->img->consts[i], a, args, &words[i]);
	rc = rc ?: bpf_map__set_initial_value(map, words, sz);
	free(words);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: attaching them, and running those that run by themselves. */
#ifndef TRACE_ATTACH_H
#define TRACE_ATTACH_H

#include <signal.h>

#include "probes/probe.h"
#include "runtime/load.h"

/* The type of a probe of the image; NULL after saying that this version has none of that name. */
const struct probe_type *probe_type_of(const struct image *img, uint32_t probe);
/* cnt targets of the image from row first on, malloc'ed. */
struct probe_target *targets_of(const struct image *img, uint32_t first, uint32_t cnt);

struct attach_args {
	const struct image *img;
	const struct run_options *opt;
	struct probe_env *env;
	int child_pid; /* 0: none */
};

/*
 * Needs: nothing is loaded. Gives: what probes ask of the kernel by name is open, kept by env, or -errno
 * after saying of each why not; with missing_probes as "error" only, else attaching tells.
 */
int open_probes(const struct image *img, struct probe_env *env);
/* Runs the programs of all probes of that kind once, in order. 0, or -errno after saying why. */
int run_probes(const struct loaded *l, const struct attach_args *a, enum probe_when when);
/* The signals that probes wait for. */
void signals_wanted(const struct image *img, sigset_t *set);
/* Runs the programs of those that wait for this one, in order. As run_probes. */
int run_on_signal(const struct loaded *l, const struct attach_args *a, int signo);
/* Attaches all others; cnt is then the number of all targets. -errno after saying why. */
int attach_probes(const struct loaded *l, const struct attach_args *a, struct probe_links *links,
		  uint32_t *cnt);

/* ---- verbose.c ---- */

/* -v: what the maps take. */
struct map_shape;
void verbose_maps(const struct image *img, const struct map_shape *shapes, uint32_t ncpus);
/*
 * One line on stderr about what has just been attached; probes: as many in one, see loaded_probes_in;
 * links_before: what links held before.
 */
void verbose_attached(const struct probe_attach *pa, uint32_t probes,
		      const struct probe_links *links, uint32_t links_before);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* From an image to programs and maps in the kernel. */
#ifndef TRACE_LOAD_H
#define TRACE_LOAD_H

#include "runtime/features.h"
#include "runtime/image.h"
#include "runtime/run.h"
#include "runtime/shape.h"

struct loaded;
struct probe_env;

struct load_args {
	const struct image *img;
	const struct run_options *opt;
	struct features *features;
	struct symbols *symbols; /* for KADDR */
	struct probe_env *env;
	int child_pid; /* 0: none */
};

/* 0, or a negative errno after saying why on stderr. */
int load_image(struct loaded **l, const struct load_args *a);
void loaded_free(struct loaded *l);

/* Fds by index in img->maps. */
const int *loaded_map_fds(const struct loaded *l);
/* The same: how they are laid out. */
const struct map_shape *loaded_map_shapes(const struct loaded *l);
/* The map in which stacks that were sent are marked; negative: there is none. */
int loaded_stacks_fd(const struct loaded *l);
/* False: no program unwinds, or this kernel does not let it. */
struct unwind_fds;
bool loaded_unwind_fds(const struct loaded *l, struct unwind_fds *fds);
int loaded_events_fd(const struct loaded *l);
/* What timers share with us; negative: there are none that are looked after. */
int loaded_beats_fd(const struct loaded *l, uint32_t *slot_cnt);
uint32_t loaded_events_size(const struct loaded *l);
/* An entry of the map of counters, one value for each CPU. 0 or -errno. */
int loaded_counters(const struct loaded *l, uint32_t idx, uint64_t *vals);
/* Sum over CPUs of an entry of the map of counters, 0 when there is none. */
uint64_t loaded_counter(const struct loaded *l, uint32_t idx);
/* Whether hits are among them: images of before do not have them. */
bool loaded_counts_hits(const struct loaded *l);
/* Of a row in sites, over all CPUs. */
struct site_count loaded_site(const struct loaded *l, uint32_t idx);
uint32_t loaded_ncpus(const struct loaded *l);
uint32_t loaded_ring_size(const struct loaded *l); /* bytes for events on their way */
/* The program of probe i; target: counted from the probe's first. */
int loaded_prog_fd(const struct loaded *l, uint32_t probe, uint32_t target);
/* How many probes that is: 2, calls and returns in one; 0: none, it is in another's. */
uint32_t loaded_probes_in(const struct loaded *l, uint32_t probe);
/* Whether the probe's targets share one program by attach cookies. */
bool loaded_uses_cookies(const struct loaded *l, uint32_t probe);
/* As the probe's type chose it, 0: the section's. */
uint32_t loaded_attach_type(const struct loaded *l, uint32_t probe);

/* A config variable of the image; fallback when it is not there. */
uint64_t image_setting_num(const struct image *img, const char *name, uint64_t fallback);
const char *image_setting_str(const struct image *img, const char *name, const char *fallback);

/* ---- consts.c ---- */

/* Fills in the words of IMAGE_CONSTS_SECTION. */
struct bpf_object;
struct consts_args {
	uint32_t ncpus, ring;
	const struct map_shape *shapes; /* by map */
	const uint32_t *offs; /* of the layouts, here */
};
struct consts_here {
	struct features *features;
	struct probe_env *env;
};
/* The word of a constant that is the same for every image that runs here; false: there is no such. */
bool consts_here(const struct consts_here *here, enum image_const_kind kind, const char *name,
		 uint64_t *word);
/* -ENOKEY: a symbol is not there, which it has said. */
int consts_fill(struct bpf_object *obj, const struct load_args *a, const struct consts_args *c);

/* ---- load_maps.c ---- */

uint32_t load_ring_size(const struct image *img, uint32_t ncpus);
/* Gives every map its shape for this machine. */
int load_maps_prepare(struct bpf_object *obj, const struct load_args *a, uint32_t ncpus,
		      struct map_shape *shapes);

/* Whether keys are short enough for this kernel; if not it says so. 0 or -EOPNOTSUPP. */
int load_keys_fit(const struct load_args *a, const struct map_shape *shapes);

/* Whether programs unwind user stacks, and the kernel lets them. */
bool load_unwinds(const struct bpf_object *obj, struct features *f);

/* ---- load_error.c ---- */

struct bpf_object;
struct bpf_program;

struct load_refusal {
	int rc;
	const struct bpf_object *obj;
	const struct bpf_program *prog; /* NULL: it was no program */
	const char *log; /* the verifier's */
};

/* On stderr: which feature this kernel has not. */
void load_lacks(const struct load_args *a, uint32_t place, const char *feature);
/* On stderr: why the kernel refused, where in the script, what to change. */
void load_explain(const struct load_args *a, const struct load_refusal *r);
/* Says what is missing when we may not load anything at all. 0 or -EPERM. */
int load_check_allowed(void);
/* "file:line:col-col: ", of several lines "file:line-line: ", or "". */
void place_text(const struct image *img, uint32_t place, char *out, size_t sz);
/* The lines to stand under a message, each with its newline; "" when there is no place. */
const char *place_excerpt(const struct image *img, uint32_t place);
/* "ERROR: ..." with the place and its line of the script underlined, as the compiler tells one. */
struct probe_error;
/* Of what went wrong with cnt targets of a probe, from the first on. */
uint32_t place_of_targets(const struct image *img, const struct image_probe *p, uint32_t first,
			  uint32_t cnt, const struct probe_error *err);
void place_error(const struct image *img, uint32_t place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void place_warning(const struct image *img, uint32_t place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

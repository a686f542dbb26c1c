/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that came from anywhere, and records that a program of it might send. Input: a byte that
 * says how long the records are, the records, then the image's section without ELF around it.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/event.h"
#include "runtime/symbols.h"
#include "tests/fuzz/unit.h"

static void decode(const struct image *img, const uint8_t *rec, size_t len)
{
	const int fds[64] = { [0 ... 63] = -1 };
	struct map_shape shapes[64];
	const struct run_options opt = { .output = "/dev/null", .format = len & 1 };
	struct value_env env = { .img = img, .cut_mark = ".." };
	struct maps *maps;
	struct event_ctx c;
	struct out *o;

	if (img->maps_cnt > 64)
		return;
	for (uint32_t i = 0; i < img->maps_cnt; i++)
		shapes[i] = map_shape_of(img, &img->maps[i], 2, true);
	env.symbols = symbols_new(img, NULL);
	o = out_new(&opt, &env);
	maps = maps_new(img, fds, shapes, 2);
	if (env.symbols && o && maps && !event_ctx_init(&c, img, &env, o, maps)) {
		event_handle(&c, rec, len);
		out_flush(o);
		event_ctx_free(&c);
	}
	maps_free(maps);
	out_free(o);
	symbols_free(env.symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t rec_sz = len ? data[0] : 0;
	struct image img;
	char err[256];
	uint8_t *rec, *sec;

	if (!len || 1 + rec_sz > len)
		return 0;
	/* Copies end where they end. */
	rec = malloc(rec_sz + 1);
	sec = malloc(len - rec_sz);
	memcpy(rec, data + 1, rec_sz);
	memcpy(sec, data + 1 + rec_sz, len - 1 - rec_sz);
	image_read(&img, sec, len - 1 - rec_sz, err, sizeof(err));
	if (!image_read_tables(&img, sec, len - 1 - rec_sz, err, sizeof(err)))
		decode(&img, rec, rec_sz);
	free(rec);
	free(sec);
	return 0;
}

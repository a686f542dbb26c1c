/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled tool is one file: the program that runs images (runtime/runner.c), then an image at the
 * start of a page, then a word that says how long it is. The kernel starts it as it starts any
 * program, which looks for what stands behind itself.
 */
#ifndef TRACE_TOOL_H
#define TRACE_TOOL_H

#include <stddef.h>

/* Writes path, all of it or nothing. 0, or a negative errno after a line on stderr. */
int tool_write(const char *path, const char *runner, const void *image, size_t image_sz);

/* An image in memory. */
struct tool_image {
	const void *at; /* NULL: the program has none */
	size_t sz;
	void *map; /* what of the file is mapped */
	size_t map_sz;
};

/* What stands behind this program. 0 also when there is nothing; else as above. */
int tool_open_own(struct tool_image *img);
/* A file that is nothing but an image. */
int tool_open_file(struct tool_image *img, const char *path);
void tool_close(struct tool_image *img);

#endif

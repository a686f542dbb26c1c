// SPDX-License-Identifier: Apache-2.0
/* What an image takes for granted of the kernel's structures, against types made for the purpose. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/layout.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stdout, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* struct s { int a; union { long b; struct { short c; int d : 3; }; }; struct { char x; long y; } in; }; */
static struct btf *make_types(void)
{
	struct btf *btf = btf__new_empty();
	int i32, i64, i16, i8, deep, either, in, alias;

	CHECK(btf);
	i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	i64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	i16 = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	i8 = btf__add_int(btf, "char", 1, 0);
	alias = btf__add_typedef(btf, "alias", i16);
	deep = btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "c", alias, 0, 0);
	btf__add_field(btf, "d", i32, 32, 3);
	either = btf__add_union(btf, NULL, 8);
	btf__add_field(btf, "b", i64, 0, 0);
	btf__add_field(btf, NULL, deep, 0, 0);
	in = btf__add_struct(btf, NULL, 16);
	btf__add_field(btf, "x", i8, 0, 0);
	btf__add_field(btf, "y", i64, 64, 0);
	CHECK(btf__add_struct(btf, "s", 32) > 0);
	btf__add_field(btf, "a", i32, 0, 0);
	btf__add_field(btf, NULL, either, 64, 0);
	btf__add_field(btf, "in", in, 128, 0);
	return btf;
}

/* The image with one row for that. */
static int compare(const struct btf *btf, const char *type, const char *path,
		   struct image_layout row)
{
	struct image_writer *w = image_writer_new();
	struct image img;
	char err[256];
	void *sec;
	size_t sz;
	int rc;

	row.type = image_put_str(w, type);
	row.path = image_put_str(w, path);
	row.probe = row.place = IMAGE_NONE;
	image_put_layouts(w, &row, 1);
	CHECK(!image_finish(w, &sec, &sz));
	image_writer_free(w);
	rc = image_read_tables(&img, sec, sz, err, sizeof(err));
	if (rc)
		printf("%s\n", err);
	CHECK(!rc);
	rc = layout_compare(&img, btf, &img.layouts[0]);
	free(sec);
	return rc;
}

#define SIZE(bits) ((struct image_layout){ .size = (bits) })
#define FIXED(bits, at) ((struct image_layout){ .size = (bits), .off = (at), .is_fixed = 1 })

int main(void)
{
	struct btf *btf = make_types();

	CHECK(freopen("/dev/null", "w", stderr));
	CHECK(!compare(btf, "struct s", "a", SIZE(32)));
	CHECK(compare(btf, "struct s", "a", SIZE(64)) == -ENOKEY);
	CHECK(compare(btf, "struct s", "nosuch", SIZE(32)) == -ENOKEY);
	CHECK(compare(btf, "struct nosuch", "a", SIZE(32)) == -ENOKEY);
	CHECK(compare(btf, "union s", "a", SIZE(32)) == -ENOKEY);
	CHECK(!compare(btf, "struct s", "b", SIZE(64)));
	CHECK(!compare(btf, "struct s", "c", SIZE(16)));
	CHECK(!compare(btf, "struct s", "in.y", SIZE(64)));
	CHECK(compare(btf, "struct s", "in.z", SIZE(64)) == -ENOKEY);
	CHECK(compare(btf, "struct s", "y", SIZE(64)) == -ENOKEY);
	CHECK(compare(btf, "struct s", "a.x", SIZE(8)) == -ENOKEY);
	CHECK(!compare(btf, "struct s", "", SIZE(256)));
	CHECK(compare(btf, "struct s", "", SIZE(248)) == -ENOKEY);
	CHECK(!compare(btf, "struct s", "d", FIXED(3, 96)));
	CHECK(compare(btf, "struct s", "d", FIXED(3, 97)) == -ENOKEY);
	CHECK(compare(btf, "struct s", "d", FIXED(4, 96)) == -ENOKEY);
	btf__free(btf);
	return 0;
}

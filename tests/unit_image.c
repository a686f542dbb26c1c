// SPDX-License-Identifier: Apache-2.0
/*
 * Images: what is written is read back; no byte of a sealed one can change unseen; and tables that
 * pass the checks, whatever is in them, cannot make the decoder stray (run under ASan to be sure).
 */
#include <errno.h>
#include <libelf.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/event.h"
#include "runtime/hist.h"
#include "runtime/image.h"
#include "runtime/image_check.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

enum {
	T_U32,
	T_S64,
	T_STR,
	T_COUNT,
	T_HIST,
	T_LHIST,
	T_BUF,
	T_ARR,
	T_STRUCT,
	T_ENUM,
	T_PTR,
	T_STATS,
	T_TUPLE,
	T_REC,
	T_EXIT,
	T_TIME,
	T_MIN,
	T_CNT
};

static void put_types(struct image_writer *w)
{
	struct image_type t[T_CNT] = {
		[T_U32] = { .kind = V_INT, .size = 4 },
		[T_S64] = { .kind = V_INT, .size = 8, .flags = IMAGE_TYPE_SIGNED },
		[T_STR] = { .kind = V_STRING, .size = 16 },
		[T_COUNT] = { .kind = V_COUNT, .size = 8 },
		[T_HIST] = { .kind = V_HIST, .k = 2, .size = hist_buckets(2) * 8 },
		[T_LHIST] = { .kind = V_LHIST,
			      .min = -10,
			      .max = 95,
			      .step = 10,
			      .size = lhist_buckets(-10, 95, 10) * 8 },
		[T_BUF] = { .kind = V_BUFFER, .size = 20 },
		[T_ARR] = { .kind = V_ARRAY, .elem = T_U32, .count = 3, .size = 12 },
		[T_STRUCT] = { .kind = V_STRUCT, .size = 32, .count = 3, .first = 0 },
		[T_ENUM] = { .kind = V_ENUM, .size = 4, .count = 2, .first = 0 },
		[T_PTR] = { .kind = V_PTR, .size = 8, .elem = IMAGE_NONE },
		[T_STATS] = { .kind = V_STATS, .size = 16, .flags = IMAGE_TYPE_SIGNED },
		[T_TUPLE] = { .kind = V_TUPLE, .size = 24, .count = 2, .first = 3 },
		[T_REC] = { .kind = V_TUPLE, .size = 80, .count = 6, .first = 5 },
		[T_EXIT] = { .kind = V_TUPLE, .size = 8, .count = 1, .first = 11 },
		[T_TIME] = { .kind = V_TIMESTAMP, .size = 16 },
		[T_MIN] = { .kind = V_MIN, .size = 16, .flags = IMAGE_TYPE_SIGNED },
	};
	uint32_t a = image_put_str(w, "a"), b = image_put_str(w, "b");
	struct image_field f[] = {
		{ .type = T_U32, .name = a, .bit_off = 3, .bit_sz = 5 },
		{ .type = T_ARR, .name = b, .off = 4 },
		{ .type = T_STR, .name = a, .off = 16 },
		{ .type = T_STR },
		{ .type = T_S64, .off = 16 },
		{ .type = T_U32 },
		{ .type = T_STR, .off = 4, .flags = IMAGE_FIELD_TAIL },
		{ .type = T_STR, .off = 8, .flags = IMAGE_FIELD_TAIL },
		{ .type = T_STR, .off = 12 },
		{ .type = T_STRUCT, .off = 28 },
		{ .type = T_BUF, .off = 60 },
		{ .type = T_S64 },
	};
	struct image_enumerator e[] = { { 1, a, 0 }, { 2, b, 0 } };

	CHECK(image_put_types(w, t, T_CNT) == 0);
	image_put_fields(w, f, sizeof(f) / sizeof(f[0]));
	image_put_enumerators(w, e, 2);
}

static void put_actions(struct image_writer *w)
{
	uint32_t text = image_put_bytes(w, "x\0y", 3);
	struct image_piece p[] = {
		{ .arg = 0, .width = 5, .prec = -1, .conv = 'd' },
		{ .text = text, .len = 3, .arg = IMAGE_NONE },
		{ .arg = 1, .width = -20, .prec = 3, .conv = 's', .flags = PIECE_LEFT },
		{ .arg = 4, .width = -1, .prec = -1, .conv = 's' },
		{ .arg = 5, .width = -1, .prec = -1, .conv = 'r' },
		{ .arg = 3, .width = -1, .prec = -1, .conv = 'x', .size = 8 },
	};
	struct image_action a[] = {
		{ .kind = ACT_PRINTF, .rec = T_REC, .piece_cnt = 6, .map = IMAGE_NONE },
		{ .kind = ACT_PRINT_VALUE, .rec = T_REC, .map = IMAGE_NONE },
		{ .kind = ACT_JOIN, .rec = T_REC, .map = IMAGE_NONE },
		{ .kind = ACT_EXIT, .rec = T_EXIT, .map = IMAGE_NONE },
		{ .kind = ACT_PRINT_MAP, .rec = IMAGE_NONE, .map = 1, .num = { 3, 2 } },
		{ .kind = ACT_TIME,
		  .rec = IMAGE_NONE,
		  .map = IMAGE_NONE,
		  .str = image_put_str(w, "%H%f") },
		{ .kind = ACT_CLEAR, .rec = IMAGE_NONE, .map = 0 },
	};

	image_put_pieces(w, p, sizeof(p) / sizeof(p[0]));
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i].place = IMAGE_NONE;
	image_put_actions(w, a, sizeof(a) / sizeof(a[0]));
}

static void *make_tables(const char *option, size_t *sz)
{
	struct image_writer *w = image_writer_new();
	uint32_t x = image_put_str(w, "@x");
	struct image_map m[] = {
		{ x, image_put_str(w, "AT_x"), T_TUPLE, T_COUNT, IMAGE_MAP_PERCPU, 0, 10 },
		{ x, x, IMAGE_NONE, T_LHIST, IMAGE_MAP_SCALAR | IMAGE_MAP_PERCPU, IMAGE_NONE, 1 },
	};
	struct image_probe p[] = {
		{ x, x, 0, 1, IMAGE_PROBE_COOKIE, 0 },
		{ x, x, 0, 1, 0, 0 },
	};
	struct image_session session = { x, 0, 1 };
	struct image_target t = { x, x, 0, 0, 99, 0, 0, 0 };
	struct image_place pl = { x, 1, 1, 2, 3, x };
	struct image_const c = { .kind = KONST_NCPUS, .place = IMAGE_NONE };
	struct image_setting s = { x, x, 7 };
	struct image_need n = { x, 0, IMAGE_NONE };
	struct image_option o = { .name = image_put_str(w, option), .kind = SCRIPT_NUMBER };
	void *sec;

	CHECK(image_put_str(w, "@x") == x && image_put_str(w, "") == 0);
	put_types(w);
	put_actions(w);
	image_put_maps(w, m, 2);
	image_put_probes(w, p, 2);
	image_put_sessions(w, &session, 1);
	image_put_targets(w, &t, 1);
	image_put_places(w, &pl, 1);
	image_put_consts(w, &c, 1);
	image_put_settings(w, &s, 1);
	image_put_needs(w, &n, 1);
	image_put_options(w, &o, 1);
	CHECK(!image_finish(w, &sec, sz));
	image_writer_free(w);
	return sec;
}

/* ---- an ELF object around them ---- */

static void add_section(Elf *e, uint32_t name, uint32_t type, void *bytes, size_t sz,
			uint64_t align)
{
	Elf_Scn *scn = elf_newscn(e);
	Elf_Data *d = elf_newdata(scn);
	GElf_Shdr sh;

	d->d_buf = bytes;
	d->d_size = sz;
	d->d_align = align;
	d->d_version = EV_CURRENT;
	CHECK(gelf_getshdr(scn, &sh));
	sh.sh_name = name;
	sh.sh_type = type;
	CHECK(gelf_update_shdr(scn, &sh));
}

/* With another image inside of it, or NULL. */
static void *make_elf(void *sec, size_t sec_sz, void *inner, size_t inner_sz, size_t *sz)
{
	char names[] = "\0.text\0" IMAGE_SECTION "\0.shstrtab\0" IMAGE_SECTION_SHORT;
	char code[24] = { 0x18 };
	int fd = memfd_create("unit_image", 0);
	GElf_Ehdr eh;
	void *copy;
	Elf *e;

	elf_version(EV_CURRENT);
	e = elf_begin(fd, ELF_C_WRITE, NULL);
	CHECK(e && gelf_newehdr(e, ELFCLASS64) && gelf_getehdr(e, &eh));
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_type = ET_REL;
	eh.e_machine = EM_BPF;
	eh.e_version = EV_CURRENT;
	eh.e_shstrndx = 3;
	CHECK(gelf_update_ehdr(e, &eh));
	add_section(e, 1, SHT_PROGBITS, code, sizeof(code), 8);
	add_section(e, 7, SHT_PROGBITS, sec, sec_sz, 8);
	add_section(e, 7 + sizeof(IMAGE_SECTION), SHT_STRTAB, names, sizeof(names), 1);
	if (inner)
		add_section(e, 7 + sizeof(IMAGE_SECTION ".shstrtab") + 1, SHT_PROGBITS, inner,
			    inner_sz, 8);
	*sz = (size_t)elf_update(e, ELF_C_WRITE);
	elf_end(e);
	copy = malloc(*sz);
	CHECK(copy && pread(fd, copy, *sz, 0) == (ssize_t)*sz);
	close(fd);
	CHECK(!image_seal(copy, *sz));
	return copy;
}

static void test_round_trip(const void *elf, size_t sz)
{
	struct image img;
	char err[256] = "";

	if (image_read(&img, elf, sz, err, sizeof(err)))
		fprintf(stderr, "%s\n", err);
	CHECK(!*err);
	CHECK(img.types_cnt == T_CNT && img.types[T_LHIST].max == 95 && img.actions_cnt == 7);
	CHECK(!strcmp(image_str(&img, img.maps[0].bpf_name), "AT_x"));
	CHECK(img.targets[0].value == 99 && img.settings[0].num == 7);
	CHECK(img.sessions_cnt == 1 && img.sessions[0].calls == 0 && img.sessions[0].returns == 1);
	CHECK(!memcmp(image_str(&img, img.pieces[1].text), "x\0y", 4));
	CHECK(img.fields[6].flags == IMAGE_FIELD_TAIL && img.elf == elf && img.elf_sz == sz);
}

static void test_every_byte(const char *elf, size_t sz)
{
	char *copy = malloc(sz), err[256];
	struct image img;

	for (size_t i = 0; i < sz; i++) {
		memcpy(copy, elf, sz);
		copy[i] ^= (char)(1 + rand() % 255);
		CHECK(image_read(&img, copy, sz, err, sizeof(err)) < 0 && *err);
	}
	for (size_t i = 0; i < sz; i += 7) { /* cut short, in a block of just that size */
		char *cut = malloc(i + 1);

		memcpy(cut, elf, i);
		CHECK(image_read(&img, cut, i, err, sizeof(err)) < 0);
		free(cut);
	}
	free(copy);
}

/* An image in the image has to be one too, and to take what is given for the other's options. */
static void test_short(void *sec, size_t sec_sz, void *inner, size_t inner_sz, bool is_one)
{
	size_t sz;
	void *elf = make_elf(sec, sec_sz, inner, inner_sz, &sz);
	struct image img, found;
	char err[256] = "";

	CHECK(!image_read(&img, elf, sz, err, sizeof(err)));
	if (is_one) {
		CHECK(!image_read_short(&found, &img, err, sizeof(err)));
		CHECK(found.elf_sz == inner_sz && found.types_cnt == T_CNT);
	} else {
		CHECK(image_read_short(&found, &img, err, sizeof(err)) ==
		      (inner ? -EINVAL : -ENOENT));
		CHECK(!*err == !inner);
	}
	free(elf);
}

static void test_shorts(void *sec, size_t sec_sz, void *elf, size_t elf_sz)
{
	size_t other_sz, other_elf_sz;
	void *other = make_tables("width", &other_sz);
	void *other_elf = make_elf(other, other_sz, NULL, 0, &other_elf_sz);

	test_short(sec, sec_sz, NULL, 0, false);
	test_short(sec, sec_sz, elf, elf_sz, true);
	test_short(sec, sec_sz, elf, elf_sz / 2, false);
	test_short(sec, sec_sz, other_elf, other_elf_sz, false);
	free(other);
	free(other_elf);
}

/* ---- anything that passes may be decoded ---- */

static void fill_random(void *p, size_t sz)
{
	for (size_t i = 0; i < sz; i++)
		((uint8_t *)p)[i] = (uint8_t)(rand() % 8 ? rand() : 0);
}

static void print_types(const struct image *img, const struct value_env *env)
{
	struct buf b = { 0 };

	for (uint32_t i = 0; i < img->types_cnt; i++) {
		uint32_t sz = img->types[i].size;
		char *bytes;
		struct value v;

		if (sz > 1 << 16)
			continue;
		bytes = malloc(sz);
		fill_random(bytes, sz);
		v = value_at(img, i, bytes);
		b.len = 0;
		if (img->types[i].kind == V_HIST || img->types[i].kind == V_LHIST) {
			memset(bytes, 1, sz); /* malloc's alignment suits its words */
			hist_text(&b, v.type, (const uint64_t *)bytes, 3, false);
			hist_json(&b, v.type, (const uint64_t *)bytes, 3);
		} else {
			bool tail = false;

			for (uint32_t f = 0; v.type->kind == V_TUPLE && f < v.type->count; f++)
				tail |= img->fields[v.type->first + f].flags & IMAGE_FIELD_TAIL;
			if (!tail) {
				value_text(&b, env, &v, false);
				value_json(&b, env, &v);
				value_cmp(img, i, bytes, bytes);
			}
		}
		free(bytes);
	}
	buf_free(&b);
}

static void decode_random(const struct image *img, struct out *o, struct value_env *env)
{
	const int fds[1024] = { [0 ... 1023] = -1 };
	struct map_shape shapes[1024];
	struct maps *maps;
	struct event_ctx c;

	if (img->maps_cnt > 1024)
		return;
	env->img = img;
	print_types(img, env);
	for (uint32_t i = 0; i < img->maps_cnt; i++)
		shapes[i] = map_shape_of(img, &img->maps[i], 2, true);
	maps = maps_new(img, fds, shapes, 2);
	CHECK(maps && !event_ctx_init(&c, img, env, o, maps));
	for (int i = 0; i < 20 && img->actions_cnt; i++) {
		size_t sz = (size_t)rand() % 200;
		char *rec = malloc(sz);

		fill_random(rec, sz);
		if (sz >= sizeof(struct event_head))
			((struct event_head *)rec)->action = (uint32_t)rand() % img->actions_cnt;
		if (sz >= 32 && rand() % 2) { /* short tails, so that some fit */
			memset(rec + 8, 0, 24);
			rec[12] = (char)(rand() % 16);
			rec[8] = (char)(rand() % 4);
		}
		event_handle(&c, rec, sz);
		free(rec);
	}
	event_ctx_free(&c);
	maps_free(maps);
}

static void mutate(char *sec, size_t sz)
{
	static const uint32_t odd[] = { 0, 1, 2, 7, 8, 64, 0x7fffffff, 0x80000000, 0xffffffff };
	int times = 1 + rand() % 4;

	while (times--) {
		size_t at = sizeof(struct image_header) +
			    (size_t)rand() % (sz - sizeof(struct image_header) - 4);

		if (rand() % 20 == 0)
			at = (size_t)rand() % (sz - 4);
		if (rand() % 2)
			sec[at] = (char)rand();
		else
			memcpy(sec + (at & ~(size_t)3),
			       &odd[(size_t)rand() % (sizeof(odd) / sizeof(odd[0]))], 4);
	}
}

static unsigned test_mutations(const void *sec, size_t sz, enum run_format format, int rounds)
{
	struct run_options opt = { .output = "/dev/null", .format = format };
	struct value_env env = { .cut_mark = ".." };
	struct out *o = out_new(&opt, &env);
	char *copy = malloc(sz), err[256];
	unsigned passed = 0;
	struct image img;

	while (rounds--) {
		memcpy(copy, sec, sz);
		mutate(copy, sz);
		if (image_read_tables(&img, copy, sz, err, sizeof(err)))
			continue;
		passed++;
		decode_random(&img, o, &env);
	}
	free(copy);
	out_free(o);
	return passed;
}

int main(void)
{
	size_t sec_sz, elf_sz;
	void *sec = make_tables("depth", &sec_sz);
	void *elf = make_elf(sec, sec_sz, NULL, 0, &elf_sz);

	srand(1);
	test_round_trip(elf, elf_sz);
	test_every_byte(elf, elf_sz);
	test_shorts(sec, sec_sz, elf, elf_sz);
	CHECK(test_mutations(sec, sec_sz, RUN_TEXT, 20000) > 1000);
	CHECK(test_mutations(sec, sec_sz, RUN_JSON, 20000) > 1000);
	free(sec);
	free(elf);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The verifier's log ends like this, with the lines of the script between the instructions:
 *
 *	; @x = str(arg0); @ script.bt:3			(the place since 6.10, else the text alone)
 *	12: (85) call bpf_probe_read_kernel_str#115
 *	R1 min value is negative, ...			the verdict, one line or more
 *	processed 23 insns (limit 1000000) ...
 *
 * The log knows no columns. The line info of the object does: its record for the instruction gives
 * line and column, and the image has a row for each place of a statement.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/verdict.h"

#define VERDICT_OURS                                                                               \
	"This is a fault of trace, not of the script: please report both, with what -d verifier "  \
	"prints."

/* Of a program that is too complex the log has a million lines, of some hundred bytes at most. */
enum { LOG_END = 64 << 10 };

static const struct {
	const char *words, *plain, *hint;
	bool is_work;
} rows[] = {
#define VERDICT(words, plain, hint) { words, plain, hint, false },
#define VERDICT_WORK(words, plain, hint) { words, plain, hint, true },
#include "runtime/verdict.def"
#undef VERDICT_WORK
#undef VERDICT
};

/* ---- the log ---- */

/* "12: (85) call ..." */
static bool is_insn(const char *line)
{
	const char *p = line;

	while (isdigit((unsigned char)*p))
		p++;
	return p > line && !strncmp(p, ": ", 2);
}

static bool is_state(const char *line)
{
	return !strncmp(line, "from ", 5) || !strncmp(line, "cur state:", 10) ||
	       !strncmp(line, "old state:", 10) || !strncmp(line, "mark_precise", 12) ||
	       !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11);
}

static void copy_line(char *dst, size_t sz, const char *line)
{
	size_t len = strcspn(line, "\n");

	snprintf(dst, sz, "%.*s", (int)(len < sz ? len : sz - 1), line);
}

/* "; text @ file:12" */
static void read_source(struct verdict *v, const char *line)
{
	char *at;

	line += 1 + (line[1] == ' ');
	copy_line(v->text, sizeof(v->text), line);
	v->line = 0;
	at = strrchr(v->text, '@');
	if (!at || at == v->text || at[-1] != ' ' || !strrchr(at, ':'))
		return;
	v->line = (uint32_t)strtoul(strrchr(at, ':') + 1, NULL, 10);
	at[-1] = '\0';
}

static void read_words(struct verdict *v, const char *line)
{
	/* the first line that we know something of, or else the last */
	if (v->plain || !*line || *line == '\n')
		return;
	copy_line(v->words, sizeof(v->words), line);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!strstr(v->words, rows[i].words))
			continue;
		v->plain = rows[i].plain;
		v->hint = rows[i].hint;
		v->is_work = rows[i].is_work;
		return;
	}
}

/*
 * A verdict on the amount of work may come before the line of its instruction has ended: where the words
 * begin, or NULL. Others have a line of their own, and some of their words are found in instructions.
 */
static const char *behind_insn(const char *line)
{
	const char *words = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && !words; i++)
		if (rows[i].is_work)
			words = memmem(line, strcspn(line, "\n"), rows[i].words,
				       strlen(rows[i].words));
	return words;
}

/* From the start of a line on, what holds the last instruction and all that belongs to it. */
static const char *end_of(const char *log)
{
	size_t len = strlen(log);

	if (len <= LOG_END)
		return log;
	log += len - LOG_END;
	log += strcspn(log, "\n");
	return *log ? log + 1 : log;
}

void verdict_read(const char *log, struct verdict *v)
{
	const char *line, *behind;

	*v = (struct verdict){ .insn = VERDICT_NO_INSN };
	for (line = end_of(log); *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (is_insn(line)) {
			v->insn = (uint32_t)strtoul(line, NULL, 10);
			/* what stood before was no verdict, as it went on */
			v->plain = v->hint = NULL;
			v->is_work = false;
			*v->words = '\0';
			behind = behind_insn(line);
			if (behind)
				read_words(v, behind);
		} else if (*line == ';') {
			read_source(v, line);
		} else if (!is_state(line)) {
			read_words(v, line);
		}
	}
}

/* ---- the object's line info ---- */

struct section {
	const uint8_t *data;
	size_t sz;
};

struct objfile {
	Elf *elf;
	struct section ext;
	uint32_t prog_sec; /* index */
	uint64_t prog_off, prog_sz;
	const char *prog_sec_name;
};

static struct section section_data(Elf_Scn *scn)
{
	Elf_Data *d = elf_rawdata(scn, NULL);

	return d ? (struct section){ d->d_buf, d->d_size } : (struct section){ NULL, 0 };
}

static void find_symbol(struct objfile *o, Elf_Scn *scn, const GElf_Shdr *sh, const char *name)
{
	Elf_Data *d = elf_getdata(scn, NULL);
	GElf_Sym sym;

	for (int i = 0; d && gelf_getsym(d, i, &sym); i++) {
		const char *s = elf_strptr(o->elf, sh->sh_link, sym.st_name);

		if (!s || strcmp(s, name) || GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		o->prog_sec = sym.st_shndx;
		o->prog_off = sym.st_value;
		o->prog_sz = sym.st_size;
	}
}

static bool open_objfile(struct objfile *o, const struct image *img, const char *prog)
{
	size_t names;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	elf_version(EV_CURRENT);
	o->elf = elf_memory((char *)img->elf, img->elf_sz);
	if (!o->elf || elf_getshdrstrndx(o->elf, &names))
		return false;
	while ((scn = elf_nextscn(o->elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(o->elf, names, sh.sh_name);
		if (name && !strcmp(name, ".BTF.ext"))
			o->ext = section_data(scn);
		if (sh.sh_type == SHT_SYMTAB)
			find_symbol(o, scn, &sh, prog);
	}
	if (!o->prog_sec || !(scn = elf_getscn(o->elf, o->prog_sec)) || !gelf_getshdr(scn, &sh))
		return false;
	o->prog_sec_name = elf_strptr(o->elf, names, sh.sh_name);
	return o->prog_sec_name && o->ext.data;
}

/* .BTF.ext, as the kernel's include/uapi/linux/btf.h and libbpf lay it down */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};

struct ext_section {
	uint32_t name, cnt;
};

struct ext_line {
	uint32_t insn_off, file, text, line_col;
};

static bool take(struct section *s, void *dst, size_t n, size_t step)
{
	if (s->sz < step || step < n)
		return false;
	memcpy(dst, s->data, n);
	s->data += step;
	s->sz -= step;
	return true;
}

/* Whether a record tells where the verdict is; the last that does, does. */
static bool fits(const struct objfile *o, const struct verdict *v, const struct btf *btf,
		 const char *sec, const struct ext_line *l)
{
	uint64_t off = o->prog_off + (uint64_t)v->insn * 8;
	const char *text;

	if (v->insn != VERDICT_NO_INSN && off < o->prog_off + o->prog_sz)
		return !strcmp(sec, o->prog_sec_name) && l->insn_off >= o->prog_off &&
		       l->insn_off <= off;
	/* in a function that was put behind the program: by what the log quotes */
	if (v->line)
		return l->line_col >> 10 == v->line;
	text = btf__str_by_offset(btf, l->text);
	return *v->text && text && !strcmp(text, v->text);
}

static uint32_t find_line(const struct objfile *o, const struct verdict *v, const struct btf *btf)
{
	struct section s = o->ext;
	struct ext_header h;
	struct ext_section sec;
	struct ext_line l;
	uint32_t rec_sz, found = 0;

	if (!take(&s, &h, sizeof(h), sizeof(h)) || h.hdr_len < sizeof(h))
		return 0;
	if (h.hdr_len > o->ext.sz || h.line_off > o->ext.sz - h.hdr_len ||
	    h.line_len > o->ext.sz - h.hdr_len - h.line_off)
		return 0;
	s = (struct section){ o->ext.data + h.hdr_len + h.line_off, h.line_len };
	if (!take(&s, &rec_sz, 4, 4))
		return 0;
	while (take(&s, &sec, sizeof(sec), sizeof(sec))) {
		const char *name = btf__str_by_offset(btf, sec.name);

		while (sec.cnt-- && take(&s, &l, sizeof(l), rec_sz))
			if (l.line_col >> 10 && fits(o, v, btf, name ?: "", &l))
				found = l.line_col;
	}
	return found;
}

uint32_t verdict_place(const struct image *img, const struct bpf_object *obj,
		       const struct bpf_program *prog, const struct verdict *v)
{
	struct objfile o = { 0 };
	struct btf *btf = bpf_object__btf(obj);
	uint32_t at = 0, best = IMAGE_NONE;

	if (btf && open_objfile(&o, img, bpf_program__name(prog)))
		at = find_line(&o, v, btf);
	elf_end(o.elf);
	for (uint32_t i = 0; at && i < img->places_cnt; i++)
		if (img->places[i].line == at >> 10 && img->places[i].col == (at & 1023))
			best = i;
	return best;
}

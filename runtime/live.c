// SPDX-License-Identifier: Apache-2.0
/*
 * One frame a second, on the terminal's other screen, written at once so that nothing flickers. Every
 * map fills a panel with as many lines as the screen could hold; then the screen's lines are dealt to
 * the panels in turn, so that none goes short while another has more than it needs. Entries stand
 * largest first with their rate since the last frame; histograms as they are printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "runtime/agg.h"
#include "runtime/live.h"

enum { NUMBER_WIDTH = 12, BAR_MIN = 8 };

/* The other screen, no cursor, no wrapping: a line of wide characters is cut rather than broken. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define KEYS "q: quit" /* in the last line */

/* What one map has to show. */
struct panel {
	struct buf text; /* lines, each with its newline */
	uint32_t lines, shown;
	struct rows before; /* what each key's number was in the last frame */
};

struct live {
	struct out *o;
	struct maps *maps;
	struct out page; /* only its buffers are used: text for one map */
	struct buf line, frame;
	struct termios old;
	bool termios_set, on;
	uint32_t cols, rows; /* of the terminal */
	double last, now; /* seconds */
	struct panel panels[]; /* by map */
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send(struct live *l, const char *s)
{
	if (write(l->o->fd, s, strlen(s)) < 0)
		l->on = false;
}

/* Keys come one by one and unseen; Ctrl-C remains a signal. */
static void quiet_keys(struct live *l)
{
	struct termios now;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &l->old))
		return;
	now = l->old;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 0;
	now.c_cc[VTIME] = 0;
	l->termios_set = !tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

int live_new(struct live **out, struct out *o, struct maps *maps)
{
	uint32_t cnt = o->env->img->maps_cnt;
	struct live *l = calloc(1, sizeof(*l) + cnt * sizeof(l->panels[0]));

	if (!l)
		return -ENOMEM;
	l->o = o;
	l->maps = maps;
	l->page.env = o->env;
	l->page.buffering = RUN_BUF_FULL;
	l->last = seconds();
	quiet_keys(l);
	l->on = true;
	o->held = true;
	send(l, ENTER);
	*out = l;
	return 0;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	send(l, LEAVE);
	if (l->termios_set)
		tcsetattr(STDIN_FILENO, TCSANOW, &l->old);
	l->o->held = false;
	for (uint32_t i = 0; i < l->o->env->img->maps_cnt; i++) {
		rows_free(&l->panels[i].before);
		buf_free(&l->panels[i].text);
	}
	buf_free(&l->page.buf);
	buf_free(&l->page.scratch);
	buf_free(&l->line);
	buf_free(&l->frame);
	free(l);
}

/* ---- lines ---- */

static bool starts_char(char c)
{
	return ((uint8_t)c & 0xc0) != 0x80;
}

/* Puts s, cut or padded to width columns. */
static void put_cell(struct buf *b, const char *s, size_t len, uint32_t width, bool pad)
{
	uint32_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (starts_char(s[i]) && ++used > width)
			return;
		buf_putc(b, s[i] == '\n' || s[i] == '\t' ? ' ' : s[i]);
	}
	if (pad && used < width)
		buf_fill(b, ' ', width - used);
}

static void put_line(struct live *l, struct panel *p, const char *s, size_t len)
{
	put_cell(&p->text, s, len, l->cols, false);
	buf_putc(&p->text, '\n');
	p->lines++;
}

/* ---- one map ---- */

static bool has_number(const struct image_type *t)
{
	return t->kind == V_INT || (vkind_is_agg(t->kind) && t->kind != V_TSERIES);
}

static int64_t number_of(const struct map_data *d, uint32_t rank)
{
	const char *at = map_data_val(d, rank);
	struct value v = value_at(d->img, d->map->val, at);

	return vkind_is_agg(d->val->kind) ? agg_rank(d->val, at) : value_int(&v);
}

/* Of what grows, how much in a second: counts, sums and integers. */
static bool has_rate(const struct image_type *t)
{
	return t->kind == V_INT || t->kind == V_COUNT || t->kind == V_SUM;
}

static void put_right(struct buf *b, const char *s, size_t len)
{
	if (len < NUMBER_WIDTH)
		buf_fill(b, ' ', NUMBER_WIDTH - len);
	buf_put(b, s, len);
}

static void put_rate(struct live *l, const struct map_data *d, uint32_t rank, struct rows *before)
{
	const int64_t *old = before->cnt ? rows_find(before, map_data_key(d, rank)) : NULL;
	double per_s = (double)(number_of(d, rank) - (old ? *old : 0)) / (l->now - l->last);
	char text[32];

	if (!has_rate(d->val) || !before->stride)
		return buf_fill(&l->line, ' ', NUMBER_WIDTH + 2);
	snprintf(text, sizeof(text), per_s < 10 && per_s > -10 ? "%.1f" : "%.0f", per_s);
	put_right(&l->line, text, strlen(text));
	buf_puts(&l->line, "/s");
}

static void put_bar(struct live *l, double share, uint32_t width)
{
	uint32_t n = share > 0 ? (uint32_t)(share * width + 0.5) : 0;

	buf_puts(&l->line, "  ");
	buf_fill(&l->line, '@', n > width ? width : n);
}

static uint32_t key_width(struct live *l, const struct map_data *d, uint32_t cnt)
{
	uint32_t most = 0, limit = l->cols / 2;

	for (uint32_t i = 0; i < cnt && d->key; i++) {
		struct value key = value_at(d->img, d->map->key, map_data_key(d, d->cnt - 1 - i));

		l->page.scratch.len = 0;
		value_key_text(&l->page.scratch, l->page.env, &key, false);
		most = l->page.scratch.len > most ? (uint32_t)l->page.scratch.len : most;
	}
	return most < limit ? most : limit;
}

/* How many columns of a line the key takes. */
static uint32_t key_room(const struct live *l, uint32_t width)
{
	return 2 + width + 2 <= l->cols ? width : l->cols > 4 ? l->cols - 4 : 0;
}

static void entry_line(struct live *l, struct panel *p, const struct map_data *d, uint32_t rank,
		       uint32_t width)
{
	struct value key = value_at(d->img, d->key ? d->map->key : d->map->val, NULL);
	int64_t top = number_of(d, d->cnt - 1);
	uint32_t used = 2 + width + 2 * (NUMBER_WIDTH + 2) + 2;
	bool columns = has_number(d->val) && d->val->kind != V_STATS && used <= l->cols;

	l->page.scratch.len = l->page.buf.len = l->line.len = 0;
	if (d->key) {
		key.at = map_data_key(d, rank);
		value_key_text(&l->page.scratch, l->page.env, &key, false);
	}
	buf_puts(&l->line, "  ");
	put_cell(&l->line, l->page.scratch.p ?: "", l->page.scratch.len, key_room(l, width), true);
	buf_puts(&l->line, "  ");
	out_text_entry_value(&l->page, d, map_data_val(d, rank), 1);
	if (columns) {
		put_right(&l->line, l->page.buf.p ?: "", l->page.buf.len);
		put_rate(l, d, rank, &p->before);
		if (d->key && top > 0 && l->cols > used + BAR_MIN)
			put_bar(l, (double)number_of(d, rank) / (double)top, l->cols - used);
	} else {
		buf_put(&l->line, l->page.buf.p ?: "", l->page.buf.len);
	}
	put_line(l, p, l->line.p ?: "", l->line.len);
}

static void remember(const struct map_data *d, struct rows *before)
{
	size_t key_sz = d->key ? d->key->size : 0;

	rows_free(before);
	for (uint32_t i = 0; i < d->cnt; i++) {
		int64_t *n = rows_add(before, map_data_key(d, i), key_sz, sizeof(*n));

		if (n)
			*n = number_of(d, i);
	}
}

/* Histograms line by line, the largest first. */
static void fill_charts(struct live *l, struct panel *p, const struct map_data *d)
{
	for (uint32_t i = 0; i < d->cnt && p->lines < l->rows; i++) {
		struct map_data one = *d;

		one.order = d->order + (d->cnt - 1 - i);
		one.cnt = 1;
		l->page.buf.len = 0;
		l->page.percentiles = l->o->percentiles;
		out_text_ops.map(&l->page, &one, 0, 1);
		for (size_t at = 0, n; at < l->page.buf.len; at += n + 1) {
			const char *line = l->page.buf.p + at;
			const char *nl = memchr(line, '\n', l->page.buf.len - at);

			n = nl ? (size_t)(nl - line) : l->page.buf.len - at;
			if (n)
				put_line(l, p, line, n);
		}
	}
}

static void fill_entries(struct live *l, struct panel *p, const struct map_data *d)
{
	uint32_t cnt = d->cnt < l->rows ? d->cnt : l->rows, width = key_width(l, d, cnt);

	for (uint32_t i = 0; i < cnt; i++)
		entry_line(l, p, d, has_number(d->val) ? d->cnt - 1 - i : i, width);
	if (has_rate(d->val))
		remember(d, &p->before);
}

static void fill_panel(struct live *l, struct panel *p, uint32_t idx)
{
	struct map_data d;
	char head[128];

	p->text.len = p->lines = p->shown = 0;
	if (maps_read(l->maps, idx, false, &d))
		return;
	if (!agg_is_chart(d.val) || d.cnt != 1) {
		snprintf(head, sizeof(head), d.key ? "%s  (%u)" : "%s",
			 image_str(d.img, d.map->name), d.cnt);
		put_line(l, p, head, strlen(head));
	}
	if (agg_is_chart(d.val))
		fill_charts(l, p, &d);
	else
		fill_entries(l, p, &d);
	map_data_free(&d);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Deals the lines out to the panels that want more, in turn: first a head with what is under it. */
static void deal_lines(struct panel *panels, uint32_t cnt, uint32_t lines)
{
	uint32_t given = 1, most = 2;

	for (; given && lines; most = 1) {
		given = 0;
		for (uint32_t i = 0; i < cnt; i++) {
			uint32_t more =
				least(least(panels[i].lines - panels[i].shown, most), lines);

			panels[i].shown += more;
			lines -= more;
			given += more;
		}
	}
}

static void put_panel(struct live *l, const struct panel *p)
{
	size_t at = 0;

	for (uint32_t i = 0; i < p->shown && at < p->text.len; i++) {
		const char *line = p->text.p + at, *nl = memchr(line, '\n', p->text.len - at);
		size_t len = nl ? (size_t)(nl - line) : p->text.len - at;

		buf_put(&l->frame, line, len);
		buf_puts(&l->frame, "\033[K\r\n");
		at += len + 1;
	}
}

void live_draw(struct live *l)
{
	uint32_t cnt = l->o->env->img->maps_cnt;
	struct winsize w = { 0 };

	if (!l->on)
		return;
	ioctl(l->o->fd, TIOCGWINSZ, &w);
	l->cols = w.ws_col ?: 80;
	l->rows = w.ws_row ?: 24;
	l->now = seconds();
	l->frame.len = 0;
	for (uint32_t i = 0; i < cnt; i++)
		fill_panel(l, &l->panels[i], i);
	deal_lines(l->panels, cnt, l->rows - 1); /* the last line is for the keys */
	buf_puts(&l->frame, "\033[H");
	for (uint32_t i = 0; i < cnt; i++)
		put_panel(l, &l->panels[i]);
	buf_puts(&l->frame, "\033[J");
	if (l->rows > 1) {
		buf_printf(&l->frame, "\033[%u;1H", l->rows);
		put_cell(&l->frame, KEYS, strlen(KEYS), l->cols, false);
	}
	l->last = l->now;
	if (write(l->o->fd, l->frame.p, l->frame.len) < 0)
		l->on = false;
}

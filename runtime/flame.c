// SPDX-License-Identifier: Apache-2.0
/*
 * The drawing is one SVG file that needs nothing else: a box for each frame over its caller's, as wide
 * as its share, and a script of its own. A click makes a box as wide as the picture, Esc goes back;
 * a search colours what matches and tells its share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/flame.h"
#include "runtime/utf8.h"
#include "runtime/value.h"

enum { WIDTH = 1200, ROW = 18, HEAD = 40, DEPTH_MAX = 512 };
static const double MIN_SHARE = 0.0001; /* of the width: narrower boxes cannot be seen */

struct node {
	char *name;
	uint64_t total;
	struct node *child, *next;
};

struct flame {
	struct node root;
	uint32_t depth;
};

struct flame *flame_new(void)
{
	return calloc(1, sizeof(struct flame));
}

static void free_nodes(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		free_nodes(n->child);
		free(n->name);
		free(n);
		n = next;
	}
}

void flame_free(struct flame *f)
{
	if (f)
		free_nodes(f->root.child);
	free(f);
}

/* Children are kept by name, so that equal runs give equal pictures. */
static struct node *child_of(struct node *parent, const char *name, size_t len)
{
	struct node **at = &parent->child, *n;
	int c = 1;

	while (*at && (c = strncmp((*at)->name, name, len) ?: (*at)->name[len]) < 0)
		at = &(*at)->next;
	if (*at && !c)
		return *at;
	n = calloc(1, sizeof(*n));
	if (!n || !(n->name = strndup(name, len))) {
		free(n);
		return NULL;
	}
	n->next = *at;
	*at = n;
	return n;
}

int flame_add(struct flame *f, const char *stack, size_t len, uint64_t n)
{
	const char *end = stack + len, *semi;
	struct node *at = &f->root;
	uint32_t depth = 0;

	at->total += n;
	for (const char *s = stack; s < end && depth < DEPTH_MAX; s = semi + 1) {
		semi = memchr(s, ';', (size_t)(end - s)) ?: end;
		at = child_of(at, s, (size_t)(semi - s));
		if (!at)
			return -ENOMEM;
		at->total += n;
		depth++;
	}
	f->depth = depth > f->depth ? depth : f->depth;
	return 0;
}

/* ---- drawing ---- */

/* XML takes UTF-8 but for U+FFFE and U+FFFF, and no control characters. */
static size_t xml_char(const char *s)
{
	size_t n = utf8_len((const uint8_t *)s, strlen(s));

	return n == 3 && (memcmp(s, "\xef\xbf\xbe", 3) == 0 || memcmp(s, "\xef\xbf\xbf", 3) == 0)
		       ? 0
		       : n;
}

static void xml_text(struct buf *b, const char *s)
{
	for (size_t n; *s; s += n ?: 1) {
		n = (uint8_t)*s < 0x80 ? 0 : xml_char(s);
		if (n) {
			buf_put(b, s, n);
			continue;
		}
		switch (*s) {
		case '<': buf_puts(b, "&lt;"); break;
		case '>': buf_puts(b, "&gt;"); break;
		case '&': buf_puts(b, "&amp;"); break;
		case '"': buf_puts(b, "&quot;"); break;
		default: buf_putc(b, (uint8_t)*s < ' ' || (uint8_t)*s >= 0x7f ? '?' : *s);
		}
	}
}

/* Warm, and the same for the same name. */
static uint32_t colour(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return (205 + h % 50) << 16 | (80 + (h >> 8) % 130) << 8 | (h >> 16) % 55;
}

struct drawing {
	struct buf *b;
	uint64_t total;
	uint32_t rows;
};

static void draw_node(struct drawing *d, const struct node *n, uint64_t from, uint32_t depth)
{
	double x = (double)from / (double)d->total, w = (double)n->total / (double)d->total;
	uint32_t y = HEAD + (d->rows - 1 - depth) * ROW;

	if (w < MIN_SHARE)
		return;
	buf_printf(d->b, "<g class=\"f\" data-x=\"%.6f\" data-w=\"%.6f\" data-d=\"%u\"><title>", x,
		   w, depth);
	xml_text(d->b, n->name ?: "all");
	buf_printf(d->b,
		   ": %llu (%.2f%%)</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\" "
		   "fill=\"#%06x\"/><text x=\"%.2f\" y=\"%u\">",
		   (unsigned long long)n->total, w * 100, x * WIDTH, y, w * WIDTH, ROW - 1,
		   colour(n->name ?: "all"), x * WIDTH + 3, y + 13);
	if (w * WIDTH > 21) /* three letters */
		xml_text(d->b, n->name ?: "all");
	buf_puts(d->b, "</text></g>\n");
	for (const struct node *c = n->child; c; c = c->next) {
		draw_node(d, c, from, depth + 1);
		from += c->total;
	}
}

static const char style[] =
	"<style>text{font:12px monospace;pointer-events:none}rect{stroke:#fff;stroke-width:.5}"
	".f:hover rect{stroke:#000}.gone{display:none}.dim{opacity:.5}.hit rect{fill:#c0f}"
	"#search,#reset{pointer-events:auto;cursor:pointer;fill:#555}</style>\n";

/*
 * z(g): zoom so that g fills the width; frames below it keep the whole width, those beside it go.
 * A search is a regular expression; nested matches count once.
 */
static const char script[] =
	"<script><![CDATA[\n"
	"const W=1200,fs=[...document.querySelectorAll('.f')].map(g=>({g:g,x:+g.dataset.x,"
	"w:+g.dataset.w,d:+g.dataset.d,r:g.querySelector('rect'),t:g.querySelector('text'),"
	"s:g.querySelector('title').textContent}));\n"
	"for(const f of fs)f.n=f.s.replace(/: [0-9]+ \\([0-9.]+%\\)$/,'');\n"
	"function z(o){for(const f of fs){let x=(f.x-o.x)/o.w,w=f.w/o.w,e=1e-9,"
	"up=f.d<o.d&&f.x<=o.x+e&&f.x+f.w>=o.x+o.w-e,"
	"on=up||(f.d>=o.d&&f.x>=o.x-e&&f.x+f.w<=o.x+o.w+e);\n"
	"if(up){x=0;w=1}f.g.classList.toggle('gone',!on);f.g.classList.toggle('dim',up);"
	"if(!on)continue;f.r.setAttribute('x',x*W);f.r.setAttribute('width',w*W);"
	"f.t.setAttribute('x',x*W+3);const c=Math.floor((w*W-6)/7.2);"
	"f.t.textContent=c<3?'':f.n.length>c?f.n.slice(0,c-2)+'..':f.n}}\n"
	"const all=fs[0];function home(){z(all)}\n"
	"function search(p){let m=document.getElementById('matched'),end=-1,sum=0,re=null;"
	"try{re=p?new RegExp(p):null}catch(e){m.textContent='bad expression';return}\n"
	"for(const f of fs){const h=!!re&&re.test(f.n);f.g.classList.toggle('hit',h);"
	"if(h&&f.x>=end-1e-9){sum+=f.w;end=f.x+f.w}}"
	"m.textContent=re?'matched '+(sum*100).toFixed(2)+'%':''}\n"
	"for(const f of fs)f.g.addEventListener('click',()=>z(f));\n"
	"document.getElementById('reset').addEventListener('click',home);\n"
	"document.getElementById('search').addEventListener('click',()=>{const p=prompt('Search',"
	"'');if(p!==null)search(p)});\n"
	"document.addEventListener('keydown',e=>{if(e.key==='Escape'){home();search('')}});\n"
	"if(fs.length)home();\n"
	"]]></script>\n";

void flame_draw(const struct flame *f, struct buf *b)
{
	struct drawing d = { b, f->root.total, f->depth + 1 };
	uint32_t height = HEAD + d.rows * ROW + 10;

	buf_printf(b,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
		   "xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 "
		   "%u %u\">\n",
		   WIDTH, height, WIDTH, height);
	buf_puts(b, style);
	buf_puts(b, "<rect width=\"100%\" height=\"100%\" fill=\"#fffbe8\"/>\n"
		    "<text id=\"reset\" x=\"10\" y=\"22\">reset zoom</text>\n"
		    "<text id=\"search\" x=\"1130\" y=\"22\">search</text>\n"
		    "<text id=\"matched\" x=\"960\" y=\"22\"></text>\n");
	if (d.total)
		draw_node(&d, &f->root, 0, 0);
	buf_puts(b, script);
	buf_puts(b, "</svg>\n");
}

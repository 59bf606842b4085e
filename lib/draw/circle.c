/* circle: the page; see circle.h for what is on it. */
#include "lib/draw/circle.h"

#include <math.h>
#include <string.h>

#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

enum {
	MARGIN = 28,
	HEAD = 74,                      /* caption and the line below it */
	DONUT = 2 * DONUT_RADIUS,
	LEFT = DONUT + 40,              /* where the bars begin beside the donut */
	CAPTION_CELL = 10,
};

struct page {
	const struct picture *p;
	const struct bars *bars;
	double width, height;
	double left_height;             /* donut, legend, lens */
};

/* "5 nodes, max/mean 1.031 (n3), min/mean 0.972": for the second line and for <desc>. */
static void put_summary(FILE *out, const struct picture *p)
{
	const struct ring_node *worst = p->row[p->worst].node;

	fprintf(out, "%u %s", p->of->is.n, p->of->is.n == 1 ? "node" : "nodes");
	if (p->plan) {
		fprintf(out, " (before %u): moves %s of the hash space, ideal %s", p->of->was->n, svg_percent(p->moved).s,
			svg_percent(p->moved_ideal).s);
		if (p->excess > 0)
			fprintf(out, ", of that needlessly %s", svg_percent(p->excess).s);
	}
	if (!p->circle)
		return;
	fprintf(out, "%s max/mean %s (", p->plan ? ";" : ",", svg_fixed(p->max, 3).s);
	svg_text_within(out, worst->name, worst->name_len, 24);
	fprintf(out, "), min/mean %s", svg_fixed(p->min, 3).s);
}

static const char *legend(const struct picture *p)
{
	if (!p->circle)
		return "No circle is drawn: this layout computes the owner of each key, so places on a circle mean nothing.";
	if (p->sampled)
		return "Too many arcs to draw: the ring is sampled, the owner of one place in each 720th of it.";
	return p->ticks ? "All arcs of the ring are drawn, each up to its point."
			: "All arcs of the ring are drawn.";
}

static void put_legend(FILE *out, const struct page *page)
{
	const struct picture *p = page->p;
	double y = page->height - MARGIN;

	fprintf(out, "<g fill='#555' font-size='11.5'>\n<text x='%d' y='%s'>%s", MARGIN, svg_num(y).s, legend(p));
	if (!p->circle)
		fputs(" Shares are those to expect by weight.", out);
	if (p->plan)
		fprintf(out, " What moves is counted on %u places.", p->samples);
	if (p->rows > COLOURS)
		fprintf(out, " Colours repeat after %d nodes.", COLOURS);
	fputs("</text>\n", out);
	if (p->plan) {
		fprintf(out, "<g transform='translate(%d %s)'>", MARGIN, svg_num(y - 30).s);
		fputs("<rect width='16' height='12' y='-1' fill='#c9c9c5'/><text x='22' y='9'>stays</text>"
		      "<rect x='70' width='16' height='12' y='-1' fill='#888'/>"
		      "<rect x='70' width='16' height='12' y='-1' fill='url(#moved)'/><text x='92' y='9'>taken over</text>"
		      "<rect x='170.5' width='15' height='11' y='-0.5' fill='none' stroke='#777' stroke-dasharray='2 2'/>"
		      "<text x='192' y='9'>given away</text>", out);
		if (p->circle)
			fputs("<text x='280' y='9'>ring: before inside, after outside</text>", out);
		fputs("</g>\n", out);
	}
	fputs("</g>\n", out);
}

static void put_head(FILE *out, const struct page *page, const char *caption)
{
	size_t len = strlen(caption);

	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%s' height='%s' viewBox='0 0 %s %s' role='img' "
		"font-family=\"'Segoe UI','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" font-size='12.5' "
		"fill='#1a1a1a' style='font-variant-numeric:tabular-nums'>\n<title>", svg_num(page->width).s,
		svg_num(page->height).s, svg_num(page->width).s, svg_num(page->height).s);
	svg_text(out, caption, len);
	fputs("</title>\n<desc>", out);
	put_summary(out, page->p);
	fprintf(out, ". %s</desc>\n", legend(page->p));
	if (page->p->plan)
		fputs("<defs><pattern id='moved' width='5' height='5' patternUnits='userSpaceOnUse' "
		      "patternTransform='rotate(45)'><path d='M0 0V5' stroke='#fff' stroke-width='2.4'/>"
		      "<path d='M2.2 0V5' stroke='#1a1a1a' stroke-width='1'/></pattern></defs>\n", out);
	fputs("<rect width='100%' height='100%' fill='#fcfcfa'/>\n", out);
	fprintf(out, "<text x='%d' y='42' font-size='18' font-weight='600'>", MARGIN);
	svg_text_within(out, caption, len, (unsigned)((page->width - 2 * MARGIN) / CAPTION_CELL));
	fprintf(out, "</text>\n<text x='%d' y='64' fill='#555'>", MARGIN);
	put_summary(out, page->p);
	fputs("</text>\n", out);
}

static void set_size(struct page *page)
{
	const struct picture *p = page->p;
	struct size bars = bars_size(page->bars);

	page->left_height = p->circle ? DONUT + (p->lens.n ? 24 + LENS_HEIGHT : 0) : 0;
	page->width = 2 * MARGIN + bars.width + (p->circle ? LEFT : 0);
	page->width = fmax(page->width, 720);
	page->height = HEAD + 22 + fmax(page->left_height, bars.height) + (p->plan ? 32 : 0) + 28 + MARGIN;
}

static void put_page(FILE *out, const struct page *page)
{
	const struct picture *p = page->p;
	double top = HEAD + 22, height = fmax(page->left_height, bars_size(page->bars).height);

	put_head(out, page, p->of->caption);
	if (p->circle) {
		double left = top + (height - page->left_height) / 2;

		if (height - page->left_height > 60)
			left = top;
		fprintf(out, "<g transform='translate(%d %s)'>\n", MARGIN + DONUT_RADIUS, svg_num(left + DONUT_RADIUS).s);
		donut_draw(out, p);
		fputs("</g>\n", out);
		if (p->lens.n) {
			fprintf(out, "<g transform='translate(%d %s)'>\n", MARGIN, svg_num(left + DONUT + 24).s);
			lens_draw(out, p);
			fputs("</g>\n", out);
		}
	}
	fprintf(out, "<g transform='translate(%d %s)'>\n", MARGIN + (p->circle ? LEFT : 0), svg_num(top).s);
	bars_draw(out, page->bars);
	fputs("</g>\n", out);
	put_legend(out, page);
	fputs("</svg>\n", out);
}

int draw_circle(FILE *out, const struct draw_circle *of)
{
	struct picture p;
	struct bars *bars = NULL;
	int rc = picture_init(&p, of);

	if (rc == RING_OK)
		rc = bars_new(&bars, &p);
	if (rc == RING_OK) {
		struct page page = { .p = &p, .bars = bars };

		set_size(&page);
		put_page(out, &page);
	}
	bars_free(bars);
	picture_release(&p);
	return rc;
}

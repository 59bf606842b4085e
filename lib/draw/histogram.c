/* histogram: how far from its ideal each node is, when there are too many for a bar each. */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

#include <math.h>

enum {
	BINS = 40,
	TOP = 40, FLOOR = HISTOGRAM_HEIGHT - 24,        /* where the columns may begin, and where they end */
	BIN_WIDTH_MAX = 48, LABEL_WIDTH = 26,
};

struct histogram {
	double from, width;             /* of a bin */
	uint32_t bins, count[BINS + 1], most;
	unsigned decimals;              /* of a limit */
	double step;                    /* a bin's width in the picture */
};

/* Bins of a round width, one of whose limits is 1. */
static struct histogram count_ratios(const struct picture *p)
{
	static const double widths[] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 };
	struct histogram h = { .width = 0 };

	for (size_t i = 0; i < sizeof widths / sizeof *widths && h.width <= 0; i++)
		if ((p->max - p->min) / widths[i] < BINS - 1)
			h.width = widths[i];
	if (h.width <= 0)
		h.width = ceil((p->max - p->min) / (BINS - 1));
	h.decimals = h.width < 0.0095 ? 3 : h.width < 0.095 ? 2 : 1;
	h.from = 1 + floor((p->min - 1) / h.width + 1e-9) * h.width;
	for (uint32_t i = 0; i < p->rows; i++) {
		double at = (picture_ratio(&p->row[i], IS) - h.from) / h.width + 1e-9;
		uint32_t bin = at > 0 ? (uint32_t)at : 0;

		if (!p->row[i].weight[IS])
			continue;
		bin = bin < BINS ? bin : BINS;
		h.bins = bin + 1 > h.bins ? bin + 1 : h.bins;
		h.count[bin]++;
		h.most = h.count[bin] > h.most ? h.count[bin] : h.most;
	}
	return h;
}

static void put_column(FILE *out, const struct histogram *h, uint32_t i)
{
	double height = (double)h->count[i] / h->most * (FLOOR - TOP), from = h->from + i * h->width;

	if (!h->count[i])
		return;
	fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' fill='#8a8a86'><title>%s to %s: %u nodes</title></rect>\n",
		svg_num(i * h->step + 0.5).s, svg_num(FLOOR - height).s, svg_num(h->step - 1).s, svg_num(height).s,
		svg_fixed(from, h->decimals).s, svg_fixed(from + h->width, h->decimals).s, h->count[i]);
	if (h->step >= LABEL_WIDTH && h->count[i] < 10000)
		fprintf(out, "<text x='%s' y='%s' text-anchor='middle'>%u</text>\n", svg_num((i + 0.5) * h->step).s,
			svg_num(FLOOR - height - 4).s, h->count[i]);
}

/* The limits at the ends, and 1 where its name does not touch them. */
static void put_axis(FILE *out, const struct histogram *h)
{
	double one = (1 - h->from) / h->width * h->step, width = h->bins * h->step;

	fprintf(out, "<path stroke='#ccc' d='M0 %dH%s'/>\n<path stroke='#1a1a1a' stroke-width='1.6' d='M%s %dV%d'/>\n",
		FLOOR, svg_num(width).s, svg_num(one).s, TOP - 18, FLOOR + 4);
	fprintf(out, "<text y='%d'>%s</text>\n<text x='%s' y='%d' text-anchor='end'>%s</text>\n", FLOOR + 16,
		svg_fixed(h->from, h->decimals).s, svg_num(width).s, FLOOR + 16,
		svg_fixed(h->from + h->bins * h->width, h->decimals).s);
	if (one > 60 && one < width - 60)
		fprintf(out, "<text x='%s' y='%d' text-anchor='middle'>1 = ideal</text>\n", svg_num(one).s, FLOOR + 16);
}

void histogram_draw(FILE *out, const struct picture *p, double width)
{
	struct histogram h = count_ratios(p);

	h.step = fmin(width / h.bins, BIN_WIDTH_MAX);
	fprintf(out, "<text y='10' font-weight='600'>share \u00f7 ideal of all %u nodes%s</text>\n"
		"<g fill='#555' font-size='%d'>\n", p->live[IS], p->plan ? " after" : "", SMALL_TEXT);
	for (uint32_t i = 0; i < h.bins; i++)
		put_column(out, &h, i);
	put_axis(out, &h);
	fputs("</g>\n", out);
}

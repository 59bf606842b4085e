/*
 * bars: the list of nodes, a bar each: how long is its share, a tick is its ideal.
 *
 * Up to 20 nodes stand in one block, up to 40 in two.  Of more the ten at either
 * end are listed, and a histogram has them all.  In a plan what a node keeps is
 * pale, what it takes is hatched and what it gives is an empty outline.
 */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

#include <math.h>
#include <stdlib.h>

enum {
	BLOCK_ROWS = 20, END_ROWS = 10,
	ROW = 20, HEAD = 26, GAP = 32,
	HIST_HEIGHT = 110, HIST_BINS = 40,
};

struct scored {
	uint32_t row;
	double score;
};

struct bars {
	const struct picture *p;
	struct scored *list;            /* as listed, block after block */
	uint32_t listed, left_out;
	uint32_t blocks, block_rows;
	bool cut;
	double longest;                 /* share of the longest bar or tick */
	unsigned decimals;              /* of a share in per cent */
	unsigned name_cells;
	double weight_x, bar_x, bar_width, value_x[3], block_width;
};

static bool has_histogram(const struct bars *b)
{
	return b->cut && b->p->circle;
}

static double score(const struct picture *p, const struct row *r)
{
	if (p->plan)
		return r->share[IS] - r->share[WAS];
	return p->circle ? picture_ratio(r, IS) : r->weight[IS];
}

static int by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Keeps the ten at either end; the last block begins with the least. */
static void cut_list(struct bars *b)
{
	struct scored least[END_ROWS];

	qsort(b->list, b->listed, sizeof *b->list, by_score);
	for (uint32_t i = 0; i < END_ROWS; i++)
		least[i] = b->list[b->listed - 1 - i];
	for (uint32_t i = 0; i < END_ROWS; i++)
		b->list[END_ROWS + i] = least[i];
	b->left_out = b->p->rows - 2 * END_ROWS;
	b->listed = 2 * END_ROWS;
	b->blocks = 2;
	b->block_rows = END_ROWS;
}

static void make_list(struct bars *b)
{
	const struct picture *p = b->p;
	bool many = p->rows > 2 * BLOCK_ROWS;

	for (uint32_t i = 0; i < p->rows; i++) {
		const struct row *r = &p->row[i];

		b->longest = fmax(b->longest, fmax(fmax(r->share[IS], r->ideal[IS]), r->share[WAS]));
		if (!many || p->plan || r->weight[IS])
			b->list[b->listed++] = (struct scored){ i, score(p, r) };
	}
	b->left_out = p->rows - b->listed;
	b->cut = b->listed > 2 * BLOCK_ROWS;
	b->blocks = b->listed > BLOCK_ROWS ? 2 : 1;
	b->block_rows = (b->listed + b->blocks - 1) / b->blocks;
	if (b->cut)
		cut_list(b);
}

static void place_columns(struct bars *b)
{
	const struct picture *p = b->p;
	unsigned cells = 4, most = b->blocks == 1 ? 32 : 20;
	unsigned values = 1 + p->plan + p->circle;
	double x;

	for (uint32_t i = 0; i < b->listed; i++) {
		const struct ring_node *node = p->row[b->list[i].row].node;
		unsigned wide = svg_cells(node->name, node->name_len);

		cells = wide > cells ? wide : cells;
	}
	b->name_cells = cells < most ? cells : most;
	b->decimals = p->live <= 100 ? 2 : p->live <= 1000 ? 3 : p->live <= 10000 ? 4 : 6;
	x = 20 + b->name_cells * 7.4 + 8;
	if (p->weighted)
		b->weight_x = x += p->plan ? 64 : 46;
	b->bar_x = x + 12;
	b->bar_width = b->blocks == 1 ? 220 : 120;
	x = b->bar_x + b->bar_width;
	for (unsigned i = 0; i < values; i++)
		b->value_x[i] = x += p->circle && i == values - 1 ? 52 : 50 + 7 * b->decimals;
	b->block_width = x;
}

int bars_new(struct bars **out, const struct picture *p)
{
	struct bars *b = calloc(1, sizeof *b);

	if (!b)
		return RING_ENOMEM;
	b->p = p;
	b->list = calloc(p->rows, sizeof *b->list);
	if (!b->list) {
		free(b);
		return RING_ENOMEM;
	}
	make_list(b);
	place_columns(b);
	*out = b;
	return RING_OK;
}

void bars_free(struct bars *b)
{
	if (!b)
		return;
	free(b->list);
	free(b);
}

struct size bars_size(const struct bars *b)
{
	struct size s;

	s.width = b->blocks * b->block_width + (b->blocks - 1) * GAP;
	s.height = (b->cut ? 20 : 0) + HEAD + b->block_rows * ROW + (b->left_out ? 22 : 0) +
		(has_histogram(b) ? 40 + HIST_HEIGHT + 34 : 0);
	return s;
}

static void put_rect(FILE *out, double x, double y, double width, double height, const char *look)
{
	fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' %s/>", svg_num(x).s, svg_num(y).s, svg_num(width).s,
		svg_num(height).s, look);
}

static void put_fill(FILE *out, double x, double width, struct colour fill)
{
	fprintf(out, "<rect x='%s' y='4' width='%s' height='13' fill='%s'/>", svg_num(x).s, svg_num(width).s, fill.s);
}

static void put_bar(FILE *out, const struct bars *b, uint32_t row)
{
	const struct row *r = &b->p->row[row];
	double scale = b->bar_width / b->longest, was = r->share[WAS] * scale, is = r->share[IS] * scale;
	double ideal = b->bar_x + r->ideal[IS] * scale;

	if (!b->p->plan) {
		put_fill(out, b->bar_x, is, colour_of(row));
	} else {
		put_fill(out, b->bar_x, fmin(was, is), colour_pale(row));
		if (is > was) {
			put_fill(out, b->bar_x + was, is - was, colour_of(row));
			put_rect(out, b->bar_x + was, 4, is - was, 13, "fill='url(#moved)'");
		} else if (was - is > 1) {
			put_rect(out, b->bar_x + is + 0.5, 4.5, was - is - 1, 12,
				 "fill='none' stroke='#777' stroke-dasharray='2 2'");
		}
	}
	if (r->weight[IS])
		fprintf(out, "<path stroke='#fcfcfa' stroke-width='4' d='M%s 2v17'/><path stroke='#1a1a1a' stroke-width='1.6' "
			"d='M%s 2v17'/>", svg_num(ideal).s, svg_num(ideal).s);
}

static void put_value(FILE *out, double x, const char *text)
{
	fprintf(out, "<text x='%s' y='15' text-anchor='end'>%s</text>", svg_num(x).s, text);
}

static void put_weight(FILE *out, const struct bars *b, const struct row *r)
{
	char text[48];

	if (!b->p->plan || (r->in[WAS] && r->in[IS] && r->weight[WAS] == r->weight[IS]))
		snprintf(text, sizeof text, "%u", r->weight[IS]);
	else if (!r->in[WAS])
		snprintf(text, sizeof text, "+%u", r->weight[IS]);
	else if (!r->in[IS])
		snprintf(text, sizeof text, "\u2212%u", r->weight[WAS]);
	else
		snprintf(text, sizeof text, "%u\u2192%u", r->weight[WAS], r->weight[IS]);
	put_value(out, b->weight_x, text);
}

static void put_values(FILE *out, const struct bars *b, const struct row *r)
{
	unsigned i = 0;

	for (int t = b->p->plan ? WAS : IS; t <= IS; t++, i++)
		put_value(out, b->value_x[i], r->in[t] ? svg_fixed(100 * r->share[t], b->decimals).s : "\u2013");
	if (b->p->circle)
		put_value(out, b->value_x[i], r->weight[IS] ? svg_fixed(picture_ratio(r, IS), 3).s : "\u2013");
}

static const char *what_happens(const struct picture *p, const struct row *r)
{
	if (p->plan && !r->in[WAS])
		return ", new";
	if (p->plan && !r->in[IS])
		return ", gone";
	return r->weight[IS] ? "" : ", drained";
}

static void put_row(FILE *out, const struct bars *b, uint32_t row)
{
	const struct row *r = &b->p->row[row];

	fprintf(out, "<title>");
	svg_text(out, r->node->name, r->node->name_len);
	fprintf(out, "%s: ", what_happens(b->p, r));
	if (b->p->plan)
		fprintf(out, "%s before, ", svg_percent(r->share[WAS]).s);
	fprintf(out, "%s of the hash space%s, ideal %s</title>", svg_percent(r->share[IS]).s,
		b->p->circle ? "" : " expected", svg_percent(r->ideal[IS]).s);
	/* lets the pointer find the title between the marks */
	put_rect(out, 0, 0, b->block_width, ROW, "fill='#fff' fill-opacity='0'");
	fprintf(out, "<rect x='0' y='4' width='13' height='13' fill='%s'/><text x='20' y='15'%s>", colour_of(row).s,
		r->weight[IS] ? "" : " fill='#777'");
	svg_text_within(out, r->node->name, r->node->name_len, b->name_cells);
	fputs("</text>", out);
	if (b->p->weighted)
		put_weight(out, b, r);
	put_bar(out, b, row);
	put_values(out, b, r);
}

static void put_head(FILE *out, const struct bars *b)
{
	const struct picture *p = b->p;
	unsigned i = 0;

	fputs("<g fill='#555' font-size='11'>\n<text x='20' y='15'>node</text>", out);
	if (p->weighted)
		put_value(out, b->weight_x, "weight");
	fprintf(out, "<path stroke='#1a1a1a' stroke-width='1.6' d='M%s 5v12'/><text x='%s' y='15'>ideal",
		svg_num(b->bar_x + 1).s, svg_num(b->bar_x + 7).s);
	if (!p->weighted)
		fprintf(out, " %s each", svg_percent(1.0 / p->live).s);
	fputs("</text>", out);
	if (p->plan)
		put_value(out, b->value_x[i++], p->circle ? "before %" : "expected %");
	put_value(out, b->value_x[i++], p->plan ? "after %" : p->circle ? "share %" : "expected %");
	if (p->circle)
		put_value(out, b->value_x[i], "/ ideal");
	fprintf(out, "\n<path stroke='#ccc' d='M0 22.5H%s'/>\n</g>\n", svg_num(b->block_width).s);
}

static const char *block_name(const struct bars *b, uint32_t block)
{
	if (b->p->plan)
		return block ? "what loses most" : "what gains most";
	if (b->p->circle)
		return block ? "least share for its weight" : "greatest share for its weight";
	return block ? "least weight" : "greatest weight";
}

static void put_block(FILE *out, const struct bars *b, uint32_t block)
{
	double top = 0;

	fprintf(out, "<g transform='translate(%s 0)'>\n", svg_num(block * (b->block_width + GAP)).s);
	if (b->cut) {
		fprintf(out, "<text y='10' font-weight='600'>%s</text>\n", block_name(b, block));
		top = 20;
	}
	fprintf(out, "<g transform='translate(0 %s)'>\n", svg_num(top).s);
	put_head(out, b);
	fputs("</g>\n", out);
	for (uint32_t i = 0; i < b->block_rows && block * b->block_rows + i < b->listed; i++) {
		fprintf(out, "<g transform='translate(0 %s)'>", svg_num(top + HEAD + i * ROW).s);
		put_row(out, b, b->list[block * b->block_rows + i].row);
		fputs("</g>\n", out);
	}
	fputs("</g>\n", out);
}

struct histogram {
	double from, width;             /* of a bin */
	uint32_t bins, count[HIST_BINS + 2], most;
};

/* Bins of a round width, one of whose limits is 1. */
static struct histogram count_ratios(const struct picture *p)
{
	static const double widths[] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 };
	struct histogram h = { .width = 0 };

	for (size_t i = 0; i < sizeof widths / sizeof *widths && !h.width; i++)
		if ((p->max - p->min) / widths[i] < HIST_BINS)
			h.width = widths[i];
	if (!h.width)
		h.width = ceil((p->max - p->min) / HIST_BINS);
	h.from = 1 + floor((p->min - 1) / h.width + 1e-9) * h.width;
	for (uint32_t i = 0; i < p->rows; i++) {
		double at = (picture_ratio(&p->row[i], IS) - h.from) / h.width + 1e-9;
		uint32_t bin = at > 0 ? (uint32_t)at : 0;

		if (!p->row[i].weight[IS])
			continue;
		bin = bin <= HIST_BINS ? bin : HIST_BINS;
		h.bins = bin + 1 > h.bins ? bin + 1 : h.bins;
		h.count[bin]++;
		h.most = h.count[bin] > h.most ? h.count[bin] : h.most;
	}
	return h;
}

static void put_histogram(FILE *out, const struct bars *b, double top, double width)
{
	struct histogram h = count_ratios(b->p);
	double step = fmin(width / h.bins, 48);
	unsigned decimals = h.width < 0.0095 ? 3 : h.width < 0.095 ? 2 : 1;

	fprintf(out, "<g transform='translate(0 %s)'>\n<text y='10' font-weight='600'>share / ideal of all %u nodes%s</text>\n",
		svg_num(top).s, b->p->live, b->p->plan ? " after" : "");
	for (uint32_t i = 0; i < h.bins; i++) {
		double height = (double)h.count[i] / h.most * HIST_HEIGHT, from = h.from + i * h.width;

		fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' fill='#4477aa'><title>%s to %s: %u nodes</title></rect>\n",
			svg_num(i * step + 0.5).s, svg_num(40 + HIST_HEIGHT - height).s, svg_num(step - 1).s, svg_num(height).s,
			svg_fixed(from, decimals).s, svg_fixed(from + h.width, decimals).s, h.count[i]);
		if (h.count[i] == h.most || step >= 26)
			fprintf(out, "<text x='%s' y='%s' text-anchor='middle' fill='#555' font-size='11'>%u</text>\n",
				svg_num((i + 0.5) * step).s, svg_num(36 + HIST_HEIGHT - height).s, h.count[i]);
	}
	fprintf(out, "<g fill='#555' font-size='11' transform='translate(0 %d)'>\n<path stroke='#ccc' d='M0 0H%s'/>\n",
		40 + HIST_HEIGHT, svg_num(h.bins * step).s);
	/* the ends, and 1 where it does not touch them */
	fprintf(out, "<text y='15'>%s</text>\n<text x='%s' y='15' text-anchor='end'>%s</text>\n", svg_fixed(h.from, decimals).s,
		svg_num(h.bins * step).s, svg_fixed(h.from + h.bins * h.width, decimals).s);
	{
		double one = (1 - h.from) / h.width * step;

		fprintf(out, "<path stroke='#1a1a1a' stroke-width='1.6' d='M%s -%dV5'/>\n", svg_num(one).s, HIST_HEIGHT + 2);
		if (one > 60 && one < h.bins * step - 60)
			fprintf(out, "<text x='%s' y='17' text-anchor='middle'>1 = ideal</text>\n", svg_num(one).s);
	}
	fputs("</g>\n</g>\n", out);
}

void bars_draw(FILE *out, const struct bars *b)
{
	double bottom = (b->cut ? 20 : 0) + HEAD + b->block_rows * ROW;

	for (uint32_t block = 0; block < b->blocks; block++)
		put_block(out, b, block);
	if (b->left_out) {
		fprintf(out, "<text y='%s' fill='#555'>%u of %u nodes are not listed</text>\n", svg_num(bottom + 18).s,
			b->left_out, b->p->rows);
		bottom += 22;
	}
	if (has_histogram(b))
		put_histogram(out, b, bottom + 24, bars_size(b).width);
}

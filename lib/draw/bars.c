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
	HEAD = 26, TITLE = 20, NOTE = 22,
	GAP = 36,                       /* between blocks */
	NAME_X = 22,
};

struct scored {
	uint32_t row;
	double score;
};

struct block {
	const char *title;              /* or NULL */
	const struct scored *at;
	uint32_t n;
};

struct bars {
	const struct picture *p;
	struct scored *list;            /* of all, then as listed */
	struct block block[2];
	uint32_t blocks, left_out;
	bool cut;
	double longest;                 /* share of the longest bar or tick */
	unsigned decimals;              /* of a share in per cent */
	unsigned name_width;            /* hundredths of an em */
	double row_height;
	double weight_x, bar_x, bar_width, value_x[3], block_width;
};

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

static int by_score_rising(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static const char *end_title(const struct picture *p, bool least)
{
	if (p->plan)
		return least ? "Who loses most" : "Who gains most";
	if (p->circle)
		return least ? "Least share for its weight" : "Greatest share for its weight";
	if (p->weighted)
		return least ? "Least weight" : "Greatest weight";
	return least ? "The last" : "The first";
}

/* The ten at either end; in a plan only who gains and who loses. */
static void list_ends(struct bars *b, uint32_t n)
{
	uint32_t most = END_ROWS, least = END_ROWS;

	qsort(b->list, n, sizeof *b->list, by_score);
	while (b->p->plan && most && b->list[most - 1].score <= 0)
		most--;
	while (b->p->plan && least && b->list[n - least].score >= 0)
		least--;
	qsort(b->list + n - least, least, sizeof *b->list, by_score_rising);
	b->cut = true;
	b->blocks = 2;
	b->block[0] = (struct block){ end_title(b->p, false), b->list, most };
	b->block[1] = (struct block){ end_title(b->p, true), b->list + n - least, least };
}

static void make_blocks(struct bars *b)
{
	const struct picture *p = b->p;
	bool many = p->rows > 2 * BLOCK_ROWS;
	uint32_t n = 0, half;

	for (uint32_t i = 0; i < p->rows; i++) {
		const struct row *r = &p->row[i];

		b->longest = fmax(b->longest, fmax(fmax(r->share[IS], r->ideal[IS]), r->share[WAS]));
		if (!many || p->plan || r->weight[IS])
			b->list[n++] = (struct scored){ i, score(p, r) };
	}
	if (n > 2 * BLOCK_ROWS) {
		list_ends(b, n);
	} else {
		b->blocks = n > BLOCK_ROWS ? 2 : 1;
		half = (n + b->blocks - 1) / b->blocks;
		b->block[0] = (struct block){ .at = b->list, .n = half };
		b->block[1] = (struct block){ .at = b->list + half, .n = n - half };
	}
	b->left_out = p->rows - b->block[0].n - b->block[1].n;
	b->row_height = p->rows <= 8 ? 28 : p->rows <= 12 ? 24 : 20;
}

static uint32_t block_rows(const struct bars *b)
{
	return b->block[0].n > b->block[1].n ? b->block[0].n : b->block[1].n;
}

static const struct ring_node *listed(const struct bars *b, uint32_t i)
{
	const struct scored *s = i < b->block[0].n ? &b->block[0].at[i] : &b->block[1].at[i - b->block[0].n];

	return b->p->row[s->row].node;
}

static void place_columns(struct bars *b)
{
	const struct picture *p = b->p;
	unsigned name = 300, most = b->blocks == 1 ? 1900 : 1300, values = 1 + p->plan + p->circle;
	double x;

	for (uint32_t i = 0; i < b->block[0].n + b->block[1].n; i++) {
		unsigned width = svg_width(listed(b, i)->name, listed(b, i)->name_len);

		name = width > name ? width : name;
	}
	b->name_width = name < most ? name : most;
	b->decimals = p->live[IS] <= 100 ? 2 : p->live[IS] <= 1000 ? 3 : p->live[IS] <= 10000 ? 4 : 6;
	x = NAME_X + b->name_width * TEXT_SIZE / 100.0 + 8;
	if (p->weighted)
		b->weight_x = x += p->plan ? 66 : 46;
	b->bar_x = x + 12;
	b->bar_width = b->blocks == 1 ? 220 : 120;
	x = b->bar_x + b->bar_width;
	for (unsigned i = 0; i < values; i++)
		b->value_x[i] = x += p->circle && i == values - 1 ? 54 : 52 + 7 * b->decimals;
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
	make_blocks(b);
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

/* Where the rows and the line below them end. */
static double list_height(const struct bars *b)
{
	return (b->cut ? TITLE : 0) + HEAD + block_rows(b) * b->row_height + (b->left_out ? NOTE : 0);
}

struct size bars_size(const struct bars *b)
{
	return (struct size){
		b->blocks * b->block_width + (b->blocks - 1) * GAP,
		list_height(b) + (b->cut && b->p->circle ? HISTOGRAM_GAP + HISTOGRAM_HEIGHT : 0),
	};
}

static void put_rect(FILE *out, double x, double y, double width, double height, const char *look)
{
	fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' %s/>", svg_num(x).s, svg_num(y).s, svg_num(width).s,
		svg_num(height).s, look);
}

static void put_fill(FILE *out, const struct bars *b, double x, double width, struct colour fill)
{
	fprintf(out, "<rect x='%s' y='3' width='%s' height='%s' fill='%s'/>", svg_num(x).s, svg_num(width).s,
		svg_num(b->row_height - 7).s, fill.s);
}

static void put_bar(FILE *out, const struct bars *b, uint32_t row)
{
	const struct row *r = &b->p->row[row];
	double scale = b->bar_width / b->longest, was = r->share[WAS] * scale, is = r->share[IS] * scale;
	struct svg_num ideal = svg_num(b->bar_x + r->ideal[IS] * scale), tick = svg_num(b->row_height - 3);

	if (!b->p->plan) {
		put_fill(out, b, b->bar_x, is, colour_of(row));
	} else {
		put_fill(out, b, b->bar_x, fmin(was, is), colour_pale(row));
		if (is > was) {
			put_fill(out, b, b->bar_x + was, is - was, colour_of(row));
			put_rect(out, b->bar_x + was, 3, is - was, b->row_height - 7, "fill='url(#moved)'");
		} else if (was - is > 1) {
			put_rect(out, b->bar_x + is + 0.5, 3.5, was - is - 1, b->row_height - 8,
				 "fill='none' stroke='#777' stroke-dasharray='2 2'");
		}
	}
	if (r->weight[IS])
		fprintf(out, "<path stroke='#fcfcfa' stroke-width='4' d='M%s 1v%s'/><path stroke='#1a1a1a' stroke-width='1.6' "
			"d='M%s 1v%s'/>", ideal.s, tick.s, ideal.s, tick.s);
}

static void put_value(FILE *out, double x, double y, const char *text)
{
	fprintf(out, "<text x='%s' y='%s' text-anchor='end'>%s</text>", svg_num(x).s, svg_num(y).s, text);
}

static void put_weight(FILE *out, const struct bars *b, const struct row *r, double y)
{
	char text[48];

	if (!b->p->plan || (r->in[WAS] && r->in[IS] && r->weight[WAS] == r->weight[IS]))
		snprintf(text, sizeof text, "%u", r->weight[IS]);
	else if (r->in[WAS] && r->in[IS])
		snprintf(text, sizeof text, "%u \u2192 %u", r->weight[WAS], r->weight[IS]);
	else
		snprintf(text, sizeof text, "%u", r->in[IS] ? r->weight[IS] : r->weight[WAS]);
	put_value(out, b->weight_x, y, text);
}

static struct svg_num share_text(const struct bars *b, const struct row *r, enum when t)
{
	if (!r->in[t])
		return (struct svg_num){ "\u2013" };
	return svg_fixed(100 * r->share[t], b->decimals);
}

static const char *state(const struct bars *b, const struct row *r)
{
	if (b->p->plan && !r->in[WAS])
		return "new";
	if (b->p->plan && !r->in[IS])
		return "gone";
	return r->weight[IS] ? "" : "drained";
}

static void put_values(FILE *out, const struct bars *b, const struct row *r, double y)
{
	unsigned i = 0;

	if (b->p->plan) {
		put_value(out, b->value_x[i], y, r->in[WAS] ? share_text(b, r, WAS).s : state(b, r));
		i++;
	}
	put_value(out, b->value_x[i++], y, r->weight[IS] ? share_text(b, r, IS).s : state(b, r));
	if (b->p->circle)
		put_value(out, b->value_x[i], y, r->weight[IS] ? svg_fixed(picture_ratio(r, IS), 3).s : "\u2013");
}

static void put_row_title(FILE *out, const struct bars *b, const struct row *r)
{
	fputs("<title>", out);
	svg_text(out, r->node->name, r->node->name_len);
	fprintf(out, "%s%s: ", *state(b, r) ? ", " : "", state(b, r));
	if (b->p->plan)
		fprintf(out, "%s before, ", svg_percent(r->share[WAS]).s);
	fprintf(out, "%s of the hash space%s, ideal %s</title>", svg_percent(r->share[IS]).s,
		b->p->circle ? "" : " expected", svg_percent(r->ideal[IS]).s);
}

static void put_row(FILE *out, const struct bars *b, uint32_t row)
{
	const struct row *r = &b->p->row[row];
	double y = b->row_height / 2 + 4;

	put_row_title(out, b, r);
	/* lets the pointer find the title between the marks */
	put_rect(out, 0, 0, b->block_width, b->row_height, "fill='#fff' fill-opacity='0'");
	fprintf(out, "<rect x='0' y='%s' width='13' height='13' fill='%s'/><text x='%d' y='%s'%s>",
		svg_num(b->row_height / 2 - 7).s, colour_of(row).s, NAME_X, svg_num(y).s, r->weight[IS] ? "" : " fill='#666'");
	svg_text_within(out, r->node->name, r->node->name_len, b->name_width, r->telling);
	fputs("</text>", out);
	if (b->p->weighted)
		put_weight(out, b, r, y);
	put_bar(out, b, row);
	put_values(out, b, r, y);
}

static void put_head(FILE *out, const struct bars *b)
{
	const struct picture *p = b->p;
	unsigned i = 0;

	fprintf(out, "<g fill='#555' font-size='%d'>\n<text x='%d' y='15'>node</text>", SMALL_TEXT, NAME_X);
	if (p->weighted)
		put_value(out, b->weight_x, 15, "weight");
	fprintf(out, "<path stroke='#1a1a1a' stroke-width='1.6' d='M%s 5v12'/><text x='%s' y='15'>%s",
		svg_num(b->bar_x + 1).s, svg_num(b->bar_x + 7).s, p->circle ? "ideal" : "expected");
	if (!p->weighted)
		fprintf(out, " %s%s", svg_percent(1.0 / p->live[IS]).s, p->live[IS] > 1 ? " each" : "");
	fputs("</text>", out);
	if (p->plan)
		put_value(out, b->value_x[i++], 15, "before %");
	put_value(out, b->value_x[i++], 15, p->plan ? "after %" : p->circle ? "share %" : "expected %");
	if (p->circle)
		put_value(out, b->value_x[i], 15, "\u00f7 ideal");
	fprintf(out, "\n<path stroke='#ccc' d='M0 22.5H%s'/>\n</g>\n", svg_num(b->block_width).s);
}

static void put_block(FILE *out, const struct bars *b, const struct block *block)
{
	double top = 0;

	if (block->title) {
		fprintf(out, "<text y='10' font-weight='600'>%s</text>\n", block->title);
		top = TITLE;
	}
	fprintf(out, "<g transform='translate(0 %s)'>\n", svg_num(top).s);
	put_head(out, b);
	fputs("</g>\n", out);
	for (uint32_t i = 0; i < block->n; i++) {
		fprintf(out, "<g transform='translate(0 %s)'>", svg_num(top + HEAD + i * b->row_height).s);
		put_row(out, b, block->at[i].row);
		fputs("</g>\n", out);
	}
}

void bars_draw(FILE *out, const struct bars *b)
{
	for (uint32_t i = 0; i < b->blocks; i++) {
		fprintf(out, "<g transform='translate(%s 0)'>\n", svg_num(i * (b->block_width + GAP)).s);
		put_block(out, b, &b->block[i]);
		fputs("</g>\n", out);
	}
	if (b->left_out)
		fprintf(out, "<text y='%s' fill='#555'>%u of %u nodes are not listed</text>\n", svg_num(list_height(b) - 4).s,
			b->left_out, b->p->rows);
	if (b->cut && b->p->circle) {
		fprintf(out, "<g transform='translate(0 %s)'>\n", svg_num(list_height(b) + HISTOGRAM_GAP).s);
		histogram_draw(out, b->p, bars_size(b).width);
		fputs("</g>\n", out);
	}
}

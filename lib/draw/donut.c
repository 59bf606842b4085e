/*
 * donut: the circle, from hash 0 at the top clockwise.
 *
 * A sector is an arc stroked as broadly as the ring; each node's are one path,
 * so that it has one title.  In a plan what stays is pale and what moves is not:
 * inside in the colour of whom it leaves, outside of whom it goes to, hatched.
 */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

#include <math.h>
#include <stdlib.h>

struct band {
	double in, out;                 /* radii */
};

static struct band band_of(const struct picture *p, enum when t)
{
	if (!p->plan)
		return (struct band){ 94, 172 };
	return t == WAS ? (struct band){ 88, 125 } : (struct band){ 131, 172 };
}

static int by_row(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	if (x->moved != y->moved)
		return x->moved - y->moved;
	return (x->from > y->from) - (x->from < y->from);
}

/* The circle has no seam: an arc over hash 0 is one. */
static void join_ends(struct pieces *pieces)
{
	const struct piece *last = &pieces->at[pieces->n - 1];
	struct piece *first = &pieces->at[0];

	if (pieces->n < 2 || first->row != last->row || first->moved != last->moved)
		return;
	first->from = last->from - 1;
	pieces->n--;
}

/* Sampled sectors overlap by a hair, lest the paper shine through. */
static void put_sectors(FILE *out, const struct picture *p, const struct piece *piece, uint32_t n, double radius)
{
	double overlap = p->sampled ? 0.0003 : 0;

	fputs("d='", out);
	for (uint32_t i = 0; i < n; i++)
		svg_arc(out, radius, piece[i].from, fmin(piece[i].to + overlap, piece[i].from + 1));
	fputs("'", out);
}

static void put_band(FILE *out, const struct picture *p, enum when t, const struct pieces *pieces)
{
	struct band band = band_of(p, t);
	double radius = (band.in + band.out) / 2;
	struct pieces sorted = *pieces;

	qsort(sorted.at, sorted.n, sizeof *sorted.at, by_row);
	fprintf(out, "<g fill='none' stroke-width='%s'>\n", svg_num(band.out - band.in).s);
	for (uint32_t i = 0, n; i < sorted.n; i += n) {
		const struct piece *first = &sorted.at[i];

		for (n = 1; i + n < sorted.n && first[n].row == first->row && first[n].moved == first->moved; n++)
			;
		fprintf(out, "<path stroke='%s' ", piece_colour(p, first).s);
		put_sectors(out, p, first, n, radius);
		fputs(">", out);
		piece_title(out, p, t, first);
		fputs("</path>\n", out);
		if (t == IS && first->moved) {
			fprintf(out, "<path stroke='url(#%s)' pointer-events='none' ", p->sampled ? "sampled" : "moved");
			put_sectors(out, p, first, n, radius);
			fputs("/>\n", out);
		}
	}
	fputs("</g>\n", out);
}

static void put_radial(FILE *out, double turn, double from, double to)
{
	double x = sin(2 * M_PI * turn), y = -cos(2 * M_PI * turn);

	fprintf(out, "M%s %sL%s %s", svg_num(from * x).s, svg_num(from * y).s, svg_num(to * x).s, svg_num(to * y).s);
}

/* Gaps between exact arcs while there is room for any. */
static void put_gaps(FILE *out, const struct picture *p, enum when t, const struct pieces *pieces)
{
	struct band band = band_of(p, t);

	if (p->sampled || pieces->n < 2 || pieces->n > RUNS_MAX / 2)
		return;
	fprintf(out, "<path fill='none' stroke='#fcfcfa' stroke-width='%s' d='",
		pieces->n > 200 ? "0.4" : pieces->n > 80 ? "0.8" : "1.4");
	for (uint32_t i = 0; i < pieces->n; i++)
		put_radial(out, pieces->at[i].from, band.in - 0.5, band.out + 0.5);
	fputs("'/>\n", out);
}

/* Is a label around (x, y) within this piece of the band? */
static bool fits(const struct piece *piece, struct band band, double x, double y, double width)
{
	for (int i = -4; i <= 4; i++) {
		for (int j = -1; j <= 1; j++) {
			double px = x + width * i / 8, py = y + (SMALL_TEXT + 2) / 2.0 * j;
			double radius = hypot(px, py), turn = atan2(px, -py) / (2 * M_PI);

			while (turn < piece->from)
				turn++;
			if (radius < band.in + 2 || radius > band.out - 2 || turn > piece->to)
				return false;
		}
	}
	return true;
}

/* In the middle of its arc, or where else it fits. */
static void put_label(FILE *out, const struct picture *p, enum when t, const struct piece *piece)
{
	static const double along[] = { 0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9 };
	struct band band = band_of(p, t);
	double radius = (band.in + band.out) / 2;
	double width = piece_label_width(p, piece) + (piece->moved && t == IS ? 4 : 0);

	for (size_t i = 0; i < sizeof along / sizeof *along; i++) {
		double angle = 2 * M_PI * (piece->from + (piece->to - piece->from) * along[i]);
		double x = radius * sin(angle), y = -radius * cos(angle);

		if (fits(piece, band, x, y, width)) {
			piece_label(out, p, t, piece, x, y);
			return;
		}
	}
}

static void put_labels(FILE *out, const struct picture *p, enum when t, const struct pieces *pieces)
{
	if (p->sampled)
		return;
	fprintf(out, "<g font-size='%d' text-anchor='middle' pointer-events='none'>\n", SMALL_TEXT);
	for (uint32_t i = 0; i < pieces->n; i++)
		put_label(out, p, t, &pieces->at[i]);
	fputs("</g>\n", out);
}

/* The one number. */
static void put_centre(FILE *out, const struct picture *p)
{
	const struct row *worst = &p->row[p->worst];

	fprintf(out, "<g text-anchor='middle' fill='#555'>\n<text y='-24'>%s</text>\n"
		"<text y='12' font-size='32' font-weight='600' fill='#1a1a1a'>%s</text>\n<text y='34'>",
		p->plan ? "moves" : "max / mean", p->plan ? svg_percent(p->moved).s : svg_fixed(p->max, 3).s);
	if (p->plan)
		fprintf(out, "ideal %s", svg_percent(p->moved_ideal).s);
	else
		svg_text_within(out, worst->node->name, worst->node->name_len, 1150, worst->telling);
	fputs("</text>\n</g>\n", out);
}

/* Hash 0, and which way it grows. */
static void put_origin(FILE *out, const struct picture *p)
{
	struct band band = band_of(p, IS);
	double radius = band.out + 13;

	fprintf(out, "<g stroke='#555' fill='none'>\n<path d='M0 %sV%s'/>\n<path d='", svg_num(-band.out - 2).s,
		svg_num(-band.out - 20).s);
	svg_arc(out, radius, 0.003, 0.05);
	fprintf(out, "'/>\n</g>\n<path fill='#555' transform='rotate(18) translate(0 %s)' d='M0 -3.5L8 0L0 3.5Z'/>\n"
		"<text x='-6' y='%s' text-anchor='end' fill='#555' font-size='%d'>%s 0</text>\n", svg_num(-radius).s,
		svg_num(-band.out - 10).s, SMALL_TEXT, p->table ? "slot" : "hash");
}

static void put_ticks(FILE *out, const struct picture *p)
{
	double radius = band_of(p, IS).out;

	if (!p->ticks)
		return;
	fputs("<path fill='none' stroke='#555' d='", out);
	for (uint32_t i = 0; i < p->ticks; i++)
		put_radial(out, p->tick[i], radius + 2, radius + 7);
	fputs("'><title>points</title></path>\n", out);
}

/* A wedge in the hole that points at what the lens shows. */
static void put_lens_mark(FILE *out, const struct picture *p)
{
	double middle;

	if (!p->lens.n)
		return;
	middle = (p->lens.at[0].from + p->lens.at[p->lens.n - 1].to) / 2;
	fprintf(out, "<path fill='#1a1a1a' transform='rotate(%s) translate(0 %s)' d='M0 -5L4.5 4H-4.5Z'>"
		"<title>what is magnified below</title></path>\n", svg_num(360 * middle).s,
		svg_num(-band_of(p, p->plan ? WAS : IS).in + 8).s);
}

void donut_draw(FILE *out, const struct picture *p)
{
	for (int t = p->plan ? WAS : IS; t <= IS; t++) {
		struct pieces pieces;

		pieces_of(&p->runs, (enum when)t, &pieces);
		join_ends(&pieces);
		put_band(out, p, (enum when)t, &pieces);
		put_gaps(out, p, (enum when)t, &pieces);
		put_labels(out, p, (enum when)t, &pieces);
	}
	put_ticks(out, p);
	put_origin(out, p);
	put_lens_mark(out, p);
	put_centre(out, p);
}

/*
 * donut: the circle, from hash 0 at the top clockwise, and the lens below it.
 *
 * A sector is an arc stroked as broadly as the ring; each node's are one path,
 * so that it has one title.  In a plan what stays is pale and what moves is not:
 * inside in the colour of whom it leaves, outside of whom it goes to, hatched.
 */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	LONG_LIST = 100,                /* more rows than these have their names cut in titles */
	TITLE_CELLS = 48,
	SMALL_TEXT = 11,
};

struct ring_band {
	double in, out;                 /* radii */
};

/* Neighbouring runs of one owner, of which all or none move. */
struct piece {
	double from, to;
	uint32_t row;
	bool moved;
};

struct pieces {
	struct piece at[RUNS_MAX];
	uint32_t n;
};

static struct ring_band band_of(const struct picture *p, enum time t)
{
	if (!p->plan)
		return (struct ring_band){ 106, 172 };
	return t == WAS ? (struct ring_band){ 92, 127 } : (struct ring_band){ 133, 172 };
}

static void make_pieces(const struct runs *runs, enum time t, struct pieces *pieces)
{
	pieces->n = 0;
	for (uint32_t i = 0; i < runs->n; i++) {
		const struct run *r = &runs->at[i];
		struct piece *last = pieces->n ? &pieces->at[pieces->n - 1] : NULL;
		bool moved = r->row[WAS] != r->row[IS];

		if (last && last->row == r->row[t] && last->moved == moved)
			last->to = r->to;
		else
			pieces->at[pieces->n++] = (struct piece){ r->from, r->to, r->row[t], moved };
	}
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

static void put_name(FILE *out, const struct picture *p, uint32_t row)
{
	const struct ring_node *node = p->row[row].node;

	if (p->rows > LONG_LIST)
		svg_text_within(out, node->name, node->name_len, TITLE_CELLS);
	else
		svg_text(out, node->name, node->name_len);
}

static void put_title(FILE *out, const struct picture *p, enum time t, const struct piece *piece)
{
	const struct row *r = &p->row[piece->row];

	fputs("<title>", out);
	put_name(out, p, piece->row);
	if (p->plan)
		fputs(t == WAS ? piece->moved ? ", gives: had " : ": had " : piece->moved ? ", takes: has " : ": has ", out);
	else
		fputs(": ", out);
	fputs(svg_percent(r->share[t]).s, out);
	fprintf(out, " (ideal %s)</title>", svg_percent(r->ideal[t]).s);
}

/* The sectors of pieces i .. end - 1; sampled ones overlap by a hair, lest the paper shine through. */
static void put_sectors(FILE *out, const struct picture *p, const struct pieces *pieces, uint32_t i, uint32_t end,
			double radius)
{
	double overlap = p->sampled ? 0.0003 : 0;

	fputs("d='", out);
	for (; i < end; i++)
		svg_arc(out, radius, pieces->at[i].from, fmin(pieces->at[i].to + overlap, pieces->at[i].from + 1));
	fputs("'", out);
}

static void put_band(FILE *out, const struct picture *p, enum time t, struct pieces *pieces)
{
	struct ring_band band = band_of(p, t);
	double radius = (band.in + band.out) / 2;
	uint32_t end;

	qsort(pieces->at, pieces->n, sizeof *pieces->at, by_row);
	fprintf(out, "<g fill='none' stroke-width='%s'>\n", svg_num(band.out - band.in).s);
	for (uint32_t i = 0; i < pieces->n; i = end) {
		const struct piece *first = &pieces->at[i];

		for (end = i + 1; end < pieces->n && pieces->at[end].row == first->row &&
		     pieces->at[end].moved == first->moved; end++)
			;
		fprintf(out, "<path stroke='%s' ",
			p->plan && !first->moved ? colour_pale(first->row).s : colour_of(first->row).s);
		put_sectors(out, p, pieces, i, end, radius);
		fputs(">", out);
		put_title(out, p, t, first);
		fputs("</path>\n", out);
		if (t == IS && first->moved) {
			fputs("<path stroke='url(#moved)' pointer-events='none' ", out);
			put_sectors(out, p, pieces, i, end, radius);
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
static void put_gaps(FILE *out, const struct picture *p, enum time t, const struct pieces *pieces)
{
	struct ring_band band = band_of(p, t);

	if (p->sampled || pieces->n < 2 || pieces->n > RUNS_MAX / 2)
		return;
	fprintf(out, "<path fill='none' stroke='#fcfcfa' stroke-width='%s' d='",
		pieces->n > 200 ? "0.4" : pieces->n > 80 ? "0.8" : "1.4");
	for (uint32_t i = 0; i < pieces->n; i++)
		put_radial(out, pieces->at[i].from, band.in - 0.5, band.out + 0.5);
	fputs("'/>\n", out);
}

/* Is a box around (x, y) within this piece of the band? */
static bool fits(const struct piece *piece, struct ring_band band, double x, double y, double half_w, double half_h)
{
	for (int i = -4; i <= 4; i++) {
		for (int j = -1; j <= 1; j++) {
			double px = x + half_w * i / 4, py = y + half_h * j;
			double radius = hypot(px, py), turn = atan2(px, -py) / (2 * M_PI);

			if (turn < 0)
				turn++;
			if (radius < band.in + 2 || radius > band.out - 2 || turn < piece->from || turn > piece->to)
				return false;
		}
	}
	return true;
}

static void put_labels(FILE *out, const struct picture *p, enum time t, const struct pieces *pieces)
{
	struct ring_band band = band_of(p, t);

	if (p->sampled)
		return;
	fprintf(out, "<g font-size='%d' text-anchor='middle' pointer-events='none'>\n", SMALL_TEXT);
	for (uint32_t i = 0; i < pieces->n; i++) {
		const struct piece *piece = &pieces->at[i];
		const struct ring_node *node = p->row[piece->row].node;
		double middle = M_PI * (piece->from + piece->to), radius = (band.in + band.out) / 2;
		double x = radius * sin(middle), y = -radius * cos(middle);
		double half = svg_cells(node->name, node->name_len) * SMALL_TEXT * 0.32 + 1;

		if ((p->plan && t == IS && piece->moved) || !fits(piece, band, x, y, half, SMALL_TEXT / 2.0))
			continue;
		fprintf(out, "<text x='%s' y='%s' fill='%s'>", svg_num(x).s, svg_num(y + SMALL_TEXT * 0.36).s,
			p->plan && !piece->moved ? "#1a1a1a" : colour_on(piece->row).s);
		svg_text(out, node->name, node->name_len);
		fputs("</text>\n", out);
	}
	fputs("</g>\n", out);
}

static void put_centre(FILE *out, const struct picture *p)
{
	const struct ring_node *worst = p->row[p->worst].node;

	fprintf(out, "<g text-anchor='middle' fill='#555' font-size='12'>\n<text y='-24'>%s</text>\n"
		"<text y='12' font-size='32' font-weight='600' fill='#1a1a1a'>", p->plan ? "moves" : "max / mean");
	if (p->plan)
		fprintf(out, "%s</text>\n<text y='34'>ideal %s</text>\n", svg_percent(p->moved).s,
			svg_percent(p->moved_ideal).s);
	else
		fprintf(out, "%s</text>\n<text y='34'>", svg_fixed(p->max, 3).s);
	if (!p->plan) {
		svg_text_within(out, worst->name, worst->name_len, 20);
		fputs("</text>\n", out);
	}
	fputs("</g>\n", out);
}

/* Hash 0, and which way it grows. */
static void put_origin(FILE *out, struct ring_band band)
{
	double radius = band.out + 12;

	fprintf(out, "<g stroke='#555' fill='none'>\n<path d='M0 %sV%s'/>\n<path d='", svg_num(-band.out - 2).s,
		svg_num(-band.out - 18).s);
	svg_arc(out, radius, 0.003, 0.05);
	fprintf(out, "'/>\n</g>\n<path fill='#555' transform='rotate(18) translate(0 %s)' d='M0 -3.5L8 0L0 3.5Z'/>\n"
		"<text x='-6' y='%s' text-anchor='end' fill='#555' font-size='%d'>hash 0</text>\n", svg_num(-radius).s,
		svg_num(-band.out - 9).s, SMALL_TEXT);
}

static void put_ticks(FILE *out, const struct picture *p)
{
	double radius = band_of(p, IS).out;

	if (!p->ticks)
		return;
	fputs("<path fill='none' stroke='#333' d='", out);
	for (uint32_t i = 0; i < p->ticks; i++)
		put_radial(out, p->tick[i], radius - 5, radius + 3);
	fputs("'><title>points</title></path>\n", out);
}

/* A wedge in the hole that points at what the lens shows. */
static void put_lens_mark(FILE *out, const struct picture *p)
{
	double from;

	if (!p->lens.n)
		return;
	from = (p->lens.at[0].from + p->lens.at[p->lens.n - 1].to) / 2;
	fprintf(out, "<path fill='#1a1a1a' transform='rotate(%s) translate(0 %s)' d='M0 -5L4.5 4H-4.5Z'>"
		"<title>what is magnified below</title></path>\n", svg_num(360 * from).s, svg_num(-band_of(p, WAS).in + 8).s);
}

void donut_draw(FILE *out, const struct picture *p)
{
	struct pieces pieces;

	for (int t = p->plan ? WAS : IS; t <= IS; t++) {
		make_pieces(&p->runs, (enum time)t, &pieces);
		put_band(out, p, (enum time)t, &pieces);
		put_gaps(out, p, (enum time)t, &pieces);
		put_labels(out, p, (enum time)t, &pieces);
	}
	put_ticks(out, p);
	put_origin(out, band_of(p, IS));
	put_lens_mark(out, p);
	put_centre(out, p);
}

/* One strip of the lens, its pieces side by side. */
static void put_strip(FILE *out, const struct picture *p, enum time t, double top, double height)
{
	double from = p->lens.at[0].from, scale = LENS_WIDTH / (p->lens.at[p->lens.n - 1].to - from);
	struct pieces pieces;

	make_pieces(&p->lens, t, &pieces);
	for (uint32_t i = 0; i < pieces.n; i++) {
		const struct piece *piece = &pieces.at[i];
		const struct ring_node *node = p->row[piece->row].node;
		double x = (piece->from - from) * scale, width = (piece->to - piece->from) * scale;
		bool pale = p->plan && !piece->moved;

		fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' fill='%s'>", svg_num(x).s, svg_num(top).s,
			svg_num(width).s, svg_num(height).s, pale ? colour_pale(piece->row).s : colour_of(piece->row).s);
		put_title(out, p, t, piece);
		fputs("</rect>\n", out);
		if (p->plan && t == IS && piece->moved)
			fprintf(out, "<rect x='%s' y='%s' width='%s' height='%s' fill='url(#moved)' pointer-events='none'/>\n",
				svg_num(x).s, svg_num(top).s, svg_num(width).s, svg_num(height).s);
		else if (svg_cells(node->name, node->name_len) * 7 + 6 <= width) {
			fprintf(out, "<text x='%s' y='%s' text-anchor='middle' pointer-events='none' fill='%s'>",
				svg_num(x + width / 2).s, svg_num(top + height / 2 + 4).s,
				pale ? "#1a1a1a" : colour_on(piece->row).s);
			svg_text(out, node->name, node->name_len);
			fputs("</text>\n", out);
		}
	}
	fputs("<path stroke='#fcfcfa' d='", out);
	for (uint32_t i = 1; i < pieces.n; i++)
		fprintf(out, "M%s %sv%s", svg_num((pieces.at[i].from - from) * scale).s, svg_num(top).s, svg_num(height).s);
	fputs("'/>\n", out);
}

void lens_draw(FILE *out, const struct picture *p)
{
	fprintf(out, "<g font-size='%d' fill='#555'>\n<text y='10'>magnified: 1/%llu of the circle", SMALL_TEXT,
		1ULL << p->lens_bits);
	if (p->lens.at[0].from > 0)
		fprintf(out, ", from %s of it", svg_fixed(p->lens.at[0].from, 6).s);
	else
		fputs(", from hash 0", out);
	fputs("; its arcs are exact</text>\n", out);
	if (p->plan) {
		put_strip(out, p, WAS, 20, 24);
		put_strip(out, p, IS, 48, 24);
		fprintf(out, "<text x='%d' y='36'>before</text>\n<text x='%d' y='64'>after</text>\n", LENS_WIDTH + 6,
			LENS_WIDTH + 6);
	} else {
		put_strip(out, p, IS, 20, 30);
	}
	fputs("</g>\n", out);
}

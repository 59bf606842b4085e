/* lens: a window of a circle that has too many arcs, drawn out to a strip; in a plan two. */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

enum { WIDTH = 372, TOP = 20, GAP = 4, STRIP = 28 };

static void put_piece(FILE *out, const struct picture *p, enum when t, const struct piece *piece, double x, double top,
		      double width)
{
	fprintf(out, "<rect x='%s' y='%s' width='%s' height='%d' fill='%s'>", svg_num(x).s, svg_num(top).s,
		svg_num(width).s, STRIP, piece_colour(p, piece).s);
	piece_title(out, p, t, piece);
	fputs("</rect>\n", out);
	if (piece->moved && t == IS)
		fprintf(out, "<rect x='%s' y='%s' width='%s' height='%d' fill='url(#moved)' pointer-events='none'/>\n",
			svg_num(x).s, svg_num(top).s, svg_num(width).s, STRIP);
	if (piece_label_width(p, piece) + (piece->moved ? 6 : 2) <= width) {
		fputs("<g pointer-events='none' text-anchor='middle'>", out);
		piece_label(out, p, t, piece, x + width / 2, top + STRIP / 2.0);
		fputs("</g>\n", out);
	}
}

static void put_strip(FILE *out, const struct picture *p, enum when t, double top)
{
	double from = p->lens.at[0].from, scale = WIDTH / (p->lens.at[p->lens.n - 1].to - from);
	struct pieces pieces;

	pieces_of(&p->lens, t, &pieces);
	for (uint32_t i = 0; i < pieces.n; i++) {
		const struct piece *piece = &pieces.at[i];

		put_piece(out, p, t, piece, (piece->from - from) * scale, top, (piece->to - piece->from) * scale);
	}
	fputs("<path stroke='#fcfcfa' d='M0 0", out);
	for (uint32_t i = 1; i < pieces.n; i++)
		fprintf(out, "M%s %sv%d", svg_num((pieces.at[i].from - from) * scale).s, svg_num(top).s, STRIP);
	fputs("'/>\n", out);
}

void lens_draw(FILE *out, const struct picture *p)
{
	unsigned long long part = (unsigned long long)(p->lens.at[0].from * (double)(1ULL << p->lens_bits)) + 1;

	fprintf(out, "<g font-size='%d' fill='#555'>\n<text y='10'>magnified: part %llu of %llu of the circle, its arcs exact"
		"</text>\n", SMALL_TEXT, part, 1ULL << p->lens_bits);
	for (int t = p->plan ? WAS : IS; t <= IS; t++) {
		double top = TOP + (p->plan && t == IS ? STRIP + GAP : 0);

		put_strip(out, p, (enum when)t, top);
		if (p->plan)
			fprintf(out, "<text x='%d' y='%s'>%s</text>\n", WIDTH + 6, svg_num(top + STRIP / 2.0 + 4).s,
				t == WAS ? "before" : "after");
	}
	fputs("</g>\n", out);
}

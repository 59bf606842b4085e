/* piece: a sector of the ring or a part of the lens: its colour, its title, its label. */
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

enum {
	LONG_LIST = 100,                /* more rows than these have their names cut in titles */
	TITLE_WIDTH = 2000,
};

void pieces_of(const struct runs *runs, enum when t, struct pieces *pieces)
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

void piece_title(FILE *out, const struct picture *p, enum when t, const struct piece *piece)
{
	const struct row *r = &p->row[piece->row];

	fputs("<title>", out);
	if (p->rows > LONG_LIST)
		svg_text_within(out, r->node->name, r->node->name_len, TITLE_WIDTH, r->telling);
	else
		svg_text(out, r->node->name, r->node->name_len);
	if (!p->plan)
		fprintf(out, ": %s (ideal %s)</title>", svg_percent(r->share[IS]).s, svg_percent(r->ideal[IS]).s);
	else
		fprintf(out, "%s: %s %s (ideal %s)</title>", piece->moved ? t == WAS ? " gives" : " takes" : "",
			t == WAS ? "before" : "after", svg_percent(r->share[t]).s, svg_percent(r->ideal[t]).s);
}

struct colour piece_colour(const struct picture *p, const struct piece *piece)
{
	return p->plan && !piece->moved ? colour_pale(piece->row) : colour_of(piece->row);
}

double piece_label_width(const struct picture *p, const struct piece *piece)
{
	const struct ring_node *node = p->row[piece->row].node;

	return svg_width(node->name, node->name_len) * SMALL_TEXT / 100.0 + 4;
}

void piece_label(FILE *out, const struct picture *p, enum when t, const struct piece *piece, double x, double y)
{
	const struct ring_node *node = p->row[piece->row].node;
	double width = piece_label_width(p, piece);

	if (piece->moved && t == IS)
		fprintf(out, "<rect x='%s' y='%s' width='%s' height='%d' rx='3' fill='%s'/>", svg_num(x - width / 2 - 2).s,
			svg_num(y - SMALL_TEXT / 2.0 - 2).s, svg_num(width + 4).s, SMALL_TEXT + 4, colour_of(piece->row).s);
	fprintf(out, "<text x='%s' y='%s' fill='%s'>", svg_num(x).s, svg_num(y + SMALL_TEXT * 0.36).s,
		p->plan && !piece->moved ? "#1a1a1a" : colour_on(piece->row).s);
	svg_text(out, node->name, node->name_len);
	fputs("</text>\n", out);
}

/*
 * spacetime_arrow: the messages.
 *
 * Solid: delivered; dashed with a cross: lost, where it was lost; double: a message that came twice; a wave: changed on its way.
 * A filled head is a request's, an open one an answer's.  Labels come after all lines and heads: none lies on another
 * label, head or cross, and of the places that are left it takes the one with the fewest lines under it.
 */
#include <math.h>

#include "lib/draw/spacetime_draw.h"
#include "lib/draw/svg.h"

enum { HEAD = 7, HEAD_HALF = 3, CROSS = 4, STUB_FALL = 8, LINES_UNDER_MAX = 3 };

/* One copy's line, in the picture's x and y. */
struct arrow {
	struct point a, b;
	bool head, cross, stub, to_self;        /* stub: lost as it was sent */
};

static double along(double from, double to, double share)
{
	return from + (to - from) * share;
}

/* How far it was on its way at a time, 0 .. 1. */
static double share_at(const struct message *m, const struct copy *c, uint64_t at)
{
	if (at >= c->at)
		return 1;
	return at <= m->sent ? 0 : (double)(at - m->sent) / (double)(c->at - m->sent);
}

/* false: nothing of it is in the picture's time. */
static bool arrow_of(const struct page *p, const struct message *m, const struct copy *c, struct arrow *a)
{
	const struct lane *from = &p->s->lane[m->from], *to = &p->s->lane[m->to];
	double side = to->u > from->u ? 1 : -1, u0, u1, v0, v1, s0, s1;
	uint64_t until = c->fate == UNDER_WAY ? p->end : c->at;

	if (m->sent > p->end || until < p->from)
		return false;
	*a = (struct arrow){ .to_self = m->from == m->to };
	u0 = from->u + side * page_edge(p, m->from, m->sent);
	u1 = to->u - side * page_edge(p, m->to, until);
	v0 = timeline_v(&p->time, m->sent);
	v1 = timeline_v(&p->time, until);
	a->head = c->fate == DELIVERED && until <= p->end;
	a->cross = c->fate == LOST && until <= p->end;
	a->stub = a->cross && c->at == m->sent;
	if (a->stub) {
		int lanes = from->rank > to->rank ? from->rank - to->rank : to->rank - from->rank;

		u1 = u0 + side * (0.3 * p->pitch + 9 * (lanes < 6 ? lanes : 6));
		v1 = v0 + STUB_FALL;
	} else if (c->fate == UNDER_WAY) {
		u1 = along(u0, u1, 0.7);
	} else {
		s0 = share_at(m, c, p->from);
		s1 = share_at(m, c, p->end);
		double first = u0;

		u0 = along(first, u1, s0);
		u1 = along(first, u1, s1);
		if (a->cross)
			u1 = along(u0, u1, 1) - side * 9;
	}
	a->a = sheet_point(&p->sheet, u0, v0);
	a->b = sheet_point(&p->sheet, u1, v1);
	return true;
}

static void put_point(FILE *out, char command, double x, double y)
{
	fprintf(out, "%c%s %s", command, svg_num(x).s, svg_num(y).s);
}

/* --- Lines --- */

/* A line beside the line from a to b, so far to its left. */
static void put_straight(FILE *out, struct point a, struct point b, double aside)
{
	double length = hypot(b.x - a.x, b.y - a.y), x = 0, y = 0;

	if (length > 0 && fabs(aside) > 0) {
		x = -(b.y - a.y) / length * aside;
		y = (b.x - a.x) / length * aside;
	}
	put_point(out, 'M', a.x + x, a.y + y);
	put_point(out, 'L', b.x + x, b.y + y);
}

static void put_wave(FILE *out, struct point a, struct point b)
{
	double length = hypot(b.x - a.x, b.y - a.y);
	int teeth = (int)(length / 5);

	put_point(out, 'M', a.x, a.y);
	for (int i = 1; i < teeth && i < 4000; i++) {
		double aside = (i % 2 ? 2.6 : -2.6) / length, share = (double)i / teeth;

		put_point(out, 'L', along(a.x, b.x, share) - (b.y - a.y) * aside, along(a.y, b.y, share) + (b.x - a.x) * aside);
	}
	put_point(out, 'L', b.x, b.y);
}

/* A message to oneself: out and back on the right of the line, or below it. */
static void put_loop(const struct page *p, FILE *out, const struct arrow *a)
{
	double x = p->sheet.across ? 0 : 34, y = p->sheet.across ? 34 : 0;

	put_point(out, 'M', a->a.x, a->a.y);
	fprintf(out, "C%s %s", svg_num(a->a.x + x).s, svg_num(a->a.y + y).s);
	fprintf(out, " %s %s", svg_num(a->b.x + x).s, svg_num(a->b.y + y).s);
	fprintf(out, " %s %s", svg_num(a->b.x).s, svg_num(a->b.y).s);
}

static void put_line(const struct page *p, const struct arrow *a, const struct message *m, const struct copy *c)
{
	FILE *out = p->sheet.out;
	double length = hypot(a->b.x - a->a.x, a->b.y - a->a.y), back = a->head && length > HEAD ? (HEAD - 2) / length : 0;
	struct point b = { along(a->b.x, a->a.x, back), along(a->b.y, a->a.y, back) };

	fprintf(out, "<path class='m%s%s' d='", m->plain ? " hb" : "",
		c->fate == LOST ? " lost" : c->fate == UNDER_WAY ? " way" : "");
	if (a->to_self) {
		put_loop(p, out, a);
	} else if (c->corrupt) {
		put_wave(out, a->a, b);
	} else if (m->copies > 1) {
		put_straight(out, a->a, b, 1.6);
		put_straight(out, a->a, b, -1.6);
	} else {
		put_straight(out, a->a, b, 0);
	}
	fputs("'/>", out);
	if (a->to_self)
		return;
	fputs("<path class='hit' d='", out);
	put_straight(out, a->a, a->b, 0);
	fputs("'/>", out);
}

static void put_head(const struct page *p, const struct arrow *a, const struct message *m)
{
	FILE *out = p->sheet.out;
	double length = hypot(a->b.x - a->a.x, a->b.y - a->a.y), x = 1, y = 0, size = m->plain ? 0.7 : 1;

	if (a->to_self) {
		x = p->sheet.across ? 0 : -1;
		y = p->sheet.across ? -1 : 0;
	} else if (length > 0) {
		x = (a->b.x - a->a.x) / length;
		y = (a->b.y - a->a.y) / length;
	}
	fprintf(out, "<path class='%s' d='", m->body.is_reply || strstr(m->body.type, "_ok") ? "open" : "head");
	put_point(out, 'M', a->b.x - size * (HEAD * x - HEAD_HALF * y), a->b.y - size * (HEAD * y + HEAD_HALF * x));
	put_point(out, 'L', a->b.x, a->b.y);
	put_point(out, 'L', a->b.x - size * (HEAD * x + HEAD_HALF * y), a->b.y - size * (HEAD * y - HEAD_HALF * x));
	fputs("'/>", out);
	places_add(p->sheet.places, &(struct box){ { a->b.x - HEAD * x / 2, a->b.y - HEAD * y / 2 }, HEAD, HEAD + 1, x, y });
}

static void put_cross(const struct page *p, const struct arrow *a)
{
	FILE *out = p->sheet.out;

	fputs("<path class='cross' d='", out);
	put_point(out, 'M', a->b.x - CROSS, a->b.y - CROSS);
	put_point(out, 'L', a->b.x + CROSS, a->b.y + CROSS);
	put_point(out, 'M', a->b.x + CROSS, a->b.y - CROSS);
	put_point(out, 'L', a->b.x - CROSS, a->b.y + CROSS);
	fputs("'/>", out);
	places_add(p->sheet.places, &(struct box){ a->b, 2 * CROSS + 1, 2 * CROSS + 1, 1, 0 });
}

/* --- What the pointer reads --- */

static void put_fate(FILE *out, const struct message *m, const struct copy *c)
{
	char at[32], way[32];

	time_text(at, sizeof at, c->at);
	time_span_text(way, sizeof way, c->at - m->sent);
	if (c->fate == UNDER_WAY)
		fputs("; on its way when the trace ends", out);
	else if (c->fate == DELIVERED)
		fprintf(out, "; arrived %s ms, after %s%s", at, way, c->corrupt ? ", changed" : "");
	else
		fprintf(out, "; lost %s ms: ", at);
	if (c->fate == LOST)
		svg_text(out, c->why, strlen(c->why));
}

static void put_lines(FILE *out, const char *text, size_t most)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		putc('\n', out);
		svg_text(out, text, len < most ? len : most);
	}
}

static void put_hover(const struct page *p, const struct message *m)
{
	FILE *out = p->sheet.out;
	char at[32];

	time_text(at, sizeof at, m->sent);
	fputs("<title>", out);
	svg_text(out, m->src, m->src_len);
	fputs(" \xe2\x86\x92 ", out);
	svg_text(out, m->dest, m->dest_len);
	fprintf(out, " #%ju: sent %s ms", (uintmax_t)m->seq, at);
	for (unsigned i = 0; i < m->copies; i++)
		if (i == 0 || m->copy[i].fate != UNDER_WAY)
			put_fate(out, m, &m->copy[i]);
	put_lines(out, m->hover, HOVER_BYTES);
	if (m->damage)
		fputs("\narrived as:", out);
	if (m->damage)
		put_lines(out, m->damage, HOVER_BYTES / 2);
	fputs("</title>", out);
}

/* --- Labels --- */

/* The best free place of a text along the line, or false. */
static bool find_place(const struct page *p, const struct text *t, const struct arrow *a, struct box *best)
{
	struct point d = { a->b.x - a->a.x, a->b.y - a->a.y };
	double length = hypot(d.x, d.y), half = text_width(t) / 2, lowest = 1e9;
	const double aside = t->size / 2 + 3;

	if (length < 2 * half + 18)
		return false;
	for (int i = 0; i < 34; i++) {
		double share = 0.5 + (i / 2 % 2 ? 1 : -1) * 0.03 * (i / 2 + 1) / 2 * 2, side = i % 2 ? 1 : -1, cost;
		struct box b;

		if (share * length < half + 7 || (1 - share) * length < half + 11)
			continue;
		b = text_box_along(t, (struct point){ a->a.x + share * d.x - side * aside * d.y / length,
						      a->a.y + share * d.y + side * aside * d.x / length }, d);
		if (!places_are_free(p->sheet.places, &b))
			continue;
		unsigned under = places_lines_under(p->sheet.places, &b);

		cost = 2.0 * under + fabs(share - 0.5) * 3;
		if (under <= LINES_UNDER_MAX && cost < lowest) {
			lowest = cost;
			*best = b;
		}
	}
	return lowest < 1e9;
}

/* A stub is short: its label is behind the cross, or above, or below. */
static bool find_place_of_stub(const struct page *p, const struct text *t, const struct arrow *a, struct box *best)
{
	double side = a->b.x < a->a.x ? -1 : 1, half = text_width(t) / 2, x = a->b.x + side * (half + CROSS + 3);
	const struct point beside[] = {
		{ x, a->b.y + 1 }, { (a->a.x + a->b.x) / 2, a->a.y - 6 }, { a->b.x, a->b.y + 13 }, { x, a->b.y - 8 }, { x, a->b.y + 10 },
	}, across[] = {
		{ a->b.x, a->b.y + 12 }, { a->b.x + half + 8, a->b.y }, { a->b.x - half - 8, a->b.y },
		{ a->b.x + half + 8, a->a.y }, { a->b.x, a->b.y - 12 },
	};
	unsigned fewest = LINES_UNDER_MAX + 1;

	for (int i = 0; i < 5; i++) {
		struct box b = text_box(t, p->sheet.across ? across[i] : beside[i]);
		unsigned under = places_lines_under(p->sheet.places, &b);

		if (under < fewest && places_are_free(p->sheet.places, &b)) {
			fewest = under;
			*best = b;
		}
	}
	return fewest <= LINES_UNDER_MAX;
}

static bool put_label(struct page *p, const char *text, const char *class, const struct arrow *a)
{
	struct text t = text_of_string(text, LABEL_SIZE, class);
	struct box b;

	if (!(a->stub ? find_place_of_stub : find_place)(p, &t, a, &b))
		return false;
	sheet_text(&p->sheet, &t, &b);
	return true;
}

static void label(struct page *p, const struct message *m, const struct arrow *a)
{
	char text[TYPE_BYTES + 32], class[16];

	snprintf(class, sizeof class, "t t%u", m->family);
	if (m->body.entries && !strcmp(m->body.type, "append_entries")) {
		snprintf(text, sizeof text, "%s +%ju", m->body.type, (uintmax_t)m->body.entries);
		if (put_label(p, text, class, a))
			return;
	}
	put_label(p, m->body.type, class, a);
}

bool page_folds(const struct page *p, const struct message *m)
{
	uint64_t until = m->copy[0].fate == UNDER_WAY ? p->end : m->copy[0].at;
	size_t i = timeline_stretch(&p->time, m->sent);

	if (m->copies > 1 && m->copy[1].at > until)
		until = m->copy[1].at;
	if (m->sent == p->time.stretch[i].to && i + 1 < p->time.n)
		i++;
	return m->plain && p->time.stretch[i].broken && until <= p->time.stretch[i].to;
}

void draw_messages(struct page *p)
{
	const struct spacetime *s = p->s;
	struct arrow a;

	for (size_t i = 0; i < s->messages; i++) {
		const struct message *m = s->message[i];

		if (page_folds(p, m))
			continue;
		fprintf(p->sheet.out, "<g class='k%u'>", m->family);
		put_hover(p, m);
		for (unsigned k = 0; k < m->copies; k++) {
			if (!arrow_of(p, m, &m->copy[k], &a))
				continue;
			put_line(p, &a, m, &m->copy[k]);
			if (a.head)
				put_head(p, &a, m);
			if (a.cross)
				put_cross(p, &a);
			places_add_line(p->sheet.places, a.a, a.b);
		}
		fputs("</g>\n", p->sheet.out);
	}
	for (size_t i = 0; i < s->messages; i++)
		if (!s->message[i]->plain && arrow_of(p, s->message[i], &s->message[i]->copy[0], &a) && !a.to_self)
			label(p, s->message[i], &a);
}

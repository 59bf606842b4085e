/* spacetime_sheet: see spacetime_sheet.h */
#include "lib/draw/spacetime_sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/draw/svg.h"

enum { EDGE_PX = 4 };           /* that stay free around all texts */

void sheet_open(struct sheet *s, FILE *out, bool across, struct point origin, struct point size)
{
	*s = (struct sheet){ .out = out, .across = across, .origin = origin, .size = size };
	s->texts = open_memstream(&s->text_bytes, &s->text_len);
	if (!s->texts)
		die(EXIT_SYSTEM, "out of memory");
	s->places = places_new(across);
}

void sheet_close(struct sheet *s)
{
	if (fclose(s->texts))
		die(EXIT_SYSTEM, "out of memory");
	fwrite(s->text_bytes, 1, s->text_len, s->out);
	free(s->text_bytes);
	places_free(s->places);
}

struct point sheet_point(const struct sheet *s, double u, double v)
{
	return s->across ? (struct point){ s->origin.x + v, s->origin.y + u } : (struct point){ s->origin.x + u, s->origin.y + v };
}

void sheet_move(struct sheet *s, char command, double u, double v)
{
	struct point p = sheet_point(s, u, v);

	fprintf(s->out, "%c%s %s", command, svg_num(p.x).s, svg_num(p.y).s);
}

void sheet_rect(struct sheet *s, const char *class, double u0, double u1, double v0, double v1)
{
	struct point a = sheet_point(s, u0, v0), b = sheet_point(s, u1, v1);

	fprintf(s->out, "<rect class='%s' x='%s' y='%s' width='%s' height='%s'/>\n", class, svg_num(a.x).s, svg_num(a.y).s,
		svg_num(fmax(b.x - a.x, 0)).s, svg_num(fmax(b.y - a.y, 0)).s);
}

/* --- Texts --- */

struct text text_of_string(const char *s, double size, const char *class)
{
	return (struct text){ .s = s, .len = strlen(s), .size = size, .class = class };
}

/* What is cut has 3 em at least. */
static double most_of(const struct text *t)
{
	return fmax(t->most, 3 * t->size + 1);
}

double text_width(const struct text *t)
{
	double width = svg_width(t->s, t->len) * t->size / 100;

	return t->most > 0 ? fmin(width, most_of(t)) : width;
}

struct point text_centre(const struct text *t, struct point at)
{
	if (t->anchor != ANCHOR_MIDDLE)
		at.x += (t->anchor == ANCHOR_START ? 1 : -1) * text_width(t) / 2;
	return at;
}

struct box text_box(const struct text *t, struct point centre)
{
	return (struct box){ centre, text_width(t), t->size, 1, 0 };
}

struct box text_box_along(const struct text *t, struct point centre, struct point direction)
{
	double length = hypot(direction.x, direction.y), turn = direction.x < 0 ? -1 : 1;
	struct box b = text_box(t, centre);

	if (length > 0) {
		b.cos = turn * direction.x / length;
		b.sin = turn * direction.y / length;
	}
	return b;
}

void sheet_text(struct sheet *s, const struct text *t, const struct box *b)
{
	static const char *const anchors[] = { "middle", "start", "end" };
	double angle = atan2(b->sin, b->cos) * 180 / M_PI;

	places_add(s->places, b);
	fprintf(s->texts, "<text class='%s' font-size='%s' text-anchor='%s' transform='translate(%s %s)", t->class,
		svg_num(t->size).s, anchors[t->anchor], svg_num(b->centre.x).s, svg_num(b->centre.y).s);
	if (fabs(angle) >= 0.005)
		fprintf(s->texts, " rotate(%s)", svg_num(angle).s);
	if (t->anchor != ANCHOR_MIDDLE)
		fprintf(s->texts, "' x='%s", svg_num((t->anchor == ANCHOR_START ? -1 : 1) * b->width / 2).s);
	fprintf(s->texts, "' y='%s'>", svg_num(0.36 * t->size).s);
	if (t->most > 0)
		svg_text_within(s->texts, t->s, t->len, (unsigned)(most_of(t) * 100 / t->size), 0);
	else
		svg_text(s->texts, t->s, t->len);
	fputs("</text>\n", s->texts);
}

/* The centre of what is so long and has to be within `size`. */
static double within(double centre, double length, double size)
{
	return fmax(fmin(centre, size - length / 2 - EDGE_PX), length / 2 + EDGE_PX);
}

bool sheet_text_somewhere(struct sheet *s, const struct text *t, const struct point *centres, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct box b = text_box(t, centres[i]);

		b.centre.x = within(b.centre.x, b.width, s->size.x);
		b.centre.y = within(b.centre.y, b.height, s->size.y);
		if (places_are_free(s->places, &b)) {
			sheet_text(s, t, &b);
			return true;
		}
	}
	return false;
}

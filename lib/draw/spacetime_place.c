/*
 * spacetime_place: which places are taken, by texts, by heads of arrows and by crosses.
 *
 * Boxes are kept in strips along time, each in all strips it touches.  Two boxes lie on each other unless a line parts
 * them that is parallel to a side of one of the two.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_sheet.h"

enum { STRIP_PX = 48 };

struct line { struct point a, b; };
struct entry { bool is_line; struct box box; struct line line; };
struct strip { size_t *entry; size_t n, room; };

struct places {
	bool across;
	struct entry *entry;
	size_t n, room;
	struct strip *strip;
	size_t strips;
};

struct places *places_new(bool across)
{
	struct places *p = must_calloc(1, sizeof *p);

	p->across = across;
	return p;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->strips; i++)
		free(p->strip[i].entry);
	free(p->strip);
	free(p->entry);
	free(p);
}

static size_t strip_at(double v)
{
	return v > 0 ? (size_t)(v / STRIP_PX) : 0;
}

static void grow_strips(struct places *p, size_t to)
{
	size_t strips = p->strips ? p->strips : 64;

	if (to < p->strips)
		return;
	while (strips <= to)
		strips *= 2;
	p->strip = must_realloc(p->strip, strips * sizeof *p->strip);
	for (size_t i = p->strips; i < strips; i++)
		p->strip[i] = (struct strip){ NULL, 0, 0 };
	p->strips = strips;
}

static void add(struct places *p, const struct entry *e, double v0, double v1)
{
	size_t to = strip_at(v1);

	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 256;
		p->entry = must_realloc(p->entry, p->room * sizeof *p->entry);
	}
	p->entry[p->n] = *e;
	grow_strips(p, to);
	for (size_t i = strip_at(v0); i <= to; i++) {
		struct strip *s = &p->strip[i];

		if (s->n == s->room) {
			s->room = s->room ? 2 * s->room : 8;
			s->entry = must_realloc(s->entry, s->room * sizeof *s->entry);
		}
		s->entry[s->n++] = p->n;
	}
	p->n++;
}

/* How far a box reaches from its centre along time. */
static double reach(const struct places *p, const struct box *b)
{
	return p->across ? (fabs(b->width * b->cos) + fabs(b->height * b->sin)) / 2
			 : (fabs(b->width * b->sin) + fabs(b->height * b->cos)) / 2;
}

static double v_of(const struct places *p, struct point a)
{
	return p->across ? a.x : a.y;
}

void places_add(struct places *p, const struct box *b)
{
	double v = v_of(p, b->centre), r = reach(p, b);

	add(p, &(struct entry){ .box = *b }, v - r, v + r);
}

void places_add_line(struct places *p, struct point a, struct point b)
{
	double v0 = v_of(p, a), v1 = v_of(p, b);

	add(p, &(struct entry){ .is_line = true, .line = { a, b } }, v0 < v1 ? v0 : v1, v0 < v1 ? v1 : v0);
}

/* Half of what a box covers on an axis. */
static double half_on(const struct box *b, double cos, double sin)
{
	return (b->width * fabs(b->cos * cos + b->sin * sin) + b->height * fabs(b->cos * sin - b->sin * cos)) / 2;
}

static bool parted_on(const struct box *a, const struct box *b, double cos, double sin)
{
	double apart = fabs((b->centre.x - a->centre.x) * cos + (b->centre.y - a->centre.y) * sin);

	return apart >= half_on(a, cos, sin) + half_on(b, cos, sin);
}

static bool boxes_meet(const struct box *a, const struct box *b)
{
	return !parted_on(a, b, a->cos, a->sin) && !parted_on(a, b, -a->sin, a->cos) && !parted_on(a, b, b->cos, b->sin) &&
	       !parted_on(a, b, -b->sin, b->cos);
}

/* Clips the line to the box, in the box's own directions. */
static bool line_meets(const struct line *l, const struct box *b)
{
	double lo = 0, hi = 1;

	for (int axis = 0; axis < 2; axis++) {
		double c = axis ? -b->sin : b->cos, s = axis ? b->cos : b->sin, half = (axis ? b->height : b->width) / 2;
		double at = (l->a.x - b->centre.x) * c + (l->a.y - b->centre.y) * s;
		double step = (l->b.x - l->a.x) * c + (l->b.y - l->a.y) * s;
		double t0, t1;

		if (fabs(step) < 1e-9) {
			if (fabs(at) >= half)
				return false;
			continue;
		}
		t0 = (-half - at) / step;
		t1 = (half - at) / step;
		lo = fmax(lo, fmin(t0, t1));
		hi = fmin(hi, fmax(t0, t1));
	}
	return lo < hi;
}

bool places_are_free(const struct places *p, const struct box *b)
{
	double v = v_of(p, b->centre), r = reach(p, b);

	for (size_t i = strip_at(v - r); i <= strip_at(v + r) && i < p->strips; i++)
		for (size_t k = 0; k < p->strip[i].n; k++) {
			const struct entry *e = &p->entry[p->strip[i].entry[k]];

			if (!e->is_line && boxes_meet(&e->box, b))
				return false;
		}
	return true;
}

unsigned places_lines_under(const struct places *p, const struct box *b)
{
	double v = v_of(p, b->centre), r = reach(p, b);
	unsigned n = 0;

	/* A line in two of the strips counts twice: it lies under more of the text. */
	for (size_t i = strip_at(v - r); i <= strip_at(v + r) && i < p->strips; i++)
		for (size_t k = 0; k < p->strip[i].n; k++) {
			const struct entry *e = &p->entry[p->strip[i].entry[k]];

			n += e->is_line && line_meets(&e->line, b);
		}
	return n;
}

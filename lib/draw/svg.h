/*
 * svg: numbers, text and arcs as an SVG file wants them, the same in every
 * locale and from every compiler.
 *
 * Output errors are the stream's: the caller looks at it when all is written.
 */
#ifndef DRAW_SVG_H
#define DRAW_SVG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A number as text, for one %s: `svg_num(x).s` lives as long as the expression. */
struct svg_num {
	char s[32];
};

struct svg_num svg_num(double x);                       /* at most two decimals, "12.5" */
struct svg_num svg_fixed(double x, unsigned decimals);  /* exactly so many, at most 6 */
struct svg_num svg_percent(double share);               /* of three digits or so: "16.7 %" */

/*
 * Text content (no attribute), escaped.  Bytes may be anything: what is no UTF-8, or what XML
 * or a line of text cannot hold (controls, marks of direction), becomes U+FFFD.
 */
void svg_text(FILE *, const char *s, size_t len);

/* How wide it is, in hundredths of an em of a broad sans-serif (DejaVu Sans; others are narrower). */
unsigned svg_width(const char *s, size_t len);

/*
 * The same in at most that width (300 or more): what is too long loses its middle
 * to an ellipsis, or, where byte `keep` would go with it, what is around that.
 */
void svg_text_within(FILE *, const char *s, size_t len, unsigned width, size_t keep);

/*
 * Path data of an arc around the origin, clockwise from the top; `from` and
 * `to` are in turns, from < to <= from + 1.
 */
void svg_arc(FILE *, double radius, double from, double to);

#endif

/*
 * spacetime_sheet: what is written on: places for texts so that none lies on another, lines and marks by the two
 * coordinates of spacetime_inside.h, texts by their centre.
 */
#ifndef DRAW_SPACETIME_SHEET_H
#define DRAW_SPACETIME_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct point { double x, y; };

/* A rectangle, turned by an angle whose cosine and sine are given. */
struct box { struct point centre; double width, height, cos, sin; };

enum { LABEL_SIZE = 10, TICK_SIZE = 11, NAME_SIZE = 13 };

struct sheet {
	FILE *out;              /* lines and areas */
	FILE *texts;            /* they come last */
	char *text_bytes;
	size_t text_len;
	bool across;
	struct point origin;    /* of u and v */
	struct point size;      /* of all of it */
	struct places *places;
};

void sheet_open(struct sheet *, FILE *, bool across, struct point origin, struct point size);
/* Writes the texts too. */
void sheet_close(struct sheet *);

struct point sheet_point(const struct sheet *, double u, double v);
void sheet_move(struct sheet *, char command, double u, double v);      /* M or L and a point, in path data */
void sheet_rect(struct sheet *, const char *class, double u0, double u1, double v0, double v1);

/* --- Places (spacetime_place.c) --- */

struct places *places_new(bool across);
void places_free(struct places *);
void places_add(struct places *, const struct box *);
bool places_are_free(const struct places *, const struct box *);
/* A line that a text would rather not lie on. */
void places_add_line(struct places *, struct point, struct point);
unsigned places_lines_under(const struct places *, const struct box *);

/* --- Texts --- */

enum anchor { ANCHOR_MIDDLE, ANCHOR_START, ANCHOR_END };        /* what of a box a narrower font keeps in place */
struct text {
	const char *s;
	size_t len;
	double size;
	const char *class;
	enum anchor anchor;
	double most;            /* wider ones are cut; 0: none */
};
struct text text_of_string(const char *s, double size, const char *class);
double text_width(const struct text *);
/* Where it begins, ends or is centred at (x, y), as its anchor says: the centre. */
struct point text_centre(const struct text *, struct point);
/* Its box around a point; `along`: turned into the direction of this vector, never upside down. */
struct box text_box(const struct text *, struct point centre);
struct box text_box_along(const struct text *, struct point centre, struct point direction);
/* Takes the place and writes it; the caller has asked whether it is free, or is sure. */
void sheet_text(struct sheet *, const struct text *, const struct box *);
/* At the first of these points where there is room, or so far beside it that all of the text is on the sheet. */
bool sheet_text_somewhere(struct sheet *, const struct text *, const struct point *centres, size_t n);

#endif

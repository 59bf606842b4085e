/*
 * picture: inside lib/draw, what a picture of a circle says, before it is drawn:
 * a row for each node and the runs of the circle.
 */
#ifndef DRAW_PICTURE_H
#define DRAW_PICTURE_H

#include "lib/draw/circle.h"

enum {
	RUNS_MAX = 720,                 /* more arcs than these are sampled, a place in each 720th */
	LENS_RUNS_MAX = 48,
	TICKS_MAX = 192,                /* more points than these are not marked one by one */

	TEXT_SIZE = 13, SMALL_TEXT = 11,
};

enum when { WAS, IS };

/* A node of either fleet; [WAS] is all zeros without a plan. */
struct row {
	const struct ring_node *node;
	uint16_t telling;               /* the byte where its name differs from the most similar one */
	bool in[2];
	uint32_t weight[2];
	double share[2], ideal[2];      /* of the hash space, 0 .. 1 */
};

/* Places of the circle with one old and one new owner. */
struct run {
	double from, to;                /* in turns */
	uint32_t row[2];
};

struct runs {
	struct run at[RUNS_MAX];
	uint32_t n;
};

struct picture {
	const struct draw_circle *of;
	const struct draw_fleet *fleet[2];      /* [WAS] is [IS] where there is no plan */
	struct row *row;                        /* the new nodes in their order, then those that are gone */
	uint32_t rows;
	uint32_t *was_row;                      /* old position -> row */
	bool plan;
	bool circle;                            /* else shares are the expected ones and there are no runs */
	bool weighted;                          /* weights differ */

	double max, min;                        /* of share / ideal now */
	uint32_t worst;
	uint32_t live[2];                       /* nodes with weight */

	double moved, excess;                   /* counted on `samples` places */
	double moved_ideal;
	uint32_t samples;

	bool table;                             /* the circle is one of slots, not of hashes */
	bool sampled;                           /* the runs are */
	struct runs runs;
	struct runs lens;                       /* exact, of a window where `runs` are sampled */
	unsigned lens_bits;                     /* it is 1 / 2^bits of the circle */
	double tick[TICKS_MAX];                 /* points, in turns */
	uint32_t ticks;
};

/* RING_OK or RING_ENOMEM; picture_release in either case. */
__attribute__((warn_unused_result))
int picture_init(struct picture *, const struct draw_circle *);
void picture_release(struct picture *);

/* share / ideal at that time; 0 where nothing is due. */
double picture_ratio(const struct row *, enum when);

/* runs.c: fills what the picture has of the circle. */
void picture_scan(struct picture *);
/* The rows that own each of n places, of the circle or (no circle) of hashes; n <= 256. */
void picture_owners(const struct picture *, enum when, const uint64_t *place, size_t n, uint32_t *row);
/* The i-th of 2^bits places, one drawn at random from each part of the circle. */
uint64_t picture_place(uint32_t i, unsigned bits);

/* colour.c */
struct colour {
	char s[8];
};
struct colour colour_of(uint32_t row);          /* of a node */
struct colour colour_pale(uint32_t row);        /* the same in the background */
struct colour colour_on(uint32_t row);          /* of text on it */
enum { COLOURS = 36 };                          /* then they repeat */

/* donut.c: the ring around the origin; radius at most DONUT_RADIUS with all its marks */
enum { DONUT_RADIUS = 196 };
void donut_draw(FILE *, const struct picture *);

/* lens.c: the magnified window, its corner at the origin */
enum { LENS_HEIGHT = 78 };
void lens_draw(FILE *, const struct picture *);

/* piece.c: neighbouring runs of one owner, of which all or none move */
struct piece {
	double from, to;                /* in turns */
	uint32_t row;
	bool moved;
};
struct pieces {
	struct piece at[RUNS_MAX];
	uint32_t n;
};
void pieces_of(const struct runs *, enum when, struct pieces *);
/* What the pointer reads on a piece. */
void piece_title(FILE *, const struct picture *, enum when, const struct piece *);
/* What moves is in full colour, what stays is pale. */
struct colour piece_colour(const struct picture *, const struct piece *);
/* The node's name around (x, y), on a chip of its colour where the ground is hatched. */
void piece_label(FILE *, const struct picture *, enum when, const struct piece *, double x, double y);
double piece_label_width(const struct picture *, const struct piece *);

/* bars.c */
struct bars;
struct size {
	double width, height;
};
__attribute__((warn_unused_result))
int bars_new(struct bars **, const struct picture *);
struct size bars_size(const struct bars *);
void bars_draw(FILE *, const struct bars *);     /* its corner at the origin */
void bars_free(struct bars *);

/* histogram.c: in so much width, its corner at the origin */
enum { HISTOGRAM_GAP = 28, HISTOGRAM_HEIGHT = 176 };
void histogram_draw(FILE *, const struct picture *, double width);

#endif

/*
 * circle: the picture of a fleet's hash circle as SVG, `hashring --draw`.
 *
 * A donut in which each node's arcs have its colour, beside a list of bars:
 * share of the hash space, with a tick at the ideal.  With a plan, two rings,
 * the old inside and the new outside, and what moves is hatched.  What follows
 * from no circle (hrw, jump, anchor) gets the bars alone, which say so.
 *
 * The picture is a function of the arguments: the same bytes on every machine.
 */
#ifndef DRAW_CIRCLE_H
#define DRAW_CIRCLE_H

#include <stdio.h>

#include "lib/ring/ring.h"

struct draw_fleet {
	const struct ring *ring;
	const struct ring_node *nodes;  /* those the ring was made of */
	uint32_t n;
};

struct draw_circle {
	struct draw_fleet is;
	const struct draw_fleet *was;   /* a plan from this; NULL: none */
	const uint32_t *kept;           /* position in `was` -> in `is`, or RING_NONE; with `was` alone */
	const char *caption;            /* the first line; any bytes */
};

/*
 * Writes the whole file.  All arguments are the caller's and nothing is kept.
 * RING_OK, or RING_ENOMEM, and then nothing has been written.  Failed writes
 * are left to ferror(out).
 */
__attribute__((warn_unused_result))
int draw_circle(FILE *out, const struct draw_circle *);

#endif

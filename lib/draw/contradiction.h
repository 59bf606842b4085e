/*
 * contradiction: operations that cannot all be, as bars along the lines of a history, a row a process; what was before what as
 * arrows, and one sentence why.
 */
#ifndef DRAW_CONTRADICTION_H
#define DRAW_CONTRADICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CONTRADICTION_BARS_MAX = 64,
	CONTRADICTION_ARROWS_MAX = 256,
	CONTRADICTION_LINES_MAX = 8,    /* of a bar's words that are shown */
};
#define CONTRADICTION_OPEN UINT64_MAX

enum contradiction_part {
	PART_WORST,                     /* what the sentence is about */
	PART_MEMBER,
	PART_CONTEXT,                   /* was there at the same time, and does not matter */
};

struct contradiction_bar {
	const char *process, *words;    /* any bytes, but that a newline parts lines; the caller's */
	uint64_t from, to;              /* lines; to CONTRADICTION_OPEN where it has no end */
	enum contradiction_part part;
	unsigned colour;                /* of what it wrote or saw: the same for the same, 0 for none */
	unsigned from_colour;           /* of what it found before it changed it; 0: nothing of the kind */
};

struct contradiction_arrow {
	uint32_t from, to;              /* bars */
	const char *label;              /* NULL: it only was before */
};

struct contradiction {
	const char *title, *sentence;
	struct contradiction_bar bar[CONTRADICTION_BARS_MAX];
	uint32_t bars;
	struct contradiction_arrow arrow[CONTRADICTION_ARROWS_MAX];
	uint32_t arrows;
	uint64_t left_out;              /* members that are not drawn */
};

/* As SVG.  Output errors are the stream's. */
void contradiction_draw(FILE *, const struct contradiction *);

#endif

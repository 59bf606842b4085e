/* contradiction_place: inside the picture of a contradiction, where bars stand. */
#ifndef DRAW_CONTRADICTION_PLACE_H
#define DRAW_CONTRADICTION_PLACE_H

#include "lib/draw/contradiction.h"

enum {
	WORD_SIZE = 12, WORD_LINE = 16, BAR_PAD = 9, BAR_PAD_Y = 6,
	ROW_GAP = 30, ROW_GAP_NAMES = 46,       /* the latter where arrows have names */
	COLUMN_MIN = 34,                /* from one event to the next */
	WORDS_MAX = 250,                /* more of a bar's words are cut */
};

struct place {
	double x0, x1;
	uint32_t row;
};

struct layout {
	struct place bar[CONTRADICTION_BARS_MAX];
	struct row {
		const char *process;
		uint64_t from;          /* of its first bar: the order of the rows */
		double y, height;       /* of its bars */
	} row[CONTRADICTION_BARS_MAX];
	uint32_t rows;
	double width, height;
	struct gap {                    /* lines that are not shown, between two events */
		double x;
		uint64_t lines;
	} gap[2 * CONTRADICTION_BARS_MAX];
	uint32_t gaps;
};

/* From x = 0 and y = 0 on. */
void layout_init(struct layout *, const struct contradiction *);

/* The next line of a bar's words at *p, which moves on; NULL at the end, or where the most are shown. */
const char *bar_line(const char **p, unsigned nth, size_t *len);

#endif

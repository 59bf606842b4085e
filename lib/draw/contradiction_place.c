/*
 * Every begin and end of a bar is an event, and every event has a column of its own in the order of lines, wide enough for the
 * words of the bars that span it: so what was before what can be seen, however far apart it was.
 */
#include "lib/draw/contradiction_place.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/draw/svg.h"

enum { EVENTS_MAX = 2 * CONTRADICTION_BARS_MAX };

struct columns {
	uint64_t line[EVENTS_MAX];      /* of each event */
	double width[EVENTS_MAX];       /* from it to the next; of the last, to the end of what is open */
	uint32_t n;
};

const char *bar_line(const char **p, unsigned nth, size_t *len)
{
	const char *line = *p;

	if (!*line || nth == CONTRADICTION_LINES_MAX)
		return NULL;
	*len = strcspn(line, "\n");
	*p = line + *len + (line[*len] == '\n');
	return line;
}

static double words_width(const struct contradiction_bar *b)
{
	const char *p = b->words, *line;
	unsigned widest = 0, n = 0;
	size_t len;

	while ((line = bar_line(&p, n++, &len))) {
		unsigned width = svg_width(line, len);

		widest = width > widest ? width : widest;
	}
	return fmin(WORDS_MAX, widest * (b->part == PART_WORST ? 1.12 : 1.02) * WORD_SIZE / 100) + 2 * BAR_PAD;
}

static double words_height(const struct contradiction_bar *b)
{
	const char *p = b->words;
	unsigned n = 0;
	size_t len;

	while (bar_line(&p, n, &len))
		n++;
	return (n + !n) * (double)WORD_LINE + 2 * BAR_PAD_Y;
}

static int line_order(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void find_events(struct columns *c, const struct contradiction *picture)
{
	c->n = 0;
	for (uint32_t i = 0; i < picture->bars; i++) {
		c->line[c->n++] = picture->bar[i].from;
		if (picture->bar[i].to != CONTRADICTION_OPEN)
			c->line[c->n++] = picture->bar[i].to;
	}
	qsort(c->line, c->n, sizeof(c->line[0]), line_order);
	for (uint32_t i = 0; i < c->n; i++)
		c->width[i] = COLUMN_MIN;
}

/* The event's column; what is open ends behind the last. */
static uint32_t column_of(const struct columns *c, uint64_t line)
{
	uint32_t i = 0;

	while (i < c->n && c->line[i] < line)
		i++;
	return i;
}

/* Wide enough for the bar, each of its columns as much as the others. */
static void widen(struct columns *c, const struct contradiction_bar *b)
{
	uint32_t from = column_of(c, b->from), to = column_of(c, b->to);
	double there = 0, wanted = words_width(b);

	for (uint32_t i = from; i < to; i++)
		there += c->width[i];
	for (uint32_t i = from; i < to && there < wanted; i++)
		c->width[i] += (wanted - there) / (to - from);
}

static double x_of(const struct columns *c, uint64_t line)
{
	uint32_t end = column_of(c, line);
	double x = 0;

	for (uint32_t i = 0; i < end; i++)
		x += c->width[i];
	return x;
}

static uint32_t row_of(const struct layout *l, const char *process)
{
	uint32_t i = 0;

	while (i < l->rows && strcmp(l->row[i].process, process) != 0)
		i++;
	return i;
}

static int row_order(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;

	return (a->from > b->from) - (a->from < b->from);
}

static void find_rows(struct layout *l, const struct contradiction *picture)
{
	for (uint32_t i = 0; i < picture->bars; i++) {
		const struct contradiction_bar *b = &picture->bar[i];
		struct row *row = &l->row[row_of(l, b->process)];

		if (row == &l->row[l->rows])
			l->row[l->rows++] = (struct row){ .process = b->process, .from = b->from };
		row->from = b->from < row->from ? b->from : row->from;
		row->height = fmax(row->height, words_height(b));
	}
	qsort(l->row, l->rows, sizeof(l->row[0]), row_order);
	for (uint32_t i = 0; i < l->rows; i++) {
		l->row[i].y = l->height;
		l->height += l->row[i].height + (picture->arrows && picture->arrow[0].label ? ROW_GAP_NAMES : ROW_GAP);
	}
}

static void find_gaps(struct layout *l, const struct columns *c)
{
	double x = 0;

	for (uint32_t i = 0; i + 1 < c->n; i++) {
		if (c->line[i + 1] > c->line[i] + 1)
			l->gap[l->gaps++] = (struct gap){ .x = x + c->width[i] / 2, .lines = c->line[i + 1] - c->line[i] - 1 };
		x += c->width[i];
	}
}

void layout_init(struct layout *l, const struct contradiction *picture)
{
	struct columns c;

	assert(picture->bars <= CONTRADICTION_BARS_MAX);
	*l = (struct layout){ .rows = 0 };
	find_events(&c, picture);
	/* Short ones first: what they need the longer ones have, too. */
	for (uint32_t span = 1; span <= c.n; span++)
		for (uint32_t i = 0; i < picture->bars; i++)
			if (column_of(&c, picture->bar[i].to) - column_of(&c, picture->bar[i].from) == span)
				widen(&c, &picture->bar[i]);
	find_rows(l, picture);
	for (uint32_t i = 0; i < picture->bars; i++) {
		const struct contradiction_bar *b = &picture->bar[i];

		l->bar[i] = (struct place){ .x0 = x_of(&c, b->from), .x1 = x_of(&c, b->to), .row = row_of(l, b->process) };
		l->width = fmax(l->width, l->bar[i].x1);
	}
	find_gaps(l, &c);
}

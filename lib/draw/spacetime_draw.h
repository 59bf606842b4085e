/* spacetime_draw: inside the picture of a trace, the page being drawn and its parts. */
#ifndef DRAW_SPACETIME_DRAW_H
#define DRAW_SPACETIME_DRAW_H

#include "lib/draw/spacetime_inside.h"
#include "lib/draw/spacetime_sheet.h"
#include "lib/draw/spacetime_time.h"

enum { BRACKETS_MAX = 12 };             /* of a client, beside each other */

/* What the legend explains: what there is in the picture. */
enum sign {
	SIGN_DELIVERED, SIGN_ANSWER, SIGN_LOST, SIGN_DUPLICATED, SIGN_CORRUPTED, SIGN_HEARTBEAT, SIGN_LEADS, SIGN_CRASH,
	SIGN_PAUSED, SIGN_CUT, SIGN_ALONE, SIGN_LINK, SIGN_OPERATION, SIGN_BREAK, SIGNS,
};

struct page {
	struct spacetime *s;
	const struct span **wide;       /* the spans that make a lifeline wider */
	size_t wides;
	struct sheet sheet;
	struct timeline time;
	uint64_t from, end;
	double pitch;                   /* from one lifeline to the next */
	double u_end, v_end;            /* of the lines' field, from 0 */
	bool sign[SIGNS];
	uint64_t unstacked;             /* clients' requests without a bracket, as there was no room for one */
};

void page_find_wide(struct page *);
/* A lifeline's half width at that time: messages begin and end beside it. */
double page_edge(const struct page *, int lane, uint64_t at);
/* Is it so long that the names stand at both ends? */
bool page_names_again(const struct page *);
/* Is the message inside a shortened stretch, not drawn and only counted? */
bool page_folds(const struct page *, const struct message *);

/* spacetime_lines.c */
/* Which brackets are beside each other; makes the page wider where its last line has many. */
void stack_operations(struct page *);
void draw_bands(struct page *);
void draw_lives(struct page *);
void draw_marks(struct page *);         /* crashes and starts, who leads, what clients ask */

/* spacetime_arrow.c */
void draw_messages(struct page *);

/* spacetime_axis.c: time, and the processes' names */
void draw_axis(struct page *);
void draw_names(struct page *);

/* spacetime_legend.c */
void legend_find(struct page *);
/* Draws it from y on (out NULL: only measures); returns its height. */
double legend_draw(struct page *, FILE *out, double x, double y, double width);

#endif

/*
 * spacetime_time: time as a length: linear, at one scale for the whole picture, but for stretches in which nothing
 * happens, which are shortened and marked.
 *
 * The scale is chosen so that the moments that matter are apart: of a run of ten seconds in which bursts of messages take
 * a millisecond, the bursts are drawn and the rest is breaks.
 */
#ifndef DRAW_SPACETIME_TIME_H
#define DRAW_SPACETIME_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BREAK_PX = 34 };         /* a shortened stretch */

struct moments { uint64_t *at; size_t n, room; };
void moments_add(struct moments *, uint64_t at);
void moments_release(struct moments *);

struct stretch {
	uint64_t from, to;
	double v0, v1;
	bool broken;
};

struct timeline {
	struct stretch *stretch;
	size_t n;
	double scale;           /* px a ns, where it is linear */
	double length;
};

/* The moments that have to be apart, in any order (sorted in place); linear: without breaks.  from < to. */
void timeline_init(struct timeline *, struct moments *, uint64_t from, uint64_t to, bool linear);
void timeline_release(struct timeline *);
/* Where a time stands; clamped. */
double timeline_v(const struct timeline *, uint64_t at);
/* The stretch a time is in; of two that meet there, the earlier. */
size_t timeline_stretch(const struct timeline *, uint64_t at);

/* Round times along it, at least `apart` px from each other, one at least in a stretch that has room; false at the end. */
struct tick { uint64_t at; double v; char label[32]; };
struct ticks { const struct timeline *t; size_t stretch; uint64_t step, next; bool begun; double last_v; double apart; };
void ticks_init(struct ticks *, const struct timeline *, double apart);
bool ticks_next(struct ticks *, struct tick *);
/* "48 ms", "1.5 s" */
void time_span_text(char *out, size_t room, uint64_t ns);
/* Milliseconds with as many decimals as it has, at most 6. */
void time_text(char *out, size_t room, uint64_t ns);

#endif

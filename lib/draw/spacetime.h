/*
 * spacetime: a trace as a picture: a line a process, time along it, messages between the lines; or as text, a line
 * an event.
 *
 * The picture is a function of the arguments: the same bytes on every machine.  Memory that runs out ends the
 * process (must_malloc): events_max bounds what is kept.
 */
#ifndef DRAW_SPACETIME_H
#define DRAW_SPACETIME_H

#include "lib/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	SPACETIME_LANES_MAX = 64,       /* lines drawn */
	SPACETIME_CLIENTS_MAX = 6,      /* of them clients', where none are named; the others share one more */
	SPACETIME_EVENTS_DEFAULT = 2000,
	SPACETIME_COLUMNS = 100, SPACETIME_COLUMNS_MIN = 60, SPACETIME_COLUMNS_MAX = 4000,
	SPACETIME_FLIGHTS_MAX = 1 << 20,        /* messages on their way that are known at once; further ones have no type */
};

/* All is the caller's, and is kept until spacetime_free. */
struct spacetime_options {
	uint64_t from_ns, to_ns;        /* what is shown; to_ns UINT64_MAX: to the end */
	const char *nodes;              /* names or globs with '*', parted by commas, in that order; NULL: all */
	/*
	 * Of messages' bodies, parted by commas: names or globs, or "heartbeats"; with '!' in front, all but these;
	 * NULL: all.
	 */
	const char *types;
	const char *title;              /* NULL: the header's command */
	bool across;                    /* time from left to right, else down */
	bool linear;                    /* no stretch of time is shortened */
	bool no_clients;
	uint64_t events_max;            /* messages and faults that are drawn, those that come first; 0: the default */
	unsigned columns;               /* of text; 0: SPACETIME_COLUMNS */
	bool colour;                    /* of text */
};

/* --- The picture --- */

struct spacetime;
struct spacetime *spacetime_new(const struct spacetime_options *);
/* The next event, the header first. */
void spacetime_add(struct spacetime *, const struct trace_event *);
/* The trace stopped at this line, in the midst of it: said in the caption. */
void spacetime_torn(struct spacetime *, uint64_t line);
/* The first of options.nodes that no process of the trace is meant by, *len bytes; NULL: none. */
const char *spacetime_nobody(const struct spacetime *, size_t *len);
/* One clause on what the limit left out, into out; false: nothing. */
bool spacetime_excess(const struct spacetime *, char *out, size_t room);
/* The whole SVG, once, after the last event.  Failed writes are left to ferror. */
void spacetime_svg(struct spacetime *, FILE *);
void spacetime_free(struct spacetime *);

/* --- The text --- */

struct spacetime_text;
struct spacetime_text *spacetime_text_new(const struct spacetime_options *);
/* Writes a line, or none where the options leave the event out. */
void spacetime_text_add(struct spacetime_text *, const struct trace_event *, FILE *);
void spacetime_text_free(struct spacetime_text *);

#endif

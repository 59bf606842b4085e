/*
 * spacetime_inside: what the files of the picture of a trace share: what it shows, before it is drawn, and where
 * things stand when it is.
 *
 * Places have two coordinates: `u` across the lines of the processes, `v` along time.  Down: x is u, y is v;
 * across: the other way round.  Only spacetime_pen.c knows which.
 */
#ifndef DRAW_SPACETIME_INSIDE_H
#define DRAW_SPACETIME_INSIDE_H

#include "lib/base/buf.h"
#include "lib/draw/spacetime.h"

enum {
	TYPE_BYTES = 48, BRIEF_BYTES = 160, WHY_BYTES = 16, OPERATION_BYTES = 48, HOVER_BYTES = 1500,
	FAMILIES = 8,                   /* colours of types */
	BAND_LABEL_BYTES = 96,
	LANE_NONE = -1,
};

/* --- A message's body (spacetime_body.c) --- */

/* What the picture wants to know of a message, whatever its protocol; of none of them more than this is known. */
struct body {
	char type[TYPE_BYTES];
	char brief[BRIEF_BYTES];        /* what it says, as "term=2 prev=4/2 entries=1" */
	char operation[OPERATION_BYTES];        /* of a client's request: "write x 1" */
	char result[OPERATION_BYTES];   /* of an answer: "ok", "7", "error 20" */
	char reign[OPERATION_BYTES];    /* "term 2" or "ballot 2.n1"; empty: none */
	uint64_t term;                  /* or the ballot's round */
	char holder[WIRE_NAME_BYTES_MAX + 1];   /* leader_id, candidate_id or the ballot's node */
	uint64_t entries, msg_id, in_reply_to;
	bool has_msg_id, is_reply, pre_vote, refused, has_entries;
	uint64_t upto;                  /* of a "chosen" */
	bool has_upto;
};
/* Bytes may be anything; what is no message has the type "?". */
void body_read(struct body *, struct wire_text message);
/* The JSON as a person reads it, members of the first two levels on lines of their own; cut at HOVER_BYTES. */
void body_pretty(struct buf *, struct wire_text json);

/* Does it only say "I lead": no entries, or no new slot? `last_upto` is the link's, and kept. */
bool body_idle_lead(const struct body *, uint64_t *last_upto);

/* --- What is chosen (spacetime_choose.c) --- */

bool glob_is(const char *pattern, size_t pattern_len, const char *s, size_t len);
/* The list's first item that fits, from 0, or -1. */
int list_find(const char *list, const char *s, size_t len);
/* The i-th item of a list; false: there is none. */
bool list_item(const char *list, size_t i, const char **item, size_t *len);
bool types_show(const char *types, const char *type, bool heartbeat);
/* Are heartbeats asked for by name? */
bool types_want_heartbeats(const char *types);

/* --- Messages on their way (spacetime_flight.c) --- */

enum fate { UNDER_WAY, DELIVERED, LOST };

struct copy {
	uint64_t at;
	enum fate fate;
	bool corrupt;
	char why[WHY_BYTES];
};

struct message {
	struct body body;
	char *src, *dest;
	size_t src_len, dest_len;
	uint64_t seq, sent;
	int from, to;                   /* lanes, or LANE_NONE */
	struct copy copy[2];
	unsigned copies;
	bool heartbeat;                 /* leads on and says nothing else, or answers that */
	bool plain;                     /* a heartbeat that may be folded away */
	bool kept;                      /* by the picture, which frees it */
	uint8_t family;
	char *hover;                    /* what the pointer reads; NULL for text */
	char *damage;                   /* what arrived in its place */
	struct message *next;           /* in the table */
};

struct flights;
struct flights *flights_new(void);
void flights_free(struct flights *);
/* A new one, in the table; NULL where it is full or it is there already. */
struct message *flights_add(struct flights *, const struct trace_event *);
struct message *flights_find(const struct flights *, const struct trace_event *);
/* Takes it out when no copy is under way any more, and frees it unless it is kept. */
void flights_settle(struct flights *, struct message *);
void message_free(struct message *);
/* What was delivered or dropped, duplicated, corrupted; the copy, or NULL. */
struct copy *message_fate(struct message *, const struct trace_event *);
/* Is it a heartbeat?  Remembers what was on the link before. */
bool flights_heartbeat(struct flights *, struct message *);
/* Was it lost, and the one before it on its link was not? */
bool flights_first_loss(struct flights *, const struct message *, bool lost);

/* --- The model (spacetime.c, spacetime_lives.c) --- */

enum lane_kind { LANE_NODE, LANE_CLIENT, LANE_OTHERS };

struct lane {
	char *name;
	size_t name_len;
	enum lane_kind kind;
	int order;                      /* of options.nodes */
	int rank;                       /* from the left, or the top */
	double u;
	/* as the trace goes on */
	int life, lead;                 /* open spans, or -1 */
	uint64_t lead_term;
	bool ended;                     /* has died and not started again */
};

enum span_kind {
	SPAN_LIFE, SPAN_LEAD, SPAN_PAUSE, SPAN_SKEW,
	SPAN_CUT,                       /* a node of a partition; group */
	SPAN_LINK, SPAN_ALONE,          /* isolated */
	SPAN_FAULT,                     /* lane LANE_NONE: a fault's label, from its first lane to its last */
	SPAN_OPERATION,
};

struct span {
	enum span_kind kind;
	int lane, lane_to;
	uint64_t from, to;              /* to UINT64_MAX: open */
	uint64_t id;                    /* of the fault; of an operation its msg_id */
	unsigned group;                 /* of a partition; of operations at once, which, when they are drawn */
	char label[BAND_LABEL_BYTES];
};

enum mark_kind { MARK_START, MARK_DEATH };
struct mark { enum mark_kind kind; int lane; uint64_t at; char label[OPERATION_BYTES]; };

struct counts { uint64_t sent, delivered, lost, duplicated, corrupted; };

struct spacetime {
	struct spacetime_options o;
	uint64_t seed;
	bool lockstep, has_end;
	uint64_t torn_line;
	char *command;
	struct lane lane[SPACETIME_LANES_MAX];
	int lanes;
	struct names *names;
	uint64_t lanes_left_out, clients;
	bool *item_found;               /* of options.nodes */
	size_t items;
	struct flights *flights;
	struct message **message;
	size_t messages, message_room;
	struct span *span;
	size_t spans, span_room;
	struct mark *mark;
	size_t marks, mark_room;
	uint64_t last_at, end;          /* of the trace so far; of what is shown */
	uint64_t drawn, excess;         /* events */
	bool full;
	uint64_t full_at;
	struct counts shown, all;
	uint64_t hidden;                /* messages left out by the options */
	uint64_t of_net;
	char family[FAMILIES][TYPE_BYTES];
	unsigned families;
	struct timeline *timeline;
};

/* A new one, valid until the next is made. */
struct span *spacetime_span(struct spacetime *, enum span_kind, int lane, uint64_t from);
void spacetime_mark(struct spacetime *, enum mark_kind, int lane, uint64_t at, const char *label);
/* Where the picture's time ends, as far as is known. */
uint64_t spacetime_end(const struct spacetime *);
/* Is there room for one more event in the picture?  Counts it, as drawn or as left out. */
bool spacetime_takes(struct spacetime *, uint64_t at);

/* spacetime_names.c */
struct names *names_new(void);
void names_free(struct names *);
void names_node(struct spacetime *, struct wire_text);
/* The lane of a process, or LANE_NONE; and the same, made where there is none yet and one is to be seen. */
int names_lane(struct spacetime *, struct wire_text);
int names_lane_made(struct spacetime *, struct wire_text);
bool names_shown(struct spacetime *, struct wire_text);
/* Has it a place of its own: a node, the network, a client with a line? */
bool names_known(struct spacetime *, struct wire_text);

/* spacetime_lives.c: what an event says of the processes, of faults and of who leads */
void lives_event(struct spacetime *, const struct trace_event *);
void lives_sent(struct spacetime *, const struct message *);
void lives_delivered(struct spacetime *, const struct message *, uint64_t at);
/* At the end: the lives that no event told of. */
void lives_close(struct spacetime *);

/* spacetime_fault.c: a fault in a few words, at its band; and as an order, "crash n1" */
void fault_label(char *out, size_t room, const struct fault_order *);
void fault_words(char *out, size_t room, const struct fault_order *);

#endif

/*
 * traffic: messages under way on a faulty network: each gets its fate when it is sent, waits until its time, and is
 * handed over in the order of (time, number).  Faults begin and end beside them.
 *
 * No descriptors, no clock, no processes: whoever runs it (lib/net in real time, lib/lockstep in virtual time) says
 * what time it is, never an earlier one than before.  So it is a function of its seed and of what it is called with.
 *
 * Invariant: a message that was sent is told of in the trace and in the counts just once more for each copy:
 * delivered or dropped.
 */
#ifndef TRAFFIC_TRAFFIC_H
#define TRAFFIC_TRAFFIC_H

#include "lib/fault/fault.h"
#include "lib/trace/trace.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct traffic_options {
	struct fault_options fault;
	bool cut_at_send;                       /* a partition stops what is sent in it; else what would arrive in it */
	struct trace *trace;                    /* or NULL; the caller's */
	const struct trace_replay *replay;      /* or NULL; the caller's */
	size_t bytes_max;                       /* under way at once; more is lost with why "queue"; 0: no bound */
};

/* A further one shares its record, and so its name in the trace, with all that are too many: "?" to "?". */
enum { TRAFFIC_LINKS_MAX = 1 << 20 };

struct traffic;

/* As fault_net_new.  With `replay` its orders are the plan, and settings, nemesis and calm are not looked at. */
__attribute__((warn_unused_result))
struct traffic *traffic_new(const struct traffic_options *, size_t *bad, const char **why);
void traffic_free(struct traffic *);
struct fault_net *traffic_faults(struct traffic *);

/* A link, found once and kept by the caller as long as the traffic is; names are copied. */
struct traffic_link;
struct traffic_link *traffic_link(struct traffic *, const char *from, size_t from_len, const char *to, size_t to_len);

/*
 * What is sent on the link comes from elsewhere and has had its faults there: of those here only partitions are for it.
 * Told of a link whose sender is no node, it changes nothing.
 */
void traffic_link_elsewhere(struct traffic_link *, bool elsewhere);

/* Would a message on any link be passed on at once, with no record kept of it?  Then traffic_send need not be called. */
bool traffic_idle(const struct traffic *);

/*
 * A line (no newline) is sent.  True: it is to be handed over at once by the caller, as it is, and counts as delivered
 * (traffic_undelivered takes that back).  False: it is lost, or waits here.
 */
bool traffic_send(struct traffic *, uint64_t now_ns, struct traffic_link *, const char *line, size_t len);
/* A line that passes no faults, as init: only told in the trace, as delivered. */
void traffic_tell(struct traffic *, uint64_t now_ns, struct traffic_link *, const char *line, size_t len);
/* The line just sent, or just taken, could not be handed over: why is "down", "queue" or "nobody". */
void traffic_undelivered(struct traffic *, uint64_t now_ns, struct traffic_link *, const char *why);

/* The run ends: what is under way is told in the trace as dropped, "asleep", and is gone. */
void traffic_end(struct traffic *, uint64_t now_ns);

/* When the next message arrives; FAULT_NEVER. */
uint64_t traffic_next(const struct traffic *);

struct traffic_message {
	struct traffic_link *link;
	struct wire_text from, to;
	const char *line;               /* with a newline at line[len] */
	size_t len;
	void *of;                       /* of the link: see traffic_link_of */
};
/* The next one that has arrived by now_ns; false: none.  Its text is valid until the next call of any function here. */
bool traffic_take(struct traffic *, uint64_t now_ns, struct traffic_message *);
/* How many are under way; of them, those from or to a client; the bytes of all. */
size_t traffic_under_way(const struct traffic *);
size_t traffic_clients_under_way(const struct traffic *);
size_t traffic_bytes_under_way(const struct traffic *);

/*
 * The trace of the options or NULL, with all told in it that has happened so far: whoever writes an event of his own
 * asks for it each time, as the delivery told last waits to be taken back by traffic_undelivered.
 */
struct trace *traffic_trace(struct traffic *);

/* A pointer of the caller's, kept with a link, NULL at first: where its messages go. */

void **traffic_link_of(struct traffic_link *);

/*
 * Faults: the orders carried out are traced, and handed on for what is to be done to processes.  The results are as
 * fault_net_order, fault_net_advance and fault_net_deadline have them.
 */
const char *traffic_order(struct traffic *, uint64_t now_ns, const struct fault_order *, struct fault_out *);
void traffic_advance(struct traffic *, uint64_t now_ns, struct fault_out *);
uint64_t traffic_deadline(const struct traffic *);

struct traffic_counts {
	uint64_t sent, delivered, duplicated, corrupted;
	uint64_t dropped[FAULT_WHYS];   /* by the model */
	uint64_t overflowed;            /* dropped as too much was under way */
	uint64_t undelivered;
};
void traffic_counts(const struct traffic *, struct traffic_counts *);

#endif

/*
 * fault: the faulty network as a model: what happens to each message and when faults begin and end, from a seed.
 *
 * Pure: no clock, no I/O, no JSON, no libm; the same draws on every machine.  Times are nanoseconds since the
 * run began.
 *
 * Every draw is a function of (seed, purpose, from, to, n) alone, where n is the message's number on its link
 * (or a count of the purpose's own): to add a client, a link or a fault moves no draw of another one.
 * Correlation, bursts and rates hold state of a link and a purpose besides.
 */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FAULT_NODES_MAX = 2048,         /* names that partitions and faults of processes know */
	FAULT_ORDERS_MAX = 1 << 16,     /* planned, and in force */
	FAULT_COPIES_MAX = 2,
	FAULT_LINK_STREAMS = 11,
	FAULT_WHY_BYTES = 160,
};
#define FAULT_NEVER UINT64_MAX
#define FAULT_DELAY_NS_MAX (UINT64_C(86400) * 1000000000)       /* of one message, by distribution: a day */

/* --- Draws --- */

struct fault_stream { uint64_t key; };

/* Names need no NUL; "" where the purpose has no link. */
struct fault_stream fault_stream(uint64_t seed, const char *purpose, const char *from, size_t from_len,
				 const char *to, size_t to_len);
/* Draw n: 64 bits; evenly in [0, 1); evenly in 0 .. bound - 1 (bound > 0). */
uint64_t fault_bits(struct fault_stream, uint64_t n);
double fault_unit(struct fault_stream, uint64_t n);
uint64_t fault_below(struct fault_stream, uint64_t n, uint64_t bound);

/* --- What a link does to messages --- */

/*
 * How often, 0 .. 1; correlation 0 .. 1 is that of netem: each draw is (1 - c) * fresh + c * the one before.  So, as with
 * netem, correlated draws gather about the middle, and fewer than p are below a small p.
 */
struct fault_chance { double p, correlation; };

enum fault_distribution {
	FAULT_CONSTANT,                 /* a */
	FAULT_UNIFORM,                  /* a .. b */
	FAULT_NORMAL,                   /* mean a, standard deviation b; never below 0 */
	FAULT_EXPONENTIAL,              /* mean a */
	FAULT_PARETO,                   /* at least a, with `shape` (> 1) */
};

struct fault_delay {
	enum fault_distribution distribution;
	uint64_t a_ns, b_ns;
	double shape, correlation;
};

/* Gilbert and Elliott's two states: good to bad with p, back with r, a message; lost with `bad` or `good` in them. */
struct fault_burst { double p, r, bad, good; };

/* Which members of fault_settings something sets. */
enum fault_setting {
	FAULT_SET_LOSS = 1, FAULT_SET_BURST = 2, FAULT_SET_DELAY = 4, FAULT_SET_DUPLICATE = 8, FAULT_SET_REORDER = 16,
	FAULT_SET_CORRUPT = 32, FAULT_SET_TRUNCATE = 64, FAULT_SET_RATE = 128, FAULT_SET_ALL = 255,
};

/* All zero: a perfect link. */
struct fault_settings {
	unsigned set;                           /* of enum fault_setting; a member that is not set means nothing */
	struct fault_chance loss, duplicate, reorder, corrupt, truncate;
	struct fault_burst burst;
	struct fault_delay delay;
	uint64_t reorder_ns;                    /* a reordered message waits so much longer at most, evenly drawn */
	uint64_t rate_bits;                     /* a second; 0: no bound */
	uint64_t queue_bytes;                   /* that may wait for the rate; more is lost; 0: no bound */
};

/* Takes over what `over` sets. */
void fault_settings_add(struct fault_settings *, const struct fault_settings *over);
/* Does it nothing to any message? */
bool fault_settings_none(const struct fault_settings *);

enum fault_why { FAULT_PASSES, FAULT_LOSS, FAULT_BURST, FAULT_RATE, FAULT_CUT, FAULT_WHYS };
/* "loss", "burst", "rate", "partition"; NULL for PASSES */
const char *fault_why_text(enum fault_why);

/* A copy of a message: the first has number 1. */
struct fault_copy {
	uint64_t delay_ns;
	uint64_t corrupt;                       /* 0: not; else drawn, for fault_damage */
	uint64_t truncate;                      /* the same */
};

struct fault_fate {
	enum fault_why why;                     /* not PASSES: lost, and the rest says nothing */
	unsigned copies;
	struct fault_copy copy[FAULT_COPIES_MAX];
};

/* A link between two names, one way: what is remembered from message to message. */
struct fault_link {
	uint64_t messages;                      /* so far: the number of the last one, from 1 */
	uint64_t free_ns;                       /* when the rate has let go all that came so far */
	bool bad;                               /* of a burst */
	double last[8];                         /* of correlated draws, by purpose */
	struct fault_stream stream[FAULT_LINK_STREAMS];         /* by purpose: message n's draw is n of each */
};

void fault_link_init(struct fault_link *, uint64_t seed, const char *from, size_t from_len, const char *to, size_t to_len);

/*
 * The next message on the link, `bytes` long with its newline, sent at now_ns.  Counts it.
 *
 * Its draws are made whatever befalls it.  A lost message does not take up the rate; a second copy does, behind the
 * first, and where the queue has no room for it there is none.  Delay and reordering are each copy's own, and come after the rate.
 */
void fault_fate(struct fault_link *, const struct fault_settings *, uint64_t now_ns, size_t bytes, struct fault_fate *);

/*
 * Corrupts and truncates a line of `len` bytes (no newline) in place as its copy says; returns the new length.  It
 * stays one line: no newline is made; and something of it does change, if it has a byte.
 */
size_t fault_damage(const struct fault_copy *, char *line, size_t len);

/* --- Faults of the whole: orders, and when they begin and end --- */

enum fault_kind {
	FAULT_ORDER_LINK,               /* sets members of links */
	FAULT_ORDER_PARTITION,
	FAULT_ORDER_ISOLATE,            /* each of `nodes` is cut off from all others */
	FAULT_ORDER_HEAL,               /* ends partitions, isolations and link orders, or the one with that id */
	FAULT_ORDER_CRASH, FAULT_ORDER_RESTART, FAULT_ORDER_PAUSE, FAULT_ORDER_RESUME,
	FAULT_ORDER_SKEW,               /* a clock runs ahead by an offset, and `drift` times as fast */
	FAULT_ORDER_CALM,               /* ends everything: heal, resume, restart, skew 0, the options' settings; no nemesis after it */
	FAULT_ORDERS,
};

/* Partitions by their shape; all but GROUPS are drawn from the seed, over the nodes. */
enum fault_shape {
	FAULT_GROUPS,                   /* as `nodes` says */
	FAULT_HALVES,                   /* two, as even as can be */
	FAULT_MAJORITY,                 /* a random majority, and the rest; of two nodes one */
	FAULT_MINORITY_THIRD,           /* less than a third is cut off; of two or three nodes one */
	FAULT_ONE,                      /* one node, and the rest */
	FAULT_RING,                     /* every node sees a majority, and no two the same one: `nodes` is the ring, a node sees
					   its neighbours on both sides; below 4 nodes that is all of them.  one_way:
					   it hears those that follow it, from 3 nodes on */
	FAULT_BRIDGE,                   /* two halves that only one node sees both of: "half|one|half" */
	FAULT_SHAPES,
};

/* Text is owned by the order, NUL-terminated. */
struct fault_order {
	enum fault_kind kind;
	uint64_t at_ns;                 /* of a plan; else ignored */
	uint64_t for_ns;                /* ends by itself so much later; 0: does not */
	uint64_t id;                    /* 0: none yet; carried-out faults have one; HEAL: which to end, 0 all; ends: what ended */
	/*
	 * Names parted by ',', groups of them by '|': "n1,n2|n3".  "*": all nodes that the order does not name otherwise;
	 * "?": one of those drawn at random; "?2": two.  No name stands twice.
	 * LINK: `nodes` is a pattern "FROM>TO": names, or globs with '*' that match nodes alone, or "client", which is
	 * any name that is no node's; "A<>B": both ways.  An exact name is a node's, or one of fault_options.clients.
	 * PARTITION: the groups are cut off from each other; nodes in none hear everybody and are heard.  A single group:
	 * it against all the rest.  With a shape other than GROUPS: empty, to be drawn; or what was drawn.
	 */
	char *nodes;
	enum fault_shape shape;
	bool one_way;                   /* PARTITION: the first group is not heard by the others, but hears them; ISOLATE: not heard */
	size_t line;                    /* of a plan's file, from 1: for whoever read it; 0: none */
	bool ends;                      /* told of by fault_out alone: it ends what an earlier order began, by its own time */
	bool permanent;                 /* LINK: of the options (--link): in force from the beginning and never told of; no time
					   ends it, and heal does not; calm does */
	struct fault_settings settings; /* LINK */
	int64_t offset_ns;              /* SKEW */
	double drift;                   /* SKEW: 1 is right */
};

void fault_order_release(struct fault_order *);
/* A copy of its own; false where there is no memory. */
__attribute__((warn_unused_result))
bool fault_order_copy(struct fault_order *to, const struct fault_order *from);

/* What the nemesis may do, bits. */
enum fault_nemesis {
	FAULT_NEMESIS_PARTITION = 1,    /* any shape, one-way ones too */
	FAULT_NEMESIS_ISOLATE = 2, FAULT_NEMESIS_ONE_WAY = 4,
	FAULT_NEMESIS_CRASH = 8, FAULT_NEMESIS_PAUSE = 16, FAULT_NEMESIS_SKEW = 32,
	FAULT_NEMESIS_LOSS = 64,        /* a burst of loss on some links */
	FAULT_NEMESIS_SLOW = 128,       /* long delays on some links */
	FAULT_NEMESIS_CRASH_ALL = 256,  /* all local nodes at once; else it crashes a minority at most, or one */
	FAULT_NEMESIS_ALL = 511,
};

struct fault_options {
	uint64_t seed;
	const char *const *nodes;               /* kept: names, the peers' too */
	size_t node_count;
	size_t local_count;                     /* the first so many have processes here: crash, pause, skew are for them alone */
	const char *const *clients_known;       /* kept: names that LINK may name besides */
	size_t clients_known_count;
	struct fault_settings settings;         /* of all links between nodes */
	bool clients;                           /* ... and between nodes and clients */
	bool open;                              /* a wire, where anybody may speak: globs match those that are no nodes, too */
	const struct fault_order *orders;       /* --link and --plan; copied */
	size_t order_count;
	unsigned nemesis;                       /* bits */
	uint64_t every_ns;                      /* mean time from one of its faults to the next */
	uint64_t heal_after_ns;                 /* a fault that does not say how long it lasts; 0: until it is ended */
	uint64_t calm_ns;                       /* FAULT_ORDER_CALM then, and the plan from then on is left out; FAULT_NEVER: never */
	bool skew;                              /* clocks can be skewed: lockstep */
};

/*
 * What was carried out, in order: copies of the orders with all that was drawn filled in (names for shapes and
 * "?"; an id), at_ns when it was due, and `for_ns` as it is (heal_after_ns where it had none).  So a list of them,
 * carried out at the same times with the ends left out, and without nemesis, heal_after_ns and calm_ns, is the same faults.
 * Those of kinds CRASH to SKEW are for the shell to do to processes, the rest is done.  Valid until the next call.
 *
 * What ends by its time is told of by an order with `ends`: HEAL with its id, or RESTART, RESUME, SKEW of its nodes; where a
 * newer crash, pause or skew of a node took over, the older one no longer ends it.  CALM, and a HEAL that names
 * such a fault, are followed by their ends.  At one time, ends come before beginnings.
 */
struct fault_out { const struct fault_order *orders; size_t count; };

struct fault_net;

/*
 * NULL where there is no memory (*why is NULL), or an order names what is no node or asks for what cannot be: then *bad is
 * its index and *why one clause, valid until the next such failure.
 */
struct fault_net *fault_net_new(const struct fault_options *, size_t *bad, const char **why);
void fault_net_free(struct fault_net *);

/*
 * NULL, or why it cannot be carried out, one clause; nothing is changed then, and *out is empty.  What was due before
 * comes first in *out.  An id of its own, below 2^53, is kept where no fault in force has it.
 */
const char *fault_net_order(struct fault_net *, uint64_t now_ns, const struct fault_order *, struct fault_out *);
/* All that is due up to now_ns: plan, nemesis, ends, calm. */
void fault_net_advance(struct fault_net *, uint64_t now_ns, struct fault_out *);
/* When something is due; FAULT_NEVER. */
uint64_t fault_net_deadline(const struct fault_net *);

/* A node's index, or -1. */
int fault_net_node(const struct fault_net *, const char *name, size_t len);
/* Is what `from` sends kept from `to`?  Indexes; -1, a client, is never cut off. */
bool fault_net_cut(const struct fault_net *, int from, int to);
/* Counts up whenever settings of some link may have changed. */
uint64_t fault_net_version(const struct fault_net *);
/* The settings of a link now; -1 for a client, whose name is given all the same. */
void fault_net_settings(const struct fault_net *, const char *from, size_t from_len, int from_index,
			const char *to, size_t to_len, int to_index, struct fault_settings *);
/* Does nothing happen to any message now: no settings on any link and no cut? */
bool fault_net_quiet(const struct fault_net *);
/* Is all calm: have the options' settings ended, too? */
bool fault_net_calm(const struct fault_net *);
/* Faults in force, in the order they began, with for_ns as what is left of it; the options' own settings are no order. */
void fault_net_in_force(const struct fault_net *, uint64_t now_ns, struct fault_out *);

#endif

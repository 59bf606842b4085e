/* inside: what the parts of the fault module share. */
#ifndef FAULT_INSIDE_H
#define FAULT_INSIDE_H

#include "lib/fault/fault.h"

/* --- draw.c --- */

uint64_t fault_absorb(uint64_t hash, const char *text, size_t len);
double fault_unit_of(uint64_t bits);
uint64_t fault_below_of(uint64_t bits, uint64_t bound);

/* --- number.c: right to some 1e-15 of their value --- */

double fault_log(double x);             /* x > 0 */
double fault_exp(double x);
double fault_sqrt(double x);            /* x >= 0 */
double fault_normal(double p);          /* what the standard normal distribution is below with probability p; 0 < p < 1 */

/* --- text.c --- */

/* A text that grows; once there was no memory it stays `failed`. */
struct fault_text {
	char *at;                       /* NUL-terminated, NULL while nothing was added; the holder's to free */
	size_t len, room;
	bool failed;
};
void fault_text_add(struct fault_text *, const char *, size_t len);

/* A clause of at most FAULT_WHY_BYTES: what is before, the name, what is after. */
const char *fault_clause(char *why, const char *before, const char *name, size_t len, const char *after);

/* --- pattern.c: "A>B" and "A<>B" --- */

struct fault_side {
	const char *at;                 /* in the order's text */
	size_t len;
	enum { FAULT_SIDE_NAME, FAULT_SIDE_GLOB, FAULT_SIDE_CLIENT } kind;
};
struct fault_pattern { struct fault_side from, to; bool both, open; };

/* False: it is no pattern.  Which of its names are right is the net's to say. */
bool fault_pattern_read(struct fault_pattern *, const char *text);
/* Does the star stand for any bytes? */
bool fault_glob(const char *glob, size_t glob_len, const char *name, size_t len);
bool fault_pattern_matches(const struct fault_pattern *, const char *from, size_t from_len, bool from_node,
			   const char *to, size_t to_len, bool to_node);

/* --- due.c: what is due, the earliest first --- */

/*
 * Embedded in what is due.  At one time ends come before what is planned, and else the lower number first.
 */
struct fault_due {
	uint64_t at_ns, number;
	bool planned;
	size_t place;                   /* in the heap */
};
struct fault_heap { struct fault_due **due; size_t count, room; };

__attribute__((warn_unused_result))
bool fault_heap_reserve(struct fault_heap *, size_t more);
void fault_heap_add(struct fault_heap *, struct fault_due *);   /* reserved before */
void fault_heap_remove(struct fault_heap *, struct fault_due *);

/* --- The net --- */

#define FAULT_IDS (UINT64_C(1) << 53)            /* an order's own id is kept below that, as JSON holds it */

/* A fault that goes on. */
struct fault_force {
	struct fault_due due;           /* its end; FAULT_NEVER: in no heap */
	struct fault_order order;       /* nodes: of crash, pause and skew those that no newer one took over */
	struct fault_pattern pattern;   /* LINK */
	struct fault_force *before, *after;
};

/* In the order they began. */
struct fault_forces { struct fault_force *first, *last; size_t count; };

struct fault_planned { struct fault_due due; struct fault_order order; };

/* Faults of processes: which of them a node has. */
enum fault_hold { FAULT_HOLD_CRASH, FAULT_HOLD_PAUSE, FAULT_HOLD_SKEW, FAULT_HOLDS };

/* Orders told of, which stay until the next call. */
struct fault_told { struct fault_order *order; size_t count, room; };

struct fault_nemesis_state {
	struct fault_stream stream;
	unsigned kinds;                 /* bits of those that can be done here; 0: none */
	uint64_t count;                 /* so far */
	uint64_t next_ns;               /* FAULT_NEVER: none */
};

struct fault_net {
	struct fault_options options;   /* `orders` says nothing any more */
	size_t *name_len;               /* of the nodes */
	uint16_t *name_slot;            /* open hash of names: index + 1 */
	size_t name_slots;              /* a power of two */

	uint64_t now_ns;
	uint64_t last_id, numbers;
	struct fault_planned *planned;
	struct fault_heap heap;
	struct fault_forces forces, permanent;
	struct fault_force **hold[FAULT_HOLDS];         /* by node */
	struct fault_nemesis_state nemesis;
	bool calm, calm_done;           /* the options' settings have ended; calm_ns is past */

	struct fault_told told;
	bool handed;                    /* what is told of was seen by the caller */
	struct fault_order *listed;     /* of fault_net_in_force; the texts are others' */
	size_t listed_room;
	struct fault_net *self;         /* a listing is kept by one who may look only */

	/* cut.c: bit TO of row FROM */
	uint64_t *cut;
	size_t words;                   /* of a row */
	bool any_cut, stale_cut;
	size_t cut_forces;
	size_t biting;                  /* link orders in force, the permanent ones too, that do something */
	uint64_t version;

	/* names.c, shapes.c, cut.c: room to work in, of a value a node */
	uint16_t *member, *pool;
	uint16_t *group;
	uint64_t *named, *among;        /* rows */

	struct { struct fault_stream order, plan; uint64_t orders, plans; } draws;      /* of shapes and "?" */
	char why[FAULT_WHY_BYTES];
};

/* --- names.c: the nodes that a text names --- */

/* NULL, or what is wrong with the order, one clause. */
const char *fault_check(struct fault_net *, const struct fault_order *);
/* The names with those drawn filled in, for the caller to free; checked before.  NULL: no memory. */
char *fault_names_drawn(struct fault_net *, const struct fault_order *, struct fault_stream);
/* Fills net->member with a drawn text's nodes and net->group with their groups, 0, 1, ...; their number. */
size_t fault_names_read(struct fault_net *, const char *nodes);
/* The names of `count` of net->pool, parted by commas; NULL: no memory. */
char *fault_names_of_pool(struct fault_net *, size_t count);
/* Takes a name out of the text; is any left? */
bool fault_names_remove(char *nodes, const char *name, size_t len);
/* Some of `of` (first so many nodes) drawn into the first `count` of net->pool. */
void fault_names_pick(struct fault_net *, size_t of, size_t count, struct fault_stream, uint64_t n);

/* --- shapes.c --- */

/* The groups of a partition's shape, drawn over all nodes; NULL: no memory. */
char *fault_shape_drawn(struct fault_net *, const struct fault_order *, struct fault_stream);

/* --- cut.c --- */

void fault_cut_add(struct fault_net *, const struct fault_order *);
/* All anew, of what is in force. */
void fault_cut_rebuild(struct fault_net *);

/* --- force.c: faults begin and end --- */

/* The order as it is drawn (checked); true, or false where there is no memory: nothing is changed then. */
__attribute__((warn_unused_result))
bool fault_carry_out(struct fault_net *, uint64_t at_ns, const struct fault_order *, struct fault_stream);
/* By its time.  False: no memory. */
__attribute__((warn_unused_result))
bool fault_force_ends(struct fault_net *, uint64_t at_ns, struct fault_force *);
void fault_forces_release(struct fault_forces *);
/* A link order of the options.  False: no memory. */
__attribute__((warn_unused_result))
bool fault_force_permanent(struct fault_net *, const struct fault_order *);
/* May no more begin? */
bool fault_full(const struct fault_net *);
struct fault_force *fault_force_find(const struct fault_net *, uint64_t id);

/* --- nemesis.c --- */

void fault_nemesis_init(struct fault_net *);
/* Carries its fault out that is due, and draws when the next one is. */
void fault_nemesis_strike(struct fault_net *);

#endif

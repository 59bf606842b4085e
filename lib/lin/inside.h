/* inside: what the parts of the linearizability checker share. */
#ifndef LIN_INSIDE_H
#define LIN_INSIDE_H

#include "lib/lin/lin.h"

/* --- memory.c: all that is allocated, counted --- */

struct lin_memory { size_t max, now, peak; };   /* max 0: no limit */

/* An array of so many elements in place of one of `had`; NULL: no memory, and the old one stays. */
__attribute__((warn_unused_result))
void *lin_memory_array(struct lin_memory *, void *old, size_t had, size_t count, size_t each);
void lin_memory_free(struct lin_memory *, void *, size_t count, size_t each);

/* Room for one more in an array that grows by halves.  False: no memory, nothing changed. */
#define LIN_ROOM(memory, array, count, room) \
	((count) < (room) || lin_memory_more((memory), &(array), &(room), sizeof(*(array))))
/* array: where the pointer to it is. */
__attribute__((warn_unused_result))
bool lin_memory_more(struct lin_memory *, void *array, uint32_t *room, size_t each);

/* What is begun is done, even if it costs more than is left. */
static inline void lin_spend(uint64_t *steps, uint64_t cost)
{
	*steps -= cost < *steps ? cost : *steps;
}

/* --- sort.c --- */

/* The key of an item is the uint64_t so many strides from there. */
struct lin_by { const void *keys; size_t stride; };
/* The lower keys first; spare has room for as many. */
void lin_sort(const struct lin_by *, uint32_t *items, uint32_t *spare, uint32_t count);

/* --- plan.c: the operations as the ways to decide want them --- */

/*
 * Values are numbered anew, from 0 without gaps.  A written value that nothing sees is like any other such: all of them are
 * one, ANONYMOUS.  NOWHERE is the value of what cannot have been seen; FORGOTTEN is a state that nothing is to see any more.
 */
enum { LIN_ANONYMOUS = 1, LIN_NOWHERE = 2, LIN_FORGOTTEN = 3, LIN_VALUES_OWN = 4 };

enum lin_role {
	LIN_IDLE,                       /* cannot matter: a read of unknown outcome */
	LIN_SEES,                       /* the state is `value`, and stays */
	LIN_SEES_OTHER,                 /* it is neither missing nor `from`, and stays */
	LIN_WRITES,                     /* it becomes `value` */
	LIN_SWAPS,                      /* it is `from`, or missing if `create`, and becomes `value` */
	LIN_DELETES,                    /* it is not missing, and becomes so */
	LIN_OFFERS,                     /* it may become `value`, again and again */
};

struct lin_deed {
	uint64_t returned;              /* when it had happened at the latest (plan.c); LIN_NEVER */
	uint32_t value, from;
	uint32_t place;                 /* of one that may have happened: its pool; else the slot of the search that it is in */
	uint8_t role;
	bool maybe;                     /* of unknown outcome: it need not happen, and can always */
	bool create;
};

/* Operations that may have happened and are alike: it matters only how many of them did. */
struct lin_pool {
	uint32_t value, from;
	uint32_t first, count;          /* in pool_ops */
	uint32_t next;                  /* pool that swaps the same value; of others, that swaps none */
	uint32_t next_creating;         /* and of those that create */
	uint32_t next_leaving;          /* and of those that leave the same value */
	uint8_t role;
	bool create;
};

struct lin_value {
	uint64_t seen;                  /* something that must have happened had seen it by then; LIN_NEVER */
	uint64_t written;               /* the first call of what writes it; LIN_NEVER */
	uint64_t offered, lasting;      /* the same with swaps that leave what is there; and of what never returns */
	uint32_t offerer;               /* one of those */
	uint32_t writers, writer;       /* how many write it, and one of them */
	uint32_t demands;               /* where what must see or swap it begins in plan.demands; the next value's is the end */
	uint32_t shunners;              /* how many saw another value */
	uint32_t swapping, leaving;     /* the first of the pools that swap it, and that leave it; LIN_NO_POOL */
	bool swapped;                   /* something swaps it, or may */
	bool perhaps_swapped;           /* something may, or may have found no key instead */
};

struct lin_values {                     /* values as the caller has them, numbered from LIN_VALUES_OWN */
	uint32_t *slot, slots;          /* an open hash of them: its index + 1 */
	uint32_t *name, count, room;
};

struct lin_plan {
	const struct lin_op *ops;
	uint32_t count;
	struct lin_memory *memory;
	const bool *outside;            /* by operation: it offers what it writes; then no conclusions are drawn.  NULL: none */
	int stage;
	struct lin_deed *deeds;         /* by operation */
	uint32_t *calls, calls_count;   /* operations that matter, by their call */
	uint32_t *returns, returns_count;       /* and those that must have happened, by their return */
	struct lin_value *value;        /* by value, and one more */
	uint32_t values;
	uint32_t *demands;              /* value after value, by their call */
	uint64_t impossible;            /* by that return something is seen that nobody can have written yet; else LIN_NEVER */
	struct lin_pool *pools;
	uint32_t pools_count, pools_room;
	uint32_t *pool_ops, pool_ops_count;     /* pool after pool, by their call */
	uint32_t plain, creating;       /* the first of the pools that swap nothing, and of those that create; LIN_NO_POOL */
	/* While it is made. */
	struct lin_values names;
	uint32_t *spare;                /* count, and one or two more */
	uint32_t *pool_slot, pool_slots;        /* an open hash of them: their index + 1; kept */
};

/* False: no memory. */
__attribute__((warn_unused_result))
bool lin_values_add(struct lin_values *, struct lin_memory *, uint32_t value);
uint32_t lin_values_number(const struct lin_values *, uint32_t value);  /* LIN_ANONYMOUS if it was not added */
void lin_values_release(struct lin_values *, struct lin_memory *);

/* Does it leave a value, if what it saw does not matter? */
bool lin_offers(const struct lin_op *, uint32_t *value);
#define LIN_NO_POOL UINT32_MAX
/* The pool of those that are alike, if there is one. */
uint32_t lin_plan_pool(const struct lin_plan *, const struct lin_deed *);

/* A write that is the only one of its value, which nothing swaps. */
static inline bool lin_plan_lone(const struct lin_plan *p, const struct lin_deed *d)
{
	return d->role == LIN_WRITES && p->value[d->value].writers == 1 && !p->value[d->value].swapped && !p->outside;
}

/* Does one pass over the operations.  AGAIN; YES: the plan is made; NO_MEMORY. */
enum lin_state lin_plan_go(struct lin_plan *, uint64_t *steps);
void lin_plan_release(struct lin_plan *);

/* --- order.c --- */

struct lin_order { uint32_t *ops, count; size_t room; };

/* Where an operation goes: after how many changes of the state; and if it is `last`, after all others that go there. */
struct lin_place { uint32_t op, after; bool last; };

/* Those that go to one place come in the order given; false: no memory. */
__attribute__((warn_unused_result))
bool lin_order_make(struct lin_order *, struct lin_memory *, const uint32_t *changes, uint32_t changes_count,
		    const struct lin_place *, uint32_t count);
void lin_order_release(struct lin_order *, struct lin_memory *);

/* --- unique.c: where each value that is seen is written once --- */

/*
 * A chain is what must follow one after the other with nothing in between: a write, the reads of its value, the swap of
 * that, and so on.  Each can be told by its first operation; that of what saw nothing in the beginning has none.
 */
#define LIN_NO_OP UINT32_MAX
struct lin_chain {
	uint64_t returned, called;      /* the least return and the greatest call in it */
	uint64_t at;                    /* when it is: from then on, if it lasts */
	uint32_t first;                 /* LIN_NO_OP: the one from the beginning */
};

/* An operation of a chain; the change of the state that it is or sees, and how far along the chain that is. */
struct lin_link { uint32_t op, change, step; };

struct lin_unique {
	const struct lin_plan *plan;
	struct lin_memory *memory;
	int stage;
	uint32_t *swap;                 /* by value: what swaps it, or LIN_NO_OP */
	struct lin_chain *chains;
	uint32_t chains_count, chains_room;
	uint32_t *sorted, sorted_room;  /* chains, and as many spare */
	struct lin_link least, greatest;        /* of the chain gone along last */
	bool deletes, others;           /* something surely deletes; something saw another value */
	bool want_order;
	/* Those that contradict, at the latest by that return. */
	uint32_t *seeds, seeds_count, seeds_room;
	uint64_t by;
	/* unique_order.c: the changes of the state, in order, and by number from 1: */
	uint32_t *changes, changes_count;
	uint64_t *latest;               /* the greatest call of it and of all that comes before it */
	uint64_t *earliest;             /* the least return of it and of all that comes after it */
	size_t room;
	struct lin_order order;
};

enum lin_unique_state { LIN_UNIQUE_AGAIN, LIN_UNIQUE_YES, LIN_UNIQUE_NO, LIN_UNIQUE_NOT, LIN_UNIQUE_NO_MEMORY };

void lin_unique_init(struct lin_unique *, const struct lin_plan *, bool want_order);
void lin_unique_release(struct lin_unique *);
/* Does one pass.  NOT: it has to be searched. */
enum lin_unique_state lin_unique_go(struct lin_unique *, uint64_t *steps);

/* What follows an operation in its chain as a change of the state, or LIN_NO_OP. */
uint32_t lin_unique_next(const struct lin_unique *, uint32_t op);
/* The chains in an order that fits, and what saw other values among them. */
enum lin_unique_state lin_unique_order(struct lin_unique *);

/* --- configs.c: sets of configurations --- */

/*
 * A configuration is what one order of the operations until now comes to, as words:
 *
 *     [0]                  the state, and in the upper half the end of its trail
 *     [1 .. w]             settled: a bit for each operation under way: it need not happen any more
 *     [w+1 .. 2w]          used: it cannot happen any more.  A write that is settled but not used is free: it can have happened
 *                          without a trace, and can yet
 *     [2w+1 .. 2w+p]       how many of each pool are spent, in fields with a bit over each that is always 0
 *     [2w+p+1]             how many of all, which is not compared
 *
 * One covers another if what can follow on the other can on it: the same state, at least as much settled, at most
 * as much used and spent (pools.c says more).  A set keeps none that another covers.
 */
#define LIN_GONE UINT32_MAX             /* the state of one that was thrown out of its set */

struct lin_shape {
	uint32_t words, pool_words, stride;
	uint64_t *over;                 /* by pool word: the bits that are always 0 */
	uint64_t *strict;               /* those of them over pools that no other stands in for */
	uint64_t *padded;               /* scratch, of pool words */
	uint32_t *pool_over;            /* by bit that is always 0: its pool */
	struct lin_field { uint32_t word, shift; uint64_t mask; uint32_t stand_in; } *fields;   /* by pool; see pools.c */
	uint32_t *pool_of;              /* by slot, of those alike; LIN_NO_POOL */
	uint64_t *hard;                 /* slots of what is used if it is settled, and equal where one covers another */
};

struct lin_configs {
	const struct lin_shape *shape;
	struct lin_memory *memory;
	uint64_t *at;
	uint32_t count, room, live;     /* count: with those that are gone */
	uint32_t *next, next_room;      /* the one after it in its bucket, from 1 */
	uint32_t *bucket, buckets, buckets_room;
};

static inline uint64_t *lin_config(const struct lin_configs *set, uint32_t i)
{
	return set->at + (size_t)i * set->shape->stride;
}
static inline uint32_t lin_state_of(const uint64_t *config)
{
	return (uint32_t)config[0];
}
static inline uint32_t lin_trail_of(const uint64_t *config)
{
	return (uint32_t)(config[0] >> 32);
}
static inline uint64_t *lin_spent(const struct lin_shape *s, uint64_t *config)
{
	return config + s->stride - 1;
}

/* --- pools.c: what is spent --- */

__attribute__((warn_unused_result))
bool lin_pools_lay_out(struct lin_shape *, const struct lin_plan *, struct lin_memory *);
void lin_pools_release(struct lin_shape *, const struct lin_plan *, struct lin_memory *);
/* Does a have left what b has?  more: a used operations that b did not. */
bool lin_pools_cover(const struct lin_shape *, const uint64_t *a, const uint64_t *b, bool more);

/* --- configs.c, again --- */

enum lin_added { LIN_ADDED, LIN_COVERED, LIN_ADD_FAILED };

void lin_configs_init(struct lin_configs *, const struct lin_shape *, struct lin_memory *);
void lin_configs_release(struct lin_configs *);
void lin_configs_clear(struct lin_configs *);
/* Takes a copy, unless it is covered; throws out what it covers.  Counts looks at others as steps. */
enum lin_added lin_configs_add(struct lin_configs *, const uint64_t *config, uint64_t *steps);

/* --- trail.c: how each configuration came about, and the order that is made of it --- */

/* `op` happened just before `trigger` returned. */
struct lin_mark { uint32_t op, trigger; };

struct lin_trail {
	struct lin_memory *memory;
	struct lin_trail_node { struct lin_mark mark; uint32_t parent, note; } *nodes;
	uint32_t count, room, sweep_at;
	struct lin_mark *marks;         /* what all configurations have come by */
	uint32_t marks_count, marks_room;
};

void lin_trail_init(struct lin_trail *, struct lin_memory *);
void lin_trail_release(struct lin_trail *);
/* The new end, 0: no memory.  Of a configuration that has no past the end is 1. */
__attribute__((warn_unused_result))
uint32_t lin_trail_add(struct lin_trail *, uint32_t end, uint32_t op, uint32_t trigger);
/* Takes back the last that was added. */
void lin_trail_drop(struct lin_trail *);
/* Forgets what no configuration has come by; false: no memory. */
__attribute__((warn_unused_result))
bool lin_trail_sweep(struct lin_trail *, struct lin_configs *, uint64_t *steps);
/* The order of the configuration whose trail ends there, after which the trail is of no more use; false: no memory. */
__attribute__((warn_unused_result))
bool lin_trail_order(struct lin_trail *, const struct lin_plan *, uint32_t end, struct lin_order *);

/* --- search.c: just-in-time linearization --- */

/* What is looked for. */
struct lin_aim {
	bool want_order;
	bool lavish;                    /* what may have happened may do so again and again: then only a no counts */
	uint32_t width;                 /* how many configurations are kept from one return to the next; 0: all */
};

enum lin_search_stage { LIN_NEXT_EVENT, LIN_CARRY, LIN_EXPAND, LIN_SWITCH };

/* By value, sets of slots: */
enum lin_of { LIN_SEEN_BY, LIN_SHUNNED_BY, LIN_SWAPPED_BY, LIN_LEFT_BY, LIN_OFS };

struct lin_search {
	const struct lin_plan *plan;
	struct lin_memory *memory;
	struct lin_aim aim;
	bool cut;                       /* some were left out for the width: a no does not count */
	struct lin_shape shape;
	uint32_t call, ret;             /* the next of each in the plan */
	/* Sets of slots. */
	uint32_t *op_in;                /* the operation of a slot */
	uint64_t *busy;
	uint64_t *writes;               /* of what is not LIN_MISSING, that others can hide */
	uint64_t *deletes, *creates, *others, *clears;
	uint64_t *of_value;             /* lin_of */
	uint64_t *twins;                /* by slot: those alike that return earlier; of slots no more busy, too */
	/* Pools. */
	uint32_t *called;               /* how many of it may have happened by now */
	/* What is to come, by value. */
	struct lin_prospect {
		uint32_t supply;        /* writers to be called */
		uint32_t demand;        /* in plan.demands: the next to be called */
		uint32_t shun;          /* that saw another value, to be called */
	} *prospects;
	uint32_t *offers;               /* by value: how many under way */
	uint32_t *offered, offered_count;       /* the values with any */
	uint64_t *at_hand;              /* slots that see what is there in one of those; of the return being worked on */
	uint64_t doom;                  /* by that return the last died of those that were dropped because they were to die */
	/* The return being worked on. */
	enum lin_search_stage stage;
	uint32_t op, slot, cursor;
	bool sees;                      /* it does not change the state */
	uint64_t *lone;                 /* writes under way that nobody else writes the value of, and nobody swaps */
	struct lin_configs now, mid, then;
	uint64_t *scratch;              /* two configurations */
	struct lin_trail trail;
	struct lin_order order;         /* after YES */
	uint64_t configurations_max;
};

static inline uint64_t *lin_slots_of(const struct lin_search *s, uint32_t value, enum lin_of of)
{
	return s->of_value + ((size_t)value * LIN_OFS + of) * s->shape.words;
}
static inline bool lin_slot_in(const uint64_t *slots, uint32_t slot)
{
	return slots[slot / 64] >> (slot % 64) & 1;
}
static inline void lin_slot_add(uint64_t *slots, uint32_t slot)
{
	slots[slot / 64] |= UINT64_C(1) << (slot % 64);
}
static inline void lin_slot_drop(uint64_t *slots, uint32_t slot)
{
	slots[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}
#define LIN_NO_SLOT UINT32_MAX

/* Slots that see what is there in this state, in word w. */
static inline uint64_t lin_content(const struct lin_search *s, uint32_t state, uint32_t w)
{
	uint64_t slots = lin_slots_of(s, state, LIN_SEEN_BY)[w];

	return state ? slots | (s->others[w] & ~lin_slots_of(s, state, LIN_SHUNNED_BY)[w]) : slots;
}

/* False: no memory. */
__attribute__((warn_unused_result))
bool lin_search_init(struct lin_search *, const struct lin_plan *, const struct lin_aim *);
void lin_search_release(struct lin_search *);
enum lin_state lin_search_run(struct lin_search *, uint64_t *steps);

/* --- narrow.c --- */

/* Nothing more is to come of the return being worked on: there is enough, or too much. */
bool lin_narrow_is_full(const struct lin_search *);
/* Of those that go on to the next return keeps the best. */
void lin_narrow(struct lin_search *);

/* --- expand.c --- */

/* All that see the state do. */
void lin_settle(const struct lin_search *, uint64_t *config);
/* A state that nothing is to see any more is like any other such. */
void lin_forget_state(const struct lin_search *, uint64_t *config);
/* Hands a configuration in which the operation at work is settled on to the next set; false: no memory. */
__attribute__((warn_unused_result))
bool lin_pass_on(struct lin_search *, uint64_t *config, uint64_t *steps);
/* Adds to the sets what can come of the configuration before the operation at work returns; false: no memory. */
__attribute__((warn_unused_result))
bool lin_expand(struct lin_search *, uint32_t mid, uint64_t *steps);

/* --- contradict.c --- */

/*
 * Candidates are the operations up to the culprit.  Those that are `fixed` contradict with the last `high` of them; and not
 * with fewer than the last `low`.
 */
struct lin_contradict {
	const struct lin_plan *whole;
	struct lin_memory *memory;
	bool any_time;                  /* others happen at any time */
	const uint32_t *candidates;     /* in the order of calls */
	uint32_t candidates_count, culprit_at;
	uint32_t *fixed, fixed_count, fixed_room;
	uint32_t low, high, probe, stride;      /* stride 0: halving */
	enum { LIN_PROBE_BEGIN, LIN_PROBE_PLAN, LIN_PROBE_SEARCH } stage;
	uint32_t *earliest;             /* by place in the calls: the place of the first that is still under way then */
	uint64_t *member;               /* bits by operation: in what is probed */
	uint32_t *seen, *offered, round;        /* by value: the last probe that sees it, and to which it was offered */
	/* What is probed: operations with those outside. */
	struct lin_op *ops;
	bool *outside;
	uint32_t count, ops_room, outside_room;
	struct lin_plan plan;
	struct lin_search search;
	uint32_t *set, set_count, set_room;     /* the contradiction */
};

__attribute__((warn_unused_result))
bool lin_contradict_init(struct lin_contradict *, const struct lin_plan *, const uint32_t *candidates, uint32_t count,
			 uint32_t culprit, bool any_time);
void lin_contradict_release(struct lin_contradict *);
/* AGAIN; NO: `set` is the contradiction; NO_MEMORY. */
enum lin_state lin_contradict_run(struct lin_contradict *, uint64_t *steps);

#endif

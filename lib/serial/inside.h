/*
 * inside: what the parts of the checker share.
 *
 *     scan.c        transactions -> keys, values, writes, and what was read of others; what contradicts itself
 *     lists.c       the order of a list's versions, from the longest that was read          -> edges
 *     registers.c   who a read is of, and who must have happened
 *     blocks.c      versions that surely follow each other, and what real time says of them -> edges
 *     choices.c     what is left open                                                       -> literals, clauses
 *     graph.c       edges and real time -> a graph; a first topological order of it
 *     cycle.c       the shortest cycle of the plainest kind
 *     order.c       the order, kept topological while edges come and go (Marchetti-Spaccamela, Nanni and Rohnert, 1996)
 *     clauses.c, solve.c      the search for the open choices: conflict-driven clause learning, modulo acyclicity
 *     shrink.c      a contradiction -> the least one
 *     serial.c      one after the other
 *
 * A checker may be of a part of the transactions only (shrink.c): then reads of what others may have written are dropped, and lists
 * are what is left of them without the others' values.  So a part of what is serializable always is.
 */
#ifndef SERIAL_INSIDE_H
#define SERIAL_INSIDE_H

#include "lib/serial/memory.h"
#include "lib/serial/serial.h"

#include <assert.h>

enum {
	READ_OF_INIT = 0xfffffffe,      /* a read's writer: nobody, the key was missing from the beginning */
	READ_OPEN = 0xfffffffd,         /* one of several */
	READ_DROPPED = 0xfffffffc,      /* somebody outside of the part, or its transaction cannot be */
};

enum life {
	LIFE_UNSEEN,                    /* not certain, and nobody needs it yet */
	LIFE_OPTIONAL,                  /* somebody may have seen it */
	LIFE_CERTAIN,
};

struct key {
	uint32_t number;
	uint32_t first_write, last_write;       /* those that transactions leave; of a list all */
	uint32_t first_read;                    /* of registers */
	uint32_t first_list;
	uint32_t longest;                       /* list, or NONE */
	uint32_t own_first;                     /* write of the transaction that was scanned last */
	uint32_t micros, writes;                /* that write here; that transactions leave */
	bool is_list, is_register;
	bool open;                              /* some read of it has several candidates */
	bool expanded;                          /* all that write here are wanted */
	uint32_t init, init_next;               /* its first block; the version surely next to the beginning; or NONE */
	uint32_t blocks, block_count;           /* in by_start, but init */
	uint32_t endless;                       /* of these, in s->endless: what is not known to have ended */
};

struct value {
	uint32_t key, number;
	uint32_t first_write;
	uint32_t midst;                         /* a transaction that wrote it and then another; or NONE */
	uint32_t micros, writes;                /* that write it; that transactions leave */
	bool expanded;                          /* who left it is wanted */
};

struct write {
	uint32_t txn, key, number;
	uint32_t next_of_key, next_of_value;
	uint32_t index;                         /* of a list: which of this transaction's values there */
	uint32_t place;                         /* in the longest list, from 1; 0: not seen */
	uint32_t next;                          /* of a list: the transaction's next there; of a register: surely the next
						   version; or NONE */
	uint32_t block;
};

/* Of a register, before the transaction wrote it itself. */
struct read {
	uint32_t txn, key, number;
	uint32_t of;                            /* write, or READ_... */
	uint32_t write;                         /* the transaction's own write there, or NONE */
	uint32_t next_of_key, next_of_txn;
	uint32_t first_candidate, candidates;   /* where it is open */
	uint32_t shown;                         /* of them, those that have a variable; later the others */
	uint32_t first_choice, choices, first_more, mores;      /* variables */
	uint32_t more;                          /* variable: it is of one that is not shown; or NONE */
	bool asked;                             /* for these */
	enum serial_kind kind;
};

/* Of a list; the last of its values may be the transaction's own. */
struct list {
	uint32_t txn, key;
	const uint32_t *value;
	uint32_t count, own;                    /* values; how many it had appended itself */
	uint32_t others;                        /* values before those */
	uint32_t append;                        /* the transaction's first write there, or NONE */
	uint32_t next_of_key;
};

/* Versions of a register that surely follow each other at once, and who surely read them. */
struct block {
	uint32_t key, first, last;              /* first NONE: it begins with the missing value of the beginning */
	uint64_t end, start;                    /* the earliest return, the latest call of those in it */
	uint32_t end_txn, start_txn;            /* whose they are */
	uint32_t node;                          /* after the last one and who read it */
};

/* Why, and of which write: of an edge to an auxiliary node, the write is that of a later edge of the path. */
struct edge {
	uint32_t from, to, label;
};

#define LABEL(why, write) ((uint32_t)(why) << 30 | (write))
#define LABEL_WHY(label) ((enum serial_why)((label) >> 30))
#define LABEL_WRITE(label) ((label) & 0x3fffffff)
#define LABEL_NO_WRITE UINT32_C(0x3fffffff)

struct edges {
	struct edge *edge;
	uint32_t count, room;
};

/* Nodes: transactions, then auxiliary ones.  Edges by where they are from. */
struct graph {
	uint32_t nodes, edges;
	uint32_t *start, *to, *label;
	uint32_t *rank, *at;                    /* the topological order, if it is not cyclic; node of a rank */
	bool cyclic;
};

/* An open choice: block a before b, or the other way; read a of write b, or of one not shown; transaction a is absent. */
enum choice_kind { CHOICE_ORDER, CHOICE_READ, CHOICE_MORE, CHOICE_ABSENT };
struct choice {
	uint32_t a, b;
	enum choice_kind kind;
};

struct added {                                  /* an edge that a literal adds */
	uint32_t from, to, literal;
	uint32_t next, next_in;                 /* of the same node's */
};

/* Literals are 2 * variable, + 1 if it is denied. */
#define LITERAL(variable, denied) (2 * (variable) + ((denied) ? 1u : 0u))

struct level {
	uint32_t trail, turn;                   /* where they were when it was begun */
};

struct solver {
	struct choice *choice;
	uint32_t choice_count, choice_room;
	uint32_t room;                          /* of all that is by variable */
	struct lookup pair;                      /* of two blocks -> variable, where it is asked for */
	bool *awake;                            /* by transaction: it matters to the choices */
	uint32_t *absent;                       /* by transaction: variable, or NONE */
	uint32_t *waking, wakes;                /* transactions */

	uint32_t *word;                         /* clauses: length, next of the same watch (two), literals */
	uint32_t words, word_room;
	uint32_t *watch;                        /* by literal: first clause */
	uint32_t *units, unit_count, unit_room; /* literals that are to be assigned without a reason */
	uint32_t empty_txn;                     /* of a read that has no candidate, or NONE */
	bool contradiction;                     /* there is an empty clause */

	uint8_t *is;                            /* by variable: 0 open, 1 true, 2 false */
	bool *seen;                             /* while learning */
	uint32_t *level_of, *reason;            /* level 0: for good */
	uint32_t *trail, *trail_added;          /* literals; edges there were before its own */
	uint32_t trailed, looked, edged;        /* of the trail: length, seen by clauses, seen by the order */
	struct level *level;
	uint32_t levels;
	uint32_t *turn, turned;                 /* variables in the order of decisions; how many are past */
	uint32_t *conflict, conflicting;        /* literals, all of them false */
	uint64_t work;

	struct added *added;
	uint32_t added_count, added_room;
	uint32_t *added_first, *added_in;       /* by node: added edges from it, to it */

	uint64_t *rank;                         /* by node: the order as it is now */
	uint32_t *before, *after;
	uint32_t *in_start, *in_from, in_edges; /* the graph's edges by where they lead */
	uint32_t *queue, *came_from, *came_by;  /* search: nodes; by node the one before, and its edge's literal */
	uint32_t *mark, marks;
	uint32_t meet_ahead, meet_behind, meet_by;
	struct sorted *moved;
	uint32_t moved_room;
};

enum stage {
	STAGE_KEYS, STAGE_SCAN, STAGE_LISTS, STAGE_HAPPENED, STAGE_CANDIDATES, STAGE_SETTLE, STAGE_EDGES,
	STAGE_TIME, STAGE_GRAPH, STAGE_CYCLE, STAGE_DUE,
	STAGE_SOLVER, STAGE_ORDERS, STAGE_ABSENT, STAGE_READS, STAGE_TURNS, STAGE_SOLVE, STAGE_ORDER,
	STAGE_YES, STAGE_NO, STAGE_NO_MEMORY, STAGE_UNDECIDED,
};

struct shrink;

struct serial {
	struct memory own, *memory;
	const struct serial_txn *all;
	const struct serial *whole;             /* of a part */
	const uint32_t *member;                 /* of a part: its transactions in `all` */
	uint32_t txns;
	enum stage stage;
	uint32_t next;                          /* where the stage goes on */

	struct lookup key_index, value_index;
	struct key *keys;
	struct value *values;
	struct write *writes;
	struct read *reads;
	struct list *lists;
	uint32_t key_count, value_count, write_count, read_count, list_count;
	uint32_t key_room, value_room, write_room, read_room, list_room;
	uint8_t *life;                          /* enum life, by transaction */
	uint32_t *first_read;                   /* by transaction */
	uint32_t *work, works;                  /* transactions whose reads are to be followed */
	uint32_t *candidates, candidate_count, candidate_room;  /* writes, or READ_OF_INIT */

	struct block *blocks;
	uint32_t block_count, block_room;
	uint32_t *by_start, by_starts;          /* blocks of each key, by their start */
	uint64_t *latest_end;                   /* by place there: of those up to it that end */
	uint32_t *endless;                      /* at the same places */
	struct edges edges;
	struct graph graph;
	struct solver solver;

	struct serial_step *steps;
	uint32_t step_count, step_room;
	uint32_t *members, member_count, member_room;
	uint32_t *order, order_count;
	struct shrink *shrink;
	struct serial_figures figures;
};

static inline uint32_t txn_number(const struct serial *s, uint32_t txn)
{
	return s->member ? s->member[txn] : txn;
}

static inline const struct serial_txn *txn_at(const struct serial *s, uint32_t txn)
{
	return &s->all[txn_number(s, txn)];
}

/* What is not certain may happen at any time after its call. */
static inline uint64_t txn_end(const struct serial *s, uint32_t txn)
{
	return txn_at(s, txn)->certain ? txn_at(s, txn)->returned : SERIAL_NEVER;
}

/* Functions that return bool: false is no memory. */
#define CHECKED __attribute__((warn_unused_result))

/* serial.c; serial_clear keeps what shrinking needs of a whole. */
void serial_clear(struct serial *);
CHECKED bool step_add(struct serial *, uint32_t txn, enum serial_why, uint32_t key, uint32_t value);
struct serial *serial_new_part(const struct serial *whole, struct memory *, const uint32_t *member, uint32_t count);

/* scan.c: the next transaction. */
CHECKED bool scan_keys(struct serial *, uint32_t txn);
CHECKED bool scan_txn(struct serial *, uint32_t txn);
uint32_t value_find(const struct serial *, uint32_t key, uint32_t number);

/* lists.c: of a key. */
CHECKED bool lists_compare(struct serial *, uint32_t key);
CHECKED bool lists_edges(struct serial *, uint32_t key);

/* registers.c: of a transaction; of a key. */
bool read_fits(enum serial_kind, uint32_t expected, uint32_t number);
CHECKED bool registers_happened(struct serial *, uint32_t txn);
CHECKED bool registers_candidates(struct serial *, uint32_t key);
CHECKED bool registers_settle(struct serial *, uint32_t txn);

/* blocks.c: of a key. */
CHECKED bool blocks_edges(struct serial *, uint32_t key);
/* The first of the key's blocks, by their start, that starts after that time. */
uint32_t blocks_after(const struct serial *, const struct key *, uint64_t time);
/* Surely before, by real time (or as the one of the beginning). */
bool block_before(const struct block *, const struct block *);

/* graph.c */
uint32_t node_add(struct serial *);
CHECKED bool edge_add(struct serial *, uint32_t from, uint32_t to, enum serial_why, uint32_t write);
CHECKED bool graph_time(struct serial *);
CHECKED bool graph_make(struct serial *);               /* is it cyclic? */
CHECKED bool graph_order(struct serial *);
/* Back to edges, the nodes stay. */
CHECKED bool graph_unmake(struct serial *);
void graph_release(struct serial *);

/* choices.c: who is awake at first; then of a key; of a transaction. */
void choices_awake(struct serial *);
CHECKED bool choices_orders(struct serial *, uint32_t key);
CHECKED bool choices_absent(struct serial *, uint32_t txn);
CHECKED bool choices_reads(struct serial *, uint32_t txn);
/* What the reads that ask for more may also be of; false in `any` if none asks. */
CHECKED bool choices_more(struct serial *, bool *any);
/* At most two. */
uint32_t choice_edges(const struct serial *, uint32_t literal, struct edge edge[2]);
uint32_t block_begin(const struct serial *, uint32_t block);    /* node */

/* clauses.c */
CHECKED bool clause_add(struct solver *, struct memory *, const uint32_t *literal, uint32_t count, uint32_t *offset);
/* 0 open, 1 true, 2 false */
static inline uint8_t literal_is(const struct solver *v, uint32_t literal)
{
	uint8_t is = v->is[literal / 2];

	return is && literal % 2 ? 3 - is : is;
}
void literal_assign(struct solver *, uint32_t literal, uint32_t reason, uint32_t level);
/* The conflict's literal that was assigned last, but for the first, to place 1; its level. */
uint32_t clause_turn(struct solver *);
/* False: a conflict. */
bool clauses_propagate(struct solver *);
/* From a conflict; false in `open` if there is none left to try. */
CHECKED bool clauses_learn(struct serial *, bool *open);
void level_new(struct solver *, uint32_t turn);
/* Back to what is for good. */
void clauses_restart(struct solver *);

/* order.c: from the graph's order, and back. */
enum insertion { INSERT_DONE, INSERT_CYCLE, INSERT_NO_MEMORY };
void order_begin(struct serial *);
void order_end(struct serial *);
enum insertion order_insert(struct serial *, const struct edge *, uint32_t literal);
void order_take_back(struct solver *, uint32_t added);
/* Is there a path?  Its literals, or those of the cycle that was found last, are then order_path's. */
bool order_reaches(struct serial *, uint32_t from, uint32_t to);
uint32_t order_path(const struct solver *, uint32_t *literal);

/* variables.c: room for one more variable; and what is by node. */
CHECKED bool variables_widen(struct serial *);
CHECKED bool solver_arrays(struct serial *);
void solver_release(struct serial *);

/* solve.c */
CHECKED bool solver_begin(struct serial *);
CHECKED bool solver_turns(struct serial *);
CHECKED bool solver_run(struct serial *, uint64_t *steps);
/* All that follows from what is assigned; false in `fits` on a conflict. */
CHECKED bool solver_propagate(struct serial *, bool *fits);
/* Of a small part: what single choices that make a cycle say of the others; an explanation if that contradicts. */
CHECKED bool solver_infer(struct serial *);

/* shrink.c */
enum {
	PART_SMALL = 64,                        /* of so many transactions it is asked how plain it can be */
	PART_TIMED = 4096,                      /* and of so many, when those outside of it were */
};
void shrink_release(struct serial *);

/* result.c: who took effect, in the graph's order. */
CHECKED bool order_make(struct serial *);

/* cycle.c: the best cycle there is, into the steps. */
CHECKED bool cycle_find(struct serial *);

#endif

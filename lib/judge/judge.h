/*
 * judge: a history's keys, or its transactions, through the checkers: several at once, until time or memory are used up; and
 * what came out of it, for people and as JSON.
 *
 * Keys with few operations come first, so that a quick no comes early; which key is told does not depend on how many are
 * judged at once.
 *
 * Ownership: the history is the caller's and is needed until judge_release.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "lib/history/history.h"

#include <stdio.h>

enum { JUDGE_JOBS_MAX = 256 };

enum judge_verdict { JUDGE_YES, JUDGE_NO, JUDGE_UNKNOWN };

/* What there was not enough of. */
enum judge_lack { JUDGE_NOTHING, JUDGE_TIME, JUDGE_MEMORY, JUDGE_ORDERS };

struct judge_options {
	uint64_t deadline_ns;           /* of the monotonic clock; 0: none */
	size_t memory_max;              /* of the history and all that judges it; 0: no limit */
	unsigned jobs;                  /* keys at once, 1 to JUDGE_JOBS_MAX: each has its share of the memory */
	bool all;                       /* go on after the first key that is not right */
	bool want_order;
	bool one_key;
	uint32_t key;                   /* that one */
	void (*progress)(uint32_t done, uint32_t keys);         /* now and then; NULL: nobody wants to know */
};

/* Of a key, or (steps != 0) of the transactions. */
struct judge_contradiction {
	uint32_t key;
	uint32_t *member;               /* indexes into the key's operations, or the transactions; in the order of calls */
	uint32_t members;
	struct serial_step *step;
	uint32_t steps;
	bool least;                     /* none of the members can be left out; else there was not enough time or memory */
	bool any_time;                  /* others may happen at any time; else from their call to their return (lib/lin/lin.h) */
};

struct judge_order {
	uint32_t key;
	uint32_t *at;                   /* indexes as above, in the order in which they took effect */
	uint32_t count;
};

struct judge_figures {
	uint64_t steps;
	uint64_t configurations_max;    /* of a key, kept at once */
	uint32_t unique, searched;      /* keys, by the way they were decided */
	size_t bytes_max;               /* of history and checkers at once */
};

struct judgement {
	enum judge_verdict verdict;
	enum judge_lack lack;           /* of JUDGE_UNKNOWN */
	uint32_t keys, keys_unknown;    /* that were to be judged; of them, those that were not decided */
	uint64_t operations;            /* of these keys; or transactions */
	struct judge_contradiction *contradiction;
	uint32_t contradictions;
	struct judge_order *order;      /* of each key, or one of the transactions; after JUDGE_YES, with want_order */
	uint32_t orders;
	struct judge_figures figures;
};

/* The history has ended. */
void judge(struct judgement *, const struct history *, const struct judge_options *);
void judge_release(struct judgement *);

/* Nanoseconds of the monotonic clock. */
uint64_t judge_clock_ns(void);

/* --- What came out of it --- */

struct judge_source {
	const struct history *history;
	const char *name;               /* of the file; NULL: there is one alone */
};

/* A verdict in words, with the operations of a contradiction. */
void judge_tell(FILE *, const struct judge_source *, const struct judgement *);
/* A JSON object and a newline; seconds, and how it was decided, if `stats`. */
void judge_json(FILE *, const struct judge_source *, const struct judgement *, bool stats, double seconds);
/* The same figures for people. */
void judge_tell_stats(FILE *, const struct judge_source *, const struct judgement *, double seconds);
/* One sentence why it cannot be, allocated. */
char *judge_why(const struct history *, const struct judge_contradiction *);
/* The order of the operations that took effect, one JSON object a line. */
void judge_put_order(FILE *, const struct history *, const struct judgement *);
/* The contradiction as a picture. */
void judge_draw(FILE *, const struct history *, const struct judge_contradiction *);

#endif

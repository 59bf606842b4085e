/*
 * lin: is a history of one key linearizable?  Pure.
 *
 * "Each operation appears to take effect instantaneously at some point between its invocation and its response"
 * (Herlihy and Wing, "Linearizability", 1990).  The object is one key of a store: it is missing at first, and is read,
 * written, compared-and-set and deleted.  That it was missing, or was another value, is an observation that must fit.
 *
 * Two ways, chosen by lin_new:
 *   unique     no value that is seen is written twice: polynomial, by the zones of each value (Gibbons and Korach, "Testing
 *              shared memories", 1997).  It leaves to search what surely deletes, and is not wrong by its values alone; and a
 *              cas that found another value, where the first order of the values does not fit it
 *   search     just-in-time linearization (Lowe, "Testing for linearizability", 2017): configurations are kept only between two
 *              events, so memory follows the concurrency and not the length.  Operations of unknown outcome are pooled: a
 *              configuration knows how many of each kind it spent, and one that spent less, else the same, stands for
 *              the one that spent more.  At first few configurations are kept, those that spent least: that finds an
 *              order soon if there are many.  If it finds none more are kept, and in the end all that there are.
 *
 * Time is not known here: lin_run does a bounded number of steps and is called again.  Memory is counted, all of it.
 *
 * A history that is linearizable has an order: the operations that took effect, in order; those of unknown outcome that are
 * not in it never did.  One that is not has a contradiction: a set of operations, none of which can be left out, that no order
 * fits, even if every operation outside the set is allowed to happen any number of times, or never, and to have seen
 * anything: at any time at all, if `unique` decided; else from its call to its return (where a value is written again and
 * again, all its writes ever would else have to be in the set).  What changed nothing (LIN_NO_KEY, LIN_OTHER_VALUE) never writes.
 *
 * Ownership: the operations are the caller's, stay where they are until lin_free, and are not changed; results are the
 * checker's, until lin_free.
 */
#ifndef LIN_LIN_H
#define LIN_LIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIN_NEVER UINT64_MAX
enum { LIN_MISSING = 0 };                       /* the value of a key that is not there */
#define LIN_OPS_MAX (UINT32_C(1) << 31)

enum lin_kind { LIN_READ, LIN_WRITE, LIN_CAS, LIN_DELETE };

enum lin_outcome {
	LIN_OK,                         /* a read: of `value`, LIN_MISSING where the store said that there is no such key */
	LIN_NO_KEY,                     /* a cas or delete that changed nothing: the key was missing */
	LIN_OTHER_VALUE,                /* a cas that changed nothing: the key was there, with another value than `from` */
	LIN_UNKNOWN,                    /* happened at any time after its call, or not at all; a cas or delete may also have
					   found what it could not change */
};

/* Values are numbers that the caller gave them: equal numbers are equal values. */
struct lin_op {
	enum lin_kind kind;
	enum lin_outcome outcome;
	bool create;                    /* a cas that writes `value` where the key is missing, too (create_if_not_exists) */
	uint32_t value;                 /* read or written; of a cas, `to` */
	uint32_t from;                  /* of a cas */
	uint64_t called, returned;      /* places in the history, each of its own; LIN_NEVER if unknown */
};

struct lin_options {
	size_t memory_max;              /* bytes, of all that the checker allocates; 0: no limit */
	bool want_order;                /* else lin_order is not to be asked */
	bool search_only;               /* never `unique`: for tests that compare the two */
	uint32_t width;                 /* how many configurations are kept at first; 0: as is good */
};

enum lin_state {
	LIN_AGAIN,                      /* not decided yet: call again */
	LIN_YES, LIN_NO,
	LIN_NO_MEMORY,                  /* the limit was met, or there is no more: not decided */
};

struct lin;

/* NULL if memory_max, or what there is, does not do to begin.  Operations are in any order. */
struct lin *lin_new(const struct lin_op *, uint32_t count, const struct lin_options *);
void lin_free(struct lin *);

/* Goes on for about so many steps, each of them well below a microsecond. */
enum lin_state lin_run(struct lin *, uint64_t steps);

/* After LIN_YES, with want_order: indexes into the operations, in the order in which they took effect. */
const uint32_t *lin_order(const struct lin *, uint32_t *count);

/* After LIN_NO: that something is wrong shows at this operation's return at the latest. */
uint32_t lin_culprit(const struct lin *);

/*
 * After LIN_NO, the contradiction: goes on for so many steps; LIN_NO once it is found, LIN_AGAIN before.  Indexes in the order of
 * calls.  Until then, and after LIN_NO_MEMORY, what is known to contradict, though it may not be the least.
 */
enum lin_state lin_contradict(struct lin *, uint64_t steps);
const uint32_t *lin_contradiction(const struct lin *, uint32_t *count);

struct lin_figures {
	bool unique;                    /* decided the first way: what contradicts does so whenever the others happen */
	uint64_t steps;
	uint64_t configurations_max;    /* kept at once */
	size_t bytes_max;               /* allocated at once */
};
struct lin_figures lin_figures(const struct lin *);

#endif

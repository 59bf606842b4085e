/*
 * serial: is a history of transactions strictly serializable?  Pure.
 *
 * Transactions read, write (registers) and append (lists) over several keys; there must be one order of all of them, in which
 * each sees what those before it left, and one that ended before another began comes first.  As Elle does (Kingsbury and
 * Alvaro, 2020): what was read tells which versions of a key came after each other (of a list all of them; of a register
 * those that a transaction replaced what it read, and those that real time orders);
 * then every transaction depends on others by
 *
 *     wr   it read what that one wrote                rw   that one overwrote what it read (an anti-dependency)
 *     ww   it overwrote what that one wrote           rt   that one ended before it began
 *
 * and a cycle is a contradiction.  No cycle is not enough for registers, where not all versions are ordered and a value may
 * have several writers: then orders are tried (a polygraph: Papadimitriou, 1979; conflicts are learnt from), until one
 * fits, none is left (a contradiction too), or steps or memory run out.
 *
 * Besides cycles: a read of what was never written or surely did not happen (G1a), of a state in the midst of a transaction
 * (G1b), of a list that is not the beginning of the longest (incompatible order), of a value twice; a transaction
 * that does not see its own writes.
 *
 * Time is not known here: serial_run does a bounded number of steps.  Memory is counted, all of it.
 * Ownership: as lib/lin/lin.h.
 *
 * How operations of a store become transactions of one or two micro-operations:
 *
 *     read ok                 READ value                      read, cas or delete: 20      READ missing
 *     write                   WRITE value                     cas: 22                      READ_OTHER from
 *     cas ok                  READ from, WRITE to             delete ok                    READ_OTHER missing, WRITE missing
 *     cas ok, create          READ_OR_MISSING from, WRITE to
 *
 * and the same, not certain, where the outcome is unknown (a cas or delete that changed nothing need not have been).
 *
 * What the caller sees to, and asserts here hold it to:
 *     - a key is a register (WRITE) or a list (APPEND), not both; of a list, READ of missing is READ_LIST of none, and the other
 *       way round of a register;
 *     - a value is appended to a key once at most.  A register's value may be written by any number of transactions;
 *     - a list read (READ_LIST) in a transaction that is not certain is `unknown`.
 */
#ifndef SERIAL_SERIAL_H
#define SERIAL_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_NEVER UINT64_MAX
enum { SERIAL_MISSING = 0 };                    /* the value of a register that is not there; an empty list is one of no values */

enum serial_kind {
	SERIAL_READ, SERIAL_READ_LIST, SERIAL_WRITE, SERIAL_APPEND,
	SERIAL_READ_OTHER,              /* the register was there, and was not `value`; of SERIAL_MISSING: it was there */
	SERIAL_READ_OR_MISSING,         /* the register was `value`, or was not there */
};

/* Keys and values are numbers that the caller gave them. */
struct serial_micro {
	enum serial_kind kind;
	uint32_t key;
	uint32_t value;                 /* read, written, appended */
	const uint32_t *list;           /* READ_LIST: `count` values; lists that begin alike may, and had better, share memory */
	uint32_t count;
	bool unknown;                   /* a read whose result is not known */
};

struct serial_txn {
	const struct serial_micro *micro;
	uint32_t count;
	bool certain;                   /* it happened; else it may have, at any time after its call, if it read as it says */
	uint64_t called, returned;      /* places in the history; SERIAL_NEVER if it is not known when it ended */
};

struct serial_options {
	size_t memory_max;              /* bytes; 0: no limit */
};

enum serial_state {
	SERIAL_AGAIN,                   /* not decided yet: call again */
	SERIAL_YES, SERIAL_NO,
	SERIAL_NO_MEMORY,               /* the limit was met, or there is no more: not decided */
	SERIAL_UNDECIDED,               /* SERIAL_CONFLICTS_MAX orders were tried in vain, or it is too large (SERIAL_MICROS_MAX) */
};

#define SERIAL_MICROS_MAX (UINT32_C(1) << 28)
#define SERIAL_CONFLICTS_MAX (UINT32_C(1) << 24)

enum serial_why {
	SERIAL_WR, SERIAL_WW, SERIAL_RW, SERIAL_RT,     /* of the next in the cycle on this one */
	SERIAL_SAW_NOTHING_WRITTEN,     /* value: nobody wrote it, or who did surely failed (G1a); of READ_OTHER: nobody
					   wrote another */
	SERIAL_SAW_MIDST,               /* value: the next step's transaction wrote it, and another after it (G1b) */
	SERIAL_SAW_TWICE,               /* value: twice in a list */
	SERIAL_SAW_OTHER_ORDER,         /* value: where its list is not as that of the other step, or as the other step appended */
	SERIAL_SAW_ITS_FUTURE,          /* value: what it wrote itself only later */
	SERIAL_MISSED_ITS_OWN,          /* value: not what it had written itself before */
	SERIAL_WAS_SEEN,                /* the other transaction of a step above: value is what it wrote, or saw */
	SERIAL_NO_ORDER,                /* all orders of the versions were tried; the members are those that none of can go */
};

/*
 * One step of the contradiction: the transaction, why the next one (the first after the last) must come after it, and of what.
 * value: WR, what the next one read; WW and RW, what the next one wrote, over what this one wrote or read.
 */
struct serial_step {
	uint32_t txn;
	enum serial_why why;
	uint32_t key, value;            /* not of SERIAL_RT and SERIAL_NO_ORDER */
};

struct serial;

/* NULL if memory_max, or what there is, does not do to begin.  Transactions are in any order. */
struct serial *serial_new(const struct serial_txn *, uint32_t count, const struct serial_options *);
void serial_free(struct serial *);

/* Goes on for about so many steps, each of them well below a microsecond. */
enum serial_state serial_run(struct serial *, uint64_t steps);

/* After YES: indexes of all that took effect, in a serial order. */
const uint32_t *serial_order(const struct serial *, uint32_t *count);

/*
 * After NO, the contradiction: goes on for so many steps; SERIAL_NO once it is found, SERIAL_AGAIN before.  Until then, and after
 * NO_MEMORY, there may be no steps and members, or more than need be.
 */
enum serial_state serial_contradict(struct serial *, uint64_t steps);
/* A short cycle, or what was seen that cannot be. */
const struct serial_step *serial_contradiction(const struct serial *, uint32_t *count);
/*
 * All that it rests on, in the order of calls: the steps' transactions, and those that tell the order of the versions.  No order
 * fits these alone, even if every transaction outside is allowed to write what it wrote at any time that real time leaves it,
 * any number of times, or never.  None of them can be left out: an order fits the others, or they contradict less plainly (first what
 * is no cycle, then cycles in the order of the names below, those with rt last, then no-order).
 */
const uint32_t *serial_members(const struct serial *, uint32_t *count);

/*
 * The name of a contradiction (Adya, 1999; Elle): G0, G1a, G1b, G1c, G-single, G2, of a cycle with "-realtime" if it has an rt
 * step; or incompatible-order, duplicate-elements, future-read, internal, no-order.
 */
const char *serial_anomaly(const struct serial_step *, uint32_t count);

struct serial_figures {
	uint64_t steps, conflicts;      /* conflicts: orders given up */
	size_t bytes_max;               /* allocated at once */
};
struct serial_figures serial_figures(const struct serial *);

#endif

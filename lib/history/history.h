/*
 * history: what clients did, read from JSON lines (faultline-history(5)) and taken apart by key for the checkers.
 *
 *     {"process":3,"type":"invoke","f":"cas","key":"x","value":[1,2],"time":NANOSECONDS}
 *     {"process":3,"type":"ok",...}           or fail, or info; or none: as info
 *
 * A process has one operation under way; after an info it never begins another.  An error's `code` 20 or 22 on a fail is an
 * observation.  Other members are kept out of it.  Keys and values are any JSON, equal if they mean the same.
 *
 * Lines are fed one by one, so that a history of any length is read in one pass; what is kept of an operation
 * is some tens of bytes.  Errors are for people: what is wrong with the line, without its number.
 *
 * Ownership: lines are the caller's and not kept; all that is given is the history's, until history_free.  Once it has ended,
 * threads may read it at the same time.
 */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include "lib/lin/lin.h"
#include "lib/serial/serial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HISTORY_LINE_BYTES_MAX = 16 << 20,
	HISTORY_PROBLEM_BYTES = 160,
};
#define HISTORY_LINES_MAX (UINT32_MAX - 1)

struct history;

/* memory_max: bytes of all that is kept, 0 for no limit. */
struct history *history_new(size_t memory_max);
void history_free(struct history *);

/* 0; or -1, and `problem` says what is wrong with the line; or -2: memory. */
__attribute__((warn_unused_result))
int history_feed(struct history *, const char *line, size_t len, char problem[HISTORY_PROBLEM_BYTES]);
/* No line follows: what is open is unknown. */
__attribute__((warn_unused_result))
int history_end(struct history *, char problem[HISTORY_PROBLEM_BYTES]);

/* Are there transactions?  Then the whole is one history for lib/serial; else each key is one for lib/lin. */
bool history_has_transactions(const struct history *);

size_t history_keys(const struct history *);
/* JSON text of a key and of a value; "null" of a missing one. */
const char *history_key(const struct history *, uint32_t key);
const char *history_value(const struct history *, uint32_t value);

/* The key that means the same as the JSON text; false if no line has it. */
bool history_find_key(const struct history *, const char *json, size_t len, uint32_t *key);

/*
 * The operations of a key, in the order of calls, reads of unknown outcome and what surely did not happen left out; called and
 * returned are line numbers from 1.  None of a history that has transactions: there they are transactions, too.
 */
const struct lin_op *history_ops(const struct history *, uint32_t key, uint32_t *count);
const struct serial_txn *history_transactions(const struct history *, uint32_t *count);

/* The process as JSON text: of an operation that history_ops gave, and of a transaction. */
const char *history_process(const struct history *, const struct lin_op *);
const char *history_transaction_process(const struct history *, uint32_t transaction);

struct history_counts {
	uint64_t lines;
	uint64_t begun;                 /* operations */
	uint64_t kept;                  /* of them: those that a checker is given */
	uint64_t unknown;               /* of them: it is not known whether they happened */
	uint64_t ignored;               /* lines of others than clients */
};
struct history_counts history_counts(const struct history *);
/* Bytes that are kept. */
size_t history_bytes(const struct history *);

#endif
